"""HTTP of jobs: asked for, watched, stopped and taken up again. Nothing here starts a process: events do."""

from __future__ import annotations

import json
import threading
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Query
from fastapi.responses import FileResponse, StreamingResponse
from pydantic import Field
from starlette.types import Message, Receive, Scope, Send

from anima.kernel import http
from anima.kernel.http import Items
from anima.training import (
    answers_api,
    capacity_service,
    configuration_service,
    jobs_service,
    live_service,
    measured_service,
)
from anima.training.model import OWN, Job, Kind, Status

router = APIRouter(tags=["jobs"])


def _told(one: Job) -> dict[str, Any]:
    hidden = {"handle", "execution", "check_at", "owner_id", "model_name", "model_version"}
    told = {name: getattr(one, name) for name in Job.__slots__ if name not in hidden}
    model = None
    if one.model_id is not None and one.model_name is not None:
        model = {"model_id": one.model_id, "name": one.model_name, "version": one.model_version}
    progress = {name: value for name, value in one.progress.items() if name not in OWN}
    return {
        **told,
        "attempt": jobs_service.attempt(one),
        "most_attempts": jobs_service.MOST_ATTEMPTS,
        "progress": progress,
        "registered_model": model,
        "label": configuration_service.label(jobs_service.simulation_of(one)),
    }


@router.get(
    "/jobs",
    summary="Jobs",
    response_model=Items[answers_api.JobAnswer],
    responses={**http.example({"items": [answers_api.JOB], "next_cursor": None}), **http.problems()},
)
def list_jobs(
    caller: http.Caller,
    status: Annotated[Status | None, Query(description="Only those in this state")] = None,
    kind: Annotated[Kind | None, Query(description="Only those of this kind")] = None,
    cursor: http.PageCursor = None,
    limit: http.PageLimit = 50,
) -> Any:
    """The newest first."""
    page = jobs_service.page(caller, cursor, limit, status=status, kind=kind)
    return {"items": [_told(one) for one in page.items], "next_cursor": page.next_cursor}


@router.post(
    "/jobs",
    status_code=202,
    summary="Ask for a job",
    response_model=answers_api.JobAnswer,
    responses={**http.example(answers_api.JOB, 202), **http.problems(403, 409)},
)
def create_job(caller: http.Caller, body: answers_api.NewJob) -> Any:
    """It is begun as soon as there is room for it. What is wrong with a simulation is told with its path."""
    jobs_service.check_may_start(caller)
    kind = configuration_service.kind_of(body.kind, body.simulation, body.batch)
    chosen: dict[str, Any] = body.model_dump(include={"name", "backend", "gpus", "spot", "source"})
    if kind == "simulation" and body.simulation is not None:
        new = configuration_service.new_simulation(body.simulation, **chosen)
    else:
        new = configuration_service.new_batch(caller, body.batch or {}, **chosen)
    return _told(jobs_service.create(caller, new))


@router.get(
    "/jobs/ready",
    summary="Ready simulations",
    response_model=Items[answers_api.ReadySimulation],
    responses={
        **http.example(
            {
                "items": [{"name": "cartpole", "title": "CartPole", "simulation": {"environment": {}}}],
                "next_cursor": None,
            }
        ),
        **http.problems(),
    },
)
def list_ready(_caller: http.Caller) -> Any:
    """Those that came with this code, each of which can be given by its name."""
    return {"items": configuration_service.all_ready(), "next_cursor": None}


@router.get(
    "/jobs/schema",
    summary="JSON Schema of a simulation",
    response_model=dict[str, Any],
    responses={**http.example({"type": "object", "properties": {}}), **http.problems()},
)
def get_schema(_caller: http.Caller) -> Any:
    """What a simulation may say."""
    return configuration_service.schema()


@router.get(
    "/jobs/capacity",
    summary="Room for jobs",
    response_model=answers_api.Capacity,
    responses={
        **http.example(
            {
                "gpus": 1,
                "gpus_free": 0,
                "processes": 2,
                "processes_free": 1,
                "waiting": 0,
                "backends": ["local"],
            }
        ),
        **http.problems(),
    },
)
def get_capacity(caller: http.Caller) -> Any:
    """GPUs that are lent out, and jobs at a time on this machine."""
    return capacity_service.capacity(caller)


@router.get(
    "/jobs/{job_id}",
    summary="A job",
    response_model=answers_api.JobAnswer,
    responses={**http.example(answers_api.JOB), **http.problems(404)},
)
def get_job(caller: http.Caller, job_id: uuid.UUID) -> Any:
    """How far it is, what it waits for, and why it failed."""
    return _told(jobs_service.get(caller, job_id))


@router.post(
    "/jobs/{job_id}/cancel",
    status_code=202,
    summary="End a job",
    response_model=answers_api.JobAnswer,
    responses={**http.example({**answers_api.JOB, "status": "stopping"}, 202), **http.problems(404, 409)},
)
def cancel_job(caller: http.Caller, job_id: uuid.UUID) -> Any:
    """For good; its checkpoints stay. Ended twice, it is the same."""
    return _told(jobs_service.cancel(caller, job_id))


@router.post(
    "/jobs/{job_id}/pause",
    status_code=202,
    summary="Stop a job for now",
    response_model=answers_api.JobAnswer,
    responses={**http.example({**answers_api.JOB, "status": "stopping"}, 202), **http.problems(404, 409)},
)
def pause_job(caller: http.Caller, job_id: uuid.UUID) -> Any:
    """It writes a checkpoint, gives back what was lent to it, and goes on from there when it is resumed."""
    return _told(jobs_service.pause(caller, job_id))


@router.post(
    "/jobs/{job_id}/resume",
    status_code=202,
    summary="Have a job go on",
    response_model=answers_api.JobAnswer,
    responses={**http.example({**answers_api.JOB, "status": "queued"}, 202), **http.problems(403, 404, 409)},
)
def resume_job(caller: http.Caller, job_id: uuid.UUID) -> Any:
    """One that is paused or has failed, from its last checkpoint."""
    return _told(jobs_service.resume(caller, job_id))


@router.delete(
    "/jobs/{job_id}",
    status_code=204,
    summary="Delete a job",
    responses={**http.problems(404, 409)},
)
def delete_job(caller: http.Caller, job_id: uuid.UUID) -> None:
    """One that does not run, with its folder. Its run and its model stay."""
    jobs_service.remove(caller, job_id)


@router.get(
    "/jobs/{job_id}/metrics",
    summary="What a job measured",
    response_model=answers_api.JobMetrics,
    responses={
        **http.example({"job_id": answers_api.ID, "run_id": answers_api.ID, "series": [answers_api.SERIES]}),
        **http.problems(404),
    },
)
def get_job_metrics(
    caller: http.Caller,
    job_id: uuid.UUID,
    name: Annotated[
        list[Annotated[str, Field(min_length=1, max_length=200)]],
        Query(max_length=50, description="Only metrics of these names"),
    ] = [],  # noqa: B006
    points: Annotated[int, Query(ge=1, le=2000, description="Into so many buckets of each metric at most")] = 200,
) -> Any:
    """As those of its run: of more than 20 metrics only those have buckets that `name` asks for."""
    run_id, series = measured_service.measured(caller, job_id, name, points)
    return {"job_id": job_id, "run_id": run_id, "series": series}


@router.get(
    "/jobs/{job_id}/logs",
    summary="What a job wrote",
    response_model=Items[answers_api.LogLine],
    responses={
        **http.example({"items": [{"seq": 1, "at": answers_api.TIME, "line": "begun"}], "next_cursor": None}),
        **http.problems(404),
    },
)
def get_job_logs(
    caller: http.Caller,
    job_id: uuid.UUID,
    after: Annotated[int, Query(ge=0, lt=2**63, description="Only lines after the one of this number")] = 0,
    limit: http.PageLimit = 200,
    cursor: http.PageCursor = None,
) -> Any:
    """Its last lines, without heartbeats and control characters; page by page from the oldest that is kept."""
    found = jobs_service.logs(caller, job_id, after, limit, cursor)
    return {"items": found.items, "next_cursor": found.next_cursor}


@router.get(
    "/jobs/{job_id}/difference",
    summary="In what two jobs differ",
    response_model=Items[answers_api.Different],
    responses={
        **http.example({"items": [{"path": "rl_plugin.batch_size", "a": 32, "b": 64}], "next_cursor": None}),
        **http.problems(404),
    },
)
def get_difference(
    caller: http.Caller,
    job_id: uuid.UUID,
    other_job_id: Annotated[uuid.UUID, Query(alias="with", description="The other job")],
) -> Any:
    """The places in which their configurations differ."""
    a, b = jobs_service.get(caller, job_id), jobs_service.get(caller, other_job_id)
    found = configuration_service.difference(a.configuration, b.configuration)
    items = [{"path": path.removeprefix("simulation."), "a": one, "b": other} for path, one, other in found]
    return {"items": items, "next_cursor": None}


class _Streamed(StreamingResponse):
    """Says when nobody listens any more: an iterator itself is not told."""

    def __init__(self, content: Iterator[str], gone: threading.Event) -> None:
        headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        super().__init__(content, headers=headers, media_type="text/event-stream")
        self._gone = gone

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def heard() -> Message:
            message = await receive()
            if message["type"] == "http.disconnect":  # before the answer is over: its thread waits for the next sample
                self._gone.set()
            return message

        try:
            await super().__call__(scope, heard, send)
        finally:
            self._gone.set()


class _Passing(FileResponse):
    """A file that was made for one answer, and goes with it, however that ends."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            Path(self.path).unlink(missing_ok=True)


_LIVE = 'event: sample\ndata: {"t": 1.2, "step": 1200, "return": 42.0}\n\nevent: end\ndata: {"status": "completed"}\n\n'


@router.get(
    "/jobs/{job_id}/live",
    summary="A job while it runs",
    response_class=StreamingResponse,
    responses={
        200: {"content": {"text/event-stream": {"schema": {"type": "string"}, "example": _LIVE}}},
        **http.problems(404),
    },
)
def watch_job(caller: http.Caller, job_id: uuid.UUID) -> Any:
    """Server-sent events: `sample` up to ten times a second, and `end` when the job has. Begins with the last samples,
    and is cut after some minutes: ask again.
    """
    gone = threading.Event()
    samples = live_service.samples(caller, job_id, gone)
    events = (f"event: {one.event}\ndata: {json.dumps(one.data)}\n\n" for one in samples)
    return _Streamed(events, gone)


@router.get(
    "/jobs/{job_id}/trajectory",
    summary="The record of a job's steps",
    response_class=FileResponse,
    responses={
        200: {
            "content": {
                "application/octet-stream": {
                    "schema": {"type": "string", "format": "binary"},
                    "example": "(the bytes of the file)",
                }
            }
        },
        **http.problems(404, 413),
    },
)
def get_trajectory(caller: http.Caller, job_id: uuid.UUID) -> Any:
    """A file of Parquet or CSV; an archive of several where the job has written several."""
    path, ours = live_service.trajectory(caller, job_id)
    if ours:
        return _Passing(path, filename=f"trajectory-{job_id}.zip", media_type="application/octet-stream")
    return FileResponse(path, filename=path.name, media_type="application/octet-stream")


@router.get(
    "/jobs/{job_id}/answers",
    summary="What a batch inference answered",
    response_class=FileResponse,
    responses={
        200: {"content": {"application/x-ndjson": {"schema": {"type": "string"}, "example": '{"id": "1"}\n'}}},
        **http.problems(404),
    },
)
def get_answers(caller: http.Caller, job_id: uuid.UUID) -> Any:
    """Lines of JSON, one for each id."""
    path, name = live_service.answers(caller, job_id)
    return FileResponse(path, filename=name, media_type="application/x-ndjson")

"""Jobs over HTTP, as the console and the command line ask for them; and one that really trains, from order to model."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import threading
from typing import TYPE_CHECKING, Any

import anyio
import pytest

from anima.kernel import clock, config, db
from anima.registry import checkpoint_service, parts_service
from anima.training import api, jobs_service, logs_repo, run_service
from anima.vendors.job_backends import scripts
from fixtures.coroutines import awaited

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from fixtures.api import MakeUser, Person
    from fixtures.jobs import Jobs

TINY = {
    "global_settings": {"max_steps": 900, "seed": 3},
    "environment": {"id": "CartPole-v1"},
    "rl_plugin": {"learning_starts": 100, "hidden": [16]},
    "persistence": {"checkpoint_every": 200},
    "feedback_loop": {"log_every": 300},
}


def events(text: str) -> list[tuple[str, Any]]:
    """The server-sent events in an answer."""
    parts = [block.split("\n") for block in text.strip().split("\n\n") if block]
    return [(one[0].removeprefix("event: "), json.loads(one[1].removeprefix("data: "))) for one in parts]


def test_a_run_is_ordered_watched_killed_gone_on_with_and_registered(
    jobs: Jobs, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(run_service, "script", scripts.script)
    monkeypatch.setenv("OPENBLAS_NUM_THREADS", "1")
    http = jobs.person.http
    ordered = http.post("/api/v1/jobs", json={"name": "swing", "simulation": TINY}, headers={"Idempotency-Key": "a"})
    assert ordered.status_code == 202, ordered.text
    again = http.post("/api/v1/jobs", json={"name": "swing", "simulation": TINY}, headers={"Idempotency-Key": "a"})
    assert again.json()["job_id"] == ordered.json()["job_id"]
    job = jobs_service.get(jobs.person.principal, ordered.json()["job_id"])
    killed = False
    while not killed:
        running = jobs.until(job, "running", "completed")
        assert running.status == "running", "it was over before it could be killed"
        if (
            list((jobs.place(running) / "checkpoints").rglob("*"))
            or checkpoint_service.checkpoints(jobs.person.principal, session_id=running.run_id).items
        ):
            children = subprocess.run(
                ["pgrep", "-P", str(jobs.shell(running))], capture_output=True, text=True, check=False
            ).stdout.split()
            os.kill(int(children[0]), signal.SIGKILL)
            killed = True
    done = jobs.until(job, "completed", "failed")
    told = http.get(f"/api/v1/jobs/{job.job_id}").json()
    assert (done.status, told["error"]) == ("completed", None)
    assert told["attempt"] == 2
    assert told["result"]["steps"] == 900
    live = events(http.get(f"/api/v1/jobs/{job.job_id}/live").text)
    assert live[-1] == ("end", {"status": "completed"})
    steps = [data["step"] for kind, data in live if kind == "sample"]
    assert steps, "samples are there after the end too"
    model = told["registered_model"]
    assert (model["name"], model["version"]) == ("swing", 1)
    assert parts_service.weights(jobs.person.principal, model["model_id"])
    run = http.get(f"/api/v1/registry/runs/{told['run_id']}").json()
    assert (run["status"], run["step"]) == ("completed", 900)
    assert http.get(f"/api/v1/jobs/{job.job_id}/metrics", params={"name": "epsilon"}).json()["series"]
    assert http.get(f"/api/v1/jobs/{job.job_id}/trajectory").content


def test_what_is_wrong_with_a_simulation_is_told_with_its_path(jobs: Jobs) -> None:
    http = jobs.person.http
    bad = {**TINY, "rl_plugin": {"batch_size": -1, "nonsense": 1}}
    answer = http.post("/api/v1/jobs", json={"simulation": bad})
    assert (answer.status_code, answer.json()["type"].rpartition("/")[2]) == (422, "simulation-invalid")
    paths = {one["path"] for one in answer.json()["errors"]}
    assert {"rl_plugin.batch_size", "rl_plugin.nonsense"} <= paths
    assert http.post("/api/v1/jobs", json={"simulation": "no such"}).status_code == 422
    assert http.post("/api/v1/jobs", json={}).status_code == 422
    batch = {"engine": {"kind": "transformer", "folder": "/etc"}, "lines": [{"id": "1", "text": "x"}]}
    refused = http.post("/api/v1/jobs", json={"batch": batch})
    assert [one["path"] for one in refused.json()["errors"]] == ["engine.folder"]
    assert http.get("/api/v1/jobs").json()["items"] == []


def test_who_only_looks_on_starts_nothing(jobs: Jobs, alice: Person, make_user: MakeUser) -> None:
    assert alice.http.post("/api/v1/jobs", json={"simulation": "cartpole"}).status_code == 403
    assert alice.http.get("/api/v1/jobs/capacity").json()["backends"][0] == "local"
    job = jobs.ask(2)
    other = make_user("researcher")
    asked = [("get", ""), ("delete", ""), *(("post", rest) for rest in ("/cancel", "/pause", "/resume"))]
    for rest in ("live", "logs", "metrics", "trajectory", "answers", f"difference?with={job.job_id}"):
        asked.append(("get", f"/{rest}"))
    for method, rest in asked:
        assert other.http.request(method, f"/api/v1/jobs/{job.job_id}{rest}").status_code == 404, rest


def test_a_batch_of_any_name_is_a_file_and_no_path(jobs: Jobs) -> None:
    job = jobs.ask(1)
    jobs.until(job, "completed")
    jobs.owner.execute("update training_jobs set name = %s where job_id = %s", ['../a/b\\"c', job.job_id])
    (jobs.place(job) / "model" / "answers.jsonl").write_text("{}\n")
    answer = jobs.person.http.get(f"/api/v1/jobs/{job.job_id}/answers")
    assert answer.headers["content-disposition"] == "attachment; filename*=utf-8''..-a-b-%22c.out.jsonl"


def test_it_is_listed_compared_stopped_and_deleted(jobs: Jobs) -> None:
    http = jobs.person.http
    job, other = jobs.ask(9, holds_at=1, name="a"), jobs.ask(3, name="b")
    jobs.until(other, "completed")
    jobs.until(job, "running", step=1)
    listed = http.get("/api/v1/jobs", params={"limit": 1}).json()
    assert [one["job_id"] for one in listed["items"]] == [str(other.job_id)]
    rest = http.get("/api/v1/jobs", params={"cursor": listed["next_cursor"]}).json()["items"]
    assert [one["status"] for one in rest] == ["running"]
    difference = http.get(f"/api/v1/jobs/{job.job_id}/difference", params={"with": str(other.job_id)}).json()["items"]
    assert {"path": "steps", "a": 9, "b": 3} in difference
    assert http.delete(f"/api/v1/jobs/{job.job_id}").status_code == 409
    assert http.post(f"/api/v1/jobs/{job.job_id}/pause").json()["status"] == "stopping"
    jobs.until(job, "paused")
    assert http.post(f"/api/v1/jobs/{job.job_id}/cancel").json()["status"] == "cancelled"
    lines = http.get(f"/api/v1/jobs/{job.job_id}/logs").json()["items"]
    assert http.get(f"/api/v1/jobs/{job.job_id}/logs", params={"after": lines[-1]["seq"]}).json()["items"] == []
    with db.transaction(jobs.person.principal) as tx:
        logs_repo.append(tx, jobs.person.user_id, job.job_id, ["one", "two"], clock.now(), 100)
    lines = http.get(f"/api/v1/jobs/{job.job_id}/logs").json()["items"]
    first = http.get(f"/api/v1/jobs/{job.job_id}/logs", params={"limit": 1}).json()
    further = http.get(f"/api/v1/jobs/{job.job_id}/logs", params={"cursor": first["next_cursor"]}).json()
    assert [*first["items"], *further["items"]] == lines
    assert further["next_cursor"] is None
    assert http.delete(f"/api/v1/jobs/{job.job_id}").status_code == 204
    assert http.get(f"/api/v1/jobs/{job.job_id}").status_code == 404
    assert http.get(f"/api/v1/jobs/{other.job_id}/trajectory").status_code == 404


@pytest.mark.parametrize("made", [api._Streamed, api._Passing])
def test_who_hangs_up_or_asks_badly_leaves_nothing_behind(made: type[Any], tmp_path: Path) -> None:
    """A stream's thread is free at once, and a file that was made for one answer is gone."""
    begun, gone, given = threading.Event(), threading.Event(), tmp_path / "record.zip"
    given.write_bytes(b"x" * 100)
    heard: list[bool] = []

    def waits() -> Iterator[str]:
        begun.set()
        heard.append(gone.wait(20))
        yield ""

    async def receive() -> dict[str, str]:
        while made is api._Streamed and not begun.is_set():
            await anyio.sleep(0.001)
        return {"type": "http.disconnect"}

    async def send(_message: object) -> None:
        await anyio.sleep(0)

    scope = {"type": "http", "method": "GET", "headers": [(b"range", b"bytes=x")], "asgi": {"spec_version": "2.3"}}
    answer = made(waits(), gone) if made is api._Streamed else made(given)
    awaited(answer(scope, receive, send))
    assert heard == [True] if made is api._Streamed else not given.exists()


def test_ready_ones_and_the_schema_are_there(jobs: Jobs) -> None:
    http = jobs.person.http
    assert "cartpole" in [one["name"] for one in http.get("/api/v1/jobs/ready").json()["items"]]
    assert "rl_plugin" in http.get("/api/v1/jobs/schema").json()["properties"]


def test_the_calendar_begins_one_job_at_a_time(jobs: Jobs, monkeypatch: pytest.MonkeyPatch) -> None:
    from anima.training import cycle_service

    for name, value in (
        ("TRAINING_PIPELINE_ENABLED", "true"),
        ("TRAINING_PIPELINE_USER_ID", str(jobs.person.user_id)),
        ("TRAINING_PIPELINE_VERSION_PREFIX", "nightly"),
        ("TRAINING_CYCLE_JITTER_SECONDS", "0"),
    ):
        monkeypatch.setenv(name, value)
    config.settings.cache_clear()
    first = cycle_service.begin(jobs.person.user_id, "2026-11-22T12:00:00Z")
    assert first is not None
    assert cycle_service.begin(jobs.person.user_id, "2026-11-22T12:00:00Z") is None, "the same turn once more"
    assert cycle_service.begin(jobs.person.user_id, "2026-11-23T12:00:00Z") is None, "the last one still runs"
    made = jobs_service.get(jobs.person.principal, first)
    assert (made.name, made.source) == ("nightly", "schedule")
    jobs_service.cancel(jobs.person.principal, first)
    assert cycle_service.begin(jobs.person.user_id, "2026-11-23T12:00:00Z") is not None
    assert cycle_service.arm() is not None
    assert cycle_service.arm() is None, "it is armed"

"""Jobs: simulations that train and batches of questions, begun, watched, stopped, taken up again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from anima.client.call import Given, Pause, Steps, present
from anima.client.operations import listing, operation, steps, watching
from anima.client.results.jobs import (
    Job,
    JobBackend,
    JobCapacity,
    JobDifference,
    JobKind,
    JobLine,
    JobMetrics,
    JobStatus,
    ReadySimulation,
)

Id = UUID | str
_SECONDS_BETWEEN_LOOKS = 1.0


class Jobs:
    """Training and batch inference in processes of their own."""

    @listing("/jobs", Job)
    def list_jobs(self, *, status: JobStatus | None = None, kind: JobKind | None = None) -> Given:
        """Jobs, newest first; those in a state, or of a kind."""
        return Given(query=present(status=status, kind=kind))

    @operation("POST", "/jobs", Job)
    def start_job(
        self,
        simulation: Mapping[str, Any] | str | None = None,
        *,
        batch: Mapping[str, Any] | None = None,
        name: str | None = None,
        backend: JobBackend | None = None,
        gpus: int | None = None,
        spot: bool | None = None,
    ) -> Given:
        """Asks for a job: a simulation (or the name of a ready one), or a batch. It begins when there is room.

        In a cloud it may run on capacity that is taken away, unless `spot` is false.
        """
        chosen = {"name": name, "backend": backend, "gpus": gpus, "spot": spot}
        return Given(body=present(simulation=simulation, batch=batch, **chosen))

    @listing("/jobs/ready", ReadySimulation)
    def list_ready_simulations(self) -> Given:
        """Simulations that come along."""
        return Given()

    @operation("GET", "/jobs/schema", dict[str, Any])
    def get_simulation_schema(self) -> Given:
        """The JSON Schema of a simulation."""
        return Given()

    @operation("GET", "/jobs/capacity", JobCapacity)
    def get_job_capacity(self) -> Given:
        """GPUs that are lent out, and jobs at a time where the service runs."""
        return Given()

    @operation("GET", "/jobs/{job_id}", Job)
    def get_job(self, job_id: Id) -> Given:
        """How far a job is."""
        return Given({"job_id": job_id})

    @steps
    def wait_for_job(self, job_id: Id) -> Steps[Job]:
        """Waits until a job has ended or is paused."""
        while True:
            job = yield from Jobs.get_job.steps(job_id)
            if job.ended or job.status == "paused":
                return job
            yield Pause(_SECONDS_BETWEEN_LOOKS)

    @operation("POST", "/jobs/{job_id}/cancel", Job)
    def cancel_job(self, job_id: Id) -> Given:
        """Ends a job for good; its checkpoints stay."""
        return Given({"job_id": job_id})

    @operation("POST", "/jobs/{job_id}/pause", Job)
    def pause_job(self, job_id: Id) -> Given:
        """Stops a job at a checkpoint."""
        return Given({"job_id": job_id})

    @operation("POST", "/jobs/{job_id}/resume", Job)
    def resume_job(self, job_id: Id) -> Given:
        """Has a job go on that is paused or has failed."""
        return Given({"job_id": job_id})

    @operation("DELETE", "/jobs/{job_id}")
    def delete_job(self, job_id: Id) -> Given:
        """Deletes a job that does not run; its run and its model stay."""
        return Given({"job_id": job_id})

    @operation("GET", "/jobs/{job_id}/metrics", JobMetrics)
    def get_job_metrics(self, job_id: Id, *names: str, points: int | None = None) -> Given:
        """What it measured, downsampled; only metrics of these names, where there are any."""
        return Given({"job_id": job_id}, present(name=list(names) or None, points=points))

    @listing("/jobs/{job_id}/logs", JobLine)
    def list_job_lines(self, job_id: Id, *, after: int | None = None) -> Given:
        """Lines that it wrote; those after a number."""
        return Given({"job_id": job_id}, present(after=after))

    @listing("/jobs/{job_id}/difference", JobDifference)
    def compare_jobs(self, job_id: Id, other: Id) -> Given:
        """The places in which the configurations of two jobs differ."""
        return Given({"job_id": job_id}, {"with": other})

    @watching("/jobs/{job_id}/live")
    def watch_job(self, job_id: Id) -> Given:
        """Its samples as it runs, the last ones first; they end when it does, or are cut after some minutes."""
        return Given({"job_id": job_id})

    @operation("GET", "/jobs/{job_id}/trajectory", bytes)
    def get_job_trajectory(self, job_id: Id) -> Given:
        """The record of its steps: a file of Parquet or CSV, or an archive of several."""
        return Given({"job_id": job_id})

    @operation("GET", "/jobs/{job_id}/answers", bytes)
    def get_job_answers(self, job_id: Id) -> Given:
        """What a batch answered: lines of JSON, one for each id."""
        return Given({"job_id": job_id})

"""Jobs as jobs of AWS Batch, on whatever machines its queue has."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from anima.kernel.config import settings
from anima.vendors.job_backends import JobsUnavailable, aws
from anima.vendors.job_backends.training import JobOrder, Seen, Written
from anima.vendors.job_contract import STOPPED

_GROUP = "/aws/batch/job"

_MIB = 1 << 20
_DAY = 86_400
_STOPPED = "stopped by its person"


def queue(*, spot: bool) -> str:
    """The queue for jobs of a kind of capacity, which a queue's machines decide; one queue may be for both."""
    configured = settings()
    return str((None if spot else configured.training_on_demand_queue) or configured.training_queue or "")


class Batch:
    """Each attempt is a job of its own name; Batch itself knows jobs by an id, which is found by that name."""

    def start(self, order: JobOrder) -> str:
        """Submits the job, unless there is one of this name. Raises JobsUnavailable."""
        if self._id(order.name) is not None:
            return order.name
        place, given = aws.place_of(order.job), aws.bring_configuration(order.job, order.configuration)
        told = {
            **aws.environment(order),
            "ANIMA_JOB_INPUT": given,
            "ANIMA_JOB_OUTPUT": place,
            "ANIMA_JOB_CHECKPOINTS": f"{place}checkpoints/",
        }
        configured = settings()
        with aws.asking():
            aws.client("batch").submit_job(
                jobName=aws.full_name(order.name),
                jobQueue=queue(spot=order.spot),
                jobDefinition=configured.training_definition,
                containerOverrides={
                    "environment": [{"name": name, "value": value} for name, value in told.items()],
                    "resourceRequirements": _needs(order),
                },
                timeout={"attemptDurationSeconds": max(60, order.wall_seconds or _DAY)},
                tags={"stage": configured.stage},
            )
        return order.name

    def look(self, handle: str) -> Seen:
        """How the job is. Raises JobsUnavailable."""
        told = self._told(handle)
        if told is None:
            return Seen("lost", reason="AWS Batch knows no such job")
        container = told.get("container") or {}
        code, reason = container.get("exitCode"), container.get("reason") or told.get("statusReason")
        if told["status"] == "SUCCEEDED":
            return Seen("ended", 0)
        if told["status"] == "FAILED":
            if told.get("statusReason") == _STOPPED or str(reason or "").startswith("Host EC2"):
                code = STOPPED  # it was taken away, or asked to end: nothing that it did wrong
            return Seen("ended", code, reason)
        return Seen("running")

    def stop(self, handle: str) -> None:
        """Has Batch send SIGTERM, and SIGKILL later. Raises JobsUnavailable."""
        number = self._id(handle)
        if number is not None:
            with aws.asking():
                aws.client("batch").terminate_job(jobId=number, reason=_STOPPED)

    def logs(self, handle: str, since: str | None = None) -> Written:
        """What it wrote since, from CloudWatch."""
        try:
            told = self._told(handle) or {}
        except JobsUnavailable:
            told = {}
        return aws.lines_of(_GROUP, (told.get("container") or {}).get("logStreamName"), since)

    def result(self, handle: str) -> dict[str, Any] | None:
        """What stands in its result."""
        return aws.result_at(f"{aws.place_of(aws.job_of(aws.full_name(handle)))}model/result.json")

    def folder(self, handle: str) -> Path | None:  # noqa: ARG002
        """None: its files are in S3."""
        return None

    def remove(self, handle: str) -> None:
        """Removes its files. Raises JobsUnavailable."""
        aws.forget(aws.job_of(aws.full_name(handle)))

    def _id(self, name: str) -> str | None:
        """The id of a job; of several of one name the newest."""
        asked = {"name": "JOB_NAME", "values": [aws.full_name(name)]}
        jobs = []
        for one in dict.fromkeys((queue(spot=True), queue(spot=False))):
            with aws.asking():
                found = aws.client("batch").list_jobs(jobQueue=one, filters=[asked])
            jobs += [each for each in found["jobSummaryList"] if each["jobName"] == aws.full_name(name)]
        jobs.sort(key=lambda one: one.get("createdAt", 0))
        return str(jobs[-1]["jobId"]) if jobs else None

    def _told(self, handle: str) -> dict[str, Any] | None:
        number = self._id(handle)
        if number is None:
            return None
        with aws.asking():
            found = aws.client("batch").describe_jobs(jobs=[number])["jobs"]
        return dict(found[0]) if found else None


def _needs(order: JobOrder) -> list[dict[str, str]]:
    needs = [{"type": "MEMORY", "value": str(max(512, (order.memory_bytes or (16 << 30)) // _MIB))}]
    needs.append({"type": "VCPU", "value": "4"})
    if order.gpus:
        needs.append({"type": "GPU", "value": str(order.gpus)})
    return needs

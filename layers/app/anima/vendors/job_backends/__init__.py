"""Jobs: work in a process of its own, started once by its name: in the cloud by a state machine, at home as a child."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from functools import lru_cache
from typing import Protocol

from anima.kernel.config import settings
from anima.kernel.errors import AnimaError, Unavailable
from anima.vendors.readers import Medium

Configuration = Mapping[str, str | int | None]
"""What a job is told: names and plain values; it may get every value as text."""


class NoReaderJob(AnimaError):
    """There is no job that reads images, scans and speech; name its state machine in ANIMA_READER_JOB."""

    slug = "no-reader-job"


class JobsUnavailable(Unavailable):
    """The job could not be started ({reason}); try again."""

    slug = "jobs-unavailable"


class JobBackend(Protocol):
    """Where jobs run."""

    def start(self, name: str, configuration: Configuration) -> None:
        """Starts a job; a name that was started before is not started again. Raises JobsUnavailable."""


@lru_cache(maxsize=4)
def backend(target: str) -> JobBackend:
    """The backend of a state machine's ARN."""
    from anima.vendors.job_backends.step_functions import StateMachine

    return StateMachine(target)


def start_reading(document_id: int, owner_id: int, attempt: int, uri: str, into_key: str, medium: Medium) -> None:
    """Has the reader job read the file `uri` and write what it found as lines of JSON under `into_key`.

    Called again for the same document and attempt it does nothing. When the job has ended, an event
    `document.queued` of the document comes to the queue of ingestion, whose payload has `reading`: done or failed.
    Raises NoReaderJob, JobsUnavailable.
    """
    target = settings().reader_job
    if target is None:
        raise NoReaderJob
    backend(target).start(
        f"document-{document_id}-{attempt}",
        {
            "document_id": document_id,
            "owner_id": owner_id,
            "uri": uri,
            "into": into_key,
            **asdict(medium),
        },
    )

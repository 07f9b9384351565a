"""A job while it runs: its live samples as they are written, and the record of its steps."""

from __future__ import annotations

import json
import os
import tempfile
import threading
import time
import uuid
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from anima.kernel import db
from anima.kernel.errors import AnimaError
from anima.training import jobs_service
from anima.training.errors import NoTrajectory, TrajectoryTooLarge
from anima.training.model import ENDED, OWN, Job
from anima.vendors.job_backends import training as backends
from anima.vendors.job_contract import answers_name
from anima.vendors.job_lines import JobLines

LONGEST_SECONDS = 280.0
"""A stream ends after so long at most; its page asks again."""
BUFFERED_SECONDS = 1.0
"""As long where the answer is given whole, behind an API that buffers."""
_PAUSE_SECONDS = 0.1
_LOOK_SECONDS = 1.0
_TAIL_BYTES = 200_000
_LOOKS = 5
_MOST_BYTES = 4_000_000_000
_MOST_WATCHERS = 64
"""Each takes a thread of the server: beyond so many a stream ends soon, and its page asks again."""


@dataclass(frozen=True, slots=True)
class Sample:
    """What is told: a `sample`, or the `end` of the job."""

    event: str
    data: dict[str, Any]


def samples(principal: db.Principal, job_id: uuid.UUID, gone: threading.Event) -> Iterator[Sample]:
    """Samples of a job from the last ones on, until it ends, nobody listens, or it has taken LONGEST_SECONDS.

    Where the job's files are elsewhere, its heartbeats take the place of samples. Raises JobNotFound at once.
    """
    return _counted(_samples(principal, jobs_service.get(principal, job_id), gone))


class _Watchers:
    """How many streams are open in this process."""

    lock = threading.Lock()
    open = 0


def _counted(found: Iterator[Sample]) -> Iterator[Sample]:
    with _Watchers.lock:
        _Watchers.open += 1
    try:
        yield from found
    finally:
        with _Watchers.lock:
            _Watchers.open -= 1


def _samples(principal: db.Principal, one: Job, gone: threading.Event) -> Iterator[Sample]:
    folder = _folder(one)
    tail = None if folder is None else _tail(folder)
    begun = looked = time.monotonic()
    beat = None
    while True:
        if tail is not None:
            yield from _read(tail)
        elif one.progress.get("step") != beat:
            beat = one.progress.get("step")
            yield Sample("sample", {name: value for name, value in one.progress.items() if name not in OWN})
        if one.status in (*ENDED, "paused"):
            yield Sample("end", {"status": one.status})
            return
        now = time.monotonic()
        if now - begun >= _longest() or gone.wait(_PAUSE_SECONDS):
            return
        if now - looked >= _LOOK_SECONDS:
            looked = now
            try:
                one = jobs_service.get(principal, one.job_id)
            except AnimaError:  # it was deleted, or the database is away: its page asks again
                return
            if tail is None and (folder := _folder(one)) is not None:
                tail = _tail(folder)


def _longest() -> float:
    short = "AWS_LAMBDA_FUNCTION_NAME" in os.environ or _Watchers.open > _MOST_WATCHERS
    return min(LONGEST_SECONDS, BUFFERED_SECONDS) if short else LONGEST_SECONDS


def _tail(folder: Path) -> JobLines:
    return JobLines(folder / "live.jsonl", most_at_first=_TAIL_BYTES)


def _read(tail: JobLines) -> Iterator[Sample]:
    for line in tail.new():
        text = line.decode("utf-8", "replace")
        try:
            found = json.loads(text, parse_constant=lambda _name: None)  # NaN, which no browser reads
        except (ValueError, RecursionError):
            continue
        if isinstance(found, dict):
            yield Sample("sample", found)


def _folder(one: Job) -> Path | None:
    try:
        return backends.backend(one.backend).folder(one.attempt_name)
    except AnimaError:
        return None


def answers(principal: db.Principal, job_id: uuid.UUID) -> tuple[Path, str]:
    """What a batch inference answered, in JSON lines, and the name it is given as. Raises JobNotFound, NoTrajectory."""
    one = jobs_service.get(principal, job_id)
    folder = _folder(one)
    path = None if folder is None else folder / "model" / "answers.jsonl"
    if path is None or not path.is_file():
        raise NoTrajectory(job_id=job_id, reason="it has no answers on this machine")
    return path, answers_name(one.name)


def trajectory(principal: db.Principal, job_id: uuid.UUID) -> tuple[Path, bool]:
    """The record of every step: a file of Parquet or CSV, or an archive of several; and whether it is to be deleted
    after it was given. Raises JobNotFound, NoTrajectory, TrajectoryTooLarge.
    """
    one = jobs_service.get(principal, job_id)
    folder = _folder(one)
    if folder is None:
        raise NoTrajectory(job_id=job_id, reason="its files are not on this machine")
    for _ in range(_LOOKS):
        try:
            return _gathered(folder, job_id)
        except FileNotFoundError:  # the run has just put small parts together
            continue
    raise NoTrajectory(job_id=job_id, reason="it is being written; try again")


def _gathered(folder: Path, job_id: uuid.UUID) -> tuple[Path, bool]:
    parts = sorted(path for path in folder.rglob("trajectory*") if path.suffix in (".parquet", ".csv"))
    sizes = {path: path.stat().st_size for path in parts if path.is_file() and not path.is_symlink()}
    parts = [path for path, size in sizes.items() if size]
    if not parts:
        raise NoTrajectory(job_id=job_id, reason="it has not written one")
    if (size := sum(sizes.values())) > _MOST_BYTES:
        raise TrajectoryTooLarge(size=size, limit=_MOST_BYTES)
    if len(parts) == 1:
        return parts[0], False
    with tempfile.NamedTemporaryFile(suffix=".zip", delete=False) as made:
        try:
            with zipfile.ZipFile(made, "w", zipfile.ZIP_STORED) as archive:
                for path in parts:
                    archive.write(path, path.relative_to(folder).as_posix())
        except BaseException:
            Path(made.name).unlink()
            raise
    return Path(made.name), True

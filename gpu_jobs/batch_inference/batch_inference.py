"""Answers a file of prompts, messages or texts, line by line: each once, in order, however often the job is killed.

    ANIMA_JOB_DIR=folder python gpu_jobs/batch_inference/batch_inference.py

Configuration: `anima.inference.batch_file` (a line of JSON, or the file's keys as hyper-parameters; where
`input/data/config/batch.json` is there, that is it). Checkpoints: the rows as they came (`journal`). Result:
`model/answers.jsonl`, or where `output` says, and `model/result.json`. ANIMA_JOB_OWNER is the person whose models and
caches are used, ANIMA_JOB_RUN a run that takes its numbers.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import sys
import threading
import time
import uuid
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from types import FrameType
from typing import Any

if not __package__:  # run as a file: its parts lie beside it, in a package of the folder's name
    here = Path(__file__).resolve().parent
    sys.path[:] = [str(here.parent), *(one for one in sys.path if Path(one or ".").resolve() != here)]
    __package__ = here.name

from anima.inference.batch_file import Batch, BatchInvalid, read
from anima.kernel import db
from anima.kernel.errors import AnimaError
from anima.vendors import job_contract
from anima.vendors.job_contract import BAD_CONFIGURATION, DONE, FAILED, fail, refuse

from . import engines, lines, result
from .crew import Crew
from .engines import STOPPED, Answer, Engine, Outcome, Stop, Surroundings
from .journal import FolderInUse, Journal, key_of_line, locked
from .lines import Fault, Line
from .table import Table, key_of
from .telling import Teller, lost

_SYNC_SECONDS = 1.0
_LOOK_SECONDS = 0.25
_MOST_HELD = 10_000
"""So many lines may wait for the answer of another."""
_GRACE_SECONDS = 8.0
"""So long a job that is stopped waits for what is under way, so that it is not asked again."""

stop = Stop()


class TooManyFailures(AnimaError):
    """{failed} lines have no answer, and at most {most} may: the last one said {reason}."""

    slug = "too-many-failures"


class Stopped(Exception):
    """Somebody asked the job to end; what was answered is in its checkpoint."""


@dataclass(slots=True)
class Job:
    """All that one process of the job works with."""

    batch: Batch
    journal: Journal
    engine: Engine
    teller: Teller
    ids: Table
    known_by: bytes
    lock: threading.Lock = field(default_factory=threading.Lock)
    """Held by who writes to the journal or to what is below."""
    waiting: dict[bytes, list[Line]] = field(default_factory=dict)
    """Lines that want what another line is being asked for."""
    held: int = 0
    synced_at: float = 0.0


def main() -> int:
    signal.signal(signal.SIGTERM, ask_to_stop)
    signal.signal(signal.SIGINT, ask_to_stop)
    # Taken out of the environment: the settings accept no name of ours but their own.
    given = {name: os.environ.pop(name) for name in list(os.environ) if name.startswith("ANIMA_JOB_")}
    folder = Path(given.get("ANIMA_JOB_DIR") or "/opt/ml")
    try:
        batch = configuration(folder, given.get("ANIMA_JOB_CONFIG"))
        owner = int(given["ANIMA_JOB_OWNER"]) if given.get("ANIMA_JOB_OWNER") else None
        run_id = uuid.UUID(given["ANIMA_JOB_RUN"]) if given.get("ANIMA_JOB_RUN") else None
    except BatchInvalid as error:
        return fail(folder, error.detail, BAD_CONFIGURATION)
    except (OSError, ValueError) as error:
        return fail(folder, f"the configuration is not valid: {error!r}", BAD_CONFIGURATION)
    try:
        run(folder, batch, Surroundings(folder, owner, stop), run_id)
    except Stopped:
        return job_contract.STOPPED
    except FolderInUse as error:  # whatever lies there is of the other one
        return refuse(reason_of(error), FAILED)
    except Exception as error:  # whatever it was: its reason is told, and the job may be tried again
        return fail(folder, reason_of(error), FAILED)
    return DONE


def run(folder: Path, batch: Batch, around: Surroundings, run_id: uuid.UUID | None = None) -> None:
    # 1. The folder for itself, the input, and whose checkpoints these are.
    lock = locked(folder / "checkpoints")
    source = result.fetched(batch, folder)
    digest, of, last = lines.measured(source)
    target = result.place(batch, folder)
    asked = key_of(json.dumps(batch.known_by(), sort_keys=True, default=str).encode()).hex()
    identity = {"input": digest, "configuration": asked, "output": target}
    journal = Journal.opened(folder / "checkpoints", folder / "work", identity, lock)
    teller = Teller(of, journal.counted)
    try:
        # 2. What is still to be answered. All of an earlier run's answers are in the journal.
        result.check_free(target, journal)
        if journal.state == "answering":
            answered(batch, journal, source, around, teller, run_id)
        # 3. The result, in the order of the input: whole or not at all.
        if journal.state != "done":
            result.delivered(journal, range(1, last + 1), target, folder)
            journal.note(state="done", counted=asdict(journal.counted))
            journal.forget()
        result.told(folder, {**teller.totals(), "lines": of, "output": target, "engine": batch.known_by()["engine"]})
        teller.beat(last=True)
        finished(teller)
    finally:
        journal.close()
    shutil.rmtree(folder / "work", ignore_errors=True)


def answered(
    batch: Batch, journal: Journal, source: Path, around: Surroundings, teller: Teller, run_id: uuid.UUID | None
) -> None:
    """Asks for every line that the journal does not know. Raises Stopped, TooManyFailures, EngineDown, OSError."""
    if stop.asked():
        raise Stopped
    engine = engines.made(batch, around)
    try:
        teller.run, teller.session = measured_in(batch, around, engine, run_id)
        ids = Table(around.folder / "work" / "ids")
        job = Job(batch, journal, engine, teller, ids, engines.known_by(batch, engine))
        crew = Crew(engine, batch.most_memory_bytes // 2, lambda line, outcome: keep(job, line, outcome))
        try:
            work(job, crew, source)
        except AnimaError:
            stop.event.set()  # no thread waits any longer
            wind_up(job, crew)
            raise
        finally:
            journal.sync()
            ids.close()
    finally:
        engine.close()


def work(job: Job, crew: Crew, source: Path) -> None:
    for line in lines.read(source, job.batch.longest_line_bytes):
        while crew.full() or job.held >= _MOST_HELD:
            look(job, crew, _LOOK_SECONDS)
        with job.lock:
            wanted = settled(job, once(job, line))
        if wanted is not None:
            crew.put(wanted)
        look(job, crew, 0)
    while crew.busy:
        look(job, crew, _LOOK_SECONDS)


def settled(job: Job, line: Line) -> Line | None:
    """Answers a line at once where nothing need be asked, or lets it wait for another one; else it is to be asked."""
    if job.journal.lines.get(key_of_line(line.number)) is not None or line.kind == "again":
        return None
    if line.fault is not None:
        enter(job, line, line.fault)
        return None
    if job.batch.caches:
        digest = key_of(job.known_by, line.digest)
        if (place := job.journal.answers.get(digest)) is not None:
            enter_cached(job, line, place)
            return None
        if digest in job.waiting:
            job.waiting[digest].append(replace(line, content=None))
            job.held += 1
            return None
        job.waiting[digest] = []
    return line


def once(job: Job, line: Line) -> Line:
    """An id has one row. The same line again has none (`again`); another line of that id is at fault, and has no id."""
    if line.id is None:
        return line
    key, digest = key_of(str(line.id).encode("utf-8", "surrogatepass")), int.from_bytes(line.digest[:7], "big")
    before = job.ids.get(key)
    if before is None:
        job.ids.put(key, line.number, digest)
        return line
    if line.fault is None and before[1] == digest:
        return Line(line.number, line.id, "again", None, line.digest, 0)
    reason = f"its id is that of line {before[0]}, which asks for something else"
    return Line(line.number, None, "", None, b"", 0, Fault("duplicate-id", reason))


def look(job: Job, crew: Crew, seconds: float) -> None:
    """Sees what was answered meanwhile; ends the job where somebody wants it to."""
    while crew.take(seconds):
        seconds = 0
    now = time.monotonic()
    if now - job.synced_at >= _SYNC_SECONDS:
        with job.lock:
            job.journal.sync()
        job.synced_at = now
    job.teller.beat()
    if stop.asked():
        wind_up(job, crew)
        raise Stopped


def keep(job: Job, line: Line, outcome: Outcome) -> None:
    """Enters an outcome, in the thread that has it."""
    if outcome is not STOPPED:
        with job.lock:
            shared(job, line, outcome)


def shared(job: Job, line: Line, outcome: Outcome) -> None:
    """Enters an outcome for its line, and for those that wanted the same."""
    digest = key_of(job.known_by, line.digest) if job.batch.caches else None
    enter(job, line, outcome, digest)
    if isinstance(outcome, Answer):
        job.teller.answered(outcome.seconds, outcome.prompt_tokens + outcome.completion_tokens)
    others = job.waiting.pop(digest, []) if digest is not None else []
    job.held -= len(others)
    for other in others:
        if isinstance(outcome, Fault):
            enter(job, other, outcome)
        elif digest is not None and (place := job.journal.answers.get(digest)) is not None:
            enter_cached(job, other, place)


def enter(job: Job, line: Line, outcome: Outcome, digest: bytes | None = None) -> None:
    """Writes the row of a line. Raises TooManyFailures, OSError."""
    if isinstance(outcome, Answer):
        row = {"id": line.id, **outcome.fields}
        tokens = outcome.prompt_tokens, outcome.completion_tokens
        row |= {"prompt_tokens": tokens[0], "completion_tokens": tokens[1]}
        job.journal.append(line.number, digest, "asked", tokens, written(row))
        return
    error = {"slug": outcome.slug, "reason": outcome.reason}
    job.journal.append(
        line.number, None, "error", (0, 0), written({"id": line.id, "line": line.number, "error": error})
    )
    failed, most = job.journal.counted.failed, job.batch.most_failures
    if most is not None and failed > most:
        raise TooManyFailures(failed=failed, most=most, reason=outcome.reason)


def enter_cached(job: Job, line: Line, place: tuple[int, int]) -> None:
    """Writes the row of a line whose content was answered before."""
    row = json.loads(job.journal.row(place)) | {"id": line.id, "cached": True}
    job.journal.append(line.number, None, "cached", (row["prompt_tokens"], row["completion_tokens"]), written(row))


def written(row: dict[str, Any]) -> bytes:
    try:
        return json.dumps(row, ensure_ascii=False, separators=(",", ":")).encode()
    except UnicodeEncodeError:  # half of a character, as an id or a tokenizer may have it
        return json.dumps(row, separators=(",", ":")).encode()


def wind_up(job: Job, crew: Crew) -> None:
    """Waits for what is under way, for a while: what was paid for is kept."""
    crew.drop()
    until = time.monotonic() + _GRACE_SECONDS
    while crew.busy and (left := until - time.monotonic()) > 0:
        with suppress(engines.EngineDown, TooManyFailures):
            crew.take(min(left, _LOOK_SECONDS))
    job.teller.beat(last=True)
    with job.lock:
        job.journal.note()


def measured_in(batch: Batch, around: Surroundings, engine: Engine, run_id: uuid.UUID | None) -> tuple[Any, Any]:
    """The run, and the session of inference of a registered model, that take the job's numbers; none where there is no
    database, or no owner."""
    if around.owner_id is None:
        return None, None
    principal, run, session = db.Principal(around.owner_id), None, None
    try:
        if run_id is not None:
            from anima import registry

            run = registry.runs.begin(principal, f"batch {engine.name}"[:200], session_id=run_id)
        if (model_id := getattr(engine, "_model_id", None)) is not None:
            from anima.inference import sessions_service

            temperature = batch.parameters.get("temperature", 0.0)
            session = principal, sessions_service.begin(principal, model_id, temperature=temperature).inference_id
    except AnimaError as error:
        lost(error)
    return run, session


def finished(teller: Teller) -> None:
    """Ends the run and the session."""
    try:
        if teller.run is not None:
            teller.run.finish()
        if teller.session is not None:
            from anima.inference import sessions_service

            sessions_service.end(*teller.session)
    except AnimaError as error:
        lost(error)


def configuration(folder: Path, given: str | None) -> Batch:
    """Raises BatchInvalid, OSError."""
    whole = folder / "input" / "data" / "config" / "batch.json"
    if whole.exists():
        return read(whole.read_text(encoding="utf-8"))
    path = folder / "input" / "config" / "hyperparameters.json"
    return read(given or path.read_text(encoding="utf-8"))


def reason_of(error: Exception) -> str:
    """One line with typed words."""
    if isinstance(error, AnimaError):
        return f"{error.slug}: {error.detail}"
    if isinstance(error, OSError):
        return f"disk: {error.strerror or error} ({error.filename or 'in the folder of the job'})"
    return f"{type(error).__name__}: {error}"


def ask_to_stop(_signal: int, _frame: FrameType | None) -> None:
    stop.event.set()


if __name__ == "__main__":
    sys.exit(main())

"""Where input comes from and the result goes: files and the object store; what is another's is not touched."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from anima.inference.batch_file import Batch, blob_key
from anima.kernel.errors import Conflict, NotFound
from anima.vendors.blobs import Blobs, blobs
from anima.vendors.job_contract import naming

from .journal import Journal, key_of_line


class NoInput(NotFound):
    """There is no input {path}."""

    slug = "no-input"


class OutputTaken(Conflict):
    """The output {path} is there already, and is none of this job's: nothing is overwritten."""

    slug = "output-taken"


class OutputGone(Conflict):
    """The output {path} was written, and is gone: remove {folder} to have it made again."""

    slug = "output-gone"


def fetched(batch: Batch, folder: Path) -> Path:
    """The input as a file on this machine. Raises NoInput, BlobMissing, Unavailable."""
    if batch.lines is not None:
        path = folder / "work" / "input"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("".join(json.dumps(line) + "\n" for line in batch.lines), encoding="utf-8")
        return path
    assert batch.input is not None
    if _is_blob(batch.input):
        path = folder / "work" / "input"
        path.parent.mkdir(parents=True, exist_ok=True)
        _store(batch.input).fetch(batch.input, path)
        return path
    path = _path(batch.input)
    below = folder / "input" / "data" / path
    found = next((one for one in (below, path) if one.is_file()), None)
    if found is None:
        raise NoInput(path=path)
    return found


def place(batch: Batch, folder: Path) -> str:
    """Where the result goes: a path, or a URI of the object store."""
    if batch.output is None:
        return str(folder / "model" / "answers.jsonl")
    return batch.output if _is_blob(batch.output) else str(_path(batch.output))


def check_free(target: str, journal: Journal) -> None:
    """Raises OutputTaken where something lies at the place that this job has not put there, OutputGone where it has."""
    there = _exists(target)
    if journal.state == "answering" and there:
        raise OutputTaken(path=target)
    if journal.state == "done" and not there:
        raise OutputGone(path=target, folder=journal.folder)


def delivered(journal: Journal, numbers: list[int] | range, target: str, folder: Path) -> None:
    """Writes the rows in the order of the input to their place: whole or not at all."""
    draft = _draft(target, folder)
    draft.parent.mkdir(parents=True, exist_ok=True)
    try:
        with naming(draft), draft.open("wb") as file:
            for number in numbers:
                if (found := journal.lines.get(key_of_line(number))) is not None:
                    file.write(journal.row(found) + b"\n")
            file.flush()
            os.fsync(file.fileno())
        check_free(target, journal)
        journal.note(state="delivering")
        _put(draft, target)
    finally:
        draft.unlink(missing_ok=True)


def told(folder: Path, what: dict[str, Any]) -> None:
    """Writes the summary of the job beside its result."""
    path = folder / "model" / "result.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.with_suffix(".draft").write_text(json.dumps(what, indent=2) + "\n", encoding="utf-8")
    path.with_suffix(".draft").replace(path)


def _put(draft: Path, target: str) -> None:
    if _is_blob(target):
        key = blob_key(target)
        assert key is not None
        _store(target).put_file(key, draft)
        return
    os.replace(draft, target)
    descriptor = os.open(Path(target).parent, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _draft(target: str, folder: Path) -> Path:
    if _is_blob(target):
        return folder / "work" / "answers"
    return Path(target).with_name(f".{Path(target).name}.{os.getpid()}")


def _exists(target: str) -> bool:
    return _store(target).exists(target) if _is_blob(target) else Path(target).exists()


def _is_blob(place: str) -> bool:
    return place.startswith(("s3://", "local:"))


def _store(uri: str) -> Blobs:
    """The store of the settings, where the URI is of it; else the bucket that it names."""
    if uri.startswith("local:"):
        return blobs()
    from anima.vendors.blobs.s3 import S3Blobs

    return S3Blobs(f"s3://{urlsplit(uri).netloc}")


def _path(place: str) -> Path:
    return Path(unquote(urlsplit(place).path)) if place.startswith("file:") else Path(place).expanduser()

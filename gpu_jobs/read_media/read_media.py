"""Reads one file (an image, a PDF with scanned pages, sound, video) and writes down what it says.

    ANIMA_OBJECT_STORE_URL=s3://bucket python gpu_jobs/read_media/read_media.py

Configuration: `uri` of the file, `into` (the key of what is written), and the fields of its `Medium`: `kind`,
`mime_type`, `media_type`, `described`, `language`. What is written has an item a line (`readers.to_json`); for a file
that cannot be read at all the last line is {"refused": slug, "reason": words}. In a container that is given no file of
configuration the environment has it, as ANIMA_JOB_CONFIG.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import sys
from collections.abc import Iterator
from dataclasses import dataclass, fields
from pathlib import Path
from types import FrameType
from typing import Any

from anima.vendors.blobs import blobs
from anima.vendors.job_contract import BAD_CONFIGURATION, DONE, FAILED, STOPPED, fail
from anima.vendors.readers import Block, Item, Medium, Progress, UnknownMedium, Unreadable, from_json, read, to_json

stop_asked = False


@dataclass(frozen=True)
class Wanted:
    """The configuration."""

    uri: str
    into: str
    medium: Medium


class Stopped(Exception):
    """Somebody asked the job to end; what it has read so far is in its checkpoint."""


def main() -> int:
    signal.signal(signal.SIGTERM, ask_to_stop)
    # Taken out of the environment: the settings accept no name of ours but their own.
    folder = Path(os.environ.pop("ANIMA_JOB_DIR", "/opt/ml"))
    try:
        wanted = configuration(folder)
    except (OSError, ValueError, KeyError, TypeError) as error:
        return fail(folder, f"the configuration is not valid: {error!r}", BAD_CONFIGURATION)
    try:
        run(folder, wanted)
    except Stopped:
        return STOPPED
    except Exception as error:  # whatever it was: its reason is told, and the job may be tried again
        return fail(folder, getattr(error, "for_logs", f"{type(error).__name__}: {error}"), FAILED)
    return DONE


def run(folder: Path, wanted: Wanted) -> None:
    # 1. The file, as it lies in the store.
    source = folder / "input" / "data" / "document" / "file"
    source.parent.mkdir(parents=True, exist_ok=True)
    blobs().fetch(wanted.uri, source)

    # 2. What an earlier run has read of it. The checkpoint is the list of items itself: a line a time.
    checkpoint = folder / "checkpoints" / "items.jsonl"
    checkpoint.parent.mkdir(parents=True, exist_ok=True)
    start = resume(checkpoint, wanted.medium)

    # 3. The rest. Each item is on disk before the next is read, and SIGTERM is looked for in between.
    with checkpoint.open("a", encoding="utf-8") as written:
        for line in lines(source, wanted.medium, start):
            written.write(line + "\n")
            written.flush()
            if stop_asked:
                raise Stopped

    # 4. The result: whole or not at all, here and in the store.
    result = folder / "model" / "items.jsonl"
    result.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(checkpoint, result.with_suffix(".draft"))
    result.with_suffix(".draft").replace(result)
    blobs().put_file(wanted.into, result)
    checkpoint.unlink()


def lines(source: Path, medium: Medium, start: float) -> Iterator[str]:
    """The items as JSON; a file that is at fault itself is the last of them, and no failure of the job."""
    try:
        for item in items(source, medium, start):
            if isinstance(item, Progress):
                heartbeat(item)
            yield to_json(item)
    except (Unreadable, UnknownMedium) as error:
        yield json.dumps({"refused": error.slug, "reason": error.detail})


def items(source: Path, medium: Medium, start: float) -> Iterator[Item]:
    if medium.kind in ("audio", "video"):
        from anima.vendors.readers import sound

        return sound.read(source, start=start)
    return read(source, medium)


def resume(checkpoint: Path, medium: Medium) -> float:
    """The second from which sound is still to be read; any other medium is read anew, from an empty checkpoint."""
    second = 0.0
    kept: list[str] = []
    if checkpoint.exists() and medium.kind in ("audio", "video"):
        for line in checkpoint.read_text(encoding="utf-8").splitlines(keepends=True):
            if not line.endswith("\n") or line.startswith('{"refused"'):
                break  # half a line: the run was killed while it wrote
            kept.append(line)
            item = from_json(line)
            if isinstance(item, Block) and item.place.second_end is not None:
                second = item.place.second_end
    checkpoint.write_text("".join(kept), encoding="utf-8")
    return second


def configuration(folder: Path) -> Wanted:
    path = folder / "input" / "config" / "hyperparameters.json"
    given: dict[str, Any] = json.loads(os.environ.pop("ANIMA_JOB_CONFIG", "") or path.read_text(encoding="utf-8"))
    named: dict[str, Any] = {each.name: given.get(each.name) or None for each in fields(Medium)}
    medium = Medium(**named)
    if medium.kind is None:
        raise ValueError("no kind of medium is named")
    return Wanted(text(given["uri"]), text(given["into"]), medium)


def text(value: object) -> str:
    if not isinstance(value, str) or not value:
        raise ValueError(f"a text was expected, not {value!r}")
    return value


def heartbeat(progress: Progress) -> None:
    print(json.dumps({"step": progress.done, "of": progress.total, "unit": progress.unit}), flush=True)


def ask_to_stop(_signal: int, _frame: FrameType | None) -> None:
    global stop_asked
    stop_asked = True


if __name__ == "__main__":
    sys.exit(main())

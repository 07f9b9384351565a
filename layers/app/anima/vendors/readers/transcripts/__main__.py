"""The process that reads past conversations for its parent, within limits, and ends when its parent does."""

from __future__ import annotations

import json
import queue
import threading
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

from anima.kernel.errors import AnimaError
from anima.vendors.readers.child import serve
from anima.vendors.readers.model import Limits
from anima.vendors.readers.transcripts.errors import ERRORS, SpeakerUnknown
from anima.vendors.readers.transcripts.opening import Opened, opened
from anima.vendors.readers.transcripts.spool import Spool
from anima.vendors.readers.transcripts.who import called, roles

_MOST_NAMED = 12
_MOST_SHOWN = 50


def work(asked: dict[str, Any], _limits: Limits) -> Iterator[tuple[str, bool]]:
    """Lines of progress, then the summary, or why it was refused."""
    lines: queue.SimpleQueue[dict[str, Any] | Exception | None] = queue.SimpleQueue()

    def run() -> None:
        try:
            lines.put(_read(asked, lambda done, total: lines.put({"done": done, "total": total})))
        except Exception as error:
            lines.put(error)
        lines.put(None)

    threading.Thread(target=run, daemon=True).start()
    while (line := lines.get()) is not None:
        if isinstance(line, Exception):
            line = _refused(line)
        yield json.dumps(line), True


def _refused(error: Exception) -> dict[str, Any]:
    if isinstance(error, AnimaError) and error.slug in ERRORS:
        return {"refused": error.slug, "values": {name: str(value) for name, value in error.values.items()}}
    raise error


def _read(asked: dict[str, Any], progress: Any) -> dict[str, Any]:
    now = datetime.fromisoformat(asked["now"])
    spool = Spool(Path(asked["into"]))
    try:
        with opened(Path(asked["path"]), asked["name"], asked["title"], now, progress) as found:
            counts = spool.fill(found.origin, found.turns, now)
            _name_roles(spool, found, asked)
            everyone = spool.everyone()
            counts["speakers"] = len(everyone)
            mine = [name for name, role, _ in everyone if role == "me"]
            shown = {name: turns for name, _, turns in everyone[:_MOST_SHOWN]}
            return {"origin": found.origin, "counts": dict(counts), "speakers": shown, "me": mine[:_MOST_SHOWN]}
    finally:
        spool.close()


def _name_roles(spool: Spool, found: Opened, asked: dict[str, Any]) -> None:
    speakers = spool.speakers()
    if speakers and asked["me"] and not called(speakers, asked["me"]):
        there = ", ".join(list(speakers)[:_MOST_NAMED])
        raise SpeakerUnknown(name=" or ".join(asked["me"]), speakers=there)
    spool.name_roles(roles(speakers, asked["me"], asked["names"], asked["avatar"], found.counterpart))


if __name__ == "__main__":
    serve(work)

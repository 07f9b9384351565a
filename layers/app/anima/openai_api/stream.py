"""A stream of server-sent events whose source is a generator: kept alive, and closed when its client goes away."""

from __future__ import annotations

import json
import queue
import threading
from collections.abc import Callable, Generator
from itertools import chain
from typing import Any

from anima.chat.frames import kept_alive, play
from anima.chat.streamed_api import Streamed

DONE = "data: [DONE]\n\n"

Failed = Callable[[Exception], str]


def data(told: dict[str, Any], name: str | None = None) -> str:
    """One event."""
    head = f"event: {name}\n" if name else ""
    return f"{head}data: {json.dumps(told, ensure_ascii=False)}\n\n"


def streamed(lines: Generator[str, None, None], failed: Failed) -> Streamed:
    """The answer whose body these lines are. What is wrong before the first of them is raised here; an error behind
    it becomes the last, told by `failed`.
    """
    first = next(lines)
    gone = threading.Event()
    told: queue.SimpleQueue[str | None] = queue.SimpleQueue()

    def hear(line: str | Exception | None) -> None:
        told.put(failed(line) if isinstance(line, Exception) else line)

    play(lines, hear, gone)
    return Streamed(chain([first], kept_alive(told)), gone)

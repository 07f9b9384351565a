"""What answers lines: the shape of an engine, the answers and failures that come of it, and the engine of a batch."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from anima.inference.batch_file import (
    Batch,
    EmbeddingsEngine,
    LocalEngine,
    OpenAIEngine,
    TransformerEngine,
)
from anima.kernel.errors import AnimaError

from .lines import Fault, Line


class EngineDown(AnimaError):
    """The engine {engine} cannot be used: {reason}."""

    status = 503
    slug = "engine-down"


class NoOwner(AnimaError):
    """{what} belongs to a person: ANIMA_JOB_OWNER says to whom."""

    status = 422
    slug = "no-owner"


@dataclass(frozen=True, slots=True)
class Answer:
    """What goes into the row of a line beside its id, and what it cost."""

    fields: dict[str, Any]
    prompt_tokens: int = 0
    completion_tokens: int = 0
    seconds: float = 0.0


Outcome = Answer | Fault
"""An answer, or why there is none: the row of its line says so."""
STOPPED = Fault("stopped", "the job was asked to end")
"""No outcome at all: the line is asked when the job goes on."""


class Engine(Protocol):
    """Takes up to `at_once` lines and answers them; called by `workers` threads at once."""

    name: str
    version: str
    at_once: int
    workers: int

    def answer(self, lines: Sequence[Line]) -> list[Outcome]:
        """An outcome a line, in order. Raises EngineDown where none of them, nor the next, has a chance."""

    def close(self) -> None:
        """Lets go of what it holds."""


@dataclass(frozen=True, slots=True)
class Stop:
    """Whether the job was asked to end: what waits for something looks here."""

    event: threading.Event = field(default_factory=threading.Event)

    def asked(self) -> bool:
        """Whether it was."""
        return self.event.is_set()

    def wait(self, seconds: float) -> bool:
        """Waits so long at most; whether the job was asked to end meanwhile."""
        return self.event.wait(max(seconds, 0.0))


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What an engine may need: the job's folder, the person whose job it is, and the wish to end."""

    folder: Path
    owner_id: int | None
    stop: Stop

    def owner(self, what: str) -> int:
        """Whose it is. Raises NoOwner."""
        if self.owner_id is None:
            raise NoOwner(what=what)
        return self.owner_id


def made(batch: Batch, around: Surroundings) -> Engine:
    """The engine of a batch, ready to answer. Raises EngineDown, NoOwner, and what loading a model raises."""
    engine = batch.engine
    if isinstance(engine, LocalEngine | OpenAIEngine):
        from . import asking

        return asking.Asking(batch, asking.place_of(batch, around), around.stop)
    if isinstance(engine, EmbeddingsEngine):
        from . import embedding

        return embedding.Embedding(batch, around)
    assert isinstance(engine, TransformerEngine)
    from . import transformer

    return transformer.Transformer(batch, around)


def known_by(batch: Batch, engine: Engine) -> bytes:
    """What an answer depends on besides the line: engine, version of its weights where it knows it, parameters."""
    return json.dumps([batch.known_by(), engine.version], sort_keys=True, default=str).encode()


def now() -> float:
    """Seconds on a clock that only goes forward."""
    return time.perf_counter()

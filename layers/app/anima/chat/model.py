"""A turn as data: what is asked, what happens while it is answered, and the answer."""

from __future__ import annotations

import re
import uuid
from dataclasses import asdict, dataclass, field
from datetime import datetime
from itertools import pairwise
from typing import Any

# Begins where its marks begin and gives none of them back, so that a long row of them takes linear time.
_SENTENCE_END = re.compile(r"(?<![.!?…])[.!?…]++[\"'”’»)\]]*+\s+|\n+")


@dataclass(frozen=True, slots=True)
class TurnRequest:
    """What a person says, and to whom. Without a session a new one begins; `avatar` is an id or a name.

    `edits` is a message of theirs that this one replaces; `answers` one that is stored and is answered (again).
    `country` (two letters) is where they seem to be. `history` (role and text, oldest first) is what a client tells of
    the conversation: it stands for the stored one, and the turn is entered in a private session that is closed at once.
    `client` is the door: console, api, openai, mcp, socket or cli.
    """

    message: str
    session_id: int | None = None
    parent_message_id: int | None = None
    avatar: uuid.UUID | str | None = None
    model: str | None = None
    stream: bool = False
    media: tuple[int, ...] = ()
    edits: int | None = None
    answers: int | None = None
    country: str | None = None
    history: tuple[tuple[str, str], ...] | None = None
    client: str = "api"


@dataclass(frozen=True, slots=True)
class Passage:
    """A piece of a document that is put before the model under a number."""

    marker: int
    chunk_id: int
    document_id: int
    title: str
    source_uri: str | None
    location: dict[str, Any]
    text: str


@dataclass(frozen=True, slots=True)
class Citation:
    """Where a statement of an answer comes from; `quote` is the sentence of the passage that carries it."""

    marker: int
    document_id: int
    chunk_id: int
    title: str
    source_uri: str | None
    location: dict[str, Any]
    quote: str


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of a turn.

    Where it waits for an approval (`finish` is "approval"), it is not stored yet: it has neither message nor response.
    `tools` are the calls that were made: invocation_id, plugin, name, arguments, state (done, failed, denied, waiting),
    text, error, media, latency_ms. `media_refs` are the files that tools made: media_id, media_type, mime_type, url.
    """

    session_id: int | None
    message_id: int | None
    parent_message_id: int | None
    response_id: int | None
    request_id: int
    content: str
    finish: str
    citations: list[Citation]
    memories: list[dict[str, Any]]
    affect: dict[str, Any]
    model: dict[str, Any]
    usage: dict[str, Any]
    timings: dict[str, float]
    created_at: datetime
    role: str = "assistant"
    media_refs: list[Any] = field(default_factory=list)
    egress: dict[str, Any] | None = None
    safety: dict[str, Any] | None = None
    tools: list[dict[str, Any]] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        """The answer as the API gives it."""
        return {**asdict(self), "created_at": self.created_at.isoformat()}


@dataclass(frozen=True, slots=True)
class Started:
    """What was said is stored; the answer is on its way."""

    session_id: int
    message_id: int
    request_id: int


@dataclass(frozen=True, slots=True)
class Token:
    """The next piece of the answer."""

    index: int
    text: str


@dataclass(frozen=True, slots=True)
class Finished:
    """The whole answer, stored."""

    answer: Answer


@dataclass(frozen=True, slots=True)
class ToolStarted:
    """A tool is called with these arguments, as the model wrote them where they are no JSON object."""

    invocation_id: int | None
    plugin: str
    name: str
    arguments: Any


@dataclass(frozen=True, slots=True)
class ToolEnded:
    """A tool gave something: its text, shortened, and the ids of media that it made; or failed with a slug."""

    name: str
    ok: bool
    text: str
    media: tuple[int, ...]
    latency_ms: float
    invocation_id: int | None = None
    error: str | None = None


@dataclass(frozen=True, slots=True)
class ApprovalNeeded:
    """The turn goes on once the person has said whether this call may be made: POST /tool-calls/{invocation_id}."""

    invocation_id: int
    plugin: str
    name: str
    arguments: Any


TurnEvent = Started | Token | ToolStarted | ToolEnded | ApprovalNeeded | Finished


def sentences(text: str) -> list[str]:
    """The sentences and lines of a text, each with the space behind it; joined they are the text again."""
    ends = [0, *(found.end() for found in _SENTENCE_END.finditer(text)), len(text)]
    return [text[begin:end] for begin, end in pairwise(ends) if end > begin]


def shortened(text: str, limit: int) -> str:
    """A text of at most `limit` characters, cut between words, on one line."""
    line = " ".join(text.split())
    if len(line) <= limit:
        return line
    return line[: limit - 1].rsplit(" ", 1)[0].rstrip(",;:") + "…"


def plain(memory: Any) -> dict[str, Any]:
    """A memory as an answer shows it: what it was and where it came from."""
    source = {name: _plain_value(value) for name, value in asdict(memory.source).items()}
    return {
        "kind": memory.kind,
        "id": memory.id,
        "text": memory.text,
        "score": memory.score,
        "scores": memory.scores,
        "source": source,
    }


def _plain_value(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else value

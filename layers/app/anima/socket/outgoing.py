"""What the server sends: numbered frames of at most 32 KB, tokens that came close together in one.

The number of a frame says which answer it belongs to and how far that is: `request_id * 2**20 + position`, where
position 0 is its beginning, `1 + index` its token of that index, and `2**20 - 1` its end. So it grows, it is the same
from whatever process it comes, and what follows a number can be put together again from what is stored.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from typing import Any

from anima.chat.model import Answer, ApprovalNeeded, Finished, Started, Token, ToolEnded, ToolStarted
from anima.kernel import problem as kernel
from anima.kernel.errors import AnimaError

MOST_BYTES = 32 * 1024
"""Of one frame: more than that an API Gateway does not pass on in one piece."""
END = 2**20 - 1
_MOST_TEXT = 24_000  # bytes of text, as JSON, in one frame of tokens
_PIECE = 4_000  # characters of a token that alone is too much: at most six bytes each, as JSON
_LEFT_OUT = ("memories", "tools", "citations", "affect", "content")
"""What an answer goes without where it does not fit, in this order."""

Event = Started | Token | ToolStarted | ToolEnded | ApprovalNeeded | Finished | AnimaError
_TOOLS: dict[type, str] = {ToolStarted: "tool", ToolEnded: "tool_result", ApprovalNeeded: "approval"}


@dataclass(frozen=True, slots=True)
class Entry:
    """Something that happened in an answer, with its number; `of` is the client's name for the message.

    What is no event of a turn is a frame, ready as it is.
    """

    n: int | None
    event: Event | str
    request_id: int | None = None
    of: str | None = None


def number(request_id: int, position: int) -> int:
    """The number of a frame."""
    return request_id * (END + 1) + min(position, END)


def place(n: int) -> tuple[int, int]:
    """The answer that a number belongs to, and the position in it."""
    return divmod(n, END + 1)


def frame(kind: str, /, **fields: Any) -> str:
    """One frame. Half of a surrogate pair, which no frame can hold, becomes a question mark."""
    text = json.dumps({"type": kind, **fields}, ensure_ascii=False, separators=(",", ":"), default=str)
    return text.encode("utf-8", "replace").decode()


def problem(error: AnimaError) -> dict[str, Any]:
    """An error as the HTTP API tells it, with what that tells in a header."""
    later = {"retry_after": error.retry_after} if error.retry_after is not None else {}
    return {**kernel.problem(error), **later}


def refused(error: AnimaError, *, closes: bool = False, of: str | None = None, n: int | None = None) -> str:
    """An error as a frame; `closes`: the connection ends with it."""
    return frame("error", **_beside(n, of), error=problem(error), closes=closes)


def told(entries: Iterable[Entry]) -> Iterator[str]:
    """Frames of what happened, tokens in a row together."""
    waiting: list[Entry] = []
    size = 0
    for entry in entries:
        if not isinstance(entry.event, Token):
            yield from _batch(waiting)
            waiting, size = [], 0
            yield _single(entry)
            continue
        more = len(json.dumps(entry.event.text, ensure_ascii=False).encode("utf-8", "replace"))
        if waiting and (size + more > _MOST_TEXT or waiting[0].request_id != entry.request_id):
            yield from _batch(waiting)
            waiting, size = [], 0
        waiting.append(entry)
        size += more
    yield from _batch(waiting)


def _batch(entries: list[Entry]) -> Iterator[str]:
    """One frame of tokens in a row. A token that alone is too long comes in pieces; the last has its number."""
    if not entries:
        return
    first, last = entries[0], entries[-1]
    text = "".join(entry.event.text for entry in entries if isinstance(entry.event, Token))
    index = first.event.index if isinstance(first.event, Token) else 0
    about = {"request_id": first.request_id, "index": index}
    if len(entries) == 1:
        while len(text) > _PIECE:
            yield frame("token", **about, count=0, text=text[:_PIECE])
            text = text[_PIECE:]
    yield frame("token", n=last.n, **about, count=len(entries), text=text)


def _single(entry: Entry) -> str:
    event, beside = entry.event, _beside(entry.n, entry.of)
    if isinstance(event, str):
        return event
    if isinstance(event, Started):
        return frame("started", **beside, **asdict(event))
    if isinstance(event, Finished):
        return _answer(event.answer, beside)
    if isinstance(event, AnimaError):
        return refused(event, n=entry.n, of=entry.of)
    return _tool(_TOOLS[type(event)], {**beside, "request_id": entry.request_id}, asdict(event))


def _beside(n: int | None, of: str | None) -> dict[str, Any]:
    return {**({"n": n} if n is not None else {}), **({"id": of} if of is not None else {})}


def _tool(kind: str, beside: dict[str, Any], fields: dict[str, Any]) -> str:
    """What a tool is asked or gave; arguments that are too long are not shown."""
    whole = frame(kind, **beside, **fields)
    if len(whole.encode()) <= MOST_BYTES:
        return whole
    shorter = {name: value for name, value in fields.items() if name not in ("arguments", "text")}
    return frame(kind, **beside, **shorter, left_out=[name for name in ("arguments", "text") if name in fields])


def _answer(answer: Answer, beside: dict[str, Any]) -> str:
    """The answer with what is felt; what does not fit is left out, and named."""
    fields: dict[str, Any] = answer.as_json()
    fields |= {"emotions": answer.affect.get("emotions", {}), "mood": answer.affect.get("mood")}
    left_out: list[str] = []
    while True:
        whole = frame("avatar_response", **beside, **fields, left_out=left_out)
        if len(whole.encode()) <= MOST_BYTES or len(left_out) == len(_LEFT_OUT):
            return whole
        left_out = [*left_out, _LEFT_OUT[len(left_out)]]
        fields[left_out[-1]] = None

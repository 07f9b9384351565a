"""Answers as OpenAI's Responses protocol tells them: the object, and the events of a stream. Pure."""

from __future__ import annotations

from collections.abc import Generator, Iterable
from typing import Any

from anima.openai_api.bodies import ResponseBody
from anima.openai_api.pieces import Begun, Ended, Piece, Said
from anima.openai_api.stream import data

PREFIX = "resp_"
_CUT = {"length": "max_output_tokens", "content_filter": "content_filter"}


class Told:
    """One response, told as an object or as events that count up."""

    def __init__(self, body: ResponseBody, created: int) -> None:
        self.body, self.created, self.number, self.id = body, created, -1, f"{PREFIX}0"

    def whole(self, ended: Ended | None, status: str | None = None) -> dict[str, Any]:
        """The response: ended, or as far as it is known while it is on its way."""
        if ended is not None:
            self.id = f"{PREFIX}{ended.id}"
        cut = _CUT.get(ended.finish) if ended else None
        body = self.body
        return {
            "id": self.id,
            "object": "response",
            "created_at": self.created,
            "status": status or ("incomplete" if cut else "completed"),
            "error": None,
            "incomplete_details": {"reason": cut} if cut else None,
            "instructions": body.instructions,
            "max_output_tokens": body.max_output_tokens,
            "model": body.model,
            "output": [self.message(ended.text, "incomplete" if cut else "completed")] if ended else [],
            "parallel_tool_calls": True,
            "previous_response_id": body.previous_response_id,
            "reasoning": {"effort": None, "summary": None},
            "store": body.store is not False,
            "temperature": body.temperature,
            "text": {"format": {"type": "text"}},
            "tool_choice": "auto",
            "tools": [],
            "top_p": body.top_p,
            "truncation": "disabled",
            "usage": _usage(ended.usage) if ended else None,
            "user": None,
            "metadata": body.metadata or {},
            **({"avatar": ended.avatar} if ended and ended.avatar else {}),
        }

    def message(self, text: str | None, status: str) -> dict[str, Any]:
        """The one message of the output."""
        content = [] if text is None else [_part(text)]
        item = self.id.replace(PREFIX, "msg_", 1)
        return {"id": item, "type": "message", "status": status, "role": "assistant", "content": content}

    def event(self, kind: str, **told: Any) -> str:
        """An event of the stream."""
        self.number += 1
        return data({"type": kind, "sequence_number": self.number, **told}, kind)

    def at(self) -> dict[str, Any]:
        """Where the words stand: in the one part of the one message."""
        return {"item_id": self.id.replace(PREFIX, "msg_", 1), "output_index": 0, "content_index": 0}


def events(pieces: Iterable[Piece], told: Told) -> Generator[str, None, None]:
    """An answer as the events of a stream, closed with them."""
    try:
        for piece in pieces:
            if isinstance(piece, Begun):
                told.id = f"{PREFIX}{piece.id}"
                yield _begin(told)
            elif isinstance(piece, Said):
                yield told.event("response.output_text.delta", **told.at(), delta=piece.text, logprobs=[])
            else:
                yield _end(told, piece)
    finally:
        if isinstance(pieces, Generator):
            pieces.close()


def _begin(told: Told) -> str:
    known, item = told.whole(None, "in_progress"), told.message(None, "in_progress")
    return "".join(
        (
            told.event("response.created", response=known),
            told.event("response.in_progress", response=known),
            told.event("response.output_item.added", output_index=0, item=item),
            told.event("response.content_part.added", **told.at(), part=_part("")),
        )
    )


def _end(told: Told, ended: Ended) -> str:
    whole = told.whole(ended)
    return "".join(
        (
            told.event("response.output_text.done", **told.at(), text=ended.text, logprobs=[]),
            told.event("response.content_part.done", **told.at(), part=_part(ended.text)),
            told.event("response.output_item.done", output_index=0, item=whole["output"][0]),
            told.event(f"response.{whole['status']}", response=whole),
        )
    )


def _part(text: str) -> dict[str, Any]:
    return {"type": "output_text", "text": text, "annotations": [], "logprobs": []}


def _usage(counted: dict[str, Any]) -> dict[str, Any]:
    prompt, completion = int(counted.get("prompt_tokens", 0)), int(counted.get("completion_tokens", 0))
    cached = int(counted.get("cached_tokens", 0))
    return {
        "input_tokens": prompt,
        "input_tokens_details": {"cached_tokens": cached, "cache_write_tokens": 0},
        "output_tokens": completion,
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": prompt + completion,
    }

"""Turns as chat completions: the whole one, and its chunks. What an avatar adds stands apart, in `avatar`. Pure."""

from __future__ import annotations

from collections.abc import Generator, Iterable
from dataclasses import asdict
from typing import Any

from anima.chat.model import Answer, ApprovalNeeded, Finished, Started, Token, ToolEnded, ToolStarted, TurnEvent
from anima.openai_api.stream import DONE, data

_REASONS = {"length": "length", "content_filter": "content_filter", "tool_calls": "tool_calls"}
_LEFT_OUT = ("content", "role", "usage", "finish", "timings")


def extras(answer: Answer) -> dict[str, Any]:
    """What is told of an answer besides its words: where it is kept, what was felt and remembered, its sources."""
    told = answer.as_json()
    return {name: value for name, value in told.items() if name not in _LEFT_OUT}


def usage(counted: dict[str, Any]) -> dict[str, Any]:
    """Tokens as the protocol names them."""
    prompt, completion = int(counted.get("prompt_tokens", 0)), int(counted.get("completion_tokens", 0))
    return {
        "prompt_tokens": prompt,
        "completion_tokens": completion,
        "total_tokens": prompt + completion,
        "prompt_tokens_details": {"cached_tokens": int(counted.get("cached_tokens", 0)), "audio_tokens": 0},
        "completion_tokens_details": {"reasoning_tokens": 0, "audio_tokens": 0},
    }


def reason(finish: str) -> str:
    """Why an answer ended, in the protocol's words."""
    return _REASONS.get(finish, "stop")


def waiting(answer: Answer) -> str:
    """The words for an answer that waits until a tool is approved: clients of this protocol could not show it."""
    if answer.finish != "approval":
        return ""
    calls = [call for call in answer.tools if call.get("state") == "waiting"]
    asked = "; ".join(f"{call.get('name')} (call {call.get('invocation_id')})" for call in calls) or "a tool"
    return f"[This waits until you allow {asked} in Anima.]"


def content(answer: Answer) -> str:
    """The words of an answer, as they are shown."""
    return "\n\n".join(part for part in (answer.content, waiting(answer)) if part)


def whole(answer: Answer, model: str, created: int) -> dict[str, Any]:
    """A completion."""
    message: dict[str, Any] = {"role": "assistant", "content": content(answer), "refusal": None, "annotations": []}
    return {
        "id": f"chatcmpl-{answer.request_id}",
        "object": "chat.completion",
        "created": created,
        "model": model,
        "choices": [{"index": 0, "message": message, "logprobs": None, "finish_reason": reason(answer.finish)}],
        "usage": usage(answer.usage),
        "system_fingerprint": None,
        "avatar": extras(answer),
    }


class Chunks:
    """The chunks of one completion."""

    def __init__(self, model: str, created: int, *, counted: bool) -> None:
        self.head = {"object": "chat.completion.chunk", "created": created, "model": model, "system_fingerprint": None}
        self.id, self.created, self.counted = "chatcmpl-0", created, counted

    def chunk(self, delta: dict[str, Any], finish: str | None = None, **more: Any) -> str:
        """One chunk; where usage is asked for, all but the last say that they do not tell it."""
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}
        return self._sent(choices=[choice], **({"usage": None} if self.counted else {}), **more)

    def end(self, used: dict[str, Any]) -> str:
        """What was used, where that was asked for, and the end of the stream."""
        return (self._sent(choices=[], usage=usage(used)) if self.counted else "") + DONE

    def _sent(self, **told: Any) -> str:
        return data({"id": self.id, **self.head, **told})


def chunks(events: Iterable[TurnEvent], made: Chunks) -> Generator[str, None, None]:
    """A turn as chunks; it is closed with them."""
    try:
        yield from _chunks(events, made)
    finally:
        close(events)


def close(events: Iterable[TurnEvent]) -> None:
    """Ends a turn that may still be going on; one that is over is left as it is."""
    if isinstance(events, Generator):
        events.close()


def _chunks(events: Iterable[TurnEvent], made: Chunks) -> Generator[str, None, None]:
    for event in events:
        if isinstance(event, Started):
            made.id = f"chatcmpl-{event.request_id}"
            yield made.chunk({"role": "assistant", "content": "", "refusal": None})
        elif isinstance(event, Token):
            yield made.chunk({"content": event.text})
        elif isinstance(event, Finished):
            if more := waiting(event.answer):
                yield made.chunk({"content": f"\n\n{more}" if event.answer.content else more})
            yield made.chunk({}, reason(event.answer.finish), avatar=extras(event.answer))
            yield made.end(event.answer.usage)
        else:
            yield made.chunk({}, avatar={_name(event): asdict(event)})


def _name(event: ToolStarted | ToolEnded | ApprovalNeeded) -> str:
    if isinstance(event, ToolStarted):
        return "tool"
    return "tool_result" if isinstance(event, ToolEnded) else "approval"

"""The client of every chat model, whoever serves it: the protocols differ, what is asked and what comes does not.

Calls are streamed or whole, end at a deadline, and are tried again only while nothing was said yet.
A stream that is abandoned (its generator closed) is closed towards the server, which stops generating.
"""

from __future__ import annotations

import importlib
import random
import time
import typing
from collections.abc import Generator, Iterator
from contextlib import closing
from dataclasses import replace
from typing import cast

from anima.vendors.llm.calls import (
    Call,
    Completion,
    Delta,
    Endpoint,
    Message,
    Protocol,
    Tool,
    ToolCall,
    ToolChoice,
    Usage,
    joined,
)
from anima.vendors.llm.errors import Failed, MalformedAnswer

__all__ = [
    "Call",
    "Completion",
    "Delta",
    "Endpoint",
    "Message",
    "Protocol",
    "Tool",
    "ToolCall",
    "ToolChoice",
    "Usage",
    "complete",
    "joined",
    "load",
    "stream",
]
_FIRST_DELAY = 0.2
_MOST_CHARS_A_TOKEN = 64
_MOST_CALLS = 64


class _Speaker(typing.Protocol):
    """What a module of a protocol offers."""

    def load(self) -> None:
        """Loads what the protocol needs."""

    def deltas(self, call: Call) -> Generator[Delta, None, None]:
        """One attempt; raises Failed, or a ModelError that ends the call."""


def load(protocol: Protocol = "openai") -> None:
    """Loads what a protocol needs, so that the first call need not wait for it."""
    _speaker(protocol).load()


def stream(call: Call) -> Generator[Delta, None, None]:
    """The answer piece by piece. Closing the generator stops the generation.

    Raises ModelUnavailable, ModelAuthFailed, ModelQuotaExceeded, ContextTooLong, ModelRefused, ModelTimeout or
    MalformedAnswer (`anima.vendors.llm.errors`).
    """
    speaker = _speaker(call.endpoint.protocol)
    for attempt in range(1, call.attempts + 1):
        begun = False
        try:
            with closing(speaker.deltas(call)) as pieces:
                for delta in _checked(call, pieces):
                    begun = True
                    yield delta
            return
        except Failed as failure:
            pause_or_raise(failure, attempt, call.attempts, call.deadline if begun else call.until, begun=begun)


def complete(call: Call) -> Completion:
    """The whole answer; raises as `stream` does."""
    return joined(stream(call))


def _speaker(protocol: Protocol) -> _Speaker:
    """The module of a protocol, loaded when it is first spoken: a turn needs one of them."""
    return cast(_Speaker, importlib.import_module(f"{__package__}.{protocol}_protocol"))


def _checked(call: Call, pieces: Iterator[Delta]) -> Iterator[Delta]:
    """The pieces, each of which can be stored, and together no more than an answer of this length can have."""
    left = call.max_tokens * _MOST_CHARS_A_TOKEN + _MOST_CHARS_A_TOKEN
    for delta in pieces:
        left -= len(delta.text) + sum(len(one.name) + len(one.arguments) for one in delta.tool_calls)
        if left < 0 or len(delta.tool_calls) > _MOST_CALLS:
            raise MalformedAnswer(model=call.model, reason="it is far longer than was asked for")
        calls = tuple(_storable_call(one) for one in delta.tool_calls)
        yield replace(delta, text=_storable(delta.text), tool_calls=calls)


def _storable_call(call: ToolCall) -> ToolCall:
    return replace(call, id=_storable(call.id), name=_storable(call.name), arguments=_storable(call.arguments))


def _storable(text: str) -> str:
    """Text without what no database and no answer of ours can hold: NUL, and halves of surrogate pairs."""
    return text.replace("\x00", "").encode("utf-8", "replace").decode("utf-8")


def pause_or_raise(failure: Failed, attempt: int, attempts: int, until: float, *, begun: bool = False) -> None:
    """Waits before the next attempt where that may help and there is time until the moment `until`; else raises the
    typed error.
    """
    delay = _FIRST_DELAY * 2 ** (attempt - 1) * random.uniform(0.5, 1.5)  # noqa: S311
    wanted = max(delay, failure.wait or 0.0)
    if begun or attempt >= attempts or not failure.passes or wanted >= until - time.monotonic():
        raise failure.error from failure
    time.sleep(wanted)

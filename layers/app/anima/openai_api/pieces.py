"""An answer as it comes, whoever gives it, an avatar or a configured model: begun, said, ended. Pure."""

from __future__ import annotations

from collections.abc import Generator, Iterable
from dataclasses import dataclass
from typing import Any

from anima.chat.model import Answer, Finished, Started, Token, TurnEvent
from anima.openai_api import completions, plain


@dataclass(frozen=True, slots=True)
class Begun:
    """The answer is on its way, under this id."""

    id: str


@dataclass(frozen=True, slots=True)
class Said:
    """The next piece of its words."""

    text: str


@dataclass(frozen=True, slots=True)
class Ended:
    """All of it: its words, why it ended, what was used, and what an avatar tells besides."""

    id: str
    text: str
    finish: str
    usage: dict[str, Any]
    avatar: dict[str, Any] | None = None


Piece = Begun | Said | Ended


def of_turn(events: Iterable[TurnEvent]) -> Generator[Piece, None, None]:
    """A turn with an avatar, closed with its pieces; tools that it uses are told at its end."""
    try:
        yield from _of_turn(events)
    finally:
        completions.close(events)


def _of_turn(events: Iterable[TurnEvent]) -> Generator[Piece, None, None]:
    for event in events:
        if isinstance(event, Started):
            yield Begun(str(event.request_id))
        elif isinstance(event, Token):
            yield Said(event.text)
        elif isinstance(event, Finished):
            if more := completions.waiting(event.answer):
                yield Said(f"\n\n{more}" if event.answer.content else more)
            yield of_answer(event.answer)


def of_answer(answer: Answer) -> Ended:
    """A turn's answer."""
    text, finish = completions.content(answer), completions.reason(answer.finish)
    return Ended(str(answer.request_id), text, finish, answer.usage, completions.extras(answer))


def of_model(asked: plain.Asked, name: str) -> Generator[Piece, None, None]:
    """What a configured model answers."""
    said: list[str] = []
    finish = "stop"
    try:
        for delta in asked.deltas:
            if not said:
                yield Begun(name)
            said.append(delta.text)
            if delta.text:
                yield Said(delta.text)
            finish = delta.finish or finish
        yield Ended(name, "".join(said), completions.reason(finish), plain.counted(asked.usage))
    finally:
        asked.deltas.close()

"""What held when: the periods of a fact, told anew from everything that was ever said of it. Pure.

Messages come in any order (imports bring old ones late), and go (a session is deleted). So nothing is decided by what
happens to stand in the database: all statements of a line (a key and those that cannot hold beside it) are put in the
order in which they were said, and heard again.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from anima.memory.facts_model import CONFIDENCE, Named, Origin, same

Rivals = Callable[[str], Sequence[str]]
"""The keys that cannot hold beside one."""


@dataclass(frozen=True, slots=True)
class Statement:
    """One thing that was said of a fact: by a message, or by its owner themself (`message_id` none).

    `gone`: that it holds no more. `changed`: that it is new. `place` is its place within the message. `fact_id` is the
    fact under which it stands by now, `closed_by` the one that ended it where that is of another line.
    """

    key: str
    category: str
    value: Any
    said_at: datetime
    message_id: int | None = None
    session_id: int | None = None
    evidence: str = ""
    confirmed: bool = True
    changed: bool = False
    gone: bool = False
    true_from: datetime | None = None
    true_until: datetime | None = None
    place: int = 0
    fact_id: uuid.UUID | None = None
    closed_by: uuid.UUID | None = None
    origin: Origin = "said"
    about: Named | None = None

    def says_same(self, other: Statement) -> bool:
        """Whether both are of one fact: the same key, and where one has only one of it, the same value."""
        return self.key == other.key and (":" in self.key or same(self.value, other.value))


@dataclass(slots=True)
class Period:
    """A time in which something was held to be so; `never` where it was not: outvoted, or denied before it was said."""

    statements: list[Statement]
    begun: datetime
    ended: datetime | None = None
    by: Period | None = None
    outvoted: bool = False

    @property
    def first(self) -> Statement:
        """What it was begun by."""
        return self.statements[0]

    @property
    def never(self) -> bool:
        """Whether it was never held."""
        return self.ended is not None and self.ended <= self.begun

    @property
    def told(self) -> list[Statement]:
        """The messages that said so."""
        return [each for each in self.statements if each.message_id is not None and not each.gone]

    @property
    def settled(self) -> Statement | None:
        """What its owner said of it last, outside of any message."""
        return next((each for each in reversed(self.statements) if each.message_id is None and not each.gone), None)

    @property
    def confirmed(self) -> bool:
        """Whether it was plainly said, or by two messages, or confirmed by its owner."""
        settled = self.settled
        if settled is not None:
            later = self.statements[self.statements.index(settled) + 1 :]
            return settled.confirmed or any(each.confirmed and not each.gone for each in later)
        return any(each.confirmed for each in self.told) or len({each.message_id for each in self.told}) > 1

    @property
    def confidence(self) -> float:
        """0-1: of the first saying, half the rest more for each other one; whole where its owner confirmed it."""
        settled = self.settled
        if settled is not None and settled.confirmed:
            return 1.0
        said = self.told or [self.first]
        doubt = 1.0 - CONFIDENCE[said[0].confirmed]
        return 1.0 - float(doubt * 0.5 ** (len(said) - 1))

    @property
    def true_from(self) -> datetime | None:
        """Since when it was so, as far as it was said."""
        named = [each.true_from for each in self._by_weight() if each.true_from is not None]
        return named[0] if named else None

    @property
    def true_until(self) -> datetime | None:
        """Until when it was so: as it was said; else until what took its place was so, or was said."""
        named = [each.true_until for each in self._by_weight() if each.true_until is not None]
        until = named[0] if named else None
        if until is None and self.ended is not None and not self.never:
            until = (self.by.true_from if self.by is not None else None) or self.ended
        if until is not None and self.true_from is not None:
            return max(until, self.true_from)
        return until

    def _by_weight(self) -> list[Statement]:
        settled = self.settled
        return ([settled] if settled is not None else []) + [each for each in self.statements if each is not settled]


@dataclass(slots=True)
class _Telling:
    """What holds while it is told, by key."""

    rivals: Rivals
    periods: list[Period] = field(default_factory=list)
    current: dict[str, Period] = field(default_factory=dict)

    def hear(self, said: Statement) -> None:
        held = self.current.get(said.key)
        agrees = held is not None and held.first.says_same(said)
        if said.gone:
            self._deny(said, held if agrees else None)
        elif held is not None and agrees:
            held.statements.append(said)
        else:
            self._replace(said)

    def _deny(self, said: Statement, held: Period | None) -> None:
        if held is None:
            self._never(said, None)
            return
        held.statements.append(said)
        held.ended = said.said_at
        del self.current[said.key]

    def _replace(self, said: Statement) -> None:
        opposed = [self.current[key] for key in (said.key, *self.rivals(said.key)) if key in self.current]
        plain = [old for old in opposed if old.confirmed]
        if plain and not said.confirmed and not said.changed:
            self._never(said, plain[0])
            return
        period = Period([said], said.said_at)
        for old in opposed:
            old.ended, old.by = said.said_at, period
            del self.current[old.first.key]
        self.current[said.key] = period
        self.periods.append(period)

    def _never(self, said: Statement, by: Period | None) -> None:
        """What is not held is kept nevertheless: something that was said earlier may come later, and it counts then."""
        for each in self.periods:
            if each.never and each.by is by and each.first.says_same(said):
                each.statements.append(said)
                return
        self.periods.append(Period([said], said.said_at, said.said_at, by, outvoted=by is not None))


def replay(statements: Iterable[Statement], rivals: Rivals) -> list[Period]:
    """The periods that follow from these statements, whatever order they come in.

    The same again counts as a mention, and confirms what another message had only suggested. Another value supersedes;
    but a guess does not outvote what was plainly said, unless the person speaks of a change.
    """
    telling = _Telling(rivals)
    for said in sorted(statements, key=_order):
        telling.hear(said)
    return telling.periods


def _order(said: Statement) -> tuple[Any, ...]:
    """When it was said; what an owner settles comes after what was said at that moment."""
    own = said.message_id is None
    return said.said_at, own, said.message_id or 0, said.place, said.gone, said.key, str(said.value)

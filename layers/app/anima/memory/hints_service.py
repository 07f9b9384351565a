"""Hints for a turn: asked for in its pipeline where a question may want them, drawn after it."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from anima.kernel import clock, db
from anima.kernel.terms import Question, terms
from anima.memory import hints, hints_repo
from anima.memory.hints import Hint, Told
from anima.memory.model import Memory, Source
from anima.memory.relation_words import KIN_WORDS

__all__ = ["Conclusion", "PendingHints", "begin"]

_CATEGORIES = ["family", "relationships", "location", "work", "pets", "health", "personal_info"]
_MOST = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Conclusion(Source):
    """Where a hint comes from: the sentences that it follows from, and the facts and messages that say them."""

    derivation: tuple[str, ...] = ()
    rule: str = ""
    keys: tuple[str, ...] = ()
    fact_ids: tuple[str, ...] = ()
    message_ids: tuple[int, ...] = field(default=())


@dataclass(frozen=True, slots=True)
class PendingHints:
    """Hints on their way; `about` is for after the transaction."""

    _statements: db.Pending[hints_repo.Statement]
    _question: Question

    def about(self, memories: Sequence[Memory]) -> list[Memory]:
        """What follows from facts, and from what was recalled of the person's own words, as far as it is asked for."""
        told = [
            Told(
                one.id,
                one.text,
                one.key,
                one.value,
                one.relation,
                one.message_id,
                one.session_id,
                one.at,
                one.true_from,
                one.true_until,
            )
            for one in self._statements.all()
        ]
        told += [_said(memory) for memory in memories if memory.kind == "message" and memory.source.speaker == "user"]
        found = hints.relevant(hints.derive(told, self._question.language), self._question.text)
        return [_as_memory(hint, {one.id: one for one in told}) for hint in found]


def begin(
    tx: db.Transaction, owner_id: int, avatar_id: uuid.UUID, question: Question, kinds: Collection[str]
) -> PendingHints | None:
    """Sends one statement where a question may be about kin, places or food; looks at nothing.

    Conclusions rest on the `kinds` of memory that the avatar may recall.
    """
    if not hints.may_touch(question.text):
        return None
    found = hints_repo.statements(
        tx,
        owner_id,
        avatar_id,
        categories=_CATEGORIES if "fact" in kinds else [],
        terms=_kin_terms() if "message" in kinds else [],
        limit=_MOST,
    )
    return PendingHints(found, question)


@lru_cache(maxsize=1)
def _kin_terms() -> list[str]:
    """What words of kinship and the like are indexed by, in both languages."""
    words = " ".join([*KIN_WORDS, "married", "mariée", "older", "younger", "jeune", "city", "town", "ville"])
    return sorted({*terms(words, "en"), *terms(words, "fr")})


def _said(memory: Memory) -> Told:
    source = memory.source
    return Told(
        f"message:{source.message_id}",
        memory.text,
        message_id=source.message_id,
        session_id=source.session_id,
        at=source.date,
    )


def _as_memory(hint: Hint, told: dict[str, Told]) -> Memory:
    """A hint as answers show it beside memories."""
    dates = [one.at for one in told.values() if one.message_id in hint.message_ids and one.at is not None]
    return Memory(
        kind="hint",
        id=hint.id,
        text=hint.text,
        score=1.0,
        scores={"asked": 1.0, "premises": float(len(hint.derivation))},
        strength=1.0,
        confirmed=False,
        source=Conclusion(
            message_id=hint.message_ids[-1] if hint.message_ids else None,
            session_id=None,
            date=max(dates, default=clock.now()),
            speaker="conclusion",
            derivation=hint.derivation,
            rule=hint.rule,
            keys=tuple(sorted({told[f"fact:{one}"].key for one in hint.fact_ids})),
            fact_ids=hint.fact_ids,
            message_ids=hint.message_ids,
        ),
    )

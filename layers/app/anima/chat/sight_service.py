"""What of a turn a model may read: what is asked decides who answers, and what is told besides what is left out.

A thing said and its answer are of the same categories; a short reply is also of those of what it replies to ("Since
March." tells of an illness where that was asked about). Passages of documents are held back like memories.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from anima.chat import repo
from anima.conversations.model import Partner, Past
from anima.gateway import service as gateway
from anima.gateway.model import Model, Route, limited, routed
from anima.kernel import db
from anima.kernel.terms import Language
from anima.knowledge.search_model import Hit
from anima.memory import sensitivity
from anima.memory.model import Memory

Marks = Mapping[int, frozenset[str]]
"""What messages are about by the facts that were drawn from them, by message."""

_SHORT_WORDS = 8
_NOTHING: frozenset[str] = frozenset()
_SILENT: dict[Language, str] = {
    "en": "That is something I keep on this machine, and no model runs here that may read it. I have kept what you "
    "said; start the local model, or change who may read it, and I can answer.",
    "fr": "C'est quelque chose que je garde sur cette machine, et aucun modèle qui ait le droit de le lire n'y tourne. "
    "J'ai gardé ce que tu as dit ; lance le modèle local, ou change qui peut le lire, et je pourrai répondre.",
}


@dataclass(slots=True)
class Sight:
    """What the model that answers may see of a turn, and how much was kept from it; `among` are the categories that not
    everybody may read.
    """

    route: Route = field(default_factory=lambda: Route(None))
    marks: Marks = field(default_factory=dict)
    limited: bool = False
    among: frozenset[str] = frozenset()
    left_out: int = 0

    def history(self, past: Sequence[Past]) -> list[Past]:
        """The lines of the conversation that it may see."""
        if not self.route.barred:
            return list(past)
        about = about_lines(past, self.marks, self.route.barred)
        return self._seen(past, [about[one.message_id] for one in past])

    def memories(self, found: Sequence[Memory]) -> list[Memory]:
        """The memories that it may see."""
        return self._seen(found, [self._of(one) for one in found] if self.route.barred else [])

    def hits(self, found: Sequence[Hit]) -> list[Hit]:
        """The passages that it may see."""
        barred = self.route.barred
        return self._seen(found, [sensitivity.categories(one.text, barred) for one in found] if barred else [])

    def hides(self, text: str, message_id: int = 0) -> bool:
        """Whether it may not see a text, which has to do with this message."""
        barred, about = self.route.barred, self.marks.get(message_id, _NOTHING)
        return bool(barred) and bool(barred & (sensitivity.categories(text, barred) | about))

    def told(self) -> dict[str, Any] | None:
        """How an answer tells of it; nothing where everybody may read all."""
        if not self.limited:
            return None
        model = self.route.model
        return {
            "kept_local": list(self.route.kept),
            "left_out": self.left_out,
            "barred": sorted(self.route.barred),
            "model": model.id if model else None,
        }

    def _of(self, memory: Memory) -> frozenset[str]:
        """By its words, its key and what else was drawn from its message; of a conclusion, by what it follows from."""
        source = memory.source
        drawn = [self.marks.get(one, _NOTHING) for one in (source.message_id or 0, *getattr(source, "message_ids", ()))]
        rests_on = [sensitivity.of_fact(one) for one in (getattr(memory, "key", ""), *getattr(source, "keys", ()))]
        text = " ".join([memory.text, *getattr(source, "derivation", ())])
        return sensitivity.categories(text, self.route.barred).union(*drawn, *rests_on)

    def _seen(self, things: Sequence[Any], about: Sequence[frozenset[str]]) -> list[Any]:
        if not self.route.barred:
            return list(things)
        seen = [one for one, of in zip(things, about, strict=True) if not of & self.route.barred]
        self.left_out += len(things) - len(seen)
        return seen


def of(
    tx: db.Transaction, owner_id: int, avatar: Partner | None, chosen: Model, asked: str, before: Sequence[Past]
) -> Sight:
    """Who answers, and what of the turn they may see. Costs a wait, and only where the avatar's egress limits it."""
    if avatar is None or not (among := limited(avatar.egress)):
        return Sight(Route(chosen))
    found = repo.marked(tx, owner_id, avatar.avatar_id, sorted(among), sensitivity.keys_of(among))
    drawn = marks((one.message_id, one.key, one.category) for one in found.all())
    about = asked_about(asked, before, drawn, among)
    return Sight(routed(chosen, gateway.local, avatar.egress, about), drawn, limited=True, among=frozenset(among))


def about_lines(history: Sequence[Past], marks: Marks, among: Collection[str]) -> dict[int, frozenset[str]]:
    """What each line of a conversation is about."""
    own = {one.message_id: _own(one, marks, among) for one in history}
    about = dict(own)
    spoken = _NOTHING  # of the last exchange
    for before, past in pairwise([None, *history]):
        if past is None:
            continue
        if past.role == "assistant" and before is not None:
            spoken = own[before.message_id] | own[past.message_id]
            about[past.message_id] |= about[before.message_id]
            about[before.message_id] |= own[past.message_id]
        elif _is_short(past.content):
            about[past.message_id] |= spoken
    return about


def marks(drawn: Iterable[tuple[int, str, str]]) -> dict[int, frozenset[str]]:
    """What messages are about, from the facts that were drawn from them: (message, key, category)."""
    found: dict[int, frozenset[str]] = {}
    for message_id, key, category in drawn:
        found[message_id] = found.get(message_id, _NOTHING) | sensitivity.of_fact(key, category)
    return found


def asked_about(question: str, history: Sequence[Past], marks: Marks, among: Collection[str]) -> frozenset[str]:
    """What a question is about, after what was said before it."""
    about = sensitivity.asked(question, among)
    if _is_short(question):
        for past in history[-2:]:
            about |= _own(past, marks, among)
    return about


def silent(language: Language | None) -> str:
    """What is said where no model may read what was asked."""
    return _SILENT[language or "en"]


def _own(past: Past, marks: Marks, among: Collection[str]) -> frozenset[str]:
    return sensitivity.categories(past.content, among) | (marks.get(past.message_id, _NOTHING) & frozenset(among))


def _is_short(text: str) -> bool:
    return len(text.split()) <= _SHORT_WORDS

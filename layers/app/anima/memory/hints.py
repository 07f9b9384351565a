"""Hints: what follows from what a person told, by the rules of `relations`, each with its derivation. Pure.

A hint is a conclusion and is marked as one; it is drawn anew each time, so that it goes with what it rests on.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from anima.kernel.terms import Language, tokenise
from anima.memory import relation_words
from anima.memory.relation_words import Read
from anima.memory.relations import ME, Known, Relation, closure, conclusions

MOST_STATEMENTS = 200
MOST_HINTS = 3
_MOST_DATED = 12
_WORLD = "world"
_FIRST_PERSON = frozenset("i me my mine myself je j moi mon ma mes m".split())
_WHO = frozenset("who whom whose related relation relative family qui parente lien famille".split())


@dataclass(frozen=True, slots=True)
class Told:
    """A statement of the person: a fact (`key` and `value`), somebody named (`relation`), or a message.

    `id` begins with its kind: "fact:…", "entity:…", "message:…".
    """

    id: str
    text: str = ""
    key: str = ""
    value: Any = None
    relation: str = ""
    message_id: int | None = None
    session_id: int | None = None
    at: datetime | None = None
    true_from: datetime | None = None
    true_until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Hint:
    """A conclusion as a sentence, the sentences that it rests on, and the facts and messages that say them."""

    id: str
    text: str
    derivation: tuple[str, ...]
    rule: str
    fact_ids: tuple[str, ...]
    message_ids: tuple[int, ...]
    relation: Relation
    names: tuple[str, ...] = field(default=())


def derive(statements: Sequence[Told], language: Language | None = None) -> list[Hint]:
    """Everything that follows from what was told, what rests on least first; the same whatever the order.

    Of more than `MOST_STATEMENTS` the newest count.
    """
    newest = sorted(statements, key=lambda one: (one.at is not None, one.at, one.id), reverse=True)
    taken = {one.id: one for one in newest[:MOST_STATEMENTS]}
    reads = {number: _read(one) for number, one in taken.items()}
    reads[_WORLD] = relation_words.diets()
    _add_times(taken, reads)
    return _Deriver(taken, _resolved(reads), language).hints()


def relevant(hints: Sequence[Hint], question: str) -> list[Hint]:
    """Those that touch a question, at most `MOST_HINTS`: whom it names, or the kinship that it asks for."""
    order = tokenise(question)
    words = set(order)
    asked = relation_words.asked(question)
    scored = [(_touch(hint, words, asked), hint) for hint in hints]
    best: dict[frozenset[str], tuple[int, Hint]] = {}
    for score, hint in scored:
        pair = frozenset({hint.relation.subject, hint.relation.object})
        # Of a relation and its inverse one is told: the one that is asked for, about whom the question names first.
        rated = score * 2 + (hint.relation.object == ME or _first(hint, order))
        if score and (pair not in best or rated > best[pair][0]):
            best[pair] = (rated, hint)
    ordered = sorted(best.values(), key=lambda found: (-found[0], len(found[1].derivation), found[1].text))
    return [hint for _, hint in ordered[:MOST_HINTS]]


def _first(hint: Hint, order: Sequence[str]) -> bool:
    """Whether a question names the one whom a hint is about before the other."""
    places = [
        order.index(word) if (word := (tokenise(name) or [""])[0]) in order else len(order) for name in hint.names
    ]
    return len(places) == 2 and places[0] < places[1]


def may_touch(question: str) -> bool:
    """Whether any hint might touch a question; cheap, so that other turns ask for none."""
    words = tokenise(question)
    return bool(relation_words.asked(question)) or bool(_WHO & set(words)) or "'s" in question.replace("’", "'")


def _touch(hint: Hint, words: set[str], asked: frozenset[str]) -> int:
    """How closely a question is about a hint; 0: not at all."""
    relation = hint.relation
    named = [name for name in hint.names if (parts := tokenise(name)) and set(parts) <= words]
    personal = ME in (relation.subject, relation.object) and bool(words & _FIRST_PERSON)
    wanted = relation.predicate in asked
    if len(named) == 2:
        return 3 + wanted
    if named and (wanted or (ME in (relation.subject, relation.object) and words & _WHO)):
        return 2 + wanted
    if wanted and personal and relation.predicate != "avoids":
        return 1
    return 0


def _read(one: Told) -> Read:
    if one.relation:
        return relation_words.of_named(str(one.value), one.relation)
    read = relation_words.of_fact(one.key, one.value) if one.key else Read()
    said = relation_words.of_text(one.text)
    read.relations += said.relations
    read.names = {**said.names, **read.names}
    read.genders = {**said.genders, **read.genders}
    return read


def _add_times(taken: dict[str, Told], reads: dict[str, Read]) -> None:
    """What was before what, as far as facts tell when they held; of the newest few."""
    dated = [one for one in taken.values() if one.key and (one.true_from or one.true_until)][:_MOST_DATED]
    begun = {f"{one.id}|{one.value}": one.true_from for one in dated if one.true_from}
    ended = {f"{one.id}|{one.value}": one.true_until for one in dated if one.true_until}
    said, order = relation_words.of_times(begun, ended)
    for number, read in said.items():
        reads[number].relations += read.relations
        reads[number].names |= read.names
    reads[_WORLD].relations += order.relations
    reads[_WORLD].names |= order.names


def _resolved(reads: dict[str, Read]) -> dict[str, Read]:
    """ "My sister" is the one sister with a name, where there is exactly one."""
    by_kind: dict[str, set[str]] = {}
    genders = {node: gender for read in reads.values() for node, gender in read.genders.items()}
    for read in reads.values():
        for one in read.relations:
            if one.object == ME and not one.subject.startswith(f"{ME}/"):
                by_kind.setdefault(f"{ME}/{one.predicate}/{genders.get(one.subject, '')}", set()).add(one.subject)
    known = {unnamed: next(iter(nodes)) for unnamed, nodes in by_kind.items() if len(nodes) == 1}
    for read in reads.values():
        read.relations = [
            Relation(known.get(one.subject, one.subject), one.predicate, known.get(one.object, one.object))
            for one in read.relations
        ]
    return reads


class _Deriver:
    """Draws the conclusions of what was read, and puts them into words."""

    def __init__(self, taken: dict[str, Told], reads: dict[str, Read], language: Language | None) -> None:
        self.taken, self.reads, self.language = taken, reads, language
        self.names: dict[str, str] = {}
        self.genders: dict[str, relation_words.Gender] = {}
        for number in sorted(reads):
            for node, name in reads[number].names.items():
                self.names.setdefault(node, name)
            for node, gender in reads[number].genders.items():
                self.genders.setdefault(node, gender)

    def hints(self) -> list[Hint]:
        """All of them."""
        stated = [Known(relation, (number,)) for number, relation in relation_words.sentences_of(self.reads)]
        found = conclusions(closure(stated))
        return [self._hint(one) for one in found if _says_something(one)]

    def _hint(self, one: Known) -> Hint:
        text = self._told(one.relation)
        sources = [self.taken[number] for number in one.premises if number != _WORLD]
        messages = sorted({each.message_id for each in sources if each.message_id is not None})
        facts = sorted(each.id.partition(":")[2] for each in sources if each.id.startswith("fact:"))
        number = hashlib.sha256("|".join(map(str, (one.relation, *one.premises))).encode()).hexdigest()[:16]
        nodes = [node for node in (one.relation.subject, one.relation.object) if node != ME]
        return Hint(
            number,
            text,
            tuple(self._premises(one)),
            one.rule,
            tuple(facts),
            tuple(messages),
            one.relation,
            tuple(self.names.get(node, node) for node in nodes if "/" not in node),
        )

    def _premises(self, one: Known) -> list[str]:
        """The relations that the statements say, as far as the conclusion rests on them."""
        between = _between(one.relation, [(n, r) for n in one.premises for r in self.reads[n].relations])
        return list(dict.fromkeys(self._told(relation) for relation in between))

    def _told(self, relation: Relation) -> str:
        return relation_words.told(relation, self.names, self.genders, self.language)


def _says_something(one: Known) -> bool:
    """Whether a conclusion is more than a statement turned round, and about what people named."""
    of_time = any(relation_words.is_moment(node) for node in (one.relation.subject, one.relation.object))
    return one.premises != (_WORLD,) and not of_time


def _between(conclusion: Relation, said: list[tuple[str, Relation]]) -> list[Relation]:
    """The relations on the shortest way from one end of a conclusion to the other, in that order."""
    ways: list[tuple[str, tuple[Relation, ...]]] = [(conclusion.subject, ())]
    seen = {conclusion.subject}
    while ways:
        node, way = ways.pop(0)
        if node == conclusion.object:
            return list(way)
        for _, relation in said:
            other = {relation.subject: relation.object, relation.object: relation.subject}.get(node)
            if other is not None and other not in seen:
                seen.add(other)
                ways.append((other, (*way, relation)))
    return [relation for _, relation in said]

"""Whom and what a person speaks of: one entity of each, whatever it is called. Pure."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from anima.kernel import ids
from anima.memory.facts_model import Named, folded

_MAX_ALIASES = 20


@dataclass(frozen=True, slots=True)
class Entity:
    """Somebody or something that a person speaks of; `relation` is what they are to them.

    `folded` is the name without regard to its letters; of two of one name it tells the one from the other.
    """

    entity_id: uuid.UUID
    kind: str
    name: str
    aliases: list[str]
    relation: str | None
    folded: str

    def names(self) -> set[str]:
        """All it is called, folded."""
        return {folded(self.name), *(folded(each) for each in self.aliases)}


@dataclass(frozen=True, slots=True)
class HeardOf:
    """An entity as an avatar has heard of it: how often, and when first and last."""

    entity_id: uuid.UUID
    kind: str
    name: str
    aliases: list[str]
    relation: str | None
    mention_count: int
    first_seen: datetime
    last_seen: datetime


@dataclass(slots=True)
class Resolution:
    """Which entity each name means, and the entities that are new or know more by now."""

    meant: dict[Named, uuid.UUID] = field(default_factory=dict)
    changed: dict[uuid.UUID, Entity] = field(default_factory=dict)


def resolve(known: Sequence[Entity], names: Iterable[Named]) -> Resolution:
    """Finds the entity of each name among those known, or makes one.

    "My sister Anna" is the sister of whom no name was known; "Anna" is Anna Keller, as long as there is only one.
    Whoever has another relation is another one.
    """
    found, entities = Resolution(), {each.entity_id: each for each in known}
    for named in dict.fromkeys(names):
        if not folded(named.name):
            continue
        if _one_of_several(entities.values(), named):
            continue  # "my brother", of one who has two: nobody can tell which
        before = _match(entities.values(), named)
        after = _parted(_new(named) if before is None else _learnt(before, named), entities.values())
        if after != before:
            found.changed[after.entity_id] = entities[after.entity_id] = after
        found.meant[named] = after.entity_id
    return found


def _unnamed(name: str, relation: str | None) -> bool:
    """Whether somebody is only called what they are: "my wife"."""
    return relation is not None and folded(name) == folded(relation)


def _match(entities: Iterable[Entity], named: Named) -> Entity | None:
    entities = list(entities)
    alike = [each for each in entities if each.kind == named.kind]
    called = folded(named.name)
    fitting = [each for each in alike if _fits(each, named)]
    if _unnamed(named.name, named.relation):
        related = [each for each in alike if each.relation is not None and folded(each.relation) == called]
        return _only(related) or _only(each for each in related if called in each.names())
    exact = [each for each in fitting if called in each.names()]
    if not exact and named.kind == "thing":  # of a name alone nobody can tell the kind
        exact = [each for each in entities if called in each.names()]
    elif not exact:  # and what was heard of by its name alone is what it is called now
        exact = [each for each in entities if each.kind == "thing" and called in each.names()]
    if exact:
        return min(exact, key=lambda each: each.entity_id)
    if named.relation is not None:
        nameless = _only(each for each in alike if _unnamed(each.name, each.relation) and _fits(each, named))
        if nameless is not None:
            return nameless
    return _only(each for each in fitting if _part(each, called)) if named.kind == "person" else None


def _one_of_several(entities: Iterable[Entity], named: Named) -> bool:
    """Whether only a relation is told in which several stand."""
    called = folded(named.name)
    related = [each for each in entities if each.kind == named.kind and folded(each.relation or "") == called]
    return (
        _unnamed(named.name, named.relation)
        and len(related) > 1
        and all(called not in each.names() for each in related)
    )


def _fits(entity: Entity, named: Named) -> bool:
    return named.relation is None or entity.relation is None or folded(entity.relation) == folded(named.relation)


def _part(entity: Entity, called: str) -> bool:
    """Whether one is the first name, or the last, of the other."""
    if _unnamed(entity.name, entity.relation):
        return False
    words, others = called.split(), folded(entity.name).split()
    return words != others and (set(words) <= set(others) or set(others) <= set(words))


def _only(entities: Iterable[Entity]) -> Entity | None:
    found = list(entities)
    return found[0] if len(found) == 1 else None


def _new(named: Named) -> Entity:
    name = named.name.strip()[:200]
    return Entity(ids.uuid7(), named.kind, name, [], named.relation, folded(name))


def _parted(entity: Entity, others: Iterable[Entity]) -> Entity:
    """The entity, told apart from another of its name."""
    taken = {each.folded for each in others if each.kind == entity.kind and each.entity_id != entity.entity_id}
    if entity.folded not in taken:
        return entity
    return replace(entity, folded=f"{folded(entity.name)} ({folded(entity.relation or entity.entity_id)})")


def _learnt(entity: Entity, named: Named) -> Entity:
    """What is known now: the relation, another name; the fuller name is the name."""
    relation = entity.relation or named.relation
    if entity.kind == "thing":
        entity = replace(entity, kind=named.kind)
    if folded(named.name) in entity.names() or _unnamed(named.name, named.relation):
        return replace(entity, relation=relation)
    fuller = _unnamed(entity.name, entity.relation) or len(named.name) > len(entity.name)
    name, other = (named.name.strip()[:200], entity.name) if fuller else (entity.name, named.name.strip()[:200])
    aliases = [*dict.fromkeys([*(each for each in entity.aliases if folded(each) != folded(name)), other])]
    known_as = folded(name) if fuller else entity.folded
    return replace(entity, name=name, aliases=aliases[-_MAX_ALIASES:], relation=relation, folded=known_as)

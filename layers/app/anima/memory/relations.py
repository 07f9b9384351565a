"""Relations between people and places, and what follows from them by a small declared set of rules. Pure.

`closure` is Datalog: it adds nothing about anybody whom no statement names, ends (there are only so many pairs), and
gives the same whatever the order. What is not in the tables does not follow: the friend of a friend is nobody's friend.
"""

from __future__ import annotations

import heapq
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

ME = "me"
"""The node of the person who speaks."""

SYMMETRIC = frozenset({"sibling", "partner", "cousin", "sibling_in_law", "friend", "colleague"})
INVERSE = {
    "parent": "child",
    "grandparent": "grandchild",
    "aunt_or_uncle": "niece_or_nephew",
    "parent_in_law": "child_in_law",
    "owner": "pet",
    "works_for": "employs",
    "older_than": "younger_than",
    "before": "after",
}
INVERSE |= {after: before for before, after in INVERSE.items()}
IMPLIED = {"allergic_to": "avoids"}
# a FIRST b and b SECOND c: a THIRD c. Inverses and symmetry are applied to all of it.
COMPOSED: tuple[tuple[str, str, str], ...] = (
    ("parent", "parent", "grandparent"),
    ("parent", "sibling", "parent"),
    ("sibling", "sibling", "sibling"),
    ("sibling", "parent", "aunt_or_uncle"),
    ("child", "aunt_or_uncle", "cousin"),
    ("parent", "partner", "parent_in_law"),
    ("sibling", "partner", "sibling_in_law"),
    ("works_for", "employs", "colleague"),
    ("works_for", "located_in", "works_in"),
    ("lives_in", "located_in", "lives_in"),
    ("located_in", "located_in", "located_in"),
    ("older_than", "older_than", "older_than"),
    ("before", "before", "before"),
    ("follows", "excludes", "avoids"),
)
KIN = frozenset(
    "parent child sibling partner grandparent grandchild aunt_or_uncle niece_or_nephew cousin parent_in_law"
    " child_in_law sibling_in_law".split()
)
_ONE_WAY = frozenset({*INVERSE, "located_in"})


@dataclass(frozen=True, slots=True, order=True)
class Relation:
    """`subject` is the `predicate` of `object`: ana, sibling, me reads "Ana is my sibling"."""

    subject: str
    predicate: str
    object: str


@dataclass(frozen=True, slots=True)
class Known:
    """A relation, the statements that it rests on (their ids, sorted), and by which rule; "" is said itself."""

    relation: Relation
    premises: tuple[str, ...]
    rule: str = ""

    @property
    def order(self) -> tuple[int, tuple[str, ...], str, Relation]:
        """What rests on less comes first; a total order, so that the same derivation is chosen each time."""
        return len(self.premises), self.premises, self.rule, self.relation


MOST_RELATIONS = 1500
"""Of a hundred sisters ten thousand pairs follow: what rests on least counts, and no turn waits for the rest."""


def closure(stated: Iterable[Known], most: int = MOST_RELATIONS) -> dict[Relation, Known]:
    """All that follows from what is stated, with it, each with a derivation of fewest statements; at most the `most`
    that rest on least.

    Idempotent and independent of order. Nothing is related to itself.
    """
    waiting = [(one.order, one) for one in stated]
    heapq.heapify(waiting)
    settled: dict[Relation, Known] = {}
    out_of: defaultdict[tuple[str, str], list[Known]] = defaultdict(list)
    into: defaultdict[tuple[str, str], list[Known]] = defaultdict(list)
    while waiting and len(settled) < most:
        _, one = heapq.heappop(waiting)
        relation = one.relation
        if relation in settled or relation.subject == relation.object or not (relation.subject and relation.object):
            continue
        settled[relation] = one
        out_of[relation.subject, relation.predicate].append(one)
        into[relation.object, relation.predicate].append(one)
        for following in [*_turned(one), *_composed(one, out_of, into)]:
            if following.relation not in settled:
                heapq.heappush(waiting, (following.order, following))
    return settled


def conclusions(known: dict[Relation, Known]) -> list[Known]:
    """What follows and was not said, without what contradicts itself or what was said, in a fixed order."""
    said_so = ("", "symmetry", "inverse")
    said: defaultdict[tuple[str, str], set[str]] = defaultdict(set)
    for relation, one in known.items():
        if one.rule in said_so:
            said[relation.subject, relation.object].add(relation.predicate)
    found = [one for one in known.values() if one.rule not in said_so and not _contradicted(one.relation, known, said)]
    return sorted(found, key=lambda one: one.order)


def _contradicted(
    relation: Relation, known: dict[Relation, Known], said: defaultdict[tuple[str, str], set[str]]
) -> bool:
    """Whether the opposite follows as well, or the two are otherwise kin by what was said."""
    turned = Relation(relation.object, relation.predicate, relation.subject)
    if relation.predicate in _ONE_WAY and turned in known:
        return True
    others = said[relation.subject, relation.object] - {relation.predicate}
    return relation.predicate in KIN and bool(others & KIN)


def _turned(one: Known) -> Iterator[Known]:
    """What a relation says the other way round, and what it implies."""
    subject, predicate, object_ = one.relation.subject, one.relation.predicate, one.relation.object
    if predicate in SYMMETRIC:
        yield Known(Relation(object_, predicate, subject), one.premises, one.rule or "symmetry")
    if predicate in INVERSE:
        yield Known(Relation(object_, INVERSE[predicate], subject), one.premises, one.rule or "inverse")
    if predicate in IMPLIED:
        yield Known(Relation(subject, IMPLIED[predicate], object_), one.premises, "implied")


def _composed(
    one: Known, out_of: dict[tuple[str, str], list[Known]], into: dict[tuple[str, str], list[Known]]
) -> Iterator[Known]:
    """What follows from a relation and one that begins where it ends, or ends where it begins."""
    relation = one.relation
    for first, second, third in COMPOSED:
        name = f"{first} + {second}"
        if relation.predicate == first:
            for other in out_of.get((relation.object, second), ()):
                yield _joined(one, other, Relation(relation.subject, third, other.relation.object), name)
        if relation.predicate == second:
            for other in into.get((relation.subject, first), ()):
                yield _joined(other, one, Relation(other.relation.subject, third, relation.object), name)


def _joined(first: Known, second: Known, relation: Relation, rule: str) -> Known:
    return Known(relation, tuple(sorted({*first.premises, *second.premises})), rule)

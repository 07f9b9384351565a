"""Writing what was said: the one way by which facts come in, whether a message told them or they were gathered asleep.

Nothing is written but what stands in a person's own words, in a message that is still there when it is written: the
sources are read again, and kept from going, in the transaction that writes.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from anima.kernel import db
from anima.memory import entities_repo, lines_repo
from anima.memory.entities_model import resolve
from anima.memory.facts_model import Found, Named, Origin, folded
from anima.memory.indexing import fact_terms, fact_text
from anima.memory.keys import full_key, rivals
from anima.memory.likeness import alike, ended, means_same
from anima.memory.lines_model import Plan, plan
from anima.memory.lines_repo import Holding, Near, Source
from anima.memory.timeline_model import Statement
from anima.vendors import embeddings

_PAST = {"home": "lived_in", "job": "past_job", "employer": "past_job"}


@dataclass(frozen=True, slots=True)
class Heard:
    """What one message says: facts of its speaker, and whom it names."""

    message_id: int
    found: Sequence[Found]
    names: Sequence[Named] = ()


@dataclass(frozen=True, slots=True)
class Vectors:
    """The model that embeds, and the vector of each text of a fact."""

    model: str
    of_text: Mapping[str, Sequence[float]]


@dataclass(slots=True)
class Kept:
    """What was written: new facts, which facts each message told, which messages were there, and what was refused."""

    new: list[uuid.UUID] = field(default_factory=list)
    told: dict[int, list[uuid.UUID]] = field(default_factory=dict)
    there: set[int] = field(default_factory=set)
    refused: dict[str, int] = field(default_factory=dict)

    def refuse(self, reason: str, times: int = 1) -> None:
        """Counts what is not kept."""
        if times:
            self.refused[reason] = self.refused.get(reason, 0) + times


def texts(found: Sequence[Found]) -> list[str]:
    """The texts whose vectors `keep` wants."""
    return list(dict.fromkeys(fact_text(each.key, each.value) for each in map(_as_past, found) if not each.is_open))


def embedded(embedding_model: str | None, heard: Sequence[Heard]) -> Vectors:
    """The vectors of everything heard, by this model (none: the default one), in one call."""
    wanted = texts([found for each in heard for found in each.found])
    embedder = embeddings.embedder(embedding_model)
    rows: list[list[float]] = embedder.embed(wanted).tolist() if wanted else []
    return Vectors(embedder.name, dict(zip(wanted, rows, strict=True)))


def lock(tx: db.Transaction, owner_id: int) -> None:
    """Has everybody else who changes what is remembered of this owner wait until the transaction ends."""
    lines_repo.lock(tx, owner_id)


def keep(
    tx: db.Transaction,
    owner_id: int,
    avatar_id: uuid.UUID,
    heard: Sequence[Heard],
    vectors: Vectors,
    *,
    origin: Origin = "said",
) -> Kept:
    """Writes what messages say, once however often it is called. Takes the lock of the owner's memory."""
    lines_repo.lock(tx, owner_id)
    found = lines_repo.sources(tx, owner_id, avatar_id, [each.message_id for each in heard])
    sources = {each.message_id: each for each in found.all()}
    there = [each for each in heard if each.message_id in sources]
    kept = Kept(there=set(sources))
    statements = [one for each in there for one in _statements(each, sources[each.message_id], origin, kept)]
    statements = _ended(tx, owner_id, avatar_id, statements, kept)
    entities = _entities(tx, owner_id, avatar_id, there, sources)
    if statements:
        said = _by_meaning(tx, owner_id, avatar_id, statements, vectors)
        _note(kept, tell(tx, owner_id, avatar_id, {each.key for each in said}, said, vectors, entities))
    return kept


def _note(kept: Kept, written: Plan) -> None:
    kept.new.extend(written.new)
    kept.refuse("contradicts_what_was_said", written.outvoted)
    for fact_id, said in written.said:
        if said.message_id is not None and not said.gone:
            kept.told.setdefault(said.message_id, []).append(fact_id)


def tell(
    tx: db.Transaction,
    owner_id: int,
    avatar_id: uuid.UUID,
    keys: set[str],
    statements: Sequence[Statement] = (),
    vectors: Vectors | None = None,
    entities: Mapping[Named, uuid.UUID] | None = None,
) -> Plan:
    """Tells the lines of these keys anew from all that was said of them; the lock is held already."""
    wide = sorted({other for key in keys for other in (key, *rivals(key))})
    standing = lines_repo.standing(tx, owner_id, avatar_id, wide).all()
    planned = plan(standing, statements, rivals)
    words = {}
    for row in planned.rows:
        vector = None if vectors is None else vectors.of_text.get(fact_text(row.key, row.value))
        if row.id in planned.new and vector is not None:
            words[row.id] = lines_repo.Found(fact_terms(row.key, row.value, row.evidence), vector)
    about = {row.id: row.about for row in planned.rows if row.about is not None}
    meant = {fact_id: (entities or {})[named] for fact_id, named in about.items() if named in (entities or {})}
    model = None if vectors is None else vectors.model
    lines_repo.write(tx, owner_id, avatar_id, planned, found_by=words, entities=meant, embedding_model=model)
    return planned


def _statements(heard: Heard, source: Source, origin: Origin, kept: Kept) -> list[Statement]:
    """What a message says, as far as it says so in the speaker's own words."""
    told = folded(source.content)
    said: list[Statement] = []
    for place, each in enumerate(map(_as_past, heard.found)):
        if not source.own or not each.evidence.strip() or folded(each.evidence) not in told:
            kept.refuse("not_own_words")
            continue
        stated = Statement(
            key=each.key,
            category=each.category,
            value=each.value,
            said_at=source.created_at,
            message_id=source.message_id,
            session_id=source.session_id,
            evidence=each.evidence,
            confirmed=each.confirmed,
            changed=each.changed,
            gone=each.gone,
            true_from=each.true_from,
            true_until=each.true_until,
            place=place,
            origin="proposed" if origin == "said" and not each.confirmed else origin,
            about=each.about,
        )
        said.append(stated)
    return said


def _ended(
    tx: db.Transaction, owner_id: int, avatar_id: uuid.UUID, statements: Sequence[Statement], kept: Kept
) -> list[Statement]:
    """The statements; those that end something without saying what, of the facts that were known by then."""
    named = [each for each in statements if each.category]
    if len(named) == len(statements):
        return named
    told = [Holding(each.key, each.category, each.value, each.said_at) for each in named if not each.gone]
    known = [*lines_repo.holding(tx, owner_id, avatar_id).all(), *told]
    for each in statements:
        if each.category:
            continue
        over = ended(each.key, each.value, [one for one in known if one.learned_at <= each.said_at])
        kept.refuse("nothing_to_end", not over)
        named.extend(replace(each, key=one.key, category=one.category, value=one.value) for one in dict.fromkeys(over))
    return named


def _as_past(found: Found) -> Found:
    """Where one lived until a date that is over does not compete with where one lives."""
    past = _PAST.get(found.key)
    if past is None or found.gone or found.true_until is None:
        return found
    return replace(found, key=full_key(past, found.value))


def _by_meaning(
    tx: db.Transaction, owner_id: int, avatar_id: uuid.UUID, statements: Sequence[Statement], vectors: Vectors
) -> list[Statement]:
    """The statements; those that say in other words what is held, or was said just before, say that."""
    of = [vectors.of_text.get(fact_text(each.key, each.value)) for each in statements]
    embedded = [(each.category, vector) for each, vector in zip(statements, of, strict=True) if vector is not None]
    if not embedded:
        return list(statements)
    categories, known_vectors = zip(*embedded, strict=True)
    near = lines_repo.near(
        tx, owner_id, avatar_id, categories=categories, vectors=known_vectors, embedding_model=vectors.model
    )
    held: dict[int, list[Near]] = {}
    for one in near.all():
        held.setdefault(one.place, []).append(one)
    merged: list[Statement] = []
    place = 0
    for each, vector in zip(statements, of, strict=True):
        if vector is not None:
            place += 1
            same = _held_same(each, held.get(place, ())) or _said_before(each, vector, merged, vectors)
            merged.append(replace(each, key=same.key, value=same.value) if same else each)
        else:
            merged.append(each)
    return merged


def _held_same(each: Statement, near: Sequence[Near]) -> Near | None:
    """The fact that holds and that it says in other words; none where it stands under its own key already."""
    if ":" in each.key and any(one.key == each.key for one in near):
        return None
    return next((one for one in near if means_same(each, one.key, one.value, one.cosine)), None)


def _said_before(
    each: Statement, vector: Sequence[float], merged: Sequence[Statement], vectors: Vectors
) -> Statement | None:
    """The statement of the same batch that says the same in other words."""
    for other in merged:
        if other.category != each.category or (other.key == each.key and ":" in each.key) or not alike(each, other):
            continue
        theirs = vectors.of_text.get(fact_text(other.key, other.value))
        if theirs is None:
            continue
        cosine = sum(one * two for one, two in zip(vector, theirs, strict=True))
        if means_same(each, other.key, other.value, cosine):
            return other
    return None


def _entities(
    tx: db.Transaction, owner_id: int, avatar_id: uuid.UUID, heard: Sequence[Heard], sources: Mapping[int, Source]
) -> dict[Named, uuid.UUID]:
    """Which entity each name means; notes that the avatar has heard of them."""
    names = {each.message_id: _names(each) for each in heard if sources[each.message_id].own}
    wanted = list(dict.fromkeys(named for listed in names.values() for named in listed))
    if not wanted:
        return {}
    relations = [named.relation for named in wanted if named.relation is not None]
    known = entities_repo.candidates(tx, owner_id, [named.name for named in wanted], relations).all()
    found = resolve(known, wanted)
    first = min(sources.values(), key=lambda each: each.created_at).created_at.isoformat()
    entities_repo.keep(tx, owner_id, list(found.changed.values()), [first] * len(found.changed))
    pairs = [
        (found.meant[named], message_id)
        for message_id, listed in names.items()
        for named in listed
        if named in found.meant
    ]
    entities_repo.mention(tx, owner_id, avatar_id, pairs)
    return found.meant


def _names(heard: Heard) -> list[Named]:
    about = [each.about for each in heard.found if each.about is not None]
    return [each for each in dict.fromkeys([*about, *heard.names]) if folded(each.name)]

"""What the memory of an avatar answers with: facts, episodes, entities, gaps, sleep, transcripts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from uuid import UUID


@dataclass(frozen=True, slots=True)
class EntityOfFact:
    """Whom or what a fact is about."""

    entity_id: UUID
    name: str


@dataclass(frozen=True, slots=True)
class FactSource:
    """Where a fact comes from: the message and the words in it; none where its owner corrected it."""

    message_id: int | None
    session_id: int | None
    evidence: str


@dataclass(frozen=True, slots=True)
class Fact:
    """Something that an avatar knows of its owner."""

    id: UUID
    category: str
    key: str
    value: Any
    text: str
    status: Literal["unconfirmed", "confirmed"]
    confidence: float
    mention_count: int
    first_mentioned: datetime
    last_updated: datetime
    tags: tuple[str, ...]
    context: str
    is_active: bool
    superseded_by: UUID | None
    true_from: datetime | None
    true_until: datetime | None
    learned_at: datetime
    ended_at: datetime | None
    pinned: bool
    origin: Literal["said", "proposed", "corrected", "consolidated", "imported"]
    entity: EntityOfFact | None
    source: FactSource


@dataclass(frozen=True, slots=True)
class FactMention:
    """A message that spoke of a fact, in its words; `gone`: it said that it holds no more."""

    fact_id: UUID
    message_id: int
    session_id: int
    date: datetime
    evidence: str
    gone: bool


@dataclass(frozen=True, slots=True)
class WholeFact(Fact):
    """A fact, with what it was before and where it was said."""

    history: tuple[Fact, ...]
    mentions: tuple[FactMention, ...]


@dataclass(frozen=True, slots=True)
class EpisodeSource:
    """The messages that told an episode."""

    message_ids: tuple[int, ...]
    session_id: int | None


@dataclass(frozen=True, slots=True)
class Episode:
    """Something that happened to an avatar's owner, as they told it."""

    id: UUID
    type: str
    title: str
    summary: str
    importance: float
    sentiment: Literal["very_negative", "negative", "neutral", "positive", "very_positive"]
    tags: tuple[str, ...]
    timestamp: datetime
    times_recalled: int
    last_recalled: datetime | None
    forget_at: datetime | None
    pinned: bool
    strength: float
    origin: Literal["said", "corrected", "consolidated", "imported"]
    related_facts: tuple[UUID, ...]
    related_episodes: tuple[UUID, ...]
    source: EpisodeSource


@dataclass(frozen=True, slots=True)
class Entity:
    """Somebody or something of whom an avatar has heard; `relation` is what they are to you."""

    entity_id: UUID
    kind: Literal["person", "animal", "place", "organisation", "thing", "event"]
    name: str
    aliases: tuple[str, ...]
    relation: str | None
    mention_count: int
    first_seen: datetime
    last_seen: datetime


@dataclass(frozen=True, slots=True)
class MemoryChange:
    """A change of what is remembered that can be undone until `expires_at`."""

    change_id: UUID
    kind: Literal["fact", "episode"]
    item_id: UUID
    action: Literal["correct", "confirm", "pin", "unpin", "forget"]
    title: str
    made_at: datetime
    expires_at: datetime
    undone_at: datetime | None


@dataclass(frozen=True, slots=True)
class MemoryUndone:
    """What is as it was before."""

    kind: Literal["fact", "episode"]
    item_id: UUID


@dataclass(frozen=True, slots=True)
class MemorySource:
    """Where a memory comes from."""

    message_id: int | None
    session: int | None
    date: datetime
    speaker: str
    turn_id: str | None = None


@dataclass(frozen=True, slots=True)
class MemoryHit:
    """A memory that was found, with the scores that explain its place."""

    kind: Literal["fact", "episode", "message"]
    id: str
    text: str
    score: float
    scores: Mapping[str, float]
    strength: float
    confirmed: bool
    source: MemorySource


@dataclass(frozen=True, slots=True)
class MemoryHits:
    """What was found, best first."""

    hits: tuple[MemoryHit, ...]


@dataclass(frozen=True, slots=True)
class SleepAsked:
    """Whether the avatar will sleep (queued), or does already."""

    state: Literal["never", "queued", "asleep", "awake"]


@dataclass(frozen=True, slots=True)
class SleepStep:
    """A step of a sleep: what it did, by what it counts."""

    name: Literal["forget", "fold", "merge", "promote", "refresh"]
    state: Literal["done", "running", "waiting", "left"]
    counts: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Sleep:
    """The last sleep of an avatar, or the one under way. `reason`: why it ended before its end (`time`)."""

    state: Literal["never", "queued", "asleep", "awake"]
    begun_at: datetime | None = None
    ended_at: datetime | None = None
    acetylcholine: float | None = None
    replayed: int | None = None
    seconds: float = 0.0
    tokens: int = 0
    reason: str | None = None
    steps: tuple[SleepStep, ...] = ()


@dataclass(frozen=True, slots=True)
class GapFinding:
    """What was found: the document that tells it, the sentences that answer, and where they stand."""

    document_id: int
    text: str
    title: str
    source_uri: str | None


@dataclass(frozen=True, slots=True)
class GapSource:
    """The message that a gap was last found in."""

    message_id: int
    session_id: int


@dataclass(frozen=True, slots=True)
class Gap:
    """Something that an avatar does not know. `looked_in`: own, outside, told, and how it went there."""

    gap_id: UUID
    kind: Literal["unknown", "unexplained", "contradiction"]
    subject: str
    question: str
    score: float
    state: Literal["open", "researching", "answered", "asked", "dismissed"]
    mention_count: int
    looked_in: Mapping[str, str]
    finding: GapFinding | None
    source: GapSource
    created_at: datetime
    last_seen: datetime
    researched_at: datetime | None
    asked_at: datetime | None
    told_at: datetime | None


@dataclass(frozen=True, slots=True)
class Curiosity:
    """How curious an avatar may be."""

    on: bool
    searches_a_day: int
    searches_today: int
    turns_between: int


@dataclass(frozen=True, slots=True)
class Speaker:
    """Somebody who speaks in past conversations, and how often."""

    name: str
    turns: int


@dataclass(frozen=True, slots=True)
class Transcript:
    """An import: stages are queued, parse, embed, extract, done. What is embedded is found already."""

    document_id: int
    avatar_id: UUID | None
    title: str
    state: str
    stage: str
    reason: str | None
    origin: str | None
    sessions: int
    messages: int
    speakers: tuple[Speaker, ...]
    me: tuple[str, ...] | None
    note: str | None
    counts: Mapping[str, int]
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class TranscriptQueued:
    """The document that stands for the conversations; ask for it to see how far their import is."""

    document_id: int
    state: Literal["queued", "running", "done", "failed", "unsearchable"]


@dataclass(frozen=True, slots=True)
class MemoryErased:
    """How much was erased; `messages` are those that are no longer found."""

    facts: int
    episodes: int
    messages: int

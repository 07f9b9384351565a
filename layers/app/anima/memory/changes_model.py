"""The journal of what a person changed of their memory: what it was before, for as long as it can be undone. Pure."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

Kind = Literal["fact", "episode"]
Action = Literal["correct", "confirm", "pin", "unpin", "forget"]

KEPT = timedelta(hours=24)
"""For so long a change can be undone; then what was before it is gone."""
# Columns that name rows of other tables, which may be gone when it is undone.
_SESSION, _MESSAGE = "session_id", "source_message_id"


@dataclass(frozen=True, slots=True)
class Change:
    """A change as it is shown."""

    change_id: uuid.UUID
    kind: Kind
    item_id: uuid.UUID
    action: Action
    title: str
    made_at: datetime
    expires_at: datetime
    undone_at: datetime | None


@dataclass(frozen=True, slots=True)
class Entry:
    """A change with what was before it: `before` holds rows as they were, `after` the mark of what it left."""

    change_id: uuid.UUID
    kind: Kind
    item_id: uuid.UUID
    expires_at: datetime
    undone_at: datetime | None
    before: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Standing:
    """Rows as they are: facts of some keys with their mentions, and episodes."""

    facts: list[dict[str, Any]]
    mentions: list[dict[str, Any]]
    episodes: list[dict[str, Any]]


def restorable(before: dict[str, Any], there: Collection[int], sessions: Collection[int]) -> Standing:
    """What of the rows can come back: what a message told comes back only while one of its messages is there."""
    mentions = [each for each in before["mentions"] if each["message_id"] in there]
    told = {each["fact_id"] for each in mentions}
    spoken = {each["fact_id"] for each in before["mentions"]}
    facts = [each for each in before["facts"] if each["id"] in told or each["id"] not in spoken or each["settled_at"]]
    kept = {each["id"] for each in facts}
    shown = [_existing(each, there, sessions) for each in facts]
    for each in shown:
        each["superseded_by"] = each["superseded_by"] if each["superseded_by"] in kept else None
    lived = [_told(each, there, sessions) for each in before["episodes"]]
    episodes = [each for each in lived if each["context_messages"] or each["pinned"] or each["origin"] == "corrected"]
    return Standing(shown, mentions, episodes)


def _existing(row: dict[str, Any], there: Collection[int], sessions: Collection[int]) -> dict[str, Any]:
    message = row.get(_MESSAGE)
    session = row.get(_SESSION)
    kept = {_SESSION: session if session in sessions else None}
    return {**row, **kept, _MESSAGE: message if message in there else None}


def _told(row: dict[str, Any], there: Collection[int], sessions: Collection[int]) -> dict[str, Any]:
    told = [each for each in row["context_messages"] if each in there]
    return {**row, "context_messages": told, _SESSION: row[_SESSION] if row[_SESSION] in sessions else None}


def messages_of(before: dict[str, Any]) -> list[int]:
    """Every message that the rows name, and those that were taken out of recall."""
    named: set[int] = {each["message_id"] for each in before["mentions"]} | set(before["hides"])
    named |= {each[_MESSAGE] for each in before["facts"] if each.get(_MESSAGE) is not None}
    for each in before["episodes"]:
        named |= set(each["context_messages"])
    return sorted(named)


def sessions_of(before: dict[str, Any]) -> list[int]:
    """Every session that the rows name."""
    rows: Sequence[dict[str, Any]] = [*before["facts"], *before["episodes"]]
    return sorted({each[_SESSION] for each in rows if each.get(_SESSION) is not None})

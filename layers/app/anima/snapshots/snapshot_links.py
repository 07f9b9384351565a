"""What rows of a snapshot refer to: checked before anything is written, so that a bad file changes nothing. Pure."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from anima import personality as personalities
from anima.avatars.model import MAX_BIO_CHARS, MAX_NAME_CHARS
from anima.kernel.errors import AnimaError
from anima.snapshots.snapshot_file import invalid
from anima.snapshots.snapshot_model import Row
from anima.snapshots.snapshot_parts import PARTS, Link
from anima.snapshots.snapshot_shapes import is_time, misshapen

_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d(:\d\d)?)")
_TIMES = frozenset(
    {
        *("created_at", "updated_at", "as_of", "last_interaction", "started_at", "ended_at", "mood_started_at"),
        *("first_seen", "last_seen", "first_mentioned", "last_updated", "true_from", "true_until", "learned_at"),
        *(
            "settled_at",
            "said_at",
            "timestamp",
            "last_recalled",
            "forget_at",
            "at",
            "researched_at",
            "asked_at",
            "told_at",
        ),
    }
)
"""Fields that are times, wherever they stand: a database would take words such as "yesterday" for times, too."""
_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(slots=True)
class Check:
    """Looks at each row of a file in turn, and counts what is to be known before it is written."""

    forgotten: int = 0
    counts: dict[str, int] = field(default_factory=dict)
    media: list[tuple[str, int]] = field(default_factory=list)
    _session_of: list[int] = field(default_factory=list)

    def look(self, part: str, row: Row) -> None:
        """Raises SnapshotInvalid."""
        place = self.counts[part] = self.counts.get(part, 0) + 1
        for name, kind in PARTS[part].links:
            value = row.value.get(name)
            if value is not None and not self._fits(kind, value):
                raise invalid(part, place, f"{name} names no row that stands before it")
        if wrong := _no_time(row.value):
            raise invalid(part, place, f"{wrong} is no time as 2026-11-21T22:00:00.123456+00:00")
        if wrong := misshapen(part, row.value):
            raise invalid(part, place, f"{wrong} is not what it should be")
        if problem := _OF[part](self, row.value) if part in _OF else None:
            raise invalid(part, place, problem)

    def avatar(self, value: Mapping[str, Any]) -> str | None:
        """One avatar, which could have been made here."""
        name, bio = value.get("name"), value.get("bio")
        if self.counts["avatar"] > 1:
            return "there is more than one"
        if not isinstance(name, str) or not 1 <= len(name) <= MAX_NAME_CHARS or not name.isprintable():
            return f"its name is not 1 to {MAX_NAME_CHARS} printable characters"
        if not isinstance(bio, str) or len(bio) > MAX_BIO_CHARS:
            return f"its bio is no text of at most {MAX_BIO_CHARS} characters"
        try:
            personalities.parse(value.get("personality"))
        except AnimaError as error:
            return f"personality: {error.detail}"
        return None if _rules(value) else "its switches or its egress are not those of an avatar"

    def session(self, value: Mapping[str, Any]) -> str | None:
        """A session has an id."""
        return None if _is_id(value.get("id")) else "it has no id"

    def message(self, value: Mapping[str, Any]) -> str | None:
        """A message is of a session, and follows one of the same session."""
        session = value.get("session")
        if session is None or not all(isinstance(value.get(name), str) for name in ("content", "role", "created_at")):
            return "it has no session, content, role or time"
        try:
            datetime.fromisoformat(value["created_at"])
        except ValueError:
            return "its time is none"
        near = [value[name] for name in ("parent", "edits") if value.get(name) is not None]
        self._session_of.append(session)
        self.forgotten += value.get("forgotten") is True
        ordered = all(self._session_of[one] == session for one in near)
        return None if ordered else "what it follows is of another session"

    def medium(self, value: Mapping[str, Any]) -> str | None:
        """A file is named by its digest."""
        sha256, size = value.get("checksum_sha256"), value.get("size_bytes")
        if not isinstance(sha256, str) or not _SHA256.fullmatch(sha256) or type(size) is not int:
            return "its digest or its size is none"
        self.media.append((sha256, size))
        return None

    def _fits(self, kind: Link, value: Any) -> bool:
        if kind == "item":
            return _is_id(value)
        if kind == "session":
            return self._is_before("sessions", value)
        if kind == "message":
            return self._is_message(value)
        if not isinstance(value, list):
            return False
        return all(map(self._inner(kind), value))

    def _inner(self, kind: Link) -> Callable[[Any], bool]:
        """What each thing in a list has to be."""
        if kind == "items":
            return _is_id
        if kind == "media":
            return lambda each: self._is_before("media", each)
        if kind == "lists":
            return lambda each: isinstance(each, list) and all(map(self._is_message, each))
        if kind == "mentions":
            return lambda each: isinstance(each, dict) and self._is_message(each.get("message"))
        return self._is_message

    def _is_message(self, value: Any) -> bool:
        """A message that stands before: while messages are read, before the present one."""
        return type(value) is int and 0 <= value < len(self._session_of)

    def _is_before(self, part: str, value: Any) -> bool:
        return type(value) is int and 0 <= value < self.counts.get(part, 0)


_OF: dict[str, Callable[[Check, Mapping[str, Any]], str | None]] = {
    "avatar": Check.avatar,
    "sessions": Check.session,
    "messages": Check.message,
    "media": Check.medium,
    **dict.fromkeys(("entities", "facts", "episodes", "felt", "questions"), Check.session),
}


def _no_time(value: Mapping[str, Any]) -> str | None:
    """A field of a row, or of what is in it, that should be a time and is none."""
    for name in _TIMES & value.keys():
        if value[name] is not None and not (
            isinstance(value[name], str) and _TIME.fullmatch(value[name]) and is_time(value[name])
        ):
            return name
    inner = [value.get("mood"), *(value.get("mentions") or ())]
    return next((found for each in inner if isinstance(each, dict) and (found := _no_time(each))), None)


def _rules(value: Mapping[str, Any]) -> bool:
    """Whether switches and egress have the shape that everybody relies on; names from elsewhere may be unknown here."""
    switches, egress = value.get("switches"), value.get("egress")
    if not isinstance(switches, dict) or not isinstance(egress, dict) or not isinstance(value.get("state"), dict):
        return False
    fine = all(isinstance(each, bool) for each in switches.values())
    return fine and all(
        each in ("local", "any") or (isinstance(each, list) and each and all(isinstance(one, str) for one in each))
        for each in egress.values()
    )


def _is_id(value: Any) -> bool:
    try:
        return isinstance(value, str) and str(uuid.UUID(value)) == value
    except ValueError:
        return False

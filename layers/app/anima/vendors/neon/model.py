"""What Neon's answers say, as far as it is used; fields that are not are left out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from anima.vendors.neon.errors import NeonRefused


@contextmanager
def published() -> Iterator[None]:
    """For the reading of an answer: raises NeonRefused where it is not of the published shape."""
    try:
        yield
    except (KeyError, TypeError, ValueError, AttributeError):
        raise NeonRefused(status_code=200, reason="the answer is not of the published shape") from None


@dataclass(frozen=True, slots=True)
class Branch:
    """A branch; `init_source` says whether it began with the data of its parent."""

    id: str
    name: str
    parent_id: str | None
    is_default: bool
    protected: bool
    state: str
    created_at: datetime
    expires_at: datetime | None
    init_source: str | None
    logical_size: int | None

    @property
    def schema_only(self) -> bool:
        """Whether it began without data."""
        return self.init_source in ("schema-only", "parent-schema")


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A compute of a branch."""

    id: str
    branch_id: str
    host: str
    type: str
    state: str


@dataclass(frozen=True, slots=True)
class Operation:
    """Something that Neon does after it has answered."""

    id: str
    action: str
    status: str
    branch_id: str | None
    error: str | None


@dataclass(frozen=True, slots=True)
class Database:
    """A database of a branch, and the role that owns it."""

    name: str
    owner_name: str


def moment(text: str | None) -> datetime | None:
    """A time of RFC 3339."""
    return datetime.fromisoformat(text) if text else None


def branch(row: Mapping[str, Any]) -> Branch:
    """A branch as the API writes it."""
    return Branch(
        id=row["id"],
        name=row["name"],
        parent_id=row.get("parent_id"),
        is_default=bool(row["default"]),
        protected=bool(row["protected"]),
        state=row["current_state"],
        created_at=datetime.fromisoformat(row["created_at"]),
        expires_at=moment(row.get("expires_at")),
        init_source=row.get("init_source"),
        logical_size=row.get("logical_size"),
    )


def endpoint(row: Mapping[str, Any]) -> Endpoint:
    """A compute as the API writes it."""
    return Endpoint(row["id"], row["branch_id"], row["host"], row["type"], row["current_state"])


def operation(row: Mapping[str, Any]) -> Operation:
    """An operation as the API writes it."""
    return Operation(row["id"], row["action"], row["status"], row.get("branch_id"), row.get("error"))


def stamp(when: datetime) -> str:
    """A time as the API reads it: RFC 3339, in UTC, to the second."""
    return when.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")

"""Snapshots: an avatar with all that it is and knows, taken out as one file and taken in elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal, TypedDict
from uuid import UUID

from anima.client.call import Given, Steps, present
from anima.client.calls.avatars import avatar_of
from anima.client.calls.people import People
from anima.client.errors import WrongPerson
from anima.client.files import read
from anima.client.operations import operation, steps
from anima.client.results.avatars import SnapshotTaken


class SnapshotOptions(TypedDict, total=False):
    """`media`: with the files that came with messages (a zip). `to`: a path that the file is written to."""

    media: bool
    to: Path | str


class Snapshots:
    """Snapshots."""

    @operation("GET", "/avatars/{avatar_id}/snapshot", bytes)
    def export_avatar(self, avatar_id: UUID | str, *, media: bool = False) -> Given:
        """All that an avatar is and knows, as one signed file: JSON, or with `media` a zip."""
        return Given({"avatar_id": avatar_id}, {"media": media})

    @steps
    def export_snapshot(self, session_id: int, options: SnapshotOptions | None = None) -> Steps[bytes]:
        """The snapshot of the avatar of a session; written to `to` as well, where that is given."""
        chosen = options or {}
        avatar_id = yield from avatar_of(session_id)
        content = yield from Snapshots.export_avatar.steps(avatar_id, media=chosen.get("media", False))
        if "to" in chosen:
            Path(chosen["to"]).write_bytes(content)
        return content

    @operation("POST", "/snapshots", SnapshotTaken)
    def take_in(
        self,
        snapshot: bytes,
        *,
        into: UUID | str | None = None,
        name: str | None = None,
        dry_run: bool = False,
        trust: Sequence[str] = (),
    ) -> Given:
        """Takes in a snapshot: as a new avatar, or merged `into` one; `trust` names others' installations."""
        kind: Literal["application/zip", "application/json"]
        kind = "application/zip" if snapshot[:2] == b"PK" else "application/json"
        query = present(into=into, name=name, dry_run=dry_run, trust=list(trust))
        return Given(query=query, content=snapshot, media_type=kind)

    @steps
    def import_snapshot(
        self,
        file: Path | str | bytes,
        user_id: int | None = None,
        *,
        into: UUID | str | None = None,
        name: str | None = None,
        dry_run: bool = False,
        trust: Sequence[str] = (),
    ) -> Steps[SnapshotTaken]:
        """Takes in a snapshot for the caller; raises WrongPerson where that is not the given `user_id`."""
        if user_id is not None:
            caller = yield from People.me.steps()
            if caller.user_id != user_id:
                raise WrongPerson(user_id=user_id, caller=caller.user_id)
        content = read(file)[1]
        return (yield from Snapshots.take_in.steps(content, into=into, name=name, dry_run=dry_run, trust=trust))

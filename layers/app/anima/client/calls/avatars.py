"""Avatars: what they are, their versions, pictures, cards, what they feel, and how close they are to you."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Literal
from uuid import UUID

from anima.client.call import UNSET, Given, Steps, Unset, changed, present
from anima.client.calls.talk import Talk
from anima.client.errors import NoAvatar
from anima.client.files import read
from anima.client.operations import listing, operation, steps
from anima.client.results.avatars import (
    Affinity,
    Avatar,
    AvatarState,
    AvatarVersion,
    CardBrought,
    LorebookPut,
    StatePoint,
    VersionDifference,
    WholeAvatarVersion,
)

Id = UUID | str
Visibility = Literal["private", "friends", "public"]


def _of(avatar_id: Id, **more: object) -> Mapping[str, object]:
    return {"avatar_id": avatar_id, **more}


class Avatars:
    """Avatars."""

    @operation("POST", "/avatars", Avatar)
    def create_avatar(
        self,
        name: str,
        personality: str | Mapping[str, Any] = "luna",
        *,
        bio: str = "",
        model: str | None = None,
        visibility: Visibility = "private",
        switches: Mapping[str, bool] | None = None,
        egress: Mapping[str, str | Sequence[str]] | None = None,
    ) -> Given:
        """A new avatar with a ready personality, by name, or one of your own."""
        given = present(model=model, switches=switches, egress=egress)
        return Given(body={"name": name, "personality": personality, "bio": bio, "visibility": visibility, **given})

    @listing("/avatars", Avatar)
    def list_avatars(self) -> Given:
        """Your avatars."""
        return Given()

    @operation("GET", "/avatars/{avatar_id}", Avatar)
    def get_avatar(self, avatar_id: Id) -> Given:
        """One avatar."""
        return Given(_of(avatar_id))

    @operation("PATCH", "/avatars/{avatar_id}", Avatar)
    def change_avatar(
        self,
        avatar_id: Id,
        *,
        name: str | Unset = UNSET,
        bio: str | Unset = UNSET,
        personality: str | Mapping[str, Any] | Unset = UNSET,
        model: str | Unset | None = UNSET,
        visibility: Visibility | Unset = UNSET,
        switches: Mapping[str, bool] | Unset = UNSET,
        egress: Mapping[str, str | Sequence[str]] | Unset = UNSET,
    ) -> Given:
        """Changes what is given; a model of None lets the default one answer."""
        body = changed(name=name, bio=bio, personality=personality, model=model, visibility=visibility)
        return Given(_of(avatar_id), body={**body, **changed(switches=switches, egress=egress)})

    @operation("DELETE", "/avatars/{avatar_id}")
    def delete_avatar(self, avatar_id: Id, *, sessions: bool = False) -> Given:
        """Deletes an avatar with what it knows; its sessions too where that is said."""
        return Given(_of(avatar_id), {"sessions": sessions})

    @listing("/avatars/{avatar_id}/versions", AvatarVersion)
    def list_versions(self, avatar_id: Id) -> Given:
        """The versions of its personality, newest first."""
        return Given(_of(avatar_id))

    @operation("GET", "/avatars/{avatar_id}/versions/{version}", WholeAvatarVersion)
    def get_version(self, avatar_id: Id, version: int) -> Given:
        """One version, with the personality as it was."""
        return Given(_of(avatar_id, version=version))

    @operation("GET", "/avatars/{avatar_id}/versions/{version}/difference", VersionDifference)
    def compare_versions(self, avatar_id: Id, version: int, to: int | None = None) -> Given:
        """What changed from one version to another, in words."""
        return Given(_of(avatar_id, version=version), present(to=to))

    @operation("POST", "/avatars/{avatar_id}/versions/{version}/restore", Avatar)
    def restore_version(self, avatar_id: Id, version: int) -> Given:
        """Makes an earlier personality the present one, as a new version."""
        return Given(_of(avatar_id, version=version))

    @operation("GET", "/avatars/{avatar_id}/picture", bytes)
    def get_picture(self, avatar_id: Id) -> Given:
        """Its picture, a PNG."""
        return Given(_of(avatar_id))

    @operation("PUT", "/avatars/{avatar_id}/picture")
    def put_picture(self, avatar_id: Id, picture: Path | str | bytes) -> Given:
        """Gives it a picture."""
        return Given(_of(avatar_id), content=read(picture)[1])

    @operation("DELETE", "/avatars/{avatar_id}/picture")
    def delete_picture(self, avatar_id: Id) -> Given:
        """Takes its picture away."""
        return Given(_of(avatar_id))

    @operation("POST", "/cards", CardBrought)
    def import_card(self, card: Path | str | bytes, *, name: str | None = None, dry_run: bool = False) -> Given:
        """Makes an avatar of a character card (PNG, CHARX or JSON)."""
        return Given(query=present(name=name, dry_run=dry_run), content=read(card)[1])

    @operation("GET", "/avatars/{avatar_id}/card", bytes)
    def export_card(
        self,
        avatar_id: Id,
        *,
        format: Literal["png", "charx", "json"] = "png",
        version: Literal["v2", "v3"] | None = None,
    ) -> Given:
        """The avatar as a character card."""
        return Given(_of(avatar_id), present(format=format, version=version))

    @operation("GET", "/avatars/{avatar_id}/lorebook", dict[str, Any])
    def get_lorebook(self, avatar_id: Id) -> Given:
        """What it knows of its world, as a lorebook."""
        return Given(_of(avatar_id))

    @operation("PUT", "/avatars/{avatar_id}/lorebook", LorebookPut)
    def put_lorebook(self, avatar_id: Id, lorebook: Mapping[str, Any]) -> Given:
        """Puts a lorebook in place of the one that is there."""
        return Given(_of(avatar_id), body=lorebook)

    @operation("GET", "/avatars/{avatar_id}/state", AvatarState)
    def get_state(self, avatar_id: Id) -> Given:
        """What it feels now."""
        return Given(_of(avatar_id))

    @listing("/avatars/{avatar_id}/state/history", StatePoint)
    def list_states(self, avatar_id: Id, *, since: datetime | None = None, until: datetime | None = None) -> Given:
        """What it felt, newest first."""
        return Given(_of(avatar_id), present(**{"from": since, "to": until}))

    @operation("GET", "/avatars/{avatar_id}/affinity", Affinity)
    def get_avatar_affinity(self, avatar_id: Id) -> Given:
        """How close you and an avatar are."""
        return Given(_of(avatar_id))

    @steps
    def get_affinity(self, session_id: int) -> Steps[Affinity]:
        """How close you and the avatar of a session are."""
        avatar_id = yield from avatar_of(session_id)
        return (yield from Avatars.get_avatar_affinity.steps(avatar_id))


def avatar_of(session_id: int) -> Steps[UUID]:
    """Whom a session is with. Raises NoAvatar where its avatar is no more."""
    session = yield from Talk.get_session.steps(session_id)
    if session.avatar_id is None:
        raise NoAvatar(session_id=session_id)
    return session.avatar_id

"""Branches of the whole database: on Neon where its key and project are set, else on the server itself.

Both engines know the same words. They work as the owner of the database, on everybody's rows: for operators.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from anima.kernel import clock
from anima.kernel.config import settings
from anima.kernel.errors import BadInput
from anima.kernel.postgres.branch_errors import BranchInUse, BranchServed, NoSuchBranch
from anima.kernel.postgres.local_branches import check_name
from anima.operations import branches_kept, branches_use
from anima.operations.branches_use import InUse


@dataclass(frozen=True, slots=True)
class Branch:
    """A branch as people see it; the trunk is one too."""

    name: str
    parent: str | None
    created_at: datetime | None
    expires_at: datetime | None
    schema_only: bool
    trunk: bool
    size_bytes: int | None
    made_now: bool = False


class Engine(Protocol):
    """What makes branches; names are checked before, and `parent` none is the trunk."""

    def every(self) -> Sequence[Branch]:
        """All branches, the trunk first."""

    def create(self, name: str, *, parent: str | None, schema_only: bool, expires_at: datetime | None) -> Branch:
        """A branch of this name; the one that is there already, if it is of the same kind."""

    def reset(self, name: str) -> Branch:
        """Makes a branch what its parent is now."""

    def restore(self, name: str, to: datetime) -> Branch:
        """Makes a branch what it was."""

    def delete(self, name: str) -> bool:
        """Deletes a branch; false where there was none."""

    def owner_url(self, name: str) -> str:
        """The owner's direct URL."""

    def place(self, name: str) -> InUse:
        """Where the branch lies, to be used from now on."""


@contextmanager
def engine() -> Iterator[Engine]:
    """What makes branches with the present settings."""
    key, project = settings().neon_api_key, settings().neon_project_id
    if (key is None) != (project is None):
        given, missing = ("NEON_PROJECT_ID", "NEON_API_KEY")[:: 1 if key is None else -1]
        raise BadInput(reason=f"{given} is set and {missing} is not; branches on Neon need both")
    if key is not None and project is not None:
        from anima.operations.branches_neon import NeonEngine
        from anima.vendors.neon import Neon

        with Neon(settings().neon_api_url, key.get_secret_value(), project) as client:
            yield NeonEngine(client)
    else:
        from anima.operations import branches_local

        with branches_local.opened() as local:
            yield local


def every() -> Sequence[Branch]:
    """All branches, the trunk first."""
    with engine() as made:
        return made.every()


def create(
    name: str, *, schema_only: bool = False, expires: timedelta | None = None, parent: str | None = None
) -> Branch:
    """A branch of this name: `made_now` says whether it was there already.

    With `schema_only` nobody's data are in it; with `expires` it goes by itself after that time.
    Raises BadBranchName, NoSuchBranch (the parent), BranchDiffers, and what the engine meets.
    """
    check_name(name)
    if expires is not None and expires <= timedelta(0):
        raise BadInput(reason="a branch must expire in the future")
    try:
        expires_at = None if expires is None else clock.now() + expires
    except OverflowError:
        raise BadInput(reason="no calendar reaches to the end of such a life") from None
    with engine() as made:
        if schema_only:
            return made.create(name, parent=parent, schema_only=True, expires_at=expires_at)
        parent_url = made.owner_url(_found(made.every(), parent).name)
        branches_kept.tell(parent_url, name, None)
        try:
            branch = made.create(name, parent=parent, schema_only=False, expires_at=expires_at)
        except BaseException:
            if name not in {one.name for one in made.every()}:
                branches_kept.forget(parent_url, name)
            raise
        if branch.expires_at is not None:
            branches_kept.tell(parent_url, name, branch.expires_at)
        return branch


def use(name: str | None) -> Branch:
    """Lets the next `anima up`, and every command, work on a branch; none, or the trunk's name: on the trunk.

    Raises NoSuchBranch, and what connecting to the branch raises.
    """
    with engine() as made:
        known = made.every()
        branch = _found(known, name)
        if branch.trunk:
            branches_use.forget()
        else:
            place = made.place(branch.name)
            branches_use.remember(place)
    return branch


def reset(name: str) -> Branch:
    """Makes a branch what its parent is now; what was only in it is gone."""
    with engine() as made:
        branch = made.reset(name)
        if branch.parent is not None and branch.expires_at is not None:
            branches_kept.tell(made.owner_url(branch.parent), name, branch.expires_at)
        return branch


def restore(name: str, to: datetime) -> Branch:
    """Makes a branch what it was at a time, where the engine keeps a history. Raises NoHistory where it does not."""
    if to.tzinfo is None:
        raise BadInput(reason="the time needs a zone, as in 2026-11-21T12:00:00Z")
    if to > clock.now():
        raise BadInput(reason=f"{to.isoformat()} lies in the future")
    with engine() as made:
        return made.restore(name, to)


def delete(name: str) -> bool:
    """Deletes a branch; false where there was none. Raises BranchInUse, TrunkRefused, BranchHasChildren."""
    with engine() as made:
        _check_unused(made, name)
        known = next((branch for branch in made.every() if branch.name == name), None)
        return made.delete(name) if known is None else _deleted(made, known)


def sweep(prefix: str, keep: Iterable[str] | None = None) -> Sequence[str]:
    """Deletes branches whose names begin with `prefix`: those that expired, and, given `keep`, all not named there.

    Answers the names. What is in use, or has branches of its own, stays.
    """
    if not prefix:
        raise BadInput(reason="a sweep needs the beginning of the names that it may delete, as in --prefix pr-")
    kept = None if keep is None else frozenset(keep)
    used = branches_use.current()
    with engine() as made:
        known = made.every()
        parents = {branch.parent for branch in known} | {used.name if used else None}
        due = [
            branch
            for branch in known
            if branch.name.startswith(prefix) and not branch.trunk and branch.name not in parents
            if _is_due(branch, kept)
        ]
        return [branch.name for branch in due if _swept(made, branch)]


def _swept(made: Engine, branch: Branch) -> bool:
    """One that somebody works on waits for the next sweep."""
    try:
        return _deleted(made, branch)
    except BranchServed:
        return False


def _deleted(made: Engine, branch: Branch) -> bool:
    """Its parent need keep nothing for it any more."""
    gone = made.delete(branch.name)
    if gone and branch.parent is not None:
        branches_kept.forget(made.owner_url(branch.parent), branch.name)
    return gone


def owner_url(name: str) -> str:
    """The owner's direct URL of a branch: it holds a password and is never shown.

    On the embedded server it leads somewhere only while that runs: inside `database.opened()`.
    """
    with engine() as made:
        return made.owner_url(name)


def _is_due(branch: Branch, kept: frozenset[str] | None) -> bool:
    expired = branch.expires_at is not None and branch.expires_at <= clock.now()
    return expired or (kept is not None and branch.name not in kept)


def _found(known: Sequence[Branch], name: str | None) -> Branch:
    for branch in known:
        if branch.name == name or (branch.trunk and name in (None, "main")):
            return branch
    raise NoSuchBranch(name=name, known=", ".join(branch.name for branch in known))


def _check_unused(made: Engine, name: str) -> None:
    used = branches_use.current()
    if used is not None and used.name == name:
        trunk = next((branch.name for branch in made.every() if branch.trunk), "main")
        raise BranchInUse(name=name, trunk=trunk)

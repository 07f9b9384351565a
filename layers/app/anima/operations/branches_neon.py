"""Branches of a Neon project. Creating one twice, or twice at once, is one branch."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import psycopg

from anima.kernel import clock
from anima.kernel.config import settings
from anima.kernel.errors import BadInput
from anima.kernel.postgres import schema_copy
from anima.kernel.postgres.branch_errors import (
    BadBranchName,
    BranchDiffers,
    BranchHasChildren,
    NoParentToResetTo,
    NoSuchBranch,
    TrunkRefused,
)
from anima.kernel.postgres.errors import DatabaseUnreachable
from anima.kernel.postgres.urls import for_libpq, parse
from anima.operations.branches import Branch
from anima.operations.branches_use import InUse, server_of
from anima.vendors.neon import Branch as NeonBranch
from anima.vendors.neon import Neon, NeonConflict, NeonUnreachable

_LONGEST_LIFE = timedelta(days=30)
_TRUNK = "main"


class NeonEngine:
    """Branches of the project of a client; the trunk is the project's default branch."""

    def __init__(self, client: Neon) -> None:
        self._client = client

    def every(self) -> Sequence[Branch]:
        """All branches, the trunk first."""
        known = list(self._client.branches())
        names = {branch.id: branch.name for branch in known}
        shown = [_shown(branch, names.get(branch.parent_id or "")) for branch in known]
        return sorted(shown, key=lambda branch: (not branch.trunk, branch.name))

    def create(self, name: str, *, parent: str | None, schema_only: bool, expires_at: datetime | None) -> Branch:
        """A branch of this name, with a compute; the rows of the migrations are in it also with the schema only.

        Raises NeonLimitReached, NeonOperationFailed and the other errors of the client.
        """
        if expires_at is not None and expires_at > clock.now() + _LONGEST_LIFE:
            raise BadInput(reason=f"Neon lets a branch live at most {_LONGEST_LIFE.days} days")
        source = self._found(parent or _TRUNK)
        branch = self._client.named(name)
        if branch is not None and branch.is_default:
            raise BadBranchName(name=name, reason="the trunk has it")
        made_now = branch is None
        if branch is None:
            branch = self._made(name, source, schema_only, expires_at)
        self._check_same(branch, source, schema_only)
        # One that was there, or whose answer was lost, may still be in the making.
        self._client.wait_for(branch.id)
        if not self._client.endpoints(branch.id):
            self._client.create_endpoint(branch.id)
        if schema_only:
            schema_copy.copy_catalogue(self._url(source), self._url(branch))
        return _shown(branch, source.name, made_now=made_now)

    def _made(self, name: str, source: NeonBranch, schema_only: bool, expires_at: datetime | None) -> NeonBranch:
        """A new branch, or the one that somebody else made in the same moment, or whose answer was lost."""
        try:
            return self._client.create_branch(name, source.id, schema_only=schema_only, expires_at=expires_at)
        except (NeonConflict, NeonUnreachable):
            branch = self._client.named(name)
            if branch is None:
                raise
            return branch

    def _check_same(self, there: NeonBranch, source: NeonBranch, schema_only: bool) -> None:
        if there.schema_only != schema_only:
            has = "the schema only" if there.schema_only else "the data too"
            raise BranchDiffers(name=there.name, how=f"it has {has}")
        if there.parent_id not in (None, source.id):
            raise BranchDiffers(name=there.name, how=f"it did not come from {source.name}")

    def reset(self, name: str) -> Branch:
        """Makes a branch what its parent is now; its branches, if it has any, are kept with what it was."""
        branch = self._found(name)
        if branch.is_default:
            raise TrunkRefused(name=name, what="reset nor deleted")
        if branch.parent_id is None:
            raise NoParentToResetTo(name=name, reason="it has the schema only, and so no parent on Neon")
        children = any(one.parent_id == branch.id for one in self._client.branches())
        keep_as = _kept_name(name, "reset") if children else None
        done = self._client.restore_branch(branch.id, branch.parent_id, keep_as=keep_as)
        return _shown(done, self._client.branch(branch.parent_id).name)

    def restore(self, name: str, to: datetime) -> Branch:
        """Makes a branch what it was; what it is now is kept as a branch."""
        branch = self._found(name)
        done = self._client.restore_branch(branch.id, branch.id, at=to, keep_as=_kept_name(name, "restore"))
        return _shown(done, None)

    def delete(self, name: str) -> bool:
        """Deletes a branch."""
        branch = self._client.named(name)
        if branch is None:
            return False
        if branch.is_default:
            raise TrunkRefused(name=name, what="reset nor deleted")
        if children := sorted(one.name for one in self._client.branches() if one.parent_id == branch.id):
            raise BranchHasChildren(name=name, children=", ".join(children))
        self._client.delete_branch(branch.id)
        return True

    def owner_url(self, name: str) -> str:
        """The owner's direct URL, with the compute that it needs."""
        branch = self._found(name)
        if not self._client.endpoints(branch.id):
            self._client.create_endpoint(branch.id)
        return self._url(branch)

    def place(self, name: str) -> InUse:
        """Where the branch lies, tried with the configured login. Raises DatabaseUnreachable."""
        configured = settings().database_direct_url or settings().database_url
        if configured is None:
            raise BadInput(reason="set ANIMA_DATABASE_URL to the database of the Neon project first")
        there, here = parse(self.owner_url(name)), configured.get_secret_value()
        place = InUse(name, server_of(here), there.dbname or "", there.host, there.port)
        _try(here, place)
        return place

    def _found(self, name: str) -> NeonBranch:
        branch = self._client.named(name)
        if branch is None and name == _TRUNK:
            return self._client.default_branch()
        if branch is None:
            raise NoSuchBranch(name=name, known=", ".join(one.name for one in self._client.branches()))
        return branch

    def _url(self, branch: NeonBranch) -> str:
        configured = settings().database_direct_url or settings().database_url
        if configured is not None:
            parts = parse(configured.get_secret_value())
            return self._client.connection_uri(branch.id, parts.dbname or "", parts.user or "")
        databases = self._client.databases(branch.id)
        if not databases:
            raise BadInput(reason=f"the branch {branch.name} has no database")
        return self._client.connection_uri(branch.id, databases[0].name, databases[0].owner_name)


def _try(configured: str, place: InUse) -> None:
    from anima.operations.branches_use import moved

    url = moved(configured, place)
    try:
        psycopg.connect(for_libpq(str(url)), connect_timeout=20).close()
    except psycopg.OperationalError as error:
        raise DatabaseUnreachable(where=url.where, reason=str(error).strip().partition("\n")[0]) from error


def _kept_name(name: str, what: str) -> str:
    return f"{name}-before-{what}-{datetime.now(UTC):%Y%m%d-%H%M%S}"


def _shown(branch: NeonBranch, parent: str | None, *, made_now: bool = False) -> Branch:
    return Branch(
        name=branch.name,
        parent=parent,
        created_at=branch.created_at,
        expires_at=branch.expires_at,
        schema_only=branch.schema_only,
        trunk=branch.is_default,
        size_bytes=branch.logical_size,
        made_now=made_now,
    )

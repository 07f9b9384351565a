"""Branches on the embedded server, or on another whose role may create databases: copies beside the trunk."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from anima.kernel.config import settings
from anima.kernel.postgres import launcher, local_branches
from anima.kernel.postgres.branch_errors import NoHistory
from anima.kernel.postgres.local_branches import TRUNK, LocalBranch
from anima.kernel.postgres.urls import parse
from anima.operations import branches_mark
from anima.operations.branches import Branch
from anima.operations.branches_use import InUse, server_of
from anima.operations.database import passwords


@contextmanager
def opened() -> Iterator[LocalEngine]:
    """The engine of the configured server, or of the embedded one, which runs as long as the block lasts."""
    configured = settings().database_direct_url or settings().database_url
    if configured is not None:
        yield LocalEngine(configured.get_secret_value())
        return
    server = launcher.start(settings().data_dir / "postgres")
    try:
        with branches_mark.held():
            yield LocalEngine(server.owner_url, server.data_dir)
    finally:
        server.release()


@dataclass(frozen=True, slots=True)
class LocalEngine:
    """Branches beside the database of an owner's URL."""

    _owner_url: str
    _folder: Path | None = None

    def __repr__(self) -> str:
        """Without the password."""
        return "LocalEngine(***)"

    def every(self) -> Sequence[Branch]:
        """All branches, the trunk first."""
        branches = [_shown(branch) for branch in local_branches.every(self._owner_url)]
        return sorted(branches, key=lambda branch: (not branch.trunk, branch.name))

    def create(self, name: str, *, parent: str | None, schema_only: bool, expires_at: datetime | None) -> Branch:
        """A branch of this name."""
        branch, made = local_branches.create(
            self._owner_url,
            passwords(),
            name,
            parent=parent or TRUNK,
            schema_only=schema_only,
            expires_at=expires_at,
            folder=self._folder,
        )
        return _shown(branch, made_now=made)

    def reset(self, name: str) -> Branch:
        """Makes a branch what its parent is now."""
        return _shown(local_branches.reset(self._owner_url, passwords(), name, self._folder))

    def restore(self, name: str, to: datetime) -> Branch:
        """Is not possible here. Raises NoHistory, NoSuchBranch."""
        local_branches.url(self._owner_url, name)
        raise NoHistory(name=name, when=to.isoformat())

    def delete(self, name: str) -> bool:
        """Deletes a branch."""
        return local_branches.delete(self._owner_url, name)

    def owner_url(self, name: str) -> str:
        """The owner's URL."""
        return local_branches.url(self._owner_url, name)

    def place(self, name: str) -> InUse:
        """Where the branch lies."""
        return InUse(name, server_of(self._owner_url), parse(self.owner_url(name)).dbname or "")


def _shown(branch: LocalBranch, *, made_now: bool = False) -> Branch:
    return Branch(
        name=branch.name,
        parent=branch.parent,
        created_at=branch.created_at,
        expires_at=branch.expires_at,
        schema_only=branch.schema_only,
        trunk=branch.name == TRUNK,
        size_bytes=branch.size_bytes,
        made_now=made_now,
    )

"""Two branches compared: their schemas, or the mind of an avatar on both."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass

from anima.kernel.errors import BadInput
from anima.operations import branch_data, branches, database
from anima.operations.branch_data import TableDifference


@dataclass(frozen=True, slots=True)
class Compared:
    """What `name` has that `base` has not."""

    name: str
    base: str
    schema: str | None = None
    data: Sequence[TableDifference] = ()


def schemas(name: str, base: str | None = None) -> Compared:
    """The difference of two schemas as SQL; `base` none: the parent of the branch. Raises NoSuchBranch."""
    from anima.operations import schema

    with _running():
        base = base or _parent(name)
        return Compared(name, base, schema=schema.difference(branches.owner_url(base), branches.owner_url(name)))


def minds(name: str, base: str | None, what: str) -> Compared:
    """The difference of an avatar's mind; `what` is `avatar:NAME`. Raises NoSuchBranch, NoSuchAvatar, BadInput."""
    kind, _, avatar = what.partition(":")
    if kind != "avatar" or not avatar.strip():
        raise BadInput(reason=f"{what!r} is not of the form avatar:NAME")
    with _running():
        base = base or _parent(name)
        urls = branches.owner_url(name), branches.owner_url(base)
        return Compared(name, base, data=branch_data.difference(*urls, avatar.strip(), (name, base)))


def _running() -> AbstractContextManager[None]:
    """The embedded server, where it is the one that has the branches."""
    return nullcontext() if database.on_neon() or database.configured() else database.opened()


def _parent(name: str) -> str:
    """What a branch came from; the trunk where that is not known."""
    known = branches.every()
    found = next((branch for branch in known if branch.name == name), None)
    trunk = next((branch.name for branch in known if branch.trunk), "main")
    if found is None or found.trunk:
        raise BadInput(reason=f"name two branches: {name} has no parent" if found else f"there is no branch {name}")
    return found.parent if found.parent in {branch.name for branch in known} else trunk

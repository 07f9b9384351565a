"""Branches of a database on a server of one's own: copies by `create database … template`, beside the trunk.

A branch `try` of the database `anima` is the database `anima+try`; what is known of it (parent, age, end) is its
comment. Works on the embedded server and on any whose role owns the database and may create others.
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import LiteralString

from anima.kernel import clock
from anima.kernel.postgres import bootstrap, copies, schema_copy
from anima.kernel.postgres.bootstrap import LoginPasswords
from anima.kernel.postgres.branch_errors import (
    BadBranchName,
    BranchDiffers,
    BranchHasChildren,
    BranchServed,
    DatabaseIsThere,
    NoParentToResetTo,
    NoSuchBranch,
    TrunkRefused,
)
from anima.kernel.postgres.copies import HASHED, LONGEST_DATABASE, MAKING, OLD, SEPARATOR, Connection, DatabaseRow
from anima.kernel.postgres.urls import parse, with_database

TRUNK = "main"
"""What the trunk is called here."""
_RESERVED = frozenset({"main", "production", "default", "trunk", "postgres", "template0", "template1"})
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/-]*")
_LONGEST = 63
# What every server has, of the size of a database without anything.
_EMPTY = "template1"


@dataclass(frozen=True, slots=True)
class LocalBranch:
    """A branch and the database that it is; `parent` is the name of the branch that it came from."""

    name: str
    database: str
    parent: str | None
    created_at: datetime | None
    expires_at: datetime | None
    schema_only: bool
    size_bytes: int


def check_name(name: str) -> str:
    """The name of a branch to be made, as given. Raises BadBranchName."""
    if not name.strip():
        raise BadBranchName(name=name, reason="it is empty")
    if len(name) > _LONGEST:
        raise BadBranchName(name=name, reason=f"it has {len(name)} characters, and {_LONGEST} is the most")
    if not _NAME.fullmatch(name):
        reason = "only letters, digits, `.`, `_`, `-` and `/` are taken, and it begins with a letter or digit"
        raise BadBranchName(name=name, reason=reason)
    if name.lower() in _RESERVED:
        raise BadBranchName(name=name, reason="it is kept for the trunk and the server")
    return name


def database_of(trunk: str, name: str) -> str:
    """The database of a branch; a name that would be too long ends with a hash."""
    if name == TRUNK:
        return trunk
    plain = f"{trunk}{SEPARATOR}{name}"
    if len(plain.encode()) <= LONGEST_DATABASE:
        return plain
    digest = hashlib.sha256(name.encode()).hexdigest()[: HASHED - 1]
    return f"{plain.encode()[: LONGEST_DATABASE - HASHED].decode(errors='ignore')}{SEPARATOR}{digest}"


def every(owner_url: str) -> list[LocalBranch]:
    """The trunk and its branches; what has expired is gone."""
    with copies.alone(owner_url) as connection:
        return list(_branches(connection, owner_url).values())


def create(
    owner_url: str,
    passwords: LoginPasswords,
    name: str,
    *,
    parent: str = TRUNK,
    schema_only: bool = False,
    expires_at: datetime | None = None,
    folder: Path | None = None,
) -> tuple[LocalBranch, bool]:
    """A branch of this name, and whether it was made now; one that is there already is answered as it is.

    `folder` is where the server keeps its data, if it is this machine's.
    With `schema_only` it has no rows but those that the migrations themselves wrote.
    Raises BadBranchName, NoSuchBranch, BranchDiffers, DatabaseIsThere, DatabaseNameTooLong, NoRoom, BranchingBusy,
    BranchingRefused, NoServerToBranch.
    """
    check_name(name)
    with copies.alone(owner_url) as connection:
        known = _branches(connection, owner_url)
        if there := known.get(name):
            _check_same(there, parent, schema_only)
            return there, False
        source = _found(known, parent)
        copies.check_may(connection, source.database)
        _check_free(connection, copies.trunk_of(owner_url), name)
        if folder is not None:
            copies.check_room(connection, _EMPTY if schema_only else source.database, folder)
        made = _made(connection, owner_url, passwords, source, schema_only=schema_only)
        comment = _comment(name, parent, expires_at, schema_only=schema_only)
        copies.put(connection, made, database_of(copies.trunk_of(owner_url), name), comment)
        return _found(_branches(connection, owner_url), name), True


def reset(owner_url: str, passwords: LoginPasswords, name: str, folder: Path | None = None) -> LocalBranch:
    """Makes a branch what its parent is now; what was only in the branch is gone.

    Raises NoSuchBranch, TrunkRefused, NoParentToResetTo, and what `create` raises.
    """
    with copies.alone(owner_url) as connection:
        known = _branches(connection, owner_url)
        branch = _found(known, name)
        if branch.name == TRUNK:
            raise TrunkRefused(name=name, what="reset nor deleted")
        if branch.schema_only:
            raise NoParentToResetTo(name=name, reason="it has the schema only")
        if branch.parent not in known:
            raise NoParentToResetTo(name=name, reason=f"its parent {branch.parent} is gone")
        if folder is not None:
            copies.check_room(connection, known[branch.parent].database, folder)
        made = _made(connection, owner_url, passwords, known[branch.parent], schema_only=False)
        comment = _comment(name, branch.parent, _again(branch), schema_only=False)
        old = copies.trunk_of(owner_url) + OLD
        copies.put(connection, made, branch.database, comment, aside=old)
        copies.drop(connection, old)
        return _found(_branches(connection, owner_url), name)


def delete(owner_url: str, name: str) -> bool:
    """Deletes a branch; false where there was none. Raises TrunkRefused, BranchHasChildren."""
    if name == TRUNK:
        raise TrunkRefused(name=name, what="reset nor deleted")
    with copies.alone(owner_url) as connection:
        known = _branches(connection, owner_url)
        if name not in known:
            return False
        if children := sorted(branch.name for branch in known.values() if branch.parent == name):
            raise BranchHasChildren(name=name, children=", ".join(children))
        if copies.is_served(connection, known[name].database):
            raise BranchServed(name=name)
        copies.drop(connection, known[name].database)
    return True


def url(owner_url: str, name: str) -> str:
    """The owner's URL of a branch. Raises NoSuchBranch."""
    trunk = copies.trunk_of(owner_url)
    with copies.server(owner_url) as connection:
        return with_database(owner_url, _found(_listed(connection, trunk), name).database)


_IS_OPEN: LiteralString = "select datallowconn and datconnlimit <> -2 from pg_database where datname = %s"


def ensure_open(owner_url: str) -> bool:
    """Waits while the database of the URL is being copied, or opens it after one who was killed; false: no such."""
    name = parse(owner_url).dbname
    with copies.server(owner_url) as connection:
        row = connection.execute(_IS_OPEN, [name]).fetchone()
    if row is None or row[0]:
        return row is not None
    with copies.alone(owner_url) as connection:
        row = connection.execute(_IS_OPEN, [name]).fetchone()
    return row is not None


def _made(
    connection: Connection, owner_url: str, passwords: LoginPasswords, source: LocalBranch, *, schema_only: bool
) -> str:
    """A database like `source` under a name of its own, with PUBLIC's rights taken again."""
    made = copies.trunk_of(owner_url) + MAKING
    target = with_database(owner_url, made)
    if schema_only:
        copies.make_empty(connection, made)
        bootstrap.ensure(target, passwords)
        schema_copy.copy_schema(with_database(owner_url, source.database), target)
    else:
        copies.copy(connection, source.database, made)
    bootstrap.ensure(target, passwords)
    return made


def _check_same(there: LocalBranch, parent: str, schema_only: bool) -> None:
    if there.schema_only != schema_only:
        has = "the schema only" if there.schema_only else "the data too"
        raise BranchDiffers(name=there.name, how=f"it has {has}")
    if there.parent != parent:
        raise BranchDiffers(name=there.name, how=f"it came from {there.parent}")


def _check_free(connection: Connection, trunk: str, name: str) -> None:
    """Asks before the source is closed. Raises DatabaseIsThere."""
    database = database_of(trunk, name)
    if any(row.name == database for row in copies.family(connection, trunk)):
        raise DatabaseIsThere(database=database, name=name)


def _found(known: dict[str, LocalBranch], name: str) -> LocalBranch:
    if name not in known:
        raise NoSuchBranch(name=name, known=", ".join(sorted(known)))
    return known[name]


def _branches(connection: Connection, owner_url: str) -> dict[str, LocalBranch]:
    """What there is by name, without what has expired, which is dropped."""
    known, now = _listed(connection, copies.trunk_of(owner_url)), clock.now()
    expired = [branch for branch in known.values() if branch.expires_at is not None and branch.expires_at <= now]
    for branch in expired:
        copies.drop(connection, branch.database)
        del known[branch.name]
    return known


def _listed(connection: Connection, trunk: str) -> dict[str, LocalBranch]:
    read = (_read(row, trunk) for row in copies.family(connection, trunk))
    return {branch.name: branch for branch in read if branch is not None}


def _read(row: DatabaseRow, trunk: str) -> LocalBranch | None:
    """The branch of a database; none for one that is being made or was not made by us."""
    if row.invalid:
        return None
    if row.name == trunk:
        return LocalBranch(TRUNK, trunk, None, None, None, False, row.size_bytes)
    try:
        kept = json.loads(row.comment or "")
        name, parent, expires = kept["branch"], kept["parent"], kept["expires_at"]
        made = datetime.fromisoformat(kept["created_at"])
        end = datetime.fromisoformat(expires) if expires else None
        return LocalBranch(name, row.name, parent, made, end, bool(kept["schema_only"]), row.size_bytes)
    except (ValueError, KeyError, TypeError):
        return None


def _comment(name: str, parent: str, expires_at: datetime | None, *, schema_only: bool) -> str:
    kept = {
        "branch": name,
        "parent": parent,
        "created_at": clock.now().astimezone(UTC).isoformat(),
        "expires_at": expires_at.astimezone(UTC).isoformat() if expires_at else None,
        "schema_only": schema_only,
    }
    return json.dumps(kept)


def _again(branch: LocalBranch) -> datetime | None:
    """A branch that is reset lives as long again as it was given, as on Neon."""
    if branch.expires_at is None or branch.created_at is None:
        return branch.expires_at
    return clock.now() + (branch.expires_at - branch.created_at)


def set_aside(connection: Connection, owner_url: str, made: str, name: str) -> None:
    """Puts the database `made` in the place of the one that the URL names, which becomes the branch `name`.

    To be called by who holds the lock on copies.
    """
    trunk, current = copies.trunk_of(owner_url), parse(owner_url).dbname or ""
    known = {row.name: row for row in copies.family(connection, trunk)}
    branch = _read(known[current], trunk) if current in known else None
    aside = database_of(trunk, name)
    parent = branch.name if branch is not None else TRUNK
    # In one moment: what is put aside is never without the name under which people find it.
    note = _comment(name, parent, None, schema_only=False)
    comment = known[current].comment if current in known else None
    copies.put(connection, made, current, comment, aside=aside, note=note)

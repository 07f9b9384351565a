"""Which branch this machine works on: a small file in the data folder, and the settings that follow from it.

The file names the server that it is meant for: with other settings it is left alone. It holds no password.
"""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass, replace

from anima.kernel.config import settings
from anima.kernel.errors import AnimaError, Conflict
from anima.kernel.postgres.urls import DatabaseUrl, is_pooled, parse, with_database

EMBEDDED = "embedded"
_OWNER = "anima_owner"
_URLS = (
    "database_url",
    "database_direct_url",
    "app_database_url",
    "worker_database_url",
    "admin_database_url",
    "read_database_url",
)
_POOLER = "-pooler"


class BranchNotKept(AnimaError):
    """Which branch is used cannot be written to {folder}, and is as it was: {reason}"""

    slug = "branch-not-kept"


class BranchGone(Conflict):
    """The branch {name} that is in use is not there any more: `anima db branch use {trunk}` goes back to the trunk."""

    slug = "branch-gone"


@dataclass(frozen=True, slots=True)
class InUse:
    """A branch, the server whose trunk it replaces, and where its database lies."""

    name: str
    server: str
    database: str
    host: str | None = None
    port: int | None = None


def server_of(owner_url: str) -> str:
    """What stays the same of a server: the embedded one has another port tomorrow."""
    parts = parse(owner_url)
    if parts.user == _OWNER and ("require_auth", "scram-sha-256") in parts.options:
        return EMBEDDED
    return f"{_without_pooler(parts.host or 'localhost')}:{parts.port or 5432}"


def _configured_server() -> str:
    configured = settings().database_direct_url or settings().database_url
    return EMBEDDED if configured is None else server_of(configured.get_secret_value())


def current() -> InUse | None:
    """The branch in use, if there is one and the settings lead to its server."""
    try:
        kept = json.loads((settings().data_dir / "branch.json").read_text())
        found = InUse(**kept)
    except (OSError, ValueError, TypeError):
        return None
    here = _configured_server()
    arrived = found.host is not None and here == f"{found.host}:{found.port or 5432}"
    return found if arrived or here == found.server else None


def remember(branch: InUse) -> None:
    """Lets everything from the next start on work on a branch. Raises BranchNotKept."""
    from anima.operations.running import write_private

    folder = settings().data_dir
    try:
        write_private(folder / "branch.json", asdict(branch))
    except OSError as error:
        raise BranchNotKept(folder=folder, reason=error.strerror or str(error)) from None


def forget() -> None:
    """Goes back to the trunk."""
    (settings().data_dir / "branch.json").unlink(missing_ok=True)


def embedded_url(owner_url: str) -> str:
    """The owner's URL of the embedded server, on the branch in use; waits while that is being copied.

    Raises BranchGone.
    """
    from anima.kernel.postgres import local_branches

    branch = current()
    url = owner_url if branch is None or branch.server != EMBEDDED else with_database(owner_url, branch.database)
    if not local_branches.ensure_open(url) and branch is not None:
        raise BranchGone(name=branch.name, trunk=local_branches.TRUNK)
    return url


def apply() -> None:
    """Lets the configured URLs lead to the branch in use, in this process and its children."""
    branch = current()
    if branch is None:
        return
    for name in _URLS:
        configured = getattr(settings(), name)
        if configured is not None:
            os.environ[f"ANIMA_{name.upper()}"] = str(moved(configured.get_secret_value(), branch))
    settings.cache_clear()


def moved(url: str, branch: InUse) -> DatabaseUrl:
    """The same login on the branch; through the pooler where it went through one."""
    parts = parse(url)
    if branch.host is None:
        return replace(parts, dbname=branch.database)
    host = branch.host
    if is_pooled(url) and (parts.host or "").partition(".")[0].endswith(_POOLER):
        first, dot, rest = host.partition(".")
        host = f"{first}{_POOLER}{dot}{rest}"
    return replace(parts, host=host, port=branch.port, dbname=branch.database)


def _without_pooler(host: str) -> str:
    first, dot, rest = host.partition(".")
    return f"{first.removesuffix(_POOLER)}{dot}{rest}"

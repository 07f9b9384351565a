"""The database of this machine: started or joined, bootstrapped, and brought to the newest schema."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from anima.kernel import db, secrets, telemetry
from anima.kernel.config import settings, use_database
from anima.kernel.errors import AnimaError, BadInput
from anima.kernel.postgres import bootstrap, launcher, migration_files, migrations, schema
from anima.kernel.postgres.deployment import Step, Tell, refuse_pooler, silent
from anima.kernel.postgres.migration_files import Phase
from anima.kernel.postgres.urls import parse
from anima.operations import branches_mark, branches_use
from anima.operations.schema_report import Deployment

_LOOK_SECONDS = 1.0


def owner_url() -> str:
    """The owner's direct URL of the configured database. Raises DatabaseNotConfigured."""
    given = settings().database_direct_url or settings().database_url
    if given is None:
        raise db.DatabaseNotConfigured
    return given.get_secret_value()


def configured() -> bool:
    """Whether the settings name a database; else it is the embedded one."""
    return settings().database_url is not None or settings().database_direct_url is not None


@contextmanager
def opened() -> Iterator[None]:
    """Has a database to work with for as long as the block lasts: the configured one, else the embedded one."""
    if settings().database_url is not None:
        branches_use.apply()
        yield
        return
    server = launcher.start(settings().data_dir / "postgres")
    ended = threading.Event()
    keeper = threading.Thread(target=_keep, args=(server, ended), name="database", daemon=True)
    try:
        use_database(branches_use.embedded_url(server.owner_url))
        keeper.start()
        yield
    finally:
        ended.set()
        if keeper.ident is not None:
            keeper.join()
        db.close_pools()
        server.release()


def _keep(server: launcher.Server, ended: threading.Event) -> None:
    """Starts the embedded server again when it was killed; what it had acknowledged is there again."""
    while not ended.wait(_LOOK_SECONDS):
        try:
            branches_mark.put_right(server.owner_url)
            if not server.lost():
                continue
            port, server = server.port, server.ensure()
            telemetry.warning("database.started_again")
            if server.port != port:
                use_database(branches_use.embedded_url(server.owner_url))
                db.close_pools()
        except (AnimaError, OSError) as error:
            telemetry.error("database.lost", error)


@contextmanager
def at(branch: str | None = None) -> Iterator[str]:
    """The owner's direct URL of a branch, or of the database itself, which is there while the block lasts."""
    elsewhere = on_neon() if branch else configured()
    with contextlib.nullcontext() if elsewhere else opened():
        if branch is None:
            branches_use.apply()
            yield owner_url()
        else:
            from anima.operations import branches

            yield branches.owner_url(branch)


def on_neon() -> bool:
    """Whether the branches of the database are Neon's."""
    return settings().neon_api_key is not None and settings().neon_project_id is not None


def migrate(phase: str | None = None, *, dry_run: bool = False, code: int | None = None) -> list[str]:
    """Applies what is missing of the migrations, or says what would be; logins and extensions come first."""
    if not dry_run:
        prepare(owner_url(), logins=True)
    return migrations.migrate(owner_url(), migration_files.sql_dir(), _phase(phase), dry_run=dry_run, code=code)


def prepare(url: str, *, logins: bool) -> None:
    """Makes extensions, roles and rights; with `logins` the passwords too."""
    bootstrap.ensure(url, passwords() if logins else None)


def passwords() -> bootstrap.LoginPasswords:
    """The passwords of the three logins, as this machine's key gives them."""
    return bootstrap.LoginPasswords(*(secrets.login_password(login) for login in bootstrap.LOGINS))


def deployment(url: str, phase: str | None, *, dry_run: bool) -> Deployment:
    """The report of a run that is about to begin. Raises BadInput for a phase that is none, PooledConnection."""
    refuse_pooler(url)
    return Deployment(parse(url).where, _phase(phase), dry_run, datetime.now(UTC))


def deploy(run: Deployment, url: str, *, logins: bool, code: int | None = None, tell: Tell = silent) -> None:
    """Applies what is missing, and enters into the report what became of each migration. Raises what `migrate` does."""

    def hear(step: Step) -> None:
        run.hear(step)
        tell(step)

    if not run.dry_run:
        prepare(url, logins=logins)
    phase = _phase(run.phase)
    migrations.migrate(url, migration_files.sql_dir(), phase, dry_run=run.dry_run, code=code, tell=hear)


def _phase(name: str | None) -> Phase | None:
    if name not in (None, "pre", "post"):
        raise BadInput(reason=f"there is no phase {name}; there are pre and post")
    return name  # type: ignore[return-value]


def status(url: str | None = None) -> list[dict[str, Any]]:
    """Every migration, and whether it is applied."""
    return [asdict(one) for one in migrations.status(url or owner_url(), migration_files.sql_dir())]


def check(url: str | None = None) -> str:
    """How the live schema differs from `sql/schema.sql`; empty where it does not."""
    return schema.schema_drift(url or owner_url(), migration_files.sql_dir() / "schema.sql")

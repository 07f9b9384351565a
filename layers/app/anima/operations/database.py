"""The database of this machine: started or joined, bootstrapped, and brought to the newest schema."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from typing import Any

from anima.kernel import db, secrets, telemetry
from anima.kernel.config import settings, use_database
from anima.kernel.errors import AnimaError, BadInput
from anima.kernel.postgres import bootstrap, launcher, migration_files, migrations, schema

_LOOK_SECONDS = 1.0


def owner_url() -> str:
    """The owner's direct URL of the configured database. Raises DatabaseNotConfigured."""
    configured = settings().database_direct_url or settings().database_url
    if configured is None:
        raise db.DatabaseNotConfigured
    return configured.get_secret_value()


@contextmanager
def opened() -> Iterator[None]:
    """Has a database to work with for as long as the block lasts: the configured one, else the embedded one."""
    if settings().database_url is not None:
        yield
        return
    server = launcher.start(settings().data_dir / "postgres")
    ended = threading.Event()
    keeper = threading.Thread(target=_keep, args=(server, ended), name="database", daemon=True)
    try:
        use_database(server.owner_url)
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
            if not server.lost():
                continue
            port, server = server.port, server.ensure()
            telemetry.warning("database.started_again")
            if server.port != port:
                use_database(server.owner_url)
                db.close_pools()
        except (AnimaError, OSError) as error:
            telemetry.error("database.lost", error)


def migrate(phase: str | None = None, *, dry_run: bool = False) -> list[str]:
    """Applies what is missing of the migrations, or says what would be; logins and extensions come first."""
    if phase not in (None, "pre", "post"):
        raise BadInput(reason=f"there is no phase {phase}; there are pre and post")
    if not dry_run:
        logins = (secrets.login_password(f"anima_{login}") for login in ("app", "worker", "admin"))
        bootstrap.ensure(owner_url(), bootstrap.LoginPasswords(*logins))
    return migrations.migrate(owner_url(), migration_files.sql_dir(), phase, dry_run=dry_run)  # type: ignore[arg-type]


def status() -> list[dict[str, Any]]:
    """Every migration, and whether it is applied."""
    return [asdict(one) for one in migrations.status(owner_url(), migration_files.sql_dir())]


def rollback() -> str:
    """Takes the last migration back, by its written way down; answers its name."""
    return migrations.rollback(owner_url(), migration_files.sql_dir())


def check() -> str:
    """How the live schema differs from `sql/schema.sql`; empty where it does not."""
    return schema.schema_drift(owner_url(), migration_files.sql_dir() / "schema.sql")

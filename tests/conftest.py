"""What all tests share: settings of their own, and one throw-away Postgres for the whole run.

The server is started by the first test that asks for it, on however many processes the run has, and goes with
the run, however that ends. Each process works in a database of its own, copied from a migrated template.
Fixtures of other parts lie in `fixtures/`; every module there is loaded.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import sql
from pydantic import AliasChoices

from anima.kernel import config as kernel_config
from anima.kernel import db, limits, secrets, telemetry
from anima.kernel.postgres import bootstrap, ephemeral, migration_files, migrations
from anima.kernel.postgres.launcher import Server
from anima.kernel.postgres.locks import exclusive
from anima.kernel.postgres.urls import parse, with_database, with_login

os.environ.setdefault("GRPC_ENABLE_FORK_SUPPORT", "0")  # a client of an engine is loaded where others start processes

pytest_plugins = [
    f"fixtures.{path.stem}"
    for path in sorted((Path(__file__).parent / "fixtures").glob("*.py"))
    if path.stem != "__init__"
]

TEMPLATE = "anima"
_CLUSTER = pytest.StashKey[Path]()
# Kept from the environment of the run; everything else that would change the service is taken away.
_KEPT = {"ANIMA_MODEL_DIR"}
_FOREIGN = {
    str(field.validation_alias.choices[0])
    for field in kernel_config.Settings.model_fields.values()
    if isinstance(field.validation_alias, AliasChoices)
}


@dataclass(frozen=True, slots=True)
class Database:
    """A migrated database, by the URL of each login."""

    owner_url: str

    @property
    def app_url(self) -> str:
        return self._login("anima_app")

    @property
    def worker_url(self) -> str:
        return self._login("anima_worker")

    @property
    def admin_url(self) -> str:
        return self._login("anima_admin")

    @property
    def name(self) -> str:
        return parse(self.owner_url).dbname or ""

    def _login(self, login: str) -> str:
        return with_login(self.owner_url, login, secrets.login_password(login))

    @contextmanager
    def use(self) -> Iterator[None]:
        """Lets the settings of this process, and so the house itself, point to this database."""
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("ANIMA_DATABASE_URL", self.owner_url)
            _forget()
            yield
        _forget()


def pytest_configure(config: pytest.Config) -> None:
    """The process that leads the run reserves the server's folder; nothing is started yet."""
    given = getattr(config, "workerinput", {}).get("anima_cluster")
    if given is None:
        place = ephemeral.reserve()
        config.add_cleanup(place.close)
        config.stash[_CLUSTER] = place.folder
    else:
        config.stash[_CLUSTER] = Path(given)


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Tells a worker process of the run where the shared server lies."""
    node.workerinput["anima_cluster"] = str(node.config.stash[_CLUSTER])


def _forget() -> None:
    """Drops what the process keeps of its settings."""
    db.close_pools()
    kernel_config.settings.cache_clear()
    secrets.master_key.cache_clear()
    limits.start_over()


@pytest.fixture(scope="session", autouse=True)
def own_settings(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Settings of the tests: nothing of the machine's environment or `.env` reaches them."""
    with pytest.MonkeyPatch.context() as patch:
        for name in set(os.environ):
            if name in _FOREIGN or (name.startswith("ANIMA_") and name not in _KEPT):
                patch.delenv(name)
        patch.setitem(kernel_config.Settings.model_config, "env_file", None)
        patch.setenv("SECRET_KEY", "the-master-key-of-the-tests-is-no-secret")
        patch.setenv("ANIMA_SECOND_LOOKS_PER_HOUR", "0")  # tests count what models are asked
        patch.setenv("ANIMA_DATA_DIR", str(tmp_path_factory.mktemp("data")))
        _forget()
        yield
    _forget()


@pytest.fixture(autouse=True)
def settings_stay(own_settings: None) -> Iterator[None]:
    """A test that leaves the process with another database would fail those after it: it fails itself."""
    before = os.environ.get("ANIMA_DATABASE_URL")
    yield
    telemetry.configure("info")  # a command that was called here may have set its own
    after = os.environ.get("ANIMA_DATABASE_URL")
    if before is not None and after != before:
        os.environ["ANIMA_DATABASE_URL"] = before
        _forget()
        pytest.fail("the test left the process with another database")


@pytest.fixture(autouse=True)
def words_as_they_are(request: pytest.FixtureRequest) -> Iterator[None]:
    """Conduct puts words of its own around some replies of a longer talk, by lot: most tests compare a model's words,
    and do without. Those of conduct and of the month, and all that need no database, have them.
    """
    folder, name = request.path.parent.name, request.path.stem
    with pytest.MonkeyPatch.context() as patch:  # of its own: the order in which others' end stays what it was
        if folder in ("integration", "console") and name not in ("test_conduct", "test_month_of_character"):
            from anima.chat import bearing

            patch.setattr(bearing, "_GOES_ON", sys.maxsize)
        yield


@pytest.fixture(scope="session")
def cluster(pytestconfig: pytest.Config) -> Iterator[Server]:
    """The Postgres server of the whole run."""
    server = ephemeral.attach(pytestconfig.stash[_CLUSTER])
    yield server
    server.release()


@pytest.fixture(scope="session")
def login_passwords(own_settings: None) -> bootstrap.LoginPasswords:
    """The passwords that the house derives from the master key of the tests."""
    return bootstrap.LoginPasswords(
        *(secrets.login_password(login) for login in ("anima_app", "anima_worker", "anima_admin"))
    )


@pytest.fixture(scope="session")
def clone(cluster: Server, login_passwords: bootstrap.LoginPasswords) -> Callable[[str], Database]:
    """Copies the template, which the first process that needs it prepares and migrates."""
    with exclusive(cluster.data_dir / "template.lock"):
        done = cluster.data_dir / "template.done"
        if not done.exists():
            bootstrap.ensure(cluster.owner_url, login_passwords)
            migrations.migrate(cluster.owner_url, migration_files.sql_dir())
            done.touch()

    def copied(name: str) -> Database:
        with psycopg.connect(with_database(cluster.owner_url, "postgres"), autocommit=True) as connection:
            statement = "create database {} template {} strategy wal_log"
            connection.execute(sql.SQL(statement).format(sql.Identifier(name), sql.Identifier(TEMPLATE)))
        database = Database(with_database(cluster.owner_url, name))
        bootstrap.ensure(database.owner_url, login_passwords)
        return database

    return copied


@pytest.fixture(scope="session")
def database(clone: Callable[[str], Database]) -> Iterator[Database]:
    """This process's database; the settings point to it until the run ends."""
    copied = clone(f"test_{os.environ.get('PYTEST_XDIST_WORKER', 'main')}")
    with copied.use():
        yield copied


@pytest.fixture
def owner_conn(database: Database) -> Iterator[psycopg.Connection[Any]]:
    """A connection as the owner, who sees everything; each statement commits."""
    with psycopg.connect(database.owner_url, autocommit=True) as connection:
        yield connection


@pytest.fixture
def fresh_database(cluster: Server, clone: Callable[[str], Database]) -> Iterator[Database]:
    """A migrated database that no other test has seen; `with fresh_database.use():` lets the house use it."""
    copied = clone(f"fresh_{os.urandom(6).hex()}")
    yield copied
    with psycopg.connect(with_database(cluster.owner_url, "postgres"), autocommit=True) as connection:
        connection.execute(sql.SQL("drop database if exists {} with (force)").format(sql.Identifier(copied.name)))

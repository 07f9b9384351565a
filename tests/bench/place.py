"""Where turns are measured: a throw-away database with everything migrated, and a stub model beside the process."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import psycopg
from scripts.venvs import ROOT

from anima.kernel import config, db, secrets, telemetry
from anima.kernel.postgres import bootstrap, ephemeral, migration_files, migrations
from anima.kernel.postgres.urls import with_login

LOGINS = ("anima_app", "anima_worker", "anima_admin")


@dataclass(frozen=True, slots=True)
class Place:
    """A migrated database in a throw-away server, and the address of a stub model."""

    owner_url: str
    stub: str

    @property
    def app_url(self) -> str:
        return self._url_of("anima_app")

    def environment(self) -> dict[str, str]:
        """The variables of a deployed function that works here."""
        return {
            "ANIMA_APP_DATABASE_URL": self.app_url,
            "ANIMA_WORKER_DATABASE_URL": self._url_of("anima_worker"),
            "ANIMA_DATABASE_DIRECT_URL": self.owner_url,
            "ANIMA_DATA_DIR": str(config.settings().data_dir),
            "ANIMA_MODEL_DIR": str(config.settings().model_dir),
            "ANIMA_LOCAL_LLM": "false",
            "SECRET_KEY": secrets.master_key().decode(),
            **_provider(self.stub),
        }

    def _url_of(self, login: str) -> str:
        return with_login(self.owner_url, login, secrets.login_password(login))


def passwords() -> bootstrap.LoginPasswords:
    """Of the logins, under this process's master key."""
    return bootstrap.LoginPasswords(*(secrets.login_password(login) for login in LOGINS))


@contextmanager
def opened(*, durable: bool = False) -> Iterator[Place]:
    """A place; the settings of this process lead there. `durable`: what is committed there is synced to the disk."""
    with _database(durable) as owner_url, _stub() as stub, _settings(owner_url, stub):
        yield Place(owner_url, stub)


def person() -> db.Principal:
    """Somebody new with an avatar, to whom nothing else belongs."""
    from anima import personality
    from anima.avatars import service as avatars
    from anima.avatars.model import NewAvatar

    owner = config.settings().database_url
    assert owner is not None
    with psycopg.connect(owner.get_secret_value(), autocommit=True) as connection:
        row = connection.execute(
            "insert into users (username, password_hash) values (%s, '-') returning user_id",
            [f"bench-{os.urandom(4).hex()}"],
        ).fetchone()
    assert row is not None
    principal = db.Principal(int(row[0]), frozenset({"viewer"}))
    avatars.create(principal, NewAvatar("luna", personality.load_ready("luna")))
    return principal


def key_of(principal: db.Principal) -> str:
    """A new key of somebody's."""
    from anima.identity import service as identity

    return identity.create_key(principal, "of the bench").key


@contextmanager
def quick_embedder() -> Iterator[None]:
    """Vectors at no cost: where the embedder is not what is measured."""
    from anima.vendors import embeddings
    from fixtures.models import HashingEmbedder

    with embeddings.use(HashingEmbedder()):
        yield


@contextmanager
def _database(durable: bool) -> Iterator[str]:
    with ephemeral.ephemeral(durable=durable) as server, tempfile.TemporaryDirectory() as data:
        os.environ |= {"SECRET_KEY": "of the bench", "ANIMA_DATA_DIR": data}
        config.settings.cache_clear()
        secrets.master_key.cache_clear()
        bootstrap.ensure(server.owner_url, passwords())
        migrations.migrate(server.owner_url, migration_files.sql_dir())
        yield server.owner_url
        db.close_pools()


@contextmanager
def _settings(owner_url: str, stub: str) -> Iterator[None]:
    wanted = {"ANIMA_DATABASE_URL": owner_url, "ANIMA_LOG_LEVEL": "error", **_provider(stub)}
    os.environ |= wanted
    config.settings.cache_clear()
    telemetry.configure("error")
    yield
    for name in wanted:
        os.environ.pop(name, None)
    config.settings.cache_clear()


def _provider(stub: str) -> dict[str, str]:
    return {"OPENAI_API_KEY": "sk-of-the-bench", "OPENAI_BASE_URL": stub}


@contextmanager
def _stub() -> Iterator[str]:
    """The stub model, outside this process, so that its CPU is not counted."""
    program = str(ROOT / "tests" / "fixtures" / "stub_llm.py")
    process = subprocess.Popen([sys.executable, program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    yield process.stdout.readline().strip()
    process.kill()
    process.wait()

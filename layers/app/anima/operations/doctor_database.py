"""The doctor's look at the database: whether it answers, its logins and their rights, schema and extensions."""

from __future__ import annotations

import re
from collections.abc import Generator
from contextlib import ExitStack

from anima.kernel import db
from anima.kernel.config import settings
from anima.kernel.errors import AnimaError
from anima.kernel.postgres import bootstrap, look, migration_files, migrations, schema
from anima.kernel.postgres.errors import PostgresNotInstalled, SchemaNotDumped
from anima.kernel.postgres.look import Look
from anima.kernel.postgres.urls import is_local, is_pooled, parse
from anima.operations import database
from anima.operations.findings import Finding, Findings

PATIENCE_SECONDS = 8.0
_ASLEEP_SECONDS = 1.0
_SKEW_SECONDS = 5.0
_LOGINS: tuple[db.Login, ...] = ("app", "worker", "admin")
_NOT_LET_IN = "the password is wrong: correct it in the URL of this login"
_OTHER_KEY = "it was made under another master key: `anima db migrate --logins` gives it the password of this one"
_SAID = (
    (r"password authentication failed|no password", _NOT_LET_IN),
    (r"role .* does not exist|no such user", "there is no such login: `anima db migrate` makes those of Anima"),
    (r"database .* does not exist|no such database", "there is no such database: correct its name in the URL"),
    (r"translate host name|Name or service|resolve", "the host is unknown: correct it in the URL"),
    (r"certificate|SSL|TLS", "the server cannot be verified: see ANIMA_DATABASE_TLS and the URL's sslmode"),
    (r"too many (clients|connections)|remaining connection slots", "connections ran out: use the pooled URL"),
    (
        r"refused|timed out|timeout|unreachable|starting up|No such file",
        "is it running, and may this machine reach it?",
    ),
)


def examine() -> Findings:
    """What can be said of the configured database, or of the embedded one."""
    configured = settings()
    if configured.database_url is None and configured.app_database_url is not None:
        yield Finding("database", "warn", "no owner's URL is set: schema and extensions are not looked at")
        yield from _logins()
        return
    with ExitStack() as opened:
        if configured.database_url is None:
            folder = configured.data_dir / "postgres"
            if not folder.exists():
                yield Finding(
                    "database", "warn", f"the embedded one is not there yet ({folder})", "`anima up` makes it"
                )
                return
        opened.enter_context(database.opened())
        yield from _all()


def _all() -> Findings:
    url = database.owner_url()
    if is_pooled(url):
        said = f"{parse(url).where} is a pooler; migrations need the direct host"
        yield Finding("database", "fail", said, "set ANIMA_DATABASE_DIRECT_URL")
    seen = yield from _connected("database", url)
    if seen is None:
        yield Finding("schema", "warn", "not looked at: the database does not answer its owner")
        return
    yield from _clock(seen)
    yield from _extensions(seen)
    pending = yield from _migrations(url)
    if not pending:
        yield from _drift(url)
    yield from _logins()
    yield from _replica()


def _connected(name: str, url: str, *, derived: bool = False) -> Generator[Finding, None, Look | None]:
    """A finding; answers what was seen. `derived`: the password is not given, but follows from the master key."""
    import psycopg

    try:
        seen = look.look(url, PATIENCE_SECONDS)
    except psycopg.Error as error:
        said, advice = _explained(error, url)
        yield Finding(name, "fail", said, _OTHER_KEY if derived and advice == _NOT_LET_IN else advice)
        return None
    except AnimaError as error:
        yield Finding(name, "fail", error.detail)
        return None
    yield _answers(name, url, seen)
    return seen


def _explained(error: Exception, url: str) -> tuple[str, str]:
    """What the server or the network said, in a line without the password, and what to do."""
    parts = parse(url)
    first = str(error).strip().partition("\n")[0]
    said = first.rpartition("failed: ")[2].strip() or type(error).__name__
    if parts.password:
        said = said.replace(parts.password, "***")
    advice = next(
        (todo for words, todo in _SAID if re.search(words, str(error), re.IGNORECASE)), "see the server's log"
    )
    return f"{parts.where} does not answer {parts.user or 'anybody'}: {said[:200]}", advice


def _answers(name: str, url: str, seen: Look) -> Finding:
    how = "encrypted" if seen.encrypted else "not encrypted"
    where = "through a pooler" if is_pooled(url) else "directly"
    said = f"{seen.user} at {parse(url).where} {where}, {how}, PostgreSQL {seen.server_version}"
    if not seen.encrypted and not is_local(url):
        return Finding(name, "fail", said, "the password travels in clear: add sslmode=verify-full to the URL")
    if seen.seconds >= _ASLEEP_SECONDS:
        return Finding(
            name, "warn", f"{said}; it took {seen.seconds:.1f} s, as one does that slept", "ask again: it is awake now"
        )
    return Finding(name, "ok", said)


def _clock(seen: Look) -> Findings:
    said = f"{abs(seen.clock_ahead):.1f} s between this machine and the database"
    if abs(seen.clock_ahead) > _SKEW_SECONDS:
        yield Finding("clock", "warn", said, "set the clock by NTP: tokens and schedules go by it")
    else:
        yield Finding("clock", "ok", said)


def _extensions(seen: Look) -> Findings:
    missing = [name for name in bootstrap.EXTENSIONS if name not in seen.extensions]
    if missing:
        advice = "`anima db migrate`, or `create extension` as one who may"
        yield Finding("extensions", "fail", f"not there: {', '.join(missing)}", advice)
    else:
        there = ", ".join(f"{name} {seen.extensions[name]}" for name in bootstrap.EXTENSIONS)
        yield Finding("extensions", "ok", there)


def _migrations(url: str) -> Generator[Finding, None, int]:
    """Answers how many do not fit."""
    found = migrations.status(url, migration_files.sql_dir())
    wrong = {state: [one.stem for one in found if one.state == state] for state in ("pending", "edited", "missing")}
    if wrong["pending"]:
        yield Finding("schema", "fail", f"wait to be applied: {', '.join(wrong['pending'])}", "`anima db migrate`")
    if wrong["edited"]:
        yield Finding("schema", "fail", f"changed since applied: {', '.join(wrong['edited'])}", "bring the files back")
    if wrong["missing"]:
        said = f"the database is newer than this code: {', '.join(wrong['missing'])}"
        yield Finding("schema", "fail", said, "install the newer version")
    count = sum(map(len, wrong.values()))
    if not count:
        yield Finding("schema", "ok", f"all {len(found)} migrations are applied, the newest {found[-1].stem}")
    return count


def _drift(url: str) -> Findings:
    try:
        drift = schema.schema_drift(url, migration_files.sql_dir() / "schema.sql")
    except (SchemaNotDumped, PostgresNotInstalled):
        yield Finding(
            "schema", "warn", "cannot be compared: pg_dump is not here or too old", "pip install 'anima[local]'"
        )
        return
    if drift:
        advice = "`anima db check` shows how, and what to do"
        yield Finding("schema", "warn", "the live schema is not what the migrations make", advice)
    else:
        yield Finding("schema", "ok", "the live schema is what the migrations make")


def _key_is_there() -> bool:
    """Whether there is a master key; to ask for it would make one."""
    return settings().secret_key is not None or (settings().data_dir / "secret.key").exists()


def _logins() -> Findings:
    for login in _LOGINS:
        derived = getattr(settings(), f"{login}_database_url") is None
        if derived and not _key_is_there():
            said = "its password comes from the master key, which is not there"
            yield Finding(f"login {login}", "fail", said, "set SECRET_KEY, or bring the key file back")
            continue
        try:
            url = db.login_url(login)
        except AnimaError as error:
            yield Finding(f"login {login}", "fail", error.detail, f"set ANIMA_{login.upper()}_DATABASE_URL")
            continue
        seen = yield from _connected(f"login {login}", url, derived=derived)
        if seen is None:
            continue
        if seen.unbound:
            said = f"it may read everybody's rows: {seen.unbound}"
            yield Finding(f"login {login}", "fail", said, f"give it another role: the one of Anima is anima_{login}")
        if not seen.tables:
            yield Finding("tables", "fail", "there are none", "`anima db migrate` makes them")
        elif login == "app" and seen.unreadable == seen.tables:
            yield Finding(f"login {login}", "fail", "it may read no table", "`anima db migrate` grants it")
        elif login == "app":
            yield Finding("tables", "ok", f"{seen.tables}; {login} may read {seen.tables - seen.unreadable}")


def _replica() -> Findings:
    replica = settings().read_database_url
    if replica is not None:
        yield from _connected("read replica", replica.get_secret_value())

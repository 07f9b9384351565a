"""Prepares a database for the house: its logins, what PUBLIC loses, the extensions.

Not a migration, for roles belong to the server and outlive a database, and a branched database gets PUBLIC's
rights back. Everything is asked before it is changed: a second run writes nothing. The role that runs it owns
the database and may make roles; it need be no superuser.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any, LiteralString

import psycopg
from psycopg import sql

from anima.kernel.connections import dial
from anima.kernel.postgres.errors import (
    BootstrapRefused,
    DatabaseUnreachable,
    ExtensionUnavailable,
    LoginMayBypass,
    PooledConnection,
)
from anima.kernel.postgres.urls import is_pooled, parse, with_login

AUTH_ROLE = "anima_auth"
LOGINS = ("anima_app", "anima_worker", "anima_admin")
EXTENSIONS = ("vector", "pg_trgm", "citext")
Connection = psycopg.Connection[tuple[Any, ...]]

# One bootstrap of a database at a time; the number means nothing.
_LOCK = 7_316_004_289_120_551
_RACES = (psycopg.errors.UniqueViolation, psycopg.errors.DuplicateObject, psycopg.errors.InternalError_)


@dataclass(frozen=True, slots=True)
class LoginPasswords:
    """Passwords of the three logins; the caller derives them from the master key."""

    app: str
    worker: str
    admin: str

    def by_login(self) -> dict[str, str]:
        """The passwords by the names of the logins."""
        return dict(zip(LOGINS, (self.app, self.worker, self.admin), strict=True))

    def __repr__(self) -> str:
        """Without the passwords: they must not reach a log."""
        return "LoginPasswords(***)"


def ensure(owner_url: str, passwords: LoginPasswords | None) -> None:
    """Makes the database of `owner_url` ready for migrations and for the three logins.

    Without passwords the logins are left as they are; one that is missing is made and cannot log in yet.
    Idempotent, and safe to run at the same time for several databases of one server.
    Raises PooledConnection, DatabaseUnreachable, BootstrapRefused, ExtensionUnavailable, LoginMayBypass.
    """
    if is_pooled(owner_url):
        raise PooledConnection(host=parse(owner_url).host)
    # Roles are shared by all databases of the server, the lock is not: who loses a race looks again.
    for attempt in range(8):
        try:
            with _connected(owner_url) as connection:
                _ensure(connection, owner_url, passwords)
            return
        except _RACES as error:
            if attempt == 7:
                raise BootstrapRefused(role=parse(owner_url).user, reason=str(error).strip()) from error
            time.sleep(0.05 * (attempt + 1))
        except psycopg.errors.InsufficientPrivilege as error:
            raise BootstrapRefused(role=parse(owner_url).user, reason=_first_line(error)) from error


def check_login(url: str) -> None:
    """Refuses a login that row-level security does not bind.

    Raises LoginMayBypass, DatabaseUnreachable.
    """
    with _connected(url) as connection:
        check_connection(connection)


def check_connection(connection: Connection) -> None:
    """Like `check_login`, on a connection that is there: one round trip."""
    row = connection.execute(_WHY_UNBOUND).fetchone()
    if row is not None and row[1]:
        raise LoginMayBypass(login=row[0], reason=row[1])


# Attributes of a role are not inherited, but a member may become it with `set role`.
_WHY_UNBOUND: LiteralString = """
select current_user,
    case
    when exists (select from pg_roles where rolsuper and pg_has_role(current_user, oid, 'member'))
        then 'it is, or may become, a superuser'
    when exists (select from pg_roles where rolbypassrls and pg_has_role(current_user, oid, 'member'))
        then 'it has, or may take on, BYPASSRLS'
    when exists (select from pg_class where relrowsecurity and pg_has_role(current_user, relowner, 'member'))
        then 'it owns tables, or may become their owner'
    end
"""


def _connected(url: str) -> Connection:
    try:
        return dial(url)
    except psycopg.OperationalError as error:
        raise DatabaseUnreachable(where=parse(url).where, reason=_first_line(error)) from error


def _first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0]


def _ensure(connection: Connection, owner_url: str, passwords: LoginPasswords | None) -> None:
    connection.execute("select pg_advisory_lock(%s)", [_LOCK])
    # Extensions before default privileges: functions of theirs would lose EXECUTE with the rest.
    _ensure_extensions(connection)
    _ensure_roles(connection, passwords)
    _ensure_privileges(connection, list(LOGINS))
    _ensure_extension_functions(connection)
    _ensure_limits(connection)
    for login, password in passwords.by_login().items() if passwords else ():
        _ensure_password(connection, with_login(owner_url, login, password), login, password)


def _ensure_extensions(connection: Connection) -> None:
    there = {name for (name,) in connection.execute("select extname from pg_extension")}
    for name in EXTENSIONS:
        if name in there:
            continue
        try:
            connection.execute(sql.SQL("create extension if not exists {}").format(sql.Identifier(name)))
        except (psycopg.errors.InsufficientPrivilege, psycopg.errors.FeatureNotSupported) as error:
            raise _unavailable(connection, name, error) from error


def _unavailable(connection: Connection, name: str, error: psycopg.Error) -> ExtensionUnavailable:
    """Who has to do what: a server that lacks the files needs them first."""
    database, role = connection.info.dbname, connection.info.user
    missing = isinstance(error, psycopg.errors.FeatureNotSupported)
    first = f"The server lacks it: whoever runs the server installs {name} there; then a" if missing else "A"
    remedy = f"{first} superuser runs `create extension {name};` in {database}, and this is started again."
    return ExtensionUnavailable(name=name, database=database, role=role, reason=_first_line(error), remedy=remedy)


def _ensure_roles(connection: Connection, passwords: LoginPasswords | None) -> None:
    there = {name for (name,) in connection.execute("select rolname from pg_roles")}
    for login in LOGINS:
        if login not in there and passwords is None:
            _run(
                connection,
                "create role {} nologin noinherit nocreatedb nocreaterole nobypassrls",
                sql.Identifier(login),
            )
        elif login not in there and passwords is not None:
            password = passwords.by_login()[login]
            # In clear: hosted servers take no hash. The connection is encrypted there.
            statement = "create role {} login noinherit nocreatedb nocreaterole nobypassrls password {}"
            _run(connection, statement, sql.Identifier(login), sql.Literal(password))
    if AUTH_ROLE not in there:
        _run(connection, "create role {} nologin", sql.Identifier(AUTH_ROLE))
    owned = "select pg_has_role(%s, 'usage') and pg_has_role(%s, 'set')"
    if connection.execute(owned, [AUTH_ROLE, AUTH_ROLE]).fetchone() != (True,):
        # Who makes a role may administer it, no more (16 and later): to give it functions, and to change them
        # afterwards, the owner must be able to become it and have its rights.
        statement = "grant {} to current_user with inherit true, set true"
        _run(connection, statement, sql.Identifier(AUTH_ROLE))


def _run(connection: Connection, statement: LiteralString, *parts: sql.Composable) -> None:
    connection.execute(sql.SQL(statement).format(*parts))


# An open transaction keeps a serverless database awake and holds a pooler's connection; no transaction of ours waits
# for anything but the database. As settings of the roles, for a pooler passes on none of a session.
_LIMITS: dict[str, dict[str, str]] = {
    "anima_app": {"statement_timeout": "60s", "idle_in_transaction_session_timeout": "60s"},
    "anima_worker": {"statement_timeout": "10min", "idle_in_transaction_session_timeout": "60s"},
    "anima_admin": {"statement_timeout": "60s", "idle_in_transaction_session_timeout": "60s"},
}
_ROLE_SETTINGS: LiteralString = "select coalesce(rolconfig, '{}') from pg_roles where rolname = %s"


def _ensure_limits(connection: Connection) -> None:
    """Sets what is not set; what an administrator set otherwise stays."""
    for login, limits in _LIMITS.items():
        row = connection.execute(_ROLE_SETTINGS, [login]).fetchone()
        there = {setting.partition("=")[0] for setting in row[0]} if row else set()
        for name, value in limits.items():
            if name not in there:
                parts = (sql.Identifier(login), sql.Identifier(name), sql.Literal(value))
                _run(connection, "alter role {} set {} = {}", *parts)


# What is still to be done, as statements: empty on a database that is ready.
_MISSING_PRIVILEGES: LiteralString = """
with here as (
    select d.datname, d.datacl, d.datdba, n.nspacl, n.nspowner
    from pg_database d, pg_namespace n where d.datname = current_database() and n.nspname = 'public'
)
select format('revoke all on database %%I from public', datname) from here
where exists (select from aclexplode(coalesce(datacl, acldefault('d', datdba))) where grantee = 0)
union all
select 'revoke all on schema public from public' from here
where exists (select from aclexplode(coalesce(nspacl, acldefault('n', nspowner))) where grantee = 0)
union all
select format('grant connect on database %%I to %%I', datname, login)
from here, unnest(%(logins)s::text[]) login
where not has_database_privilege(login, datname, 'connect')
union all
select format('grant usage on schema public to %%I', role)
from unnest(%(logins)s::text[] || %(auth)s::text) role
where not has_schema_privilege(role, 'public', 'usage')
union all
select format('alter default privileges for role %%I revoke execute on functions from public', current_user)
where not exists (
    select from pg_default_acl
    where defaclrole = current_user::regrole and defaclnamespace = 0 and defaclobjtype = 'f'
        and not exists (select from aclexplode(defaclacl) where grantee = 0)
)
"""


def _ensure_privileges(connection: Connection, logins: list[str]) -> None:
    parameters = {"logins": logins, "auth": AUTH_ROLE}
    # Twice: PUBLIC's right hid that a login has none of its own, as long as it was there.
    for _ in range(2):
        for (statement,) in connection.execute(_MISSING_PRIVILEGES, parameters).fetchall():
            connection.execute(statement)
    left = connection.execute(_MISSING_PRIVILEGES, parameters).fetchall()
    if left:
        # A REVOKE by one who may not is a warning only.
        raise BootstrapRefused(role=connection.info.user, reason=f"it had no effect: {left[0][0]}")


_CLOSED_EXTENSION_FUNCTIONS: LiteralString = """
select p.oid::regprocedure::text
from pg_depend d join pg_extension e on e.oid = d.refobjid join pg_proc p on p.oid = d.objid
where d.classid = 'pg_proc'::regclass and d.refclassid = 'pg_extension'::regclass and d.deptype = 'e'
    and e.extname = any(%s) and not has_function_privilege(%s, p.oid, 'execute') and p.prokind in ('f', 'a')
"""


def _ensure_extension_functions(connection: Connection) -> None:
    """Gives EXECUTE back on functions of extensions made after the default privileges were changed."""
    closed = connection.execute(_CLOSED_EXTENSION_FUNCTIONS, [list(EXTENSIONS), "anima_app"]).fetchall()
    for (signature,) in closed:
        # A signature as Postgres itself writes it, quoted where it must be.
        _run(connection, "grant execute on routine {} to public", sql.SQL(signature))


def _ensure_password(connection: Connection, url: str, login: str, password: str) -> None:
    try:
        check_login(url)
        return
    except DatabaseUnreachable:
        statement = "alter role {} login password {}"
        _run(connection, statement, sql.Identifier(login), sql.Literal(password))
    check_login(url)

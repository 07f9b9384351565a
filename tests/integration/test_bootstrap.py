"""A database is made ready by an owner who is no superuser, again and again, and lets nobody in but our logins."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import psycopg
import pytest
from psycopg import sql

from anima.kernel import connections
from anima.kernel.postgres import bootstrap
from anima.kernel.postgres.bootstrap import LoginPasswords
from anima.kernel.postgres.ephemeral import ephemeral
from anima.kernel.postgres.errors import (
    BootstrapRefused,
    DatabaseUnreachable,
    ExtensionUnavailable,
    LoginMayBypass,
    PooledConnection,
)
from anima.kernel.postgres.launcher import Server
from anima.kernel.postgres.urls import parse, with_address, with_database, with_login

PASSWORDS = LoginPasswords(app="of the app", worker="of the worker", admin="of the admin")
LOGINS = list(PASSWORDS.by_login())


def run(url: str, *statements: str) -> list[tuple[object, ...]]:
    """Runs statements, each by itself; answers the rows of the last."""
    with psycopg.connect(url, autocommit=True) as connection:
        for statement in statements:
            cursor = connection.execute(sql.SQL(statement))
        return cursor.fetchall() if cursor.description else []


def as_login(owner_url: str, login: str) -> str:
    return with_login(owner_url, login, PASSWORDS.by_login()[login])


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """A server of its own: roles belong to all databases of one, also to those of other tests."""
    with ephemeral() as started:
        yield started


@pytest.fixture(scope="module")
def owner_url(server: Server) -> str:
    bootstrap.ensure(server.owner_url, PASSWORDS)
    return server.owner_url


@pytest.fixture
def copy(owner_url: str) -> Callable[[str], str]:
    """Copies the database, as a branch is made."""

    def copied(name: str) -> str:
        run(with_database(owner_url, "postgres"), f"create database {name} template anima")
        return with_database(owner_url, name)

    return copied


@pytest.fixture
def superuser(server: Server, owner_url: str) -> Callable[..., list[tuple[object, ...]]]:
    def ran(*statements: str) -> list[tuple[object, ...]]:
        return run(server.superuser_url("anima"), *statements)

    return ran


def test_several_at_once_on_a_new_server_all_succeed() -> None:
    with ephemeral() as new:
        other = with_database(new.owner_url, "other")
        run(with_database(new.owner_url, "postgres"), "create database other template anima")

        with ThreadPoolExecutor(6) as pool:
            list(pool.map(lambda url: bootstrap.ensure(url, PASSWORDS), [new.owner_url, other] * 3))

        assert run(as_login(other, "anima_worker"), "select current_user::text") == [("anima_worker",)]


def test_a_second_run_writes_nothing(owner_url: str, superuser: Callable) -> None:
    written = """
        select 'role', rolname::text, xmin::text from pg_authid
        union all select 'member', oid::text, xmin::text from pg_auth_members
        union all select 'database', datname, xmin::text from pg_database
        union all select 'schema', nspname, xmin::text from pg_namespace
        union all select 'default', oid::text, xmin::text from pg_default_acl
        union all select 'extension', extname, xmin::text from pg_extension
        order by 1, 2
    """
    before = superuser(written)

    bootstrap.ensure(owner_url, PASSWORDS)

    assert superuser(written) == before
    assert {name for kind, name, _ in before if kind == "role"} > {*LOGINS, "anima_auth"}


@pytest.mark.parametrize("login", LOGINS)
def test_a_login_gets_in_and_may_do_nothing_yet(owner_url: str, login: str) -> None:
    url = as_login(owner_url, login)

    assert run(url, "select '[1,2]'::vector <-> '[1,3]', similarity('olive', 'olives') > 0.5") == [(1.0, True)]
    for forbidden in (
        "create table t (i int)",
        "create temporary table t (i int)",
        "create schema s",
        "create role r",
        "set role anima_owner",
        "set role anima_auth",
        "set session authorization anima_owner",
    ):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            run(url, forbidden)


def test_public_has_nothing(owner_url: str, superuser: Callable) -> None:
    superuser("create role stranger login password 'pw'")
    stranger = with_login(owner_url, "stranger", "pw")

    with pytest.raises(psycopg.OperationalError, match="does not have CONNECT"):
        run(stranger, "select 1")
    superuser("grant connect on database anima to stranger")
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        run(stranger, "create temporary table t (i int)")
    with pytest.raises(psycopg.errors.UndefinedFunction):
        run(stranger, "select similarity('a', 'b')")

    superuser("revoke connect on database anima from stranger", "drop role stranger")


def test_functions_of_the_owner_are_closed_until_granted(owner_url: str) -> None:
    run(owner_url, "create or replace function answer() returns int language sql return 42")
    app = as_login(owner_url, "anima_app")

    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        run(app, "select answer()")
    run(owner_url, "grant execute on function answer() to anima_app")

    assert run(app, "select answer()") == [(42,)]


def test_the_app_cannot_pass_row_level_security(owner_url: str) -> None:
    run(
        owner_url,
        "create table diaries (owner_id bigint, entry text)",
        "alter table diaries enable row level security",
        """create policy tenant on diaries to anima_app
            using (owner_id = (select nullif(current_setting('anima.user_id', true), '')::bigint))""",
        "grant select on diaries to anima_app",
        "insert into diaries values (1, 'mine'), (2, 'yours')",
    )
    app = as_login(owner_url, "anima_app")

    assert run(app, "select entry from diaries") == []
    assert run(app, "set anima.user_id = '1'", "select entry from diaries") == [("mine",)]
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        run(app, "set anima.user_id = '1'", "set row_security = off", "select entry from diaries")


def test_the_owner_gives_functions_to_the_auth_role_and_changes_them_later(owner_url: str) -> None:
    make = "create or replace function find_key() returns text language sql security definer as $$select '{}'$$"
    run(
        owner_url,
        make.format("old"),
        "grant create on schema public to anima_auth",
        "alter function find_key() owner to anima_auth",
        "revoke create on schema public from anima_auth",
        "grant execute on function find_key() to anima_app",
        make.format("new"),
    )

    assert run(as_login(owner_url, "anima_app"), "select find_key()") == [("new",)]
    owner = "select proowner::regrole::text from pg_proc where proname = 'find_key'"
    assert run(owner_url, owner) == [("anima_auth",)]


def test_a_branch_is_closed_again(copy: Callable[[str], str], owner_url: str) -> None:
    branch = copy("branch")
    public_connects = """select exists (
        select from pg_database, aclexplode(coalesce(datacl, acldefault('d', datdba)))
        where datname = 'branch' and grantee = 0
    )"""
    assert run(branch, public_connects) == [(True,)]

    bootstrap.ensure(branch, PASSWORDS)

    assert run(branch, public_connects) == [(False,)]
    assert run(as_login(branch, "anima_admin"), "select 1") == [(1,)]


def test_new_passwords_replace_the_old_ones(owner_url: str) -> None:
    bootstrap.ensure(owner_url, replace(PASSWORDS, app="new"))

    assert run(with_login(owner_url, "anima_app", "new"), "select 1") == [(1,)]
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        run(as_login(owner_url, "anima_app"), "select 1")
    bootstrap.ensure(owner_url, PASSWORDS)
    assert run(as_login(owner_url, "anima_app"), "select 1") == [(1,)]


def test_a_superuser_may_own_the_database_too(server: Server, copy: Callable[[str], str], superuser: Callable) -> None:
    copy("hosted")
    superuser("alter database hosted owner to postgres")
    url = server.superuser_url("hosted")

    bootstrap.ensure(url, PASSWORDS)
    run(url, "drop extension citext")
    # Made after the default privileges were changed: its functions would be closed to everybody.
    bootstrap.ensure(url, PASSWORDS)

    assert run(as_login(url, "anima_app"), "select 'A'::citext = 'a'") == [(True,)]


def test_a_login_that_policies_do_not_bind_is_refused(server: Server, owner_url: str, superuser: Callable) -> None:
    for login in LOGINS:
        bootstrap.check_login(as_login(owner_url, login))
    run(owner_url, "create table if not exists guarded ()", "alter table guarded enable row level security")

    with pytest.raises(LoginMayBypass, match="owns tables"):
        bootstrap.check_login(owner_url)
    with pytest.raises(LoginMayBypass, match="superuser"):
        bootstrap.check_login(server.superuser_url("anima"))
    superuser("create role passing bypassrls", "grant passing to anima_worker")
    with pytest.raises(LoginMayBypass, match=r"login anima_worker .*BYPASSRLS"):
        bootstrap.check_login(as_login(owner_url, "anima_worker"))
    with pytest.raises(LoginMayBypass):
        bootstrap.ensure(owner_url, PASSWORDS)

    superuser("drop role passing")
    bootstrap.ensure(owner_url, PASSWORDS)


def test_what_the_owner_may_not_do_is_said(owner_url: str, superuser: Callable) -> None:
    run(with_database(owner_url, "postgres"), "create database bare template template0")
    told = "vector cannot be created by anima_owner in bare: .* A superuser runs `create extension vector;` in bare"
    with pytest.raises(ExtensionUnavailable, match=told):
        bootstrap.ensure(with_database(owner_url, "bare"), PASSWORDS)
    run(with_database(owner_url, "postgres"), "drop database bare")

    superuser("create role guest login password 'pw'", "grant connect on database anima to guest")
    with pytest.raises(BootstrapRefused, match="guest may not prepare"):
        bootstrap.ensure(with_login(owner_url, "guest", "pw"), PASSWORDS)
    superuser("revoke connect on database anima from guest", "drop role guest")


_OF_ROLE = "pg_roles, unnest(rolconfig) one"


def test_logins_have_limits_and_keep_those_that_an_administrator_set(owner_url: str) -> None:
    def limits(login: str) -> dict[str, str]:
        statement = f"select split_part(one, '=', 1), split_part(one, '=', 2) from {_OF_ROLE} where rolname = '{login}'"
        return {str(name): str(value) for name, value in run(owner_url, statement)}

    for login in LOGINS:
        assert set(limits(login)) >= {"statement_timeout", "idle_in_transaction_session_timeout"}
    run(owner_url, "alter role anima_app set statement_timeout = '5s'")
    bootstrap.ensure(owner_url, PASSWORDS)
    assert limits("anima_app")["statement_timeout"] == "5s"
    run(owner_url, "alter role anima_app reset statement_timeout")
    bootstrap.ensure(owner_url, PASSWORDS)
    assert limits("anima_app")["statement_timeout"] == "60s"


def test_an_address_that_will_not_do_is_said_without_the_password(
    owner_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "PATIENCE_SECONDS", 0.1)
    secret = parse(owner_url).password or ""

    with pytest.raises(DatabaseUnreachable) as unreachable:
        bootstrap.ensure(with_address(owner_url, "127.0.0.1", 1), PASSWORDS)
    with pytest.raises(PooledConnection, match="ep-1-pooler"):
        bootstrap.ensure(with_address(owner_url, "ep-1-pooler.neon.tech"), PASSWORDS)

    assert secret not in str(unreachable.value)
    assert "of the app" not in repr(PASSWORDS)


def test_logins_made_without_a_password_get_in_once_they_have_one() -> None:
    with ephemeral() as fresh:
        bootstrap.ensure(fresh.owner_url, None)
        bootstrap.ensure(fresh.owner_url, None)
        logins = "select rolname::text, rolcanlogin from pg_roles where rolname = any (array['{}', '{}', '{}'])"
        assert {can for _, can in run(fresh.owner_url, logins.format(*LOGINS))} == {False}

        bootstrap.ensure(fresh.owner_url, PASSWORDS)
        assert run(as_login(fresh.owner_url, "anima_app"), "select current_user::text") == [("anima_app",)]
        bootstrap.ensure(fresh.owner_url, None)
        assert run(as_login(fresh.owner_url, "anima_app"), "select current_user::text") == [("anima_app",)]

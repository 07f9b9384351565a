"""What the catalogue says of tenancy: policies on every table, and nobody who may pass them by."""

from __future__ import annotations

from typing import Any, LiteralString

import psycopg
import pytest

from tenancy import two_people

LOGINS = ["anima_app", "anima_worker", "anima_admin"]
UPKEEP = [
    "maintain_partitions",
    "maintain_expired",
    "maintain_activations",
    "expired_uploads",
    "owners_with_faded",
    "owners_with_stale_caches",
    "owners_with_slots",
    "owners_with_free_tensors",
]
"""Run with the rights of the owner, who makes and drops partitions; they heed nothing that a caller says."""
Connection = psycopg.Connection[Any]


def rows(connection: Connection, query: LiteralString, **params: Any) -> list[Any]:
    found = connection.execute(query, params).fetchall()
    return [row[0] if len(row) == 1 else row for row in found]


def test_every_table_of_somebody_has_policies_for_both_logins(owner_conn: Connection) -> None:
    tables = two_people.tenant_tables(owner_conn)
    assert len(tables) > 25
    bare = rows(
        owner_conn,
        "select relname from pg_class where not relrowsecurity and relname = any(%(tables)s)",
        tables=list(tables),
    )
    assert bare == []
    covered = rows(
        owner_conn,
        """
        select tablename, array_agg(distinct role order by role)
        from pg_policies, unnest(roles) role
        where role in ('anima_app', 'anima_worker') group by tablename
        """,
    )
    assert dict(covered).keys() >= tables.keys()
    assert {tuple(roles) for table, roles in covered if table in tables} == {("anima_app", "anima_worker")}


def test_no_policy_is_for_everybody(owner_conn: Connection) -> None:
    assert rows(owner_conn, "select tablename, policyname from pg_policies where 'public' = any(roles)") == []


def test_what_a_policy_lets_in_it_lets_out_only_to_its_tenant(owner_conn: Connection) -> None:
    """A policy of app and worker names the tenant, or what is nobody's; those for claiming hold while there is none."""
    loose = rows(
        owner_conn,
        """
        select tablename, policyname, qual, with_check from pg_policies
        where roles && array['anima_app', 'anima_worker']::name[]
            and coalesce(qual, '') !~ 'current_tenant|owner_id IS NULL'
        """,
    )
    assert loose == []


def test_no_login_passes_the_policies_by(owner_conn: Connection) -> None:
    strong = rows(
        owner_conn,
        """
        select l.rolname, r.rolname from pg_roles l, pg_roles r
        where l.rolname = any(%(logins)s) and pg_has_role(l.oid, r.oid, 'member')
            and (r.rolsuper or r.rolbypassrls or r.rolcreaterole or exists (
                select from pg_class c where c.relowner = r.oid and c.relnamespace = 'public'::regnamespace))
        """,
        logins=[*LOGINS, "anima_auth"],
    )
    assert strong == []
    assert rows(owner_conn, "select rolname from pg_roles where rolname = any(%(logins)s) order by 1", logins=LOGINS)


def test_partitions_are_reached_through_their_parents_only(owner_conn: Connection) -> None:
    open_ones = rows(
        owner_conn,
        """
        select c.relname, login from pg_class c, unnest(%(logins)s::text[]) login
        where c.relispartition and c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p')
            and has_any_column_privilege(login, c.oid, 'select, insert, update')
        """,
        logins=LOGINS,
    )
    assert open_ones == []


@pytest.mark.parametrize("right", ["truncate", "references", "trigger"])
def test_no_login_has_rights_that_look_at_no_policy(owner_conn: Connection, right: str) -> None:
    found = rows(
        owner_conn,
        """
        select c.relname, login from pg_class c, unnest(%(logins)s::text[]) login
        where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p')
            and has_table_privilege(login, c.oid, %(right)s)
        """,
        logins=LOGINS,
        right=right,
    )
    assert found == []


def test_a_table_without_policies_holds_nothing_of_anybody_and_is_not_written_by_users(
    owner_conn: Connection,
) -> None:
    written = rows(
        owner_conn,
        """
        select c.relname, login from pg_class c, unnest(array['anima_app', 'anima_worker']) login
        where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p')
            and not c.relrowsecurity and not c.relispartition
            and has_any_column_privilege(login, c.oid, 'insert, update')
        """,
    )
    assert written == []


def test_views_look_with_the_eyes_of_who_asks(owner_conn: Connection) -> None:
    blind = rows(
        owner_conn,
        """
        select relname from pg_class where relkind in ('v', 'm') and relnamespace = 'public'::regnamespace
            and not coalesce(reloptions @> array['security_invoker=true'], false)
        """,
    )
    assert blind == []


def test_functions_with_more_rights_than_their_caller_are_the_gates_and_fix_their_path(
    owner_conn: Connection,
) -> None:
    wrong = rows(
        owner_conn,
        """
        select p.proname, r.rolname from pg_proc p join pg_roles r on r.oid = p.proowner
        where p.prosecdef and p.pronamespace = 'public'::regnamespace
            and (r.rolname <> 'anima_auth' and p.proname <> all (%(upkeep)s) or not exists (
                select from unnest(p.proconfig) setting where setting like 'search_path=%%'))
        """,
        upkeep=UPKEEP,
    )
    assert wrong == []
    everybody = rows(
        owner_conn,
        """
        select p.proname from pg_proc p left join pg_depend d on d.objid = p.oid and d.deptype = 'e'
        where p.pronamespace = 'public'::regnamespace and d.objid is null
            and exists (select from aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) where grantee = 0)
        """,
    )
    assert everybody == []


def test_the_hashes_of_passwords_and_keys_are_read_by_no_login(owner_conn: Connection) -> None:
    readable = rows(
        owner_conn,
        """
        select login, place from unnest(%(logins)s::text[]) login,
            (values ('users', 'password_hash'), ('api_keys', 'key_secret'), ('refresh_tokens', 'token_hash'),
                ('sign_in_links', 'link_hash')) as hidden (relation, place)
        where has_column_privilege(login, relation, place, 'select')
        """,
        logins=LOGINS,
    )
    assert readable == []


def test_upkeep_takes_no_word_from_its_caller_who_is_the_worker(owner_conn: Connection) -> None:
    found = rows(
        owner_conn,
        """
        select p.proname, p.pronargs, array_agg(a.grantee::regrole::text order by 1) from pg_proc p
        cross join lateral aclexplode(p.proacl) a
        where p.proname = any (%(upkeep)s) and a.grantee <> p.proowner group by 1, 2 order by 1
        """,
        upkeep=UPKEEP,
    )
    assert found == [(name, 0, ["anima_worker"]) for name in sorted(UPKEEP)]

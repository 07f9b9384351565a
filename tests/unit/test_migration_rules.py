"""What a migration may hold, by its words: each rule refuses what it is for and lets through what is harmless."""

from __future__ import annotations

import pytest

from anima.kernel.postgres.migration_files import MigrationFile
from anima.kernel.postgres.migration_rules import findings


def pre(sql: str, version: int = 2) -> MigrationFile:
    return MigrationFile(version, "pre", "more", sql, None)


def post(sql: str, version: int = 3, down: str | None = None) -> MigrationFile:
    return MigrationFile(version, "post", "less", sql, down)


@pytest.mark.parametrize(
    ("rule", "sql"),
    [
        ("drop", "drop table if exists olives;"),
        ("drop", "drop function press(int);"),
        ("drop", "alter table olives\n    add oil text,\n    drop column stone;"),
        ("drop", "ALTER TABLE public.olives DROP stone"),
        ("truncate", "truncate olives;"),
        ("rename", "alter table olives rename to fruits;"),
        ("rename", "alter table olives rename column oil to juice;"),
        ("rename", "alter view pressed rename to squeezed;"),
        ("move", "alter table olives set schema attic;"),
        ("drop-default", "alter table olives alter oil drop default;"),
        ("set-not-null", "alter table olives alter column oil set not null;"),
        ("change-type", "alter table only olives alter oil type bigint;"),
        ("change-type", "alter table olives alter column oil set data type bigint;"),
        ("add-constraint", "alter table olives add constraint ripe check (age > 3) not valid;"),
        ("add-constraint", "alter table olives add unique (oil);"),
        ("unique-index", "create unique index olives_oil on olives (oil);"),
        ("row-security", "alter table olives enable row level security;"),
        ("revoke", "revoke select on olives from anima_app;"),
        ("drop-policy", "drop policy tenant on olives;"),
        ("add-not-null", "alter table olives add column age integer not null;"),
    ],
)
def test_a_pre_must_work_under_yesterdays_code(rule: str, sql: str) -> None:
    found = findings([pre(f"-- A change.\n\n{sql}")])

    assert [(one.rule, one.line, one.file) for one in found] == [(rule, 3, "0002_pre_more.sql")]
    assert findings([pre(f"-- allow {rule}: nobody reads it\n{sql}")]) == []


@pytest.mark.parametrize(
    "sql",
    [
        "create table olives (a int); alter table olives add unique (a); alter table olives enable row level security;",
        "create unique index fresh_a on fresh (a); create table fresh (a int);",
        "alter table olives add age integer not null default 0, add oil text;",
        "alter table olives add id bigint generated always as identity not null;",
        "alter table olives alter oil drop not null; alter table olives drop constraint ripe;",
        "drop policy tenant on olives; create policy tenant on olives for all to anima_app using (true);",
        "create index olives_oil on olives (oil); -- drop table olives;",
        "create function f() returns void language sql as $$ drop table olives; $$; select 'drop table olives;';",
        "revoke execute on function press(int) from public;",
        "alter table olives rename constraint a to b; alter table olives alter oil set default 'green';",
    ],
)
def test_what_yesterdays_code_does_not_notice_is_let_through(sql: str) -> None:
    assert findings([pre(sql)]) == []


def test_a_post_names_the_pre_that_it_follows() -> None:
    (missing,) = findings([pre("select 1"), post("drop table olives;")])
    assert (missing.rule, missing.file) == ("after", "0003_post_less.sql")

    assert findings([pre("select 1"), post("-- after: 0002_pre_more\ndrop table olives;")]) == []
    assert findings([pre("select 1"), post("-- alone: it was never read\ndrop table olives;")]) == []
    (unknown,) = findings([pre("select 1"), post("-- Less.\n-- after: 0009_pre_else\ndrop table olives;")])
    assert (unknown.line, unknown.message) == (2, "there is no earlier pre named 0009_pre_else")
    (later,) = findings([post("-- after: 0004_pre_more\nselect 1"), pre("select 1", version=4)])
    assert later.rule == "after"


@pytest.mark.parametrize(
    "sql",
    [
        "create table a (id uuid default uuidv7());",
        "create table a (b int, c int generated always as (b * (b + 1)));",
        "create table a (b int, c int generated always as (b) virtual);",
        "create table a (id int, at tstzrange, primary key (id, at without  overlaps));",
        "create table a (id int, at tstzrange, foreign key (id, period at) references b (id, period at));",
        "create table a (b int, constraint c check (b > 0) not enforced);",
        "create function f() returns int language sql as $$ update a set b = 1 returning old.b $$;",
        "create function f() returns int language sql as $$ update a set b = 1 returning with (old as o) o.b $$;",
        "create table a (b int); alter table a add constraint n not null b not valid;",
        "select array_sort(array[2, 1]), crc32('a'::bytea);",
    ],
)
def test_only_what_17_knows(sql: str) -> None:
    assert "only-18" in [one.rule for one in findings([pre(sql)])]
    assert "0003_post_less.down.sql" in [
        one.file for one in findings([post("-- alone: a test\nselect 1", down=sql)]) if one.rule == "only-18"
    ]


@pytest.mark.parametrize(
    "sql",
    [
        "create table a (b int, c int generated always as (b * (b + 1)) stored);",
        "create table a (id bigint generated always as identity primary key, period text, old text);",
        "create function f(new a) returns int language sql as $$ insert into a values (1) returning b $$;",
        "create trigger t after insert on a referencing new table as old for each statement execute function f();",
        "-- uuidv7() is of 18\nselect 'uuidv7()';",
    ],
)
def test_what_17_knows_too_is_let_through(sql: str) -> None:
    assert [one for one in findings([pre(sql)]) if one.rule == "only-18"] == []

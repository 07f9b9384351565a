"""A schema without what people wrote: the definitions, and the rows that the migrations themselves wrote."""

from __future__ import annotations

import os
import re
import tempfile
from pathlib import Path
from typing import Any, LiteralString

import psycopg
from psycopg import sql
from psycopg.types.json import Jsonb

from anima.kernel.postgres import clients
from anima.kernel.postgres.bootstrap import AUTH_ROLE
from anima.kernel.postgres.errors import SchemaNotDumped
from anima.kernel.postgres.urls import for_libpq

# Tables that migrations fill, and which of their rows are nobody's: a model of somebody's own server is private.
CATALOGUE: tuple[tuple[LiteralString, LiteralString], ...] = (
    ("schema_migrations", "true"),
    ("roles", "true"),
    ("llm_models", "endpoint_url is null"),
    ("plugins", "kind = 'builtin'"),
)


# Lines of a table of contents: number; object; kind, schema, name and owner.
_OURS_ALREADY = re.compile(
    r"^\d+; \d+ \d+ (EXTENSION|COMMENT - EXTENSION|DEFAULT ACL|SCHEMA - public|ACL - SCHEMA public) "
)
_OF_AUTH = re.compile(rf"^\d+; \d+ \d+ (FUNCTION|PROCEDURE) public (?P<signature>.+\)) {AUTH_ROLE}$")


def copy_schema(source_url: str, target_url: str) -> None:
    """Makes the empty, bootstrapped database of `target_url` have the schema of the other, and its catalogue.

    Raises SchemaNotDumped.
    """
    archive = clients.run("pg_dump", source_url, "--schema-only", "--format", "custom")
    if archive.returncode:
        raise SchemaNotDumped(reason=clients.said(archive.stderr))
    with tempfile.NamedTemporaryFile(prefix="anima-schema-") as file:
        file.write(archive.stdout)
        file.flush()
        done = load(target_url, Path(file.name))
    if done:
        raise SchemaNotDumped(reason=done)
    copy_catalogue(source_url, target_url)


def load(target_url: str, archive: Path, *options: str) -> str:
    """Loads an archive of pg_dump into a bootstrapped database; answers what went wrong, empty: nothing.

    Extensions are left out: they are there, and only a superuser may make all of them. So are default privileges,
    which name a role that another server has not: bootstrapping sets them.
    """
    listed = clients.listing(archive)
    if listed.returncode:
        return clients.said(listed.stderr) or "it cannot be read"
    entries = [line for line in listed.stdout.decode().splitlines() if not _OURS_ALREADY.search(line)]
    descriptor, contents = tempfile.mkstemp(prefix="anima-contents-")
    try:
        with os.fdopen(descriptor, "w") as file:
            file.write("\n".join(entries) + "\n")
        arguments = ["--exit-on-error", "--no-owner", "--use-list", contents, *options, str(archive)]
        done = clients.run("pg_restore", target_url, *arguments)
    finally:
        Path(contents).unlink()
    if done.returncode:
        return clients.said(done.stderr) or "it ended in the middle"
    _give_functions(target_url, [found["signature"] for line in entries if (found := _OF_AUTH.search(line))])
    return ""


def _give_functions(url: str, signatures: list[str]) -> None:
    """Gives the sign-in functions back to their role, as a person's name of an owner is left out of an archive."""
    if not signatures:
        return
    with psycopg.connect(for_libpq(url), connect_timeout=10) as connection:
        role = sql.Identifier(AUTH_ROLE)
        connection.execute(sql.SQL("grant create on schema public to {}").format(role))
        for signature in signatures:
            # As pg_dump writes it, quoted where it must be.
            connection.execute(sql.SQL("alter routine public.{} owner to {}").format(sql.SQL(signature), role))
        connection.execute(sql.SQL("revoke create on schema public from {}").format(role))


_EXISTS: LiteralString = "select to_regclass(%s) is not null"
_READ: LiteralString = "select coalesce(jsonb_agg(to_jsonb(t)), '[]') from {table} t where {nobodys}"
_WRITE: LiteralString = """
insert into {table} overriding system value
select * from jsonb_populate_recordset(null::{table}, %s) on conflict do nothing
"""
_IDENTITY: LiteralString = """
select a.attname, pg_get_serial_sequence(%(table)s, a.attname) from pg_attribute a
where a.attrelid = to_regclass(%(table)s) and a.attidentity <> ''
"""
_ADVANCE: LiteralString = "select setval(%s, greatest((select coalesce(max({column}), 0) from {table}), 1))"


def copy_catalogue(source_url: str, target_url: str) -> None:
    """Gives a database that has the schema the rows that migrations wrote; what is there already stays."""
    with (
        psycopg.connect(for_libpq(source_url), connect_timeout=10) as source,
        psycopg.connect(for_libpq(target_url), connect_timeout=10) as target,
    ):
        for table, nobodys in CATALOGUE:
            there = source.execute(_EXISTS, [table]).fetchone()
            if there and there[0]:
                _copy_rows(source, target, table, nobodys)


def _copy_rows(
    source: psycopg.Connection[Any], target: psycopg.Connection[Any], table: LiteralString, nobodys: LiteralString
) -> None:
    name = sql.Identifier(table)
    row = source.execute(sql.SQL(_READ).format(table=name, nobodys=sql.SQL(nobodys))).fetchone()
    rows = row[0] if row else []
    target.execute(sql.SQL(_WRITE).format(table=name), [Jsonb(rows)])
    for column, sequence in target.execute(_IDENTITY, {"table": table}).fetchall():
        target.execute(sql.SQL(_ADVANCE).format(column=sql.Identifier(column), table=name), [sequence])

"""docs/schema.md: the tables of each migration as an ER diagram, read from a database that was migrated."""

from __future__ import annotations

import re
from collections import defaultdict
from pathlib import Path
from typing import LiteralString, NamedTuple

import psycopg

from anima.kernel.postgres import bootstrap, migrations
from anima.kernel.postgres.ephemeral import ephemeral

_HEAD = """\
# Schema

One diagram for each migration that makes tables; a line is a foreign key. Every table that holds a tenant's data
names its owner (`owner_id`, or `user_id` where that is the same) and has row-level security: {protected} of {tables}
tables. `sql/schema.sql` is the whole as SQL. *Generated from the migrations by `make docs`.*
"""

_COLUMNS: LiteralString = """
    select c.relname, a.attname, format_type(a.atttypid, null),
        coalesce(bool_or(k.contype = 'p'), false), coalesce(bool_or(k.contype = 'f'), false)
    from pg_attribute a
    join pg_class c on c.oid = a.attrelid
    left join pg_constraint k on k.conrelid = c.oid and a.attnum = any (k.conkey) and k.contype in ('p', 'f')
    where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p') and not c.relispartition
        and a.attnum > 0 and not a.attisdropped
    group by c.relname, a.attname, a.attnum, a.atttypid
    order by c.relname, a.attnum
"""

_REFERENCES: LiteralString = """
    select distinct c.relname, p.relname,
        (select string_agg(a.attname, ', ' order by u.place)
         from unnest(k.conkey) with ordinality u (number, place)
         join pg_attribute a on a.attrelid = c.oid and a.attnum = u.number)
    from pg_constraint k
    join pg_class c on c.oid = k.conrelid
    join pg_class p on p.oid = k.confrelid
    where k.contype = 'f' and k.conparentid = 0 and c.relnamespace = 'public'::regnamespace and not c.relispartition
    order by 1, 2, 3
"""

_PROTECTED: LiteralString = """
    select count(*) filter (where relrowsecurity), count(*) from pg_class
    where relnamespace = 'public'::regnamespace and relkind in ('r', 'p') and not relispartition
"""


class Column(NamedTuple):
    """A column, and whether it is part of the primary key or of a foreign key."""

    name: str
    type: str
    primary: bool
    foreign: bool


def generated(sql_dir: Path) -> str:
    """The document, from all migrations applied to a server that is thrown away afterwards."""
    with ephemeral() as server:
        bootstrap.ensure(server.owner_url, bootstrap.LoginPasswords("app", "worker", "admin"))
        migrations.migrate(server.owner_url, sql_dir)
        with psycopg.connect(server.owner_url) as connection:
            return _document(connection, sql_dir)


def _document(connection: psycopg.Connection[tuple[object, ...]], sql_dir: Path) -> str:
    columns: dict[str, list[Column]] = defaultdict(list)
    for table, name, kind, primary, foreign in connection.execute(_COLUMNS).fetchall():
        columns[str(table)].append(Column(str(name), str(kind), bool(primary), bool(foreign)))
    lines: dict[str, list[str]] = defaultdict(list)
    for child, parent, keys in connection.execute(_REFERENCES).fetchall():
        lines[str(child)].append(f'    {parent} ||--o{{ {child} : "{keys}"')
    protected, tables = connection.execute(_PROTECTED).fetchall()[0]
    parts = [_HEAD.format(protected=protected, tables=tables)]
    parts += [_section(title, names, columns, lines) for title, names in _modules(sql_dir)]
    return "\n".join(parts)


def _modules(sql_dir: Path) -> list[tuple[str, list[str]]]:
    """Each migration's name with the tables that it makes."""
    found = []
    for path in sorted((sql_dir / "migrations").glob("*_pre_*.sql")):
        names = re.findall(r"^create table (\w+) \(", path.read_text(encoding="utf-8"), re.MULTILINE)
        if names and not path.name.endswith(".down.sql"):
            found.append((path.stem.split("_pre_")[1].replace("_", " ").capitalize(), names))
    return found


def _section(title: str, names: list[str], columns: dict[str, list[Column]], lines: dict[str, list[str]]) -> str:
    entities = [entity for name in names for entity in _entity(name, columns[name])]
    references = [line for name in names for line in lines[name]]
    return "\n".join([f"## {title}\n", "```mermaid", "erDiagram", *references, *entities, "```", ""])


def _entity(name: str, columns: list[Column]) -> list[str]:
    return [f"    {name} {{", *(f"        {_column(column)}" for column in columns), "    }"]


def _column(column: Column) -> str:
    kind = re.sub(r"\W+", "_", column.type).strip("_")
    marks = ", ".join(mark for mark, held in (("PK", column.primary), ("FK", column.foreign)) if held)
    return f"{kind} {column.name} {marks}".rstrip()

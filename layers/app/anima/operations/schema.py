"""The schema seen from outside: how two databases differ, which code is deployed, whether a trace goes through."""

from __future__ import annotations

import json
from typing import Any

import psycopg
from psycopg.rows import dict_row

from anima.kernel.errors import AnimaError
from anima.kernel.postgres import migration_files, migrations, schema
from anima.kernel.postgres.deployment import connected
from anima.kernel.postgres.errors import CodeUnknown


class SmokeFailed(AnimaError):
    """The trace did not go through {where}: {reason}."""

    slug = "smoke-failed"


def difference(url_a: str, url_b: str, names: tuple[str, str] = ("a", "b")) -> str:
    """How the schema of the second database differs from that of the first, as a diff; empty: not at all."""
    return schema.difference(url_a, url_b, names)


def deployed(base_url: str) -> int:
    """The newest migration that the code knows which answers at `base_url`. Raises CodeUnknown."""
    import httpx

    try:
        answer = httpx.get(f"{base_url.rstrip('/')}/healthz", timeout=30, follow_redirects=False)
        answer.raise_for_status()
        return int(answer.json()["schema_version"])
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise CodeUnknown(reason=f"{base_url} does not answer: {error}") from error
    except (ValueError, KeyError, TypeError) as error:
        raise CodeUnknown(reason=f"what answers at {base_url} does not say which migrations it knows") from error


def known_to_the_code(code: str | None, url: str, *, dry_run: bool) -> int | None:
    """The newest migration of the deployed code, which answers at `code`; nothing where its order does not matter.

    That is where `code` is `none`, for none is deployed, and where nothing is said of it: in a dry run, on a database
    without any migration, and while no post migration is pending. Raises CodeUnknown.
    """
    # A workflow whose variable is not set gives an empty one.
    if code:
        return None if code == "none" else deployed(code)
    rows = migrations.status(url, migration_files.sql_dir())
    pending = any(row.state == "pending" and row.stem.split("_")[1] == "post" for row in rows)
    if pending and not dry_run and any(row.state == "applied" for row in rows):
        raise CodeUnknown(reason="or none, where none is deployed")
    return None


def smoke(url: str) -> dict[str, Any]:
    """Loads the trace of `seed/seed_max.sql`, reads it back, keeps nothing; where it was loaded before, only reads.

    Answers what was read. Raises SmokeFailed, DatabaseUnreachable.
    """
    folder = migration_files.sql_dir() / "seed"
    load, read = ((folder / name).read_bytes() for name in ("seed_max.sql", "seed_max_read.sql"))
    expected: dict[str, Any] = json.loads((folder / "seed_max.json").read_text(encoding="utf-8"))
    with connected(url) as connection, connection.cursor(row_factory=dict_row) as cursor:
        where = f"{connection.info.host}/{connection.info.dbname}"
        try:
            with connection.transaction(force_rollback=True):
                connection.execute("set local search_path = public")
                if connection.execute("select from users where username = 'seed_max'").fetchone() is None:
                    connection.execute(load)
                rows = cursor.execute(read).fetchall()
        except psycopg.Error as error:
            raise SmokeFailed(where=where, reason=str(error).partition("\n")[0]) from error
    wrong = _wrong(rows, expected)
    if wrong:
        raise SmokeFailed(where=where, reason=wrong)
    return rows[0]


def _wrong(rows: list[dict[str, Any]], expected: dict[str, Any]) -> str:
    if len(rows) != 1:
        return f"it reads back as {len(rows)} rows"
    differing = [name for name in expected if rows[0].get(name) != expected[name]]
    return "; ".join(f"{name} is {rows[0].get(name)!r}, not {expected[name]!r}" for name in differing)

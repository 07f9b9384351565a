"""What a branch still reads is kept: its parent's database is told of it, and its collection leaves the packs there.

A branch has the rows of its parent as they were, and the same store of tensors. The note lies in the settings table of
the parent, with the database that it is meant for: in a copy it means nothing.
"""

from __future__ import annotations

from datetime import datetime

import psycopg

from anima.kernel import telemetry
from anima.kernel.postgres.urls import for_libpq
from anima.tensors.home_model import BRANCHES_KEY, HOME

_PATIENCE_SECONDS = 10

_TOLD = """
    with here as materialized (select h.home from ({home}) h)
    insert into settings (key, value)
    select %(key)s,
        jsonb_build_object('home', h.home, 'branches', jsonb_build_object(%(name)s::text, %(expires)s::text))
    from here h
    on conflict (key) do update set value = jsonb_build_object(
        'home', excluded.value -> 'home',
        'branches', case when settings.value -> 'home' = excluded.value -> 'home'
            then settings.value -> 'branches' else '{{}}' end || (excluded.value -> 'branches')
    )
"""
_FORGOTTEN = "update settings set value = value #- array['branches', %(name)s::text] where key = %(key)s"


def tell(parent_url: str, name: str, expires_at: datetime | None) -> None:
    """Tells a database (the owner's URL) that a branch of it will be there, until that time at the most."""
    given = {"key": BRANCHES_KEY, "name": name, "expires": None if expires_at is None else expires_at.isoformat()}
    _written(parent_url, _TOLD.format(home=HOME), given)


def forget(parent_url: str, name: str) -> None:
    """Tells it that the branch is gone: what only that one read goes with the next collection."""
    _written(parent_url, _FORGOTTEN, {"key": BRANCHES_KEY, "name": name})


def _written(url: str, statement: str, given: dict[str, str | None]) -> None:
    """A database without our tables has no tensors; one that cannot be reached is named in the log."""
    try:
        with psycopg.connect(for_libpq(url), connect_timeout=_PATIENCE_SECONDS, prepare_threshold=None) as connection:
            connection.execute(statement.encode(), given)
    except (psycopg.errors.UndefinedTable, psycopg.errors.InsufficientPrivilege):
        return
    except psycopg.Error as error:
        telemetry.error("branches.not_told", error, branch=str(given["name"]))

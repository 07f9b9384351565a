"""Every story of a turn, told again with a real PgBouncer in transaction mode between the house and its database."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from typing import Any

import pytest

from fixtures import pooler as poolers
from fixtures.pooler import Pooler

# The module of the turn has no fixtures of its own: its tests are all that is needed of it.
globals().update(
    {name: one for name, one in vars(importlib.import_module("integration.test_turn")).items() if name[:5] == "test_"}
)


@pytest.fixture(scope="module", autouse=True)
def few_connections(database: Any) -> Iterator[Pooler]:
    """The house speaks to its database through a pooler that has few connections."""
    if poolers.PROGRAM is None:
        pytest.skip("NO PGBOUNCER: `make system` installs it")
    with poolers.pooled(database.owner_url, size=3) as (pooler, _):
        yield pooler


def test_they_went_through_the_pooler(few_connections: Pooler) -> None:
    asked = {one["database"]: one["xact_count"] for one in few_connections.show("stats_totals")}
    assert sum(count for name, count in asked.items() if name != "pgbouncer") > 100

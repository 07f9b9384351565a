"""The daily upkeep finds what nobody said was free, and disturbs nobody else."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any
from uuid import uuid4

import numpy as np
import psycopg
import pytest

from anima.kernel import clock, delivery, outbox
from anima.operations.deliverer import workers
from anima.tensors import collect_repo, service, upkeep_service
from fixtures.tensors import DROP_MODEL, Keeper

Connection = psycopg.Connection[Any]
MIB = 1 << 20


def waiting(owner: Connection, keeper: Keeper) -> list[outbox.Event]:
    rows = owner.execute(
        "select event_id, topic, key, owner_id, payload from outbox "
        "where owner_id = %s and topic = 'tensors.collect' and delivered_at is null",
        [keeper.owner_id],
    )
    return [outbox.Event(*row, attempts=1) for row in rows.fetchall()]


def days_later(owner: Connection, keeper: Keeper, days: int) -> None:
    """Everything of theirs is older by some days, and what was emitted then has been delivered."""
    for table, column in (
        ("tensor_metadata", "created_at"),
        ("tensor_chunks", "created_at"),
        ("tensor_packs", "touched_at"),
    ):
        owner.execute(
            f"update {table} set {column} = {column} - make_interval(days => %s) where owner_id = %s",  # type: ignore[arg-type]
            [days, keeper.owner_id],
        )
    owner.execute("update outbox set delivered_at = now() where owner_id = %s", [keeper.owner_id])


def collected(owner: Connection, keeper: Keeper) -> None:
    """What waits is handed to its worker, when its time has come."""
    with clock.use(clock.SimulatedClock(clock.now() + timedelta(days=2))):
        for event in waiting(owner, keeper):
            workers()[event.topic](delivery.as_sqs(event), raising=True)


def gone_with_something_else(owner: Connection, keeper: Keeper) -> None:
    """A model that went by a foreign key: nobody said that its tensors are free."""
    keeper.save({"weight": np.arange(2 * MIB, dtype=np.uint8)})
    owner.execute(DROP_MODEL.sql, {"owner_id": keeper.owner_id, "model_id": keeper.models.pop()})


def left_by_somebody_who_was_killed(owner: Connection, keeper: Keeper) -> None:
    """A save that ended in the middle: a row, and a draft of its pack."""
    pack_id = uuid4()
    owner.execute(
        "insert into tensor_packs (pack_id, owner_id, created_at, touched_at) values (%s, %s, now(), now())",
        [pack_id, keeper.owner_id],
    )
    keeper.packs.writer(keeper.owner_id, pack_id).append(memoryview(bytes(MIB)))


@pytest.mark.parametrize("leave", [gone_with_something_else, left_by_somebody_who_was_killed])
def test_what_is_free_for_a_day_is_collected(leave: Any, keeper: Keeper, owner_conn: Connection) -> None:
    leave(owner_conn, keeper)
    days_later(owner_conn, keeper, 0)
    upkeep_service.collect_due()
    assert waiting(owner_conn, keeper) == [], "it may be somebody's who is at it"

    days_later(owner_conn, keeper, 2)
    assert upkeep_service.collect_due() >= 1
    assert len(waiting(owner_conn, keeper)) == 1
    collected(owner_conn, keeper)
    left = service.usage(keeper.principal)
    assert (left.tensors, left.chunks) == (0, 0)
    assert owner_conn.execute("select 1 from tensor_packs where owner_id = %s", [keeper.owner_id]).fetchall() == []


def test_who_needs_everything_is_left_alone(keeper: Keeper, owner_conn: Connection) -> None:
    saved = keeper.save({"weight": np.arange(2 * MIB, dtype=np.uint8), "bias": np.zeros(3)})
    days_later(owner_conn, keeper, 30)
    upkeep_service.collect_due()
    assert waiting(owner_conn, keeper) == []
    assert set(service.read(keeper.principal, list(saved.tensors.values()))) == {"weight", "bias"}


def test_it_looks_where_the_collection_looks(owner_conn: Connection) -> None:
    [(body,)] = owner_conn.execute("select pg_get_functiondef('owners_with_free_tensors'::regproc)").fetchall()
    named = r"from (\w+) r where r\.owner_id = t\.owner_id and r\.(\w+) = t\.tensor_id"
    assert set(re.findall(named, body)) == set(re.findall(named, collect_repo.CANDIDATES.sql))

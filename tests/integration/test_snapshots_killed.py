"""A process that is killed in the middle of a snapshot leaves nothing half: neither rows nor files that stay."""

from __future__ import annotations

import signal
import subprocess
import sys
import uuid
from pathlib import Path
from typing import Any

import psycopg
import pytest

from anima.kernel import ids, outbox
from anima.snapshots import worker
from fixtures.api import Person
from fixtures.killed import AGAIN, run, surroundings
from fixtures.life import Life
from tenancy import two_people

Connection = psycopg.Connection[Any]
pytestmark = pytest.mark.usefixtures("fast_embedder")

IMPORT = """
import os, signal, sys
from pathlib import Path
from anima.kernel import db
from anima.snapshots import snapshot_import_service, snapshot_merge_service

real, left = db.Transaction.{kind}, [int(sys.argv[3])]

def dying(self, statement, /, **params):
    left[0] -= 1
    if left[0] == 0:
        self._connection.pgconn.flush()
        os.kill(os.getpid(), signal.SIGKILL)
    return real(self, statement, **params)

db.Transaction.{kind} = dying
snapshot_import_service.take_in(db.Principal(int(sys.argv[1])), Path(sys.argv[2]))
"""


def taken_in(person: Person, path: Path, kind: str, dies_at: int) -> int:
    """How a process ended that took a snapshot in and died at its nth statement of a kind."""
    program = IMPORT.replace("{kind}", kind)
    given = [sys.executable, "-c", program, str(person.user_id), str(path), str(dies_at)]
    return subprocess.run(given, env=surroundings(), capture_output=True, check=False).returncode


def owned(owner: Connection, person: Person) -> dict[str, tuple[int, str]]:
    found = two_people.digests(owner, person.user_id)
    return {table: found[table] for table in found if table not in ("outbox", "uploads")}


@pytest.mark.parametrize(("kind", "dies_at"), [("fetch", 6), ("fetch", 12), ("execute", 4), ("execute", 8)])
def test_it_is_taken_in_whole_or_not_at_all(
    life: Life, bob: Person, owner_conn: Connection, tmp_path: Path, kind: str, dies_at: int
) -> None:
    life.tells("I live in Lyon. My sister Anna is a nurse. It was the best day of my life!")
    path = tmp_path / "snapshot"
    path.write_bytes(life.person.http.get(f"/api/v1/avatars/{life.avatar_id}/snapshot").content)
    before = owned(owner_conn, bob)
    assert taken_in(bob, path, kind, dies_at) == -signal.SIGKILL
    assert owned(owner_conn, bob) == before
    assert taken_in(bob, path, kind, 10_000) == 0
    again = bob.http.post("/api/v1/snapshots", content=path.read_bytes()).json()
    assert not again["created"]
    assert not any(one["added"] or one["changed"] for one in again["parts"].values())


def test_making_it_searchable_goes_on_where_it_ended(
    life: Life, bob: Person, owner_conn: Connection, tmp_path: Path
) -> None:
    for number in range(6):
        life.tells(f"I like boats of number {number}. It was the best day of my life!")
    data = life.person.http.get(f"/api/v1/avatars/{life.avatar_id}/snapshot").content
    avatar_id = bob.http.post("/api/v1/snapshots", content=data).json()["avatar_id"]
    payload = {"avatar_id": avatar_id}
    event = outbox.Event(ids.uuid7(), worker._SNAPSHOT, f"snapshot:{avatar_id}", bob.user_id, payload, 1)
    program = """
from anima.snapshots import snapshot_search_service, worker
snapshot_search_service._BATCH = 3
"""
    done = run(event, program + AGAIN, tmp_path, first=2, last=40)
    codes = [int(line) for line in done.stdout.split()]
    assert codes[-1] == 0, done.stderr
    assert -signal.SIGKILL in codes
    for table, where in (("user_facts", "embedding is null"), ("episodes", "embedding is null")):
        row = owner_conn.execute(
            f"select count(*) from {table} where user_id = %s and {where}", [bob.user_id]
        ).fetchone()  # type: ignore[call-overload]
        assert row == (0,)
    found = [
        owner_conn.execute(
            "select count(*), count(distinct e.message_id), (select count(*) from message_postings p"
            " where p.user_id = %s and p.term = '' and p.dl > 0) from message_embeddings e where e.user_id = %s",
            [who, who],
        ).fetchone()
        for who in (life.user_id, bob.user_id)
    ]
    assert found[0] == found[1]
    assert found[0] == (12, 12, 12)
    assert uuid.UUID(avatar_id)

"""Partitions are there before they are needed and gone when they are old; what has expired goes; once a day at most."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest

from anima.identity import service as identity
from anima.kernel import clock, db
from anima.kernel.errors import DatabaseUnavailable
from anima.kernel.postgres.schema import dump_schema
from anima.operations import maintenance, worker

Connection = psycopg.Connection[Any]
SERIES = {
    "llm_response_chunks": "created_at",
    "retrieval_logs": "retrieved_at",
    "training_metrics": "at",
    "inference_metrics": "at",
}
NOW = datetime.now(UTC)


def month(ahead: int) -> datetime:
    """The first moment of a month, so many from the present one."""
    n = NOW.year * 12 + NOW.month - 1 + ahead
    return datetime(n // 12, n % 12 + 1, 1, tzinfo=UTC)


def name(series: str, ahead: int) -> str:
    return f"{series}_y{month(ahead):%Y}m{month(ahead):%m}"


@pytest.fixture
def owner(fresh_database: Any, quick_passwords: None) -> Iterator[Connection]:
    """The owner of a database that the house uses, with one person in it."""
    with fresh_database.use(), psycopg.connect(fresh_database.owner_url, autocommit=True) as connection:
        assert identity.first_user("alice", ["admin"]) is not None
        yield connection


def logged(owner: Connection, *moments: datetime, mark: str = "x") -> None:
    """Searches that were logged then."""
    for moment in moments:
        owner.execute(
            """
            insert into retrieval_logs (owner_id, query_text, top_k, retrieved_at)
            select user_id, %s, 1, %s from users
            """,
            [mark, moment],
        )


def partitions(owner: Connection, series: str) -> list[str]:
    rows = owner.execute(
        "select c.relname from pg_inherits i join pg_class c on c.oid = inhrelid where inhparent = %s::regclass",
        [series],
    )
    return sorted(row[0] for row in rows)


def where(owner: Connection, mark: str = "x") -> list[str]:
    """In which partitions the searches lie, in the order of time."""
    rows = owner.execute(
        "select tableoid::regclass::text from retrieval_logs where query_text = %s order by retrieved_at", [mark]
    )
    return [row[0] for row in rows]


class TestPartitions:
    @pytest.mark.parametrize("series", SERIES)
    def test_those_of_this_month_and_two_more_are_there(self, owner: Connection, series: str) -> None:
        maintenance.run()
        ahead = [name(series, number) for number in (0, 1, 2)]
        assert partitions(owner, series) == sorted([f"{series}_default", *ahead])

    def test_a_second_run_changes_nothing(self, owner: Connection) -> None:
        assert maintenance.run()["steps"] == 3 * len(SERIES)
        assert maintenance.run()["steps"] == 0

    def test_rows_go_where_they_belong_and_are_found(self, owner: Connection) -> None:
        maintenance.run()
        logged(owner, NOW, month(1), month(2) + timedelta(days=27), month(3))
        ahead = [name("retrieval_logs", number) for number in (0, 1, 2)]
        assert where(owner) == [*ahead, "retrieval_logs_default"]

    def test_what_is_written_now_stays_until_the_month_is_over(self, owner: Connection) -> None:
        logged(owner, NOW)
        maintenance.run()
        assert where(owner) == ["retrieval_logs_default"]
        assert name("retrieval_logs", 0) not in partitions(owner, "retrieval_logs")
        assert name("retrieval_logs", 1) in partitions(owner, "retrieval_logs")

    def test_months_that_are_over_are_moved_out_of_the_default_partition(self, owner: Connection) -> None:
        moments = [month(-2) + timedelta(days=1), month(-2) + timedelta(days=2), month(-1), NOW]
        logged(owner, *moments)
        maintenance.run()
        two, one = name("retrieval_logs", -2), name("retrieval_logs", -1)
        assert where(owner) == [two, two, one, "retrieval_logs_default"]
        found = owner.execute("select retrieved_at from retrieval_logs order by 1").fetchall()
        assert [row[0] for row in found] == moments

    def test_rows_of_a_month_to_come_are_moved_too(self, owner: Connection) -> None:
        logged(owner, month(1) + timedelta(days=3))
        maintenance.run()
        assert where(owner) == [name("retrieval_logs", 1)]

    def test_what_is_old_is_dropped_with_its_partition_or_deleted_from_the_default_one(self, owner: Connection) -> None:
        logged(owner, month(-3), NOW, mark="kept")
        logged(owner, month(-9), month(-10), mark="old")
        old = name("retrieval_logs", -8)
        owner.execute(f"create table {old} (like retrieval_logs including all excluding identity)")  # type: ignore[arg-type]
        bounds = f"from ('{month(-8)}') to ('{month(-7)}')"
        owner.execute(f"alter table retrieval_logs attach partition {old} for values {bounds}")  # type: ignore[arg-type]
        logged(owner, month(-8), mark="old")
        assert len(where(owner, "old")) == 3
        maintenance.run()
        assert where(owner, "old") == []
        assert len(where(owner, "kept")) == 2
        assert old not in partitions(owner, "retrieval_logs")

    def test_a_table_with_such_a_name_that_is_no_partition_is_left_alone(self, owner: Connection) -> None:
        owner.execute("create table retrieval_logs_y2001m01 (n int)")
        maintenance.run()
        assert owner.execute("select count(*) from retrieval_logs_y2001m01").fetchone() == (0,)

    def test_the_schema_is_still_the_one_of_the_migrations(self, owner: Connection, fresh_database: Any) -> None:
        before = dump_schema(fresh_database.owner_url)
        maintenance.run()
        assert dump_schema(fresh_database.owner_url) == before

    def test_partitions_are_reached_through_their_parent_only_and_its_policies_hold(self, owner: Connection) -> None:
        maintenance.run()
        logged(owner, NOW)
        part = name("retrieval_logs", 0)
        granted = owner.execute(
            """
            select login from unnest(array['anima_app', 'anima_worker', 'anima_admin']) login
            where has_any_column_privilege(login, %s, 'select, insert, update')
            """,
            [part],
        ).fetchall()
        assert granted == []
        stranger = db.Principal(987_654)
        with db.transaction(stranger) as tx:
            found = tx._connection.execute("select 1 from retrieval_logs")
            rows = found.fetchall()
        assert rows == []

    def test_a_row_still_goes_with_its_owner(self, owner: Connection) -> None:
        maintenance.run()
        logged(owner, NOW)
        owner.execute("delete from users")
        assert where(owner) == []

    def test_one_that_is_in_use_is_waited_for_briefly_and_nothing_is_left_half_done(
        self, owner: Connection, fresh_database: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(maintenance, "_PAUSE_SECONDS", 0.0)
        monkeypatch.setattr(maintenance, "_TRIES", 1)
        with psycopg.connect(fresh_database.owner_url) as busy:
            busy.execute("lock table retrieval_logs_default in access exclusive mode")
            with pytest.raises(DatabaseUnavailable):
                maintenance.run()
        assert name("retrieval_logs", 0) not in partitions(owner, "retrieval_logs")
        strays = owner.execute("select to_regclass(%s)", [name("retrieval_logs", 0)]).fetchone()
        assert strays == (None,)
        maintenance.run()
        assert name("retrieval_logs", 0) in partitions(owner, "retrieval_logs")

    def test_a_turn_that_has_written_what_is_referred_to_is_not_caught_between(
        self, owner: Connection, fresh_database: Any
    ) -> None:
        """Both would wait for each other, and the server would end the turn."""
        owner.execute("alter function maintain_partitions() set lock_timeout = '10s'")
        waiting = "select count(*) from pg_locks where not granted and locktype = 'relation'"
        with ThreadPoolExecutor(1) as pool, psycopg.connect(fresh_database.owner_url) as turn:
            turn.execute("lock table llm_responses in row exclusive mode")
            step = pool.submit(maintenance._partition_step)
            while owner.execute(waiting).fetchone() != (1,) and not step.done():
                owner.execute("select pg_sleep(0.01)")
            turn.execute("lock table llm_response_chunks_default in row exclusive mode nowait")
            turn.rollback()
            assert step.result() == 1

    def test_less_than_a_deadlock_is_waited_for_it_gives_way(self, owner: Connection) -> None:
        settings = "select proconfig from pg_proc where proname = 'maintain_partitions'"
        row = owner.execute(settings).fetchone()
        assert row is not None
        assert "lock_timeout=250ms" in row[0]
        assert owner.execute("show deadlock_timeout").fetchone() == ("1s",)

    def test_the_worker_itself_may_make_and_drop_nothing(self, owner: Connection, fresh_database: Any) -> None:
        maintenance.run()
        with psycopg.connect(fresh_database.worker_url, autocommit=True) as login:
            for statement in (
                f"drop table {name('retrieval_logs', 0)}",
                "create table mine (n int)",
                "alter table retrieval_logs detach partition retrieval_logs_default",
            ):
                with pytest.raises(psycopg.errors.InsufficientPrivilege):
                    login.execute(statement)  # type: ignore[arg-type]
        with psycopg.connect(fresh_database.app_url, autocommit=True) as app:
            for function in ("maintain_partitions", "maintain_expired"):
                with pytest.raises(psycopg.errors.InsufficientPrivilege):
                    app.execute(f"select {function}()")  # type: ignore[arg-type]


class TestWhatHasExpired:
    def test_it_goes_and_what_has_not_stays(self, owner: Connection) -> None:
        for number, age in enumerate((-1, 0, 2, 30)):
            moment = NOW - timedelta(days=age)
            owner.execute(
                """
                insert into idempotency_keys (owner_id, key, fingerprint, expires_at)
                select user_id, %s, '', %s from users
                """,
                [f"key {age}", moment],
            )
            owner.execute(
                """
                insert into refresh_tokens (token_id, user_id, family_id, token_hash, expires_at)
                select gen_random_uuid(), user_id, gen_random_uuid(), %s, %s from users
                """,
                [bytes([number]), moment],
            )
        states: list[tuple[str, int | None, int | None]] = [
            ("waiting", None, None),
            ("just delivered", 1, None),
            ("delivered", 20, None),
            ("just dead", None, 20),
            ("dead", None, 100),
        ]
        for key, delivered, dead in states:
            owner.execute(
                """
                insert into outbox (event_id, topic, key, owner_id, payload, delivered_at, dead_at)
                select gen_random_uuid(), 't', %s, user_id, '{}', now() - make_interval(days => %s),
                    now() - make_interval(days => %s) from users
                """,
                [key, delivered, dead],
            )
        assert maintenance.run()["rows"] == 2 + 2 + 2
        left = {
            "key": "select key from idempotency_keys order by 1",
            "token": "select token_hash from refresh_tokens order by 1",
            "event": "select key from outbox order by 1",
        }
        found = {what: [row[0] for row in owner.execute(query)] for what, query in left.items()}  # type: ignore[arg-type]
        assert found == {
            "key": ["key -1", "key 0"],
            "token": [b"\x00", b"\x01"],
            "event": ["just dead", "just delivered", "waiting"],
        }


class TestWhen:
    @pytest.fixture
    def runs(self, owner: Connection, monkeypatch: pytest.MonkeyPatch) -> list[int]:
        counted: list[int] = []
        monkeypatch.setattr(maintenance, "run", lambda: counted.append(1))
        return counted

    def test_once_a_day_whoever_asks_and_however_often(self, owner: Connection, runs: list[int]) -> None:
        assert maintenance.run_if_due()
        for _ in range(5):
            assert not maintenance.run_if_due()
            worker.deliver({})
        assert len(runs) == 1
        owner.execute("update maintenance_runs set done_at = done_at - interval '1 day'")
        worker.deliver({})
        assert len(runs) == 2

    def test_one_that_was_killed_is_begun_again_later(
        self, owner: Connection, runs: list[int], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def fails() -> None:
            raise DatabaseUnavailable(retry_after=2)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(maintenance, "run", fails)
            assert not maintenance.run_if_due()
        assert not maintenance.run_if_due(), "somebody may still be at it"
        owner.execute("update maintenance_runs set begun_at = begun_at - interval '11 minutes'")
        assert maintenance.run_if_due()
        assert runs == [1]

    def test_at_home_the_database_is_asked_once_a_day(self, monkeypatch: pytest.MonkeyPatch) -> None:
        asked: list[int] = []
        monkeypatch.setattr(maintenance, "run_if_due", lambda: asked.append(1))
        with clock.use(clock.SimulatedClock(NOW)) as simulated:
            assert isinstance(simulated, clock.SimulatedClock)
            daily = maintenance.Daily()
            for _ in range(3):
                daily()
            assert len(asked) == 1
            simulated.advance(timedelta(hours=23))
            daily()
            assert len(asked) == 1
            simulated.advance(timedelta(hours=1))
            daily()
            assert len(asked) == 2

"""What nobody needs goes, and nothing else, whoever saves meanwhile."""

from __future__ import annotations

import re
import threading
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import psycopg
import pytest
from psycopg.types.json import Jsonb

from anima.kernel import clock, db, delivery, outbox
from anima.tensors import (
    collect_repo,
    compact_service,
    save_repo,
    save_service,
    service,
    worker,
    writing_service,
)
from anima.tensors.errors import StaleSave, TensorMissing
from anima.tensors.home_model import BRANCHES_KEY
from anima.tensors.model import Given, Saved, TensorRef
from fixtures.tensors import Keeper, Sound

MIB = 1 << 20
NOW = timedelta(0)


def noise(n: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal(n, np.float32)


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is large elsewhere is small here: packs begin with a kilobyte, and each chunk is a group."""
    monkeypatch.setattr(writing_service, "INLINE_BYTES", 1000)
    monkeypatch.setattr(save_service, "INLINE_BYTES", 1000)
    monkeypatch.setattr(save_service, "_GROUP_BYTES", 1)
    monkeypatch.setattr(compact_service, "_LEAST_BYTES", 0)


def test_what_nobody_refers_to_goes_and_the_rest_stays(keeper: Keeper, sound: Sound) -> None:
    shared, first, second = noise(MIB), noise(MIB, 1), noise(2 * MIB, 2)
    old = keeper.save({"shared": shared, "own": first})
    new = keeper.save({"shared": shared, "own": second})
    assert service.collect(keeper.principal, NOW).tensors == 0
    keeper.drop()
    gone = service.collect(keeper.principal, NOW)
    assert (gone.tensors, gone.chunks) == (1, 1)
    read = service.read(keeper.principal, list(new.tensors.values()))
    assert (read["shared"] == shared).all()
    assert (read["own"] == second).all()
    with pytest.raises(TensorMissing):
        service.read(keeper.principal, [old.tensors["own"]])
    sound(keeper)
    keeper.drop()
    service.collect(keeper.principal, NOW)
    assert keeper.files() == {}
    usage = service.usage(keeper.principal)
    assert (usage.tensors, usage.chunks, usage.packs) == (0, 0, 0)


def test_what_is_young_stays(keeper: Keeper) -> None:
    keeper.save({"x": noise(MIB)})
    keeper.drop()
    gone = service.collect(keeper.principal)
    assert (gone.tensors, gone.chunks, gone.packs) == (0, 0, 0)
    later = clock.now() + timedelta(hours=2)
    with clock.use(clock.SimulatedClock(later)):
        gone = service.collect(keeper.principal)
    assert (gone.tensors, gone.chunks, gone.packs, gone.bytes) == (1, 1, 1, 4 * MIB)


def test_a_chain_of_differences_goes_from_its_end(keeper: Keeper, sound: Sound) -> None:
    array = np.random.default_rng(0).integers(0, 1 << 30, 100_000, np.int32)
    refs: dict[str, TensorRef] | None = None
    for step in range(5):
        array = array.copy()
        array[step] += 1
        refs = keeper.save({"x": array}, "delta", refs).tensors
    for _ in range(4):
        keeper.drop()
    service.collect(keeper.principal, NOW)
    usage = service.usage(keeper.principal)
    assert (usage.tensors, usage.chunks) == (1, 5)  # the last difference needs all before it
    assert refs is not None
    assert (service.read(keeper.principal, [refs["x"]])["x"] == array).all()
    sound(keeper)
    keeper.drop()
    assert service.collect(keeper.principal, NOW).chunks == 5


def test_packs_that_are_mostly_dead_are_written_anew(keeper: Keeper, sound: Sound) -> None:
    kept, gone = noise(MIB), noise(3 * MIB, 1)
    keeper.save({"kept": kept, "gone": gone, **{str(n): noise(100, n) for n in range(20)}})
    again = keeper.save({"kept": kept})
    opened = service.open_mapped(keeper.principal, again.tensors["kept"])
    before = keeper.files()
    keeper.drop()
    collected = service.collect(keeper.principal, NOW)
    after = keeper.files()
    assert len(after) == 1
    assert before.keys().isdisjoint(after)
    assert sum(after.values()) < 1.1 * kept.nbytes
    assert collected.bytes == sum(before.values()) - sum(after.values())
    assert (service.read(keeper.principal, list(again.tensors.values()))["kept"] == kept).all()
    assert (opened == kept).all()  # whoever has a file open keeps it
    sound(keeper)
    assert service.collect(keeper.principal, NOW).packs == 0


def test_a_reader_that_looked_before_a_pack_was_written_anew(keeper: Keeper, monkeypatch: pytest.MonkeyPatch) -> None:
    kept = noise(MIB)
    keeper.save({"kept": kept, "gone": noise(3 * MIB, 1)})
    [ref] = keeper.save({"kept": kept}).tensors.values()
    keeper.drop()
    real, times = keeper.packs.read, [0]

    def read(*given: Any) -> None:
        times[0] += 1
        if times[0] == 1:
            service.collect(keeper.principal, NOW)
        real(*given)

    monkeypatch.setattr(keeper.packs, "read", read)
    assert (service.read(keeper.principal, [ref])["kept"] == kept).all()
    assert times[0] > 2


def test_a_pack_that_cannot_be_read_is_left_as_it_is(keeper: Keeper, packs_folder: Path) -> None:
    keeper.save({"kept": noise(MIB), "gone": noise(3 * MIB, 1)})
    keeper.save({"kept": noise(MIB)})
    keeper.drop()
    [path] = (packs_folder / str(keeper.owner_id)).glob("*.pack")
    path.rename(path.with_suffix(".away"))
    service.collect(keeper.principal, NOW)
    path.with_suffix(".away").rename(path)
    assert service.verify(keeper.principal) == []


def begun(keeper: Keeper) -> uuid.UUID:
    """A pack whose writer died."""
    with db.transaction(keeper.principal) as tx:
        place = writing_service.Writing(keeper.principal, keeper.owner_id, keeper.packs, own_tag(tx))
    place.put(writing_service.NewChunk(b"1" * 32, b"2" * 16, 2 * MIB, 2 * MIB, "raw"), bytes(2 * MIB))
    [pack_id] = set(keeper.files())
    return pack_id


def own_tag(tx: db.Transaction) -> int:
    from anima.tensors import save_repo

    return writing_service.pack_tag(tx.fetch(save_repo.HOME).one().home)


def test_what_a_dead_save_left_goes_after_the_grace(keeper: Keeper) -> None:
    pack_id = begun(keeper)
    service.collect(keeper.principal)
    assert set(keeper.files()) == {pack_id}
    with clock.use(clock.SimulatedClock(clock.now() + timedelta(hours=2))):
        assert service.collect(keeper.principal).packs == 1
    assert keeper.files() == {}


def test_files_without_a_row_go_and_those_of_another_database_stay(
    keeper: Keeper, owner_conn: psycopg.Connection[Any]
) -> None:
    """A branch has the rows of its trunk, and the same store: what it forgets, its trunk still needs."""
    mine = begun(keeper)
    owner_conn.execute("delete from tensor_packs where pack_id = %s", (mine,))
    theirs, forgotten = uuid.UUID(int=mine.int ^ 1), uuid.UUID(int=mine.int ^ 3)
    for pack_id in (theirs, forgotten):
        writer = keeper.packs.writer(keeper.owner_id, pack_id)
        writer.append(memoryview(b"theirs"))
        writer.seal()
    owner_conn.execute(
        "insert into tensor_packs values (%s, %s, 'sealed', 4096, now() - interval '1 day', now() - interval '1 day')",
        (theirs, keeper.owner_id),
    )
    with clock.use(clock.SimulatedClock(clock.now() + timedelta(hours=2))):
        assert service.collect(keeper.principal).packs == 1
    assert set(keeper.files()) == {theirs, forgotten}
    assert service.usage(keeper.principal).packs == 0


@pytest.mark.parametrize("branch", ["of this", "expired", "of another", "gone"])
def test_what_a_branch_still_reads_stays_until_it_is_gone(
    keeper: Keeper, owner_conn: psycopg.Connection[Any], branch: str
) -> None:
    keeper.save({"weights": noise(MIB)})
    keeper.drop()
    with db.transaction(keeper.principal) as tx:
        home = tx.fetch(save_repo.HOME).one().home
    until = (clock.now() - timedelta(hours=1)).isoformat() if branch == "expired" else None
    note = {
        "home": "another" if branch == "of another" else home,
        "branches": {} if branch == "gone" else {"reader": until},
    }
    with branched(owner_conn, note), clock.use(clock.SimulatedClock(clock.now() + timedelta(hours=2))):
        service.collect(keeper.principal)
        assert bool(keeper.files()) == (branch == "of this")
    with clock.use(clock.SimulatedClock(clock.now() + timedelta(hours=3))):
        service.collect(keeper.principal)
    assert keeper.files() == {}


@contextmanager
def branched(owner_conn: psycopg.Connection[Any], note: dict[str, Any]) -> Iterator[None]:
    """A database that was told of branches."""
    owner_conn.execute("insert into settings (key, value) values (%s, %s)", (BRANCHES_KEY, Jsonb(note)))
    try:
        yield
    finally:
        owner_conn.execute("delete from settings where key = %s", (BRANCHES_KEY,))


def saving_while(keeper: Keeper, first: dict[str, np.ndarray], act: Callable[[], None], **options: Any) -> Saved:
    """Saves some arrays, and does something before the last one of them is looked at."""

    def late() -> np.ndarray:
        act()
        return noise(500, 99)

    model_id = uuid.uuid4()

    def commit(tx: db.Transaction, saved: Saved) -> Saved:
        keeper.enter(tx, saved, model_id)
        return saved

    bases = options.pop("bases", {})
    given = [Given(name, "float32", array.shape, array, bases.get(name)) for name, array in first.items()]
    late_one = Given("late", "float32", (500,), late)
    return service.save(keeper.principal, [*given, late_one], commit, **options)


def test_what_a_save_found_and_was_collected_meanwhile_is_written_again(
    keeper: Keeper, small: None, sound: Sound
) -> None:
    arrays = {"a": noise(1000), "b": noise(1000, 1), "c": noise(1000, 2)}
    keeper.save(arrays)
    keeper.drop()
    collected = []
    saved = saving_while(keeper, arrays, lambda: collected.append(service.collect(keeper.principal, NOW)))
    assert collected[0].chunks == 3
    read = service.read(keeper.principal, list(saved.tensors.values()))
    assert all((read[name] == array).all() for name, array in arrays.items())
    sound(keeper)


def test_a_base_that_was_collected_meanwhile(keeper: Keeper, monkeypatch: pytest.MonkeyPatch, sound: Sound) -> None:
    monkeypatch.setattr(save_service, "_GROUP_BYTES", 1)
    base = {"a": noise(20_000), "b": noise(20_000, 1)}
    refs = keeper.save(base).tensors
    keeper.drop()
    changed = {name: array.copy() for name, array in base.items()}
    for array in changed.values():
        array[7] += 1
    saved = saving_while(
        keeper, changed, lambda: service.collect(keeper.principal, NOW), compression="delta", bases=refs
    )
    read = service.read(keeper.principal, list(saved.tensors.values()))
    assert all((read[name] == array).all() for name, array in changed.items())
    sound(keeper)


def test_a_save_that_was_taken_for_dead_is_refused_and_leaves_nothing(
    keeper: Keeper, small: None, sound: Sound
) -> None:
    arrays = {"a": noise(1000), "b": noise(1000, 1), "c": noise(1000, 2)}
    with pytest.raises(StaleSave):
        saving_while(keeper, arrays, lambda: service.collect(keeper.principal, NOW))
    assert keeper.files() == {}
    assert service.usage(keeper.principal).tensors == 0
    saved = saving_while(keeper, arrays, lambda: service.collect(keeper.principal))  # one that lives is left alone
    assert len(service.read(keeper.principal, list(saved.tensors.values()))) == 4
    sound(keeper)


def test_a_long_save_says_that_it_lives(keeper: Keeper, small: None, owner_conn: psycopg.Connection[Any]) -> None:
    story = clock.SimulatedClock(clock.now())
    arrays = {str(n): noise(1000, n) for n in range(6)}

    def wait() -> None:
        story.advance(timedelta(minutes=50))
        service.collect(keeper.principal)

    def slow(name: str, array: np.ndarray) -> Given:
        return Given(name, "float32", array.shape, lambda: (wait(), array)[1])

    with clock.use(story):
        saved = service.save(
            keeper.principal, [slow(name, array) for name, array in arrays.items()], lambda tx, saved: saved
        )
        assert len(service.read(keeper.principal, list(saved.tensors.values()))) == 6


def test_saves_and_collections_at_once(keeper: Keeper, small: None, sound: Sound) -> None:
    """Two that save much of the same, one that collects without any grace: nothing locks up, nothing is lost."""
    stop, failures = threading.Event(), []

    def save(seed: int) -> None:
        mine = Keeper(keeper.principal, keeper.owner_id, keeper.packs)
        for step in range(8):
            arrays = {str(n): noise(400, n + step // 2) for n in range(4)}
            with suppress(StaleSave):
                done = mine.save(arrays, "delta" if seed else "raw")
                assert service.read(mine.principal, list(done.tensors.values())).keys() == arrays.keys()
                if len(mine.models) > 2:
                    mine.drop()

    def collect() -> None:
        while not stop.is_set():
            service.collect(keeper.principal, NOW)

    def told(act: Callable[[], None]) -> None:
        try:
            act()
        except BaseException as error:
            failures.append(error)

    savers = [threading.Thread(target=told, args=(lambda seed=seed: save(seed),)) for seed in range(2)]
    collector = threading.Thread(target=told, args=(collect,))
    for thread in (*savers, collector):
        thread.start()
    for saver in savers:
        saver.join(60)
    stop.set()
    collector.join(60)
    assert failures == []
    sound(keeper)


def test_two_that_save_the_same_at_once(keeper: Keeper, small: None, sound: Sound) -> None:
    arrays = {str(n): noise(1000, n) for n in range(8)}
    together = threading.Barrier(2)
    saved: list[Saved] = []
    model_ids = [uuid.uuid4(), uuid.uuid4()]

    def save(model_id: uuid.UUID) -> None:
        def late() -> np.ndarray:
            together.wait(20)  # each has looked before the other is done
            return noise(1000, 50)

        given = [Given(name, "float32", array.shape, array) for name, array in arrays.items()]

        def commit(tx: db.Transaction, done: Saved) -> Saved:
            keeper.enter(tx, done, model_id)
            return done

        saved.append(service.save(keeper.principal, [*given, Given("late", "float32", (1000,), late)], commit))

    threads = [threading.Thread(target=save, args=(model_id,)) for model_id in model_ids]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert saved[0].tensors == saved[1].tensors
    assert service.usage(keeper.principal).chunks == 9
    assert len(keeper.files()) == 2
    sound(keeper)
    service.collect(keeper.principal, NOW)
    assert len(keeper.files()) == 1
    sound(keeper)


def test_who_refers_to_what_is_there_holds_it(keeper: Keeper) -> None:
    [ref] = keeper.save({"x": noise(10)}).tensors.values()
    keeper.drop()
    with db.transaction(keeper.principal) as tx:
        held = service.hold(tx, keeper.owner_id, [ref.tensor_id])
        done = threading.Thread(target=service.collect, args=(keeper.principal, NOW))
        done.start()
        done.join(0.2)
        assert done.is_alive()
        keeper.enter(tx, Saved({"x": held[0]}, 0, 0), uuid.uuid4())
    done.join(20)
    assert (service.read(keeper.principal, [ref])["x"] == noise(10)).all()


def test_a_deadlock_is_tried_again(keeper: Keeper, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []

    def commit(tx: db.Transaction, saved: Saved) -> Saved:
        calls.append(1)
        if len(calls) == 1:
            raise psycopg.errors.DeadlockDetected
        return saved

    monkeypatch.setattr(psycopg.errors.DeadlockDetected, "sqlstate", "40P01")
    service.save(keeper.principal, [Given("x", "uint8", (3,), b"123")], commit)
    assert len(calls) == 2


def events(keeper: Keeper, connection: psycopg.Connection[Any]) -> list[outbox.Event]:
    rows = connection.execute(
        "select event_id, topic, key, owner_id, payload from outbox where owner_id = %s and delivered_at is null",
        (keeper.owner_id,),
    )
    return [outbox.Event(*row, attempts=1) for row in rows.fetchall()]


def test_what_is_released_is_collected_by_an_event(keeper: Keeper, owner_conn: psycopg.Connection[Any]) -> None:
    keeper.save({"x": noise(MIB)})
    keeper.drop()
    [event] = events(keeper, owner_conn)  # the save's and the one of what was dropped are one
    assert event.topic == writing_service.TOPIC
    worker.handle(delivery.as_sqs(event), raising=True)
    assert service.usage(keeper.principal).tensors == 1
    with clock.use(clock.SimulatedClock(clock.now() + timedelta(hours=2))):
        worker.handle(delivery.as_sqs(event), raising=True)
        worker.handle(delivery.as_sqs(event), raising=True)
    assert service.usage(keeper.principal).tensors == 0
    assert keeper.files() == {}


def test_everything_that_refers_to_tensors_keeps_them(owner_conn: psycopg.Connection[Any]) -> None:
    """A table that comes to refer to tensors must be named by the collection."""
    rows = owner_conn.execute(
        """
        select c.conrelid::regclass::text, a.attname from pg_constraint c
        cross join lateral unnest(c.conkey) as k join pg_attribute a on a.attrelid = c.conrelid and a.attnum = k
        where c.confrelid = 'tensor_metadata'::regclass and c.contype = 'f' and a.attname <> 'owner_id'
            and c.conrelid <> 'tensor_data'::regclass
        """
    )
    referring = set(rows.fetchall())
    assert len(referring) >= 9
    for query in (collect_repo.CANDIDATES, collect_repo.FREE_TENSORS):
        named = set(re.findall(r"from (\w+) r where r\.owner_id = t\.owner_id and r\.(\w+) = t\.tensor_id", query.sql))
        assert named == referring

"""Forgetting and sleep: what it costs to delete a hundredth of a million episodes, and how long an avatar sleeps.

A thousand owners have a thousand episodes each; a hundredth of them is due. Ours is the day's work as it is done: whose
is due is asked once, then each of them is a transaction of its own under row-level security. The peer is what systems
do that keep a strength in each row: it is computed anew for all of them, and the weak are deleted. The other only
computes it while it looks for the weak, and writes none. All three begin from the same rows, and commit.
"""

import math
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import psycopg
from scripts.venvs import ROOT
from tests.bench import place
from tests.bench.frame import Bench

from anima.kernel import clock, db
from anima.memory import forgetting_repo, forgetting_service, sleep_service
from anima.memory.sleep_model import replayed
from anima.vendors import assets
from anima.vendors.embeddings import embedder

ROWS = int(os.environ.get("FORGETTING_ROWS", "1000000"))
OWNERS = max(1, ROWS // 1000)
DUE_EVERY = 100
DAY = timedelta(days=1)

_OWNERS = """
with u as (
    insert into users (username, password_hash)
    select 'owner-' || n, '-' from generate_series(1, %(owners)s) n returning user_id
)
insert into avatars (avatar_id, owner_id, name, personality_name, personality)
select gen_random_uuid(), user_id, 'luna', 'luna', '{}' from u
"""
# What is due has the same strength by the formula: nothing was recalled, and all are of importance 5.
_EPISODES = """
insert into episodes (id, user_id, avatar_id, type, title, summary, importance, "timestamp", forget_at)
select gen_random_uuid(), a.owner_id, a.avatar_id, 'moment', 'I won a race', 'I won a race in the rain by the sea', 5,
    %(now)s - made.age, %(now)s - made.age + %(life)s
from avatars a, generate_series(1, %(each)s) n,
    lateral (
        select case when n %% %(every)s = 0 then %(life)s + interval '2 days' else (n %% 20) * interval '1 day' end
    ) made (age)
where a.name = 'luna'
"""
_STRENGTH = """
exp(-0.1 * greatest(extract(epoch from %(now)s::timestamptz - coalesce(last_recalled, "timestamp")) / 86400, 0)
    / (1 + 0.05 * importance + 0.2 * ln(times_recalled + 1)))
"""


def run(bench: Bench) -> None:
    """Both."""
    sys.path.insert(0, str(ROOT / "tests"))
    assets.ensure_embedder(assets.Lines())
    with place.opened() as here, psycopg.connect(here.owner_url, autocommit=True) as owner:
        sleep(bench, owner)
        forgetting(bench, owner)


def forgetting(bench: Bench, owner: psycopg.Connection) -> None:
    """The three ways, in turn."""
    now = datetime.now(UTC)
    life = timedelta(days=math.log(10) * 1.25 / 0.1)
    given = {"now": now, "life": life, "owners": OWNERS, "each": ROWS // OWNERS, "every": DUE_EVERY}
    owner.execute(_OWNERS, given)
    owner.execute(_EPISODES, given)
    owner.execute("vacuum analyze episodes")
    due = owner.execute("create table kept as select * from episodes where forget_at <= %(now)s", given).rowcount

    def ours() -> float:
        owner.execute(
            "insert into sleeps (owner_id, avatar_id, seen_at) select owner_id, avatar_id, %s from avatars"
            " on conflict (owner_id, avatar_id) do update set seen_at = excluded.seen_at, believed_at = null",
            [now - DAY],
        )
        dropped, begun = 0, time.perf_counter()
        with clock.use(clock.SimulatedClock(now)):
            while gone := forgetting_service.forget_due():
                dropped += gone
        return _checked(time.perf_counter() - begun, dropped)

    def every_row() -> float:
        begun = time.perf_counter()
        owner.execute(f"update episodes set temporal_decay = {_STRENGTH} where not pinned", given)
        gone = owner.execute("delete from episodes where not pinned and temporal_decay <= 0.1001").rowcount
        return _checked(time.perf_counter() - begun, gone)

    def scan() -> float:
        begun = time.perf_counter()
        gone = owner.execute(f"delete from episodes where not pinned and {_STRENGTH} <= 0.1001", given).rowcount
        return _checked(time.perf_counter() - begun, gone)

    def _checked(seconds: float, gone: int) -> float:
        assert gone == due, f"{gone} of {due} went"
        owner.execute("insert into episodes select * from kept")
        owner.execute("vacuum episodes")
        return seconds

    sides = bench.alternate(ours=ours, every_row=every_row, scan=scan)
    figure = "forget_1_percent_of_a_million" if ROWS == 1_000_000 else f"forget_1_percent_of_{ROWS}"
    bench.figure(figure, sides["ours"], "s", peer="strength updated in every row", peer_value=sides["every_row"])
    bench.figure(f"{figure}_", sides["ours"], "s", peer="a scan that computes it", peer_value=sides["scan"])
    bench.figure("after_a_turn_with_nothing_due", _nothing_due(owner), "ms")
    bench.note(f"{due} episodes of {OWNERS} owners were due; ours is {OWNERS} transactions under row-level security.")


def _nothing_due(owner: psycopg.Connection) -> float:
    """Milliseconds of the statement as each reflection sends it, in a transaction of its own; the median."""
    row = owner.execute("select owner_id from avatars where name = 'luna' order by owner_id desc limit 1").fetchone()
    assert row is not None
    who, at = db.Principal(int(row[0]), login="worker"), datetime.now(UTC) - 300 * DAY
    took = []
    for _ in range(200):
        begun = time.perf_counter()
        with db.transaction(who) as tx:
            forgetting_repo.drop_faded(tx, int(row[0]), at)
        took.append(1000 * (time.perf_counter() - begun))
    return sorted(took)[100]


def sleep(bench: Bench, owner: psycopg.Connection) -> None:
    """An avatar with a thousand episodes, a third of which say what another says, by how much it replays."""
    principal = place.person()
    who = db.Principal(principal.user_id, login="worker")
    row = owner.execute("select avatar_id from avatars where owner_id = %s", [principal.user_id]).fetchone()
    assert row is not None
    avatar_id = row[0]
    lived = _told()
    model = embedder()
    vectors = [db.vector_text(vector.tolist()) for vector in model.embed(lived)]
    for level in (0.0, 0.5, 1.0):
        took = []
        for _ in range(5):
            with _dreams(owner, principal.user_id, avatar_id, lived, vectors, model.name):
                begun = time.perf_counter()
                slept = sleep_service.sleep(who, avatar_id, acetylcholine=level, seconds=120)
                took.append(time.perf_counter() - begun)
                assert slept.reason is None
        gone = slept.steps["fold"]["episodes"] + slept.steps["merge"]["episodes"] - slept.steps["merge"]["into"]
        bench.figure(f"sleep_of_{replayed(level)}_replayed", sorted(took)[2], "s")
        bench.note(f"Of {len(lived)} episodes a sleep at acetylcholine {level:g} made {gone} fewer.")


def _told() -> list[str]:
    """A thousand episodes: the newest say again what some before them said, or nearly."""
    things = ("race", "prize", "ticket", "contract", "match", "bet", "medal", "vote", "grant", "case")
    places = ("Lyon", "Oslo", "Porto", "Graz", "Turin", "Brest", "Ghent", "Kiel", "Nice", "Lund")
    ends = ("", " at last", " today", " and I am happy")
    return [
        f"I won the {things[n % 10]} in {places[n // 10 % 10]}{ends[n // 3 % 4]}"
        if n % 3
        else f"We moved the boat number {n} from {places[n % 10]} to {places[n // 7 % 10]} in the rain"
        for n in range(1000)
    ]


@contextmanager
def _dreams(
    owner: psycopg.Connection, user_id: int | None, avatar_id: object, lived: list[str], vectors: list[str], model: str
) -> Iterator[None]:
    owner.execute("delete from episodes where user_id = %s", [user_id])
    with owner.cursor() as cursor:
        cursor.executemany(
            """
            insert into episodes (id, user_id, avatar_id, type, title, summary, importance, "timestamp", forget_at,
                embedding, embedding_model)
            values (gen_random_uuid(), %s, %s, 'milestone', %s, %s, 6, now() - %s * interval '40 minutes',
                now() + interval '20 days', %s::vector, %s)
            """,
            [
                (user_id, avatar_id, text, text, place, vector, model)
                for place, (text, vector) in enumerate(zip(lived, vectors, strict=True))
            ],
        )
    yield

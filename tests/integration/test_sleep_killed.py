"""A worker that is killed at any moment of a sleep, between steps and within them: nothing is lost or done twice."""

from __future__ import annotations

import signal
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from anima.kernel import delivery, outbox
from fixtures.killed import AGAIN, ONCE, run
from fixtures.night import Night

pytestmark = pytest.mark.usefixtures("fast_embedder")
Drain = Callable[[], list[outbox.Event]]
ALIKE = tuple(f"I got the job at the old harbour office in Lyon with Anna {when}" for when in ("today", "now", "again"))

WORKER = """
from datetime import timedelta
from anima.chat import worker
from anima.kernel.config import Settings
from anima.memory import sleep_repo, sleep_service

Settings.model_config["env_file"] = None
sleep_repo.LEASE = timedelta(0)  # who comes after a dead one need not wait
sleep_service._MOST_RESUMES = 99
"""


@pytest.fixture
def asked(night: Night) -> outbox.Event:
    """Somebody with something for each step asked for a sleep; its event."""
    for place, text in enumerate(ALIKE):
        night.lived(text, days=9 - place, importance=5 + place)
    for day in (3, 4):
        night.lived("I lost my cat in the forest", days=day, kind="loss")
    at = datetime.now(UTC)
    for day, text in enumerate(("I went climbing with Ana", "I've been climbing again", "I went climbing alone")):
        night.said(text, at - timedelta(days=9 - 2 * day), indexed=True)
    answer = night.person.http.post(f"/api/v1/avatars/{night.avatar_id}/sleep")
    assert answer.status_code == 202
    event = delivery.claim()
    assert event is not None
    return event


def all_is_done_once(night: Night) -> None:
    left = sorted(night.episodes().values(), key=lambda each: each["title"])
    (merged,) = [each for each in left if each["origin"] == "consolidated"]
    assert merged["summary"] == ". ".join(ALIKE)
    (cat,) = [each for each in left if each["title"].startswith("I lost")]
    assert (len(left), len(cat["context_messages"]), len(merged["context_messages"])) == (2, 4, 6)
    facts = night.person.http.get(f"/api/v1/avatars/{night.avatar_id}/facts").json()["items"]
    assert [(fact["key"], fact["mention_count"]) for fact in facts] == [("sport:climbing", 3)]
    stands = night.stands()
    assert (stands["state"], stands["reason"], stands["holder"]) == ("awake", None, None)
    assert set(stands["steps"]) == {"forget", "fold", "merge", "promote", "refresh"}


@pytest.mark.parametrize(
    "at",
    [
        "anima.memory.consolidation_service.fold",  # between steps
        "anima.memory.replay_repo._replace",  # the one is written, the others are not gone yet
        "anima.memory.remember_service.tell",
        "anima.memory.sleep_repo.note",  # the step is done, and not noted
        "anima.memory.sleep_repo.end",
    ],
)
def test_who_comes_after_a_killed_one_does_the_rest(asked: outbox.Event, night: Night, at: str) -> None:
    assert run(asked, WORKER + ONCE, at=at, calls=1).returncode == -signal.SIGKILL
    assert night.stands()["state"] == "asleep"
    done = run(asked, f"{WORKER}work()")
    assert done.returncode == 0, done.stderr
    all_is_done_once(night)


def test_one_killed_after_another_at_each_transaction(asked: outbox.Event, night: Night) -> None:
    done = run(asked, WORKER + AGAIN, first=1, last=80)
    codes = [int(code) for code in done.stdout.split()]
    assert codes[-1] == 0, done.stderr
    assert set(codes[:-1]) == {-signal.SIGKILL}
    assert len(codes) > 5
    all_is_done_once(night)
    assert run(asked, f"{WORKER}work()").returncode == 0
    all_is_done_once(night)

"""A worker that is killed at any moment of a sleep, between steps and within them: nothing is lost or done twice."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from anima.kernel import config, delivery, outbox
from fixtures.night import Night

pytestmark = pytest.mark.usefixtures("fast_embedder")
Drain = Callable[[], list[outbox.Event]]
ALIKE = tuple(f"I got the job at the old harbour office in Lyon with Anna {when}" for when in ("today", "now", "again"))

# Kills itself at the nth call of one function of the house; what it does before is what a worker does.
WORKER = """
import importlib, json, os, signal, sys
sys.path.insert(0, {tests!r})
from datetime import timedelta
from fixtures.models import HashingEmbedder
from anima.chat import worker
from anima.kernel.config import Settings
from anima.memory import sleep_repo, sleep_service
from anima.vendors import embeddings

Settings.model_config["env_file"] = None
sleep_repo.LEASE = timedelta(0)  # who comes after a dead one need not wait
sleep_service._MOST_RESUMES = 99

def die_at(at, calls):
    module, _, name = at.rpartition(".")
    owner, left = importlib.import_module(module), [calls]
    real = getattr(owner, name)

    def dying(*args, **kwargs):
        left[0] -= 1
        if left[0] == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return real(*args, **kwargs)

    setattr(owner, name, dying)

def work():
    with embeddings.use(HashingEmbedder()):
        worker.handle(json.loads(sys.argv[1]), raising=True)
"""
ONCE = """
die_at({at!r}, 1)
work()
"""
# One that is killed at its first transaction, one at its second, and so on, until one comes to the end.
AGAIN = """
for calls in range(1, 80):
    if not (child := os.fork()):
        die_at("anima.kernel.db.transaction", calls)
        work()
        os._exit(0)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    print(code, flush=True)
    if code != -signal.SIGKILL:
        break
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


def run(event: outbox.Event, program: str, **values: Any) -> subprocess.CompletedProcess[str]:
    """Hands an event to a program in a process of its own."""
    whole = (WORKER + program).replace("{tests!r}", repr(str(Path(__file__).parents[1])))
    for name, value in values.items():
        whole = whole.replace(f"{{{name}!r}}", repr(value))
    url, key = config.settings().database_url, config.settings().secret_key
    assert url is not None
    assert key is not None
    environment = {
        **os.environ,
        "ANIMA_DATABASE_URL": url.get_secret_value(),
        "ANIMA_DATA_DIR": str(config.settings().data_dir),
        "SECRET_KEY": key.get_secret_value(),
    }
    given = [sys.executable, "-c", whole, json.dumps(delivery.as_sqs(event))]
    return subprocess.run(given, env=environment, capture_output=True, check=False, text=True)


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
    assert run(asked, ONCE, at=at).returncode == -signal.SIGKILL
    assert night.stands()["state"] == "asleep"
    done = run(asked, "work()")
    assert done.returncode == 0, done.stderr
    all_is_done_once(night)


def test_one_killed_after_another_at_each_transaction(asked: outbox.Event, night: Night) -> None:
    done = run(asked, AGAIN)
    codes = [int(code) for code in done.stdout.split()]
    assert codes[-1] == 0, done.stderr
    assert set(codes[:-1]) == {-signal.SIGKILL}
    assert len(codes) > 5
    all_is_done_once(night)
    assert run(asked, "work()").returncode == 0
    all_is_done_once(night)

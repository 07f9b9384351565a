"""Cold and warm time of every function, called from outside with its sample event: what is of a person is made anew."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import httpx
import psycopg
from scripts.venvs import ROOT
from tests.bench import place, sample_events
from tests.bench.deploy_turns import turn_in_process
from tests.bench.frame import Sample
from tests.emulator import runtime

from anima.kernel import db

STARTS, FURTHER = 3, 2
"""How often each function is started, and how often each of these is called after its first call."""
CALLS = STARTS * (1 + FURTHER)
STREAM = "chat_stream"
LEFT_OUT = {
    "migrate_setup": "CloudFormation's, which waits for the answer elsewhere",
    "migrate_first_admin": "CloudFormation's, which waits for the answer elsewhere",
    "migrate_link": "a second errand of migrate",
    "migrate_post": "asks the deployed API, which is not here",
    "socket_disconnect": "the end of a connection: nothing is asked",
}
"""Sample events that are not called, and why."""

Event = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Times:
    """Milliseconds that a caller waits: for the first call of a process with its start, and for later ones."""

    function: str
    cold: Sample
    warm: Sample


def times(here: place.Place) -> Iterator[Times]:
    """Of every function of `functions/` that has a sample event, in order."""
    called = _callers(here)
    found: dict[str, list[list[float]]] = {name: [] for name in called}
    for _ in range(STARTS):  # in turn, so that what else the machine does falls on all alike
        for name, call in called.items():
            found[name].append(call())
    for name, starts in found.items():
        warm = tuple(one for start in starts for one in start[1:])
        yield Times(name, Sample(tuple(start[0] for start in starts)), Sample(warm))


def without_event() -> list[str]:
    """Functions that nobody calls here, for they have no sample event."""
    return [name for name in _functions() if not (sample_events.EVENTS / f"{name}.json").is_file()]


def _functions() -> list[str]:
    return sorted(path.parent.name for path in (ROOT / "functions").glob("*/handler.py"))


def _callers(here: place.Place) -> dict[str, Callable[[], list[float]]]:
    """By function, what starts it and calls it a few times: the milliseconds of each call."""
    somebody = place.person()
    key = place.key_of(somebody)
    events = {name: partial(_keyed, name, key) for name in ("chat", "manage", "retrieve", "socket")}
    events |= {name: partial(sample_events.read, name) for name in ("migrate", "outbox")}
    events |= {name: partial(next, waiting) for name, waiting in _queued(here, somebody).items()}
    known = [name for name in _functions() if name not in without_event()]
    return {
        name: partial(_streamed, here, key) if name == STREAM else partial(_called, here, name, events[name])
        for name in known
    }


def _keyed(name: str, key: str) -> Event:
    return sample_events.with_key(sample_events.read(name), key)


def _queued(here: place.Place, owner: db.Principal) -> dict[str, Iterator[Event]]:
    """Work for each call of a worker: one that comes again would find it done."""
    from anima.knowledge import documents_service as knowledge
    from anima.knowledge.documents_model import NewDocument

    with place.quick_embedder():
        turn = turn_in_process(owner)
        for _ in range(CALLS):
            turn()
    texts = [f"The harbour crane {number} is greased every second Tuesday." for number in range(CALLS)]
    knowledge.queue_documents(owner, [NewDocument(text.encode(), title="Harbour") for text in texts])
    with psycopg.connect(here.owner_url) as connection:  # as if they had been sent: nothing waits for `outbox`
        sent = connection.execute("delete from outbox returning topic, owner_id, payload").fetchall()
    topics = {"reflect": "turn.finished", "ingest": "document.queued"}
    return {
        name: iter(
            [
                sample_events.with_payload(sample_events.read(name), owner_id, payload)
                for found, owner_id, payload in sent
                if found == topic
            ]
        )
        for name, topic in topics.items()
    }


def _called(here: place.Place, name: str, event: Callable[[], Event]) -> list[float]:
    with runtime.running(name, here.environment()) as function:
        events = [event() for _ in range(1 + FURTHER)]
        return [_timed(partial(_invoked, function, one)) for one in events]


def _invoked(function: runtime.Function, event: Event) -> None:
    answer = function.invoke(event)
    good = "errorType" not in answer and not answer.get("batchItemFailures")
    if not good or answer.get("statusCode", 200) >= 400:
        raise RuntimeError(f"{function.name}: {answer}\n{function.log()}")


def _streamed(here: place.Place, key: str) -> list[float]:
    """Of the function that is a server: its start, until its port answers, belongs to the first call."""
    event = _keyed(STREAM, key)
    headers = {name: value for name, value in event["headers"].items() if name.lower() in _TAKEN}
    begun = time.perf_counter()
    with runtime.serving(STREAM, here.environment()) as url:
        start = (time.perf_counter() - begun) * 1000
        asked = partial(httpx.post, url + event["path"], content=event["body"], headers=headers, timeout=60)
        first, *rest = [_timed(lambda: asked().raise_for_status()) for _ in range(1 + FURTHER)]
    return [start + first, *rest]


_TAKEN = {"accept", "authorization", "content-type"}


def _timed(act: Callable[[], object]) -> float:
    begun = time.perf_counter()
    act()
    return (time.perf_counter() - begun) * 1000

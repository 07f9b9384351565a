"""The whole wait of a turn in the runtime emulator, first and warm, with the database awake and asleep, by part."""

from __future__ import annotations

import json
import re
import statistics
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from tests.bench import place, sample_events
from tests.emulator import runtime
from tests.emulator.runtime import Function

from anima.kernel import db
from anima.kernel.postgres.urls import parse

ASLEEP_SECONDS = 0.5
FIRST_TURNS = 8
WARM_ROUNDS = 15
WARM_TURNS = 3
_INIT = re.compile(r"INIT REPORT\(durationMs: ([\d.]+)\)")
PARTS = ("start", "connect", "database", "embed", "model", "rest")


@dataclass(frozen=True, slots=True)
class Wait:
    """One turn, in milliseconds: `whole` as its caller waits, `parts` of it by name."""

    whole: float
    parts: Mapping[str, float]


def waits(here: place.Place) -> Iterator[tuple[str, list[Wait]]]:
    """(which turns, their waits): first and warm ones, each with the database awake, and asleep for 500 ms."""
    from fixtures.proxy import Proxy

    owner = parse(here.owner_url)
    event = sample_events.with_key(sample_events.read("chat"), place.key_of(place.person()))
    with Proxy(owner.host or "127.0.0.1", owner.port or 5432) as proxy:
        settings = {**here.environment(), "ANIMA_APP_DATABASE_URL": proxy.url(here.app_url)}
        # In turn, so that what else the machine does falls on both alike.
        first = [
            [_first(settings, event, proxy, asleep=asleep) for asleep in (False, True)] for _ in range(FIRST_TURNS)
        ]
        yield "first_turn_awake", [awake for awake, _ in first]
        yield "first_turn_asleep", [asleep for _, asleep in first]
        with runtime.running("chat", settings) as function:
            _turn(function, event)
            warm = [_round(function, event, proxy) for _ in range(WARM_ROUNDS)]
        yield "warm_turn_awake", [one for awake, _ in warm for one in awake]
        yield "warm_turn_asleep", [asleep for _, asleep in warm]


def quantiles(values: list[float]) -> tuple[float, float]:
    """p50 and p95."""
    found = statistics.quantiles(values, n=20, method="inclusive")
    return found[9], found[18]


def median_parts(found: list[Wait]) -> dict[str, float]:
    """The median of each part."""
    return {part: statistics.median(one.parts[part] for one in found) for part in PARTS}


def _first(settings: Mapping[str, str], event: Any, proxy: Any, *, asleep: bool) -> Wait:
    """A function that was never called: its start is the first part of the wait."""
    with runtime.running("chat", settings) as function:
        return _after_sleep(function, event, proxy) if asleep else _turn(function, event)


def _round(function: Function, event: Any, proxy: Any) -> tuple[list[Wait], Wait]:
    """A few turns with the database awake, and one for which it has to be woken."""
    return [_turn(function, event) for _ in range(WARM_TURNS)], _after_sleep(function, event, proxy)


def _after_sleep(function: Function, event: Any, proxy: Any) -> Wait:
    """A turn whose first try wakes the database: whoever comes is turned away until it is up."""
    proxy.refuse(100_000)
    proxy.cut()
    tries = proxy.tries
    ended = threading.Event()

    def wake() -> None:
        while proxy.tries == tries and not ended.is_set():
            time.sleep(0.002)
        time.sleep(ASLEEP_SECONDS)
        proxy.refuse(0)

    waking = threading.Thread(target=wake, daemon=True)
    waking.start()
    try:
        return _turn(function, event)
    finally:
        ended.set()
        waking.join()


def _turn(function: Function, event: Any) -> Wait:
    before = len(function.log())
    begun = time.perf_counter()
    answer = function.invoke(event)
    whole = (time.perf_counter() - begun) * 1000
    if answer.get("statusCode") != 200:
        raise RuntimeError(f"{answer}\n{function.log()}")
    return Wait(whole, _parts(_told(function, before), whole))


def _told(function: Function, before: int) -> str:
    """What the function wrote about this turn; its line may come a moment after its answer."""
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        told = function.log()[before:]
        if '"event": "http.request"' in told and "REPORT RequestId" in told:
            return told
        time.sleep(0.01)
    raise RuntimeError(f"the function told nothing: {function.log()[before:]}")


def _parts(told: str, whole: float) -> dict[str, float]:
    """The function's own line and metrics: start of the process, connecting, statements, embedding, model, the rest."""
    lines = [json.loads(line) for line in told.splitlines() if line.startswith("{")]
    request = next(line for line in lines if line.get("event") == "http.request")
    metrics: dict[str, Any] = next((line for line in lines if "_aws" in line), {})
    spans, init = request["spans"], _INIT.search(told)
    waited = metrics.get("db.wait", 0)
    parts = {
        "start": float(init[1]) if init else 0.0,
        "connect": sum(waited) if isinstance(waited, list) else waited,
        "database": spans.get("db", 0.0),
        "embed": spans.get("embed", 0.0),
        "model": spans.get("model", 0.0),
    }
    return {**parts, "rest": max(whole - sum(parts.values()), 0.0)}


def turn_in_process(principal: db.Principal) -> Callable[[], None]:
    """One turn of somebody's in this process, as often and from as many threads as one likes."""
    from anima.chat import service as chat
    from anima.chat.model import TurnRequest

    def act() -> None:
        for _ in chat.reply(principal, TurnRequest("What do I hate?", None, avatar=None)):
            pass

    return act

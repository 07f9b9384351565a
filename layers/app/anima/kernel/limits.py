"""How often a person may call: a token bucket each, of a size that admins change while everything runs.

The numbers come from the settings table, else from the environment. They are read along with the look-up of a
credential when they are older than some seconds, so that no request waits for them.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from anima.kernel import buckets, db, telemetry
from anima.kernel.config import settings
from anima.kernel.errors import AnimaError
from anima.kernel.options import Option, fitting

SECONDS = 30.0
"""How old what is held of the settings may be: so long a change may take to reach other processes."""
PREFIX = "limits."
_MOST_TOKENS, _MOST_SECONDS = 1_000_000, 86_400

OPTIONS: dict[str, Option] = {
    "http_tokens": Option(
        lambda: settings().rate_limit_max_tokens,
        "How many calls over HTTP a person may make at once; 0: as many as they like",
        (0, _MOST_TOKENS),
    ),
    "http_refill_seconds": Option(
        lambda: settings().rate_limit_refill_seconds,
        "After how many seconds as many may be made again",
        (1, _MOST_SECONDS),
    ),
    "socket_tokens": Option(
        lambda: settings().ws_rate_limit_max_tokens,
        "How many frames over WebSocket a person may send at once; 0: as many as they like",
        (0, _MOST_TOKENS),
    ),
    "socket_refill_seconds": Option(
        lambda: settings().ws_rate_limit_refill_seconds,
        "After how many seconds as many may be sent again",
        (1, _MOST_SECONDS),
    ),
}


class TooManyRequests(AnimaError):
    """You have called more often than is accepted here; wait {seconds} s."""

    status = 429
    slug = "too-many-requests"


@dataclass(frozen=True, slots=True)
class Limit:
    """A token bucket: how much it holds, and after how many seconds an empty one is full."""

    capacity: int
    refill_seconds: float


@dataclass(frozen=True, slots=True)
class Held:
    """What the settings table holds of limits; null: nothing."""

    held: dict[str, Any] | None


HELD = db.Query(Held, "select jsonb_object_agg(s.key, s.value) as held from settings s where s.key like 'limits.%%'")


class _Known:
    """The numbers that hold in this process, and when they were read."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._read_at = -math.inf
        self._values: Mapping[str, Any] = {}

    def due(self) -> bool:
        """Whether the caller is the one who reads them anew; said to one at a time."""
        moment = time.monotonic()
        with self._lock:
            due = moment - self._read_at > SECONDS
            self._read_at = moment if due else self._read_at
        return due

    def take_up(self, held: Mapping[str, Any]) -> None:
        given = {key.removeprefix(PREFIX): value for key, value in held.items()}
        self._values = {key: value for key, value in given.items() if fitting(OPTIONS, key, value)}

    def forget(self) -> None:
        """Has them read anew by the next call; until then they hold as they are."""
        self._read_at = -math.inf

    def start_over(self) -> None:
        """Holds nothing, as a process that has just begun: those of the environment count until the next call reads."""
        self._values = {}
        self.forget()

    def limit(self, door: str) -> Limit:
        tokens, seconds = f"{door}_tokens", f"{door}_refill_seconds"
        held = self._values
        return Limit(
            held[tokens] if tokens in held else OPTIONS[tokens].default(),
            held[seconds] if seconds in held else OPTIONS[seconds].default(),
        )


_known = _Known()
forget = _known.forget
start_over = _known.start_over


def begin(tx: db.Transaction) -> db.Pending[Held] | None:
    """Asks for the numbers as part of the running transaction where they are due."""
    return tx.fetch(HELD) if _known.due() else None


def take_up(asked: db.Pending[Held] | None) -> None:
    """Lets what was asked for hold from now on."""
    found = asked.first() if asked is not None else None
    if found is not None:
        _known.take_up(found.held or {})


def http() -> Limit:
    """The limit of calls over HTTP, as it holds now."""
    return _known.limit("http")


def socket() -> Limit:
    """The limit of frames over WebSocket, as it holds now."""
    return _known.limit("socket")


def check(user_id: int | None) -> None:
    """Counts a call of a person over HTTP. Raises TooManyRequests where that is one too many."""
    limit = http()
    wait = buckets.take(f"http:{user_id}", limit.capacity, limit.refill_seconds)
    if wait > 0:
        telemetry.count("http.limited")
        seconds = math.ceil(wait)
        raise TooManyRequests(seconds=seconds, retry_after=seconds)

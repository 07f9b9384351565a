"""Where a client goes and as whom, and all that it can be asked there: what both colours share."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypedDict
from urllib.parse import urlsplit

from anima.client.calls.administration import Administration
from anima.client.calls.asking import Asking
from anima.client.calls.avatars import Avatars
from anima.client.calls.experiments import Experiments
from anima.client.calls.jobs import Jobs
from anima.client.calls.knowledge import Knowledge
from anima.client.calls.memory import Memory
from anima.client.calls.people import People
from anima.client.calls.personalities import Personalities
from anima.client.calls.registry import Registry
from anima.client.calls.runs import Runs
from anima.client.calls.snapshots import Snapshots
from anima.client.calls.stores import Stores
from anima.client.calls.talk import Talk
from anima.client.calls.tools import Tools
from anima.client.credentials import Credentials
from anima.client.errors import ConnectionFailed
from anima.client.results.people import Tokens
from anima.client.retries import Retries

HERE = "http://127.0.0.1:52929"
"""Where `anima up` serves by itself."""


class Everything(
    Talk,
    Asking,
    Avatars,
    Memory,
    Knowledge,
    Stores,
    People,
    Personalities,
    Snapshots,
    Tools,
    Experiments,
    Registry,
    Runs,
    Jobs,
    Administration,
):
    """All operations. Those of reactors come with these."""

    _place: Place

    @property
    def retries(self) -> Retries:
        """How often and how patiently it tries again."""
        return self._place.retries

    @property
    def url(self) -> str:
        """Where the service is."""
        return self._place.url


class Options(TypedDict, total=False):
    """How a client calls.

    A username with a password, or `tokens` of an earlier sign-in, stand instead of a key: they are renewed as they
    expire, and `on_tokens` hears each new pair. `timeout`: seconds without a sign from the service. `transport`: one
    of httpx's own, in place of the network.
    """

    username: str
    password: str
    tokens: Tokens
    on_tokens: Callable[[Tokens], None]
    timeout: float
    retries: Retries
    transport: Any


@dataclass(slots=True)
class Place:
    """A deployment, as whom it is called, and how patiently."""

    url: str
    credentials: Credentials
    timeout: float
    retries: Retries
    transport: Any

    @classmethod
    def of(cls, url: str | None, key: str | None, options: Options) -> Place:
        """From arguments, else from ANIMA_URL and ANIMA_API_KEY; without a URL the server of this machine.

        Raises NoCredentials, ConnectionFailed.
        """
        place = (url or os.environ.get("ANIMA_URL") or HERE).rstrip("/")
        if urlsplit(place).scheme not in ("http", "https") or not urlsplit(place).hostname:
            raise ConnectionFailed(url=place, reason="it is no http(s) address")
        signed_in = "tokens" in options or "username" in options
        credentials = Credentials(
            key or (None if signed_in else os.environ.get("ANIMA_API_KEY")),
            options.get("username"),
            options.get("password"),
            options.get("tokens"),
            options.get("on_tokens"),
        )
        timeout, retries = options.get("timeout", 120.0), options.get("retries") or Retries()
        return cls(place, credentials, timeout, retries, options.get("transport"))

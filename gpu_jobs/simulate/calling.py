"""Calls over HTTP to what a simulation file names: to an address that was checked, with an end to every wait.

A run that somebody started over the API reaches the public internet and the hosts that settings name, as anything else
that the house does for others; a run of one's own reaches this machine and its networks too. No redirect is followed.
"""

from __future__ import annotations

import http.client
import json
import os
import socket
import ssl
from typing import Any
from urllib.parse import urlsplit

from anima.kernel.addresses import Checked, check_public

MOST_ANSWER = 1_000_000
"""Bytes of an answer that are read."""
HERE = "http://127.0.0.1:52929"


class NotAnswered(OSError):
    """It answered, but not with what was asked for."""


def posted(url: str, body: dict[str, Any], timeout: float, *, own: bool, key: str | None = None) -> str:
    """What was answered to JSON by POST. Raises OSError, BadInput for an address that may not be called."""
    checked = check_public(url, anywhere=own)
    headers = {"Content-Type": "application/json", "Host": checked.host_header}
    if key:
        headers["Authorization"] = f"Bearer {key}"
    connection = _Connection(checked, timeout)
    try:
        parts = urlsplit(url)
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        connection.request("POST", target, json.dumps(body), headers)
        answer = connection.getresponse()
        read = answer.read(MOST_ANSWER).decode("utf-8", "replace")
    except (http.client.HTTPException, ValueError) as error:
        raise NotAnswered(f"{type(error).__name__}: {error}") from None
    finally:
        connection.close()
    if not 200 <= answer.status < 300:
        raise NotAnswered(f"it answered {answer.status}")
    return read


def key_for(url: str) -> str | None:
    """The key of the environment, for the Anima that it belongs to; no other address is ever given it."""
    home = os.environ.get("ANIMA_URL") or HERE
    same = urlsplit(home)[:2] == urlsplit(url)[:2]
    return os.environ.get("ANIMA_API_KEY") if same else None


class _Connection(http.client.HTTPConnection):
    """To the checked address; TLS goes by the name."""

    def __init__(self, checked: Checked, timeout: float) -> None:
        super().__init__(checked.host, checked.port, timeout=timeout)
        self._checked = checked

    def connect(self) -> None:
        """Connects."""
        plain = socket.create_connection((self._checked.address, self._checked.port), self.timeout)
        if self._checked.scheme == "https":
            context = ssl.create_default_context()
            self.sock = context.wrap_socket(plain, server_hostname=self._checked.host)
        else:
            self.sock = plain

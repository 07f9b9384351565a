"""Runs a tool of an installed package in a process of its own, which is killed when its time is up."""

from __future__ import annotations

import base64
import json
import os
import re
import sys
import time
from collections.abc import Mapping
from typing import Any

from anima.plugins.model import MAX_TEXT_CHARS
from anima.plugins.outcome import Job, Outcome
from anima.vendors.sandbox import Ended, bounded

# No key and no address of a database is in it: what Python and libraries need.
_ENVIRONMENT = (
    *("PATH", "HOME", "USER", "LANG", "LC_ALL", "TZ", "TMPDIR", "LD_LIBRARY_PATH", "SSL_CERT_FILE", "SSL_CERT_DIR"),
)
_OUTPUT = 8 << 20
_SLUG = re.compile(r"[a-z][a-z0-9_-]{0,39}")
_DESCRIBED_SECONDS = 20.0


class NotDescribed(Exception):
    """A package's plugin does not say what it is; the message says why."""


def run(job: Job) -> Outcome:
    """What the tool answers, in time or not."""
    left = job.until - time.monotonic()
    asked = {"do": "run", "plugin": job.plugin, "tool": job.tool, "arguments": job.arguments, "seconds": left}
    ended = _asked({**asked, "config": dict(job.config), "secret": job.secret}, job.until)
    if ended.flooded:
        return Outcome("It wrote too much and was ended.", "too-large")
    if ended.late:
        return Outcome("It took too long and was ended.", "timeout")
    told = _told(ended)
    if told is None:
        return Outcome("The tool's process ended without an answer.", "failed")
    media = [base64.b64decode(one) for one in told.get("media", [])]
    return Outcome(str(told.get("text", ""))[: 5 * MAX_TEXT_CHARS], _slug(told.get("error")), media)


def describe(name: str) -> dict[str, Any]:
    """What an installed plugin says of itself: name, version, description, tools, settings. Raises NotDescribed."""
    ended = _asked({"do": "describe", "plugin": name}, time.monotonic() + _DESCRIBED_SECONDS)
    told = _told(ended)
    if told is None:
        raise NotDescribed("it took too long" if ended.late else "its process ended without an answer")
    if told.get("error"):
        raise NotDescribed(str(told.get("text", ""))[:300])
    return told


def _slug(error: object) -> str | None:
    """Why a tool says it failed: a short word, for it stands beside the quotation of its text, and in figures."""
    if error is None:
        return None
    return error if isinstance(error, str) and _SLUG.fullmatch(error) else "failed"


def _asked(asked: Mapping[str, Any], until: float) -> Ended:
    environment = {name: os.environ[name] for name in _ENVIRONMENT if name in os.environ}
    environment |= {"PYTHONPATH": os.pathsep.join(filter(None, sys.path)), "PYTHONIOENCODING": "utf-8"}
    command = [sys.executable, "-m", "anima.plugins.child"]
    return bounded(command, json.dumps(asked).encode(), until=until, max_output=_OUTPUT, env=environment)


def _told(ended: Ended) -> dict[str, Any] | None:
    """The one line of JSON that the child ends with."""
    try:
        told = json.loads(ended.output.strip().rpartition(b"\n")[2] or b"null")
    except ValueError:
        return None
    return told if isinstance(told, dict) else None

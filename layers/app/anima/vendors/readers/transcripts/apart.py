"""Reads a file of past conversations in a process of its own, which leaves its turns in a spool."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path

from anima.vendors.readers.apart import child, here, tell
from anima.vendors.readers.errors import TooMuch, Unreadable
from anima.vendors.readers.model import Limits, Progress
from anima.vendors.readers.transcripts.errors import ERRORS


@dataclass(frozen=True, slots=True)
class Summary:
    """What was read: whose export it is, and counts (turns, conversations, speakers, out_of_order, …).

    `speakers`: those that say most, with how many turns they have; `me`: which of them the owner is, none where
    nothing tells.
    """

    origin: str
    counts: dict[str, int]
    speakers: dict[str, int]
    me: list[str]


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be read, and what helps to tell who is who.

    `me`: what the owner is called there, as they say; `names`: what they are called here; `avatar`: whom they bring
    it to.
    """

    path: Path
    into: Path
    name: str | None
    title: str | None
    me: Sequence[str]
    names: Sequence[str]
    avatar: str
    now: datetime


def read_apart(wanted: Wanted, limits: Limits | None = None) -> Iterator[Progress | Summary]:
    """Progress in bytes, and at the end the summary; then the spool is complete.

    Raises NotATranscript, UnknownVersion, TranscriptDamaged, SpeakerUnknown, Unreadable, TooMuch.
    """
    given = {**asdict(wanted), "path": str(wanted.path), "into": str(wanted.into), "now": wanted.now.isoformat()}
    given |= {"me": list(wanted.me), "names": list(wanted.names), "limits": asdict(here(limits or Limits()))}
    with child("anima.vendors.readers.transcripts", given) as running:
        assert running.stdout is not None
        for line in running.stdout:
            found = json.loads(line) if line.endswith(b"\n") else {}
            if "end" in found:
                return
            if "error" in found:
                raise {"TooMuch": TooMuch}.get(found["error"], Unreadable)(**found["values"])
            if "refused" in found:
                raise ERRORS[found["refused"]](**found["values"])
            if "origin" in found:
                yield Summary(found["origin"], found["counts"], found["speakers"], found["me"])
            elif "done" in found:
                yield Progress(found["done"], found["total"], "bytes")
        tell(running.wait())

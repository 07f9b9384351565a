"""Opens a file of past conversations: tells by its content whose it is, and gives its turns one after the other."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path, PurePosixPath
from typing import IO, Any
from zipfile import ZipFile

from anima.vendors.readers import archive
from anima.vendors.readers.errors import TooMuch, Unreadable
from anima.vendors.readers.model import Limits
from anima.vendors.readers.transcripts import lines, own, services, stream
from anima.vendors.readers.transcripts.errors import NotATranscript, TranscriptDamaged, UnknownVersion
from anima.vendors.readers.transcripts.model import LeftOut, Said, named

_ZIP = b"PK\x03\x04"
_PARTS = re.compile(r"(?:.*/)?conversations(?:-\d+)?\.json")
_CHAT = re.compile(r"(?:.*/)?(?:_chat|[^/]*)\.txt")
# "WhatsApp Chat with Anna", "Discussion WhatsApp avec Anna", "WhatsApp Chat - Anna": whom the export says it is with.
_WITH = re.compile(
    r"(?:.*WhatsApp.*?(?: with | avec | mit | con | com | met | med | s | z | - )|.*WhatsApp[- ]Chat[- ])(?P<name>.+)",
    re.IGNORECASE,
)
_COPY = re.compile(r"\s*\(\d{1,3}\)$")
_HEAD_BYTES = 1 << 16

Progress = Callable[[int, int], None]
"""Told how many bytes of how many were read."""


@dataclass(frozen=True, slots=True)
class Opened:
    """A file whose kind is known: its origin, its turns, and whom it says that its owner talks with."""

    origin: str
    turns: Iterator[Said | LeftOut]
    title: str | None = None
    counterpart: str | None = None


def looks_like_one(head: bytes) -> bool:
    """Whether a file that begins so may hold conversations; a file of lines is told only when all of it is read."""
    start = head.lstrip(b"\xef\xbb\xbf \t\r\n")
    if not start or b"\x00" in head[:2] or start.startswith(_ZIP):
        return start.startswith(_ZIP) or head[:2] in (b"\xff\xfe", b"\xfe\xff")
    if start[:1] in b"{[" and not re.match(rb"\[\W{0,8}\d", start):
        return True
    from anima.vendors.readers import decoding

    return decoding.is_text(head)


@contextmanager
def opened(path: Path, name: str | None, title: str | None, now: datetime, progress: Progress) -> Iterator[Opened]:
    """Raises NotATranscript, UnknownVersion, TranscriptDamaged, Unreadable, TooMuch; also while turns are taken."""
    with path.open("rb") as file:
        head = file.read(_HEAD_BYTES)
    if head.startswith(_ZIP):
        with archive.opened(path, Limits()) as zipped:
            yield _of_zip(zipped, path, name, title, now, progress)
        return
    start = head.lstrip(b"\xef\xbb\xbf \t\r\n")
    if not start:
        raise NotATranscript(reason="it is empty")
    if start[:1] in b"{[" and not re.match(rb"\[\W{0,8}\d", start):
        with path.open("rb") as file:
            yield _of_json([(file.name, lambda: _kept(file))], path.stat().st_size, title, progress)
        return
    yield _of_lines(path, name, title, now, progress)


@contextmanager
def _kept(file: IO[bytes]) -> Iterator[IO[bytes]]:
    yield file


def _of_zip(
    zipped: ZipFile, path: Path, name: str | None, title: str | None, now: datetime, progress: Progress
) -> Opened:
    inside = [info for info in zipped.infolist() if not info.is_dir() and not info.filename.startswith("__MACOSX/")]
    parts = sorted(info.filename for info in inside if _PARTS.fullmatch(info.filename))
    if parts:
        total = sum(zipped.getinfo(each).file_size for each in parts)
        return _of_json([(each, _part(zipped, each)) for each in parts], total, title, progress)
    chats = [info.filename for info in inside if _CHAT.fullmatch(info.filename)]
    if not chats:
        raise NotATranscript(reason="the archive holds no conversations")
    chat = next((each for each in chats if "chat" in each.lower() or "whatsapp" in each.lower()), chats[0])
    into = path.with_name("chat.txt")
    with archive.part(zipped, chat) as packed, into.open("wb") as out:
        shutil.copyfileobj(packed, out, 1 << 20)
    inner = PurePosixPath(chat).name
    return _of_lines(into, name if inner.startswith("_chat") else inner, title, now, progress)


def _part(zipped: ZipFile, name: str) -> Callable[[], Any]:
    return lambda: archive.part(zipped, name)


def _of_json(parts: list[tuple[str, Callable[[], Any]]], total: int, title: str | None, progress: Progress) -> Opened:
    """Looks at the first element, which tells the service; the turns follow from the beginning."""
    found = _elements(parts, total, progress)
    try:
        kind, first = next(found)
    except StopIteration:
        raise NotATranscript(reason="there is no conversation in it") from None
    if kind == "turns":
        return Opened("turns", _own(first, found, title), title)
    service = services.service_of(first)
    if service is None:
        names = ", ".join(map(str, list(first)[:8])) if isinstance(first, dict) else "no names"
        raise UnknownVersion(reason=f"what it holds has {named(names)}")
    return Opened(service, _of_service(service, first, found))


def _elements(parts: list[tuple[str, Callable[[], Any]]], total: int, progress: Progress) -> Iterator[tuple[str, Any]]:
    """What the files hold, one after the other: ("conversation", …), ("turns", …), and ("title", …) before turns."""
    before = 0
    for _, open_part in parts:
        size = 0

        def read(so_far: int, before: int = before) -> None:
            nonlocal size
            size = so_far
            progress(before + so_far, total)

        with open_part() as file:
            text = stream.opened(file, read)
            if text.peek() == "[":
                for each in stream.elements(text):
                    yield "conversation", each
            else:
                yield from _members(text)
            stream.ended(text)
        before += size


def _members(text: stream.Text) -> Iterator[tuple[str, Any]]:
    """The turns of a file of ours; else the whole object is one conversation, or holds them under `conversations`."""
    whole: dict[str, Any] = {}
    streamed = False
    for name, value in stream.members(text, "turns"):
        if name == "turns[]":
            streamed = True
            yield "turns", {**({"title": whole["title"]} if "title" in whole else {}), "turn": value}
        else:
            whole[name] = value
    if streamed:
        return
    if "turns" in whole or set(whole) <= {"title"}:
        raise NotATranscript(reason="there is no turn in it")
    held = whole.get("conversations")
    for each in held if isinstance(held, list) else [whole]:
        yield "conversation", each


def _own(first: Any, others: Iterator[tuple[str, Any]], title: str | None) -> Iterator[Said | LeftOut]:
    for place, given in enumerate(_chained(first, others, "turns"), 1):
        made = own.turn(given["turn"], place)
        if isinstance(made, Said):
            above = named(title or given.get("title"))
            made = replace(made, conversation=f"{above}\n{made.conversation}", title=above)
        yield made


def _of_service(service: str, first: Any, others: Iterator[tuple[str, Any]]) -> Iterator[Said | LeftOut]:
    for place, conversation in enumerate(_chained(first, others, "conversation"), 1):
        yield from services.turns(service, conversation, place)


def _chained(first: Any, others: Iterator[tuple[str, Any]], wanted: str) -> Iterator[Any]:
    yield first
    for kind, each in others:
        if kind != wanted:
            raise TranscriptDamaged(reason="its parts are of different kinds")
        yield each


def _of_lines(path: Path, name: str | None, title: str | None, now: datetime, progress: Progress) -> Opened:
    kind = lines.look(path, now)
    size = path.stat().st_size
    progress(size // 2, size)
    stem = _COPY.sub("", PurePosixPath(name or "").stem)
    found = _WITH.fullmatch(stem) if kind.order is not None else None
    counterpart = found["name"].strip() if found is not None else None
    called = named(title or counterpart or stem)
    key = counterpart or (stem if not stem.startswith("_chat") else "") or called
    origin = "whatsapp" if kind.order is not None else "plain"
    turns = (replace(each, title=called) if isinstance(each, Said) else each for each in lines.turns(path, kind, key))
    return Opened(origin, turns, title, counterpart)


__all__ = ["Opened", "TooMuch", "Unreadable", "looks_like_one", "opened"]

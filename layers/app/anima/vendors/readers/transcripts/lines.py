"""Chats as lines of text: WhatsApp's exports in the writing of any phone, and plain transcripts ("Anna: hello")."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from anima.vendors.readers import decoding
from anima.vendors.readers.transcripts.errors import NotATranscript
from anima.vendors.readers.transcripts.model import TEXT_CHARS, LeftOut, Said, moment, named, storable
from anima.vendors.readers.transcripts.stamps import Order, Ordering, Stamp, cleaned, dated, stamp

_HEAD_CHARS = 400
_MOST_SPEAKERS = 5_000
# Of a name that somebody has in a chat: not a sentence, not an address, not a time.
_SPEAKER = re.compile(r"(?P<name>[^\W\d_][^:\n\[\]{}<>\"]{0,60}?)\s{0,3}:(?:\s+|$)(?P<rest>.*)", re.DOTALL)
_CHATTER = re.compile(r"(?P<name>[^:\n]{1,120}):(?:\s|$)(?P<rest>.*)", re.DOTALL)
_WORDS = 5
_MEDIA = re.compile(
    r"<[^<>\n=/]{2,40}\s[^<>\n=/]{1,40}>|<[\u3040-\u9fff\uac00-\ud7a3]{3,20}>"
    r"|[\w .\-]{1,80}\.\w{2,4} \([^()\n]{3,40}\)"
)
_EDITED = re.compile(r"<[^<>\n]{0,40}(?:edit|modifi|bearbeit|bewerkt|отредакт|編集|编辑)[^<>\n]{0,40}>$", re.IGNORECASE)
_DAY = r"\d{4}-\d{2}-\d{2}"
_TIME = r"[T ]\d{1,2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?(?:Z|[+-]\d{2}:?\d{2})?"
_DATE_LINE = re.compile(rf"(?:\#{{1,6}}\s*)?[\[(]?(?P<date>{_DAY}(?:{_TIME})?)[\])]?")
_DATED_NAME = re.compile(r"(?P<name>.{1,70}?)\s?[\[(](?P<date>\d{4}-\d{2}-\d{2}[^\])]{0,20})[\])]")
_DATE_FIRST = re.compile(rf"[\[(]?(?P<date>{_DAY}(?:{_TIME})?)[\])]?[, \t-]{{0,4}}\s(?P<rest>\S.*)", re.DOTALL)


@dataclass(slots=True)
class Kind:
    """What a file of lines is, after a look at all of it: `order` for a chat with dates of a phone, else none."""

    order: Order | None
    speakers: Counter[str] = field(default_factory=Counter)


def look(path: Path, now: datetime) -> Kind:
    """Whether a file is a chat or a plain transcript. Raises NotATranscript."""
    ordering, stamped, total = Ordering(now), 0, 0
    speakers: Counter[str] = Counter()
    for line in _lines(path):
        text = cleaned(line[:_HEAD_CHARS]).strip()
        if not text or _DATE_LINE.fullmatch(text):
            continue
        total += 1
        if (found := stamp(text)) is not None:
            stamped += 1
            ordering.look(found[0])
        elif len(speakers) < _MOST_SPEAKERS and (said := _plain(text)) is not None:
            speakers[said[0]] += 1
    if stamped and stamped * 200 >= total:
        return Kind(ordering.order())
    again = sum(count for count in speakers.values() if count > 1)
    spoken = sum(speakers.values())
    if spoken >= 2 and (again * 2 >= spoken or spoken == total) and spoken * 20 >= total:
        return Kind(None)
    raise NotATranscript(reason="its lines do not say who speaks")


@dataclass(slots=True)
class _Held:
    """The parts of a turn, as long as it may be; an empty one counts too."""

    parts: list[str] = field(default_factory=list)
    chars: int = 0

    def add(self, part: str) -> None:
        if self.chars < TEXT_CHARS:
            self.parts.append(part)
            self.chars += len(part) + 1


def turns(path: Path, kind: Kind, conversation: str) -> Iterator[Said | LeftOut]:
    """The turns of a file of lines, in order."""
    if kind.order is not None:
        yield from _chat(path, kind.order, conversation)
    else:
        yield from _transcript(path, conversation)


def _lines(path: Path) -> Iterator[str]:
    """Whole lines, each up to the length that a turn may have."""
    held = _Held()
    for line in decoding.lines(path):
        held.add(line.text)
        if line.ends:
            yield "".join(held.parts)
            held = _Held()
    if held.parts:
        yield "".join(held.parts)


def _chat(path: Path, order: Order, conversation: str) -> Iterator[Said | LeftOut]:
    held = _Held()
    head: Stamp | None = None
    for line in _lines(path):
        found = stamp(cleaned(line[:_HEAD_CHARS]))
        if found is None or dated(found[0], order) is None:
            held.add(line)
            continue
        if head is not None:
            yield _message(head, order, held.parts, conversation)
        # What is unseen at the beginning of a message tells that the phone wrote it: it is kept until that is known.
        head, held = found[0], _Held()
        held.add(line)
    if head is not None:
        yield _message(head, order, held.parts, conversation)


def _message(head: Stamp, order: Order, lines: list[str], conversation: str) -> Said | LeftOut:
    whole = cleaned(lines[0])
    found = stamp(whole)
    rest = found[1] if found is not None else whole
    spoken = _CHATTER.match(rest)
    if spoken is None:
        return LeftOut("system")
    by_phone = lines[0].rstrip().endswith(spoken["rest"].rstrip()) and "\u200e" in _before(lines[0], spoken["rest"])
    text = "\n".join([spoken["rest"], *map(cleaned, lines[1:])]).strip()
    if _MEDIA.fullmatch(spoken["rest"].strip()) or (by_phone and len(lines) == 1):
        text = "\n".join(map(cleaned, lines[1:])).strip()  # what was written under a picture
        if not text:
            return LeftOut("media")
    text = storable(_EDITED.sub("", text))[:TEXT_CHARS].strip()
    at = dated(head, order)
    return Said(conversation, "", at, named(spoken["name"].lstrip("~ "), "?"), text) if text else LeftOut("empty")


def _before(line: str, rest: str) -> str:
    """What stands right before the words of a message in the line as it came."""
    place = line.rfind(rest.strip()) if rest.strip() else -1
    return line[max(0, place - 2) : place] if place > 0 else ""


def _transcript(path: Path, conversation: str) -> Iterator[Said | LeftOut]:
    at: datetime | None = None
    name, held, when = "", _Held(), None
    for line in _lines(path):
        text = cleaned(line).strip()
        if (day := _DATE_LINE.fullmatch(text)) is not None:
            at = _moment(day["date"]) or at
        elif (said := _plain(text)) is not None:
            if name:
                yield _spoken(conversation, name, held.parts, when)
            name, words, own = said
            at = own or at
            held, when = _Held(), at
            held.add(words)
        else:
            held.add(text)
    if name:
        yield _spoken(conversation, name, held.parts, when)


def _spoken(conversation: str, name: str, held: list[str], at: datetime | None) -> Said | LeftOut:
    text = storable("\n".join(held))[:TEXT_CHARS].strip()
    return Said(conversation, "", at, name, text) if text else LeftOut("empty")


def _plain(text: str) -> tuple[str, str, datetime | None] | None:
    """Who speaks in a line, what they say, and when; nothing for a line that goes on or says nothing of it."""
    at: datetime | None = None
    if (first := _DATE_FIRST.fullmatch(text)) is not None:
        at, text = _moment(first["date"]), first["rest"]
    bare = _DATED_NAME.match(text[:120])
    if bare is not None and text[bare.end() :].lstrip().startswith(":"):
        at = _moment(bare["date"]) or at
        text = bare["name"] + text[bare.end() :].lstrip()
    found = _SPEAKER.fullmatch(text.replace("**", "", 2) if text.startswith("**") else text)
    if found is None or len(found["name"].split()) > _WORDS or found["rest"].startswith("//"):
        return None
    return named(found["name"]), found["rest"], at


def _moment(text: str) -> datetime | None:
    try:
        return moment(text)
    except ValueError:
        return None

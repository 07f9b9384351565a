"""The file of a snapshot: JSON, a row a line, a digest for each part, signed as a whole. Written and read as a stream.

The bytes are what is signed: whoever writes the file anew in another layout has to sign it anew.
"""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, BinaryIO, NoReturn

from anima.kernel.errors import FieldError, TooLarge
from anima.snapshots import snapshot_keys as keys
from anima.snapshots.snapshot_errors import (
    NotASnapshot,
    SnapshotCutShort,
    SnapshotEdited,
    SnapshotInvalid,
    SnapshotNewer,
)
from anima.snapshots.snapshot_model import FORMAT, VERSION, Head, Row
from anima.snapshots.snapshot_parts import PARTS

MOST_LINE_BYTES = 16 << 20
_HEAD_BYTES = 1 << 16
_SIGNATURE = b'"signature": '


def dumped(value: object) -> str:
    """JSON as it stands in the file: UTF-8 as it is, keys in their order."""
    return json.dumps(value, ensure_ascii=False, allow_nan=False)


@dataclass(slots=True)
class Writer:
    """Writes a snapshot: its head, part by part, and the signature."""

    file: BinaryIO
    _whole: Any = field(default_factory=hashlib.sha256)
    _part: Any = None
    _name: str = ""
    _rows: int = 0
    _digests: dict[str, dict[str, Any]] = field(default_factory=dict)

    def begin(self, avatar_id: uuid.UUID, made_at: datetime, made_by: str) -> None:
        """The head; `avatar_id` is that under which the avatar is known everywhere."""
        told = {"made_at": made_at.isoformat(), "made_by": made_by, "avatar_id": str(avatar_id)}
        head = dumped({"format": FORMAT, "version": VERSION, **told})
        self._put(f'{head[:-1]}, "parts": {{\n')

    def part(self, name: str) -> None:
        """Begins a part."""
        self._end_part()
        self._put((",\n" if self._digests else "") + f'"{name}": [')
        self._name, self._rows, self._part = name, 0, hashlib.sha256()

    def row(self, text: str) -> None:
        """A row of the part: one line of JSON."""
        self._put((",\n" if self._rows else "\n") + text)
        self._part.update(text.encode() + b"\n")
        self._rows += 1

    def end(self) -> None:
        """The digests and the signature."""
        self._end_part()
        content = content_digest(self._digests)
        self._put(f'\n}},\n"digests": {dumped(self._digests)},\n"content_sha256": "{content}",\n')
        signature = keys.sign(self._whole.digest())
        self.file.write(_SIGNATURE + dumped(signature).encode() + b"}\n")

    def _end_part(self) -> None:
        if self._part is not None:
            self._put("\n]")
            self._digests[self._name] = {"rows": self._rows, "sha256": self._part.hexdigest()}
            self._part = None

    def _put(self, text: str) -> None:
        data = text.encode()
        self._whole.update(data)
        self.file.write(data)


def content_digest(digests: Mapping[str, Mapping[str, Any]]) -> str:
    """The digest of all parts: the same for the same content, whenever and wherever it was written down."""
    return hashlib.sha256(json.dumps(digests, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def looks_like_one(head: bytes) -> bool:
    """Whether a file that begins so is meant to be a snapshot."""
    return f'"{FORMAT}"'.encode() in head[:200]


def rows(file: BinaryIO) -> Iterator[tuple[str, Row]]:
    """The rows of a snapshot that was checked, with the names of their parts."""
    for name, text in _Reading(file).rows():
        yield name, Row(text, json.loads(text))


def check(file: BinaryIO, look: Callable[[str, Row], None]) -> Head:
    """Reads all of a file, hands each row to `look`, and answers what it says of itself.

    Raises NotASnapshot, SnapshotNewer, SnapshotCutShort, SnapshotEdited, SnapshotInvalid, TooLarge.
    """
    reading = _Reading(file)
    wrong: SnapshotInvalid | None = None
    for name, text in reading.rows():
        if wrong is None:
            try:
                look(name, Row(text, _parsed(name, reading.counts[name], text)))
            except SnapshotInvalid as error:
                wrong = error  # what was edited is told as such, so the digests come first
    head = reading.head()
    if wrong is not None:
        raise wrong
    return head


def _parsed(part: str, place: int, text: str) -> dict[str, Any]:
    """A row. Raises SnapshotInvalid for what a database could not hold."""
    try:
        value = json.loads(text, parse_constant=_refused)
        if "\\u" in text:
            _check_characters(value)
    except (ValueError, RecursionError):
        raise invalid(part, place, "it is no line of JSON, or holds what is no character") from None
    if not isinstance(value, dict):
        raise invalid(part, place, "it is no object")
    return value


def _check_characters(value: object) -> None:
    """Raises ValueError for half a surrogate pair and for the character 0, which escapes can name."""
    if isinstance(value, str):
        value.encode()
        if "\0" in value:
            raise ValueError(value)
    elif isinstance(value, dict):
        for name, each in value.items():
            _check_characters(name)
            _check_characters(each)
    elif isinstance(value, list):
        for each in value:
            _check_characters(each)


def _refused(name: str) -> NoReturn:
    raise ValueError(name)


def invalid(part: str, place: int | None, reason: str) -> SnapshotInvalid:
    """What is wrong with a row (counted from 1) of a part."""
    where = f"parts.{part}" + ("" if place is None else f"[{place - 1}]")
    return SnapshotInvalid(part=part, reason=reason, fields=[FieldError(where, reason)])


def _edited(what: str, path: str) -> SnapshotEdited:
    return SnapshotEdited(what=what, fields=[FieldError(path, "as it was when it was signed")])


class _Reading:
    """A pass over the file, line by line."""

    def __init__(self, file: BinaryIO) -> None:
        file.seek(0)
        self._file = file
        self._whole = hashlib.sha256()
        self.counts: dict[str, int] = {}
        self._found: dict[str, dict[str, Any]] = {}
        self._head: dict[str, Any] = {}
        self._place = "in its head"

    def rows(self) -> Iterator[tuple[str, str]]:
        """(part, text of the row), in the order of the file."""
        self._begin()
        order = list(PARTS)
        while (name := self._part_name()) is not None:
            if name not in order:
                self._unknown(name)
            order = order[order.index(name) + 1 :]
            digest = hashlib.sha256()
            self.counts[name] = 0
            for text in self._rows_of(name):
                self.counts[name] += 1
                digest.update(text + b"\n")
                yield name, _decoded(text, name, self.counts[name])
            self._found[name] = {"rows": self.counts[name], "sha256": digest.hexdigest()}

    def head(self) -> Head:
        """What stands behind the parts and in the head, checked against what was read."""
        self._place = "before its end"
        digests = self._field("digests")
        content = self._field("content_sha256")
        if not isinstance(digests, dict):
            raise _edited("its digests are none", "digests")
        for name, found in self._found.items():
            if digests.get(name) != found:
                raise _edited(f"its part {name} is not what it was", f"parts.{name}")
        if set(digests) != set(self._found):
            missing = ", ".join(sorted(set(digests) - set(self._found)))
            raise _edited(f"parts are missing: {missing}", "parts")
        digest = self._whole.digest()
        line = self._line()
        fingerprint = keys.verified(self._signature(line), digest)
        if fingerprint is None or content != content_digest(self._found):
            raise _edited("its signature does not fit its head or its end", "signature")
        if self._file.read(1):
            raise _edited("something follows its signature", "signature")
        return self._checked(fingerprint, str(content))

    def _checked(self, fingerprint: str, content: str) -> Head:
        try:
            made_at = datetime.fromisoformat(self._head["made_at"])
            avatar_id = uuid.UUID(self._head["avatar_id"])
            if made_at.tzinfo is None:
                raise ValueError("a time without offset")
        except (KeyError, TypeError, ValueError):
            raise NotASnapshot(reason="its head does not say when and of whom it was made") from None
        return Head(self._head["version"], made_at, avatar_id, fingerprint, content, dict(self.counts))

    def _begin(self) -> None:
        first = self._file.readline(_HEAD_BYTES)
        if not first.lstrip().startswith(b"{") or not looks_like_one(first + self._file.read(200)):
            raise NotASnapshot(reason=f'it does not begin with {{"format": "{FORMAT}"')
        self._file.seek(len(first))
        self._whole.update(first)
        self._check_version(first)
        if not first.endswith(b'"parts": {\n'):
            if not first.endswith(b"\n"):
                self._cut()
            raise _edited("its lines were laid out anew", "head")
        try:
            self._head = json.loads(first[: -len(b', "parts": {\n')] + b"}")
        except (ValueError, RecursionError):
            raise NotASnapshot(reason="its head is no JSON") from None
        if self._head.get("format") != FORMAT or type(self._head.get("version")) is not int:
            raise NotASnapshot(reason="its head names another format, or no version")

    def _check_version(self, first: bytes) -> None:
        """A newer version may be laid out in any way: its number is looked for before anything else."""
        _, _, behind = first.partition(b'"version":')
        number = behind.lstrip()[:10].split(b",")[0].split(b"}")[0].strip()
        if number.isdigit() and int(number) > VERSION:
            raise SnapshotNewer(what=f"version {int(number)}", known=VERSION)

    def _unknown(self, name: str) -> NoReturn:
        if name in self.counts:
            raise _edited(f"its part {name} comes twice", f"parts.{name}")
        if name in PARTS:
            raise _edited(f"its part {name} is not in its place", f"parts.{name}")
        while not (line := self._line()).startswith(_SIGNATURE):
            self._whole.update(line)
        if keys.verified(self._signature(line), self._whole.digest()) is None:
            raise _edited(f"a part is called {name[:40]!r}", "parts")
        raise SnapshotNewer(what=f"it has a part {name[:40]!r}", known=VERSION)

    def _part_name(self) -> str | None:
        line = self._line(counted=True)
        if line == b"},\n":
            return None
        name, _, rest = line.partition(b": ")
        if rest not in (b"[\n",) or len(name) < 3:
            raise _edited("its lines were laid out anew", "parts")
        return name.strip(b'"').decode(errors="replace")

    def _rows_of(self, name: str) -> Iterator[bytes]:
        """The rows of a part, without what divides them."""
        self._place = f"in its part {name}"
        while True:
            line = self._line(counted=True)
            if line in (b"],\n", b"]\n"):
                return
            yield line.rstrip(b"\n").removesuffix(b",")

    def _field(self, name: str) -> Any:
        line = self._line(counted=True)
        begin = f'"{name}": '.encode()
        try:
            if not line.startswith(begin):
                raise ValueError(name)
            return json.loads(line[len(begin) :].rstrip(b"\n").removesuffix(b","))
        except (ValueError, RecursionError):
            raise _edited(f"its {name} cannot be read", name) from None

    def _signature(self, line: bytes) -> dict[str, Any]:
        try:
            value = json.loads(line.removeprefix(_SIGNATURE).rstrip(b"\n").removesuffix(b"}"))
        except (ValueError, RecursionError):
            value = None
        if not line.startswith(_SIGNATURE) or not isinstance(value, dict):
            raise _edited("its signature cannot be read", "signature")
        return value

    def _line(self, *, counted: bool = False) -> bytes:
        """The next line. Raises SnapshotCutShort where the file ends before, TooLarge."""
        line = self._file.readline(MOST_LINE_BYTES + 1)
        if len(line) > MOST_LINE_BYTES:
            raise TooLarge(what="line of the snapshot", size="more", limit=f"{MOST_LINE_BYTES} bytes")
        if not line.endswith(b"\n"):
            self._cut()
        if counted:
            self._whole.update(line)
        return line

    def _cut(self) -> NoReturn:
        raise SnapshotCutShort(where=self._place, fields=[FieldError("file", "the whole file")])


def _decoded(text: bytes, part: str, place: int) -> str:
    try:
        return text.decode()
    except UnicodeDecodeError:
        raise _edited(f"its part {part} is no UTF-8 at row {place}", f"parts.{part}") from None

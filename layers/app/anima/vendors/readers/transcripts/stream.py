"""JSON read piece by piece: the elements of an array one after the other, in a memory that one of them needs."""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Callable, Iterator
from json import JSONDecodeError
from typing import IO, Any

from anima.vendors.readers.errors import TooMuch
from anima.vendors.readers.transcripts.errors import NotATranscript, TranscriptDamaged

ELEMENT_CHARS = 200_000_000
"""The longest element: a conversation, or a turn where turns are the elements."""
_PIECE_BYTES = 1 << 20
_NEAR_END = 16  # an escape or a literal may be cut there
_BLANKS = re.compile(r"[ \t\r\n]*")
_NUMBER_GOES_ON = re.compile(r"(?:\.|[eE][+-]?)?\Z")  # after a number that was cut there, or at its very end
_Progress = Callable[[int], None]


class Text:
    """The text of a stream with a place in it; it holds what was not taken yet."""

    def __init__(self, stream: IO[bytes], progress: _Progress) -> None:
        self._stream = stream
        self._progress = progress
        self._decode = codecs.getincrementaldecoder("utf-8-sig")("strict").decode
        self._decoder = json.JSONDecoder(strict=False)
        self._held, self._at, self._read = "", 0, 0
        self._ended = False

    def peek(self) -> str:
        """The next character that is no blank; empty at the end."""
        while True:
            self._at = _BLANKS.match(self._held, self._at).end()  # type: ignore[union-attr] # it matches nothing too
            if self._at < len(self._held):
                return self._held[self._at]
            if not self._more():
                return ""

    def take(self, wanted: str) -> None:
        """Passes one character. Raises TranscriptDamaged where it is not there."""
        if self.peek() != wanted:
            what = "it ends in the middle" if not self.peek() else f"there is no {wanted!r} where one belongs"
            raise TranscriptDamaged(reason=what)
        self._at += 1

    def value(self) -> Any:
        """The next value, whole. Raises TranscriptDamaged, TooMuch."""
        self.peek()
        wanted = 2 * _PIECE_BYTES
        while True:
            try:
                found, end = self._decoder.raw_decode(self._held, self._at)
                if not _NUMBER_GOES_ON.match(self._held, end) or not self._more():
                    self._at = end
                    return found
            except JSONDecodeError as error:
                self._fail_unless_cut(error)
            except ValueError:  # a number of thousands of digits
                raise TranscriptDamaged(reason="it holds a number that is too long") from None
            except RecursionError:
                raise TooMuch(reason="it is nested too deeply") from None
            wanted = self._grown(wanted)

    def _fail_unless_cut(self, error: JSONDecodeError) -> None:
        cut = error.msg.startswith("Unterminated string") or error.pos >= len(self._held) - _NEAR_END
        if not cut or (self._ended and not self._more()):
            what = "it ends in the middle" if cut else "it is not JSON from some place on"
            raise TranscriptDamaged(reason=what) from None

    def _grown(self, wanted: int) -> int:
        """Reads so much that a long value is tried only a few times."""
        if len(self._held) - self._at > ELEMENT_CHARS:
            raise TooMuch(reason="one conversation in it is too long")
        while len(self._held) - self._at < wanted and self._more():
            pass
        return wanted * 2

    def _more(self) -> bool:
        if self._ended:
            return False
        data = self._stream.read(_PIECE_BYTES)
        self._ended = not data
        self._read += len(data)
        try:
            text = self._decode(data, final=self._ended)
        except UnicodeDecodeError:
            raise TranscriptDamaged(reason="it is not UTF-8") from None
        self._held, self._at = self._held[self._at :] + text, 0
        self._progress(self._read)
        return bool(data)


def elements(text: Text) -> Iterator[Any]:
    """The elements of the array that begins here. Raises TranscriptDamaged for one that does not end."""
    text.take("[")
    if text.peek() == "]":
        text.take("]")
        return
    while True:
        yield text.value()
        if text.peek() != ",":
            break
        text.take(",")
    text.take("]")


def members(text: Text, streamed: str) -> Iterator[tuple[str, Any]]:
    """The members of the object that begins here; those of the array under `streamed` singly, as "name[]"."""
    text.take("{")
    while text.peek() == '"':
        name = text.value()
        text.take(":")
        if name == streamed and text.peek() == "[":
            for each in elements(text):
                yield f"{name}[]", each
        else:
            yield name, text.value()
        if text.peek() != ",":
            break
        text.take(",")
    text.take("}")


def ended(text: Text) -> None:
    """Raises TranscriptDamaged where something follows what should be all."""
    if text.peek():
        raise TranscriptDamaged(reason="something follows its end")


def opened(stream: IO[bytes], progress: _Progress) -> Text:
    """Raises NotATranscript for what is neither an object nor an array."""
    text = Text(stream, progress)
    if text.peek() not in ("{", "["):
        raise NotATranscript(reason="it is not JSON of an object or an array")
    return text

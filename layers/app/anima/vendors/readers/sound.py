"""Speech in audio and video: utterances with their seconds, transcribed by a local model while the file is decoded."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from anima.vendors.readers import track, whisper
from anima.vendors.readers.media import MediaUnavailable, installed
from anima.vendors.readers.model import Block, Item, Limits, Place, Progress, Unread

NO_TRACK = "it has no sound track"
NO_SPEECH = "no speech was found in it"
NOT_UNDERSTOOD = "there is speech that was not understood"
DAMAGED = "the sound is damaged there"

# Measured with tiny.en: English, also spoken by a machine, comes to -0.4 to -0.75, languages that it does not know to
# -0.95 and less (Whisper itself gives up below -1).
_LEAST_LOGPROB = -0.9
# Half a minute whose text compresses better is a phrase that the model repeats and nobody says; four sentences that
# come twice are at 2.9.
_MOST_COMPRESSION = 4.0


@dataclass(slots=True)
class _Missed:
    """Seconds of speech that follow each other and were not understood."""

    first: float
    last: float

    def unread(self) -> Unread:
        return Unread(f"seconds {self.first:.0f} to {self.last:.0f}", NOT_UNDERSTOOD)


def read(path: Path, _limits: Limits | None = None, start: float = 0.0) -> Iterator[Item]:
    """What is said in an audio or video file, from second `start` on; memory and steps do not grow with its length.

    The weights of the model are fetched first, where they are not here (progress in bytes). Raises Unreadable,
    TooMuch, MediaUnavailable, and AssetUnavailable where the weights cannot be had.
    """
    if not installed("faster_whisper", "av"):
        raise MediaUnavailable(medium="audio and video")
    opened = track.open_track(path)
    if opened is None:
        yield Unread("sound", NO_TRACK)
        return
    with closing(opened):
        yield from whisper.prepare()
        yield from _told(opened, start)


def _told(opened: track.Track, start: float) -> Iterator[Item]:
    total = None if opened.seconds is None else round(opened.seconds)
    anything = start > 0
    for window in opened.windows(start):
        for item in _heard(window):
            anything = anything or not isinstance(item, Progress)
            yield item
            if isinstance(item, Block) and item.place.second_end is not None:
                yield Progress(int(item.place.second_end), total, "seconds")
        if window.damaged:
            anything = True
            yield Unread(f"sound after second {window.end:.0f}", DAMAGED)
        yield Progress(int(window.end), total, "seconds")
    if not anything:
        yield Unread("sound", NO_SPEECH)


def _heard(window: track.Window) -> Iterator[Item]:
    missed: _Missed | None = None
    for said in whisper.utterances(window.samples):
        first, last = window.second + said.start, min(window.second + said.end, window.end)
        if said.avg_logprob < _LEAST_LOGPROB or said.compression_ratio > _MOST_COMPRESSION:
            missed = _Missed(missed.first if missed else first, last)
            continue
        if missed:
            yield missed.unread()
            missed = None
        if text := said.text.strip():
            yield Block(text, place=Place(second=round(first, 2), second_end=round(last, 2)), joint=" ")
    if missed:
        yield missed.unread()

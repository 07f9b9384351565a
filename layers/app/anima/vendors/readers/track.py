"""The sound track of an audio or video file: decoded piece by piece into what a speech model hears."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from anima.vendors.readers.errors import TooMuch, Unreadable

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

RATE = 16_000
"""Samples a second."""
MAX_SECONDS = 24 * 3600

# Demuxers of files that hold their own sound. Playlists (HLS, concat …) name other files and addresses: never opened.
_FORMATS = (
    "aac,ac3,aiff,amr,ape,asf,au,avi,caf,dts,eac3,flac,flv,gsm,matroska,mov,mp3,mpc,mpc8,mpeg,mpegts,mpegvideo,"
    "nut,ogg,oma,rm,tta,voc,w64,wav,wv,xwma"
)
_WINDOW_SECONDS = 240
_SEARCHED_SECONDS = 30
_GRAIN = RATE // 10
_SPARE_SECONDS = 2
_MOST_BROKEN = 500


@dataclass(frozen=True, slots=True)
class Window:
    """Some minutes of sound from `second` on: float32 between -1 and 1, one channel, RATE samples a second."""

    second: float
    samples: NDArray[np.float32]
    damaged: bool = False
    """Whether what would follow cannot be decoded."""

    @property
    def end(self) -> float:
        """The second at which it ends."""
        return self.second + len(self.samples) / RATE


class Track:
    """The first sound track of a file; a file without one is refused by `open`."""

    def __init__(self, container: Any, file: IO[bytes]) -> None:
        self._container = container
        self._file = file
        self._stream = container.streams.audio[0]
        self._broken = 0

    @property
    def seconds(self) -> float | None:
        """How long it is, where the file says so."""
        if self._stream.duration is not None and self._stream.time_base is not None:
            return float(self._stream.duration * self._stream.time_base)
        return self._container.duration / 1_000_000 if self._container.duration else None

    def close(self) -> None:
        """Closes the file."""
        self._container.close()
        self._file.close()

    def windows(self, start: float = 0.0) -> Iterator[Window]:
        """The sound from second `start` on, in windows that end where it is quiet; never more than one in memory."""
        import numpy as np

        held: list[NDArray[np.float32]] = []
        count, second = 0, start
        for at, piece in self._pieces():
            if at < start:
                continue
            held.append(piece)
            count += len(piece)
            if count >= _WINDOW_SECONDS * RATE:
                whole = np.concatenate(held)
                cut = _quiet(whole)
                yield Window(second, whole[:cut])
                held, count = [whole[cut:]], len(whole) - cut
                second += cut / RATE
        rest = Window(second, np.concatenate(held) if held else np.zeros(0, np.float32))
        missing = self.seconds is None or rest.end < self.seconds - _SPARE_SECONDS
        yield replace(rest, damaged=self._broken > 0 and missing)

    def _pieces(self) -> Iterator[tuple[float, NDArray[np.float32]]]:
        """Pieces as they are decoded, each with the second at which it begins."""
        import numpy as np

        resampler = _resampler()
        done = 0
        for frame in self._frames():
            try:
                resampled = resampler.resample(frame)
            except ValueError:  # from here on it has other channels, or another rate
                resampler = _resampler()
                resampled = resampler.resample(frame)
            for small in resampled:
                samples = small.to_ndarray().reshape(-1).astype(np.float32) / 32768.0
                yield done / RATE, samples
                done += len(samples)

    def _frames(self) -> Iterator[Any]:
        """Frames of sound; broken ones are passed over unless too many follow each other. A last None ends them."""
        import av

        packets = self._container.demux(self._stream)
        while self._broken < _MOST_BROKEN:
            try:
                frames = next(packets).decode()
            except StopIteration:
                break
            except av.FFmpegError:
                self._broken += 1
                continue
            for frame in frames:
                self._broken = 0
                frame.pts = None  # the samples are counted: times of damaged files cannot be trusted
                yield frame
        yield None


def _resampler() -> Any:
    from av.audio.resampler import AudioResampler

    return AudioResampler(format="s16", layout="mono", rate=RATE)


def _quiet(samples: NDArray[np.float32]) -> int:
    """Where, in the last half minute, it is quietest: no word is cut there."""
    import numpy as np

    first = len(samples) - _SEARCHED_SECONDS * RATE
    grains = samples[first : first + _SEARCHED_SECONDS * RATE].reshape(-1, _GRAIN)
    loudness = np.convolve(np.square(grains).mean(axis=1), np.ones(5) / 5, mode="same")
    return int(first + (int(loudness[2:-2].argmin()) + 2) * _GRAIN + _GRAIN // 2)


def open_track(path: Path) -> Track | None:
    """The sound track of a file, to be closed; None where it has none. Raises Unreadable, TooMuch."""
    import av

    file = path.open("rb")
    try:
        # a file object: no name for a demuxer to look beside
        container = av.open(
            file, metadata_errors="ignore", options={"format_whitelist": _FORMATS, "protocol_whitelist": "file"}
        )
    except (av.FFmpegError, ValueError) as error:
        file.close()
        raise Unreadable(reason="the sound or video is damaged, or of a format that is not known") from error
    if not container.streams.audio:
        container.close()
        file.close()
        return None
    track = Track(container, file)
    if (seconds := track.seconds) is not None and seconds > MAX_SECONDS:
        track.close()
        raise TooMuch(reason=f"it is {seconds / 3600:.0f} hours long; {MAX_SECONDS // 3600} are read")
    return track

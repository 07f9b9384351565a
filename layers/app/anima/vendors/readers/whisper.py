"""The local speech model: OpenAI's Whisper in the form of faster-whisper, its weights fetched when first needed."""

from __future__ import annotations

import os
import queue
import threading
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from anima.kernel.config import BadSettings, settings
from anima.vendors import assets
from anima.vendors.readers.model import Progress

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

ASSETS = assets.SPEECH
_MOST_THREADS = 4


class _Abandoned(Exception):
    """Nobody waits for the weights any more."""


class _Told:
    """Hears from the download, in its thread, and passes it on."""

    def __init__(self, heard: queue.SimpleQueue[Any]) -> None:
        self._heard = heard
        self.abandoned = threading.Event()

    def update(self, name: str, done: int, total: int | None) -> None:
        """Passes on how far the weights are, which are nearly all of it; raises where nobody listens any more."""
        if self.abandoned.is_set():
            raise _Abandoned
        if name == ASSETS[0]:
            self._heard.put(Progress(done, total, "bytes"))

    def note(self, message: str) -> None:
        """What a person at a console would read is left out: the error at the end says it all."""


def prepare() -> Iterator[Progress]:
    """Fetches what of the model is not here, and says how far it is.

    Raises AssetUnavailable where no source has it, NotEnoughDisk, and BadSettings where the settings name a folder that
    holds none. What came stays, also when this is closed midway.
    """
    if (own := settings().whisper_model) is not None:
        if not all((own / name).is_file() for name in ("model.bin", "config.json", "tokenizer.json")):
            raise BadSettings(reason=f"ANIMA_WHISPER_MODEL: {own} holds no model.bin, config.json and tokenizer.json")
        return
    if all(assets.is_present(name) for name in ASSETS):
        return
    heard: queue.SimpleQueue[Any] = queue.SimpleQueue()
    told = _Told(heard)
    threading.Thread(target=_fetch, args=(told, heard), name="whisper-weights", daemon=True).start()
    try:
        while (item := heard.get()) is not None:
            if isinstance(item, Exception):
                raise item
            yield item
    finally:
        told.abandoned.set()


def _fetch(told: _Told, heard: queue.SimpleQueue[Any]) -> None:
    try:
        for name in ASSETS:
            assets.ensure(name, told)
        heard.put(None)
    except Exception as error:  # raised again where the download was asked for
        heard.put(error)


def folder() -> Path:
    """Where the model lies, or will."""
    return settings().whisper_model or assets.path_of(ASSETS[0]).parent


@lru_cache(maxsize=1)
def _loaded(place: Path) -> Any:
    from faster_whisper import WhisperModel

    threads = min(_MOST_THREADS, os.cpu_count() or 1)
    # a folder that is complete: nothing is looked up in any hub
    return WhisperModel(str(place), device="cpu", compute_type="int8", cpu_threads=threads, local_files_only=True)


def utterances(samples: NDArray[np.float32]) -> Iterator[Any]:
    """What is said in a window of sound (float32, 16 kHz), as faster-whisper's segments: start, end, text, avg_logprob.

    What is not speech is left out before (Silero VAD). At temperature 0 only, so that the same sound gives the same
    text; a model of many languages finds out the language of each window.
    """
    segments, _ = _loaded(folder()).transcribe(
        samples, vad_filter=True, temperature=0.0, condition_on_previous_text=False, without_timestamps=False
    )
    yield from segments

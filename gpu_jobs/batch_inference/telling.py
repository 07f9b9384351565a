"""What a job says while it works: a heartbeat on standard output, and numbers of its run where there is one."""

from __future__ import annotations

import json
import time
import uuid
from collections import deque
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from anima.kernel.errors import AnimaError

from .journal import Counted

if TYPE_CHECKING:
    from anima.inference.session_model import Measured
    from anima.registry.run_service import Run

_BEAT_SECONDS, _LONGEST_SILENCE = 1.0, 10.0
_LOG_SECONDS = 5.0
_MOST_MEASURED = 5000


def lost(error: AnimaError) -> None:
    """Says that numbers could not be entered."""
    print(json.dumps({"metrics_lost": error.slug}), flush=True)


@dataclass(slots=True)
class Teller:
    """Tells at most every second, and at least every ten. What cannot be entered in the database is left out."""

    of: int
    counted: Counted
    run: Run | None = None
    session: tuple[Any, uuid.UUID] | None = None
    _began: float = field(default_factory=time.monotonic)
    _beat_at: float = 0.0
    _logged_at: float = 0.0
    _told: int = -1
    _tokens_before: int = 0
    _measured: deque[Measured] = field(default_factory=deque)

    def __post_init__(self) -> None:
        self._tokens_before = self.tokens

    @property
    def tokens(self) -> int:
        """Read and written by the engine, for all lines."""
        return self.counted.prompt_tokens + self.counted.completion_tokens

    def numbers(self) -> dict[str, Any]:
        """The heartbeat: what all processes of the job have done, and how fast this one is."""
        counted, seconds = self.counted, max(time.monotonic() - self._began, 1e-6)
        return {
            "step": counted.done,
            "of": self.of,
            "tokens": self.tokens,
            "tokens_per_second": round((self.tokens - self._tokens_before) / seconds, 1),
            "cache_hits": counted.cache_hits,
            "cache_saved_tokens": counted.cache_saved_tokens,
            "failed": counted.failed,
        }

    def answered(self, seconds: float, tokens: int) -> None:
        """Takes one answer of the engine in."""
        if self.session is not None and len(self._measured) < _MOST_MEASURED:
            from anima.inference.session_model import Measured

            rate = tokens / seconds if seconds > 0 else None
            self._measured.append(Measured(seconds * 1000, None, rate, None, tokens, 0, 1))

    def beat(self, *, last: bool = False) -> None:
        """Tells where the job is, if it is time to, or anyhow (`last`)."""
        now = time.monotonic()
        news = self.counted.done != self._told and now - self._beat_at >= _BEAT_SECONDS
        if last or news or now - self._beat_at >= _LONGEST_SILENCE:
            self._beat_at, self._told = now, self.counted.done
            print(json.dumps(self.numbers()), flush=True)
        if last or now - self._logged_at >= _LOG_SECONDS:
            self._logged_at = now
            self._log(flush=last)

    def _log(self, *, flush: bool) -> None:
        try:
            if self.run is not None:
                numbers = self.numbers()
                self.run.log(numbers.pop("step"), **{name: float(value) for name, value in numbers.items()})
                if flush:
                    self.run.flush()
            if self.session is not None and self._measured:
                from anima.inference import metrics_service

                measured = [self._measured.popleft() for _ in range(len(self._measured))]
                metrics_service.record(*self.session, measured)
        except AnimaError as error:  # the answers are what counts
            lost(error)
            self.run = self.session = None

    def totals(self) -> dict[str, Any]:
        """For the result of the job."""
        return {**self.numbers(), **asdict(self.counted), "seconds": round(time.monotonic() - self._began, 3)}

"""When a call is made again, and after how long: only what does no harm twice, with jitter, as asked by Retry-After."""

from __future__ import annotations

import random
from dataclasses import dataclass

from anima.client.call import Call
from anima.client.errors import ApiError, BudgetExceeded, StillRunning
from anima.kernel.errors import AnimaError

_WORTH_IT = frozenset({408, 425, 429, 500, 502, 503, 504})


@dataclass(frozen=True, slots=True)
class Retries:
    """How often and how long: seconds double from `first` to `most`, each cut by chance to between half and whole.

    A service that asks for a longer wait than `patience` seconds is not waited for: its error is raised.
    """

    attempts: int = 4
    first: float = 0.5
    most: float = 8.0
    patience: float = 30.0


NONE = Retries(attempts=1)


class Attempts:
    """The attempts at one call."""

    def __init__(self, policy: Retries, call: Call) -> None:
        self._policy, self._call, self._made = policy, call, 0

    def after(self, error: AnimaError, *, sent: bool = True) -> float:
        """Seconds to wait before the next attempt; `sent` is false where nothing can have arrived.

        Raises the error where there is no next one.
        """
        self._made += 1
        wait = self._wait(error)
        harmless = self._call.repeatable or not sent
        if not harmless or not _temporary(error) or self._made >= self._policy.attempts or wait > self._policy.patience:
            raise error
        return wait

    def _wait(self, error: AnimaError) -> float:
        if error.retry_after is not None:
            return error.retry_after + random.uniform(0, 0.25)  # noqa: S311
        longest = min(self._policy.most, self._policy.first * 2.0 ** (self._made - 1))
        return random.uniform(longest / 2, longest)  # noqa: S311


def _temporary(error: AnimaError) -> bool:
    if isinstance(error, BudgetExceeded):
        return False
    if isinstance(error, ApiError):
        return isinstance(error, StillRunning) or error.problem.status in _WORTH_IT
    return error.slug == "connection-failed"

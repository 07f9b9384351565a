"""A plain change-point detector, and one that knows: what the reset by neuromodulation is measured against."""

from __future__ import annotations

from collections.abc import Callable, Sequence

Alarm = Callable[[int, float, bool, float], bool]
"""Asked after each step with (step, reward, whether an episode ended, the step's error): whether the world changed."""


class PageHinkley:
    """The test of Page (1954) and Hinkley (1971) for a fall of the mean.

    m_t is the sum of (x − mean_t + slack); an alarm is raised once m_t lies by more than `threshold` below its highest,
    and all starts anew. Nothing is raised before `least` values.
    """

    def __init__(self, threshold: float, slack: float = 0.0, least: int = 10) -> None:
        if threshold <= 0 or slack < 0 or least < 1:
            raise ValueError("threshold above 0, slack not below 0, least 1 or more")
        self.threshold, self.slack, self.least = threshold, slack, least
        self._anew()

    def saw(self, value: float) -> bool:
        """Takes one value; whether the mean has fallen."""
        self._count += 1
        self._mean += (value - self._mean) / self._count
        self._sum += value - self._mean + self.slack
        self._highest = max(self._highest, self._sum)
        fallen = self._count >= self.least and self._highest - self._sum > self.threshold
        if fallen:
            self._anew()
        return fallen

    def _anew(self) -> None:
        self._count, self._mean, self._sum, self._highest = 0, 0.0, 0.0, 0.0


def of_returns(detector: PageHinkley) -> Alarm:
    """An alarm where episodes' returns fall."""
    total = 0.0

    def alarm(_step: int, reward: float, ended: bool, _error: float) -> bool:
        nonlocal total
        total += reward
        if not ended:
            return False
        whole, total = total, 0.0
        return detector.saw(whole)

    return alarm


def of_errors(detector: PageHinkley) -> Alarm:
    """An alarm where the size of the error of prediction rises."""
    return lambda _step, _reward, _ended, error: detector.saw(-abs(error))


def resting(alarm: Alarm, steps: int) -> Alarm:
    """The same, but silent for so many steps after each alarm."""
    until = -1

    def rested(step: int, reward: float, ended: bool, error: float) -> bool:
        nonlocal until
        raised = alarm(step, reward, ended, error) and step >= until
        if raised:
            until = step + steps
        return raised

    return rested


def oracle(changes: Sequence[int]) -> Alarm:
    """An alarm at the very steps at which the world changes."""
    known = frozenset(changes)
    return lambda step, _reward, _ended, _error: step in known

"""What is declared of a modulator and of what it does: numbers, no code, so that a new one is configuration."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class Modulator:
    """A modulator. Concentrations are in nM, times in seconds.

    `baseline` is where it comes to rest, `maximum` the most there can be, `release` what a second of drive 1 adds,
    `clearance` (Vmax, nM/s) and `affinity` (Km, nM) how it is taken up; `half_effect` (EC50, nM) and `slope` (Hill's n)
    how receptors respond. Raises ValueError where these make no sense.
    """

    name: str
    baseline: float
    maximum: float
    release: float
    clearance: float
    affinity: float
    half_effect: float
    slope: float = 1.0

    def __post_init__(self) -> None:
        numbers = (self.release, self.clearance, self.affinity, self.half_effect, self.slope)
        if not all(math.isfinite(number) and number > 0 for number in numbers):
            raise ValueError(f"{self.name}: release, clearance, affinity, half_effect and slope are above 0")
        if not 0.0 < self.baseline < self.maximum < math.inf:
            raise ValueError(f"{self.name}: the baseline lies between 0 and the maximum")

    @property
    def tonic(self) -> float:
        """R0 (nM/s): the release that holds the baseline, Vmax·C0/(Km + C0)."""
        return self.clearance * self.baseline / (self.affinity + self.baseline)

    @property
    def half_life(self) -> float:
        """Seconds in which a small deviation from the baseline halves: ln 2 · (Km + C0)²/(Vmax·Km)."""
        return math.log(2.0) * (self.affinity + self.baseline) ** 2 / (self.clearance * self.affinity)

    def lasting(self, half_life: float) -> Modulator:
        """The same with a clearance by which a small deviation halves in so many seconds."""
        wanted = math.log(2.0) * (self.affinity + self.baseline) ** 2 / (half_life * self.affinity)
        return replace(self, clearance=wanted)

    def resting_at(self, baseline: float) -> Modulator:
        """The same with another baseline, and what release holds it."""
        return replace(self, baseline=baseline)


@dataclass(frozen=True, slots=True)
class Effect:
    """What a modulator does to a target: 1 at its baseline, moved by `gain`, never above `cap` nor below `floor`."""

    modulator: str
    target: str
    gain: float
    cap: float = math.inf
    floor: float = 0.0


@dataclass(frozen=True, slots=True)
class Profile(Mapping[str, Modulator]):
    """Modulators in an order, and their effects. Raises ValueError for two of one name, or effects of none of them."""

    name: str
    modulators: tuple[Modulator, ...]
    effects: tuple[Effect, ...] = ()

    def __post_init__(self) -> None:
        names = [each.name for each in self.modulators]
        if len(set(names)) != len(names):
            raise ValueError(f"{self.name}: a modulator is there twice")
        if unknown := {each.modulator for each in self.effects} - set(names):
            raise ValueError(f"{self.name}: effects of {', '.join(sorted(unknown))}, which it does not have")

    def __getitem__(self, name: str) -> Modulator:
        for each in self.modulators:
            if each.name == name:
                return each
        raise KeyError(name)

    def __iter__(self) -> Iterator[str]:
        return (each.name for each in self.modulators)

    def __len__(self) -> int:
        return len(self.modulators)

    def plus(self, modulator: Modulator, *effects: Effect) -> Profile:
        """The profile with one more modulator and its effects."""
        return replace(self, modulators=(*self.modulators, modulator), effects=(*self.effects, *effects))

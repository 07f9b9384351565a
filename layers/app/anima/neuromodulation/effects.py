"""What concentrations do: receptors respond by Hill's equation, and an effect is a declared function of it. Pure.

Hill, J. Physiol. 40 (1910). That norepinephrine works as a gain: Servan-Schreiber, Printz & Cohen, Science 249 (1990);
Aston-Jones & Cohen, Annu. Rev. Neurosci. 28 (2005).
"""

from __future__ import annotations

from anima.neuromodulation.model import Effect, Modulator, Profile


def hill(c: float, half_effect: float, slope: float = 1.0) -> float:
    """Hⁿ(C) = Cⁿ/(Cⁿ + EC50ⁿ): the share (0-1) of receptors that respond at a concentration (nM)."""
    if c <= 0.0:
        return 0.0
    below = c < half_effect
    raised = float(((c / half_effect) if below else (half_effect / c)) ** slope)  # at most 1: nothing overflows
    return raised / (1.0 + raised) if below else 1.0 / (1.0 + raised)


def deviation(modulator: Modulator, c: float) -> float:
    """How far receptors are from what they do at the baseline: 0 there, -1 without any of it, 1 at the maximum."""
    now, rest, most = (_response(modulator, each) for each in (c, modulator.baseline, modulator.maximum))
    return (now - rest) / (most - rest) if now >= rest else (now - rest) / rest


def level(modulator: Modulator, c: float) -> float:
    """The same as a share: 0 without any of it, 0.5 at the baseline, 1 at the maximum."""
    return min(1.0, max(0.0, 0.5 + 0.5 * deviation(modulator, c)))


def effect(declared: Effect, profile: Profile, c: float) -> float:
    """The factor by which a modulator moves its target at a concentration (nM): 1 at the baseline."""
    moved = 1.0 + declared.gain * deviation(profile[declared.modulator], c)
    return min(declared.cap, max(declared.floor, moved))


def _response(modulator: Modulator, c: float) -> float:
    return hill(c, modulator.half_effect, modulator.slope)

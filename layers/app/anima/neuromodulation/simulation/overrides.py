"""What of the environment of the process wins over a simulation file: MODE, MAX_STEPS, SEED."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from anima.neuromodulation.simulation.faults import Fault
from anima.neuromodulation.simulation.sections import MOST_STEPS

MODES = ("MAX", "STANDARD", "BOUNDED_MAX")
_RANGES = {"MAX_STEPS": (1, MOST_STEPS), "SEED": (0, 2**63 - 1)}


def overridden(given: dict[str, Any], environment: Mapping[str, str], faults: list[Fault]) -> dict[str, Any]:
    """The object with what the environment says; empty variables say nothing. What is wrong goes into `faults`."""
    said: dict[str, Any] = {}
    if mode := environment.get("MODE", "").strip():
        said["mode"] = _mode(mode, faults)
    for name in _RANGES:
        if words := environment.get(name, "").strip():
            said[name.lower()] = _number(name, words, faults)
    settings = given.get("global_settings", {})
    if not said or not isinstance(settings, dict):
        return given
    return {
        **given,
        "global_settings": {**settings, **{key: value for key, value in said.items() if value is not None}},
    }


def _mode(words: str, faults: list[Fault]) -> str | None:
    if words.upper() in MODES:
        return words.upper()
    faults.append(Fault("MODE (environment)", f"is {words[:60]!r}", ", ".join(MODES)))
    return None


def _number(name: str, words: str, faults: list[Fault]) -> int | None:
    least, most = _RANGES[name]
    plain = words.replace("_", "")
    fine = len(plain) <= 20 and plain.isascii() and plain.isdigit() and "__" not in words and words.strip("_") == words
    if fine and least <= int(plain) <= most:
        return int(plain)
    faults.append(Fault(f"{name} (environment)", f"is {words[:60]!r}", f"a whole number from {least:,} to {most:,}"))
    return None

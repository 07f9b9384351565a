"""What the sections of a simulation file have to agree on, and what no machine could do; each fault with its path."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import PurePosixPath
from typing import Any

from anima.neuromodulation.drives import SIGNALS
from anima.neuromodulation.learning import PROFILES, STANDARD, Unstable
from anima.neuromodulation.simulation.checks import a_name
from anima.neuromodulation.simulation.faults import Fault
from anima.neuromodulation.simulation.file import Simulation

MOST_REPLAYED_BYTES = 64 << 30
"""What a replay of images may come to."""
MOST_UNITS = 50_000_000
"""Weights of a network of vectors, about."""
LARGE = {"arms": 10_000, "length": 10_000_000, "size": 4_096}
"""Numbers among the arguments of an environment that make arrays of their size."""
TAKEN = frozenset(
    "input output model checkpoints attempts work data log live.jsonl metrics.jsonl record.json knowledge.json".split()
)
"""What lies in the folder of a run beside its record and its log."""
MOST_NUMBER = 1e15
MOST_ITEMS = 10_000

Rule = Callable[[Simulation], Iterator[Fault]]


def inconsistencies(found: Simulation) -> list[Fault]:
    """Every fault between and within sections that can be read."""
    return [fault for rule in _RULES for fault in rule(found)]


def unphysical(found: Simulation) -> list[Fault]:
    """What no model of concentrations can compute, of a file that has no other fault."""
    try:
        found.physics()
    except Unstable as error:
        return [Fault("global_settings.time_step_ms", str(error), "a slower clearance, or another step")]
    except ValueError as error:
        return [Fault("modulators", str(error), "numbers that make sense together")]
    return []


def _modulators(found: Simulation) -> Iterator[Fault]:
    for name, given in found.modulators.items():
        path = f"modulators.{name}"
        try:
            a_name(name)
        except ValueError as error:
            problem, _, wanted = str(error).partition("; ")
            yield Fault(path, problem, wanted)
            continue
        for signal in given.drive.signals if given.drive else ():
            if signal not in SIGNALS:
                yield Fault(f"{path}.drive.signals.{signal}", "is no signal", ", ".join(SIGNALS))
        yield from _numbers(found, name, path)


def _numbers(found: Simulation, name: str, path: str) -> Iterator[Fault]:
    """A modulator's numbers in each mode in which it is described."""
    given = found.modulators[name]
    modes = [mode for mode in PROFILES if getattr(given, mode) is not None]
    if not modes and name not in STANDARD:
        wanted = "an object with baseline_concentration_nM and max_concentration_nM"
        yield Fault(f"{path}.standard", "is missing: a new modulator has to be described", wanted)
    for mode in modes:
        chosen = getattr(given, mode)
        low, high = chosen.baseline, chosen.maximum
        if name not in STANDARD and (low is None or high is None):
            key = "baseline_concentration_nM" if low is None else "max_concentration_nM"
            yield Fault(f"{path}.{mode}.{key}", "is missing: the modulator is a new one", "a number above 0")
            continue
        ready = PROFILES[mode].get(name)
        low = low if low is not None else ready.baseline if ready else 0.0
        high = high if high is not None else ready.maximum if ready else 0.0
        if low >= high:
            key = "max_concentration_nM" if chosen.baseline is None else "baseline_concentration_nM"
            yield Fault(f"{path}.{mode}.{key}", f"leaves {low:g} to {high:g} nM", "a baseline below the maximum")


def _integration(found: Simulation) -> Iterator[Fault]:
    asked, names = found.integration_with_rl, found.names()
    for place, each in enumerate(asked.effects):
        path = f"integration_with_rl.effects[{place}]"
        if each.modulator not in names:
            yield Fault(f"{path}.modulator", f"no modulator is called {each.modulator!r}", ", ".join(names))
        if each.cap is not None and each.cap < each.floor:
            yield Fault(f"{path}.cap", f"is {each.cap:g}, below the floor {each.floor:g}", "a cap not below the floor")
    seen: set[tuple[str, str]] = set()
    for place, each in enumerate(asked.effects):
        if (each.modulator, each.target) in seen:
            wanted = "one effect for each modulator and target"
            yield Fault(f"integration_with_rl.effects[{place}]", "is there twice", wanted)
        seen.add((each.modulator, each.target))
    for place, name in enumerate(asked.without):
        if name not in names:
            path = f"integration_with_rl.without[{place}]"
            yield Fault(path, f"no modulator is called {name!r}", ", ".join(names))


def _agent(found: Simulation) -> Iterator[Fault]:
    plugin = found.rl_plugin
    capacity = min(plugin.replay_buffer_size, found.memory.capacity or plugin.replay_buffer_size)
    if plugin.batch_size > capacity:
        wanted = f"at most the {capacity:,} transitions that are kept"
        yield Fault("rl_plugin.batch_size", f"is {plugin.batch_size:,}", wanted)
    if capacity < plugin.environments * plugin.n_step:
        wanted = f"at least environments times n_step, {plugin.environments * plugin.n_step:,}"
        yield Fault("rl_plugin.replay_buffer_size", f"keeps {capacity:,}", wanted)
    widths = plugin.hidden
    weights = sum(a * b for a, b in pairwise(widths))
    if weights > MOST_UNITS:
        yield Fault("rl_plugin.hidden", f"makes {weights:,} weights", f"{MOST_UNITS:,} at most")
    if plugin.device == "cuda" and plugin.backend == "numpy":
        yield Fault("rl_plugin.device", "is 'cuda', but numpy computes", "cpu or auto, or the backend torch")


def _images(found: Simulation) -> Iterator[Fault]:
    crop, scale = found.corneal_parameters.crop, found.corneal_parameters.scale
    if crop is not None and not all(0 <= each <= 10_000 for each in crop):
        yield Fault("corneal_parameters.crop", f"is {list(crop)}", "four numbers from 0 to 10,000")
    if scale is None:
        return
    if not all(1 <= each <= 1_024 for each in scale):
        yield Fault("corneal_parameters.scale", f"is {list(scale)}", "height and width from 1 to 1,024")
        return
    kept = scale[0] * scale[1] * min(found.rl_plugin.replay_buffer_size, found.memory.capacity or 1 << 62)
    if kept > MOST_REPLAYED_BYTES:
        wanted = f"at most {MOST_REPLAYED_BYTES >> 30} GiB: smaller images or a smaller replay"
        yield Fault("rl_plugin.replay_buffer_size", f"keeps {kept >> 30} GiB of images", wanted)


def _arguments(found: Simulation) -> Iterator[Fault]:
    yield from _bounded(found.environment.arguments, "environment.arguments", 0)


def _bounded(value: Any, path: str, depth: int) -> Iterator[Fault]:
    """Numbers, lists and depth of what an environment is made with."""
    if depth > 8:
        yield Fault(path, "is nested too deeply", "8 levels at most")
    elif isinstance(value, dict):
        for key, each in value.items():
            yield from _large(key, each, f"{path}.{key}")
            yield from _bounded(each, f"{path}.{key}", depth + 1)
    elif isinstance(value, list | tuple):
        if len(value) > MOST_ITEMS:
            yield Fault(path, f"has {len(value):,} items", f"{MOST_ITEMS:,} at most")
            return
        for place, each in enumerate(value):
            yield from _bounded(each, f"{path}[{place}]", depth + 1)
    elif isinstance(value, int | float) and not abs(value) <= MOST_NUMBER:
        yield Fault(path, f"is {value!r}"[:80], f"a finite number, {MOST_NUMBER:.0e} at most")


def _large(key: str, value: Any, path: str) -> Iterator[Fault]:
    most = LARGE.get(key)
    if most is not None and isinstance(value, int | float) and value > most:
        yield Fault(path, f"is {value:,}", f"{most:,} at most")


def _folders(found: Simulation) -> Iterator[Fault]:
    both = (
        ("persistence.trajectory_path", found.persistence.trajectory_path),
        ("logging.file", found.logging.file),
    )
    for path, given in both:
        if PurePosixPath(given).parts[0] in TAKEN:
            yield Fault(path, f"is {given!r}, which the run uses itself", f"none of {', '.join(sorted(TAKEN))}")
    if PurePosixPath(found.logging.file).is_relative_to(found.persistence.trajectory_path):
        yield Fault("logging.file", "is where the trajectory lies", "another path")


_RULES: tuple[Rule, ...] = (_modulators, _integration, _agent, _images, _arguments, _folders)

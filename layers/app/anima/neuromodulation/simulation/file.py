"""The simulation file: one object that describes a neuromodulated run, and the physics that it makes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from pydantic import Field

from anima.neuromodulation.drives import Drive, Windows
from anima.neuromodulation.learning import (
    BINDINGS,
    DISCOUNT_CAPS,
    LABELS,
    PROFILES,
    STANDARD,
    Base,
    Binding,
    Influence,
    Physics,
    Reset,
    drives_of,
)
from anima.neuromodulation.model import Modulator, Profile
from anima.neuromodulation.simulation.dynamics_of import modulator_of
from anima.neuromodulation.simulation.sections import (
    CornealParameters,
    Environment,
    FeedbackLoop,
    GlobalSettings,
    KnowledgeBase,
    Logging,
    NetworkSettings,
    Persistence,
    Plugin,
    ResourceLimits,
    Section,
    Security,
    Visualisation,
)
from anima.neuromodulation.simulation.trainer import Integration, Memory, ModulatorOf, RlPlugin


class Simulation(Section):
    """A whole file; every section has defaults, so that three lines are enough."""

    global_settings: GlobalSettings = Field(default_factory=GlobalSettings)
    modulators: dict[str, ModulatorOf] = Field(default_factory=dict, max_length=32)
    """By name: dopamine, serotonin, norepinephrine, acetylcholine, gaba, and any further one."""
    integration_with_rl: Integration = Field(default_factory=Integration)
    rl_plugin: RlPlugin = Field(default_factory=RlPlugin)
    environment: Environment = Field(default_factory=Environment)
    corneal_parameters: CornealParameters = Field(default_factory=CornealParameters)
    memory: Memory = Field(default_factory=Memory)
    feedback_loop: FeedbackLoop = Field(default_factory=FeedbackLoop)
    persistence: Persistence = Field(default_factory=Persistence)
    visualisation: Visualisation = Field(default_factory=Visualisation)
    network_settings: NetworkSettings = Field(default_factory=NetworkSettings)
    resource_limits: ResourceLimits = Field(default_factory=ResourceLimits)
    plugins: tuple[Plugin, ...] = Field(default=(), max_length=32)
    """Told how the run goes."""
    knowledge_base: KnowledgeBase = Field(default_factory=KnowledgeBase)
    logging: Logging = Field(default_factory=Logging)
    security: Security = Field(default_factory=Security)

    @property
    def mode(self) -> str:
        """The mode as profiles are called: `standard`, `max`, `bounded_max`."""
        return self.global_settings.mode.lower()

    @property
    def step_ms(self) -> float:
        """What one step of the environment takes (ms)."""
        return self.environment.step_ms or self.global_settings.time_step_ms

    def physics(self) -> Physics:
        """What a `Mind` is made of. Raises ValueError or Unstable, which `read` has ruled out."""
        doya = ", after Doya" if self.integration_with_rl.binding == "doya" else ""
        off = "" if self.integration_with_rl.enabled else ", no effects"
        return Physics(
            self.profile(),
            self.binding(),
            self.base(),
            tuple(self.modulator(name, "standard").baseline for name in self.names()),
            self.global_settings.time_step_ms,
            self.step_ms,
            LABELS[self.mode] + doya + off,
        )

    def names(self) -> tuple[str, ...]:
        """The modulators: the ready five, then any further one in the order of the file."""
        return (*STANDARD, *(name for name in self.modulators if name not in STANDARD))

    def modulator(self, name: str, mode: str) -> Modulator:
        """One of them in a mode. Raises ValueError where its numbers make no sense."""
        ready = PROFILES[mode][name] if name in STANDARD else None
        given = self.modulators.get(name, ModulatorOf())
        chosen = getattr(given, mode) or (given.max if mode == "bounded_max" else None)
        if ready is None and chosen is None:
            chosen = given.standard or given.max
        return modulator_of(name, chosen, ready)

    def profile(self) -> Profile:
        """The modulators of the mode."""
        return Profile(self.mode, tuple(self.modulator(name, self.mode) for name in self.names()))

    def base(self) -> Base:
        """The hyper-parameters at rest."""
        plugin = self.rl_plugin
        return Base(
            plugin.learning_rate_base,
            plugin.discount_factor,
            plugin.temperature,
            plugin.epsilon_start,
            plugin.epsilon_end,
            plugin.epsilon_decay_steps,
        )

    def binding(self) -> Binding:
        """Who drives whom."""
        asked, reset = self.integration_with_rl, None
        cap = asked.discount_cap if asked.discount_cap is not None else DISCOUNT_CAPS[self.mode]
        if self.rl_plugin.context_reset and asked.enabled and "norepinephrine" not in asked.without:
            reset = Reset(**asked.reset.model_dump())
        return Binding(
            self._influences() if asked.enabled else (),
            self._drives(),
            Windows(**asked.windows.model_dump()),
            reset,
            self.rl_plugin.learning_rate_max,
            cap if asked.enabled else 1.0,
            asked.shaping if asked.enabled else 0.0,
        )

    def _influences(self) -> tuple[Influence, ...]:
        asked = self.integration_with_rl
        ready = {(each.modulator, each.target): each for each in BINDINGS[asked.binding][self.mode]}
        for each in asked.effects:
            cap = {} if each.cap is None else {"cap": each.cap}
            made = Influence(each.modulator, each.target, each.gain, each.form, floor=each.floor, **cap)
            ready[each.modulator, each.target] = made
        return tuple(each for each in ready.values() if each.modulator not in asked.without)

    def _drives(self) -> tuple[Drive, ...]:
        ready = {each.modulator: each for each in drives_of(self.mode)}
        for name, given in self.modulators.items():
            if given.drive:
                weights = tuple(given.drive.signals.items())
                ready[name] = Drive(name, weights, given.drive.threshold, given.drive.most)
        return tuple(ready.values())

    def dumps(self) -> str:
        """The file as JSON, defaults filled in, in one way for one meaning."""
        return json.dumps(self.model_dump(mode="json", by_alias=True), indent=2, ensure_ascii=False) + "\n"


def difference(a: Simulation, b: Simulation) -> list[tuple[str, Any, Any]]:
    """Where two files differ, defaults filled in: path, value in `a`, value in `b`; None where there is none."""
    return differences(*(each.model_dump(mode="json", by_alias=True) for each in (a, b)))


def differences(a: Mapping[str, Any], b: Mapping[str, Any]) -> list[tuple[str, Any, Any]]:
    """Where two objects differ: path, value in `a`, value in `b`; None where there is none. An empty one is nothing."""
    left, right = dict(_leaves(a, "")), dict(_leaves(b, ""))
    paths = [*left, *(path for path in right if path not in left)]
    return [(path, left.get(path), right.get(path)) for path in paths if left.get(path) != right.get(path)]


def _leaves(value: Any, path: str) -> list[tuple[str, Any]]:
    if not isinstance(value, Mapping):
        return [(path, value)]
    return [leaf for key, each in value.items() for leaf in _leaves(each, f"{path}.{key}" if path else key)]

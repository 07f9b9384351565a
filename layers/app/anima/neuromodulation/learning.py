"""The modulators of the trainer, what drives them and what they drive: profiles and bindings, as numbers. Pure.

One step of an environment is a millisecond of these unless told otherwise, so that a half-life of 0.1 s is 100 steps.
An effect is 1 at the baseline of `standard`: what is there at rest costs and changes nothing. Who does what:
Doya, Neural Netw. 15 (2002); Yu & Dayan, Neuron 46 (2005); Aston-Jones & Cohen, Annu. Rev. Neurosci. 28 (2005).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Literal

from anima.neuromodulation.drives import Drive, Windows
from anima.neuromodulation.model import Modulator, Profile

Form = Literal["receptor", "power"]

TARGETS = ("learning_rate", "discount", "attention_gain", "temperature", "epsilon", "replay_factor", "shaping")
"""What the trainer knows to do something with; any other target is carried along by its name."""
MOST_SUBSTEPS = 64
"""Steps of the model within one of the environment: no file may ask for more."""


class Unstable(ValueError):
    """A modulator is cleared so fast that the steps of the model cannot follow it."""

    slug = "unstable-step"


@dataclass(frozen=True, slots=True)
class Influence:
    """What a modulator does to a target: a factor that is 1 at the baseline of `standard`, within `floor` and `cap`.

    `receptor`: 1 + gain · how far receptors are from their rest (-1 to 1); `power`: (C/C0)^gain, without any limit of
    its own. Raises ValueError where the limits exclude each other.
    """

    modulator: str
    target: str
    gain: float
    form: Form = "receptor"
    cap: float = math.inf
    floor: float = 0.0

    def __post_init__(self) -> None:
        if not 0.0 <= self.floor <= self.cap:
            raise ValueError(f"{self.modulator} on {self.target}: the floor lies between 0 and the cap")


@dataclass(frozen=True, slots=True)
class Reset:
    """When a changed world is suspected: norepinephrine > acetylcholine/(offset + acetylcholine), Yu & Dayan 2005.

    Norepinephrine counts as how far it is above its baseline, acetylcholine as its level (0.5 at the baseline). It
    fires once, and again only after norepinephrine fell below `rearm` of the bound and `refractory_steps` are over;
    then epsilon starts again at `epsilon` of where it began.
    """

    offset: float = 0.5
    rearm: float = 0.5
    refractory_steps: int = 2_000
    epsilon: float = 0.5


@dataclass(frozen=True, slots=True)
class Base:
    """The hyper-parameters where no modulator is away from its baseline; epsilon falls in a line."""

    learning_rate: float = 1e-3
    discount: float = 0.99
    temperature: float = 1.0
    epsilon_start: float = 1.0
    epsilon_end: float = 0.05
    epsilon_decay_steps: int = 10_000


@dataclass(frozen=True, slots=True)
class Binding:
    """Who drives whom: drives into modulators, modulators into hyper-parameters, and the caps of these."""

    influences: tuple[Influence, ...] = ()
    drives: tuple[Drive, ...] = ()
    windows: Windows = field(default_factory=Windows)
    reset: Reset | None = None
    learning_rate_cap: float = 100.0
    discount_cap: float = 1.0
    shaping: float = 0.0
    """The size of the potential that the target `shaping` makes; 0 for none."""


@dataclass(frozen=True, slots=True)
class Physics:
    """All that a `Mind` is made of. Raises Unstable or ValueError where it cannot be computed.

    `reference` holds the baselines of `standard` (nM), in the order of the profile; nothing: the profile's own.
    """

    profile: Profile
    binding: Binding
    base: Base = field(default_factory=Base)
    reference: tuple[float, ...] = ()
    time_step_ms: float = 1.0
    step_ms: float = 1.0
    label: str = "standard"

    def __post_init__(self) -> None:
        if not (0.0 < self.time_step_ms < math.inf and 0.0 < self.step_ms < math.inf):
            raise ValueError("a step takes more than no time")
        if self.reference and len(self.reference) != len(self.profile):
            raise ValueError("there is one reference for each modulator")
        named = {each.modulator for each in self.binding.influences} | {each.modulator for each in self.binding.drives}
        if unknown := named - set(self.profile):
            raise ValueError(f"no modulator is called {', '.join(sorted(unknown))}")
        _ = self.substeps

    @property
    def references(self) -> tuple[float, ...]:
        """The concentrations (nM) at which effects are 1."""
        return self.reference or tuple(each.baseline for each in self.profile.modulators)

    @property
    def substeps(self) -> int:
        """Steps of the model in one of the environment; more than asked for where the fastest clearance needs it.

        A Runge-Kutta step is stable below 2.78 of the shortest time Km/Vmax; here it never is above 1.
        """
        asked = self.step_ms / self.time_step_ms
        needed = max(self.step_ms / 1000.0 * each.clearance / each.affinity for each in self.profile.modulators)
        if max(asked, needed) > MOST_SUBSTEPS:
            at_fault = max(self.profile.modulators, key=lambda each: each.clearance / each.affinity).name
            cause = f"{at_fault} is cleared too fast" if needed > asked else "the model's step is too short"
            raise Unstable(
                f"{cause}: {max(asked, needed):.0f} steps for one of the environment, {MOST_SUBSTEPS} at most"
            )
        return max(1, math.ceil(asked - 1e-9), math.ceil(needed))


def phasic(name: str, baseline: float, half_life: float, *, times: float = 25.0, affinity: float = 10.0) -> Modulator:
    """A modulator that a lasting drive of 1 brings to where half of the receptors respond, at about 5 baselines.

    `half_life` in seconds, `times` the maximum and `affinity` Km, both in baselines.
    """
    release = 4.0 * baseline * math.log(2.0) / half_life
    made = Modulator(name, baseline, times * baseline, release, 1.0, affinity * baseline, 5.0 * baseline)
    return made.lasting(half_life)


STANDARD = Profile(
    "standard",
    (
        phasic("dopamine", 20.0, 0.1),
        phasic("serotonin", 10.0, 10.0),
        phasic("norepinephrine", 10.0, 0.2),
        phasic("acetylcholine", 20.0, 2.0),
        phasic("gaba", 200.0, 1.0),
    ),
)
"""The profile that learns."""

MAX = Profile(
    "max",
    tuple(
        Modulator(
            each.name,
            50.0 * each.baseline,
            500.0 * each.baseline,
            500.0 * each.release,
            50.0 * each.clearance,
            50.0 * each.affinity,
            each.half_effect,
        )
        for each in STANDARD.modulators
    ),
)
"""The literal one: fifty times as much of everything at rest, five hundred times at most. Pathological on purpose."""

PROFILES = {"standard": STANDARD, "max": MAX, "bounded_max": MAX}
LABELS = {"standard": "standard", "max": "max (pathological)", "bounded_max": "bounded max"}

DRIVES = (
    Drive("dopamine", (("relative_error", 1.0),), most=10.0),
    Drive("serotonin", (("average_reward", 1.0),), most=1.0),
    Drive("norepinephrine", (("unexpected_uncertainty", 1.0),), most=10.0),
    Drive("acetylcholine", (("expected_uncertainty", 1.0),), most=1.0),
    Drive("gaba", (("arousal", 1.0),), most=1.0),
)
RAW_DRIVES = (
    Drive("dopamine", (("reward_prediction_error", 1.0),)),
    Drive("serotonin", (("average_reward", 1.0),)),
    Drive("norepinephrine", (("unexpected_uncertainty", 1.0),)),
    Drive("acetylcholine", (("expected_uncertainty", 1.0),)),
    Drive("gaba", (("arousal", 1.0),)),
)

TABLE: dict[str, tuple[Influence, ...]] = {
    "standard": (
        Influence("dopamine", "learning_rate", 1.0, cap=2.0, floor=0.5),
        Influence("dopamine", "shaping", 1.0, cap=2.0),
        Influence("serotonin", "discount", 0.01, cap=1.01, floor=0.99),
        Influence("norepinephrine", "attention_gain", 2.0, cap=3.0, floor=0.5),
        Influence("norepinephrine", "temperature", -0.5, floor=0.5, cap=1.5),
        Influence("acetylcholine", "replay_factor", 1.0, cap=2.0, floor=0.5),
        Influence("gaba", "epsilon", -0.5, floor=0.5, cap=1.5),
    ),
    "max": (
        Influence("dopamine", "learning_rate", 3.0, "power"),
        Influence("dopamine", "shaping", 1.0, "power"),
        Influence("serotonin", "discount", 0.05, "power"),
        Influence("norepinephrine", "attention_gain", 1.0, "power"),
        Influence("norepinephrine", "temperature", -1.0, "power"),
        Influence("acetylcholine", "replay_factor", 1.0, "power", cap=4.0),
        Influence("gaba", "epsilon", -3.0, "power"),
    ),
    "bounded_max": (
        Influence("dopamine", "learning_rate", 1.0, cap=2.0, floor=0.5),
        Influence("dopamine", "shaping", 1.0, cap=2.0),
        Influence("serotonin", "discount", 0.005, cap=1.005, floor=0.99),
        Influence("norepinephrine", "attention_gain", 2.0, cap=3.0),
        Influence("norepinephrine", "temperature", -0.5, floor=0.5),
        Influence("acetylcholine", "replay_factor", 1.0, cap=2.0),
        Influence("gaba", "epsilon", -0.5, floor=0.25),
    ),
}
"""By mode, after the table of the specification."""

DOYA: dict[str, tuple[Influence, ...]] = {
    "standard": (
        Influence("acetylcholine", "learning_rate", 1.0, cap=2.0, floor=0.5),
        Influence("serotonin", "discount", 0.01, cap=1.01, floor=0.99),
        Influence("norepinephrine", "temperature", -0.75, floor=0.25, cap=1.75),
        Influence("dopamine", "shaping", 1.0, cap=2.0),
    ),
    "max": (
        Influence("acetylcholine", "learning_rate", 3.0, "power"),
        Influence("serotonin", "discount", 0.05, "power"),
        Influence("norepinephrine", "temperature", -1.0, "power"),
        Influence("dopamine", "shaping", 1.0, "power"),
    ),
    "bounded_max": (
        Influence("acetylcholine", "learning_rate", 1.0, cap=2.0, floor=0.5),
        Influence("serotonin", "discount", 0.005, cap=1.005, floor=0.99),
        Influence("norepinephrine", "temperature", -0.75, floor=0.25),
        Influence("dopamine", "shaping", 1.0, cap=2.0),
    ),
}
"""After Doya: dopamine is the error, serotonin the scale of time, norepinephrine randomness, acetylcholine the rate."""

BINDINGS: dict[str, dict[str, tuple[Influence, ...]]] = {"table": TABLE, "doya": DOYA}
DISCOUNT_CAPS = {"standard": 0.999, "max": 1.0, "bounded_max": 0.995}


def drives_of(mode: str) -> tuple[Drive, ...]:
    """What releases the modulators of a mode: bounded and relative to what is usual, but for the literal max."""
    return RAW_DRIVES if mode == "max" else DRIVES


def physics(
    mode: str = "standard", binding: str = "table", base: Base | None = None, *, resets: bool = False
) -> Physics:
    """The ready physics of a mode (`standard`, `max`, `bounded_max`) and a binding (`table`, `doya`).

    >>> physics("max").label
    'max (pathological)'
    """
    bound = Binding(
        BINDINGS[binding][mode],
        drives_of(mode),
        reset=Reset() if resets else None,
        discount_cap=DISCOUNT_CAPS[mode],
    )
    rest = tuple(each.baseline for each in STANDARD.modulators)
    return Physics(PROFILES[mode], bound, base or Base(), rest, label=LABELS[mode])

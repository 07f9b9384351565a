"""The sections of a simulation file that say what learns, and how modulators have a part in it."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from anima.neuromodulation.simulation.checks import a_name
from anima.neuromodulation.simulation.sections import Section

Name = Annotated[str, AfterValidator(a_name)]
NanoMolar = Annotated[float, Field(gt=0.0, le=1e9)]
Rate = Annotated[float, Field(gt=0.0, le=1e12)]


class Dynamics(Section):
    """The numbers of a modulator in a mode; what is not given is as the ready profile has it, or made from the rest."""

    baseline: NanoMolar | None = Field(default=None, alias="baseline_concentration_nM")
    """Where it comes to rest."""
    maximum: NanoMolar | None = Field(default=None, alias="max_concentration_nM")
    """The most there can be."""
    release: Rate | None = Field(default=None, alias="release_nM_per_s")
    """What a second of drive 1 adds."""
    clearance: Rate | None = Field(default=None, alias="clearance_nM_per_s")
    """Vmax: the most that is taken up in a second."""
    affinity: NanoMolar | None = Field(default=None, alias="affinity_nM")
    """Km: where half of that is."""
    half_effect: NanoMolar | None = Field(default=None, alias="half_effect_nM")
    """EC50: where half of the receptors respond."""
    slope: float | None = Field(default=None, gt=0.0, le=8.0)
    """Hill's n."""


class DriveOf(Section):
    """What releases a modulator: a weighted sum of signals."""

    signals: dict[str, Annotated[float, Field(ge=-1e6, le=1e6)]] = Field(min_length=1, max_length=10)
    """Weights by the name of a signal."""
    threshold: float = Field(default=0.0, ge=0.0, le=1e9)
    """Below it there is no drive; 0 for none, and then a drive may be negative."""
    most: float = Field(default=1e9, gt=0.0, le=1e9)
    """A drive is kept within this on both sides."""


class ModulatorOf(Section):
    """A modulator, by mode."""

    standard: Dynamics | None = None
    """In the mode STANDARD, and the rest that effects are told from."""
    max: Dynamics | None = None
    """In the mode MAX."""
    bounded_max: Dynamics | None = None
    """In the mode BOUNDED_MAX; as in MAX where it is not given."""
    drive: DriveOf | None = None
    """What releases it; as the mode has it where it is not given."""


class EffectOf(Section):
    """What a modulator does to a hyper-parameter, or to a target that is only recorded; takes the place of its like."""

    modulator: Name
    """Which."""
    target: Name
    """Which hyper-parameter: learning_rate, discount, attention_gain, temperature, epsilon, replay_factor, shaping."""
    gain: float = Field(ge=-1e3, le=1e3)
    """How strongly; 0 for not at all."""
    form: Literal["receptor", "power"] = "receptor"
    """`receptor`: 1 + gain · deviation of its receptors; `power`: (C/C0)^gain."""
    cap: float | None = Field(default=None, ge=0.0, le=1e30)
    """The factor is never above."""
    floor: float = Field(default=0.0, ge=0.0, le=1e30)
    """Nor below."""


class WindowsOf(Section):
    """Over how many steps means are taken."""

    fast_steps: float = Field(default=200.0, ge=1.0, le=1e9)
    """The fast mean of |δ|."""
    slow_steps: float = Field(default=5_000.0, ge=1.0, le=1e9)
    """The slow mean of |δ|."""
    reward_steps: float = Field(default=10_000.0, ge=1.0, le=1e9)
    """The mean reward."""
    surprise: float = Field(default=2.0, ge=1.0, le=1e6)
    """How many times the slow mean the fast one is when a surprise begins."""


class ResetOf(Section):
    """When a changed world is suspected: norepinephrine > acetylcholine/(offset + acetylcholine)."""

    offset: float = Field(default=0.5, gt=0.0, le=100.0)
    """The 0.5 of the rule."""
    rearm: float = Field(default=0.5, ge=0.0, le=1.0)
    """Norepinephrine has to fall below this share of the bound before it can fire again."""
    refractory_steps: int = Field(default=2_000, ge=0, le=1_000_000_000)
    """And so many steps have to pass."""
    epsilon: float = Field(default=0.5, ge=0.0, le=1.0)
    """Where epsilon starts again, as a share of `rl_plugin.epsilon_start`."""


class Integration(Section):
    """Which modulator drives which hyper-parameter."""

    enabled: bool = True
    """False: base values throughout; the same trainer without modulators."""
    binding: Literal["table", "doya"] = "table"
    """Whose bindings are begun with: the table of the documentation, or Doya's of 2002."""
    effects: tuple[EffectOf, ...] = Field(default=(), max_length=256)
    """Further effects; one of the same modulator on the same target is replaced."""
    without: tuple[Name, ...] = Field(default=(), max_length=64)
    """Modulators that have no effect: an ablation."""
    discount_cap: float | None = Field(default=None, gt=0.0, le=1.0)
    """The discount is never above; by mode 0.999 (STANDARD), 1.0 (MAX), 0.995 (BOUNDED_MAX)."""
    shaping: float = Field(default=0.0, ge=0.0, le=100.0)
    """The size of the potential of dopamine that shapes rewards; 0 for none."""
    windows: WindowsOf = Field(default_factory=WindowsOf)
    """Over how many steps means are taken."""
    reset: ResetOf = Field(default_factory=ResetOf)
    """When a changed world is suspected."""


class Memory(Section):
    """The replay of what was lived through."""

    capacity: int | None = Field(default=None, ge=1, le=100_000_000)
    """Transitions kept at most, where that is less than `rl_plugin.replay_buffer_size`."""
    consolidation: float = Field(default=0.0, ge=0.0, le=1.0)
    """How strongly transitions of large error are re-sampled before others; 0: all alike."""
    decay: float = Field(default=0.0, ge=0.0, lt=1.0)
    """How much of that is forgotten each time one is re-sampled; 0: nothing."""


class RlPlugin(Section):
    """The agent: a deep Q-network (Mnih et al., Nature 518, 2015)."""

    name: Annotated[str, Field(min_length=1, max_length=100)] = "DopamineRL"
    """What the run and the model made of it are called."""
    algorithm: Literal["DQN"] = "DQN"
    """How it learns."""
    double: bool = False
    """The greedy action of the target is chosen by the network that learns (van Hasselt et al. 2016)."""
    dueling: bool = False
    """Value and advantage apart (Wang et al. 2016)."""
    n_step: int = Field(default=1, ge=1, le=100)
    """Steps of reward before the target is asked."""
    loss: Literal["squared", "huber"] = "squared"
    """Of the error of prediction."""
    discount_factor: float = Field(default=0.99, ge=0.0, le=1.0)
    """γ at rest."""
    epsilon_start: float = Field(default=1.0, ge=0.0, le=1.0)
    """How often it acts at random at first."""
    epsilon_end: float = Field(default=0.05, ge=0.0, le=1.0)
    """And at last."""
    epsilon_decay_steps: int = Field(default=10_000, ge=1, le=10_000_000_000)
    """After so many steps, in a line."""
    temperature: float = Field(default=1.0, gt=0.0, le=1e6)
    """Of the policy `softmax`, at rest."""
    replay_buffer_size: int = Field(default=10_000, ge=1, le=100_000_000)
    """Transitions kept."""
    batch_size: int = Field(default=128, ge=1, le=65_536)
    """Transitions an update."""
    learning_rate_base: float = Field(default=0.001, gt=0.0, le=100.0)
    """Adam's, at rest."""
    learning_rate_max: float = Field(default=100.0, gt=0.0, le=10_000.0)
    """It is never above, whatever modulators make of it."""
    learning_starts: int = Field(default=1_000, ge=0, le=10_000_000)
    """Steps before the first update."""
    train_frequency: int = Field(default=4, ge=1, le=100_000)
    """Steps from one update to the next."""
    target_network_frequency: int = Field(default=500, ge=1, le=10_000_000)
    """Steps from one renewal of the target network to the next."""
    target_update_tau: float = Field(default=1.0, gt=0.0, le=1.0)
    """How much of it is renewed."""
    hidden: tuple[Annotated[int, Field(ge=1, le=8_192)], ...] = Field(default=(64, 64), max_length=16)
    """Units of each hidden layer."""
    policy: Literal["epsilon_greedy", "softmax"] = "epsilon_greedy"
    """How it acts."""
    backend: Literal["auto", "numpy", "torch"] = "auto"
    """What computes; `auto` takes numpy for small networks."""
    device: Literal["auto", "cpu", "cuda"] = "auto"
    """Where torch computes."""
    environments: int = Field(default=1, ge=1, le=1_024)
    """How many it acts in at once."""
    evaluate_episodes: int = Field(default=0, ge=0, le=10_000)
    """Episodes played without exploring at the end."""
    context_reset: bool = False
    """Whether unexpected uncertainty restarts exploration and moves the boundary of what is replayed."""
    reset: Literal["context", "weights"] = "context"
    """What is given up then: old transitions, or also what was learned of them."""
    contexts: int = Field(default=1, ge=1, le=16)
    """How many worlds' weights are remembered, to be tried again after a reset; 1 for none."""

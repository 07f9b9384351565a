"""The sections of a simulation file that say how a run goes: clock, environment, record, network, limits."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from anima.neuromodulation.simulation.checks import a_folder, a_host, a_url, an_environment, an_origin, printable

MOST_STEPS = 10_000_000_000


class Section(BaseModel):
    """A part of the file: nothing but what is named, no number that is none, and unchanged once read."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, strict=True, allow_inf_nan=False, use_attribute_docstrings=True
    )


Text = Annotated[str, Field(max_length=2_000), AfterValidator(printable)]
Url = Annotated[str, Field(max_length=2_000), AfterValidator(a_url)]


class GlobalSettings(Section):
    """What concerns the whole run."""

    enable_logging: bool = True
    """Whether the run writes its log (see `logging`)."""
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    """What is written into it at least."""
    time_step_ms: float = Field(default=1.0, gt=0.0, le=60_000.0)
    """The longest step of the model of concentrations, in milliseconds."""
    seed: int = Field(default=0, ge=0, le=2**63 - 1)
    """Of everything that is random; SEED in the environment wins."""
    simulation_clock: Literal["real_time", "fast"] = "fast"
    """`real_time`: a step of the environment takes `environment.step_ms` of the wall's time; `fast`: as it can."""
    mode: Literal["MAX", "STANDARD", "BOUNDED_MAX"] = "STANDARD"
    """Which profile every modulator has; MODE in the environment wins."""
    prompt_mode: Literal["FULL", "COMPACT", "NONE"] = "COMPACT"
    """How much of the state a plugin or its language model is shown: all of it, modulators only, nothing."""
    max_steps: int = Field(default=60_000, ge=1, le=MOST_STEPS)
    """Steps of the environment, those of all environments together; MAX_STEPS in the environment wins."""


class Environment(Section):
    """What the agent acts in."""

    id: Annotated[str, Field(max_length=200), AfterValidator(an_environment)] = "CartPole-v1"
    """An environment of Gymnasium, as `CartPole-v1` or `module:Name-v0`; its actions are discrete."""
    arguments: dict[str, Any] = Field(default_factory=dict, max_length=100)
    """What it is made with."""
    step_ms: float | None = Field(default=None, gt=0.0, le=60_000.0)
    """What one step of it takes, in milliseconds; one step of the model where it is not given."""


class CornealParameters(Section):
    """The visual front end: how images are prepared before the network sees them."""

    crop: tuple[int, int, int, int] | None = None
    """Rows and columns that are cut off: top, bottom, left, right."""
    scale: tuple[int, int] | None = None
    """Height and width that they are brought to, in pixels."""
    grey: bool = False
    """Whether colours become one shade."""
    stack: int = Field(default=1, ge=1, le=16)
    """How many of the last images are seen together."""


class Visualisation(Section):
    """The live page."""

    enable_live_plot: bool = False
    """Whether a run of its own serves `/visualisation`."""
    refresh_hz: float = Field(default=10.0, ge=0.1, le=60.0)
    """Live samples a second."""


class Persistence(Section):
    """What is written down of the run."""

    store_trajectory: bool = True
    """Whether every step is recorded."""
    trajectory_path: Annotated[str, Field(min_length=1, max_length=200), AfterValidator(a_folder)] = "trajectory"
    """The folder of the record, below that of the run."""
    format: Literal["csv", "parquet"] = "parquet"
    """How it is written."""
    checkpoint_every: int = Field(default=10_000, ge=1, le=MOST_STEPS)
    """Steps between two checkpoints."""


class FeedbackLoop(Section):
    """What the run says of itself, and what follows from it."""

    log_every: int = Field(default=1_000, ge=1, le=10_000_000)
    """Steps between two entries of cumulative reward and the other metrics."""
    optimiser_hook: Literal["none", "policy_gradient"] = "none"
    """`policy_gradient`: every `log_every` steps one step of REINFORCE on the whole episodes since, values as
    preferences."""


class Plugin(Section):
    """A plugin that is told how the run goes, over HTTP."""

    name: Annotated[str, Field(min_length=1, max_length=100), AfterValidator(printable)]
    """What it is called in the log."""
    enabled: bool = True
    """Whether it is told anything."""
    config: PluginConfig
    """Where and how."""


class PluginConfig(Section):
    """Where a plugin listens."""

    url: Url
    """It is sent JSON by POST every `feedback_loop.log_every` steps: step, return_mean, prompt."""
    timeout_seconds: float = Field(default=2.0, gt=0.0, le=60.0)
    """It is waited for so long at most; what fails is logged, and the run goes on."""


class KnowledgeBase(Section):
    """Stores that are searched at the start; what they answer lies in the run's folder and is shown to plugins."""

    stores: tuple[Annotated[str, Field(min_length=1, max_length=200), AfterValidator(printable)], ...] = Field(
        default=(), max_length=32
    )
    """Their names."""
    url: Url = "http://127.0.0.1:52929"
    """The Anima that has them."""
    query: Text = ""
    """What is searched; the environment's name where it is not given."""
    limit: int = Field(default=5, ge=1, le=50)
    """Answers a store."""


class ResourceLimits(Section):
    """What the run may use; it ends with an error rather than use more."""

    gpus: int = Field(default=0, ge=0, le=64)
    """GPUs that it is given."""
    memory_bytes: int | None = Field(default=None, ge=1_000_000, le=1 << 44)
    """What its replay may take at most."""
    processes: int = Field(default=1, ge=1, le=1024)
    """Threads and processes that compute."""
    wall_seconds: int | None = Field(default=None, ge=1, le=31_536_000)
    """After so long it writes a checkpoint and ends with the error `out-of-time`."""


class NetworkSettings(Section):
    """Where the live page of a run of its own is served."""

    host: Annotated[str, Field(min_length=1, max_length=253), AfterValidator(a_host)] = "127.0.0.1"
    """An address or a name of this machine."""
    port: int = Field(default=0, ge=0, le=65_535)
    """0 for any that is free."""
    allowed_origins: tuple[Annotated[str, Field(max_length=300), AfterValidator(an_origin)], ...] = Field(
        default=(), max_length=32
    )
    """Other pages that may read it."""


class Logging(Section):
    """The log of the run."""

    file: Annotated[str, Field(min_length=1, max_length=200), AfterValidator(a_folder)] = "run.log"
    """Below the folder of the run."""
    format: Literal["text", "json"] = "text"
    """A line of words, or of JSON."""


class Security(Section):
    """Who may see and stop the run, besides its owner's right to read what it left."""

    see: Literal["this_machine", "network"] = "this_machine"
    """Who may open the live page of a run of its own."""
    stop: Literal["owner", "signal_only"] = "owner"
    """`signal_only`: it is not stopped over HTTP, but by a signal to its process."""


Plugin.model_rebuild()

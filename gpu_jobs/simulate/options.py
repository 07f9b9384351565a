"""The numbers of a simulation file that the agent works with, in one place and by its own names."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from .frames import Frames


@dataclass(frozen=True, slots=True)
class Options:
    """What a run is made of; the sections of the file in brackets."""

    environment: str = "CartPole-v1"
    arguments: Mapping[str, Any] = field(default_factory=dict)
    environments: int = 1
    seed: int = 0
    steps: int = 50_000
    """All of them together: a step of ten environments is ten (global_settings.max_steps)."""
    # [rl_plugin]
    double: bool = False
    dueling: bool = False
    n_step: int = 1
    huber: bool = False
    softmax: bool = False
    hidden: tuple[int, ...] = (64, 64)
    backend: str = "auto"
    device: str = "cpu"
    replay: int = 10_000
    consolidation: float = 0.0
    """How strongly transitions of large error are drawn before others, and what a draw costs [memory]."""
    decay: float = 0.0
    batch: int = 128
    starts: int = 1_000
    train_every: int = 10
    target_every: int = 500
    tau: float = 1.0
    learning_rate: float = 1e-3
    discount: float = 0.99
    temperature: float = 1.0
    epsilon_start: float = 1.0
    epsilon_end: float = 0.05
    epsilon_decay_steps: int = 10_000
    reset: str = "context"
    """What is done where the world is said to have changed: `context` keeps the weights, `weights` draws new ones."""
    contexts: int = 1
    evaluate_episodes: int = 0
    # [feedback_loop], [persistence], [resource_limits], [corneal_parameters]
    log_every: int = 1_000
    hook: str = "none"
    checkpoint_every: int = 10_000
    memory_bytes: int | None = None
    wall_seconds: float = math.inf
    threads: int | None = None
    seconds_per_step: float = 0.0
    """What a step takes by the clock on the wall at least [global_settings.simulation_clock: real_time]."""
    frames: Frames = field(default_factory=Frames)


def options(simulation: Any) -> Options:
    """Those of a simulation file that was read (`anima.neuromodulation.simulation.read`)."""
    general, limits = simulation.global_settings, simulation.resource_limits
    real_time = general.simulation_clock == "real_time"
    return Options(
        environment=simulation.environment.id,
        arguments=dict(simulation.environment.arguments),
        seed=general.seed,
        steps=general.max_steps,
        log_every=simulation.feedback_loop.log_every,
        hook=simulation.feedback_loop.optimiser_hook,
        checkpoint_every=simulation.persistence.checkpoint_every,
        memory_bytes=limits.memory_bytes,
        wall_seconds=limits.wall_seconds or math.inf,
        threads=limits.processes,
        seconds_per_step=simulation.step_ms / 1000.0 if real_time else 0.0,
        frames=_frames(simulation.corneal_parameters),
        device=simulation.rl_plugin.device if limits.gpus else "cpu",
        **_remembered(simulation.rl_plugin, simulation.memory),
        **_learnt(simulation.rl_plugin),
    )


def _learnt(rl: Any) -> dict[str, Any]:
    return {
        "environments": rl.environments,
        "double": rl.double,
        "dueling": rl.dueling,
        "n_step": rl.n_step,
        "huber": rl.loss == "huber",
        "softmax": rl.policy == "softmax",
        "hidden": tuple(rl.hidden),
        "backend": rl.backend,
        "batch": rl.batch_size,
        "starts": rl.learning_starts,
        "train_every": rl.train_frequency,
        "target_every": rl.target_network_frequency,
        "tau": rl.target_update_tau,
        "learning_rate": min(rl.learning_rate_base, rl.learning_rate_max),
        "discount": rl.discount_factor,
        "temperature": rl.temperature,
        "epsilon_start": rl.epsilon_start,
        "epsilon_end": rl.epsilon_end,
        "epsilon_decay_steps": rl.epsilon_decay_steps,
        "reset": rl.reset,
        "contexts": rl.contexts,
        "evaluate_episodes": rl.evaluate_episodes,
    }


def _remembered(rl: Any, memory: Any) -> dict[str, Any]:
    capacity = min(rl.replay_buffer_size, memory.capacity or rl.replay_buffer_size)
    return {"replay": capacity, "consolidation": memory.consolidation, "decay": memory.decay}


def _frames(eye: Any) -> Frames:
    crop = None if eye.crop is None else tuple(eye.crop)
    return Frames(crop, None if eye.scale is None else tuple(eye.scale), eye.grey, eye.stack)

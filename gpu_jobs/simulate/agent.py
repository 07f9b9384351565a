"""The agent: a DQN (Mnih et al., Nature 518, 2015) whose hyper-parameters a model of neuromodulators may drive.

The whole of it is `Agent.step`: see, act, be surprised, remember, learn. Double (van Hasselt et al. 2016),
dueling (Wang et al. 2016), n-step returns, squared or Huber loss, epsilon-greedy or softmax are options. A run is the
same for the same seed, and one that was interrupted ends with the bits of one that was not.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from . import contexts, hooks
from .draws import Draws
from .environments import Environments
from .failures import OutOfTime, TooMuchMemory
from .modulation import Minded, Modulation, Plain
from .network import Floats, Network
from .networks import network_for
from .options import Options, options
from .priorities import Priorities
from .replay import Replay

if TYPE_CHECKING:
    from .keeper import Keeper
    from .record import Recorder

ACTING, SAMPLING = 1, 2
"""What random numbers are for: each purpose has its own, so that more of one does not change the other."""
Alarm = Callable[[int, float, bool, float], bool]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a run came to: of each episode its return and the step at which it ended; where the world seemed to change.

    `last_100` is the mean return of the last hundred episodes (of none: nan).
    """

    steps: int
    episodes: int
    returns: NDArray[np.float64]
    ends: NDArray[np.int64]
    resets: NDArray[np.int64]
    last_100: float
    stopped: bool
    weights: dict[str, Floats]


def train(
    simulation: Any,
    *,
    keeper: Keeper | None = None,
    recorder: Recorder | None = None,
    stop: Callable[[], bool] = lambda: False,
    environment: Any = None,
    resume: bool = True,
    alarm: Alarm | None = None,
) -> Outcome:
    """Trains to the last step, or until `stop` says so; goes on from the keeper's last checkpoint where there is one.

    `environment` is a Gymnasium environment in place of the file's; `alarm` is asked after each step with the step, the
    reward, whether the episode ended and the error of prediction (of the first environment), and takes the place of the
    mind's own `reset`. Raises what `failures` holds.
    """
    chosen = options(simulation)
    physics = simulation.physics() if simulation.integration_with_rl.enabled else None
    agent = Agent(chosen, physics, environment=environment, alarm=alarm)
    if keeper is not None and not resume:
        keeper.load()  # what it holds is let go of
    return run(agent, keeper=keeper, recorder=recorder, stop=stop)


def run(
    agent: Agent,
    *,
    keeper: Keeper | None = None,
    recorder: Recorder | None = None,
    stop: Callable[[], bool] = lambda: False,
) -> Outcome:
    """Steps until all are done; a checkpoint in between, at the end, and where it is stopped."""
    chosen, begun, stopped = agent.options, time.monotonic(), False
    saved = first = agent.resume(keeper)
    while agent.steps < chosen.steps:
        agent.step(recorder)
        stopped = stop()
        late = agent.rounds % 64 == 0 and time.monotonic() - begun > chosen.wall_seconds
        due = agent.steps // chosen.checkpoint_every > saved // chosen.checkpoint_every
        if stopped or late or due or agent.steps >= chosen.steps:
            agent.save(keeper, recorder)
            saved = agent.steps
        if chosen.seconds_per_step:
            wait(begun + (agent.steps - first) * chosen.seconds_per_step, stop)
        if late:
            raise OutOfTime(seconds=chosen.wall_seconds)
        if stopped:
            break
    agent.environments.close()
    return agent.outcome(stopped and agent.steps < chosen.steps)


def wait(until: float, stop: Callable[[], bool]) -> None:
    """Until the clock says so (seconds), or `stop` does; a run at full speed is always late already."""
    while (left := until - time.monotonic()) > 0.0 and not stop():
        time.sleep(min(left, 0.1))


class Agent:
    """An agent in its environments, at a step."""

    def __init__(
        self, chosen: Options, physics: Any = None, *, environment: Any = None, alarm: Alarm | None = None
    ) -> None:
        """`physics` is that of its mind (none: plain DQN). Raises what `failures` holds."""
        self.options, self._alarm = chosen, alarm
        self.environments = Environments(
            chosen.environment,
            chosen.arguments,
            count=chosen.environments,
            seed=chosen.seed,
            frames=chosen.frames,
            made=environment,
        )
        n = self.environments.count
        self.network: Network = network_for(chosen, self.environments)
        self.replay = Replay(self.environments.layout, chosen.replay, n, self.environments.actions)
        self.priorities = Priorities(self.replay, chosen.consolidation, chosen.decay)
        if chosen.memory_bytes is not None and self.replay.nbytes > chosen.memory_bytes:
            raise TooMuchMemory(wanted=self.replay.nbytes, limit=chosen.memory_bytes)
        self.modulation: Modulation = Plain(chosen, n) if physics is None else Minded(physics, n)
        self.hyper = self.modulation.now()
        self.contexts = contexts.Contexts(chosen.contexts)
        self._acting, self._sampling = Draws(chosen.seed, ACTING), Draws(chosen.seed, SAMPLING)
        self.steps, self.rounds, self._owed = 0, 0, 0.0
        self.returns: list[float] = []
        self.ends: list[int] = []
        self.resets: list[int] = []
        self._return = np.zeros(n)
        self._rows, self._calm = np.arange(n), np.zeros(n)

    # One step of every environment.

    def step(self, recorder: Recorder | None = None) -> None:
        """Sees, acts, compares what came of it with what was expected, remembers and learns."""
        worlds, hyper = self.environments, self.hyper
        if self.rounds == 0:
            self._begin()
        # 1. Act: what seems best, or at times something else.
        values = self.network.values(worlds.stacked)
        actions = self._softmax(values, hyper.temperature) if self.options.softmax else self._greedy(values)
        taken = worlds.step(actions, self.steps)
        # 2. The error of prediction, δ = r + γ·max Q⁻(s′) - Q(s, a), and what the modulators make of it.
        errors = self._calm
        if self.modulation.wants_errors or recorder is not None or self._alarm is not None:
            then = self.network.target_values(worlds.stacked).max(axis=1) * ~taken.terminal
            expected = values[self._rows, actions].astype(np.float64)
            errors = taken.rewards + hyper.discount * then - expected
        self.hyper = hyper = self.modulation.observe(errors, taken.rewards, taken.ended)
        # 3. Remember. Shaping is potential-based: it hurries learning and leaves the best policy the best.
        self.replay.add(actions, taken.rewards + hyper.shaping, taken.terminal, taken.ended, taken.seen)
        self._return += taken.rewards
        self.steps += worlds.count
        self.rounds += 1
        if recorder is not None:
            first = self.steps - worlds.count + 1
            seen = (worlds.episodes, actions, taken.rewards, taken.ended, errors, self._return)
            recorder.step(first, *seen, hyper, self.modulation.concentrations)
        changed = self._changed(float(taken.rewards[0]), bool(taken.ended[0]), float(errors[0]))
        if np.count_nonzero(taken.ended):
            self._end(np.flatnonzero(taken.ended).tolist())
        if changed:
            self._restart()
        # 4. Learn.
        if self.steps >= self.options.starts:
            self._learn()

    def _begin(self) -> None:
        for number in range(self.environments.count):
            self.replay.begin(number, self.environments.begin(number, self.steps))

    def _greedy(self, values: Floats) -> NDArray[np.int64]:
        actions = values.argmax(axis=1)
        if self.environments.count == 1:
            if self._acting.one() < self.hyper.epsilon[0]:
                actions[0] = int(self._acting.one() * values.shape[1])
            return actions
        draws = self._acting.many(2 * len(actions)).reshape(2, -1)
        curious = draws[0] < self.hyper.epsilon
        actions[curious] = (draws[1, curious] * values.shape[1]).astype(np.int64)
        return actions

    def _softmax(self, values: Floats, temperature: NDArray[np.float64]) -> NDArray[np.int64]:
        warmth = np.maximum(temperature, 1e-6)[:, None]
        chances = np.exp((values - values.max(axis=1, keepdims=True)) / warmth).cumsum(axis=1)
        drawn = self._acting.many(len(values))[:, None] * chances[:, -1:]
        return np.minimum((chances <= drawn).sum(axis=1), values.shape[1] - 1)

    def _end(self, numbers: list[int]) -> None:
        for number in numbers:
            self.returns.append(float(self._return[number]))
            self.ends.append(self.steps)
            self._return[number] = 0.0
            self.environments.ended(number)
            self.replay.begin(number, self.environments.begin(number, self.steps))
            self.contexts.ended(self.returns[-1], self.network)

    # A changed world.

    def _changed(self, reward: float, ended: bool, error: float) -> bool:
        if self._alarm is not None:
            return self._alarm(self.steps, reward, ended, error)
        return 2 * np.count_nonzero(self.hyper.reset) > self.environments.count

    def _restart(self) -> None:
        """What was remembered is of another world: only what comes now is learnt from, and exploring starts again."""
        self.resets.append(self.steps)
        self.replay.forget()
        if self._alarm is not None:
            self.modulation.restart()
        if self.options.reset == "weights":
            self.network.renew(network_for(self.options, self.environments, len(self.resets)).weights())
        self.contexts.changed(self.network)

    # Learning.

    def _learn(self) -> None:
        """The updates that are due; acetylcholine says how many of them there are (`replay_factor`)."""
        chosen, before = self.options, self.steps - self.environments.count
        due = self.steps // chosen.train_every - before // chosen.train_every
        if due and self.replay.holds(chosen.batch, chosen.n_step):
            self._owed += due * _mean(self.hyper.replay_factor)
            while self._owed >= 1.0:
                self._owed -= 1.0
                self._update()
        if self.steps // chosen.target_every > before // chosen.target_every:
            self.network.follow(chosen.tau)
        if chosen.hook == "policy_gradient" and self.steps // chosen.log_every > before // chosen.log_every:
            hooks.policy_gradient(self.network, self.replay, self.hyper, chosen)

    def _update(self) -> None:
        chosen, hyper = self.options, self.hyper
        discount = _mean(hyper.discount)
        rows = self.priorities.rows(self._sampling, chosen.batch, chosen.n_step)
        batch = self.replay.batch(rows, chosen.n_step, discount)
        errors = self.network.learn(batch, _mean(hyper.learning_rate), _mean(hyper.attention_gain))
        self.priorities.learnt(rows, errors)

    # Its state.

    def outcome(self, stopped: bool) -> Outcome:
        """What it came to."""
        returns = np.asarray(self.returns, np.float64)
        last = float(returns[-100:].mean()) if len(returns) else float("nan")
        weights = {name: one.copy() for name, one in self.network.weights().items()}
        ends, resets = np.asarray(self.ends, np.int64), np.asarray(self.resets, np.int64)
        return Outcome(self.steps, len(returns), returns, ends, resets, last, stopped, weights)

    def save(self, keeper: Keeper | None, recorder: Recorder | None) -> None:
        """A checkpoint; the record is on disk up to this step before the state is, so that no step is missing."""
        if recorder is not None:
            recorder.checkpoint(self.steps)
        if keeper is not None:
            record = None if recorder is None else recorder.state_dict()
            keeper.save(self.steps, {**self.state_dict(), "record": record})

    def resume(self, keeper: Keeper | None) -> int:
        """Goes on from the last checkpoint, if there is one; the step it stands at."""
        state = None if keeper is None else keeper.load()
        if state is not None:
            self.load_state_dict(state)
        return self.steps

    def state_dict(self) -> dict[str, Any]:
        """Everything that the rest of the run depends on."""
        return {
            "network": self.network.state_dict(),
            "replay": self.replay.state_dict(),
            "priorities": self.priorities.state_dict(),
            "environments": self.environments.state_dict(),
            "modulation": self.modulation.state_dict(),
            "contexts": self.contexts.state_dict(),
            "draws": [self._acting.state_dict(), self._sampling.state_dict()],
            "counts": {"steps": self.steps, "rounds": self.rounds, "owed": self._owed},
            "returns": np.asarray(self.returns, np.float64),
            "ends": np.asarray(self.ends, np.int64),
            "resets": np.asarray(self.resets, np.int64),
            "return": self._return.copy(),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Stands where that state was taken, to the bit. Raises BadWeights."""
        self.network.load_state_dict(state["network"])
        self.replay.load_state_dict(state["replay"])
        self.priorities.load_state_dict(state["priorities"])
        self.environments.load_state_dict(state["environments"])
        self.modulation.load_state_dict(state["modulation"])
        self.contexts.load_state_dict(state["contexts"])
        for draws, one in zip((self._acting, self._sampling), state["draws"], strict=True):
            draws.load_state_dict(one)
        counts = state["counts"]
        self.steps, self.rounds, self._owed = counts["steps"], counts["rounds"], counts["owed"]
        self.returns, self.ends = state["returns"].tolist(), state["ends"].tolist()
        self.resets = state["resets"].tolist()
        np.copyto(self._return, state["return"])
        self.hyper = self.modulation.now()


def _mean(values: NDArray[np.float64]) -> float:
    """Of all environments; `mean` of numpy takes longer than what it is for."""
    return float(np.add.reduce(values)) / len(values)

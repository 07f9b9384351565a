"""The worlds of the agent: Gymnasium environments with a number of actions, one or many side by side.

Each episode begins with a seed of its own, made of the run's seed, the environment's number and the episode's. So a
run that was killed within an episode begins that episode again, repeats its actions, and stands where it stood; an
environment that remembers more than an episode says it by `state_dict` and `load_state_dict`.
"""

from __future__ import annotations

import importlib.util
import math
from array import array
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from anima.kernel.errors import AnimaError

from .failures import ArgumentsRefused, EnvironmentFailed, NotANumber, NotDiscrete, NotSeen, UnknownEnvironment
from .frames import Frames, is_picture
from .replay import Layout

if TYPE_CHECKING:
    import gymnasium

Env = Any
_REPEATED = " was raised from the environment creator"
"""How Gymnasium goes on behind an error of the environment, with its name and arguments."""


@dataclass(slots=True)
class Taken:
    """What came of a step of every environment. `seen` is the observation after it, before a new episode begins."""

    seen: NDArray[Any]
    rewards: NDArray[np.float64]
    terminal: NDArray[np.bool_]
    ended: NDArray[np.bool_]


class Environments:
    """`count` environments of one id. `stacked` is what the agent sees now: (count, *shape of the network's input)."""

    def __init__(
        self,
        name: str,
        arguments: Mapping[str, Any],
        *,
        count: int = 1,
        seed: int = 0,
        frames: Frames | None = None,
        made: Env | None = None,
    ) -> None:
        """Raises UnknownEnvironment, ArgumentsRefused, NotDiscrete, NotSeen. `made` is one that is there already."""
        self.name, self.seed, self.count = name, seed, count
        self._envs = [made] if made is not None else [make(name, arguments) for _ in range(count)]
        self.actions, self._first = _actions_of(name, self._envs[0].action_space)
        self._frames = frames or Frames()
        self._space = self._envs[0].observation_space
        self.layout = _layout(name, self._space, self._frames)
        depth = self.layout.stack
        shape = self.layout.shape
        self.input_shape: tuple[int, ...] = (shape[0] * depth, *shape[1:]) if depth > 1 else shape
        self.episodes: NDArray[np.int64] = np.zeros(count, np.int64)
        self._logs = [array("i") for _ in range(count)]
        self._keepers = [_keepers(env) for env in self._envs]
        self._remembered: list[dict[str, Any]] = [{} for _ in range(count)]
        self._latest: NDArray[Any] = np.zeros((count, *shape), self.layout.dtype)
        self._each = list(self._latest)
        self._pictures = self.layout.dtype != "float32"
        # Numbers are seen by the agent as they are kept: one array for both.
        self.stacked = np.zeros((count, *self.input_shape), np.float32) if self._pictures else self._latest
        self._flat = self._latest.reshape(-1)
        self._ones = np.ones(0 if self._pictures else self._flat.size, np.float32)
        self._taken = Taken(self._latest, np.zeros(count), np.zeros(count, bool), np.zeros(count, bool))

    def begin(self, number: int, step: int = 0) -> NDArray[Any]:
        """Begins the next episode of an environment; its first observation, as it is kept."""
        self._remembered[number] = {at: one.state_dict() for at, one in self._keepers[number].items()}
        del self._logs[number][:]
        return self._reset(number, step)

    def step(self, actions: NDArray[np.int64], step: int) -> Taken:
        """Takes an action in each. Raises EnvironmentFailed, NotANumber."""
        taken = self._taken
        for number, action in enumerate(actions.tolist()):
            self._logs[number].append(action)
            seen, reward, terminal, cut = self._step(number, action, step)
            self._see(number, seen)
            taken.rewards[number] = reward
            taken.terminal[number] = terminal
            taken.ended[number] = terminal or cut
        self._check(step)
        return taken

    def ended(self, number: int) -> None:
        """The episode of an environment is over; `begin` is next."""
        self.episodes[number] += 1

    def state_dict(self) -> dict[str, Any]:
        """Which episode each is in, what it remembered before it, and what was done since."""
        return {
            "episodes": self.episodes.copy(),
            "actions": [np.asarray(log, np.int32) for log in self._logs],
            "remembered": list(self._remembered),
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Lives through the begun episodes again. Raises EnvironmentFailed."""
        np.copyto(self.episodes, state["episodes"])
        for number, keepers in enumerate(self._keepers):
            self._remembered[number] = dict(state["remembered"][number])
            for at, kept in self._remembered[number].items():
                keepers[at].load_state_dict(kept)
            self._logs[number] = array("i", state["actions"][number].tolist())
            self._reset(number, 0)
            for action in self._logs[number]:
                self._see(number, self._step(number, action, 0)[0])

    def close(self) -> None:
        """Lets go of them."""
        for env in self._envs:
            env.close()

    def _reset(self, number: int, step: int) -> NDArray[Any]:
        try:
            seed = episode_seed(self.seed, number, int(self.episodes[number]))
            seen, _ = self._envs[number].reset(seed=seed)
        except Exception as error:  # whatever it was: it is the environment's
            raise EnvironmentFailed(id=self.name, step=step, reason=_told(error)) from error
        found = self._see(number, seen, first=True)
        self._check(step)
        return found

    def _step(self, number: int, action: int, step: int) -> tuple[Any, float, bool, bool]:
        try:
            seen, reward, terminal, cut, _ = self._envs[number].step(self._first + action)
        except Exception as error:  # whatever it was: it is the environment's
            raise EnvironmentFailed(id=self.name, step=step, reason=_told(error)) from error
        if not math.isfinite(reward):
            raise NotANumber(id=self.name, what="a reward", step=step, value=float(reward))
        return seen, reward, terminal, cut

    def _see(self, number: int, seen: Any, *, first: bool = False) -> NDArray[Any]:
        latest = self._each[number]
        if self._pictures:
            latest[...] = self._frames.see(np.asarray(seen))
            self._stack(self.stacked[number], latest, first)
        else:
            vector(self._space, seen, latest)
        return latest

    def _stack(self, stack: NDArray[np.float32], latest: NDArray[Any], first: bool) -> None:
        """Puts a picture on the others that the agent sees."""
        channels, seen = latest.shape[0], latest.astype(np.float32)
        if latest.dtype == np.uint8:
            seen *= np.float32(1.0 / 255.0)
        if first:
            stack[...] = np.tile(seen, (self.layout.stack, 1, 1))
        else:
            stack[:-channels] = stack[channels:]
            stack[-channels:] = seen

    def _check(self, step: int) -> None:
        if self._pictures or math.isfinite(self._flat.dot(self._ones)):
            return
        for seen in self._latest:
            if not math.isfinite(float(seen.sum())):
                raise NotANumber(id=self.name, what="an observation", step=step, value=seen)


def make(name: str, arguments: Mapping[str, Any]) -> gymnasium.Env[Any, Any]:
    """An environment by its id. Raises UnknownEnvironment, ArgumentsRefused."""
    import gymnasium

    if name.startswith("anima/"):
        from .suite import environments as ours

        ours.register()
    if name.startswith("MinAtar/") and importlib.util.find_spec("minatar") is not None:
        from minatar import gym as pictures

        pictures.register_envs()
    try:
        made = gymnasium.make(name, disable_env_checker=True, **arguments)
    except Exception as error:  # whatever it was: it is the environment's
        raise _not_made(name, arguments, error) from error
    space: Any = made.unwrapped.action_space
    if type(space) is gymnasium.spaces.Discrete:
        # Most worlds ask at each step whether an action is one; the space's own answer takes half as long as the step.
        space.contains = range(int(space.start), int(space.start) + int(space.n)).__contains__
    return made


def _not_made(name: str, arguments: Mapping[str, Any], error: Exception) -> AnimaError:
    """Why there is no such environment: it is not known, something that it needs is missing, or its arguments."""
    from gymnasium import error as known

    reason = _told(error).partition(_REPEATED)[0]
    missing = ImportError | known.UnregisteredEnv | known.DeprecatedEnv | known.DependencyNotInstalled
    if isinstance(error, missing) or (isinstance(error, known.Error) and not arguments):
        return UnknownEnvironment(id=name, reason=reason)
    if arguments or isinstance(error, TypeError):  # also of one that was not given what it needs
        return ArgumentsRefused(id=name, names=", ".join(arguments) or "none", reason=reason)
    return EnvironmentFailed(id=name, step=0, reason=reason)


def episode_seed(seed: int, environment: int, episode: int) -> int:
    """The seed of an episode, below 2^31: mixed well, so that neighbours have nothing in common (splitmix64)."""
    z = (seed * 0x9E3779B97F4A7C15 + environment * 0xBF58476D1CE4E5B9 + episode * 0x94D049BB133111EB + 1) % 2**64
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9 % 2**64
    z = (z ^ (z >> 27)) * 0x94D049BB133111EB % 2**64
    return (z ^ (z >> 31)) >> 33


def vector(space: Any, seen: Any, into: NDArray[np.float32]) -> None:
    """An observation as numbers: of a Discrete space a one at its place."""
    if type(seen) is np.ndarray and seen.shape == into.shape:
        into[...] = seen
    elif type(space).__name__ == "Discrete":
        into[...] = 0.0
        into[int(seen) - int(space.start)] = 1.0
    else:
        into[...] = np.asarray(seen).reshape(into.shape)


def _actions_of(name: str, space: Any) -> tuple[int, int]:
    """How many actions, and the first of them."""
    if type(space).__name__ != "Discrete":
        raise NotDiscrete(id=name, space=space)
    return int(space.n), int(space.start)


def _layout(name: str, space: Any, frames: Frames) -> Layout:
    kind = type(space).__name__
    if kind == "Discrete":
        return Layout((int(space.n),), "float32")
    if kind not in ("Box", "MultiBinary") or space.shape is None:
        raise NotSeen(id=name, space=space)
    shape, dtype = tuple(space.shape), np.dtype(space.dtype)
    if not is_picture(shape, dtype):
        return Layout((math.prod(shape),), "float32")
    seen = frames.see(np.zeros(shape, dtype))
    return Layout(seen.shape, seen.dtype.name, frames.stack)


def _keepers(env: Env) -> dict[str, Env]:
    """Of the wrappers of an environment, from outside, and itself those that remember more than an episode."""
    found = [env]
    while hasattr(found[-1], "env"):
        found.append(found[-1].env)
    return {str(at): one for at, one in enumerate(found) if "state_dict" in dir(type(one))}


def _told(error: Exception) -> str:
    return f"{type(error).__name__}: {error}".rstrip(".")  # the sentence that quotes it ends by itself

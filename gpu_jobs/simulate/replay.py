"""The replay buffer: a ring for each environment, in which an observation is kept once.

What is seen after a step lies in the row after it, so that no observation is stored twice; the last one of an episode
has a row of its own, from which no transition starts. Planes of bits are packed (MinAtar: 8 pixels a byte), pictures
keep their 8 bits, and memory is only taken as it fills. A CartPole transition takes 22 bytes.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .draws import Draws
from .network import Batch, Floats

Rows = NDArray[np.int64]
Kind = NDArray[Any]
FEW = 64
"""Of so few rows those that may be drawn are listed; of more another row is drawn where none may start."""
TERMINAL, ENDED, FIRST, LAST = 1, 2, 4, 8
"""Flags of a row: the step ended in a terminal state; it ended its episode (so does a time limit); it began one; the
row is only the observation after an episode's last step.
"""


@dataclass(frozen=True, slots=True)
class Layout:
    """How observations are kept: their shape, bool, uint8 or float32, and how many of them a stack is (pictures)."""

    shape: tuple[int, ...]
    dtype: str
    stack: int = 1

    @property
    def width(self) -> int:
        """Values, or bytes of 8 bits, that a row has."""
        size = math.prod(self.shape)
        return (size + 7) // 8 if self.dtype == "bool" else size

    @property
    def row_bytes(self) -> int:
        """What a transition takes: the observation, action (2 at most), reward and flags."""
        return self.width * (4 if self.dtype == "float32" else 1) + 7


class Replay:
    """Transitions of `environments` side by side; the oldest are overwritten."""

    def __init__(self, layout: Layout, capacity: int, environments: int, actions: int) -> None:
        """Room for `capacity` rows in all."""
        self.layout, self.environments = layout, environments
        self.length = max(2, capacity // environments)
        rows = self.length * environments
        kept = "uint8" if layout.dtype == "bool" else layout.dtype
        # np.empty takes addresses, not memory: pages come as they are written.
        self._seen: Kind = np.empty((rows, layout.width), kept)
        self._actions: Kind = np.empty(rows, np.int8 if actions <= 128 else np.int16)
        self._rewards: Floats = np.empty(rows, np.float32)
        self._flags: NDArray[np.uint8] = np.empty(rows, np.uint8)
        self.written: Rows = np.zeros(environments, np.int64)
        self.boundary: Rows = np.zeros(environments, np.int64)
        self._base: Rows = np.arange(environments, dtype=np.int64) * self.length
        self._opening: NDArray[np.uint8] = np.zeros(environments, np.uint8)
        self._held = 0

    @property
    def nbytes(self) -> int:
        """Bytes that it takes when it is full."""
        return self._seen.nbytes + self._actions.nbytes + self._rewards.nbytes + self._flags.nbytes

    def begin(self, environment: int, seen: Kind) -> None:
        """An episode begins with this observation."""
        self._seen[self._base[environment] + self.written[environment] % self.length] = self._packed(seen)
        self._opening[environment] = FIRST

    def add(
        self, actions: Kind, rewards: Kind, terminal: NDArray[np.bool_], ended: NDArray[np.bool_], seen: Kind
    ) -> None:
        """A step of every environment and what was seen after it, the episode's last observation where it ended.

        Where it ended, `begin` is called next.
        """
        if self.environments == 1:
            self._add_one(actions[0], rewards[0], bool(terminal[0]), bool(ended[0]), seen)
            return
        here = self._base + self.written % self.length
        self.written += 1
        after = self._base + self.written % self.length
        self._actions[here], self._rewards[here] = actions, rewards
        self._flags[here], self._flags[after] = self._opening, 0
        self._opening.fill(0)
        self._seen[after] = self._packed(seen)
        if np.count_nonzero(ended):
            final, last = here[ended], after[ended]
            self._flags[final] |= terminal[ended] * np.uint8(TERMINAL) + np.uint8(ENDED)
            self._flags[last], self._actions[last], self._rewards[last] = LAST, 0, 0.0
            self.written[ended] += 1

    def _add_one(self, action: Any, reward: Any, terminal: bool, ended: bool, seen: Kind) -> None:
        """The same of the only environment: numbers are put one by one faster than by arrays of rows."""
        written = int(self.written[0])
        here, after = written % self.length, (written + 1) % self.length
        self._actions[here], self._rewards[here] = action, reward
        self._flags[here] = terminal * TERMINAL + ended * ENDED + int(self._opening[0])
        self._opening[0] = 0
        self._seen[after] = self._packed(seen)
        self._flags[after] = 0
        if ended:
            self._flags[after], self._actions[after], self._rewards[after] = LAST, 0, 0.0
        self.written[0] = written + 1 + ended

    def forget(self) -> None:
        """Only what is added from now on is sampled."""
        np.copyto(self.boundary, self.written)
        self._held = 0

    def usable(self, steps: int = 1) -> int:
        """How many rows may be drawn from, about: none means none. Those after an episode's end count where few are."""
        low, high = self._range(steps)
        found = int(np.add.reduce(np.maximum(high - low, 0)))
        return found if found > FEW else len(self._valid(low, high))

    def holds(self, count: int, steps: int = 1) -> bool:
        """Whether so many may be drawn from. More than a few stay until `forget`: they are counted no more."""
        if self._held < count:
            found = self.usable(steps)
            self._held = found if found > FEW else 0
            return found >= count
        return True

    def numbers(self, rows: Rows) -> Rows:
        """The how manieth of its environment each row is: another one when it was written anew."""
        head = (self.written % self.length)[rows // self.length]
        laps = (self.written // self.length)[rows // self.length]
        at = rows % self.length
        return at + (laps - (at > head)) * self.length

    def sample(self, draws: Draws, count: int, steps: int, discount: float) -> Batch:
        """Transitions of `steps` steps, drawn with equal chances (and the same chance for each environment)."""
        return self.batch(self.rows(draws, count, steps), steps, discount)

    def rows(self, draws: Draws, count: int, steps: int) -> Rows:
        """Where `count` transitions start that are drawn so."""
        low, high = self._range(steps)
        return self._drawn(draws, low, high, count)

    def batch(self, rows: Rows, steps: int, discount: float) -> Batch:
        """The transitions that start at these rows: rewards are summed until the episode ends or `steps` are over."""
        rewards = self._rewards.take(rows)
        flags = self._flags.take(rows)
        if steps == 1:
            weight = np.float32(discount) * ((flags & TERMINAL) == 0)
            then = self._next(rows)
            actions = self._actions.take(rows).astype(np.int64)
            return Batch(self.seen(rows), actions, rewards, self.seen(then), weight)
        weight = np.full(len(rows), discount, np.float32)
        then, going = rows, np.ones(len(rows), bool)
        for step in range(steps):
            if step:
                flags = self._flags[then]
                rewards += np.where(going, self._rewards[then] * np.float32(discount**step), np.float32(0.0))
                weight[going] *= np.float32(discount)
            weight[going & ((flags & TERMINAL) != 0)] = 0.0
            then = np.where(going, self._next(then), then)
            going &= (flags & ENDED) == 0
        return Batch(self.seen(rows), self._actions[rows].astype(np.int64), rewards, self.seen(then), weight)

    def latest(self, environment: int, count: int) -> tuple[Rows, Floats, NDArray[np.bool_]]:
        """The last `count` steps of an environment after the boundary: rows in order, rewards, where episodes ended."""
        low, high = self._range(1)
        at = np.arange(max(low[environment], high[environment] - count), high[environment])
        rows = self._base[environment] + at % self.length
        rows = self._started(rows)
        return rows, self._rewards[rows], (self._flags[rows] & ENDED) != 0

    def seen(self, rows: Rows) -> Floats:
        """The observations of these rows as numbers: (n, *shape), or (n, stack · channels, height, width)."""
        if self.layout.stack == 1:
            return self._unpacked(self._seen.take(rows, axis=0)).reshape(len(rows), *self.layout.shape)
        frames, at = [self._seen[rows]], rows
        for _ in range(self.layout.stack - 1):
            at = np.where((self._flags[at] & FIRST) != 0, at, self._previous(at))
            frames.insert(0, self._seen[at])
        shaped = [self._unpacked(one).reshape(len(rows), *self.layout.shape) for one in frames]
        return np.concatenate(shaped, axis=1)

    def state_dict(self) -> dict[str, Any]:
        """What is filled, and where the ring stands."""
        filled = np.minimum(self.written + 1, self.length)
        kept: dict[str, Any] = {"written": self.written, "boundary": self.boundary, "opening": self._opening}
        for name, array in self._columns().items():
            parts = [array[base : base + size] for base, size in zip(self._base, filled, strict=True)]
            kept[name] = parts[0] if len(parts) == 1 else np.concatenate(parts)
        return kept

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Goes on there."""
        self._held = 0
        for name, own in (("written", self.written), ("boundary", self.boundary), ("opening", self._opening)):
            np.copyto(own, state[name])
        filled = np.minimum(self.written + 1, self.length)
        for name, array in self._columns().items():
            at = 0
            for base, size in zip(self._base, filled, strict=True):
                array[base : base + size] = state[name][at : at + size]
                at += size

    def _columns(self) -> dict[str, Kind]:
        return {"seen": self._seen, "actions": self._actions, "rewards": self._rewards, "flags": self._flags}

    def _range(self, steps: int) -> tuple[Rows, Rows]:
        """From which row, counted from the first ever written, to before which a transition may start."""
        oldest = self.written - (self.length - self.layout.stack)
        low: Rows = np.maximum(oldest, self.boundary)
        return low, self.written - (steps - 1) if steps > 1 else self.written

    def _valid(self, low: Rows, high: Rows) -> Rows:
        """All rows from which a transition may start."""
        spans = zip(self._base, low, high, strict=True)
        rows = np.concatenate([base + np.arange(first, max(first, end)) % self.length for base, first, end in spans])
        return self._started(rows)

    def _drawn(self, draws: Draws, low: Rows, high: Rows, count: int) -> Rows:
        sizes = np.maximum(high - low, 0)
        if int(np.add.reduce(sizes)) <= FEW:
            few = self._valid(low, high)
            return few[(draws.many(count) * len(few)).astype(np.int64)]
        spare = count // 8 + 16  # some more than are wanted, for those from which none may start
        rows = self._started(self._placed(draws.many(count + spare), low, sizes))
        while len(rows) < count:
            rows = np.concatenate((rows, self._started(self._placed(draws.many(spare), low, sizes))))
        return rows[:count]

    def _started(self, rows: Rows) -> Rows:
        """Those of them from which a transition starts."""
        return rows[self._flags.take(rows) < LAST]

    def _placed(self, drawn: NDArray[np.float64], low: Rows, sizes: Rows) -> Rows:
        """The rows that numbers from [0, 1) fall on: first an environment, then one of its rows."""
        if self.environments == 1:
            only: Rows = ((drawn * sizes[0]).astype(np.int64) + low[0]) % self.length
            return only
        choices = sizes.nonzero()[0]
        spread = drawn * len(choices)
        which = spread.astype(np.int64)
        spread -= which
        if len(choices) < self.environments:
            which = choices.take(which)
        spread *= sizes.take(which)
        rows: Rows = spread.astype(np.int64)
        rows += low.take(which)
        rows %= self.length
        rows += self._base.take(which)
        return rows

    def _next(self, rows: Rows) -> Rows:
        after = rows + 1
        if self.environments == 1:
            after[after == self.length] = 0
        else:
            after[after % self.length == 0] -= self.length
        return after

    def _previous(self, rows: Rows) -> Rows:
        before = rows - 1
        before[rows % self.length == 0] += self.length
        return before

    def _packed(self, seen: Kind) -> Kind:
        if self.layout.dtype == "float32":  # numbers in a row: as they are
            return seen
        single = seen.ndim == len(self.layout.shape)
        flat = seen.reshape(-1) if single else seen.reshape(len(seen), -1)
        return np.packbits(flat, axis=-1) if self.layout.dtype == "bool" else flat

    def _unpacked(self, kept: Kind) -> Floats:
        if self.layout.dtype == "bool":
            return np.unpackbits(kept, axis=-1, count=math.prod(self.layout.shape)).astype(np.float32)
        return kept if self.layout.dtype == "float32" else kept.astype(np.float32) * np.float32(1.0 / 255.0)

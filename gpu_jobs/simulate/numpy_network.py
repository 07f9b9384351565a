"""A small multi-layer perceptron with its gradient and Adam written out in numpy.

For networks of some ten thousand parameters this is several times faster than a framework, whose price per call is
higher than that of the arithmetic. All parameters lie in one vector, so that Adam is ten calls whatever the number of
layers; every array that an update needs is made once. The arithmetic is torch's, in its order (`torch_network`).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .failures import BadWeights
from .network import HUGE, STEEP, Batch, Floats, Shape, drawn

BETA_1, BETA_2, EPSILON = 0.9, 0.999, 1e-8
ZERO = np.float32(0.0)


class Parameters:
    """A vector, and the matrices of the layers as views of it."""

    def __init__(self, shape: Shape) -> None:
        self.flat: Floats = np.zeros(sum(math.prod(one) for _, one in shape.layers), np.float32)
        self.named: dict[str, Floats] = {}
        at = 0
        for name, dims in shape.layers:
            size = math.prod(dims)
            self.named[name] = self.flat[at : at + size].reshape(dims)
            at += size
        arrays = list(self.named.values())
        self.matrices, self.biases = arrays[::2], arrays[1::2]
        self.turned = [one.T for one in self.matrices]


class Adam:
    """Kingma & Ba (2015), in place over one vector; the order of operations is that of torch.optim.Adam."""

    def __init__(self, size: int) -> None:
        self.m: Floats = np.zeros(size, np.float32)
        self.v: Floats = np.zeros(size, np.float32)
        self.steps = 0
        self._scratch: Floats = np.empty(size, np.float32)

    def step(self, theta: Floats, gradient: Floats, rate: float) -> None:
        """Moves theta down the gradient, which is used up."""
        self.steps += 1
        scratch = self._scratch
        np.multiply(gradient, gradient, out=scratch)
        scratch *= np.float32(1.0 - BETA_2)
        self.v *= np.float32(BETA_2)
        self.v += scratch
        gradient -= self.m
        gradient *= np.float32(1.0 - BETA_1)
        self.m += gradient
        np.sqrt(self.v, out=scratch)
        # Both corrections of the bias are in the size of the step; epsilon is scaled in place of v.
        correction = math.sqrt(1.0 - BETA_2**self.steps)
        scratch += np.float32(EPSILON * correction)
        np.divide(self.m, scratch, out=scratch)
        scratch *= np.float32(rate * correction / (1.0 - BETA_1**self.steps))
        theta -= scratch


class Pass:
    """What a forward pass over a number of observations leaves behind, in arrays made once."""

    def __init__(self, shape: Shape, rows: int) -> None:
        widths = [*shape.hidden, shape.outputs]
        self.layers: list[Floats] = [np.empty((rows, width), np.float32) for width in widths]
        self.values: Floats = np.empty((rows, shape.actions), np.float32) if shape.dueling else self.layers[-1]
        # The larger of two arrays is found several times faster than that of an array and a number.
        self._nothing: list[Floats] = [np.zeros_like(one) for one in self.layers[:-1]]
        self.positive = [np.empty(one.shape, bool) for one in self.layers[:-1]]
        self.slopes: list[Floats] = [np.empty_like(one) for one in self.layers]
        self.by_value: Floats = np.zeros((rows, shape.actions), np.float32)
        self.ones: Floats = np.ones(rows, np.float32)
        self.starts = np.arange(rows) * shape.actions
        """Where the values of each row begin, counted through all of them."""

    def forward(self, parameters: Parameters, seen: Floats) -> Floats:
        """Q(s, ·) of (rows, inputs)."""
        x = seen
        for turned, bias, out, nothing in zip(
            parameters.turned, parameters.biases, self.layers[:-1], self._nothing, strict=False
        ):
            np.matmul(x, turned, out=out)
            np.add(out, bias, out=out)
            np.maximum(out, nothing, out=out)
            x = out
        last = np.matmul(x, parameters.turned[-1], out=self.layers[-1])
        np.add(last, parameters.biases[-1], out=last)
        if self.values is not last:  # dueling (Wang et al. 2016): V + A - mean A
            advantages = last[:, 1:]
            np.subtract(advantages, advantages.mean(axis=1, keepdims=True), out=self.values)
            self.values += last[:, :1]
        return self.values


class NumpyNetwork:
    """The network, its target, and one update of them."""

    def __init__(self, shape: Shape, seed: int) -> None:
        self.shape = shape
        self.online, self.target, self.gradient = Parameters(shape), Parameters(shape), Parameters(shape)
        self.adam = Adam(self.online.flat.size)
        self._passes: dict[int, Pass] = {}
        self._then: dict[int, Pass] = {}
        self.renew(drawn(shape.layers, seed))

    def values(self, seen: Floats) -> Floats:
        """Q(s, ·) of (n, *seen): (n, actions). It stands until the next call."""
        return self._pass(len(seen)).forward(self.online, seen.reshape(len(seen), -1))

    def target_values(self, seen: Floats) -> Floats:
        """The same by the target network."""
        return self._next(len(seen)).forward(self.target, seen.reshape(len(seen), -1))

    def learn(self, batch: Batch, rate: float, gain: float = 1.0) -> Floats:
        """One update; the temporal-difference errors of the batch before it."""
        rows = len(batch.actions)
        then = batch.then.reshape(rows, -1)
        following, made = self._next(rows), self._pass(rows)
        # 1. What the action-value should have been: r + γ·max Q⁻(s′), or with the action that Q itself prefers.
        if self.shape.double:
            best = following.starts + following.forward(self.online, then).argmax(axis=1)
            errors: Floats = following.forward(self.target, then).take(best)
        else:
            errors = np.maximum.reduce(following.forward(self.target, then).T.copy(), axis=0)
        errors *= batch.weight
        errors += batch.rewards
        # 2. What it was, and the gradient of the loss by it: only the action that was taken counts.
        seen = batch.seen.reshape(rows, -1)
        taken = made.starts + batch.actions
        errors -= made.forward(self.online, seen).take(taken)
        _kept_within(errors, HUGE)
        slope = np.clip(errors, -1.0, 1.0) if self.shape.huber else errors * np.float32(2.0)
        slope *= np.float32(-1.0 / rows)
        if gain != 1.0:
            size = np.abs(errors)
            slope[size > size.mean()] *= np.float32(gain)
        made.by_value.fill(0.0)
        made.by_value.reshape(-1)[taken] = slope
        # 3. Back through the layers, and one step of Adam.
        self._descend(made, seen, made.by_value, rate)
        return errors

    def climb(self, seen: Floats, actions: NDArray[np.int64], advantages: Floats, warmth: float, rate: float) -> None:
        """One step up the policy gradient of softmax(Q/warmth): the mean of advantage · grad log π(a|s)."""
        rows = len(actions)
        flat = seen.reshape(rows, -1)
        made = self._pass(rows)
        q = made.forward(self.online, flat)
        away = np.exp((q - q.max(axis=1, keepdims=True)) / np.float32(warmth))
        away /= away.sum(axis=1, keepdims=True)
        away.reshape(-1)[made.starts + actions] -= 1.0
        away *= (advantages / np.float32(warmth * rows))[:, None]
        self._descend(made, flat, away.astype(np.float32), rate)

    def follow(self, tau: float) -> None:
        """Moves the target network towards the other: by `tau` (1: a copy)."""
        if tau >= 1.0:
            np.copyto(self.target.flat, self.online.flat)
        else:
            self.target.flat += np.float32(tau) * (self.online.flat - self.target.flat)

    def weights(self) -> dict[str, Floats]:
        """The parameters by name: views, which go on changing."""
        return self.online.named

    def renew(self, weights: Mapping[str, Floats]) -> None:
        """Puts other weights into both networks, and forgets what the optimiser knew. Raises BadWeights."""
        check(self.online.named, weights)
        for name, array in weights.items():
            np.copyto(self.online.named[name], array)
        self.follow(1.0)
        self.adam = Adam(self.online.flat.size)

    def state_dict(self) -> dict[str, Any]:
        """Everything, to go on bit for bit: weights, target, optimizer."""
        moments = {name: Parameters(self.shape) for name in ("m", "v")}
        moments["m"].flat[:], moments["v"].flat[:] = self.adam.m, self.adam.v
        return {
            "weights": dict(self.online.named),
            "target": self.target.flat,
            "optimizer": {"step": self.adam.steps, **{name: dict(one.named) for name, one in moments.items()}},
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Goes on there."""
        self.renew(state["weights"])
        np.copyto(self.target.flat, state["target"])
        self.adam.steps = state["optimizer"]["step"]
        for name, into in (("m", self.adam.m), ("v", self.adam.v)):
            np.concatenate([state["optimizer"][name][one].ravel() for one in self.online.named], out=into)

    def _descend(self, made: Pass, seen: Floats, by_value: Floats, rate: float) -> None:
        slope = by_value
        if self.shape.dueling:
            total = by_value.sum(axis=1, keepdims=True)
            slope = np.concatenate([total, by_value - total / np.float32(self.shape.actions)], axis=1)
        for number in range(len(made.layers) - 1, -1, -1):
            below = made.layers[number - 1] if number else seen
            np.matmul(slope.T, below, out=self.gradient.matrices[number])
            np.dot(made.ones, slope, out=self.gradient.biases[number])
            if number:
                slope = np.matmul(slope, self.online.matrices[number], out=made.slopes[number - 1])
                slope *= np.greater(below, ZERO, out=made.positive[number - 1])
        _kept_within(self.gradient.flat, STEEP)
        self.adam.step(self.online.flat, self.gradient.flat, rate)

    def _pass(self, rows: int) -> Pass:
        if rows not in self._passes:
            self._passes[rows] = Pass(self.shape, rows)
        return self._passes[rows]

    def _next(self, rows: int) -> Pass:
        if rows not in self._then:
            self._then[rows] = Pass(self.shape, rows)
        return self._then[rows]


def _kept_within(numbers: Floats, most: float) -> None:
    """Cuts them off in place; the sum of their squares tells at once that none of them is so large."""
    if not float(numbers.dot(numbers)) < most * most:
        np.clip(numbers, -most, most, out=numbers)


def check(held: Mapping[str, Floats], given: Mapping[str, Floats]) -> None:
    """Raises BadWeights unless the same parameters are there, in the same shapes."""
    wanted = {name: tuple(one.shape) for name, one in held.items()}
    found = {name: tuple(one.shape) for name, one in given.items()}
    if wanted != found:
        differ = sorted(set(wanted.items()) ^ set(found.items()))
        raise BadWeights(reason=f"{differ[0][0]} is {found.get(differ[0][0])}, not {wanted.get(differ[0][0])}")

"""The same network in torch, for large ones, for pictures and for GPUs.

A dense network computes what `numpy_network` computes, within rounding, from the same first weights. Pictures go
through convolutions first: two of the sizes that Mnih et al. (2015) used from 36 pixels on, one of 3x3 below (Young &
Tian, MinAtar, 2019).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from .network import HUGE, STEEP, Batch, Floats, Shape, drawn
from .numpy_network import BETA_1, BETA_2, EPSILON, check


class Dueling(nn.Module):
    """V + A - mean A of a layer whose first output is V (Wang et al. 2016)."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(n, 1 + actions) to (n, actions)."""
        advantages = x[:, 1:]
        return advantages - advantages.mean(dim=1, keepdim=True) + x[:, :1]


def layers(shape: Shape) -> nn.Sequential:
    """The network: dense layers and, before them, convolutions where pictures are seen."""
    made: list[nn.Module] = []
    width = shape.inputs
    if len(shape.seen) == 3:
        made = _convolutions(*shape.seen)
        with torch.no_grad():
            width = math.prod(nn.Sequential(*made)(torch.zeros(1, *shape.seen)).shape)
    for hidden in shape.hidden:
        made += [nn.Linear(width, hidden), nn.ReLU()]
        width = hidden
    made.append(nn.Linear(width, shape.outputs))
    return nn.Sequential(*made, *([Dueling()] if shape.dueling else []))


def _convolutions(channels: int, height: int, width: int) -> list[nn.Module]:
    if min(height, width) < 36:
        return [nn.Conv2d(channels, 16, 3), nn.ReLU(), nn.Flatten()]
    return [
        *(nn.Conv2d(channels, 32, 8, stride=4), nn.ReLU()),
        *(nn.Conv2d(32, 64, 4, stride=2), nn.ReLU()),
        *(nn.Conv2d(64, 64, 3), nn.ReLU(), nn.Flatten()),
    ]


class TorchNetwork:
    """The network, its target, and one update of them."""

    def __init__(self, shape: Shape, seed: int, device: str = "cpu", threads: int | None = None) -> None:
        self.shape = shape
        self._device = torch.device(("cuda" if torch.cuda.is_available() else "cpu") if device == "auto" else device)
        if threads is not None:
            torch.set_num_threads(threads)
        with torch.random.fork_rng():  # what torch draws is thrown away: the weights come from our own seed
            self.online, self.target = (layers(shape).to(self._device) for _ in range(2))
        self.target.requires_grad_(False)
        self._parameters = list(self.online.parameters())
        sizes = [(name, tuple(one.shape)) for name, one in self.online.named_parameters()]
        self.renew(drawn(sizes, seed))

    def values(self, seen: Floats) -> Floats:
        """Q(s, ·) of (n, *seen): (n, actions)."""
        with torch.no_grad():
            found: Floats = self.online(self._there(seen)).cpu().numpy()
        return found

    def target_values(self, seen: Floats) -> Floats:
        """The same by the target network."""
        with torch.no_grad():
            found: Floats = self.target(self._there(seen)).cpu().numpy()
        return found

    def learn(self, batch: Batch, rate: float, gain: float = 1.0) -> Floats:
        """One update; the temporal-difference errors of the batch before it."""
        actions, then = torch.from_numpy(batch.actions).to(self._device), self._there(batch.then)
        with torch.no_grad():
            values = self.target(then)
            if self.shape.double:
                bootstrapped = values.gather(1, self.online(then).argmax(dim=1, keepdim=True))[:, 0]
            else:
                bootstrapped = values.max(dim=1).values
            wanted = self._flat(batch.rewards) + self._flat(batch.weight) * bootstrapped
        q = self.online(self._there(batch.seen)).gather(1, actions[:, None])[:, 0]
        with torch.no_grad():
            errors = (wanted - q).clamp(-HUGE, HUGE)
            slope = errors.clamp(-1.0, 1.0) if self.shape.huber else 2.0 * errors
            slope = slope * (-1.0 / len(batch.actions))
            if gain != 1.0:
                size = errors.abs()
                slope = torch.where(size > size.mean(), slope * gain, slope)
        self._descend(q, slope, rate)
        found: Floats = errors.cpu().numpy()
        return found

    def climb(self, seen: Floats, actions: NDArray[np.int64], advantages: Floats, warmth: float, rate: float) -> None:
        """One step up the policy gradient of softmax(Q/warmth): the mean of advantage · grad log π(a|s)."""
        chosen = torch.from_numpy(actions).to(self._device)[:, None]
        likely = torch.log_softmax(self.online(self._there(seen)) / warmth, dim=1).gather(1, chosen)[:, 0]
        self._descend(likely, self._flat(advantages) * (-1.0 / len(actions)), rate)

    def follow(self, tau: float) -> None:
        """Moves the target network towards the other: by `tau` (1: a copy)."""
        with torch.no_grad():
            for theirs, ours in zip(self.target.parameters(), self._parameters, strict=True):
                theirs.copy_(ours) if tau >= 1.0 else theirs.lerp_(ours, tau)

    def weights(self) -> dict[str, Floats]:
        """The parameters by name."""
        return {name: one.detach().cpu().numpy() for name, one in self.online.named_parameters()}

    def renew(self, weights: Mapping[str, Floats]) -> None:
        """Puts other weights into both networks, and forgets what the optimiser knew. Raises BadWeights."""
        check(self.weights(), weights)
        _pour(self.online, weights)
        self.follow(1.0)
        self.adam = torch.optim.Adam(self._parameters, lr=1.0, betas=(BETA_1, BETA_2), eps=EPSILON, foreach=True)

    def state_dict(self) -> dict[str, Any]:
        """Everything, to go on bit for bit: weights, target, optimizer."""
        names = [name for name, _ in self.online.named_parameters()]
        moments: dict[str, Any] = {"step": 0, "m": {}, "v": {}}
        for name, one in zip(names, self._parameters, strict=True):
            held = self.adam.state.get(one, {})
            moments["step"] = int(held["step"]) if held else 0
            moments["m"][name] = _array(held.get("exp_avg", torch.zeros_like(one)))
            moments["v"][name] = _array(held.get("exp_avg_sq", torch.zeros_like(one)))
        target = np.concatenate([_array(one).ravel() for one in self.target.parameters()])
        return {"weights": self.weights(), "target": target, "optimizer": moments}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Goes on there, also from what the numpy network was."""
        self.renew(state["weights"])
        at, moments = 0, state["optimizer"]
        with torch.no_grad():
            for one in self.target.parameters():
                one.copy_(torch.from_numpy(state["target"][at : at + one.numel()].reshape(one.shape)))
                at += one.numel()
            for name, one in self.online.named_parameters():
                if moments["step"]:
                    held = {key: torch.from_numpy(moments[kind][name].copy()).to(self._device) for key, kind in _KEPT}
                    self.adam.state[one] = {"step": torch.tensor(float(moments["step"])), **held}

    def _descend(self, of: torch.Tensor, slope: torch.Tensor, rate: float) -> None:
        self.adam.zero_grad(set_to_none=True)
        of.backward(slope)
        torch._foreach_clamp_min_([one.grad for one in self._parameters], -STEEP)
        torch._foreach_clamp_max_([one.grad for one in self._parameters], STEEP)
        self.adam.param_groups[0]["lr"] = rate
        self.adam.step()

    def _there(self, seen: Floats) -> torch.Tensor:
        given = torch.from_numpy(np.ascontiguousarray(seen)).to(self._device)
        return given if len(self.shape.seen) == 3 else given.reshape(len(seen), -1)

    def _flat(self, numbers: Floats) -> torch.Tensor:
        return torch.from_numpy(np.asarray(numbers, np.float32)).to(self._device)


_KEPT = (("exp_avg", "m"), ("exp_avg_sq", "v"))


def _array(one: torch.Tensor) -> Floats:
    found: Floats = one.detach().cpu().numpy().copy()
    return found


def _pour(into: nn.Module, weights: Mapping[str, Floats]) -> None:
    with torch.no_grad():
        for name, one in into.named_parameters():
            one.copy_(torch.from_numpy(np.array(weights[name], np.float32)))

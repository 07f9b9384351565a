"""Experiments as a turn sees them: which variant a person is given, always the same one. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Variant:
    """What a turn does otherwise for a person: each of it may be missing, as all of it is in a variant that is there
    for comparison.

    `model` is a role or `provider:name`; `prompt` is a further system part; `params` go over the model's own; `policy`
    turns switches of the avatar off.
    """

    exp_id: int
    name: str
    model: str | None = None
    prompt_id: int | None = None
    prompt: str | None = None
    params: Mapping[str, Any] = field(default_factory=dict)
    policy: Mapping[str, bool] = field(default_factory=dict)

    def told(self) -> dict[str, Any]:
        """What the log of a request says of it."""
        return {"id": self.exp_id, "variant": self.name}

    def allows(self, switch: str) -> bool:
        """Whether it leaves a switch of the avatar as it is; it turns none on."""
        return bool(self.policy.get(switch, True))


@dataclass(frozen=True, slots=True)
class Running:
    """An experiment that runs, with the texts of its prompts by id, and the variant that the person has had of it."""

    exp_id: int
    variants: list[dict[str, Any]]
    prompts: dict[str, str] | None
    assigned: str | None


def chosen(running: Sequence[Running], user_id: int) -> Variant | None:
    """The variant of a person: of one experiment at a time, so that none blurs another; nothing where none runs.

    It stays the same as long as the experiment runs: by what is written down, and before that by a hash.
    """
    if not running:
        return None
    given = [one for one in running if one.assigned is not None and _named(one, one.assigned)]
    if given:
        of = min(given, key=lambda one: one.exp_id)
        return _named(of, of.assigned or "")
    of = max(running, key=lambda one: (lot(one.exp_id, user_id, "experiment"), one.exp_id))
    return _variant(of, drawn(of.variants, lot(of.exp_id, user_id, "variant")))


def lot(exp_id: int, user_id: int, of: str) -> float:
    """A number in [0, 1) that is the same whenever it is drawn: 53 bits of SHA-256, as many as a double holds."""
    digest = hashlib.sha256(f"{of}:{exp_id}:{user_id}".encode()).digest()
    return float((int.from_bytes(digest[:8], "big") >> 11) / 2**53)


def drawn(variants: Sequence[Mapping[str, Any]], number: float) -> Mapping[str, Any]:
    """The variant into whose share, by weight and in their order, a number in [0, 1) falls."""
    whole = sum(float(one.get("weight", 1)) for one in variants)
    reached = 0.0
    for one in variants:
        reached += float(one.get("weight", 1)) / whole
        if number < reached:
            return one
    return variants[-1]


def _named(running: Running, name: str) -> Variant | None:
    found = next((one for one in running.variants if one["name"] == name), None)
    return _variant(running, found) if found is not None else None


def _variant(running: Running, given: Mapping[str, Any]) -> Variant:
    prompt_id = given.get("prompt_id")
    prompt = (running.prompts or {}).get(str(prompt_id)) if prompt_id is not None else None
    return Variant(
        running.exp_id,
        str(given["name"]),
        given.get("model"),
        prompt_id if prompt is not None else None,
        prompt,
        given.get("params") or {},
        given.get("policy") or {},
    )

"""Plans of recomputation, kept with a model and put into force on the module that is trained.

measured = recompute.measure(module, forward, ["blocks.0", "blocks.1"])
set_plan(principal, "tiny", choose(measured, 1 << 30), measured)
with applied(principal, "tiny", module):
    train(module)
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, get_args

from anima.kernel import clock, db
from anima.kernel.errors import BadInput, FieldError
from anima.registry import gradient_plan_repo as repo
from anima.registry import service
from anima.registry.gradient_plan_model import PlannedLayer, Strategy, choose
from anima.registry.model import Reference
from anima.vendors.torch import recompute

__all__ = ["applied", "choose", "plan", "set_plan"]

_MOST_LAYERS = 100_000


def plan(principal: db.Principal, model: Reference) -> list[PlannedLayer]:
    """What is planned for the layers of a model, by their names. Raises NotFound."""
    found = service.get(principal, model)
    with db.transaction(principal) as tx:
        rows = repo.plan(tx, service.owner(principal), found.model_id)
    return rows.all()


def set_plan(
    principal: db.Principal,
    model: Reference,
    strategies: Mapping[str, Strategy],
    saved_bytes: Mapping[str, int] | None = None,
) -> list[PlannedLayer]:
    """Puts a plan in the place of the one that there is; layers that it does not name keep what they compute.

    Raises NotFound, BadInput.
    """
    for name, strategy in strategies.items():
        if strategy not in get_args(Strategy) or not 1 <= len(name) <= 500 or "\0" in name:
            raise BadInput(
                reason="a plan", fields=[FieldError(name[:80], "keep or recompute, for the name of a layer")]
            )
    if len(strategies) > _MOST_LAYERS:
        raise BadInput(reason=f"a plan of more than {_MOST_LAYERS} layers")
    found = service.get(principal, model)
    measured = saved_bytes or {}
    if not all(0 <= one < 2**63 for one in measured.values()):
        raise BadInput(reason="a plan", fields=[FieldError("saved_bytes", "a number of bytes, 0 or more")])
    with db.transaction(principal) as tx:
        service.hold(tx, service.owner(principal), found.model_id)
        saved = [measured.get(name) for name in strategies]
        repo.put(tx, service.owner(principal), found.model_id, strategies, saved, clock.now())
    return plan(principal, found)


def applied(principal: db.Principal, model: Reference, module: Any) -> recompute.Applied:
    """Puts a model's plan into force on a module of torch, until it is undone. Raises NotFound, BadInput."""
    strategies = {one.layer: one.strategy for one in plan(principal, model)}
    try:
        return recompute.apply(module, strategies)
    except recompute.UnknownLayer as error:
        raise BadInput(reason=str(error)) from None

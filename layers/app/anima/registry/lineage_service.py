"""The lineage of a model: what it came from, what came of it, the runs that trained it."""

from __future__ import annotations

from anima.kernel import db
from anima.registry import lineage_repo, service
from anima.registry.lineage_model import Lineage
from anima.registry.model import Reference

_MOST = 1000
"""So many ancestors, descendants and runs are told at most."""


def lineage(principal: db.Principal, model: Reference) -> Lineage:
    """Ancestors, descendants, runs and checkpoints of a model. Raises NotFound."""
    found, owner_id = service.get(principal, model), service.owner(principal)
    with db.transaction(principal) as tx:
        ancestors = lineage_repo.ancestors(tx, owner_id, found.model_id, _MOST)
        descendants = lineage_repo.descendants(tx, owner_id, found.model_id, _MOST)
        runs = lineage_repo.runs(tx, owner_id, found.model_id, _MOST)
        checkpoints = lineage_repo.checkpoints(tx, owner_id, found.model_id)
    return Lineage(found.model_id, ancestors.all(), descendants.all(), runs.all(), checkpoints.one().found)

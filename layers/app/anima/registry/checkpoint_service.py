"""Checkpoints as they are looked at, marked, deleted, made a version of a model, and brought from elsewhere."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from anima.kernel import clock, db, ids, pages
from anima.kernel.errors import BadInput
from anima.kernel.pages import Page
from anima.registry import architectures_model, checkpoint_write_repo, parts_service, service
from anima.registry import checkpoint_repo as repo
from anima.registry.checkpoint_model import Checkpoint, Mode, Role, plain
from anima.registry.model import Model
from anima.registry.run_errors import CheckpointExists, CheckpointNotFound
from anima.registry.run_handles import check_place, number_of
from anima.registry.service import owner
from anima.tensors import service as tensors_service
from anima.tensors.model import Compression, Given, Saved, TensorRef


@dataclass(frozen=True, slots=True)
class Part:
    """A tensor of a checkpoint, by what it is and how the trainer calls it."""

    role: Role
    name: str
    ref: TensorRef


def checkpoints(
    principal: db.Principal,
    *,
    session_id: uuid.UUID | None = None,
    model_id: uuid.UUID | None = None,
    cursor: str | None = None,
    limit: int = 50,
) -> Page[Checkpoint]:
    """Checkpoints of a run or of a model, the newest first. Raises BadInput for an unknown cursor."""
    place = pages.time_and_id(cursor)
    before, before_id = place if place is not None else (None, None)
    with db.transaction(principal) as tx:
        found = repo.page(
            tx,
            owner(principal),
            session_id=session_id,
            model_id=model_id,
            before=before,
            before_id=before_id,
            limit=limit + 1,
        )
    return pages.page(found.all(), limit, lambda one: [one.created_at.isoformat(), str(one.checkpoint_id)])


def checkpoint(principal: db.Principal, checkpoint_id: uuid.UUID) -> Checkpoint:
    """A checkpoint. Raises CheckpointNotFound."""
    with db.transaction(principal) as tx:
        found = repo.one(tx, owner(principal), checkpoint_id)
    return _there(found, checkpoint_id)


def _there(found: db.Pending[Checkpoint], checkpoint_id: uuid.UUID) -> Checkpoint:
    one = found.first()
    if one is None:
        raise CheckpointNotFound(checkpoint_id=checkpoint_id)
    return one


def tensors(principal: db.Principal, checkpoint_id: uuid.UUID) -> list[Part]:
    """The tensors of a checkpoint, in their order. Raises CheckpointNotFound."""
    with db.transaction(principal) as tx:
        return parts_in(tx, owner(principal), checkpoint_id)


def parts_in(tx: db.Transaction, owner_id: int, checkpoint_id: uuid.UUID) -> list[Part]:
    """The same, as part of a transaction."""
    found = repo.one(tx, owner_id, checkpoint_id)
    entries = repo.entries(tx, owner_id, checkpoint_id)
    _there(found, checkpoint_id)
    refs = tensors_service.refs(tx, owner_id, [one.tensor_id for one in entries.all()])
    return [Part(_role(one.role), one.name, ref) for one, ref in zip(entries.all(), refs, strict=True)]


def _role(name: str) -> Role:
    return "weight" if name == "weight" else "optimizer" if name == "optimizer" else "state"


def optimizer(principal: db.Principal, checkpoint_id: uuid.UUID) -> list[repo.OptimizerRow]:
    """What the optimiser kept of each parameter, by their names."""
    with db.transaction(principal) as tx:
        found = repo.optimizer(tx, owner(principal), checkpoint_id)
    return found.all()


def best(
    principal: db.Principal,
    *,
    session_id: uuid.UUID | None = None,
    model_id: uuid.UUID | None = None,
    metric: str | None = None,
    mode: Mode = "lowest",
) -> Checkpoint | None:
    """The best checkpoint of a run or of a model: by a metric (NaN is never it), or that which carries the mark."""
    if session_id is None and model_id is None:
        raise BadInput(reason="the best of which run, or of which model")
    with db.transaction(principal) as tx:
        if metric is None:
            found = repo.marked(tx, owner(principal), session_id=session_id, model_id=model_id)
        else:
            found = repo.best(tx, owner(principal), session_id=session_id, model_id=model_id, metric=metric, mode=mode)
    return found.first()


def set_best(principal: db.Principal, checkpoint_id: uuid.UUID) -> None:
    """Marks a checkpoint as the best of its run, in place of the one that was. Raises CheckpointNotFound, BadInput."""
    one = checkpoint(principal, checkpoint_id)
    if one.session_id is None:
        raise BadInput(reason="this checkpoint is of no run, and so not the best of one")
    owner_id = owner(principal)
    with db.transaction(principal) as tx:
        checkpoint_write_repo.lock_run(tx, owner_id, one.session_id)
        checkpoint_write_repo.unmark(tx, owner_id, one.session_id, checkpoint_id)
        if not checkpoint_write_repo.mark(tx, owner_id, checkpoint_id).count():  # deleted meanwhile: the mark stays
            raise CheckpointNotFound(checkpoint_id=checkpoint_id)


def delete(principal: db.Principal, checkpoint_id: uuid.UUID) -> None:
    """Deletes a checkpoint; tensors that nothing else holds are collected later. Raises CheckpointNotFound."""
    owner_id = owner(principal)
    with db.transaction(principal) as tx:
        if checkpoint_write_repo.remove(tx, owner_id, [checkpoint_id]).first() is None:
            raise CheckpointNotFound(checkpoint_id=checkpoint_id)
        tensors_service.released(tx, owner_id)


def add(
    principal: db.Principal,
    *,
    weights: Iterable[Given],
    model_id: uuid.UUID,
    step: int = 0,
    epoch: float | None = None,
    metrics: Mapping[str, float] | None = None,
    compression: Compression = "raw",
) -> Checkpoint:
    """Enters weights that were trained elsewhere as a checkpoint of a model.

    The same ones at the same step are the checkpoint that is there. Raises CheckpointExists, NotFound, BadInput, and
    what `tensors.service.save` raises.
    """
    owner_id, given = owner(principal), list(weights)
    measured = {name: number_of(name, value) for name, value in (metrics or {}).items()}
    check_place("weights", step, epoch, measured)
    service.get(principal, model_id)

    def commit(tx: db.Transaction, saved: Saved) -> Checkpoint:
        service.hold(tx, owner_id, model_id)
        there = repo.brought(tx, owner_id, model_id, step).first()
        refs = {one.name: saved.tensors[one.name].tensor_id for one in given}
        if there is not None:
            held = {one.name: one.tensor_id for one in repo.entries(tx, owner_id, there.checkpoint_id).all()}
            if held != refs:
                raise CheckpointExists(kind="weights", step=step)
            return there
        made = Checkpoint(
            ids.uuid7(),
            None,
            model_id,
            None,
            "weights",
            step,
            epoch,
            measured,
            False,
            saved.n_bytes,
            saved.new_bytes,
            clock.now(),
        )
        rows = [("weight", name, tensor_id) for name, tensor_id in refs.items()]
        checkpoint_write_repo.add(tx, owner_id, made, plain(made.metrics), {"format": 1}, rows)
        return made

    return tensors_service.save(principal, given, commit, compression=compression)


def promote(principal: db.Principal, checkpoint_id: uuid.UUID, name: str | None = None) -> Model:
    """Makes the weights of a checkpoint a version of the model that was trained, or of another name; nothing is copied.

    Raises CheckpointNotFound, BadInput where it holds no weights, or where neither a model nor a name is known.
    """
    source = checkpoint(principal, checkpoint_id)
    parent = service.get(principal, source.model_id) if source.model_id is not None else None
    wanted = name or (parent.name if parent is not None else None)
    if wanted is None:
        raise BadInput(reason="a checkpoint of a run without a model needs a name to become one")
    owner_id = owner(principal)
    with db.transaction(principal) as tx:
        ids_of = [one.tensor_id for one in repo.entries(tx, owner_id, checkpoint_id).all()]
        tensors_service.hold(tx, owner_id, ids_of)
        refs = {one.name: one.ref for one in parts_in(tx, owner_id, checkpoint_id) if one.role == "weight"}
        if not refs:
            raise BadInput(reason="this checkpoint holds no weights")
        structure = _structure(refs, parent)
        made = service.create_in(
            tx,
            owner_id,
            wanted,
            structure.type,
            structure.architecture,
            parent_id=source.model_id,
            derivation=_derivation(source),
            status="trained",
        )
        parts_service.enter(tx, owner_id, made.model_id, refs, structure)
        if parent is not None:
            parts_service.carry_files(tx, owner_id, parent.model_id, made.model_id)
    return service.get(principal, made.model_id)


def _structure(refs: Mapping[str, TensorRef], parent: Model | None) -> architectures_model.Structure:
    shapes = [architectures_model.TensorShape(name, ref.dtype, ref.shape) for name, ref in refs.items()]
    known = None if parent is None else (parent.type, parent.architecture)
    return architectures_model.structure(shapes, architecture=known)


def _derivation(source: Checkpoint) -> dict[str, Any]:
    run = None if source.session_id is None else str(source.session_id)
    measured = plain({name: one for name, one in source.metrics.items() if isinstance(one, int | float)})
    return {
        "kind": "training",
        "checkpoint_id": str(source.checkpoint_id),
        "session_id": run,
        "step": source.step,
        "metrics": measured,
    }

"""Enters a checkpoint in the transaction that makes its tensors visible: whole, by the run's writer, or not at all."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from anima.kernel import clock, db, ids
from anima.registry import checkpoint_repo, checkpoint_write_repo, metrics_repo, run_repo
from anima.registry.checkpoint_model import Checkpoint, Keep, Kind, Mode, Role, better, plain
from anima.registry.metrics_model import Value
from anima.registry.run_capture_service import PREFIX, Captured
from anima.registry.run_errors import CheckpointExists, RunTakenOver
from anima.registry.run_model import Compression
from anima.registry.service import owner
from anima.tensors import service as tensors
from anima.tensors.model import Given, Saved, TensorRef, given

Refs = dict[tuple[Role, str], TensorRef]


@dataclass(frozen=True, slots=True)
class Best:
    """When a checkpoint is marked as the best of its run: always, or if its metric beats that of the best so far."""

    metric: str | None
    mode: Mode = "lowest"


@dataclass(frozen=True, slots=True)
class Order:
    """A checkpoint to be saved, and who saves it."""

    session_id: uuid.UUID
    model_id: uuid.UUID | None
    writer: uuid.UUID
    kind: Kind
    step: int
    epoch: float | None
    metrics: Mapping[str, float]
    best: Best | None
    keep: Keep
    compression: Compression
    values: Sequence[Value] = ()
    parent_id: uuid.UUID | None = None
    bases: Refs = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Kept:
    """A checkpoint that is saved, with the tensors that it consists of."""

    checkpoint: Checkpoint
    refs: Refs


def save(principal: db.Principal, order: Order, captured: Captured) -> Kept:
    """Saves a state as a checkpoint of its run.

    Raises RunTakenOver; CheckpointExists where there is another of that step and kind; what tensors raise.
    """

    def commit(tx: db.Transaction, saved: Saved) -> Kept:
        return _enter(tx, owner(principal), order, captured, saved)

    return tensors.save(principal, _givens(order, captured), commit, compression=order.compression)


def _givens(order: Order, captured: Captured) -> Iterator[Given]:
    for (role, name), array in captured.tensors.items():
        base = order.bases.get((role, name))
        fits = base is not None and (base.dtype, base.shape) == (array.dtype.name, array.shape)
        yield given(PREFIX[role] + name, array, base if fits else None)


def _enter(tx: db.Transaction, owner_id: int, order: Order, captured: Captured, saved: Saved) -> Kept:
    at = clock.now()
    beat = run_repo.beat(tx, owner_id, order.session_id, order.writer, step=order.step, epoch=order.epoch, at=at)
    run = beat.first()
    if run is None:
        raise RunTakenOver(session_id=order.session_id)
    order = replace(order, model_id=run.model_id)  # which may have been deleted since the run began
    if order.values:
        metrics_repo.add(tx, owner_id, order.session_id, order.values)
    refs: Refs = {(role, name): saved.tensors[PREFIX[role] + name] for role, name in captured.tensors}
    there = checkpoint_repo.at_step(tx, owner_id, order.session_id, order.step, order.kind).first()
    if there is not None:
        return Kept(_same(tx, owner_id, there, captured, refs), refs)
    made = _made(tx, owner_id, order, saved)
    rows = [(role, name, ref.tensor_id) for (role, name), ref in refs.items()]
    checkpoint_write_repo.add(tx, owner_id, made, plain(order.metrics), captured.state, rows)
    _enter_optimizer(tx, owner_id, made, captured, refs)
    thin(tx, owner_id, order.session_id, order.keep)
    return Kept(made, refs)


def _made(tx: db.Transaction, owner_id: int, order: Order, saved: Saved) -> Checkpoint:
    made = Checkpoint(
        ids.uuid7(),
        order.session_id,
        order.model_id,
        order.parent_id,
        order.kind,
        order.step,
        order.epoch,
        dict(order.metrics),
        False,
        saved.n_bytes,
        saved.new_bytes,
        clock.now(),
    )
    if order.best is None or not _is_best(tx, owner_id, order, order.best):
        return made
    checkpoint_write_repo.unmark(tx, owner_id, order.session_id, made.checkpoint_id)
    return replace(made, is_best=True)


def _is_best(tx: db.Transaction, owner_id: int, order: Order, best: Best) -> bool:
    if best.metric is None:
        return True
    so_far = checkpoint_repo.marked(tx, owner_id, session_id=order.session_id, model_id=None).first()
    return better(order.metrics, so_far.metrics if so_far else None, best.metric, best.mode)


def _same(tx: db.Transaction, owner_id: int, there: Checkpoint, captured: Captured, refs: Refs) -> Checkpoint:
    """The checkpoint that is there, if it is the same one. Raises CheckpointExists."""
    entries = checkpoint_repo.entries(tx, owner_id, there.checkpoint_id)
    state = checkpoint_repo.state(tx, owner_id, there.checkpoint_id)
    held = {(one.role, one.name): one.tensor_id for one in entries.all()}
    if held != {place: ref.tensor_id for place, ref in refs.items()} or state.one().state != captured.state:
        raise CheckpointExists(kind=there.kind, step=there.step)
    return there


def _enter_optimizer(tx: db.Transaction, owner_id: int, made: Checkpoint, captured: Captured, refs: Refs) -> None:
    if captured.optimizer and made.session_id is not None:
        held = {name: ref.tensor_id for (role, name), ref in refs.items() if role == "optimizer"}
        checkpoint_write_repo.add_optimizer(tx, owner_id, made.checkpoint_id, made.session_id, captured.optimizer, held)


def thin(tx: db.Transaction, owner_id: int, session_id: uuid.UUID, keep: Keep) -> list[uuid.UUID]:
    """Deletes the checkpoints of a run that are not to be kept; their ids. What they alone held is collected later."""
    if keep.last is None and keep.every is None:
        return []
    doomed = keep.doomed(checkpoint_repo.held(tx, owner_id, session_id).all())
    if doomed:
        checkpoint_write_repo.remove(tx, owner_id, doomed)
        tensors.released(tx, owner_id)
    return doomed

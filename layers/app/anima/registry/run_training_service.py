"""A run in the hands of its only writer: it logs, saves behind the trainer's back, and goes on where it was.

What is to be saved is copied while the trainer waits; it is hashed, written and entered by a thread. What goes wrong
there is raised by the next call. A save that a process dies in leaves nothing that could be seen.
"""

from __future__ import annotations

import atexit
import uuid
from collections import deque
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import fields, replace
from types import TracebackType
from typing import Any, get_args

from anima.kernel import clock, db, telemetry
from anima.kernel.errors import BadInput, FieldError, NotFound
from anima.registry import (
    checkpoint_repo,
    checkpoint_saving_service,
    checkpoint_service,
    checkpoint_write_repo,
    metrics_repo,
    service,
)
from anima.registry import run_repo as repo
from anima.registry.checkpoint_model import Checkpoint, Keep, Kind
from anima.registry.checkpoint_saving_service import Kept, Order, Refs
from anima.registry.errors import WrongStatus
from anima.registry.metrics_batches import Batches
from anima.registry.metrics_model import Scope, Value
from anima.registry.metrics_service import check
from anima.registry.run_capture_service import Captured, Parts, capture
from anima.registry.run_copies import Copies, as_it_lies
from anima.registry.run_errors import CheckpointNotFound, LaterCheckpoints, RunEnded, RunTakenOver
from anima.registry.run_handles import Resumed, Saving, best_of, check_place, number_of, told
from anima.registry.run_model import Compression, Status
from anima.registry.run_restore_service import fitting
from anima.tensors import service as tensors

WAITING = 2
"""So many saves may be under way; who saves once more waits for the first of them."""


class Run:
    """A run and its writer; `begin` and `attach` of `run_service` make it. Its methods are called by one thread."""

    def __init__(
        self,
        principal: db.Principal,
        session_id: uuid.UUID,
        model_id: uuid.UUID | None,
        writer: uuid.UUID,
        keep: Keep,
        compression: Compression,
    ) -> None:
        self.session_id, self.model_id = session_id, model_id
        self._principal, self._owner_id = principal, service.owner(principal)
        self._writer, self._keep, self._compression = writer, keep, compression
        self._batches = Batches(self._write)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="checkpoints")
        self._copies = Copies()
        self._under_way: deque[Saving] = deque()
        self._last: tuple[uuid.UUID | None, Refs] = (None, {})
        self._ended = False
        atexit.register(self._last_words)

    def log(self, step: int, scope: Scope = "train", epoch: float | None = None, **values: float) -> None:
        """Takes numbers of a step in; they are written in batches, and with the next save or `flush` at the latest.

        Raises BadInput for what is no number, and what went wrong with earlier batches and saves.
        """
        self._check()
        at = clock.now()
        batch = [Value(step, name, number_of(name, value), scope, epoch, at) for name, value in values.items()]
        check(batch)
        self._batches.add(batch)

    def flush(self) -> None:
        """Returns when all that was logged, and every save, is in the database. Raises what went wrong."""
        while self._under_way:
            self._under_way.popleft().wait()
        self._batches.flush()
        self._check()

    def save(
        self,
        model: Any = None,
        optimizer: Any = None,
        *,
        step: int,
        epoch: float | None = None,
        metrics: Mapping[str, float] | None = None,
        rng: bool | Mapping[str, Any] = True,
        data_position: Any = None,
        scaler: Any = None,
        scheduler: Any = None,
        extra: Any = None,
        kind: Kind = "full",
        is_best: bool | str | None = None,
        wait: bool = False,
    ) -> Saving:
        """Saves a checkpoint (`full`, `weights`, `optimizer`); training goes on when what is to be saved is copied.

        Modules and optimisers of torch, mappings of arrays, and what has a `state_dict` can be saved; `rng` saves the
        generators of Python, numpy and torch, and those of a mapping besides. `is_best` is True, or "lowest:loss",
        "highest:accuracy": a metric of `metrics` that is compared with the best so far. With `wait` nothing is copied.
        What was logged before is in the database when it is done. Raises UnsupportedState, BadInput, and what went
        wrong with earlier saves; the Saving raises RunTakenOver, CheckpointExists, and what the tensor store raises.
        """
        self._check()
        best = best_of(is_best)
        parts = Parts(model, optimizer, rng, data_position, scaler, scheduler, extra)
        measured = {name: number_of(name, value) for name, value in (metrics or {}).items()}
        check_place(kind, step, epoch, measured)
        made = capture(parts, kind, step)
        self._make_room()
        made.copy(as_it_lies if wait else self._copies.copied)
        order = Order(
            self.session_id,
            self.model_id,
            self._writer,
            kind,
            step,
            epoch,
            measured,
            best,
            self._keep,
            self._compression,
        )
        saving = Saving(self._thread.submit(self._save, order, made, self._batches.waiting()))
        self._under_way.append(saving)
        if wait:
            saving.wait()
        return saving

    def resume(
        self,
        model: Any = None,
        optimizer: Any = None,
        *,
        rng: bool | Mapping[str, Any] = True,
        data_position: Any = None,
        scaler: Any = None,
        scheduler: Any = None,
        extra: Any = None,
        checkpoint_id: uuid.UUID | None = None,
        discard_later: bool = False,
    ) -> Resumed | None:
        """Fills what is handed in with the latest full checkpoint of this run (or with that one), bit for bit.

        None where there is none yet: the run begins anew. What was measured after its step is forgotten, for it will be
        measured again. Where that checkpoint is not the last one, `discard_later` deletes those after it. Raises
        LaterCheckpoints without it, MismatchedState, CheckpointNotFound, RunTakenOver, and what the tensor store raises
        for damaged data; nothing is changed then.
        """
        self.flush()
        with db.transaction(self._principal) as tx:
            found = self._wanted(tx, checkpoint_id)
            if found is None:
                self._rewind(tx, -1, 0.0)
                return None
            later = self._later(tx, found.step, discard=discard_later) if checkpoint_id is not None else []
            parts = checkpoint_service.parts_in(tx, self._owner_id, found.checkpoint_id)
            state = checkpoint_repo.state(tx, self._owner_id, found.checkpoint_id).one().state
        arrays = tensors.read_all(self._principal, [one.ref for one in parts])
        held = {(one.role, one.name): array for one, array in zip(parts, arrays, strict=True)}
        asked = Parts(model, optimizer, rng, data_position, scaler, scheduler, extra)
        fits = fitting(asked, state, held)
        with db.transaction(self._principal) as tx:
            self._rewind(tx, found.step, found.epoch)
            if later:
                checkpoint_write_repo.remove(tx, self._owner_id, later)
                tensors.released(tx, self._owner_id)
        fits.fill()
        self._last = found.checkpoint_id, {(one.role, one.name): one.ref for one in parts}
        return Resumed(found, **{each.name: getattr(fits.restored, each.name) for each in fields(fits.restored)})

    def finish(self, status: Status = "completed", error: str | None = None) -> None:
        """Waits for everything, writes it, and lets go of the run. Raises what went wrong, RunTakenOver."""
        ends = [one for one in get_args(Status) if one != "running"]
        if status not in ends:
            raise BadInput(reason="no state that a run ends in", fields=[FieldError("status", ", ".join(ends))])
        self.flush()
        said = None if error is None else told(error)
        with db.transaction(self._principal) as tx:
            ended = repo.end(tx, self._owner_id, self.session_id, self._writer, status, said, clock.now())
        self._close()
        if ended.first() is None:
            raise RunTakenOver(session_id=self.session_id)
        if status == "completed" and self.model_id is not None:
            with suppress(WrongStatus, NotFound):  # deployed, or deleted meanwhile
                service.set_status(self._principal, self.model_id, "trained")

    def __enter__(self) -> Run:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        if self._ended:
            return
        if error is None:
            self.finish()
            return
        while self._under_way:
            with suppress(Exception):  # a save that failed is no reason for the run to seem alive
                self._under_way.popleft().wait()
        with suppress(Exception):  # what the trainer raised is what is raised
            self.finish(
                "failed" if isinstance(error, Exception) else "paused",
                f"{kind.__name__ if kind else ''}: {error}",
            )
        self._close()

    def _wanted(self, tx: db.Transaction, checkpoint_id: uuid.UUID | None) -> Checkpoint | None:
        if checkpoint_id is None:
            return checkpoint_repo.latest(tx, self._owner_id, self.session_id).first()
        found = checkpoint_repo.one(tx, self._owner_id, checkpoint_id).first()
        if found is None or found.session_id != self.session_id:
            raise CheckpointNotFound(checkpoint_id=checkpoint_id)
        return found

    def _later(self, tx: db.Transaction, step: int, *, discard: bool) -> list[uuid.UUID]:
        """The checkpoints after a step, which are to go. Raises LaterCheckpoints where they are not."""
        held = checkpoint_repo.held(tx, self._owner_id, self.session_id).all()
        later = [one.checkpoint_id for one in held if one.step > step]
        if later and not discard:
            raise LaterCheckpoints(n=len(later), session_id=self.session_id, step=step)
        return later

    def _rewind(self, tx: db.Transaction, step: int, epoch: float | None) -> None:
        """The run stands at the end of this step (-1: before all of them); what was measured later is forgotten."""
        at, reached = clock.now(), max(0, step)
        taken = repo.rewind(tx, self._owner_id, self.session_id, self._writer, step=reached, epoch=epoch, at=at)
        if taken.first() is None:
            raise RunTakenOver(session_id=self.session_id)
        metrics_repo.forget_after(tx, self._owner_id, self.session_id, step)

    def _save(self, order: Order, made: Captured, logged: tuple[list[Value], int]) -> Kept:
        values, number = logged
        parent, bases = self._last
        try:
            whole = replace(order, values=values, parent_id=parent, bases=bases)
            kept = checkpoint_saving_service.save(self._principal, whole, made)
        finally:
            for array in made.tensors.values():
                self._copies.give_back(array)
        self._batches.written(number)
        self._last = kept.checkpoint.checkpoint_id, {**bases, **kept.refs}
        telemetry.count("training.checkpoints", kind=order.kind)
        return kept

    def _write(self, values: Sequence[Value]) -> None:
        """Puts a batch of values into the database, if this is still the run's writer."""
        last = max(values, key=lambda one: one.step)
        with db.transaction(self._principal) as tx:
            held = repo.beat(
                tx,
                self._owner_id,
                self.session_id,
                self._writer,
                step=last.step,
                epoch=last.epoch,
                at=clock.now(),
            )
            if held.first() is None:
                raise RunTakenOver(session_id=self.session_id)
            metrics_repo.add(tx, self._owner_id, self.session_id, values)

    def _make_room(self) -> None:
        while len([one for one in self._under_way if not one.done]) >= WAITING:
            first = next(one for one in self._under_way if not one.done)
            first.wait()

    def _check(self) -> None:
        """Raises what went wrong behind the trainer's back, once."""
        if self._ended:
            raise RunEnded(session_id=self.session_id)
        while self._under_way and self._under_way[0].done:
            failure = self._under_way.popleft().failure()
            if failure is not None:
                raise failure
        self._batches.check()

    def _close(self) -> None:
        self._ended = True
        self._thread.shutdown(wait=True)
        self._batches.close()
        self._copies.clear()
        atexit.unregister(self._last_words)

    def _last_words(self) -> None:
        """The process ends without `finish`: what was logged is written if it can be; a save that was cut is told."""
        for saving in self._under_way:
            failure = saving.failure()
            if failure is not None:
                telemetry.error("training.save_lost", failure, run=str(self.session_id))
        with suppress(Exception):
            self._batches.flush()

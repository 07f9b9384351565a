"""Where checkpoints go: into a folder, or into the chunk store through a run of the registry; both whole or not at all.

A state is a tree of plain values and arrays (`Agent.state_dict`), and comes back bit for bit. Nothing is pickled.
"""

from __future__ import annotations

import errno
import json
import math
import os
import uuid
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal, Protocol

import numpy as np

from anima.kernel.db import Principal
from anima.registry import checkpoint_tree as tree
from anima.vendors.job_contract import Hold, held, lock_of

from .failures import FileTooLarge, FolderInUse, NoRoom

State = dict[str, Any]
KEPT = 2
"""Checkpoints that stay: the last, and the one before it, should the last be damaged."""


class Keeper(Protocol):
    """Keeps states and numbers of one run. `resume_step` is the step of the checkpoint that `load` gives; 0 for none.

    `record` is what the recorder said of itself then.
    """

    resume_step: int
    record: State | None

    def load(self) -> State | None:
        """The last state, once; None where the run begins."""
        ...

    def save(self, step: int, state: State) -> None:
        """Keeps a state. Raises NoRoom, RunTakenOver; what fails behind the run's back is told by the next call."""
        ...

    def log(self, step: int, scope: Literal["train", "test"] = "train", **values: float) -> None:
        """Takes numbers of a step in."""
        ...

    def finish(self, status: str, error: str | None = None) -> None:
        """The run ends so: completed, paused or failed."""
        ...


class FolderKeeper:
    """Checkpoints as files below a folder, numbers as lines of `metrics.jsonl`. One keeper has the folder at a time."""

    def __init__(self, folder: Path, *, fresh: bool = False) -> None:
        """Goes on with what is there, unless it is to begin afresh. Raises FolderInUse before it changes anything."""
        self._folder, self._metrics = folder / "checkpoints", folder / "metrics.jsonl"
        self._folder.mkdir(parents=True, exist_ok=True)
        self._hold = _hold(folder)
        self._found: State | None = None
        self.resume_step = 0
        for path in [] if fresh else sorted(self._folder.glob("step-*.npz"), reverse=True):
            found = _read(path)
            if found is not None:
                self._found, self.resume_step = found, int(path.stem.removeprefix("step-"))
                break
        self.record = None if self._found is None else self._found.get("record")
        self._forget_later()

    def load(self) -> State | None:
        """The last state that is whole, once."""
        found, self._found = self._found, None
        return found

    def save(self, step: int, state: State) -> None:
        """Writes it, makes sure of it, and only then puts it in its place."""
        path = self._folder / f"step-{step:012d}.npz"
        arrays: dict[str, Any] = {}
        written = tree.encode(state, _leaf(arrays))
        draft = path.with_suffix(".draft")
        try:
            with disk(f"the checkpoint of step {step}"), draft.open("wb") as file:
                np.savez(file, state=np.frombuffer(json.dumps(written).encode(), np.uint8), **arrays)
                file.flush()
                os.fsync(file.fileno())
        except BaseException:
            draft.unlink(missing_ok=True)  # half of one would take what room is left
            raise
        draft.replace(path)
        _fsync(self._folder)
        for old in sorted(self._folder.glob("step-*.npz"))[:-KEPT]:
            old.unlink()

    def log(self, step: int, scope: Literal["train", "test"] = "train", **values: float) -> None:
        """Adds a line."""
        with disk("the metrics"), self._metrics.open("a", encoding="utf-8") as file:
            file.write(json.dumps({"step": step, "scope": scope, **values}) + "\n")

    def finish(self, status: str, error: str | None = None) -> None:  # noqa: ARG002
        """Lets go of the folder; there is nobody to tell."""
        self._hold.close()

    def _forget_later(self) -> None:
        """What was measured after the step that the run goes on from will be measured again; half a line goes too."""
        if not self._metrics.exists():
            return
        lines = self._metrics.read_bytes().splitlines(keepends=True)
        kept = [line for line in lines if line.endswith(b"\n") and _step_of(line) <= self.resume_step]
        draft = self._metrics.with_suffix(".draft")
        draft.write_bytes(b"".join(kept))
        draft.replace(self._metrics)


class RegistryKeeper:
    """Checkpoints in the chunk store and numbers in the table of metrics, as a run of the registry."""

    def __init__(
        self, principal: Principal, run_id: uuid.UUID, name: str, configuration: Mapping[str, Any] | None = None
    ) -> None:
        """Takes the run over, or begins it. Raises what the registry raises."""
        from anima.registry import runs

        self._run = runs.begin(
            principal, name, session_id=run_id, configuration=configuration, keep=runs.Keep(last=KEPT)
        )
        self._resumed = self._run.resume(rng=False)
        self.resume_step = 0 if self._resumed is None else self._resumed.step
        self.record: State | None = None if self._resumed is None else self._resumed.extra.get("record")

    def load(self) -> State | None:
        """The last state, once."""
        found, self._resumed = self._resumed, None
        if found is None:
            return None
        state: State = dict(found.extra)
        state["network"] = {**state["network"], "weights": found.weights, "optimizer": found.optimizer}
        return state

    def save(self, step: int, state: State) -> None:
        """Hands it to the run, which writes it while training goes on."""
        network = dict(state["network"])
        weights, optimizer = network.pop("weights"), network.pop("optimizer")
        self._run.save(weights, optimizer, step=step, rng=False, extra={**state, "network": network})

    def log(self, step: int, scope: Literal["train", "test"] = "train", **values: float) -> None:
        """Takes numbers in; they are written in batches."""
        self._run.log(step, scope, **values)

    def finish(self, status: str, error: str | None = None) -> None:
        """Waits until all is written. Raises what went wrong, RunTakenOver."""
        self._run.finish(status, error)  # type: ignore[arg-type]


@contextmanager
def disk(what: str) -> Iterator[None]:
    """Tells a full disk, and a limit on files, as such. Raises NoRoom, FileTooLarge."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise NoRoom(what=what) from error
        if error.errno == errno.EFBIG:
            raise FileTooLarge(what=what) from error
        raise


def _hold(folder: Path) -> Hold:
    """Holds the folder. Raises FolderInUse."""
    found = held(lock_of(folder))
    if found is None:
        raise FolderInUse(folder=folder)
    return found


def _leaf(arrays: dict[str, Any]) -> Any:
    def leaf(_path: tree.Path, value: object) -> dict[str, Any] | None:
        if not isinstance(value, np.ndarray | np.generic):
            return None
        arrays[f"a{len(arrays)}"] = np.asarray(value)
        return {"$": "numpy", "name": f"a{len(arrays) - 1}"}

    return leaf


def _read(path: Path) -> State | None:
    """A state from its file; None for one that is damaged."""
    try:
        with np.load(path, allow_pickle=False) as held:
            written = json.loads(held["state"].tobytes())
            found: State = tree.decode(written, lambda node: held[node["name"]])
    except (OSError, ValueError, KeyError, EOFError, RuntimeError, zipfile.BadZipFile):  # whatever a wrong byte means
        return None
    return found


def _step_of(line: bytes) -> float:
    """The step of a line of metrics; beyond all steps for one that a crash of the machine has damaged."""
    try:
        return float(json.loads(line)["step"])
    except (ValueError, KeyError, TypeError):
        return math.inf


def _fsync(folder: Path) -> None:
    number = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(number)
    finally:
        os.close(number)

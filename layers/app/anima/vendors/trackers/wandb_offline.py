"""Weights & Biases: a run as a folder of its offline mode. Nothing is sent; `wandb sync FOLDER` would do that."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any

from anima.vendors.trackers import KeptState, Point, TrackedRun, TrackerRefused, Written

if TYPE_CHECKING:
    from wandb.sdk.wandb_run import Run

_EXIT = {"failed": 1, "cancelled": 255}


def write(place: str, run: TrackedRun, points: Iterable[Point], checkpoints: Sequence[KeptState]) -> Written:
    """Writes a run below `place`/wandb; what an earlier time wrote there of the same run goes when this is whole.

    Raises TrackerRefused.
    """
    os.environ.setdefault("WANDB_ERROR_REPORTING", "false")  # read when it is imported
    import wandb

    root = Path(place).absolute()
    root.mkdir(parents=True, exist_ok=True)
    earlier = _folders(root, run)
    try:
        kept = _begun(root, run, checkpoints)
        count = _logged(kept, points, checkpoints)
        folder = Path(kept.settings.sync_dir)
        kept.finish(exit_code=_EXIT.get(run.status, 0))
        if wandb.setup().most_recent_active_run is None:
            wandb.teardown()  # W&B's own process writes behind; when it has ended, all is written
    except wandb.Error as error:
        raise TrackerRefused(kind="Weights & Biases", place=place, reason=str(error)[:300]) from error
    for one in earlier:
        if one != folder:
            shutil.rmtree(one)
    return Written(str(folder), run.run_id.hex, count)


def _begun(root: Path, run: TrackedRun, checkpoints: Sequence[KeptState]) -> Run:
    import wandb

    return wandb.init(
        dir=str(root),
        project=run.project,
        id=run.run_id.hex,
        name=run.name,
        config={**run.configuration, "dataset": run.dataset, "anima": _about(run, checkpoints)},
        settings=_settings(),
    )


def _settings() -> Any:
    """Offline, and without what it would gather of this machine, its user and its program."""
    import wandb

    return wandb.Settings(
        mode="offline",
        reinit="create_new",
        console="off",
        silent=True,
        save_code=False,
        disable_code=True,
        disable_git=True,
        host="",
        symlink=False,
        x_disable_meta=True,
        x_disable_stats=True,
        x_disable_machine_info=True,
        x_save_requirements=False,
    )


def _about(run: TrackedRun, checkpoints: Sequence[KeptState]) -> dict[str, Any]:
    best = [str(one.checkpoint_id) for one in checkpoints if one.is_best]
    return {
        "run": str(run.run_id),
        "status": run.status,
        "model": run.model,
        "error": run.error,
        "checkpoints": len(checkpoints),
        "best_checkpoint": best[0] if best else None,
    }


def _logged(kept: Run, points: Iterable[Point], checkpoints: Sequence[KeptState]) -> int:
    """One row for each step, in their order: W&B takes no earlier step after a later one."""
    states, count = {one.step: one for one in checkpoints}, 0
    for step, of_step in groupby(points, key=lambda point: point.step):
        for earlier in sorted(number for number in states if number < step):
            kept.log(_state(states.pop(earlier)), step=earlier)
        some = list(of_step)
        count += len(some)
        row = {f"{one.scope}/{one.name}": one.value for one in some} | dict(_epochs(some))
        kept.log(row | (_state(states.pop(step)) if step in states else {}), step=step)
    for step in sorted(states):
        kept.log(_state(states[step]), step=step)
    return count


def _epochs(points: Sequence[Point]) -> Iterator[tuple[str, float]]:
    for one in points:
        yield "_timestamp", one.at.timestamp()
        if one.epoch is not None:
            yield f"{one.scope}/epoch", one.epoch


def _state(one: KeptState) -> dict[str, Any]:
    return {"checkpoint/n_bytes": one.n_bytes, "checkpoint/new_bytes": one.new_bytes}


def _folders(root: Path, run: TrackedRun) -> list[Path]:
    return sorted(root.glob(f"wandb/offline-run-*-{run.run_id.hex}*"))

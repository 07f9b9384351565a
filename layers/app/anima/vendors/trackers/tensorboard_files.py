"""TensorBoard: a run as an event file in a folder of its own, written with TensorBoard's own records.

TensorBoard keeps numbers in single precision.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from anima.vendors.trackers import KeptState, Point, TrackedRun, Written, folder_name

if TYPE_CHECKING:
    from tensorboard.compat.proto.event_pb2 import Event
    from tensorboard.compat.proto.summary_pb2 import Summary
    from tensorboard.summary.writer.record_writer import RecordWriter


def write(place: str, run: TrackedRun, points: Iterable[Point], checkpoints: Sequence[KeptState]) -> Written:
    """Writes the run's folder below `place`; the file of an earlier time is replaced when the new one is whole."""
    from tensorboard.summary.writer.record_writer import RecordWriter  # first: where it is missing, nothing is made

    folder = Path(place) / folder_name(run)
    folder.mkdir(parents=True, exist_ok=True)
    final = folder / f"events.out.tfevents.{int(run.begun.timestamp()):010d}.anima"
    # TensorBoard looks at every file with "tfevents" in its name, so this one has another until it is whole.
    draft = folder / f".{run.run_id.hex}.{os.getpid()}.draft"
    try:
        with draft.open("wb") as file:
            count = _written(RecordWriter(file), run, points, checkpoints)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(final)
    finally:
        with contextlib.suppress(FileNotFoundError):
            draft.unlink()
    for earlier in folder.glob("events.out.tfevents.*.anima"):
        if earlier != final:
            earlier.unlink()
    return Written(str(folder), folder.name, count)


def _written(records: RecordWriter, run: TrackedRun, points: Iterable[Point], checkpoints: Sequence[KeptState]) -> int:
    count = 0
    for event in _opening(run):
        records.write(event.SerializeToString())
    for point in points:
        count += 1
        tag, at = f"{point.scope}/{point.name}", point.at.timestamp()
        records.write(_event(at, point.step, _scalar(tag, point.value)).SerializeToString())
    for one in checkpoints:
        sizes = _scalar("checkpoint/new_bytes", one.new_bytes)
        records.write(_event(one.created_at.timestamp(), one.step, sizes).SerializeToString())
    return count


def _opening(run: TrackedRun) -> Iterator[Event]:
    """The version of the format, the parameters and what else is known, as text."""
    from tensorboard.compat.proto.event_pb2 import Event
    from tensorboard.plugins.hparams.summary_v2 import hparams_pb
    from tensorboard.plugins.text.summary_v2 import text_pb

    begun = run.begun.timestamp()
    yield Event(wall_time=begun, file_version="brain.Event:2")
    known = {name: _parameter(value) for name, value in run.parameters.items()}
    yield _event(begun, 0, hparams_pb(known, trial_id=run.run_id.hex, start_time_secs=begun))
    about = {"run": str(run.run_id), "name": run.name, "status": run.status, "model": run.model, "error": run.error}
    words = json.dumps(about | {"configuration": run.configuration, "dataset": run.dataset}, indent=2, default=str)
    yield _event(begun, 0, text_pb("run", f"```\n{words}\n```"))


def _event(at: float, step: int, summary: Summary) -> Event:
    from tensorboard.compat.proto.event_pb2 import Event

    return Event(wall_time=at, step=step, summary=summary)


def _scalar(tag: str, value: float) -> Summary:
    from tensorboard.compat.proto.summary_pb2 import Summary

    return Summary(value=[Summary.Value(tag=tag, simple_value=value)])


def _parameter(value: Any) -> bool | int | float | str:
    return value if isinstance(value, bool | int | float | str) else json.dumps(value, default=str)

"""What a run leaves of itself: its trajectory, live samples, metrics, the log and a line of life, as its file says.

A step costs a few assignments into an array; all else is worked out of that array a few times a second.
"""

from __future__ import annotations

import json
import os
import struct
import time
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from anima.neuromodulation.learning import TARGETS
from anima.neuromodulation.mind import PACKED

from .keeper import FolderKeeper, Keeper
from .live_file import LiveFile
from .telling import Telling
from .trajectory import LEAD, ROWS, TrajectoryWriter, disk_guarded

if TYPE_CHECKING:
    from anima.neuromodulation.mind import Hyper

LOOKS = 20.0
"""How often a second the array is looked at, about; twice as often as it is shown live, where that is more."""
RECENT = 100
"""Episodes whose mean return is told."""
FIRST = len(LEAD) + len(PACKED)
"""The column of the first concentration; before it are the hyper-parameters, after them targets of the file's own."""
REWARD, DONE, ERROR, RETURN = LEAD.index("reward"), LEAD.index("done"), LEAD.index("td_error"), LEAD.index("return")


class Recorder:
    """The record of one run. Raises NoRoomForRecord and RecordLost.

    `modulators` are the names of the concentrations that each step brings, `resume_step` is the last step of an earlier
    run that counts, and `state` what its recorder said then (`state_dict`).
    """

    def __init__(
        self,
        simulation: Any,
        folder: Path,
        keeper: Keeper | None,
        modulators: tuple[str, ...],
        environments: int,
        resume_step: int = 0,
        state: Mapping[str, Any] | None = None,
        *,
        say: Callable[[str], None] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._keeper, self._modulators, self._n = keeper, modulators, environments
        self._say, self._clock = say or _printed, clock
        self._of, self._every = simulation.global_settings.max_steps, simulation.feedback_loop.log_every
        self._targets = _targets(simulation) if modulators else ()
        concentrations, targets = (f"c_{name}" for name in modulators), (f"t_{name}" for name in self._targets)
        self.columns = (*LEAD, *PACKED, *concentrations, *targets)
        self._further = FIRST + len(modulators)
        self._row, self._put = 8 * len(self.columns), struct.Struct(f"={len(self.columns) - 1}d").pack_into
        self._capacity = max(1, ROWS // environments) * environments
        self._blocks = [self._block(), self._block()]
        self._data, self._rows, self._seen, self._first = self._blocks[0], 0, 0, resume_step + 1
        self._bytes, self._seen_before = memoryview(self._data.T).cast("B"), 0
        self._writer: TrajectoryWriter | None = None
        if simulation.persistence.store_trajectory:
            path = folder / simulation.persistence.trajectory_path
            self._writer = TrajectoryWriter(path, simulation.persistence.format, self.columns, resume_step)
        self._live = LiveFile(folder / "live.jsonl", simulation.visualisation.refresh_hz)
        self._looks = max(LOOKS, 2.0 * simulation.visualisation.refresh_hz)
        own = keeper is None or isinstance(keeper, FolderKeeper)
        self._telling = Telling(simulation, folder, resume_step, own=own, say=None if own else self._say)
        self._kept = folder / "record.json"
        self._returns = deque[float](maxlen=RECENT)
        self._resets: list[int] = []
        self._load(state if state is not None else self._remembered(resume_step))
        self._look, self._looked_at, self._beaten_at = 1, clock(), clock() - 1.0
        self._begun_at, self._begun_step = clock(), resume_step
        self._closed = False

    def step(
        self,
        step: int,
        episodes: Any,
        actions: Any,
        rewards: Any,
        done: Any,
        errors: Any,
        returns: Any,
        hyper: Hyper,
        concentrations: Any,
    ) -> None:
        """One step of all environments: arrays of shape (environments,), and nM of (environments, modulators), which
        of one environment may be plain numbers.

        `step` is that of the first of them; `returns` are those of the episodes so far, this step in them.
        """
        row, end = self._rows, self._rows + self._n
        if step != self._first + row:
            raise ValueError(f"step {step} does not follow {self._first + row - 1}")
        packed = _packed(hyper) if hyper.packed is None else hyper.packed
        if end - row == 1:  # plain numbers are quicker for one
            lead = (episodes.item(), 0, actions.item(), rewards.item(), done.item(), errors.item(), returns.item())
            further = [hyper.targets[name].item() for name in self._targets] if self._targets else ()
            place = row * self._row + 8
            levels = concentrations if type(concentrations) is list else concentrations.ravel().tolist()
            self._put(self._bytes, place, *lead, *packed.ravel().tolist(), *levels, *further)
        else:
            data = self._data[:, row:end]
            data[1], data[3], data[4], data[5] = episodes, actions, rewards, done
            data[6], data[7] = errors, returns
            data[len(LEAD) : FIRST], data[FIRST : self._further] = packed, concentrations.T
            for number, name in enumerate(self._targets, self._further):
                data[number] = hyper.targets[name]
        self._rows = end
        if end >= self._look:
            self._catch_up()

    def checkpoint(self, step: int) -> None:
        """All up to here is on the disk when it returns."""
        self._catch_up(whole=True)
        if self._writer is not None:
            self._writer.checkpoint()
        with disk_guarded(self._kept.parent):
            kept = [each for each in self._records() if each["step"] < step][-2:]
            draft = self._kept.with_suffix(".draft")
            draft.write_text(json.dumps([*kept, {**self.state_dict(), "step": step}]), encoding="utf-8")
            draft.replace(self._kept)

    def evaluated(self, step: int, value: float) -> None:
        """The mean return of episodes played without exploring."""
        if self._keeper is not None:
            self._keeper.log(step, scope="test", evaluation_return=value)
        self._telling.said("INFO", "evaluated", step=step, evaluation_return=value)

    def state_dict(self) -> dict[str, Any]:
        """What is needed to go on counting."""
        return {
            "cumulative_reward": self._cumulative,
            "error": self._error,
            "errors": self._errors,
            "episodes": self._episodes,
            "returns": list(self._returns),
        }

    def close(self) -> None:
        """Writes what is left; a second time does nothing."""
        if self._closed:
            return
        self._closed = True
        try:
            self._catch_up(whole=True)
            self._beat(self._clock())
            if self._writer is not None:
                self._writer.close()
        finally:
            if self._writer is not None:
                self._writer.abandon()
            self._telling.close()

    # A few times a second.

    def _catch_up(self, *, whole: bool = False) -> None:
        """Looks at the rows that came since the last time; hands them to the writer when there are enough."""
        self._measure()
        now = self._clock()
        if self._rows and now - self._beaten_at >= 1.0:
            self._beat(now)
        if self._rows and (self._live.due(now) or whole):  # the last values, and its last reset, are shown at the end
            self._live.add(self._sample(now))
        if whole or self._rows + self._n > self._capacity:
            self._hand_over()
        passed = max(now - self._looked_at, 1e-4)
        wanted = int((self._rows - self._seen_before) / passed / self._looks) if self._rows > self._seen_before else 1
        self._look = min(self._capacity - self._n + 1, self._rows + max(1, min(wanted, 4_096)))
        self._looked_at, self._seen_before = now, self._rows

    def _measure(self) -> None:
        """Counts rewards and episodes, and logs at every `log_every` steps, exactly there."""
        self._look_for_resets()
        while self._seen < self._rows:
            step = self._first + self._seen
            until = min(self._rows, self._seen + self._every - (step - 1) % self._every)
            part = self._data[:, self._seen : until]
            self._cumulative = _added(self._cumulative, part[REWARD])
            self._error, self._errors = _added(self._error, np.abs(part[ERROR])), self._errors + part.shape[1]
            ended = part[RETURN, part[DONE] != 0.0]
            self._episodes += len(ended)
            self._returns.extend(ended.tolist())
            self._seen = until
            if (self._first + until - 1) % self._every == 0:
                self._log(self._first + until - 1, until - 1)

    def _look_for_resets(self) -> None:
        """Tells at which steps most environments took the world to have changed; the agent starts anew there."""
        flags = self._data[FIRST - 1, self._seen : self._rows].reshape(-1, self._n)
        for number in np.flatnonzero(2 * np.count_nonzero(flags, axis=1) > self._n).tolist():
            step = self._first + self._seen + (number + 1) * self._n - 1
            self._resets.append(step)
            if self._keeper is not None:
                self._keeper.log(step, reset=1.0)
            self._telling.said("INFO", "context reset", step=step)

    def _log(self, step: int, row: int) -> None:
        last = self._data[:, row]
        values = {"cumulative_reward": self._cumulative, "td_error": self._error / self._errors}
        self._error, self._errors = 0.0, 0
        values.update(zip(PACKED[:-1], last[len(LEAD) : FIRST - 1].tolist(), strict=True))
        values.update({f"c.{name}": float(last[FIRST + place]) for place, name in enumerate(self._modulators)})
        values.update({f"t.{name}": float(last[self._further + place]) for place, name in enumerate(self._targets)})
        if self._returns:
            values["return_mean"] = self._mean()
        if self._keeper is not None:
            self._keeper.log(step, **values)
        self._telling.tell(step, values)

    def _hand_over(self) -> None:
        rows, full = self._rows, self._data
        if self._writer is not None and rows:
            full[0, :rows] = np.arange(self._first, self._first + rows)
            self._writer.append(full[:, :rows])
        self._blocks.reverse()
        self._data = self._blocks[0] if self._blocks[0] is not full else self._blocks[1]
        self._bytes = memoryview(self._data.T).cast("B")
        self._first, self._rows, self._seen, self._seen_before = self._first + rows, 0, 0, 0

    def _beat(self, now: float) -> None:
        step = self._first + self._rows - 1
        speed = (step - self._begun_step) / max(now - self._begun_at, 1e-9)
        told = {"step": step, "of": self._of, "episode": self._episodes, "steps_per_second": round(speed, 1)}
        if self._returns:
            told["return_mean"] = self._mean()
        self._beaten_at = now
        self._say(json.dumps(told))

    def _sample(self, now: float) -> dict[str, Any]:
        last = self._data[:, self._rows - 1].tolist()
        resets, self._resets = self._resets, []
        return {
            "t": round(now - self._begun_at, 3),
            "step": self._first + self._rows - 1,
            "episode": int(last[1]),
            "return": last[RETURN],
            "return_mean": self._mean() if self._returns else None,
            "td_error": last[ERROR],
            **dict(zip(PACKED[:-1], last[len(LEAD) : FIRST - 1], strict=True)),
            "reset": bool(last[FIRST - 1]),
            "resets": resets,
            "concentrations": dict(zip(self._modulators, last[FIRST : self._further], strict=True)),
            **({"targets": dict(zip(self._targets, last[self._further :], strict=True))} if self._targets else {}),
        }

    def _mean(self) -> float:
        return sum(self._returns) / len(self._returns)

    def _block(self) -> Any:
        """Room for rows, a step's numbers side by side, seen as columns."""
        data = np.zeros((self._capacity, len(self.columns))).T
        data[2] = np.arange(self._capacity) % self._n
        return data

    # What an earlier run has counted.

    def _load(self, state: Mapping[str, Any]) -> None:
        self._cumulative = float(state.get("cumulative_reward", 0.0))
        self._error, self._errors = float(state.get("error", 0.0)), int(state.get("errors", 0))
        self._episodes = int(state.get("episodes", 0))
        self._returns.extend(float(each) for each in state.get("returns", ()))

    def _remembered(self, step: int) -> Mapping[str, Any]:
        return next((each for each in self._records() if each["step"] == step), {}) if step else {}

    def _records(self) -> list[dict[str, Any]]:
        with suppress(OSError, ValueError):
            found: list[dict[str, Any]] = json.loads(self._kept.read_text(encoding="utf-8"))
            return found
        return []


def _added(total: float, values: Any) -> float:
    """The sum in the order of steps: the same in its last bit however often the array is looked at."""
    return float(np.add.accumulate(np.concatenate(([total], values)))[-1])


def _packed(hyper: Hyper) -> Any:
    """The numbers of a step as one array, where they do not come as one."""
    return np.stack([getattr(hyper, name) for name in PACKED])


def _targets(simulation: Any) -> tuple[str, ...]:
    """What the file's modulators act upon beside what the trainer knows."""
    return tuple(sorted({each.target for each in simulation.physics().binding.influences} - set(TARGETS)))


def _printed(line: str) -> None:
    with suppress(BrokenPipeError):
        os.write(1, line.encode() + b"\n")

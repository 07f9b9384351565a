"""The tasks, by name, and why one cannot be run here."""

from __future__ import annotations

import importlib.util

from . import bandit_task, control_tasks, posner_task
from .environments import MinAtarMissing
from .task import Task

TASKS: dict[str, Task] = {task.name: task for task in (bandit_task.TASK, posner_task.TASK, *control_tasks.TASKS)}


def reason_against(task: Task) -> str | None:
    """Why this task cannot be run here; None where it can."""
    if task.name.startswith("breakout") and importlib.util.find_spec("minatar") is None:
        return MinAtarMissing.__doc__
    return None

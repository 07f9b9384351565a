"""Runs a built-in tool in a thread of this process. Each bounds its own work; one that hangs all the same is left
behind, and only so many may hang.
"""

from __future__ import annotations

import threading
import time

from anima.kernel import telemetry
from anima.kernel.errors import AnimaError
from anima.plugins import builtin
from anima.plugins.outcome import Job, Outcome
from anima.plugins.plugin import Context, House, Plugin, Result, ToolFailed

_SLOTS = threading.BoundedSemaphore(32)


def run(job: Job) -> Outcome:
    """What the tool answers, in time or not."""
    if not _SLOTS.acquire(blocking=False):
        return Outcome("Too many tools are running at the moment.", "busy")
    done: list[Outcome] = []

    def work() -> None:
        try:
            done.append(_outcome(job))
        finally:
            _SLOTS.release()

    thread = threading.Thread(target=work, name=f"tool-{job.tool}", daemon=True)
    thread.start()
    thread.join(max(job.until - time.monotonic(), 0.0))
    return done[0] if done else Outcome("It took too long and was given up.", "timeout")


def _outcome(job: Job) -> Outcome:
    try:
        plugin: Plugin = builtin.load(builtin.place(job.plugin))
        house = House(job.principal, job.cited, job.until, job.private)
        context = Context(job.config, max(job.until - time.monotonic(), 0.0), house)
        answered = plugin.tool(job.tool).run(job.arguments, context)
    except ToolFailed as error:
        return Outcome(str(error), error.error)
    except AnimaError as error:
        return Outcome(error.detail, error.slug)
    except Exception as error:  # whatever it is, the turn goes on
        telemetry.error("plugins.failed", error, plugin=job.plugin, tool=job.tool)
        return Outcome("The tool failed.", "failed")
    result = answered if isinstance(answered, Result) else Result(str(answered))
    return Outcome(result.text, None, result.media, result.hits)

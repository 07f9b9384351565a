"""What all jobs have in common, wherever they run: exit codes, the line that says why one failed, its environment."""

from __future__ import annotations

import json
import os
from contextlib import suppress
from pathlib import Path
from typing import Final

DONE: Final = 0
FAILED: Final = 1
BAD_CONFIGURATION: Final = 2
STOPPED: Final = 143
"""It was asked to end, has written a checkpoint, and can go on."""

WINNERS: Final = ("MODE", "MAX_STEPS", "SEED")
"""These variables win over a simulation file where it is read: when the job is made, not where it runs later."""


def inherited() -> dict[str, str]:
    """What a job gets of this process's environment."""
    return {name: value for name, value in os.environ.items() if name not in WINNERS}


def fail(folder: Path, reason: str, code: int) -> int:
    """Leaves the reason, as one line, in the job's `output/failure` and on standard output; the code to exit with.

    On a disk that is full it is on standard output alone.
    """
    line = " ".join(reason.split())
    failure = folder / "output" / "failure"
    with suppress(OSError):
        failure.parent.mkdir(parents=True, exist_ok=True)
        failure.write_text(line + "\n", encoding="utf-8")
    print(json.dumps({"failed": line}), flush=True)
    return code

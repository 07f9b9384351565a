"""Runs a script as Python does, and writes down the most memory that it had (KiB).

    python own_memory.py REPORT SCRIPT ARGUMENT...

The process says it of itself, of the time since its exec (VmHWM of /proc; Linux). What the system tells a parent of its
child (ru_maxrss) begins with what the parent had when it forked.
"""

from __future__ import annotations

import re
import runpy
import sys
from pathlib import Path


def main() -> None:
    """Runs it; the report is there when it has ended, whichever way."""
    report, script = Path(sys.argv[1]), sys.argv[2]
    sys.argv, sys.path[0] = sys.argv[2:], str(Path(script).resolve().parent)
    try:
        runpy.run_path(script, run_name="__main__")
    finally:
        report.write_text(peak(Path("/proc/self/status").read_text(encoding="ascii")), encoding="ascii")


def peak(status: str) -> str:
    """The most memory that was resident, in what the system says of a process."""
    found = re.search(r"^VmHWM:\s+(\d+) kB$", status, re.MULTILINE)
    if found is None:
        raise RuntimeError("the system does not say how much memory a process had")
    return found[1]


if __name__ == "__main__":
    main()

"""The processes of one cluster: its postmaster, and what a killed postmaster left behind.

Recognised by their command lines, which anybody may read: the postmaster's names the data directory, those of its
children begin with the cluster's name. An id in `postmaster.pid` alone proves nothing: after a crash or a restart
of the machine it may belong to anybody.
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import psutil


@dataclass(frozen=True, slots=True)
class PidFile:
    """What `postmaster.pid` says: the postmaster's process and the port it listens on."""

    pid: int
    port: int | None


def pid_file(pgdata: Path) -> PidFile | None:
    """Reads `postmaster.pid`; none if there is none or it is not whole."""
    try:
        lines = (pgdata / "postmaster.pid").read_text().splitlines()
        pid = int(lines[0])
    except (OSError, ValueError, IndexError):
        return None
    port = lines[3].strip() if len(lines) > 3 else ""
    return PidFile(pid, int(port) if port.isdigit() else None)


def postmaster(pgdata: Path) -> PidFile | None:
    """The pid file, if the process that it names is alive and serves this data directory."""
    import psutil

    held = pid_file(pgdata)
    if held is None:
        return None
    try:
        process = psutil.Process(held.pid)
    except psutil.NoSuchProcess:
        return None
    return held if str(pgdata) in _command(process) else None


def end_children(cluster_name: str) -> None:
    """Kills the processes of a cluster whose postmaster is gone.

    Idle ones leave by themselves at once; one in the middle of a long query does not notice, and would keep a new
    postmaster from starting. Killing it is safe: what it had not committed is not there after recovery.
    """
    import psutil

    for process in psutil.process_iter():
        if any(part.startswith(f"postgres: {cluster_name}: ") for part in _command(process)):
            with contextlib.suppress(psutil.Error):
                process.kill()


def _command(process: psutil.Process) -> list[str]:
    """The command line of a process of Postgres; empty for others, for the dead and for zombies."""
    import psutil

    try:
        return process.cmdline() if process.name().startswith("postgres") else []
    except psutil.Error:
        return []

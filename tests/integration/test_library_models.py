"""The model database as a library: the examples of its page run against a database, as a person's own program would."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from fixtures.api import Person
from fixtures.house import House

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "library.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```python database\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("number", range(len(BLOCKS)))
def test_an_example_runs_with_a_database(number: int, tmp_path: Path, database: Any, alice: Person) -> None:
    here = House(tmp_path, {"ANIMA_DATABASE_URL": database.owner_url, "ANIMA_API_KEY": alice.key})
    program = [sys.executable, "-c", BLOCKS[number]]
    done = subprocess.run(program, cwd=tmp_path, env=here.environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{BLOCKS[number]}\n{done.stderr}"
    assert done.stdout


def test_the_page_has_an_example_of_each_part() -> None:
    used = "\n".join(BLOCKS)
    for part in ("registry.example", "registry.open", ".slice(", "runs.begin", "run.save", ".resume(", "quantize"):
        assert part in used

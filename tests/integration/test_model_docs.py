"""docs/model-database.md says what is so: its first commands work as written, and its Python runs."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from anima.app.main import local
from anima.cli.main import app
from anima.kernel import config
from fixtures.api import Person
from fixtures.house import House

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "model-database.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(\w*(?: \w+)?)\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
COMMANDS = [line for kind, block in BLOCKS if not kind for line in block.splitlines() if line.startswith("anima ")]


@pytest.fixture
def here(tmp_path: Path, database: Any, alice: Person) -> House:
    """A machine of Alice's whose database is that of the tests."""
    return House(tmp_path, {"ANIMA_DATABASE_URL": database.owner_url, "ANIMA_API_KEY": alice.key})


def test_the_first_commands_work_as_they_are_written(here: House) -> None:
    first = BLOCKS[0][1].splitlines()
    assert len(first) == 5
    said = [here.say(*shlex.split(line)[1:]) for line in first]
    assert "attention" in said[1]
    assert "changed" in said[3]
    assert "quantised" in said[4]


def test_its_python_runs(here: House) -> None:
    (block,) = [block for kind, block in BLOCKS if kind == "python database"]
    with pytest.MonkeyPatch.context() as patch:
        for name, value in here.settings.items():
            patch.setenv(name, value)
        config.settings.cache_clear()
        exec(compile(block, "docs/model-database.md", "exec"), {})  # noqa: S102
    config.settings.cache_clear()
    assert [one["name"] for one in here.json("model", "runs")] == ["warm"]


@pytest.mark.parametrize("line", COMMANDS)
def test_every_command_that_it_names_is_there_with_its_options(line: str) -> None:
    words = shlex.split(line, comments=True)[1:]
    names = words[: 3 if words[1] == "checkpoint" else 2]
    told = CliRunner().invoke(app, [*names, "--help"])
    assert told.exit_code == 0, line
    for option in (word for word in words if word.startswith("--")):
        assert option in told.output, line


def test_every_route_that_it_names_is_there() -> None:
    known = set(local().openapi()["paths"])
    table = PAGE[PAGE.index("## Over HTTP") : PAGE.index("| setting")]
    named = re.findall(r"(?<![\w…}])(/(?:registry|inference|models)[\w/{}]*)", table)
    assert len(named) >= 8
    for place in named:
        assert f"/api/v1{place}" in known, place
    for place in re.findall(r"`GET (/api/v1[\w/{}]*)`", PAGE):
        assert place in known, place

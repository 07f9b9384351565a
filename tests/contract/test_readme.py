"""What the README tells people to type exists: make targets, commands with their options, routes."""

from __future__ import annotations

import re
import shlex

import pytest
import typer
from click import Context
from scripts.venvs import ROOT

from anima.cli.main import app

README = (ROOT / "README.md").read_text(encoding="utf-8")
LINES = [line.strip() for line in re.findall(r"^ {4}(.*)$", README.replace("\\\n", " "), re.MULTILINE)]
COMMANDS = [re.sub(r"^([A-Z_]+=\S+ )+", "", line) for line in LINES]


@pytest.mark.parametrize("line", sorted(line for line in COMMANDS if line.startswith("make ")))
def test_each_make_target_is_there(line: str) -> None:
    target = line.split()[1]
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert re.search(rf"^{re.escape(target)}:", makefile, re.MULTILINE), f"no target {target}"


@pytest.mark.parametrize("line", sorted({line for line in COMMANDS if line.startswith("anima ")}))
def test_each_command_takes_what_is_written(line: str) -> None:
    command = typer.main.get_command(app)
    words = shlex.split(line, comments=True)[1:]
    context = Context(command, info_name="anima")
    while hasattr(command, "resolve_command"):
        name, command, words = command.resolve_command(context, words)
        context = Context(command, info_name=name, parent=context)
    command.parse_args(context, words)
    assert set(context.params) == {option.name for option in command.params if option.name != "help"}


@pytest.mark.parametrize("path", sorted(set(re.findall(r"localhost:52929(/api/\S+)", README))))
def test_each_route_is_there(path: str) -> None:
    described = (ROOT / "docs" / "openapi.json").read_text(encoding="utf-8")
    assert f'"{path}"' in described


def test_each_link_leads_somewhere() -> None:
    links = re.findall(r"\]\((?!https?:)([^)#]+)\)", README)
    assert links
    assert [link for link in links if not (ROOT / link).exists()] == []

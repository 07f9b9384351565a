"""Every statement of the house, found by reading its files: nothing can be forgotten in a list."""

from __future__ import annotations

import ast
import importlib
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from anima.kernel import db

HOUSE = Path(__file__).resolve().parents[2] / "layers" / "app"
PARAMETER = re.compile(r"%\((\w+)\)s")


@dataclass(frozen=True, slots=True)
class Statement:
    """A query or command, by its place."""

    module: str
    name: str
    sql: str
    row: type[Any] | None

    def __str__(self) -> str:
        return f"{self.module.removeprefix('anima.')}.{self.name}"

    @property
    def parameters(self) -> list[str]:
        """The names of its parameters, in the order of their first use."""
        return list(dict.fromkeys(PARAMETER.findall(self.sql)))

    @property
    def numbered(self) -> str:
        """The statement with $1, $2, … instead of names."""
        names = self.parameters
        text = PARAMETER.sub(lambda found: f"${names.index(found[1]) + 1}", self.sql)
        return text.replace("%%", "%")


def _is_statement(node: ast.AST) -> bool:
    if not isinstance(node, ast.Call):
        return False
    called = ast.unparse(node.func)
    return called in {"db.Query", "db.Command"}


@dataclass(frozen=True, slots=True)
class Source:
    """A file in which statements are made: how many, and how many of these are constants of the module."""

    module: str
    made: int
    constants: int


@cache
def sources() -> list[Source]:
    """The files of the house in which statements are made."""
    found: list[Source] = []
    for path in sorted(HOUSE.rglob("*.py")):
        text = path.read_text(encoding="utf-8")
        if "db.Query(" not in text and "db.Command(" not in text:
            continue
        tree = ast.parse(text)
        made = sum(_is_statement(node) for node in ast.walk(tree))
        constants = sum(
            isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None and _is_statement(node.value)
            for node in tree.body
        )
        if made:
            module = ".".join(path.relative_to(HOUSE).with_suffix("").parts)
            found.append(Source(module, made, constants))
    return found


@cache
def statements() -> list[Statement]:
    """Every constant that is a statement."""
    found: list[Statement] = []
    for source in sources():
        module = importlib.import_module(source.module)
        for name, value in vars(module).items():
            if isinstance(value, db.Query):
                found.append(Statement(source.module, name, value.sql, value.row))
            elif isinstance(value, db.Command):
                found.append(Statement(source.module, name, value.sql, None))
    return found

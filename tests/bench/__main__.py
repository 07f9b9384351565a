"""Runs the benches named in the arguments (comma-separated), or all: `python -m tests.bench turn,coldstart`.

A bench is a module `bench_<name>.py` beside this one with `def run(bench: Bench) -> None`.
"""

import importlib
import sys
import traceback
from pathlib import Path

from tests.bench.frame import Bench


def main() -> int:
    """Writes build/bench/<name>.json and prints a table for each; 1 when one of them failed."""
    known = sorted(path.stem.removeprefix("bench_") for path in Path(__file__).parent.glob("bench_*.py"))
    wanted = [name for argument in sys.argv[1:] for name in argument.split(",")] or known
    unknown = sorted(set(wanted) - set(known))
    if unknown:
        print(f"no such bench: {', '.join(unknown)}; there are {', '.join(known)}")
        return 2
    return int(not all([measure(name) for name in wanted]))


def measure(name: str) -> bool:
    """Runs one bench; a failure is told and does not hold up the others."""
    bench = Bench(name)
    try:
        importlib.import_module(f"tests.bench.bench_{name}").run(bench)
    except Exception:
        traceback.print_exc()
        return False
    path = bench.write()
    print(bench.table(), f"-> {path}", sep="\n", flush=True)
    return True


if __name__ == "__main__":
    sys.exit(main())

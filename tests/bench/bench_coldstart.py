"""Import CPU of each handler in a fresh process, against an empty one that imports the same packages."""

import json
import os
import subprocess
import sys
from functools import partial

from scripts.venvs import ROOT
from tests.bench.frame import Bench

RECORD = """
import builtins, importlib.util, json, sys

found, original = {}, builtins.__import__


def recording(name, globals=None, locals=None, fromlist=(), level=0):
    importer = (globals or {}).get("__name__", "")
    top = name.partition(".")[0]
    if importer.partition(".")[0] in ("anima", "handler") and not level:
        if top not in ("anima", "__future__") and top not in sys.stdlib_module_names:
            found[name] = True
    return original(name, globals, locals, fromlist, level)


def load(path):
    spec = importlib.util.spec_from_file_location("handler", path)
    spec.loader.exec_module(importlib.util.module_from_spec(spec))


builtins.__import__ = recording
load(sys.argv[1])
print(json.dumps(list(found)))
"""
"""Prints the outside packages that a handler and the house below it name while they are imported."""

OURS = """
import importlib.util, sys, time

started = time.process_time()
spec = importlib.util.spec_from_file_location("handler", sys.argv[1])
spec.loader.exec_module(importlib.util.module_from_spec(spec))
print((time.process_time() - started) * 1000)
"""

EMPTY = """
import importlib, sys, time

started = time.process_time()
for name in sys.argv[1:]:
    importlib.import_module(name)
print((time.process_time() - started) * 1000)
"""


def run(bench: Bench) -> None:
    """One figure a function: `import_cpu.<function>`, in milliseconds of CPU."""
    handlers = sorted((ROOT / "functions").glob("*/handler.py"))
    if not handlers:
        bench.note("there are no functions yet")
    for handler in handlers:
        packages = json.loads(_fresh(RECORD, str(handler)))
        ours = partial(_milliseconds, OURS, str(handler))
        sides = bench.alternate(ours=ours, empty=partial(_milliseconds, EMPTY, *packages))
        name = f"import_cpu.{handler.parent.name}"
        bench.figure(name, sides["ours"], "ms", peer="the same packages alone", peer_value=sides["empty"])


def _milliseconds(program: str, *arguments: str) -> float:
    return float(_fresh(program, *arguments))


def _fresh(program: str, *arguments: str) -> str:
    """The last line that a new interpreter prints which runs this program."""
    environment = {
        **os.environ,
        "PYTHONPATH": str(ROOT / "layers" / "app"),
        "AWS_DEFAULT_REGION": "eu-central-1",
    }
    command = [sys.executable, "-c", program, *arguments]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(done.stderr)
    return done.stdout.strip().splitlines()[-1]

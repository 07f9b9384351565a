"""The local cloud as a program, for the interpreter of .venvs/cloud: ministack, told what it does not know by itself.

It plays Lambda's runtime without a container: a function sees its layers, boto3 and nothing else, and what it is told
to find below /opt is where its layers were unpacked. What else ministack lacks is in gaps.py. It ends when nobody holds
its standard input any more; its workers end with it.
"""

from __future__ import annotations

import importlib.util
import os
import sys
import threading
from pathlib import Path

import gaps
import sagemaker

RUNTIME_HAS = ("boto3", "botocore", "s3transfer", "jmespath", "dateutil", "six", "urllib3")
_UPDATE = "    os.environ.update(env)\n"
_UPDATE_BELOW_OPT = """
    opt = os.path.join(os.path.dirname(code_dir), "opt")
    os.mkdir(opt)
    for layer in filter(None, os.environ.get("_LAMBDA_LAYERS_DIRS", "").split(os.pathsep)):
        for name in set(os.listdir(layer)) - set(os.listdir(opt)):
            os.symlink(os.path.join(layer, name), os.path.join(opt, name))
    below = lambda value: opt + value[4:] if (value + "/").startswith("/opt/") else value
    os.environ.update({name: below(value) for name, value in env.items()})
"""


def _runtime(folder: Path) -> str:
    """A Python as Lambda has it: the standard library and boto3."""
    packages = folder / "runtime"
    packages.mkdir()
    for name in RUNTIME_HAS:
        found = importlib.util.find_spec(name)
        assert found is not None, f"{name} is not in this environment"
        assert found.origin is not None
        place = Path(found.origin)
        place = place.parent if place.name == "__init__.py" else place
        (packages / place.name).symlink_to(place)
    program = folder / "python"
    program.write_text(
        f'#!/bin/sh\nPYTHONPATH="${{PYTHONPATH:+$PYTHONPATH:}}{packages}" exec "{sys.executable}" -S "$@"\n'
    )
    program.chmod(0o755)
    return str(program)


def _play_runtime(folder: Path) -> None:
    from ministack.core import lambda_runtime

    script = lambda_runtime._PYTHON_WORKER_SCRIPT
    assert script.count(_UPDATE) == 1, "the worker of this ministack is another one"
    program, script = _runtime(folder), script.replace(_UPDATE, _UPDATE_BELOW_OPT)
    lambda_runtime._detect_runtime_binary = lambda _runtime: (program, script)


def main(folder: Path) -> None:
    """Serves on the port GATEWAY_PORT of 127.0.0.1 (BIND_HOST); `folder` is for what it needs and notes."""
    gaps.hand_parameters_to_the_transform()
    gaps.import_routes()
    gaps.know_secrets_by_arn()
    gaps.take_for_tls()
    gaps.transform_nested_stacks()
    gaps.write_down(folder / "not-played.jsonl")
    _play_runtime(folder)
    sagemaker.play(os.environ["JOBS_PYTHON"], folder / "jobs")
    from ministack import app

    threading.Thread(target=lambda: (sys.stdin.read(), os._exit(0)), daemon=True).start()
    sys.argv = ["ministack"]
    app.main()


if __name__ == "__main__":
    main(Path(sys.argv[1]))

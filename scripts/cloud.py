"""What `make test-cloud` does before it deploys: scans the template, stamps and builds it, weighs what was built.

Stamping puts the Python and the architecture of this machine into a copy of the template, which differs in nothing
else: `sam build` without containers can only build for the machine it runs on.
"""

import json
import os
import platform
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml  # type: ignore[import-untyped]

from scripts.venvs import ROOT, ensure

PLACE = ROOT / "build" / "cloud"
SOURCE, BUILT = PLACE / "source", PLACE / "built"
FIGURES = PLACE / "figures.json"
COPIED = ("infra", "functions", "sql", "layers/deps", "layers/app", "layers/embedder", "layers/tensors")
DOORS = frozenset(
    {
        "fastapi",
        "starlette",
        "uvicorn",
        "click",
        "mangum",
        "python_multipart",
        "multipart",
        "argon2",
        "_argon2_cffi_bindings",
        "jwt",
        "annotated_doc",
        "opentelemetry",
    }
)
"""What of the layer of packages only functions that serve HTTP load."""

PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"
ARCHITECTURE = "arm64" if platform.machine().lower() in ("arm64", "aarch64") else "x86_64"
UNZIPPED_LIMIT = 250 * 1024**2
"""Bytes that a function and its layers may have together (Lambda's quota)."""
WORKERS_LIMIT = 60_000_000
"""Bytes of the layer of packages, without what only functions that serve HTTP load."""
KEPT_FREE = 10 * 1024**2
"""Bytes for a layer that others publish (the web adapter's), which is not there to be weighed."""


class TooHeavy(Exception):
    """What was built passes a limit, and would be refused by Lambda or start slowly."""


def main() -> int:
    """Runs the steps named in the arguments: scan, build. 1 when one of them failed."""
    steps = {"scan": scan, "build": build}
    try:
        for name in sys.argv[1:]:
            steps[name]()
    except (subprocess.CalledProcessError, TooHeavy) as error:
        print(f"failed: {error}", flush=True)
        return 1
    return 0


def scan() -> None:
    """checkov (its exceptions and their reasons: .checkov.yaml) and cfn-lint over the template and what it nests."""
    run([str(Path(ensure("checkov")).parent / "checkov"), "--config-file", ".checkov.yaml"])
    templates = ["template.yaml", *(str(path.relative_to(ROOT)) for path in sorted((ROOT / "infra").glob("*.yaml")))]
    run([str(Path(ensure("sam")).parent / "cfn-lint"), "--", *templates], env=environment())


def build() -> None:
    """`sam build` of the stamped copy into build/cloud/built; its sizes and its time go into the figures.

    Raises TooHeavy, CalledProcessError.
    """
    stamp(SOURCE)
    sam = str(Path(ensure("sam")).parent / "sam")
    shutil.rmtree(BUILT, ignore_errors=True)
    started = time.monotonic()
    run([sam, "build", "--parallel", "--build-dir", str(BUILT)], cwd=SOURCE, env=environment())
    taken = time.monotonic() - started
    weighed = weights()
    note(sam_build_s=round(taken, 1), python=PYTHON, architecture=ARCHITECTURE, **weighed)
    check_weights(weighed)


def stamp(target: Path) -> None:
    """Copies what the template deploys, with this machine's Python and architecture in the template."""
    shutil.rmtree(target, ignore_errors=True)
    ignored = shutil.ignore_patterns("__pycache__", "*.pyc", ".*")
    for name in COPIED:
        shutil.copytree(ROOT / name, target / name, ignore=ignored)
    text = (ROOT / "template.yaml").read_text()
    (target / "template.yaml").write_text(stamped(text))


def stamped(template: str) -> str:
    """The template for this machine: another runtime, another architecture, nothing else."""
    return re.sub(r"\bpython3\.\d+\b", f"python{PYTHON}", re.sub(r"\barm64\b", ARCHITECTURE, template))


def environment() -> dict[str, str]:
    """Ours, with this very Python first on the PATH, as `sam build` wants it, and named to the layers' Makefiles."""
    return {
        **os.environ,
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "SAM_CLI_TELEMETRY": "0",
        "AWS_DEFAULT_REGION": "eu-central-1",
        "LAYER_PYTHON": PYTHON,
        "LAYER_ARCHITECTURE": ARCHITECTURE,
    }


def weights() -> dict[str, Any]:
    """Sizes in bytes of what was built, unzipped: by layer and function, and the largest packages."""
    folders = sorted(path for path in BUILT.iterdir() if path.is_dir())
    sizes = {path.name: unzipped(path) for path in folders}
    layers = {name: size for name, size in sizes.items() if name.endswith("Layer")}
    whole = functions_whole()
    packages = {path.name: unzipped(path) for path in (BUILT / "DepsLayer" / "python").iterdir()}
    doors = sum(size for name, size in packages.items() if name.split("-")[0] in DOORS)
    return {
        "layers_unzipped": layers,
        "functions_unzipped": {name: size for name, size in sizes.items() if name.endswith("Function")},
        "whole_functions_unzipped": whole,
        "largest_function_unzipped": max(whole.values()),
        "unzipped_limit": UNZIPPED_LIMIT,
        "deps_unzipped_of_workers": layers["DepsLayer"] - doors,
        "deps_largest": dict(sorted(packages.items(), key=lambda item: -item[1])[:12]),
    }


def functions_whole() -> dict[str, int]:
    """Bytes of each function with all its layers, as the built template names them."""
    template = yaml.safe_load((BUILT / "template.yaml").read_text())
    resources, shared = template["Resources"], template["Globals"]["Function"].get("Layers", [])
    places = {
        name: BUILT / one["Properties"]["ContentUri"]
        for name, one in resources.items()
        if one["Type"] == "AWS::Serverless::LayerVersion"
    }
    whole = {}
    for name, one in resources.items():
        if one["Type"] == "AWS::Serverless::Function":
            named = [layer.get("Ref") for layer in (*shared, *one["Properties"].get("Layers", []))]
            layers = sum(unzipped(places[layer]) if layer in places else KEPT_FREE for layer in named)
            whole[name] = layers + unzipped(BUILT / one["Properties"]["CodeUri"])
    return whole


def check_weights(weighed: Mapping[str, Any]) -> None:
    """Raises TooHeavy where a function with its layers, or the workers' part of the packages, passes its limit."""
    heavy = {name: size for name, size in weighed["whole_functions_unzipped"].items() if size > UNZIPPED_LIMIT}
    if heavy:
        told = ", ".join(f"{name} {size:,}" for name, size in sorted(heavy.items()))
        raise TooHeavy(f"with all layers, Lambda allows {UNZIPPED_LIMIT:,} bytes, but there are: {told}")
    workers = weighed["deps_unzipped_of_workers"]
    if workers > WORKERS_LIMIT:
        raise TooHeavy(f"the workers' part of DepsLayer has {workers:,} bytes; {WORKERS_LIMIT:,} are the most")


def unzipped(path: Path) -> int:
    """Bytes of a file, or of all files below a folder."""
    return (
        path.stat().st_size
        if path.is_file()
        else sum(each.stat().st_size for each in path.rglob("*") if each.is_file())
    )


def note(**figures: Any) -> None:
    """Adds to build/cloud/figures.json."""
    PLACE.mkdir(parents=True, exist_ok=True)
    known = json.loads(FIGURES.read_text()) if FIGURES.is_file() else {}
    FIGURES.write_text(json.dumps({**known, **figures}, indent=2, sort_keys=True) + "\n")


def run(command: list[str], cwd: Path = ROOT, env: Mapping[str, str] | None = None) -> None:
    """Runs a command and shows what it says only when it fails. Raises CalledProcessError then."""
    done = subprocess.run(command, cwd=cwd, env=env, text=True, capture_output=True, check=False)
    if done.returncode:
        print(done.stdout[-8000:], done.stderr[-8000:], sep="\n", flush=True)
        raise subprocess.CalledProcessError(done.returncode, command[:2])


if __name__ == "__main__":
    sys.exit(main())

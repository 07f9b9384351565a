"""Tools that must not share our environment each get a virtual environment of their own: .venvs/<name>.

What goes into it is scripts/locks/<name>.txt, with hashes; written by `make lock`. Besides, in that of `train`: torch,
in whatever build the index has for this machine, and this project as it stands here.
"""

import hashlib
import subprocess
import sys
import tomllib
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LOCKS = ROOT / "scripts" / "locks"


def python_of(name: str) -> Path:
    """Where the interpreter of .venvs/<name> lies, whether it exists or not."""
    return ROOT / ".venvs" / name / "bin" / "python"


def ensure(name: str) -> str:
    """The interpreter of .venvs/<name>, made and filled from its lock when it is missing or out of date."""
    lock = LOCKS / f"{name}.txt"
    more = torch() if name == "train" else []
    digest = hashlib.sha256(lock.read_bytes() + "".join(more).encode()).hexdigest()
    python, stamp = python_of(name), ROOT / ".venvs" / name / ".lock"
    if not (stamp.is_file() and stamp.read_text() == digest):
        print(f"installing .venvs/{name} (once)", flush=True)
        venv.create(python.parent.parent, with_pip=True, clear=True)
        pip(python, "--no-deps", "--require-hashes", "-r", str(lock))
        if more:
            install_torch(python, more)
            pip(python, "--no-deps", "--no-build-isolation", "-e", str(ROOT))
        stamp.write_text(digest)
    return str(python)


def install_torch(python: Path, requirement: list[str]) -> None:
    """Installs torch alone and, where that build does not load so, with the libraries of a GPU that it names."""
    pip(python, "--no-deps", *requirement)
    loads = subprocess.run([str(python), "-c", "import torch"], capture_output=True, check=False)
    if loads.returncode:
        pip(python, *requirement)


def torch() -> list[str]:
    """The requirement of torch as the extra `train` pins it."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    return [one for one in project["optional-dependencies"]["train"] if one.startswith("torch=")]


def pip(python: Path, *arguments: str) -> None:
    """Runs `pip install` of that interpreter, quietly, with whatever index the user has configured."""
    subprocess.run([str(python), "-m", "pip", "install", "-qq", *arguments], check=True)


if __name__ == "__main__":
    try:
        for wanted in sys.argv[1:]:
            ensure(wanted)
    except subprocess.CalledProcessError:
        sys.exit(1)

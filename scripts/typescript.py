"""Builds the TypeScript client: its types from docs/openapi.json, then its modules: `python -m scripts.typescript`.

What is made (src/schema.ts, dist) is ignored by git, and made anew when what it is made of changed.
"""

import os
import subprocess
from hashlib import sha256
from pathlib import Path

from anima.kernel.postgres.locks import exclusive
from scripts import node
from scripts.venvs import ROOT

CLIENT = ROOT / "clients" / "typescript"
DOCUMENT = ROOT / "docs" / "openapi.json"


def main() -> None:
    """Installs the packages when their lock changed, then builds; of several at once, one does it."""
    (ROOT / "build").mkdir(exist_ok=True)
    with exclusive(ROOT / "build" / "typescript.lock"):
        _made()


def _made() -> None:
    _install()
    stamp, state = CLIENT / "dist" / ".built", _state()
    if stamp.is_file() and stamp.read_text() == state:
        return
    _run("openapi-typescript/bin/cli.js", str(DOCUMENT), "--output", "src/schema.ts")
    _run("typescript/bin/tsc")
    stamp.write_text(state)
    print("TypeScript client: built")


def _install() -> None:
    lock = sha256((CLIENT / "package-lock.json").read_bytes()).hexdigest()
    stamp = CLIENT / "node_modules" / ".installed"
    if not stamp.is_file() or stamp.read_text() != lock:
        node.run_npm("ci", "--silent", "--prefix", str(CLIENT))
        stamp.write_text(lock)


def _state() -> str:
    sources = sorted(path for path in (CLIENT / "src").glob("*.ts") if path.name != "schema.ts")
    given = [DOCUMENT, CLIENT / "package-lock.json", CLIENT / "tsconfig.json", *sources]
    return sha256(b"\0".join(path.read_bytes() for path in given)).hexdigest()


def _run(program: str, *arguments: str) -> None:
    runtime = node.node()
    path = os.pathsep.join([str(Path(runtime).parent), os.environ.get("PATH", "")])
    command = [runtime, str(CLIENT / "node_modules" / program), *arguments]
    done = subprocess.run(
        command, cwd=CLIENT, env={**os.environ, "PATH": path}, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise SystemExit(f"{program} failed:\n{done.stdout}{done.stderr}")


if __name__ == "__main__":
    main()

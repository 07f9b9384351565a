"""One function in the runtime interface emulator that aws-sam-cli ships, with awslambdaric as its runtime."""

from __future__ import annotations

import json
import os
import platform
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import httpx
from scripts.venvs import ROOT, python_of

_INVOKE = "/2015-03-31/functions/function/invocations"
_ARCHITECTURES = {"x86_64": "x86_64", "amd64": "x86_64", "aarch64": "arm64", "arm64": "arm64"}


def emulator() -> Path | None:
    """The emulator's binary for this machine; nothing where there is none (another system, or not installed)."""
    architecture = _ARCHITECTURES.get(platform.machine().lower())
    if architecture is None or sys.platform != "linux":
        return None
    found = python_of("sam").parent.parent.glob(
        f"lib/python3*/site-packages/samcli/local/rapid/aws-lambda-rie-{architecture}"
    )
    return next(found, None)


@dataclass(frozen=True, slots=True)
class Function:
    """A function that waits for events."""

    name: str
    url: str
    _log: Path

    def invoke(self, event: object) -> Any:
        """What the function answers to an event; an error of the function is its JSON with errorType."""
        response = httpx.post(self.url + _INVOKE, json=event, timeout=120)
        response.raise_for_status()
        return response.json() if response.content else None

    def log(self) -> str:
        """What the function and the emulator wrote."""
        return self._log.read_text(errors="replace")


def _free_ports(count: int) -> list[int]:
    sockets = [socket.socket() for _ in range(count)]
    try:
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]
    finally:
        for one in sockets:
            one.close()


def free_port() -> int:
    """A port of this machine that nobody uses."""
    return _free_ports(1)[0]


def _environment(name: str, settings: Mapping[str, str]) -> dict[str, str]:
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("AWS_", "ANIMA_"))}
    return {
        **kept,
        **settings,
        "PYTHONPATH": f"{ROOT / 'layers' / 'app'}:{ROOT / 'functions' / name}",
        "AWS_LAMBDA_FUNCTION_NAME": name,
        "AWS_LAMBDA_FUNCTION_TIMEOUT": "100",
        "AWS_REGION": "eu-central-1",
        "AWS_DEFAULT_REGION": "eu-central-1",
        "_HANDLER": "handler.handler",
    }


def _start(name: str, settings: Mapping[str, str], log: IO[bytes]) -> tuple[subprocess.Popen[bytes], int]:
    binary = emulator()
    assert binary is not None, "the runtime interface emulator is not installed"
    port, runtime_port = _free_ports(2)
    command = [
        str(binary),
        f"--runtime-interface-emulator-address=127.0.0.1:{port}",
        f"--runtime-api-address=127.0.0.1:{runtime_port}",
        sys.executable,
        "-m",
        "awslambdaric",
        "handler.handler",
    ]
    process = subprocess.Popen(
        command,
        cwd=ROOT / "functions" / name,
        env=_environment(name, settings),
        stdout=log,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    return process, port


def _await(port: int, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 20
    while process.poll() is None and time.monotonic() < deadline:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            time.sleep(0.05)
    raise RuntimeError("the function did not start")


@contextmanager
def running(name: str, settings: Mapping[str, str]) -> Iterator[Function]:
    """The function `functions/<name>` from the working tree with these variables; ended after the block."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "log"
        with path.open("wb") as log:
            process, port = _start(name, settings, log)
            try:
                _await(port, process)
                yield Function(name, f"http://127.0.0.1:{port}", path)
            finally:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()


@contextmanager
def serving(name: str, settings: Mapping[str, str]) -> Iterator[str]:
    """The address of a function that is a server, started as Lambda Web Adapter finds it: by its run.sh."""
    port = str(free_port())
    environment = {
        **{key: value for key, value in os.environ.items() if not key.startswith("ANIMA_")},
        **settings,
        "PYTHONPATH": str(ROOT / "layers" / "app"),
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "AWS_LWA_PORT": port,
    }
    process = subprocess.Popen(["sh", "run.sh"], cwd=ROOT / "functions" / name, env=environment)
    try:
        _await(int(port), process)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(20)


def read_event(path: Path) -> Any:
    """An event from a file."""
    return json.loads(path.read_text())

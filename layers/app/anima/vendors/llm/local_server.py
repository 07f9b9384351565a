"""The local chat model as its owner sees it: started, kept alive, stopped."""

from __future__ import annotations

import fcntl
import os
import secrets
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from anima.kernel.errors import AnimaError
from anima.vendors.llm.local_found import LOCK_FILE, PREFIXES, READY_FILE, FoundServer, runs

# A second slot costs 115 MB (1.5B, 4,096 tokens) and lets a turn be answered while facts are being extracted.
SLOTS = 2
_LOG_FILE = "local-llm.log"
_START_SECONDS = 180.0
_STOP_SECONDS = 5.0
_LOG_TAIL_CHARS = 800
_GONE_LOOK_SECONDS = 1.0


class LocalModelFailed(AnimaError):
    """The local chat model did not start: {reason}."""

    status = 503
    slug = "local-model-failed"


@dataclass(slots=True)
class LocalServer(FoundServer):
    """A server as its owner has it."""

    _process: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    @classmethod
    def start(cls, model_path: Path, run_dir: Path, *, name: str | None = None, parent: int | None = None) -> Self:
        """Starts the server, or joins the one that already serves this file from `run_dir`.

        It ends with the process `parent` (this one if not given). Raises LocalModelFailed.
        """
        run_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
        owner = parent or os.getpid()
        with _locked(run_dir / LOCK_FILE):
            found = cls.find(run_dir)
            if found is not None and found.model_path == model_path:
                return found
            process = _spawn(model_path, run_dir, name or model_path.stem, owner)
        started = cls._read(run_dir)
        if started is None or started.pid != process.pid:
            raise LocalModelFailed(reason=f"{run_dir / READY_FILE} is missing")
        started._process, started.parent = process, owner
        return started

    def alive(self) -> bool:
        """Whether it runs and answers to its key."""
        if self._process is not None and self._process.poll() is not None:
            return False
        return FoundServer.alive(self)  # no super(): a class with slots is another than the one that was written

    def ensure_alive(self) -> Self:
        """Itself if it answers, else a new one in its place; raises LocalModelFailed."""
        if self.alive():
            return self
        self.stop()
        return self.start(self.model_path, self.run_dir, name=self.model, parent=self.parent)

    def wait(self) -> None:
        """Returns when its process has ended."""
        wait_for_end(self.pid)

    def stop(self) -> None:
        """Ends the server if this process started it; one that was found belongs to others."""
        if self._process is None:
            return
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _command(model_path: Path, run_dir: Path, name: str, parent: int, ready_fd: int) -> list[str]:
    prefixes = run_dir / PREFIXES
    prefixes.mkdir(exist_ok=True, mode=0o700)
    module = [sys.executable, "-P", "-m", "anima.vendors.llm.local_process"]
    options = {
        "--model": model_path,
        "--name": name,
        "--prefixes": prefixes,
        "--ready-file": run_dir / READY_FILE,
        "--ready-fd": ready_fd,
        "--parent": parent,
    }
    return [*module, *(str(word) for option in options.items() for word in option)]


def _spawn(model_path: Path, run_dir: Path, name: str, parent: int) -> subprocess.Popen[bytes]:
    """Starts the process and waits until it answers requests."""
    ready, ready_fd = os.pipe()
    descriptor = os.open(run_dir / _LOG_FILE, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(ready, "rb") as pipe, os.fdopen(descriptor, "wb") as log:
        process = subprocess.Popen(
            _command(model_path, run_dir, name, parent, ready_fd),
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=log,
            pass_fds=[ready_fd],
            start_new_session=True,  # a Ctrl-C is for the owner, which stops this one in its turn
            env={**os.environ, "OMP_WAIT_POLICY": "passive"},
        )
        os.close(ready_fd)
        assert process.stdin is not None
        with process.stdin as key:
            key.write(f"{secrets.token_urlsafe(32)}\n".encode())
        _await_ready(process, pipe.fileno(), run_dir)
    return process


def _await_ready(process: subprocess.Popen[bytes], ready: int, run_dir: Path) -> None:
    """Raises LocalModelFailed, with the end of its log, unless the process says that it is ready."""
    readable, _, _ = select.select([ready], [], [], _START_SECONDS)
    if readable and os.read(ready, 16):
        return
    process.kill()
    process.wait()
    log = (run_dir / _LOG_FILE).read_text(errors="replace").strip()[-_LOG_TAIL_CHARS:]
    raise LocalModelFailed(reason=log or f"no word from it for {_START_SECONDS:g} s")


def wait_for_end(pid: int) -> None:
    """Returns when a process has ended; it need not be this one's child."""
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    except (AttributeError, OSError):
        while runs(pid):
            time.sleep(_GONE_LOOK_SECONDS)
        return
    select.select([descriptor], [], [])

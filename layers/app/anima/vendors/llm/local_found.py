"""The local chat model as others find it: who started it, and how it is kept alive, is no business of theirs."""

from __future__ import annotations

import fcntl
import json
import os
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

READY_FILE = "local-llm.json"
LOCK_FILE = "local-llm.lock"
PREFIXES = "prefixes"
_BETWEEN_STARTS_SECONDS = 1.5  # one that died is started again within that time
_LOOK_SECONDS = 0.1
_ANSWER_SECONDS = 10.0  # it answers at once, but a machine under load may not let it


@dataclass(slots=True)
class FoundServer:
    """A server of the OpenAI protocol at `url` (with its /v1) that wants `api_key`."""

    url: str
    api_key: str = field(repr=False)
    pid: int
    model: str
    model_path: Path
    run_dir: Path
    parent: int

    @classmethod
    def find(cls, run_dir: Path) -> Self | None:
        """The server that another process started from `run_dir`, if it answers."""
        found = cls._read(run_dir)
        return found if found is not None and found.alive() else None

    @classmethod
    def announced(cls, run_dir: Path) -> Self | None:
        """The server that was announced in `run_dir` last, whether or not it answers at this moment."""
        return cls._read(run_dir)

    @classmethod
    def await_one(cls, run_dir: Path, deadline: float) -> Self | None:
        """The server, waited for until `deadline` (time.monotonic()) as long as somebody is starting it."""
        unseen = time.monotonic() + _BETWEEN_STARTS_SECONDS
        while (found := cls.find(run_dir)) is None and (run_dir / LOCK_FILE).exists():
            now = time.monotonic()
            if _is_held(run_dir / LOCK_FILE):
                unseen = now + _BETWEEN_STARTS_SECONDS
            if now >= min(unseen, deadline):
                return None
            time.sleep(_LOOK_SECONDS)
        return found

    @classmethod
    def is_starting(cls, run_dir: Path) -> bool:
        """Whether somebody is starting one at this moment."""
        return (run_dir / LOCK_FILE).exists() and _is_held(run_dir / LOCK_FILE)

    @classmethod
    def _read(cls, run_dir: Path) -> Self | None:
        try:
            ready = json.loads((run_dir / READY_FILE).read_text())
            path = Path(ready["model_path"])
            secret = ready["api_key"]
            return cls(ready["url"], secret, ready["pid"], ready["model"], path, run_dir, os.getpid())
        except (OSError, ValueError, KeyError):
            return None

    @property
    def prefixes(self) -> Path:
        """The folder of saved prompt beginnings."""
        return self.run_dir / PREFIXES

    def alive(self) -> bool:
        """Whether it runs and answers to its key (so that no stranger on its old port is taken for it)."""
        import httpx

        try:
            headers = {"authorization": f"Bearer {self.api_key}"}
            answer = httpx.get(f"{self.url}/models", headers=headers, timeout=_ANSWER_SECONDS, trust_env=False)
            return answer.status_code == 200 and self.model in answer.text
        except httpx.HTTPError:
            return False


def runs(pid: int) -> bool:
    """Whether there is a process of this id, whoever's it is."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _is_held(path: Path) -> bool:
    """Whether a process holds the lock at this moment."""
    with path.open() as file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False

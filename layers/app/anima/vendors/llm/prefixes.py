"""Beginnings of prompts that are kept on disk, so that a persona is read by the local model only once."""

from __future__ import annotations

import hashlib
import json
import re
import threading
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from anima.kernel import telemetry
from anima.vendors.llm.local_server import SLOTS

if TYPE_CHECKING:
    import httpx

    from anima.vendors.llm.local_found import FoundServer

_SLOT = SLOTS - 1
_KEPT_BYTES = 512_000_000
_SECONDS = 120.0
_FILES_A_KEY = 3
_NOT_IN_NAMES = re.compile(r"[^0-9A-Za-z]+")

_warm: set[tuple[int, str]] = set()
_lock = threading.Lock()
"""Between reading a beginning and saving it, nobody else may use the slot."""


def file_name(model_path: Path, messages: Sequence[Mapping[str, str]], key: str | None = None) -> str:
    """The name under which the beginning of a prompt is kept: whose it is (an avatar's id), then a hash that differs by
    model and by every letter.
    """
    asked = json.dumps([model_path.name, model_path.stat().st_size, [dict(m) for m in messages]])
    return f"{_whose(key)}-{hashlib.sha256(asked.encode()).hexdigest()[:40]}.kv"


def _whose(key: str | None) -> str:
    return _NOT_IN_NAMES.sub("", key or "")[:40] or "all"


def _post(client: httpx.Client, path: str, body: Mapping[str, object]) -> bool:
    return client.post(path, json=body).status_code == 200


def _set_aside(client: httpx.Client) -> None:
    """Moves what the slot holds to the prompt cache in memory: restoring over it would throw it away."""
    _post(client, "/completion", {"prompt": ".", "n_predict": 0, "id_slot": _SLOT})


def _compute(client: httpx.Client, messages: Sequence[Mapping[str, str]], name: str) -> None:
    body = {"messages": [dict(m) for m in messages], "max_tokens": 0, "id_slot": _SLOT}
    if _post(client, "/v1/chat/completions", body):
        _post(client, f"/slots/{_SLOT}?action=save", {"filename": name})


def _forget_oldest(folder: Path) -> None:
    """Keeps the files that were used last: a few of each avatar, and up to a fixed size of all."""
    total, of = 0, Counter[str]()
    for file in sorted(folder.glob("*.kv"), key=lambda f: f.stat().st_mtime, reverse=True):
        whose = file.name.partition("-")[0]
        total += file.stat().st_size
        of[whose] += 1
        if total > _KEPT_BYTES or (of[whose] > _FILES_A_KEY and whose != _whose(None)):
            file.unlink(missing_ok=True)


def _load(client: httpx.Client, messages: Sequence[Mapping[str, str]], file: Path) -> bool:
    """Fills the slot from the file, or else fills the file from the slot; True if the file was enough."""
    _set_aside(client)
    if file.exists() and _post(client, f"/slots/{_SLOT}?action=restore", {"filename": file.name}):
        file.touch()
        return True
    _compute(client, messages, file.name)
    return False


def keep(server: FoundServer, messages: Sequence[Mapping[str, str]], key: str | None = None) -> bool:
    """Has the model ready for prompts that begin with these messages; True if that was cheap. `key` says whose they are

    The first time it costs what reading them costs, after that some 0.1 CPU seconds for each start of the
    server. Nothing personal belongs in them, for they stay on disk. A server that fails is left to the turn.
    """
    name = file_name(server.model_path, messages, key)
    with _lock:
        cheap = (server.pid, name) in _warm or _keep(server, messages, name)
    telemetry.count("cache.hits" if cheap else "cache.misses", cache="prefix")
    return cheap


def _keep(server: FoundServer, messages: Sequence[Mapping[str, str]], name: str) -> bool:
    import httpx

    headers = {"authorization": f"Bearer {server.api_key}"}
    root = server.url.removesuffix("/v1")
    try:
        with httpx.Client(base_url=root, headers=headers, timeout=_SECONDS, trust_env=False) as client:
            cheap = _load(client, messages, server.prefixes / name)
    except httpx.HTTPError:
        return False
    _forget_oldest(server.prefixes)
    _warm.add((server.pid, name))
    return cheap

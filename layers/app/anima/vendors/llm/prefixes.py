"""Beginnings of prompts that are kept as files, so that a persona is read by the local model only once.

The folder is where the server takes them from and puts them; who keeps them for long takes them over from there.
"""

from __future__ import annotations

import hashlib
import json
import re
import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from anima.kernel import telemetry
from anima.vendors.llm.local_server import SLOTS

if TYPE_CHECKING:
    import httpx

    from anima.vendors.llm.local_found import FoundServer

MOST_BYTES = 512_000_000
"""So much lies in the folder; the files whose use is the longest ago go first."""
_SLOT = SLOTS - 1
_SECONDS = 120.0
_FILES_A_KEY = 3
_OF_AVATAR = re.compile(r"([0-9a-f]{32})-([0-9a-f]{64})\.kv")
_NOT_IN_NAMES = re.compile(r"[^0-9A-Za-z]+")
_TAKEN = ".taken"

_warm: set[tuple[int, str]] = set()
_uses: Counter[str] = Counter()
"""How often what was kept under a name was used since somebody asked."""
_refused: set[str] = set()
"""Files that the server did not take."""
_lock = threading.Lock()
"""Between reading a beginning and saving it, nobody else may use the slot."""


def file_name(model_path: Path, messages: Sequence[Mapping[str, str]], key: str | None = None) -> str:
    """The name under which the beginning of a prompt is kept: whose it is (an avatar's id), then a hash that differs by
    model and by every letter.
    """
    asked = json.dumps([model_path.name, model_path.stat().st_size, [dict(m) for m in messages]])
    return f"{_whose(key)}-{hashlib.sha256(asked.encode()).hexdigest()}.kv"


@dataclass(frozen=True, slots=True)
class Beginning:
    """A kept beginning of an avatar's prompts: whose it is, and the hash of what it was made from."""

    avatar_id: uuid.UUID
    prompt_hash: bytes

    @property
    def name(self) -> str:
        """The name of its file."""
        return f"{self.avatar_id.hex}-{self.prompt_hash.hex()}.kv"


def beginning(name: str) -> Beginning | None:
    """What a file is, by its name; nothing for one that is no avatar's."""
    found = _OF_AVATAR.fullmatch(name.removesuffix(_TAKEN))
    return found and Beginning(uuid.UUID(found[1]), bytes.fromhex(found[2]))


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
        if total > MOST_BYTES or (of[whose] > _FILES_A_KEY and whose != _whose(None)):
            file.unlink(missing_ok=True)


def _load(client: httpx.Client, messages: Sequence[Mapping[str, str]], file: Path) -> bool:
    """Fills the slot from the file, or else fills the file from the slot; True if the file was enough."""
    _set_aside(client)
    if file.exists():
        if _post(client, f"/slots/{_SLOT}?action=restore", {"filename": file.name}):
            file.touch()
            return True
        _refused.add(file.name)
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
        _uses[name] += cheap
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


@dataclass(frozen=True, slots=True)
class Handed:
    """What there is of an avatar's beginnings: files for whoever takes them over (and deletes them then), names that
    the server did not take, and how often each was used since the last time.
    """

    files: Mapping[Beginning, Path]
    refused: frozenset[Beginning]
    uses: Mapping[Beginning, int]


def hand_over(folder: Path, avatar_id: uuid.UUID) -> Handed:
    """Hands over an avatar's beginnings: no file that the server writes at this moment, and each use once."""
    with _lock:
        for file in folder.glob(f"{avatar_id.hex}-*.kv"):
            file.replace(file.with_name(file.name + _TAKEN))
        files = {one: file for file in folder.glob(f"{avatar_id.hex}-*{_TAKEN}") if (one := beginning(file.name))}
        mine = [name for name in {*_uses, *_refused} if name.startswith(f"{avatar_id.hex}-")]
        uses = {one: n for name in mine if (one := beginning(name)) and (n := _uses.pop(name, 0))}
        refused = frozenset(one for name in mine if name in _refused and (one := beginning(name)))
        _refused.difference_update(mine)
    return Handed(files, refused, uses)


def bring(folder: Path, one: Beginning, fill: Callable[[Callable[[memoryview], object]], bool]) -> bool:
    """Puts a beginning where the server finds it, whole or not at all: `fill` gets what writes, and says whether that
    was all.
    """
    draft = folder / f".{one.name}"
    try:
        draft.touch(mode=0o600)
        with draft.open("wb") as file:
            whole = fill(file.write)
        if whole:
            draft.replace(folder / one.name)
        return whole
    finally:
        draft.unlink(missing_ok=True)


def there(folder: Path) -> list[tuple[Beginning, Path]]:
    """The avatars' beginnings that lie in the folder, and what is left of bringing and of handing them over."""
    return [(one, file) for file in folder.glob("*.kv*") if (one := beginning(file.name.removeprefix(".")))]


def remove(folder: Path, avatar_id: uuid.UUID) -> None:
    """Removes the files of an avatar."""
    for file in folder.glob(f"{avatar_id.hex}-*"):
        file.unlink(missing_ok=True)


def age_seconds(file: Path) -> float:
    """How long ago a file was used; 0 for one that is gone."""
    try:
        return time.time() - file.stat().st_mtime
    except FileNotFoundError:
        return 0.0

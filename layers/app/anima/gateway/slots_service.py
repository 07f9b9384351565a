"""What the local server read of an avatar's persona, between the server's folder and the store that keeps it.

Nothing of it is in a turn's way: files are taken over after turns, and put back before the server is asked anything.
"""

from __future__ import annotations

import mmap
import uuid
from functools import partial
from pathlib import Path

from anima.inference import slots_service as slots
from anima.inference.slots_service import Kept, Slot
from anima.kernel import db, telemetry
from anima.kernel.config import settings
from anima.kernel.errors import AnimaError
from anima.vendors.llm import prefixes
from anima.vendors.llm.local_found import PREFIXES, FoundServer

_UNCLAIMED_SECONDS = 86_400.0
"""A file that nobody took over for so long, as one of an avatar that is gone, or is only talked to in private."""


def take_over(owner: db.Principal, avatar_id: uuid.UUID) -> int:
    """Keeps what the server has put in its folder for an avatar, and counts what was used; answers how many are new.

    Called after turns that are not private, and costs a look at a folder where there is nothing. `owner` acts through
    the worker's login. What fails is left to the next time.
    """
    folder = _folder()
    model = _model() if folder.is_dir() else None
    if model is None:
        return 0
    try:
        handed = prefixes.hand_over(folder, avatar_id)
        return _entered(owner, model, handed) if handed.files or handed.uses or handed.refused else 0
    except (AnimaError, OSError) as error:
        telemetry.error("slots.take_over", error)
        return 0


def bring_back(server: FoundServer) -> int:
    """Puts what is kept for the server's model into its folder; answers how many files. What fails is left out."""
    folder = server.prefixes
    try:
        mine = [(owner, one) for owner in slots.owners() for one in slots.kept(owner)]
        _sweep(folder, {_beginning(one) for _, one in mine})
        return _bring(folder, [(owner, one) for owner, one in mine if one.model == server.model_path.name])
    except (AnimaError, OSError) as error:
        telemetry.error("slots.bring_back", error)
        return 0


def sweep() -> int:
    """Removes files of avatars that are gone, or that nobody took over; answers how many."""
    folder = _folder()
    if not folder.is_dir():
        return 0
    return _sweep(folder, {_beginning(one) for owner in slots.owners() for one in slots.kept(owner)})


def forget(tx: db.Transaction, owner_id: int, avatar_id: uuid.UUID) -> None:
    """Forgets an avatar that is about to go: what is kept in the transaction, and its files after it."""
    slots.forget(tx, owner_id, avatar_id)
    tx.after_commit(partial(prefixes.remove, _folder(), avatar_id))


def _folder() -> Path:
    return settings().data_dir / "run" / PREFIXES


def _model() -> str | None:
    """The name of the file of the model that runs, or ran last, here."""
    found = FoundServer.announced(settings().data_dir / "run")
    return None if found is None else found.model_path.name


def _beginning(one: Kept) -> prefixes.Beginning:
    return prefixes.Beginning(one.avatar_id, one.prompt_hash)


def _entered(owner: db.Principal, model: str, handed: prefixes.Handed) -> int:
    known = {_beginning(one): one for one in slots.kept(owner) if one.model == model}
    for beginning in handed.refused & known.keys():
        slots.drop(owner, known.pop(beginning))
    new = 0
    for beginning, file in handed.files.items():
        if beginning not in known:
            new += _kept(owner, Slot(beginning.avatar_id, beginning.prompt_hash, model), file)
        file.unlink(missing_ok=True)
    if uses := {known[one].kv_id: n for one, n in handed.uses.items() if one in known}:
        slots.used(owner, uses)
    return new


def _kept(owner: db.Principal, slot: Slot, file: Path) -> bool:
    if file.stat().st_size == 0:
        return False
    with file.open("rb") as opened, mmap.mmap(opened.fileno(), 0, access=mmap.ACCESS_READ) as data:
        return slots.keep(owner, slot, data)


def _bring(folder: Path, wanted: list[tuple[db.Principal, Kept]]) -> int:
    """Brings the last used first, as much as the folder is to hold."""
    brought, room = 0, prefixes.MOST_BYTES
    there = {one for one, file in prefixes.there(folder) if file.name == one.name}
    for owner, one in sorted(wanted, key=lambda each: each[1].used_at, reverse=True):
        room -= one.n_bytes
        if room < 0 or _beginning(one) in there:
            continue
        brought += prefixes.bring(folder, _beginning(one), partial(slots.written, owner, one))
    return brought


def _sweep(folder: Path, alive: set[prefixes.Beginning]) -> int:
    gone = [
        file
        for one, file in prefixes.there(folder)
        if (one not in alive or file.name != one.name) and prefixes.age_seconds(file) > _UNCLAIMED_SECONDS
    ]
    for file in gone:
        file.unlink(missing_ok=True)
    return len(gone)

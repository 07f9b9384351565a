"""The end of an account: closed at once and for good, and gone when all that was kept of it is."""

from __future__ import annotations

from anima.identity import closing_repo as repo
from anima.identity import service
from anima.kernel import db, outbox, telemetry
from anima.kernel.errors import Conflict
from anima.vendors.blobs import blobs
from anima.vendors.cache import cache
from anima.vendors.packs import packs

CLOSED = "account.closed"
_NOBODY = db.Principal(user_id=None, login="worker")
_FOLDERS = ("documents/{id}", "parsed/{id}", "uploads/{id}", "transcripts/{id}", "{id}")
"""Whatever is kept of somebody's files has a key that begins so."""


class LastAdmin(Conflict):
    """Nobody else could run this place: make somebody else an admin first."""

    slug = "last-admin"


def close(principal: db.Principal, password: str) -> None:
    """Closes the account of the caller, for good: in one transaction every key, sign-in and link of theirs ends, their
    name is free, and an event erases the rest. Raises WrongCredentials, TooManyAttempts, LastAdmin.
    """
    user_id = service.confirm(principal, password)
    with db.transaction(principal) as tx:
        if repo.close(tx).one().outcome == "last admin":
            raise LastAdmin
        queue(tx, user_id)
    telemetry.info("account.closed")


def queue(tx: db.Transaction, user_id: int) -> None:
    """Has a closed account erased."""
    outbox.emit(tx, CLOSED, f"account:{user_id}", user_id, {"tries": 0})


def erase(owner: db.Principal) -> bool:
    """Removes the account itself, with every row that is left of it; False for one that was never closed."""
    with db.transaction(owner) as tx:
        erased = repo.erase(tx)
    return erased.one().erased


def sweep(user_id: int) -> bool:
    """Removes all files of somebody, the packs of their tensors, and what is cached of them; False where the shared
    cache could not be asked.
    """
    for folder in _FOLDERS:
        blobs().delete_all(folder.format(id=user_id))
    packs().delete_owner(user_id)
    return cache().forget(user_id)


def look_again() -> int:
    """Has accounts erased whose erasing was cut off, and looks once more for what came in late of those that are gone.

    Answers how many there were. To be called now and then.
    """
    with db.transaction(_NOBODY) as tx:
        unfinished, settled = repo.unfinished(tx), repo.settled(tx)
    for one in unfinished.all():
        with db.transaction(db.Principal(one.subject_id, login="worker")) as tx:
            queue(tx, one.subject_id)
    for one in settled.all():
        if sweep(one.subject_id):
            with db.transaction(_NOBODY) as tx:
                repo.forget(tx, one.subject_id)
    return len(unfinished.all()) + len(settled.all())

"""Calls that may come twice: the answer to the first is kept in its own transaction, and given again."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from anima.kernel import connections, db
from anima.kernel.errors import BadInput, Conflict, FieldError

KEPT = timedelta(days=1)


class KeyReused(Conflict):
    """This Idempotency-Key was used for another call; take a new one for a new call."""

    slug = "idempotency-key-reused"


class StillRunning(Conflict):
    """The first call with this Idempotency-Key is still being answered; ask again later."""

    slug = "still-running"


@dataclass(frozen=True, slots=True)
class Key:
    """The caller's key for one call, and a hash of what was asked."""

    key: str
    fingerprint: bytes


@dataclass(frozen=True, slots=True)
class Entry:
    """What is kept of an earlier call with the same key, and whether it is this one."""

    fresh: bool
    fingerprint: bytes
    state: str
    response: Any
    expired: bool


@dataclass(frozen=True, slots=True)
class Renewed:
    """A key whose call was taken over."""

    key: str


ENTER = db.Query(
    Entry,
    """
    with entered as (
        insert into idempotency_keys (owner_id, key, fingerprint, response, expires_at)
        values (%(owner_id)s, %(key)s, %(fingerprint)s, %(entered_by)s, now() + %(lease)s)
        on conflict do nothing
        returning fingerprint, state, response
    )
    select true as fresh, fingerprint, state, response, false as expired from entered
    union all
    select false, k.fingerprint, k.state, k.response, k.expires_at <= now()
    from idempotency_keys k
    where k.owner_id = %(owner_id)s and k.key = %(key)s and not exists (select from entered)
    """,
)

# Of several calls that find the same key expired, one takes it over.
RENEW = db.Query(
    Renewed,
    """
    update idempotency_keys
    set fingerprint = %(fingerprint)s, state = 'running', response = null, expires_at = now() + %(lease)s
    where owner_id = %(owner_id)s and key = %(key)s and expires_at <= now()
    returning key
    """,
)

FINISH = db.Command(
    """
    update idempotency_keys
    set state = 'done', response = %(response)s, expires_at = now() + %(kept)s
    where owner_id = %(owner_id)s and key = %(key)s
    """
)

LAPSE = db.Command(
    """
    update idempotency_keys set expires_at = now()
    where owner_id = %(owner_id)s and key = %(key)s and state = 'running'
    """
)

FORGET = db.Command(
    """
    delete from idempotency_keys where owner_id = %(owner_id)s and key = %(key)s and state = 'running'
    """
)


FORGET_SEALED = db.Command("delete from idempotency_keys where owner_id = %(owner_id)s and response ? 'sealed'")


def read_key(value: str | None, operation: str, body: object) -> Key | None:
    """The Idempotency-Key header with a hash of operation and body; nothing without a header."""
    if value is None:
        return None
    if not 1 <= len(value) <= 255:
        wrong = FieldError("Idempotency-Key", "1 to 255 characters")
        raise BadInput(reason="the Idempotency-Key is too long or empty", fields=[wrong])
    canonical = json.dumps([operation, body], sort_keys=True, default=str)
    return Key(value, hashlib.sha256(canonical.encode()).digest())


def enter(
    tx: db.Transaction, owner_id: int, key: Key | None, lease: timedelta = timedelta(minutes=5)
) -> db.Pending[Entry] | None:
    """Enters a call under its key, as part of the running transaction. `settled` reads what came of it."""
    if key is None:
        return None
    by = db.jsonb({"request": connections.request()})
    return tx.fetch(ENTER, owner_id=owner_id, key=key.key, fingerprint=key.fingerprint, entered_by=by, lease=lease)


def settled(
    tx: db.Transaction,
    owner_id: int,
    key: Key | None,
    entered: db.Pending[Entry] | None,
    lease: timedelta = timedelta(minutes=5),
) -> Any | None:
    """The answer that an earlier call with this key got, or nothing if this call has to do the work.

    Raises KeyReused when the key stood for another call, StillRunning while the first one works.
    """
    if key is None or entered is None:
        return None
    entry = entered.first()
    if entry is None:  # the twin committed between our insert and our look
        raise StillRunning(retry_after=1)
    if entry.fresh:
        return None
    if entry.expired:
        renewed = tx.fetch(RENEW, owner_id=owner_id, key=key.key, fingerprint=key.fingerprint, lease=lease)
        if renewed.first() is None:
            raise StillRunning(retry_after=1)
        return None
    if entry.fingerprint != key.fingerprint:
        raise KeyReused
    if entry.state == "running":
        if entry.response and entry.response.get("request") == (connections.request() or ""):
            return None  # our own first try, whose connection was cut when it had come through
        raise StillRunning(retry_after=2)
    return entry.response


def finish(tx: db.Transaction, owner_id: int, key: Key | None, response: Any) -> None:
    """Keeps the answer (JSON) for a day, as part of the running transaction."""
    if key is not None:
        tx.execute(FINISH, owner_id=owner_id, key=key.key, response=db.jsonb(response), kept=KEPT)


def forget(tx: db.Transaction, owner_id: int, key: Key | None) -> None:
    """Frees the key of a call that failed, so that it may be tried again."""
    if key is not None:
        tx.execute(FORGET, owner_id=owner_id, key=key.key)


def lapse(tx: db.Transaction, owner_id: int, key: Key | None) -> None:
    """Lets a call that failed be tried again at once, by what it noted (`noted`)."""
    if key is not None:
        tx.execute(LAPSE, owner_id=owner_id, key=key.key)


def noted(key: Key | None, entered: db.Pending[Entry] | None) -> Any | None:
    """What an earlier try of the same call wrote down before it failed or was cut; look before `settled`."""
    entry = entered.first() if entered is not None else None
    if key is None or entry is None or not entry.expired or entry.state != "running":
        return None
    return entry.response if entry.fingerprint == key.fingerprint else None


def forget_sealed(tx: db.Transaction, owner_id: int) -> None:
    """Drops every answer that is kept whole: it may tell of what is being deleted. What was done is done again then."""
    tx.execute(FORGET_SEALED, owner_id=owner_id)

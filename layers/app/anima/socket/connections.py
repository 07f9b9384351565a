"""The connections of a deployed WebSocket API, as they are kept: whose they are, and what they take part in.

The gateway names a connection in every event, and nobody else can: the name is as good as the credential that it was
opened with, for as long as that holds.
"""

from __future__ import annotations

from datetime import timedelta

from anima.kernel import auth, clock, db
from anima.socket import repo
from anima.socket.errors import TooManyConnections
from anima.socket.joined import Joined
from anima.socket.repo import Caller, Listening

LONGEST = timedelta(hours=2, minutes=10)
"""After two hours the gateway ends every connection."""
MOST = 64
"""Of one person."""


def opened(principal: db.Principal, connection_id: str, credential: str) -> None:
    """Keeps a connection. Raises TooManyConnections."""
    owner_id = _owner(principal)
    until = clock.now() + LONGEST
    expires_at = auth.expires_at(credential)
    family_id = auth.family(credential)
    with db.transaction(principal) as tx:
        entered = repo.opened(
            tx,
            owner_id,
            connection_id,
            key_secret=auth.hash_api_key(credential) if family_id is None else None,
            family_id=family_id,
            expires_at=until if expires_at is None else min(until, expires_at),
            longest=LONGEST,
        )
        if entered.one().others >= MOST:
            raise TooManyConnections(limit=MOST)


def caller(connection_id: str) -> Caller | None:
    """Whose connection it is; nothing for one that is not kept."""
    with db.transaction(auth.NOBODY) as tx:
        found = repo.caller(tx, connection_id)
    return found.first()


def closed(connection_id: str) -> None:
    """Forgets a connection."""
    with db.transaction(auth.NOBODY) as tx:
        repo.closed(tx, connection_id)


def joined(principal: db.Principal, connection_id: str, where: Joined, after: int | None) -> None:
    """Notes in which session it takes part."""
    with db.transaction(principal) as tx:
        repo.joined(tx, _owner(principal), connection_id, where.session_id, where.avatar_id, after)


def left(principal: db.Principal, connection_id: str) -> None:
    """Notes that it takes part in none; the answer that it was given ends."""
    with db.transaction(principal) as tx:
        repo.left(tx, _owner(principal), connection_id)


def stopped(principal: db.Principal, connection_id: str) -> None:
    """Has the answer end that is being given, wherever that happens."""
    with db.transaction(principal) as tx:
        repo.stopped(tx, _owner(principal), connection_id)


def listening(principal: db.Principal, session_id: int) -> list[Listening]:
    """The connections that take part in a session."""
    with db.transaction(principal) as tx:
        found = repo.listening(tx, _owner(principal), session_id)
    return found.all()


def _owner(principal: db.Principal) -> int:
    assert principal.user_id is not None, "a connection is somebody's"
    return principal.user_id

"""Who of those who run the place did what: rows that are only ever added, under the operators' login."""

from __future__ import annotations

from collections.abc import Mapping

from anima.kernel import clock, db

NOTE = db.Command(
    """
    insert into audit_log (at, actor_id, action, subject, detail)
    values (%(at)s, %(actor_id)s, %(action)s, %(subject)s, %(detail)s)
    """
)


def note(
    tx: db.Transaction, principal: db.Principal, action: str, *, subject: str = "", detail: Mapping[str, object]
) -> None:
    """Writes down that somebody did something, in the transaction in which it is done; `tx` is the operators'."""
    params = {"actor_id": principal.user_id, "action": action, "subject": subject, "detail": db.jsonb(dict(detail))}
    tx.execute(NOTE, at=clock.now(), **params)

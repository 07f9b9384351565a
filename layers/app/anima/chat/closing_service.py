"""How turns end: told to those who go on from them; or without an answer, closed so that their key is free.

What fails in closing one is closed later, by its time.
"""

from __future__ import annotations

from collections.abc import Callable

from anima.chat import repo
from anima.chat.said import Said
from anima.chat.scene import Scene, Turn
from anima.gateway import experiments_service as experiments
from anima.gateway import service as gateway
from anima.kernel import db, idempotency, outbox, telemetry
from anima.kernel.errors import AnimaError


def settle_key(tx: db.Transaction, scene: Scene, said: Said) -> None:
    """The key stands for this answer; that of a turn whose caller left may be used again for a whole one."""
    if said.finish == "stopped":
        idempotency.lapse(tx, scene.turn.owner_id, scene.turn.key)
    else:
        idempotency.finish(tx, scene.turn.owner_id, scene.turn.key, {"request_id": scene.request_id})


def note_spend(tx: db.Transaction, scene: Scene, said: Said) -> None:
    """Counts what each model took, in the order of their names, for each holds a row until the transaction ends; last
    in it, and of a private session for nobody's avatar.
    """
    avatar = scene.context.avatar
    whose = avatar.avatar_id if avatar and not scene.context.session.private else None
    for by, used in sorted(said.to_note().items()):
        gateway.note_spend(tx, scene.turn.owner_id, whose, by, used, "turn")


def announce(tx: db.Transaction, scene: Scene) -> None:
    """What follows a turn is done later, by whoever is told of it; of a private one nobody is told."""
    avatar = scene.context.avatar
    if avatar is None or scene.context.session.private:
        return
    payload = {
        "session_id": scene.session_id,
        "request_id": scene.request_id,
        "message_id": scene.message_id,
        "avatar_id": str(avatar.avatar_id),
        **({"edits": scene.turn.request.edits} if scene.turn.request.edits else {}),
        **({"again": True} if scene.turn.again else {}),
        **({"experiment": scene.variant.exp_id} if scene.variant else {}),
    }
    outbox.emit(tx, "turn.finished", f"avatar:{avatar.avatar_id}", scene.turn.owner_id, payload)


def give_up(turn: Turn) -> None:
    """A commit that was cut may have come through: nobody goes on with that turn, so it is closed and its key free."""
    try:
        with db.transaction(turn.principal) as tx:
            repo.closed_cut(tx, turn.owner_id, turn_id=turn.turn_id)
    except Exception as second:  # it is closed later, by its time
        telemetry.error("turn.give_up", second)


_looked_after: list[Callable[[db.Principal, int], object]] = []


def after_failure(look: Callable[[db.Principal, int], object]) -> None:
    """Says who looks after an experiment in which a turn failed; whoever composes the app does."""
    _looked_after[:] = [look]


def close(scene: Scene, said: Said, state: str, error: Exception | None) -> None:
    """Closes a turn that has no answer, and frees its key."""
    told = {"slug": "interrupted"} if error is None else {"slug": "internal", "detail": type(error).__name__}
    if isinstance(error, AnimaError):
        told = {"slug": error.slug, "detail": error.detail}
    turn = scene.turn
    try:
        with db.transaction(turn.principal) as tx:
            sent = said.sent() if said.prompt else None
            repo.close_request(tx, turn.owner_id, scene.request_id, state, told, sent)
            idempotency.lapse(tx, turn.owner_id, turn.key)
            failed = scene.variant if state == "failed" else None
            if failed:
                experiments.failed(tx, turn.owner_id, failed)
            if said.prompt:
                note_spend(tx, scene, said)
        if failed:
            for look in _looked_after:
                look(turn.principal, failed.exp_id)
    except Exception as second:
        telemetry.error("turn.close", second, turn=scene.request_id)

"""How turns end: told to those who go on from them; or without an answer, closed so that their key is free.

What fails in closing one is closed later, by its time.
"""

from __future__ import annotations

from anima.chat import repo
from anima.chat.scene import Said, Scene, Turn
from anima.kernel import db, idempotency, outbox, telemetry
from anima.kernel.errors import AnimaError


def settle_key(tx: db.Transaction, scene: Scene, said: Said) -> None:
    """The key stands for this answer; that of a turn whose caller left may be used again for a whole one."""
    if said.finish == "stopped":
        idempotency.lapse(tx, scene.turn.owner_id, scene.turn.key)
    else:
        idempotency.finish(tx, scene.turn.owner_id, scene.turn.key, {"request_id": scene.request_id})


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
    }
    outbox.emit(tx, "turn.finished", f"avatar:{avatar.avatar_id}", scene.turn.owner_id, payload)


def give_up(turn: Turn) -> None:
    """A commit that was cut may have come through: nobody goes on with that turn, so it is closed and its key free."""
    try:
        with db.transaction(turn.principal) as tx:
            repo.closed_cut(tx, turn.owner_id, turn_id=turn.turn_id)
    except Exception as second:  # it is closed later, by its time
        telemetry.error("turn.give_up", second)


def close(scene: Scene, said: Said, state: str, error: Exception | None) -> None:
    """Closes a turn that has no answer, and frees its key."""
    told = {"slug": "interrupted"} if error is None else {"slug": "internal", "detail": type(error).__name__}
    if isinstance(error, AnimaError):
        told = {"slug": error.slug, "detail": error.detail}
    turn = scene.turn
    try:
        with db.transaction(turn.principal) as tx:
            sent = said.prompt.messages if said.prompt else None
            repo.close_request(tx, turn.owner_id, scene.request_id, state, told, sent)
            idempotency.lapse(tx, turn.owner_id, turn.key)
    except Exception as second:
        telemetry.error("turn.close", second, turn=scene.request_id)

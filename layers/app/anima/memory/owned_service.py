"""What all that is remembered has in common: it is of an owner and an avatar of theirs, and comes in pages."""

from __future__ import annotations

import uuid

from anima.kernel import db, pages
from anima.kernel.errors import BadInput, Conflict, FieldError, NotFound
from anima.memory import index_repo
from anima.memory.index_repo import Known
from anima.vendors import embeddings


class AvatarNotFound(NotFound):
    """There is no avatar {id} of yours."""

    slug = "avatar-not-found"


class ChangedMeanwhile(Conflict):
    """It was changed by somebody else meanwhile; look at it again."""

    slug = "changed-meanwhile"


def owner(principal: db.Principal) -> int:
    """Who owns what is remembered."""
    if principal.user_id is None:
        raise LookupError("memory belongs to a user")
    return principal.user_id


def existing(known: db.Pending[Known], avatar_id: uuid.UUID) -> Known:
    """The avatar. Raises AvatarNotFound."""
    found = known.first()
    if found is None:
        raise AvatarNotFound(id=avatar_id)
    return found


def before(cursor: str | None) -> uuid.UUID | None:
    """Where a page begins. Raises BadInput."""
    position = pages.decode(cursor, 1)
    try:
        return None if position is None else uuid.UUID(str(position[0]))
    except ValueError:
        wrong = FieldError("cursor", "take it from next_cursor of a page")
        raise BadInput(reason="unknown cursor", fields=[wrong]) from None


def pattern(q: str | None) -> str | None:
    """A text as a pattern that finds it anywhere, in which no sign stands for anything else."""
    if q is None:
        return None
    literal = q.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return f"%{literal}%"


def embedded(principal: db.Principal, texts: list[str]) -> tuple[list[list[float]], str]:
    """The vectors of texts by the model that serves, and its name: this process may never have searched by it."""
    with db.transaction(principal) as tx:
        serving = index_repo.serving(tx).first()
    embedder = embeddings.embedder(serving.name if serving else None)
    vectors: list[list[float]] = embedder.embed(texts).tolist() if texts else []
    return vectors, embedder.name

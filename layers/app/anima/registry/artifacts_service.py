"""The files behind entries of the LLM catalogue, and the one that is used: for admins."""

from __future__ import annotations

import re
from dataclasses import replace

from anima.kernel import clock, db, pages
from anima.kernel.errors import BadInput, FieldError, Forbidden, NotFound
from anima.kernel.pages import Page
from anima.registry import artifacts_repo
from anima.registry.model import Artifact

__all__ = ["Artifact", "add_artifact", "artifacts", "remove_artifact", "set_default"]

_URI = re.compile(r"[a-z][a-z0-9+.-]*://\S+")
_CHECKSUM = re.compile(r"(sha256|blake3):[0-9a-f]{64}")


def _admin(principal: db.Principal) -> db.Principal:
    if "admin" not in principal.roles and principal.login != "admin":
        raise Forbidden(reason="only an admin names the files of language models")
    return replace(principal, login="admin")


def _known(tx: db.Transaction, llm_model_id: int) -> None:
    if artifacts_repo.entry(tx, llm_model_id).first() is None:
        raise NotFound(what="language model", id=llm_model_id)


def artifacts(principal: db.Principal, llm_model_id: int, cursor: str | None = None, limit: int = 50) -> Page[Artifact]:
    """The files of an entry of the catalogue, newest first. Raises Forbidden, NotFound, BadInput."""
    last = pages.number(cursor)
    with db.transaction(_admin(principal)) as tx:
        _known(tx, llm_model_id)
        rows = artifacts_repo.artifacts(tx, llm_model_id, 2**63 - 1 if last is None else last, limit + 1)
    return pages.page(rows.all(), limit, lambda row: [row.artifact_id])


def add_artifact(
    principal: db.Principal, llm_model_id: int, uri: str, checksum: str, *, default: bool = False
) -> Artifact:
    """Names a file of an entry, by its address and digest; the same again is the same. Raises Forbidden, NotFound,
    BadInput.
    """
    if not _URI.fullmatch(uri) or len(uri) > 2000:
        raise BadInput(reason="this is no address", fields=[FieldError("uri", "s3://…, https://… or file://…")])
    if not _CHECKSUM.fullmatch(checksum):
        accepted = "sha256: or blake3: and 64 hexadecimal digits"
        raise BadInput(reason="this is no digest", fields=[FieldError("checksum", accepted)])
    with db.transaction(_admin(principal)) as tx:
        _known(tx, llm_model_id)
        added = artifacts_repo.add(tx, llm_model_id, uri, checksum, clock.now()).one()
        if default:
            artifacts_repo.set_default(tx, llm_model_id, added.id)
        found = artifacts_repo.artifact(tx, llm_model_id, added.id)
    return found.one()


def set_default(principal: db.Principal, llm_model_id: int, artifact_id: int) -> Artifact:
    """Makes a file the one that is used. Raises Forbidden, NotFound."""
    with db.transaction(_admin(principal)) as tx:
        artifacts_repo.set_default(tx, llm_model_id, artifact_id)
        found = artifacts_repo.artifact(tx, llm_model_id, artifact_id)
    row = found.first()
    if row is None:
        raise NotFound(what="file of this language model", id=artifact_id)
    return row


def remove_artifact(principal: db.Principal, llm_model_id: int, artifact_id: int) -> None:
    """Forgets a file; where it was the default, there is none. Raises Forbidden, NotFound."""
    with db.transaction(_admin(principal)) as tx:
        removed = artifacts_repo.remove(tx, llm_model_id, artifact_id)
    if removed.first() is None:
        raise NotFound(what="file of this language model", id=artifact_id)

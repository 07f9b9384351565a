"""Prompts that are kept in versions; admins write them, under the operators' login, with a line in the audit log."""

from __future__ import annotations

from anima.gateway import prompts_repo as repo
from anima.gateway.prompts_model import Prompt, diff
from anima.kernel import audit, auth, db, pages
from anima.kernel.errors import NotFound

_OPERATOR = db.Principal(user_id=None, login="admin")
_MOST_VERSION = 2**31 - 1


class PromptNotFound(NotFound):
    """There is no prompt {name} here, or no such version of it."""

    slug = "prompt-not-found"


def latest(principal: db.Principal, cursor: str | None = None, limit: int = 50) -> pages.Page[Prompt]:
    """The newest version of each prompt, by name. Raises Forbidden, BadInput for an unknown cursor."""
    auth.require(principal, "admin")
    after = pages.name(cursor)
    with db.transaction(_OPERATOR) as tx:
        found = repo.latest(tx, after, limit + 1)
    return pages.page(found.all(), limit, lambda one: [one.name])


def versions(principal: db.Principal, name: str, cursor: str | None = None, limit: int = 50) -> pages.Page[Prompt]:
    """The versions of a prompt, the newest first. Raises Forbidden, PromptNotFound, BadInput for an unknown cursor."""
    auth.require(principal, "admin")
    before = pages.number(cursor, most=_MOST_VERSION)
    with db.transaction(_OPERATOR) as tx:
        found = repo.versions(tx, name, before, limit + 1)
    if not found.all() and before is None:
        raise PromptNotFound(name=name)
    return pages.page(found.all(), limit, lambda one: [one.version])


def add(principal: db.Principal, name: str, content: str) -> Prompt:
    """The next version of a prompt; the newest one where that says the same already. Raises Forbidden."""
    auth.require(principal, "admin")
    with db.transaction(_OPERATOR) as tx:
        added = repo.add(tx, name, content, principal.user_id).one()
        audit.note(tx, principal, "prompts.add", subject=name, detail={"version": added.version})
    return added


def difference(principal: db.Principal, name: str, old: int, new: int) -> str:
    """What changed from one version to another, as a unified diff. Raises Forbidden, PromptNotFound."""
    auth.require(principal, "admin")
    with db.transaction(_OPERATOR) as tx:
        found = repo.chosen(tx, [(name, version) for version in {old, new}])
    by_version = {one.version: one for one in found.all()}
    if {old, new} - by_version.keys():
        raise PromptNotFound(name=name)
    return diff(by_version[old], by_version[new])

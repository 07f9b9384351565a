"""A person's style as they see it: shown, corrected, switched off, forgotten."""

from __future__ import annotations

from collections.abc import Mapping

from anima.kernel import clock, db
from anima.kernel.errors import BadInput, FieldError
from anima.style import model, own_repo
from anima.style.model import VALUES, Style
from anima.style.own_repo import Kept

__all__ = ["Style", "change", "forget", "forget_with", "show"]


class BadStyle(BadInput):
    """Style is not known so: {reason}."""

    slug = "bad-style"


def show(principal: db.Principal) -> Style:
    """How the caller writes, as far as it is known."""
    with db.transaction(principal) as tx:
        found = own_repo.kept(tx, _owner(principal))
    return _style(found.first())


def change(principal: db.Principal, enabled: bool | None, corrected: Mapping[str, str | None]) -> Style:
    """Follows the caller's style or not, and corrects traits; none gives one back. Raises BadStyle."""
    for trait, value in corrected.items():
        if trait not in VALUES:
            raise _bad(trait, f"one of {', '.join(VALUES)}")
        if value is not None and value not in VALUES[trait]:
            raise _bad(f"corrected.{trait}", f"one of {', '.join(VALUES[trait])}, or null")
    with db.transaction(principal) as tx:
        changed = own_repo.change(tx, _owner(principal), enabled, corrected, clock.now())
    return _style(changed.one())


def forget(principal: db.Principal) -> None:
    """Forgets what was measured and corrected; whether style is followed stays as it is."""
    with db.transaction(principal) as tx:
        forget_with(tx, _owner(principal))


def forget_with(tx: db.Transaction, owner_id: int) -> None:
    """The same, as part of erasing more."""
    own_repo.forget(tx, owner_id)


def _style(kept: Kept | None) -> Style:
    if kept is None:
        return Style(True, 0, {}, model.traits({}), {}, None)
    messages = kept.measured.get("messages", 0)
    return Style(kept.enabled, messages, kept.measured, model.traits(kept.measured), kept.corrected, kept.updated_at)


def _bad(path: str, wanted: str) -> BadStyle:
    return BadStyle(reason=f"{path} must be {wanted}", fields=[FieldError(path, wanted)])


def _owner(principal: db.Principal) -> int:
    assert principal.user_id is not None, "a style is somebody's"
    return principal.user_id

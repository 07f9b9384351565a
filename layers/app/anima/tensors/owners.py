"""Whose tensors these are."""

from __future__ import annotations

from anima.kernel import db
from anima.kernel.errors import Forbidden


def owner_of(principal: db.Principal) -> int:
    """The owner that a principal acts for. Raises Forbidden for nobody's."""
    if principal.user_id is None:
        raise Forbidden(reason="tensors belong to somebody")
    return principal.user_id

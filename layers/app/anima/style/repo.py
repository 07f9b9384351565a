"""SQL of style that a turn asks."""

from __future__ import annotations

from anima.kernel import db
from anima.style.model import StyleRow

STYLE = db.Query(
    StyleRow,
    "select enabled, measured, corrected from style_profiles where owner_id = %(owner_id)s",
)


def style(tx: db.Transaction, owner_id: int) -> db.Pending[StyleRow]:
    """How somebody writes; no row before the first message."""
    return tx.fetch(STYLE, owner_id=owner_id)

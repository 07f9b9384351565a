"""Which names a model can have: those that cannot be taken for an id or for a version of another."""

from __future__ import annotations

from anima.kernel.errors import BadInput, FieldError
from anima.registry.model import VERSIONED, named


def checked_name(name: str) -> str:
    """A name that a model can have. Raises BadInput."""
    good = 1 <= len(name) <= 200 and name.strip() == name and name.isprintable() and not _ends_like_a_version(name)
    if not good or _is_id(name):
        accepted = "1 to 200 printable characters; no id, and no @ with a number at its end"
        raise BadInput(reason="this name cannot be a model's", fields=[FieldError("name", accepted)])
    return name


def is_text(value: str) -> bool:
    """Whether a database keeps it as text: it has no zero characters, and no halves of characters."""
    return "\0" not in value and not any("\ud800" <= letter <= "\udfff" for letter in value)


def _ends_like_a_version(name: str) -> bool:
    return VERSIONED.fullmatch(name) is not None


def _is_id(name: str) -> bool:
    return named(name).model_id is not None

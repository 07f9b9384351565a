"""Settings that admins change while everything runs: typed keys, their defaults, every change in the audit log."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from anima.kernel import audit, auth, db, limits
from anima.kernel.errors import BadInput, FieldError
from anima.kernel.options import Option
from anima.operations import settings_repo
from anima.operations.settings_keys import OPTIONS

_OPERATOR = db.Principal(user_id=None, login="admin")


def all_of_them(principal: db.Principal) -> list[dict[str, Any]]:
    """Every setting with its value, its default, and what it accepts. Raises Forbidden."""
    auth.require(principal, "admin")
    return shown()


def shown() -> list[dict[str, Any]]:
    """The same, for whoever holds the operators' login."""
    with db.transaction(_OPERATOR) as tx:
        found = settings_repo.stored(tx, list(OPTIONS))
    stored = {one.key: one for one in found.all()}
    return [_shown(key, option, stored.get(key)) for key, option in OPTIONS.items()]


def change(principal: db.Principal, values: Mapping[str, object]) -> list[dict[str, Any]]:
    """Changes some settings, all or none; answers all. Raises Forbidden, BadInput (which names each wrong key)."""
    auth.require(principal, "admin")
    if wrong := [found for key, value in values.items() if (found := _wrong(key, value))]:
        raise BadInput(reason="; ".join(f"{one.path}: {one.message}" for one in wrong), fields=wrong)
    if values:
        with db.transaction(_OPERATOR) as tx:
            audit.note(tx, principal, "settings.change", detail=values)
            settings_repo.store(tx, values)
        limits.forget()
    return shown()


def _shown(key: str, option: Option, stored: settings_repo.Stored | None) -> dict[str, Any]:
    """A setting as it holds: what is stored and no value of it any more counts as not there."""
    usual = option.default()
    holds = stored is not None and option.wrong(stored.value) is None
    return {
        "key": key,
        "value": stored.value if stored is not None and holds else usual,
        "default": usual,
        "accepts": list(option.accepts),
        "description": option.description,
        "updated_at": stored.updated_at if stored is not None else None,
    }


def _wrong(key: str, value: object) -> FieldError | None:
    if key not in OPTIONS:
        return FieldError(f"values.{key}", f"a key of {', '.join(OPTIONS)}")
    told = OPTIONS[key].wrong(value)
    return FieldError(f"values.{key}", told) if told else None

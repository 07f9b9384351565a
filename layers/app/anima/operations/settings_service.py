"""Settings that admins change while everything runs: typed keys, their defaults, every change in the audit log."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from anima.kernel import audit, auth, db
from anima.kernel.errors import BadInput, FieldError
from anima.operations import settings_repo
from anima.safety import model as safety

_OPERATOR = db.Principal(user_id=None, login="admin")
_SAFETY = "safety."


def all_of_them(principal: db.Principal) -> list[dict[str, Any]]:
    """Every setting with its value, its default, and what it accepts. Raises Forbidden."""
    auth.require(principal, "admin")
    return shown()


def shown() -> list[dict[str, Any]]:
    """The same, for whoever holds the operators' login."""
    with db.transaction(_OPERATOR) as tx:
        found = settings_repo.stored(tx, [_SAFETY + key for key in safety.KEYS])
    stored = {one.key: one for one in found.all()}
    held = asdict(safety.Settings.of({key: one.value for key, one in stored.items()}))
    usual = asdict(safety.Settings())
    return [
        {
            "key": _SAFETY + key,
            "value": held[key],
            "default": usual[key],
            "accepts": _accepts(known),
            "description": known.description,
            "updated_at": stored[_SAFETY + key].updated_at if _SAFETY + key in stored else None,
        }
        for key, known in safety.KEYS.items()
    ]


def change(principal: db.Principal, values: Mapping[str, object]) -> list[dict[str, Any]]:
    """Changes some settings, all or none; answers all. Raises Forbidden, BadInput (which names each wrong key)."""
    auth.require(principal, "admin")
    if wrong := [found for key, value in values.items() if (found := _wrong(key, value))]:
        raise BadInput(reason="; ".join(f"{one.path}: {one.message}" for one in wrong), fields=wrong)
    if values:
        with db.transaction(_OPERATOR) as tx:
            audit.note(tx, principal, "settings.change", detail=values)
            settings_repo.store(tx, values)
    return shown()


def _wrong(key: str, value: object) -> FieldError | None:
    known = key.removeprefix(_SAFETY) if key.startswith(_SAFETY) else ""
    if known not in safety.KEYS:
        keys = ", ".join(_SAFETY + one for one in safety.KEYS)
        return FieldError(f"values.{key}", f"a key of {keys}")
    told = safety.wrong(known, value)
    return FieldError(f"values.{key}", told) if told else None


def _accepts(known: safety.Key) -> list[Any]:
    """The values, or the least and the most."""
    return [known.least, known.most] if known.most else list(known.values)

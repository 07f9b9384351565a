"""The card that a personality goes out as: loss-free for whatever was not changed since it came in.

What goes out is the original, with those fields new of which the personality says something else by now; what no
field of a card can say goes along under `extensions.anima`.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

from anima.personality import lorebooks
from anima.personality.card_fields import OURS, char_of, made, name_of, own, taken

_GROUPS = (("description", "personality"), ("system_prompt", "post_history_instructions"))
"""Fields of a card that one text of a personality is made of: changed, it goes into the first alone."""


def given(personality: Mapping[str, Any], form: str | None = None) -> dict[str, Any]:
    """The card of a personality, as it came in but for what was changed; `form` v2 or v3 (none: as it came)."""
    came, original = _original(personality.get("source", {}))
    form = form or ("v2" if came == "v1" else came)
    data = original if came == "v1" else original.get("data", {})
    before: dict[str, Any] = {}
    if original:
        whole = _whole(data, personality)
        before = made(taken(came, whole if came == "v1" else {**original, "data": whole})[0])
    _change(data, before, made(personality))
    _return_lorebook(data, personality)
    if more := _unsaid(personality, data):
        data["extensions"] = {**_object(data.get("extensions")), OURS: {"personality": more}}
    envelope = {} if came == "v1" else {name: value for name, value in original.items() if name != "data"}
    return _enveloped(envelope, data, form, came)


def _original(source: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    """Which version the card came as, and a copy of it; V3 and nothing where none came, or none that holds together."""
    card, came = source.get("card"), str(source.get("format", "")).removeprefix("chara_card_")
    if not isinstance(card, dict) or came not in ("v1", "v2", "v3"):
        return "v3", {}
    if not name_of(card if came == "v1" else _object(card.get("data"))):
        return "v3", {}
    return came, copy.deepcopy(card)


def _whole(data: Mapping[str, Any], personality: Mapping[str, Any]) -> dict[str, Any]:
    """The original's fields with the lorebook that it came with."""
    if "character_book" not in data:
        return dict(data)
    lorebook = personality.get("lorebook", {})
    original = lorebook.get("extensions", {}).get("original")
    return {
        **data,
        "character_book": original if isinstance(original, dict) else lorebooks.made({"entries": [], **lorebook}),
    }


def _change(data: dict[str, Any], before: Mapping[str, Any], now: Mapping[str, Any]) -> None:
    changed = {name for name, value in now.items() if name not in before or before[name] != value}
    for group in _GROUPS:
        if changed & set(group):
            changed |= set(group)
    data |= {name: now[name] for name in changed if name != "character_book"}


def _return_lorebook(data: dict[str, Any], personality: Mapping[str, Any]) -> None:
    if "lorebook" in personality:
        data["character_book"] = lorebooks.returned(personality["lorebook"], char_of(data))
    else:
        data.pop("character_book", None)


def _unsaid(personality: Mapping[str, Any], data: Mapping[str, Any]) -> dict[str, Any]:
    """What a card lacks of the personality that it was made of, always with who it is; nothing where it has all."""
    again, mine = own(taken("v3", {"data": data})[0]), own(personality)
    if again == mine:
        return {}
    return {name: value for name, value in mine.items() if name == "persona" or again.get(name) != value}


def _object(value: object) -> dict[str, Any]:
    return dict(value) if isinstance(value, dict) else {}


def _enveloped(envelope: dict[str, Any], data: dict[str, Any], form: str, came: str) -> dict[str, Any]:
    if envelope and form == came:
        return {**envelope, "data": data}
    least: dict[str, Any] = {"extensions": {}}
    if form == "v3":
        least["group_only_greetings"] = []
    version = {"v2": "2.0", "v3": "3.0"}[form]
    return {**envelope, "spec": f"chara_card_{form}", "spec_version": version, "data": {**least, **data}}

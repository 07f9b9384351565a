"""Lorebooks of other programs (in cards V2 and V3, alone as V3, "world info") to and from those of personalities.

What a lorebook says that is not used here is kept with it, so that it goes out as it came in; entries that were
changed since go out as they are now.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from anima.personality.card_file import loaded, unreadable
from anima.personality.macros import kept
from anima.personality.schema import SCHEMA

SPEC = "lorebook_v3"
_ORIGINAL = "original"
_ENTRY: dict[str, Any] = SCHEMA["$defs"]["lore_entry"]["properties"]
_BOOK: dict[str, Any] = SCHEMA["$defs"]["lorebook"]["properties"]
_KEYS: dict[str, Any] = SCHEMA["$defs"]["lore_keys"]
_LONG: int = SCHEMA["$defs"]["long"]["maxLength"]
_WORLD = {"key": "keys", "keysecondary": "secondary_keys", "order": "insertion_order", "comment": "name"}
"""What world info calls otherwise."""


def read(data: bytes) -> tuple[dict[str, Any], tuple[str, ...]]:
    """The lorebook in a file, as a personality holds it, and what of it could not be taken. Raises UnreadableCard."""
    whole = loaded(data)
    book = whole.get("data") if whole.get("spec") == SPEC else whole
    if isinstance(book, dict) and isinstance(book.get("data"), dict) and "character_book" in book["data"]:
        book = book["data"]["character_book"]
    if not isinstance(book, dict) or not isinstance(book.get("entries"), list | dict):
        raise unreadable(
            "its JSON is no lorebook: `entries` is expected", "a lorebook V3, a character book, world info"
        )
    return taken(book)


def taken(book: Mapping[str, Any], char: str = "{{char}}") -> tuple[dict[str, Any], tuple[str, ...]]:
    """A lorebook of a card as a personality holds it, with the original where that says more, and what was left out."""
    entries = book.get("entries")
    listed = list(entries.values()) if isinstance(entries, dict) else entries if isinstance(entries, list) else []
    found = [_entry(one, char) for one in listed if isinstance(one, dict)]
    most = _BOOK["entries"]["maxItems"]
    lorebook: dict[str, Any] = {"entries": [one for one in found[:most] if one["content"]]}
    for name in ("name", "description"):
        if isinstance(book.get(name), str) and book[name]:
            lorebook[name] = book[name][: _BOOK[name].get("maxLength", _LONG)]
    for name, theirs in (("scan_depth", "scan_depth"), ("token_budget", "token_budget")):
        if (number := _whole(book.get(theirs), _BOOK[name])) is not None:
            lorebook[name] = number
    if isinstance(book.get("recursive_scanning"), bool):
        lorebook["recursive"] = book["recursive_scanning"]
    left = () if len(lorebook["entries"]) == len(listed) else (_left(len(listed), len(lorebook["entries"])),)
    if isinstance(entries, list) and made(lorebook) != book:
        lorebook["extensions"] = {_ORIGINAL: dict(book)}
    return lorebook, left


def _left(all_of: int, used: int) -> str:
    return f"{all_of - used} of {all_of} entries of its lorebook are empty or too many and are not used"


def _entry(one: Mapping[str, Any], char: str) -> dict[str, Any]:
    said = {_WORLD.get(name, name): value for name, value in one.items()}
    entry: dict[str, Any] = {"content": _text(said.get("content"), char)[:_LONG], "keys": _keys(said.get("keys"))}
    second = _keys(said.get("secondary_keys"))
    if second and said.get("selective") is True:
        entry["secondary_keys"] = second
    for name in ("constant", "case_sensitive", "use_regex"):
        if said.get(name) is True or (said.get("caseSensitive") is True and name == "case_sensitive"):
            entry[name] = True
    if said.get("enabled") is False or said.get("disable") is True:
        entry["enabled"] = False
    for name, theirs in (("order", "insertion_order"), ("priority", "priority")):
        if (number := _whole(said.get(theirs), _ENTRY[name])) is not None:
            entry[name] = number
    if said.get("position") in _ENTRY["position"]["enum"]:
        entry["position"] = said["position"]
    if isinstance(said.get("name"), str) and said["name"].strip():
        entry["name"] = said["name"][: _ENTRY["name"]["maxLength"]]
    return entry


def _text(value: object, char: str) -> str:
    return kept(value, char) if isinstance(value, str) else ""


def _keys(value: object) -> list[str]:
    given = value.split(",") if isinstance(value, str) else value if isinstance(value, list) else []
    fitting = [one for one in given if isinstance(one, str) and one.strip()]
    return [one for one in fitting if len(one) <= _KEYS["items"]["maxLength"]][: _KEYS["maxItems"]]


def _whole(value: object, bounds: Mapping[str, Any]) -> int | None:
    if isinstance(value, bool) or not isinstance(value, int | float) or value % 1:
        return None
    return int(max(bounds["minimum"], min(bounds["maximum"], value)))


def made(lorebook: Mapping[str, Any]) -> dict[str, Any]:
    """A personality's lorebook as cards V2 and V3 hold it."""
    book = {name: lorebook[name] for name in ("name", "description", "scan_depth", "token_budget") if name in lorebook}
    if "recursive" in lorebook:
        book["recursive_scanning"] = lorebook["recursive"]
    return {**book, "extensions": {}, "entries": [_made_entry(one) for one in lorebook["entries"]]}


def _made_entry(entry: Mapping[str, Any]) -> dict[str, Any]:
    second = entry.get("secondary_keys", [])
    optional = {name: entry[name] for name in ("name", "priority", "position", "case_sensitive") if name in entry}
    return {
        "keys": list(entry.get("keys", [])),
        "content": entry["content"],
        "extensions": {},
        "enabled": entry.get("enabled", True),
        "insertion_order": entry.get("order", 0),
        "use_regex": entry.get("use_regex", False),
        "constant": entry.get("constant", False),
        **({"selective": True, "secondary_keys": list(second)} if second else {}),
        **optional,
    }


def returned(lorebook: Mapping[str, Any], char: str = "{{char}}") -> dict[str, Any]:
    """A personality's lorebook as it goes out: what came in and was not changed, just as it came."""
    original = lorebook.get("extensions", {}).get(_ORIGINAL)
    now = made(lorebook)
    if not isinstance(original, dict) or not isinstance(original.get("entries"), list):
        return now
    before = made(taken(original, char)[0])
    if before == now:
        return dict(original)
    book = {**original, **{name: value for name, value in now.items() if value != before.get(name)}}
    known = {_same(_made_entry(_entry(one, char))): one for one in original["entries"] if isinstance(one, dict)}
    extensions = original.get("extensions", {})
    return {**book, "extensions": extensions, "entries": [known.get(_same(one), one) for one in now["entries"]]}


def _same(entry: Mapping[str, Any]) -> str:
    return json.dumps(entry, sort_keys=True)


def standalone(lorebook: Mapping[str, Any]) -> dict[str, Any]:
    """A lorebook by itself, as V3 has it."""
    return {"spec": SPEC, "data": returned(lorebook)}

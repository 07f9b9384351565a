"""What the fields of a character card are in a personality. The original is kept with it, in `source.card`."""

from __future__ import annotations

import copy
import itertools
import re
from collections.abc import Iterator, Mapping
from typing import Any

from anima.kernel.errors import AnimaError
from anima.personality import lorebooks
from anima.personality.macros import kept
from anima.personality.schema import SCHEMA
from anima.personality.schema import errors as schema_errors

OURS = "anima"
_TOP: dict[str, Any] = SCHEMA["properties"]
_SOURCE: dict[str, Any] = SCHEMA["$defs"]["source"]["properties"]
_LONG: int = SCHEMA["$defs"]["long"]["maxLength"]
_NAME_CHARS: int = SCHEMA["$defs"]["name"]["maxLength"]
_EXAMPLE: dict[str, Any] = _TOP["examples"]["items"]["properties"]
_EMBEDDED_CHARS = 2_000
"""An asset that is longer than this holds its file itself."""
_TURN = re.compile(r"^[ \t]*(\{\{user\}\}|\{\{char\}\})[ \t]*:[ \t]*", re.MULTILINE)
_FRENCH = re.compile(r"\b(est|une|les|des|vous|dans|avec|pour|elle|aime|et|tu)\b|[éèêàçù]", re.IGNORECASE)
_ENGLISH = re.compile(r"\b(the|is|and|you|with|she|he|her|his|loves|of|to)\b", re.IGNORECASE)


def taken(form: str, whole: Mapping[str, Any]) -> tuple[dict[str, Any], tuple[str, ...]]:
    """The personality in a card (its JSON, of the version `form`), and what of the card is not used."""
    data = whole if form == "v1" else whole["data"]
    fields, told = _fields(data)
    ours = _ours(data)
    if ours is not None:
        fields = _over(ours, fields)
    original, lighter = _original(whole, data is whole)
    source = {**_source(data), "format": f"chara_card_{form}", "card": original}
    return {**fields, "source": source}, (*told, *lighter)


def _fields(data: Mapping[str, Any]) -> tuple[dict[str, Any], list[str]]:
    told: list[str] = []
    char = char_of(data)

    def text(*names: str) -> str:
        whole = "\n\n".join(part for name in names if (part := kept(_string(data, name), char).strip()))
        if len(whole) > _LONG:
            told.append(f"{' and '.join(names)}: only the first {_LONG} characters are used")
        return whole[:_LONG].strip()

    persona: dict[str, Any] = {"name": name_of(data), "description": text("description", "personality")}
    if _is_french(f"{persona['description']}\n{_string(data, 'first_mes')}"):
        persona["language"] = "French"
    fields: dict[str, Any] = {
        "persona": {name: value for name, value in persona.items() if value},
        "scenario": text("scenario"),
        "first_message": text("first_mes"),
        "directions": text("system_prompt", "post_history_instructions"),
        "alternate_greetings": _greetings(data, char, told),
        "examples": list(_examples(data, char))[: _TOP["examples"]["maxItems"]],
    }
    if isinstance(data.get("character_book"), dict):
        fields["lorebook"], left = lorebooks.taken(data["character_book"], char)
        told += left
    return {name: value for name, value in fields.items() if value}, told


def char_of(data: Mapping[str, Any]) -> str:
    """What {{char}} stands for: the nickname of a card V3 that has one, else the avatar's own name."""
    nickname = data.get("nickname")
    return " ".join(nickname.split()) if isinstance(nickname, str) and nickname.strip() else "{{char}}"


def name_of(data: Mapping[str, Any]) -> str:
    """The character's name, in one line of printable characters; empty where it has none."""
    words = " ".join(_string(data, "name").split())
    return "".join(filter(str.isprintable, words))[:_NAME_CHARS].strip()


def _string(data: Mapping[str, Any], name: str) -> str:
    value = data.get(name)
    return value if isinstance(value, str) else ""


def _greetings(data: Mapping[str, Any], char: str, told: list[str]) -> list[str]:
    given = data.get("alternate_greetings")
    listed = [kept(one, char) for one in given if isinstance(one, str)] if isinstance(given, list) else []
    most = _TOP["alternate_greetings"]["maxItems"]
    fitting = [one[:_LONG] for one in listed if one.strip()]
    if len(fitting) > most:
        told.append(f"only the first {most} of {len(fitting)} greetings are used")
    return fitting[:most]


def _examples(data: Mapping[str, Any], char: str) -> Iterator[dict[str, str]]:
    """The first exchange of every example of a talk that says who speaks."""
    for block in re.split(r"<START>", kept(_string(data, "mes_example"), char), flags=re.IGNORECASE):
        named = block.replace(f"{_string(data, 'name')}:", "{{char}}:") if _string(data, "name") else block
        parts = _TURN.split(named)
        turns = list(zip(parts[1::2], parts[2::2], strict=False))
        for (who, said), (other, reply) in itertools.pairwise(turns):
            if (who, other) == ("{{user}}", "{{char}}") and said.strip() and reply.strip():
                yield {
                    "user": said.strip()[: _EXAMPLE["user"]["maxLength"]],
                    "reply": reply.strip()[: _EXAMPLE["reply"]["maxLength"]],
                }
                break


def _is_french(text: str) -> bool:
    return len(_FRENCH.findall(text)) > 1.5 * len(_ENGLISH.findall(text))


def _source(data: Mapping[str, Any]) -> dict[str, Any]:
    texts = {"creator": "creator", "character_version": "character_version", "notes": "creator_notes"}
    source: dict[str, Any] = {
        ours: _string(data, theirs)[: _SOURCE[ours].get("maxLength", _LONG)] for ours, theirs in texts.items()
    }
    tags = data.get("tags")
    if isinstance(tags, list):
        most, longest = _SOURCE["tags"]["maxItems"], _SOURCE["tags"]["items"]["maxLength"]
        source["tags"] = [one[:longest] for one in tags if isinstance(one, str)][:most]
    return {name: value for name, value in source.items() if value}


def _original(whole: Mapping[str, Any], is_v1: bool) -> tuple[dict[str, Any], list[str]]:
    """The card without what is kept elsewhere: its lorebook, our own part, and files that it holds as text."""
    card = copy.deepcopy(dict(whole))
    data = card if is_v1 else card["data"]
    if isinstance(data.get("character_book"), dict):
        data["character_book"] = {}
    if isinstance(data.get("extensions"), dict):
        data["extensions"].pop(OURS, None)
    assets = data.get("assets")
    heavy = [one for one in assets if _is_heavy(one)] if isinstance(assets, list) else []
    if heavy:
        data["assets"] = [one for one in data["assets"] if one not in heavy]
    return card, [f"{len(heavy)} files that the card holds as text are not kept in it"] if heavy else []


def _is_heavy(asset: object) -> bool:
    return isinstance(asset, dict) and len(str(asset.get("uri", ""))) > _EMBEDDED_CHARS


def _ours(data: Mapping[str, Any]) -> dict[str, Any] | None:
    """The personality that Anima put into a card, if it is one still."""
    extensions = data.get("extensions")
    ours = extensions.get(OURS) if isinstance(extensions, dict) else None
    personality = ours.get("personality") if isinstance(ours, dict) else None
    if not isinstance(personality, dict):
        return None
    try:
        from anima.personality.parse import errors

        return None if schema_errors(personality) or errors(personality) else personality
    except (AnimaError, TypeError, ValueError, KeyError, RecursionError):
        return None


def _over(ours: Mapping[str, Any], fields: Mapping[str, Any]) -> dict[str, Any]:
    """What Anima put into the card, and over it those fields that another program has changed since."""
    before, now = made(ours), made(fields)
    changed = {name for name in now if now[name] != before[name]}
    result = copy.deepcopy(dict(ours))
    places = {
        "scenario": "scenario",
        "first_mes": "first_message",
        "alternate_greetings": "alternate_greetings",
        "system_prompt": "directions",
        "mes_example": "examples",
        "character_book": "lorebook",
    }
    for field, place in places.items():
        if field in changed:
            result.pop(place, None)
            result |= {place: fields[place]} if place in fields else {}
    for field in {"name", "description"} & changed:
        result["persona"] |= {field: fields["persona"].get(field, "")}
    return result


def made(personality: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of a card (V2's, the lorebook None where there is none) that a personality fills."""
    persona, source = personality["persona"], personality.get("source", {})
    lorebook = personality.get("lorebook")
    return {
        "name": persona["name"],
        "description": persona.get("description", ""),
        "personality": "",
        "scenario": personality.get("scenario", ""),
        "first_mes": personality.get("first_message", ""),
        "mes_example": "\n".join(
            f"<START>\n{{{{user}}}}: {one['user']}\n{{{{char}}}}: {one['reply']}"
            for one in personality.get("examples", [])
        ),
        "creator_notes": source.get("notes", ""),
        "system_prompt": personality.get("directions", ""),
        "post_history_instructions": "",
        "alternate_greetings": list(personality.get("alternate_greetings", [])),
        "tags": list(source.get("tags", [])),
        "creator": source.get("creator", ""),
        "character_version": source.get("character_version", ""),
        "character_book": None if lorebook is None else lorebooks.made(lorebook),
    }


def own(personality: Mapping[str, Any]) -> dict[str, Any]:
    """A personality without where it came from."""
    return {name: value for name, value in personality.items() if name not in ("source", "$schema")}

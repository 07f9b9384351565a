"""Prints what each value of a personality does, from the same tables that do it: for the documents and for editors."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from anima.personality.compile import frames_for
from anima.personality.conduct_table import GRADED, NAMED, QUESTIONS, SENTENCES, TARGETS
from anima.personality.schema import SCHEMA

_PROMPTED = {"humour_style": "humours", "love_language": "loves", "attachment_style": "attachments"}
_ENDS = {"emotions.valence": ("-1", "1"), "emotions.arousal": ("0", "1")}
_BEGIN, _END = "<!-- generated: {} -->", "<!-- end of {} -->"


@dataclass(frozen=True, slots=True)
class Row:
    """What one value of one key does: to conduct (by target), in the prompt, and with what words a reply may begin."""

    key: str
    value: str
    conduct: dict[str, float]
    prompt: str
    openings: tuple[str, ...] = ()


def rows(language: str = "en") -> list[Row]:
    """What each value does that is declared; the words in English, or French ("fr")."""
    frames = frames_for(language)
    return [*_graded(frames), *_named(frames)]


def _graded(frames: dict[str, Any]) -> Iterator[Row]:
    for key, effects in GRADED.items():
        for end, value in zip(("low", "high"), _ENDS.get(key, ("0", "1")), strict=True):
            moved = {each.target: getattr(each, end) for each in effects}
            name = f"{key.rpartition('.')[2]}_{end}"
            lead = frames["leads"][end == "high"] if key.endswith("proactivity") else ""
            trait = f"{frames['traits'][name]}; {frames['acts'][name]}" if name in frames["traits"] else ""
            openings = tuple(frames["words"]["openings"].get(name, ()))
            if any(moved.values()):
                yield Row(key, value, {target: by for target, by in moved.items() if by}, trait or lead, openings)


def _named(frames: dict[str, Any]) -> Iterator[Row]:
    for key, values in NAMED.items():
        for value, moved in values.items():
            yield Row(key, value, moved, frames[_PROMPTED[key]][value])


def conduct_table() -> str:
    """The table of `rows`, as Markdown, and behind it what stated values do."""
    lines = ["| key | value | conduct | in the prompt | may begin with |", "|---|---|---|---|---|"]
    for row in rows():
        moved = "; ".join(f"{TARGETS[target]} {by:+g}" for target, by in row.conduct.items())
        cells = (f"`{row.key}`", row.value, moved, row.prompt, " ".join(row.openings))
        lines.append(f"| {' | '.join(cells)} |")
    lines += ["", "| stated | value | conduct |", "|---|---|---|"]
    for value, most in SENTENCES.items():
        lines.append(f"| `verbosity` | {value} | {f'{most} sentences' if most else 'any number of sentences'} |")
    lines += [f"| `questions` | {value} | {most} questions |" for value, most in QUESTIONS.items()]
    return "\n".join(lines)


def keys_table() -> str:
    """Every key that a personality may have, as Markdown: its path, what it takes, what it is for."""
    lines = ["| key | takes | what it is |", "|---|---|---|"]
    for path, schema in dict(every_key()).items():
        said = schema.get("description", "").replace("|", "\\|")
        lines.append(f"| `{path}` | {_takes(schema)} | {said} |")
    return "\n".join(lines)


def every_key(schema: dict[str, Any] = SCHEMA, path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Every key of the schema with what it says there; `[]` stands for each item of a list."""
    for name, each in schema.get("properties", {}).items():
        inner = f"{path}.{name}" if path else name
        found = _resolved(each)
        yield inner, found
        while found.get("type") == "array":
            found, inner = _resolved(found["items"]), f"{inner}[]"
        for alternative in map(_resolved, found.get("anyOf", [found])):
            yield from every_key(alternative, inner)


def _resolved(schema: dict[str, Any]) -> dict[str, Any]:
    known: dict[str, Any] = SCHEMA["$defs"]
    return {**_resolved(known[schema["$ref"].rpartition("/")[2]]), **schema} if "$ref" in schema else schema


def _takes(schema: dict[str, Any]) -> str:
    if "enum" in schema:
        return ", ".join(schema["enum"])
    kind = schema.get("type", "")
    if kind in ("number", "integer"):
        return f"{'whole number' if kind == 'integer' else 'number'}, {schema['minimum']} to {schema['maximum']}"
    if kind == "string":
        return f"text, at most {schema['maxLength']} characters"
    if kind == "array":
        return f"list, at most {schema['maxItems']}"
    return {"boolean": "true or false", "object": "object"}.get(kind, "one of several")


def filled(text: str) -> str:
    """A document with its generated parts written anew, each between its two marks."""
    for name, made in (("conduct", conduct_table), ("keys", keys_table)):
        begin, end = _BEGIN.format(name), _END.format(name)
        before, _, rest = text.partition(begin)
        _, _, after = rest.partition(end)
        text = f"{before}{begin}\n{made()}\n{end}{after}"
    return text

"""The keys of a simulation file as tables of Markdown, made from the code; docs/simulation.md is checked by it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from anima.neuromodulation.simulation.schema import schema


def reference() -> str:
    """A table for each section, and for each kind of object within them."""
    made = schema()
    kinds: dict[str, Any] = made["$defs"]
    titles = {_name_of(each): f"`{key}`" for key, each in made["properties"].items()}
    order = [*(_name_of(each) for each in made["properties"].values()), *kinds]
    shown = list(dict.fromkeys(name for name in order if name in kinds))
    return "\n".join(line for name in shown for line in _table(name, titles.get(name), kinds[name]))


def _table(name: str, title: str | None, kind: dict[str, Any]) -> Iterator[str]:
    yield f"### {title or name}"
    yield ""
    yield kind.get("description", "").replace("\n", " ")
    yield ""
    yield "| key | what is accepted | default | what it is |"
    yield "|---|---|---|---|"
    for key, each in kind.get("properties", {}).items():
        default = f"`{json.dumps(each['default'])}`" if "default" in each else "" if _name_of(each) else "needed"
        meaning = each.get("description", "").replace("\n", " ").replace("|", "\\|")
        yield f"| `{key}` | {_accepted(each)} | {default} | {meaning} |"
    yield ""


def _accepted(each: dict[str, Any]) -> str:
    if "enum" in each or "const" in each:
        return ", ".join(f"`{one}`" for one in each.get("enum", [each.get("const")]))
    if "anyOf" in each:
        return " or ".join(_accepted(one) for one in each["anyOf"])
    if name := _name_of(each):
        return name
    kind = str(each.get("type", "any"))
    low = each.get("minimum", each.get("exclusiveMinimum"))
    high = each.get("maximum", each.get("exclusiveMaximum"))
    if low is not None or high is not None:
        ends = (f"above {low}" if "exclusiveMinimum" in each else f"from {low}", f"to {high}")
        return f"{kind} {' '.join(end for end, number in zip(ends, (low, high), strict=True) if number is not None)}"
    if kind == "array":
        items = each.get("items") or (each.get("prefixItems") or [{}])[0]
        return f"list of {_accepted(items)}"
    return kind


def _name_of(each: dict[str, Any]) -> str:
    """The kind of object that a key holds; nothing where it holds none."""
    inner = each.get("additionalProperties") if isinstance(each.get("additionalProperties"), dict) else None
    found = each.get("$ref") or (each.get("items") or {}).get("$ref") or (inner or {}).get("$ref") or ""
    return str(found).rpartition("/")[2]

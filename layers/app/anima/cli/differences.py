"""The difference of two branches in words, as Markdown or as JSON."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from anima.cli import output
from anima.operations import branch_data, schema_report
from anima.operations.branch_data import Change, TableDifference
from anima.operations.branches_compared import Compared

_LONGEST = 160


def print_schemas(compared: Compared, *, markdown: bool, as_json: bool) -> None:
    """The difference of two schemas."""
    text = compared.schema or ""
    if as_json:
        output.print_json({"branch": compared.name, "base": compared.base, "same": not text, "diff": text})
    elif markdown:
        print(schema_report.difference(text, f"Schema of `{compared.name}` against `{compared.base}`"), end="")
    else:
        print(text or f"{compared.name} has the same schema as {compared.base}")


def print_minds(compared: Compared, *, markdown: bool, as_json: bool) -> None:
    """The difference of a mind on two branches."""
    if as_json:
        output.print_json(
            {"branch": compared.name, "base": compared.base, "tables": list(map(_as_json, compared.data))}
        )
        return
    title = f"what {compared.name} has that {compared.base} has not"
    print(f"### {title[0].upper()}{title[1:]}\n" if markdown else title)
    if all(table.empty for table in compared.data):
        print("nothing: both are the same")
        return
    for table in compared.data:
        print(_head(table, markdown=markdown))
        lines = list(_lines(table))
        if lines:
            print("\n".join(["```diff", *lines, "```", ""] if markdown else [f"  {line}" for line in lines]))


def _head(table: TableDifference, *, markdown: bool) -> str:
    counts = f"{len(table.added)} added, {len(table.removed)} removed, {len(table.changed)} changed, {table.same} same"
    return f"**{table.table}**: {counts}\n" if markdown else f"\n{table.table}: {counts}"


def _lines(table: TableDifference) -> Iterator[str]:
    for row in table.added:
        yield f"+ {branch_data.line(table.table, row)}"
    for row in table.removed:
        yield f"- {branch_data.line(table.table, row)}"
    for change in table.changed:
        yield f"! {branch_data.line(table.table, change.row)}"
        yield from (f"    {line}" for line in _fields(change))


def _fields(change: Change) -> Iterator[str]:
    for name, (before, after) in change.fields.items():
        yield f"{name}: {_short(before)} -> {_short(after)}"


def _short(value: Any) -> str:
    text = "".join(one if one.isprintable() else " " for one in str(value))
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"


def _as_json(table: TableDifference) -> dict[str, Any]:
    changed = [
        {
            "row": change.row,
            "fields": {name: {"before": old, "after": new} for name, (old, new) in change.fields.items()},
        }
        for change in table.changed
    ]
    counts = {"added": len(table.added), "removed": len(table.removed), "changed": len(changed), "same": table.same}
    return {**asdict(table), "changed": changed, "counts": counts}

"""What a command prints: a table for people, JSON for programs."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import typer

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]

_MOMENT = re.compile(r"(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d:\d\d)(?:\.\d+)?(?:Z|\+00:00)")
_COMMANDS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
_WIDE = 10_000  # columns, for a pipe: what reads it cuts nothing, and a row stays on its line
_LONG = 100  # characters of JSON in one line


def tame(text: str) -> str:
    """Text that others wrote, without what a terminal would obey: control characters, changes of direction."""
    return _COMMANDS.sub("?", text)


def print_json(value: object) -> None:
    """One JSON document; what is no finite number is null, as JSON has no word for it."""
    finite = json.loads(json.dumps(value, default=str), parse_constant=lambda _: None)
    print(json.dumps(finite, indent=2, ensure_ascii=False))


def print_rows(rows: Sequence[Mapping[str, Any]], columns: Sequence[str], *, as_json: bool, empty: str) -> None:
    """Rows as a table of the named columns, or whole as JSON; `empty` says the next step where there are none."""
    if as_json:
        print_json(list(rows))
        return
    if not rows:
        print(empty)
        return
    from rich.console import Console
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:  # an id that is cut short is none
        table.add_column(column, no_wrap=column.endswith("id"), overflow="fold")
    for row in rows:
        table.add_row(*(_cell(row.get(column)) for column in columns))
    console = Console(width=None if sys.stdout.isatty() else _WIDE, markup=False, highlight=False)
    with console.capture() as captured:
        console.print(table)
    print("\n".join(line.rstrip() for line in captured.get().splitlines()))


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, str | datetime | UUID):
        moment = _MOMENT.fullmatch(str(value))
        return f"{moment[1]} {moment[2]} UTC" if moment else tame(str(value))
    if isinstance(value, list) and all(isinstance(one, str) for one in value):
        return tame(", ".join(value))
    return json.dumps(value, ensure_ascii=False, default=str)


def place(location: Mapping[str, Any]) -> str:
    """Where a passage stands in its document, in words: "page 3", "slide 2", "1:05-1:20", "lines 8-13"; its heading."""
    found = [_range("page", location.get("page"), location.get("page_end"))]
    found.append(_range("slide", location.get("slide"), location.get("slide_end")))
    found += [f"sheet {location['sheet']}"] if location.get("sheet") else []
    found.append(_range("row", location.get("row_start"), location.get("row_end")))
    if location.get("second_start") is not None:
        ends = [location["second_start"], location.get("second_end")]
        found.append("-".join(dict.fromkeys(_clock(second) for second in ends if second is not None)))
    if not any(found):
        found.append(_range("line", location.get("line_start"), location.get("line_end")))
    found += [str(location[name]) for name in ("speaker", "heading") if location.get(name)]
    return ", ".join(filter(None, found))


def _range(name: str, first: int | None, last: int | None) -> str:
    if not first:
        return ""
    return f"{name} {first}" if last in (None, first) else f"{name}s {first}-{last}"


def _clock(seconds: float) -> str:
    minutes, second = divmod(int(seconds), 60)
    hours, minute = divmod(minutes, 60)
    return f"{hours}:{minute:02}:{second:02}" if hours else f"{minute}:{second:02}"


def print_fields(row: Mapping[str, Any], *, as_json: bool) -> None:
    """One thing, a line for each of its fields."""
    if as_json:
        print_json(dict(row))
        return
    width = max((len(name) for name in row), default=0)
    for name, value in row.items():
        cell = _cell(value)
        if isinstance(value, dict | list) and len(cell) > _LONG:
            cell = json.dumps(value, indent=2, ensure_ascii=False, default=str)
        print(f"{name:<{width}}  {cell}".rstrip())

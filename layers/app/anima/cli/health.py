"""`anima doctor` and `anima db health`: what is wrong, and how the database is."""

from __future__ import annotations

import sys
from dataclasses import asdict
from typing import Annotated, Any

import typer

from anima.cli import output
from anima.operations import doctor, health
from anima.operations.findings import Finding

_WORTH_BYTES = 1_000_000


def register(app: typer.Typer, database: typer.Typer) -> None:
    """Adds the commands."""
    app.command("doctor")(examine)
    database.command("health")(database_health)


def examine(
    online: Annotated[bool, typer.Option("--online", help="Ask the models' servers too, with the keys set.")] = False,
    as_json: output.AsJson = False,
) -> None:
    """Say what is wrong with this installation and what to do; exit status 1 where something is."""
    found = []
    for finding in doctor.examine(online=online):
        found.append(finding)
        if not as_json:
            _print(finding)
    if as_json:
        output.print_json([asdict(finding) for finding in found])
    if any(finding.state == "fail" for finding in found):
        raise typer.Exit(1)


def _print(finding: Finding) -> None:
    print(f"{finding.state:<5} {finding.check}: {finding.said}")
    if finding.advice:
        print(f"      -> {finding.advice}")
    sys.stdout.flush()


def database_health(as_json: output.AsJson = False) -> None:
    """Sizes and growth, use of indexes, slow statements, locks, connections, pools."""
    from anima.operations import database

    with database.opened():
        found = health.as_json(health.report())
    if as_json:
        output.print_json(found)
        return
    server = found["server"]
    print(
        f"PostgreSQL {server['version']}, {server['database']}, {_size(server['size_bytes'])}, "
        f"{server['connections_used']} of {server['connections_max']} connections\n"
    )
    _table("tables", [_told(one) for one in found["tables"]])
    large = {one["name"] for one in found["indexes"] if one["bytes"] >= _WORTH_BYTES}
    if idle := [name for name in found["unused_indexes"] if name in large]:
        print(f"\nlarge indexes that nothing used: {', '.join(idle)}")
    for name in ("statements", "locks", "long_transactions", "pools"):
        _table(name.replace("_", " "), found[name])
    print()
    for note in found["notes"]:
        print(f"- {note}")


def _told(table: dict[str, Any]) -> dict[str, Any]:
    """A table's line."""
    grown = table["grown_week"]
    return {
        "name": table["name"],
        "size": _size(table["total_bytes"]),
        "indexes": _size(table["index_bytes"]),
        "rows": table["row_estimate"],
        "dead": f"{table['dead_share']:.0%}",
        "week": "" if grown is None else ("+" if grown >= 0 else "-") + _size(abs(grown)),
        "vacuumed": table["vacuumed_at"],
        "analyzed": table["analyzed_at"],
    }


def _table(title: str, rows: list[dict[str, Any]]) -> None:
    if rows:
        print() if title != "tables" else None
        print(title)
        output.print_rows(rows, list(rows[0]), as_json=False, empty="")


def _size(size: float) -> str:
    for unit in ("B", "kB", "MB", "GB"):
        if size < 1000:
            return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:.1f} TB"

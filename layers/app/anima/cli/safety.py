"""`anima safety`: the report of a year, and the lines that help in a country."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from anima.cli import output
from anima.kernel import clock

app = typer.Typer(help="Care for the person: the report of a year, lines that help.", no_args_is_help=True)


@app.command("report")
def report(
    year: Annotated[int | None, typer.Option(help="Not given: this one.", min=2020, max=2200)] = None,
    as_json: output.AsJson = False,
) -> None:
    """Count what safety met in a year, by kind, month and country: no words and no users. For operators."""
    from anima.operations import database
    from anima.safety import people_service

    with database.opened():
        found = people_service.counted(year or clock.now().year)
    if as_json:
        output.print_json(found)
        return
    rows: list[dict[str, Any]] = [{**one, "country": one["country"] or "unknown"} for one in found["items"]]
    output.print_rows(rows, ["month", "kind", "country", "count"], as_json=False, empty="nothing was counted")


@app.command("resources")
def resources(
    country: Annotated[str | None, typer.Argument(help="Two letters, as in FR; not given: all countries.")] = None,
    as_json: output.AsJson = False,
) -> None:
    """Show the lines that help in a crisis, with where and when their numbers were read."""
    from anima.safety import people_service, resources

    wanted = [country.upper()] if country else resources.countries()
    found = [people_service.help_in(one) for one in wanted]
    rows = [
        {"country": one["country"], "emergency": one["emergency"], **line} for one in found for line in one["lines"]
    ]
    if as_json:
        output.print_json(rows)
        return
    columns = ["country", "emergency", "name", "phone", "text", "hours", "checked", "how", "source"]
    output.print_rows(rows, columns, as_json=False, empty="")

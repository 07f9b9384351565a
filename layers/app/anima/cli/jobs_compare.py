"""`anima jobs compare`: what two jobs were told differently, and how their returns differ, with how sure that is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

import typer

from anima.cli import connection, jobs_reading, output

_RESAMPLES = 10_000
_SHARE = 95.0
_EPISODES = 100
_ID = 13
"""Characters of an id that tell it apart: those of the time, to the millisecond."""

Left = Annotated[str, typer.Argument(metavar="A", help="A job: its id, how that begins, or its name.")]
Right = Annotated[str, typer.Argument(metavar="B", help="Another one.")]


def compare(a: Left, b: Right, as_json: output.AsJson = False) -> None:
    """Compare two jobs: their configurations, and their returns with 95% intervals."""
    with connection.connected() as client:
        jobs = [jobs_reading.found(client, one) for one in (a, b)]
        jobs = [connection.checked(client.get(f"/jobs/{one['job_id']}")) for one in jobs]
        place = f"/jobs/{jobs[0]['job_id']}/difference"
        different = connection.checked(client.get(place, params={"with": jobs[1]["job_id"]}))["items"]
    rows = [_row(job) for job in jobs]
    told = {
        "differences": different,
        "jobs": rows,
        "return_difference": difference(_returns(jobs[1]), _returns(jobs[0])),
    }
    if as_json:
        output.print_json(told)
        return
    titles = told_apart(jobs)
    shown = [{"key": one["path"], titles[0]: one["a"], titles[1]: one["b"]} for one in different]
    output.print_rows(shown, ["key", *titles], as_json=False, empty="their configurations are the same")
    print()
    columns = ["name", "status", "steps", "episodes", "last", "return", "interval", "evaluation"]
    named = [{**_words(row), "name": title} for row, title in zip(rows, titles, strict=True)]
    output.print_rows(named, columns, as_json=False, empty="")
    print(_verdict(told["return_difference"], titles))


def told_apart(jobs: Sequence[dict[str, Any]]) -> list[str]:
    """What two jobs are called beside each other: their names, or how their ids begin where these are the same."""
    names = [str(job["name"]) for job in jobs]
    return names if names[0] != names[1] else [str(job["job_id"])[:_ID] for job in jobs]


def interval(returns: Sequence[float]) -> dict[str, float] | None:
    """The mean of returns with a percentile bootstrap interval of 95%; None without any. The same each time.

    It says how sure the mean of this run's episodes is, not how another seed would do. Source: Efron & Tibshirani 1993.
    """
    import numpy as np

    if not returns:
        return None
    values = np.asarray(returns, dtype=np.float64)
    means = _means(values, seed=0)
    return {"mean": float(values.mean()), **_bounds(means), "episodes": len(returns)}


def difference(left: Sequence[float], right: Sequence[float]) -> dict[str, float] | None:
    """How much higher the first mean is than the second, with its interval; None where either has no returns."""
    import numpy as np

    if not left or not right:
        return None
    one, other = np.asarray(left, dtype=np.float64), np.asarray(right, dtype=np.float64)
    means = _means(one, seed=0) - _means(other, seed=1)
    return {"mean": float(one.mean() - other.mean()), **_bounds(means)}


def _means(values: Any, *, seed: int) -> Any:
    """Means of resamples, shape (resamples,)."""
    import numpy as np

    drawn = np.random.default_rng(seed).integers(0, len(values), size=(_RESAMPLES, len(values)))
    return values[drawn].mean(axis=1)


def _bounds(means: Any) -> dict[str, float]:
    import numpy as np

    low, high = np.percentile(means, [50 - _SHARE / 2, 50 + _SHARE / 2])
    return {"low": float(low), "high": float(high)}


def _returns(job: dict[str, Any]) -> list[float]:
    """Returns of its last episodes of training, as far as its result tells them."""
    return list((job.get("result") or {}).get("returns") or [])[-_EPISODES:]


def _row(job: dict[str, Any]) -> dict[str, Any]:
    result = job.get("result") or {}
    told = {name: job[name] for name in ("job_id", "name", "status")}
    evaluation = (result.get("evaluation") or {}).get("returns") or []
    counts = {"steps": job["step"], "episodes": result.get("episodes")}
    return {**told, **counts, "last_100": interval(_returns(job)), "evaluation": interval(evaluation)}


def _words(row: dict[str, Any]) -> dict[str, Any]:
    last, evaluated = row["last_100"], row["evaluation"]
    shown = {"return": f"{last['mean']:.1f}", "interval": _range(last), "last": last["episodes"]} if last else {}
    return {**row, **shown, "evaluation": f"{evaluated['mean']:.1f}, {_range(evaluated)}" if evaluated else None}


def _range(one: dict[str, float]) -> str:
    return f"{one['low']:.1f} to {one['high']:.1f}"


def _verdict(found: dict[str, float] | None, titles: Sequence[str]) -> str:
    """What the difference says, and what it cannot say."""
    if found is None:
        return "\nreturns are compared where both are simulations that have come to their end"
    sure = "0 lies in it: no difference is shown" if found["low"] <= 0 <= found["high"] else "0 lies outside of it"
    return (
        f"\n{titles[1]} returns {found['mean']:+.1f} against {titles[0]}, 95% interval {_range(found)}: {sure}.\n"
        "This is one seed of each; docs/learning.md says how methods are compared."
    )

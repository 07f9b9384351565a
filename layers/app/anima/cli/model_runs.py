"""`anima model runs`, `metrics`, `track`: training runs, what they measured, and their way to other trackers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from anima.cli import model_place, output
from anima.cli.model_checkpoints import run_of
from anima.kernel import pages
from anima.kernel.errors import BadInput

if TYPE_CHECKING:
    from anima.registry.metrics_model import Bucket
    from anima.registry.run_model import Session

_PAGE = 200
_COLUMNS = ["run_id", "name", "status", "step", "epoch", "heard_of"]
_BARS = "▁▂▃▄▅▆▇█"
_DRAWN = 40
Named = Annotated[str, typer.Argument(metavar="RUN", help="A run: its id, or its name (the newest).")]
Status = Literal["pending", "running", "paused", "completed", "failed", "cancelled"]


def register(app: typer.Typer) -> None:
    """Adds the commands."""
    app.command("runs")(runs)
    app.command("metrics")(metrics)
    app.command("track")(track)


def runs(
    of: Annotated[str | None, typer.Argument(metavar="MODEL", help="Only those that train this model.")] = None,
    status: Annotated[Status | None, typer.Option(help="Only those in this state.")] = None,
    as_json: output.AsJson = False,
) -> None:
    """Training runs, the newest first."""
    from anima.registry import run_reading_service, service

    with model_place.signed_in() as me:
        model_id = None if of is None else service.get(me, of).model_id
        asked = partial(run_reading_service.sessions, me, limit=_PAGE, model_id=model_id, status=status)
        found = list(pages.every(lambda cursor: asked(cursor=cursor)))
    rows = [_json(one) if as_json else _row(one) for one in found]
    none = of is None and status is None
    empty = "no runs; `registry.runs.begin(...)` begins one" if none else "no such runs; `anima model runs` lists all"
    output.print_rows(rows, _COLUMNS, as_json=as_json, empty=empty)


def _json(one: Session) -> dict[str, Any]:
    fields = asdict(one)
    return {"run_id": fields.pop("session_id"), **fields}


def _row(one: Session) -> dict[str, Any]:
    epochs = f"{one.current_epoch:g}" + (f" of {one.total_epochs:g}" if one.total_epochs else "")
    told = {"run_id": one.session_id, "name": one.name, "status": one.status, "step": one.step, "epoch": epochs}
    return {**told, "heard_of": one.heartbeat_at}


def metrics(
    run: Named,
    names: Annotated[list[str] | None, typer.Option("--name", help="Only this metric; may be repeated.")] = None,
    points: Annotated[int, typer.Option(help="Into so many buckets of steps.", min=1, max=5000)] = _DRAWN,
    as_json: output.AsJson = False,
) -> None:
    """What a run measured, downsampled; a curve for each metric."""
    from anima.registry import metrics_service

    with model_place.signed_in() as me:
        curves = metrics_service.downsampled(me, run_of(me, run), names=names or (), points=points)
    if as_json:
        output.print_json([asdict(one) for one in curves])
        return
    rows = [
        {
            "metric": one.name if one.scope == "train" else f"{one.scope}/{one.name}",
            "steps": f"{one.first_step}-{one.last_step}",
            "values": one.values,
            "least": _least(one.buckets),
            "last": f"{one.last:.4g}",
            "curve": curve_of(one.buckets),
        }
        for one in curves
    ]
    columns = ["metric", "steps", "values", "least", "last", "curve"]
    output.print_rows(rows, columns, as_json=False, empty="nothing was measured; `run.log(step, loss=...)` does")


def _least(curve: Sequence[Bucket]) -> str | None:
    values = [one.minimum for one in curve if one.minimum is not None]
    return f"{min(values):.4g}" if values else None


def curve_of(curve: Sequence[Bucket]) -> str:
    """The means of buckets as a line of bars; a bucket without a finite number is a dot."""
    means = [one.mean for one in curve]
    known = [mean for mean in means if mean is not None]
    if not known:
        return ""
    low, high = min(known), max(known)
    step = (high - low) / (len(_BARS) - 1) or 1.0
    return "".join("·" if mean is None else _BARS[round((mean - low) / step)] for mean in means)


def track(
    run: Named,
    to: Annotated[Literal["mlflow", "tensorboard", "wandb"], typer.Option(help="Where it goes.")],
    place: Annotated[
        str, typer.Option(help="mlflow: the tracking URI (sqlite:///runs.db, http://...); else a folder.")
    ] = "runs",
    project: Annotated[str, typer.Option(help="The experiment or project there.")] = "anima",
    as_json: output.AsJson = False,
) -> None:
    """Send a run to MLflow, TensorBoard or Weights & Biases (offline); again brings it up to date."""
    from anima.registry import trackers_service

    if to == "mlflow" and "://" not in place and ":" not in place:
        raise BadInput(reason="--place of mlflow is a tracking URI, as sqlite:///runs.db")
    with model_place.signed_in() as me, model_place.working(f"to {to}", quiet=as_json):
        sent = trackers_service.track(me, run_of(me, run), to, place, project=project)
    output.print_fields(asdict(sent), as_json=as_json)

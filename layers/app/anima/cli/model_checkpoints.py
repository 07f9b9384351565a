"""`anima model checkpoint`: listed, compared, kept as the best, made a version, written to a file, deleted."""

from __future__ import annotations

import uuid
from collections import Counter
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from anima.cli import model, model_place, output
from anima.kernel import pages
from anima.kernel.errors import BadInput, FieldError

if TYPE_CHECKING:
    from anima.kernel import db
    from anima.registry.checkpoint_model import Checkpoint
    from anima.registry.compare_model import TensorDifference

app = typer.Typer(help="Checkpoints: list, show, diff, best, promote, export, delete.", no_args_is_help=True)

_PAGE = 200
_COLUMNS = ["checkpoint_id", "step", "kind", "best", "metrics", "size", "new", "created_at"]
CheckpointId = Annotated[str, typer.Argument(metavar="CHECKPOINT", help="An id, as `checkpoint list` prints it.")]
OfModel = Annotated[str | None, typer.Argument(metavar="MODEL", help="A model; or --run.")]
OfRun = Annotated[str | None, typer.Option("--run", metavar="RUN", help="A run: its id, or its name (the newest).")]


def identity(text: str, what: str) -> uuid.UUID:
    """An id. Raises BadInput."""
    try:
        return uuid.UUID(text)
    except ValueError:
        raise BadInput(reason=f"{text} is no id", fields=[FieldError(what, "an id, as the list prints it")]) from None


def run_of(me: db.Principal, text: str) -> uuid.UUID:
    """The run of this id, or the newest of this name. Raises RunNotFound."""
    from anima.registry import run_reading_service
    from anima.registry.run_errors import RunNotFound

    try:
        return run_reading_service.session(me, uuid.UUID(text)).session_id
    except ValueError:
        pass
    for one in pages.every(lambda cursor: run_reading_service.sessions(me, cursor, _PAGE)):
        if one.name == text:
            return one.session_id
    raise RunNotFound(session_id=text)


def _row(one: Checkpoint) -> dict[str, Any]:
    return {
        "checkpoint_id": one.checkpoint_id,
        "step": one.step,
        "kind": one.kind,
        "best": "best" if one.is_best else None,
        "metrics": _metrics(one.metrics),
        "size": model_place.size(one.n_bytes),
        "new": model_place.size(one.new_bytes),
        "created_at": one.created_at,
    }


def _json(one: Checkpoint) -> dict[str, Any]:
    """As HTTP answers it."""
    from anima.registry.checkpoint_model import plain

    fields = asdict(one)
    ids = {"checkpoint_id": fields.pop("checkpoint_id"), "run_id": fields.pop("session_id")}
    return {**ids, **fields, "metrics": plain(one.metrics)}


def _metrics(metrics: dict[str, Any]) -> str:
    return ", ".join(f"{name} {value:.4g}" for name, value in metrics.items() if isinstance(value, int | float))


def _whose(me: db.Principal, of: str | None, run: str | None) -> dict[str, uuid.UUID]:
    """The run or the model that is meant."""
    from anima.registry import service

    if (of is None) == (run is None):
        raise BadInput(reason="say the MODEL, or --run RUN")
    if run is not None:
        return {"session_id": run_of(me, run)}
    return {"model_id": service.get(me, of or "").model_id}


@app.command("list")
def list_checkpoints(of: OfModel = None, run: OfRun = None, as_json: output.AsJson = False) -> None:
    """Checkpoints of a model or a run, the newest first, with what each added to the store."""
    from anima.registry import checkpoint_service

    with model_place.signed_in() as me:
        whose: dict[str, Any] = _whose(me, of, run)
        asked = partial(checkpoint_service.checkpoints, me, limit=_PAGE, **whose)
        found = list(pages.every(lambda cursor: asked(cursor=cursor)))
    rows = [_json(one) if as_json else _row(one) for one in found]
    empty = "no checkpoints; `run.save(...)` makes one" + ("" if of is None else ", --run RUN lists those of a run")
    output.print_rows(rows, _COLUMNS, as_json=as_json, empty=empty)


@app.command("show")
def show(checkpoint: CheckpointId, as_json: output.AsJson = False) -> None:
    """A checkpoint and its tensors."""
    from anima.registry import checkpoint_service

    with model_place.signed_in() as me:
        checkpoint_id = identity(checkpoint, "checkpoint")
        one = checkpoint_service.checkpoint(me, checkpoint_id)
        parts = checkpoint_service.tensors(me, checkpoint_id)
    rows = [
        {
            "role": part.role,
            "name": part.name,
            "dtype": part.ref.dtype,
            "shape": " x ".join(map(str, part.ref.shape)) or "scalar",
            "size": model_place.size(part.ref.n_bytes),
            "tensor_id": part.ref.tensor_id,
        }
        for part in parts
    ]
    if as_json:
        output.print_json({**_json(one), "tensors": rows})
        return
    output.print_fields(_row(one), as_json=False)
    print()
    output.print_rows(rows, ["role", "name", "dtype", "shape", "size"], as_json=False, empty="no tensors")


@app.command("diff")
def diff(
    left: Annotated[str, typer.Argument(help="A checkpoint's id, or a model.")],
    right: Annotated[str, typer.Argument(help="Another one.")],
    everything: Annotated[bool, typer.Option("--all", help="Also tensors that are the same.")] = False,
    as_json: output.AsJson = False,
) -> None:
    """Compare two checkpoints or models, tensor by tensor; what is the same is told without being read."""
    from anima.registry import compare_service

    with model_place.signed_in() as me, model_place.working("comparing", quiet=as_json):
        sides = (_side(me, left), _side(me, right))
        found = list(compare_service.compare(me, *sides))
    counts: Counter[str] = Counter(one.state for one in found)
    shown = [one for one in found if everything or one.state != "same"]
    if as_json:
        output.print_json({"counts": dict(counts), "differences": [asdict(one) for one in shown]})
        return
    rows = [
        {
            "state": one.state,
            "name": one.name,
            "max_abs": _number(one.max_abs),
            "rmse": _number(one.rmse),
            "relative": _number(one.relative),
            "cosine": _number(one.cosine),
            "changed": _changed(one),
        }
        for one in shown
    ]
    columns = ["state", "name", "max_abs", "rmse", "relative", "cosine", "changed"]
    output.print_rows(rows, columns, as_json=False, empty="every tensor is the same")
    print(", ".join(f"{n} {state}" for state, n in sorted(counts.items())))


def _side(me: db.Principal, text: str) -> Any:
    """A checkpoint where there is one of this id, else a model."""
    from anima.registry import checkpoint_service, compare_service
    from anima.registry.run_errors import CheckpointNotFound

    try:
        found = checkpoint_service.checkpoint(me, uuid.UUID(text))
    except (ValueError, CheckpointNotFound):
        return compare_service.model(text)
    return compare_service.checkpoint(found.checkpoint_id)


def _changed(one: TensorDifference) -> str | None:
    """Which share of the values, or from which shape to which."""
    if one.share_changed is not None:
        return f"{one.share_changed:.1%}"
    left, right = ("x".join(map(str, shape or ())) for shape in (one.shape_left, one.shape_right))
    return f"{left} -> {right}" if left and right and left != right else None


def _number(value: float | None) -> str | None:
    return None if value is None else f"{value:.4g}"


@app.command("best")
def best(
    of: OfModel = None,
    run: OfRun = None,
    metric: Annotated[str | None, typer.Option(help="By this metric; else the one that was marked.")] = None,
    highest: Annotated[bool, typer.Option("--highest", help="The largest value is the best.")] = False,
    mark: Annotated[
        str | None, typer.Option("--set", metavar="CHECKPOINT", help="Mark this one instead of looking.")
    ] = None,
    as_json: output.AsJson = False,
) -> None:
    """The best checkpoint of a model or a run; or mark one as the best of its run."""
    from anima.registry import checkpoint_service

    if highest and metric is None:
        raise BadInput(reason="--highest says which value of a --metric is the best")
    with model_place.signed_in() as me:
        if mark is not None:
            checkpoint_id = identity(mark, "checkpoint")
            checkpoint_service.set_best(me, checkpoint_id)
            found: Checkpoint | None = checkpoint_service.checkpoint(me, checkpoint_id)
        else:
            whose: dict[str, Any] = _whose(me, of, run)
            found = checkpoint_service.best(me, **whose, metric=metric, mode="highest" if highest else "lowest")
    if found is None:
        if metric is None:
            raise BadInput(reason="no checkpoint is marked as the best; `--metric loss` finds one by a metric")
        raise BadInput(reason=f"no checkpoint was saved with the metric {metric}")
    output.print_fields(_json(found) if as_json else _row(found), as_json=as_json)


@app.command("promote")
def promote(checkpoint: CheckpointId, name: model.As = None, as_json: output.AsJson = False) -> None:
    """Make a checkpoint a version of its model, or of another name; nothing is copied."""
    from anima.registry import checkpoint_service

    with model_place.signed_in() as me:
        model.tell(checkpoint_service.promote(me, identity(checkpoint, "checkpoint"), name), as_json=as_json)


@app.command("export")
def export(
    checkpoint: CheckpointId,
    path: Annotated[Path, typer.Argument(help="A .safetensors file that is not there yet.")],
    as_json: output.AsJson = False,
) -> None:
    """Write the weights of a checkpoint as a safetensors file; a half of it is not left."""
    from anima.registry import giving_service

    if path.exists():
        raise BadInput(reason=f"{path} is there already; an export overwrites nothing")
    draft = path.with_name(f".{path.name}.part")
    try:
        with model_place.signed_in() as me, model_place.told_in_bytes(path.name, quiet=as_json) as progress:
            given = giving_service.file(me, identity(checkpoint, "checkpoint"), "weight")
            with draft.open("wb") as file:
                for piece in given.pieces:
                    file.write(piece)
                    progress(file.tell(), given.n_bytes)
        draft.replace(path)
    except OSError as error:
        raise BadInput(reason=f"{path} cannot be written: {error.strerror}") from None
    finally:
        draft.unlink(missing_ok=True)
    output.print_fields({"path": str(path), "n_bytes": given.n_bytes}, as_json=as_json)


@app.command("delete")
def delete(checkpoint: CheckpointId, yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False) -> None:
    """Delete a checkpoint; what others share with it stays."""
    from anima.registry import checkpoint_service

    checkpoint_id = identity(checkpoint, "checkpoint")
    if not yes:
        typer.confirm(f"delete checkpoint {checkpoint_id}?", abort=True)
    with model_place.signed_in() as me:
        checkpoint_service.delete(me, checkpoint_id)
    print("deleted")

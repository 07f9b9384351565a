"""`anima model`: models brought in and given back, looked at, deployed, deleted."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from anima.cli import model_place, model_tree, output
from anima.kernel import pages
from anima.kernel.errors import BadInput

if TYPE_CHECKING:
    from anima.kernel import db
    from anima.registry.model import Model
    from anima.registry.weight import Weight
    from anima.tensors.model import Compression

app = typer.Typer(help="Models: their weights, versions, checkpoints and runs.", no_args_is_help=True)

_HUB = "hub:"
_PAGE = 200
_DONE = {
    "import": "imported",
    "training": "from a run",
    "quantize": "quantised",
    "dequantize": "as floats again",
    "prune": "pruned",
}
_TOLD = ("from", "repository", "step", "method", "share", "sparsity", "scope", "bits", "group_size")
_FIRST = (
    "family",
    "layers",
    "hidden",
    "heads",
    "key_value_heads",
    "head_dim",
    "feedforward",
    "vocabulary",
    "positions",
)
COLUMNS = ["model", "type", "status", "parameters", "size", "created_at"]
Status = Literal["initialized", "training", "trained", "deployed"]
Name = Annotated[str, typer.Argument(metavar="MODEL", help="A name (its newest version), name@3, or an id.")]
As = Annotated[str | None, typer.Option("--name", help="What to call it; else as it was called.")]


def row(model: Model) -> dict[str, Any]:
    """A model as a table shows it."""
    return {
        "model": str(model),
        "type": model.type,
        "status": model.status,
        "parameters": f"{_parameters(model):,}",
        "size": model_place.size(model.n_bytes),
        "created_at": model.created_at,
    }


def tell(model: Model, *, as_json: bool) -> None:
    """One model, as a line or as JSON."""
    if as_json:
        output.print_json(asdict(model))
    else:
        print(f"{model}  {model.status}  {_parameters(model):,} parameters  {model_place.size(model.n_bytes)}")


def _parameters(model: Model) -> int:
    """Those of a quantised version are as many as before, though it lies in fewer numbers."""
    from anima.registry import compress_model

    return compress_model.parameters(model.parameters, model.architecture)


@app.command("import")
def bring(
    source: Annotated[str, typer.Argument(help="A folder, a .safetensors or .gguf file, or hub:ORG/NAME[@REVISION].")],
    name: As = None,
    endpoint: Annotated[str | None, typer.Option(metavar="URL", help="Another hub than huggingface.co.")] = None,
    compressed: Annotated[
        bool, typer.Option("--compressed", help="Store it compressed: smaller, and not loaded without a copy.")
    ] = False,
    as_json: output.AsJson = False,
) -> None:
    """Bring a model in: its weights, structure and every file, so that `export` gives them back bit for bit."""
    from anima.registry import import_service

    if not source:
        raise BadInput(reason="say what is to be imported: a folder, a file or hub:ORG/NAME")
    compression: Compression = "compressed" if compressed else "raw"
    with model_place.signed_in() as me:
        with model_place.told_in_bytes(source, quiet=as_json) as progress:
            if source.startswith(_HUB):
                address = source.removeprefix(_HUB)
                made = import_service.import_hub(
                    me, address, name, endpoint=endpoint, progress=progress, compression=compression
                )
            elif Path(source).is_dir():
                made = import_service.import_folder(me, source, name, progress=progress, compression=compression)
            else:
                made = import_service.import_file(me, source, name, progress=progress, compression=compression)
        tell(made, as_json=as_json)


@app.command("export")
def export(
    model: Name,
    path: Annotated[
        Path, typer.Argument(help="A folder that is not there yet or is empty; a file for what came as a file.")
    ],
    as_json: output.AsJson = False,
) -> None:
    """Give the files of a model back, bit for bit; each is checked against its sha256 before it is there."""
    from anima.registry import export_service

    with model_place.signed_in() as me, model_place.told_in_bytes(model, quiet=as_json) as progress:
        made = export_service.export(me, model, path, progress=progress)
    if as_json:
        output.print_json({"path": str(made)})
    else:
        print(made)


@app.command("list")
def list_models(
    name: Annotated[str | None, typer.Option(help="Only versions of this name.")] = None,
    status: Annotated[Status | None, typer.Option(help="Only those in this state.")] = None,
    as_json: output.AsJson = False,
) -> None:
    """Models and their versions, the newest first."""
    from anima.registry import service

    with model_place.signed_in() as me:
        found = list(pages.every(lambda cursor: service.models(me, cursor, _PAGE, name=name, status=status)))
    rows = [asdict(one) for one in found] if as_json else [row(one) for one in found]
    empty = "no models; `anima model import PATH` brings one in, `anima model example` makes a small one"
    if name is not None or status is not None:
        empty = "no such models; `anima model list` lists all"
    output.print_rows(rows, COLUMNS, as_json=as_json, empty=empty)


@app.command("show")
def show(
    model: Name,
    whole: Annotated[bool, typer.Option("--whole", help="Draw each block, also those that are alike.")] = False,
    as_json: output.AsJson = False,
) -> None:
    """The tree of a model with the parameters of each part."""
    from anima.registry import parts_service, service

    with model_place.signed_in() as me:
        found = service.get(me, model)
        weights = parts_service.all_weights(me, found)
        layers = _all_layers(me, found)
        files = parts_service.all_files(me, found)
    if as_json:
        shown = {"layers": layers, "weights": weights, "files": files}
        output.print_json({**asdict(found), **{name: [asdict(one) for one in rows] for name, rows in shown.items()}})
        return
    _print_head(found)
    leaves = list(_leaves(found, weights))
    print("\n".join(model_tree.lines(leaves, {one.name: one.type for one in layers}, whole=whole)))
    counts = {"weight": len(leaves), "layer": len(layers), "file": len(files)}
    print("\n" + ", ".join(f"{n} {what}{'' if n == 1 else 's'}" for what, n in counts.items()))


def _leaves(model: Model, weights: Sequence[Weight]) -> Iterator[model_tree.Leaf]:
    """The weights as they are drawn: one that is quantised stands for its numbers, scales and zero points."""
    from anima.registry import compress_model

    how = compress_model.quantization(model.architecture)
    whole = {} if how is None else {part: name for name in how.tensors for part in compress_model.parts(name, how)}
    for one in weights:
        name = whole.get(one.name)
        if name is None or how is None:
            yield model_tree.Leaf(one.name, tuple(one.shape), one.dtype)
        elif one.name == name + compress_model.VALUES:
            yield model_tree.Leaf(name, tuple(how.tensors[name].shape), f"int{how.bits}")


def _all_layers(me: db.Principal, model: Model) -> list[Any]:
    from anima.registry import parts_service

    return list(pages.every(lambda cursor: parts_service.layers(me, model, cursor, _PAGE)))


def _print_head(model: Model) -> None:
    print(f"{model}  ({model.type}, {model.status})  {model.model_id}")
    if told := _told(model.architecture):
        print(textwrap.fill(told, model_tree.WIDTH, initial_indent="  ", subsequent_indent="  "))
    trained = "" if model.trainable_parameters == model.parameters else f", {model.trainable_parameters:,} trainable"
    print(f"  {_parameters(model):,} parameters{trained}, {model_place.size(model.n_bytes)}")
    if model.derivation.get("kind"):
        print(f"  came by: {came_by(model.derivation)}")
    print()


def _told(architecture: Mapping[str, Any]) -> str:
    """What is known of an architecture, the larger things first; whether something is so, only where it is."""
    known = {name: architecture[name] for name in _FIRST if name in architecture} | dict(architecture)
    told = [] if known.pop("family", "unknown") == "unknown" else [str(architecture["family"])]
    known.pop("source", None)
    for name, value in known.items():
        if value is True:
            told.append(name.replace("_", " "))
        elif isinstance(value, str | int | float) and value is not False:
            told.append(f"{name.replace('_', ' ')} {value}")
    return ", ".join(told)


@app.command("status")
def set_status(
    model: Name,
    status: Annotated[Status, typer.Argument(help="The state that it goes into.")],
    as_json: output.AsJson = False,
) -> None:
    """Move a model to another status: initialized, training, trained, deployed, and back."""
    from anima.registry import service

    with model_place.signed_in() as me:
        tell(service.set_status(me, model, status), as_json=as_json)


@app.command("deploy")
def deploy(model: Name, as_json: output.AsJson = False) -> None:
    """Put a version in place of the one of its name that is deployed."""
    from anima.registry import service

    with model_place.signed_in() as me:
        tell(service.deploy(me, model), as_json=as_json)


@app.command("rollback")
def roll_back(
    name: Annotated[str, typer.Argument(help="The name whose deployment is taken back.")],
    as_json: output.AsJson = False,
) -> None:
    """Deploy again what was deployed before."""
    from anima.registry import service

    with model_place.signed_in() as me:
        tell(service.roll_back(me, name), as_json=as_json)


@app.command("deployments")
def deployments(
    name: Annotated[str, typer.Argument(help="A name, or a model.")], as_json: output.AsJson = False
) -> None:
    """What was deployed when, the newest first; at most 200."""
    from anima.registry import service

    with model_place.signed_in() as me:
        found = service.deployments(me, name, None, _PAGE).items
    rows = [asdict(one) for one in found]
    columns = ["number", "name", "version", "deployed_at", "model_id"]
    output.print_rows(rows, columns, as_json=as_json, empty="nothing was deployed; `anima model deploy MODEL` does")


@app.command("lineage")
def lineage(model: Name, as_json: output.AsJson = False) -> None:
    """Where a model comes from, and what was made of it."""
    from anima.registry import lineage_service, service

    with model_place.signed_in() as me:
        found = service.get(me, model)
        known = lineage_service.lineage(me, found)
    if as_json:
        output.print_json(asdict(known))
        return
    for depth, one in enumerate(reversed(known.ancestors)):
        print(f"{'   ' * depth}{_kin(one)}")
    below = len(known.ancestors)
    print(f"{'   ' * below}{found}  {found.status}, {came_by(found.derivation)}  <- this one")
    for run in known.runs:
        told = f"run {run.name}  {run.status}, step {run.step}, {run.checkpoints} checkpoints"
        made_it = str(run.run_id) == found.derivation.get("session_id")
        print(f"{'   ' * (below + 1)}{'made by ' if made_it else ''}{told}  {run.run_id}")
    for one in known.descendants:
        print(f"{'   ' * (below + one.generation)}{_kin(one)}")


def _kin(one: Any) -> str:
    return f"{one.name}@{one.version}  {one.status}, {came_by(one.derivation)}"


def came_by(derivation: Mapping[str, Any]) -> str:
    """How a version came to be, in words: imported from a folder, quantised (bits 4)."""
    kind = derivation.get("kind")
    if kind is None:
        return "made here"
    told = {name: derivation[name] for name in _TOLD if isinstance(derivation.get(name), str | int | float)}
    how = ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in told.items())
    done = _DONE.get(kind, str(kind))
    return f"{done} ({how})" if how else done


@app.command("delete")
def delete(model: Name, yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False) -> None:
    """Delete a version with its checkpoints; what it shares with others stays."""
    from anima.registry import service

    with model_place.signed_in() as me:
        found = service.get(me, model)
        if not yes:
            typer.confirm(f"delete {found} with its checkpoints?", abort=True)
        service.delete(me, found)
    print(f"deleted {found}")

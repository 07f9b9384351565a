"""`anima model quantize`, `prune`, `verify`, `collect`, `usage`, `nearest`, `example`: work on the weights."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from anima.cli import model, model_place, output
from anima.cli.model import As, Name

if TYPE_CHECKING:
    from anima.kernel import db
    from anima.registry.model import Model

Keep = Annotated[
    list[str] | None, typer.Option(metavar="PATTERN", help="Weights left as they are: `*embed*`; may be repeated.")
]
_SHOWN = 12


def register(app: typer.Typer) -> None:
    """Adds the commands."""
    app.command("quantize")(quantize)
    app.command("prune")(prune)
    app.command("verify")(verify)
    app.command("collect")(collect)
    app.command("usage")(usage)
    app.command("nearest")(nearest)
    app.command("example")(example)


def quantize(
    name_of: Name,
    bits: Annotated[Literal["8", "4"], typer.Option(help="So many for a value.")] = "8",
    group_size: Annotated[int, typer.Option(help="So many neighbours share a scale; 0: a whole row.")] = 64,
    asymmetric: Annotated[bool, typer.Option("--asymmetric", help="With a zero point.")] = False,
    keep: Keep = None,
    name: As = None,
    as_json: output.AsJson = False,
) -> None:
    """Make a quantised version, and say what it lost."""
    from anima.registry import compress_service

    with model_place.signed_in() as me:
        with model_place.told_in_bytes(name_of, quiet=as_json) as progress:
            made = compress_service.quantize(
                me,
                name_of,
                bits=8 if bits == "8" else 4,
                group_size=group_size,
                symmetric=not asymmetric,
                keep=tuple(keep or ()),
                name=name,
                progress=progress,
            )
        _tell_loss(made, as_json=as_json)


def prune(
    name_of: Name,
    share: Annotated[float, typer.Option(help="How much goes, above 0 and below 1.")],
    method: Annotated[
        Literal["magnitude", "heads", "neurons"],
        typer.Option(help="The least weights become zero; others are taken out."),
    ] = "magnitude",
    scope: Annotated[
        Literal["tensor", "global"], typer.Option(help="Of magnitude: the share of each tensor, or of all.")
    ] = "tensor",
    keep: Keep = None,
    name: As = None,
    as_json: output.AsJson = False,
) -> None:
    """Make a pruned version, and say what it lost."""
    from anima.registry import compress_service as compress

    if method != "magnitude" and (keep or scope != "tensor"):
        raise typer.BadParameter("--keep and --scope are of --method magnitude only")
    with model_place.signed_in() as me:
        with model_place.told_in_bytes(name_of, quiet=as_json) as progress:
            if method == "magnitude":
                made = compress.prune(
                    me, name_of, sparsity=share, scope=scope, keep=tuple(keep or ()), name=name, progress=progress
                )
            elif method == "heads":
                made = compress.prune_heads(me, name_of, share=share, name=name, progress=progress)
            else:
                made = compress.prune_neurons(me, name_of, share=share, name=name, progress=progress)
        _tell_loss(made, as_json=as_json)


def _tell_loss(made: Model, *, as_json: bool) -> None:
    """The version, and the weights that lost most."""
    from anima.registry import compress_model

    lost = [asdict(one) for one in compress_model.deviations(made.derivation)]
    if as_json:
        output.print_json({"model": asdict(made), "deviations": lost})
        return
    model.tell(made, as_json=False)
    sizes = made.derivation["bytes"]
    print(f"{model_place.size(sizes['before'])} before, {sizes['after'] / max(sizes['before'], 1):.0%} of it now\n")
    worst = sorted(lost, key=lambda one: -(one["relative"] or 0.0))
    rows = [{name: _short(value) for name, value in one.items()} for one in worst[:_SHOWN]]
    columns = ["name", "max_abs", "rmse", "relative", "cosine"]
    output.print_rows(rows, columns, as_json=False, empty="no weight was touched")
    if len(worst) > _SHOWN:
        print(f"and {len(worst) - _SHOWN} that lost less")


def _short(value: Any) -> Any:
    return f"{value:.5g}" if isinstance(value, float) else value


def verify(
    name_of: Annotated[
        str | None, typer.Argument(metavar="MODEL", help="A model; none: everything that is kept.")
    ] = None,
    as_json: output.AsJson = False,
) -> None:
    """Read every chunk and hash it; names what is damaged, and exits with 1 then."""
    from anima.tensors import service as tensors

    with model_place.signed_in() as me, model_place.working("verifying", quiet=as_json):
        bad = tensors.verify(me, None if name_of is None else _refs(me, name_of))
    rows = [
        {"tensor": one.tensor.name, "chunk": one.chunk_index, "reason": one.reason, "tensor_id": one.tensor.tensor_id}
        for one in bad
    ]
    shown = rows if as_json else _by_tensor(rows)
    output.print_rows(shown, ["tensor", "chunks", "reason"], as_json=as_json, empty="every chunk is whole")
    if bad:
        raise typer.Exit(1)


def _by_tensor(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """A line for each damaged tensor and what is wrong with it, with the numbers of the chunks."""
    found: dict[tuple[Any, str], dict[str, Any]] = {}
    for row in rows:
        told = found.setdefault((row["tensor_id"], row["reason"]), {**row, "chunks": []})
        told["chunks"].append(str(row["chunk"]))
    return list(found.values())


def _refs(me: db.Principal, name_of: str) -> list[Any]:
    """All tensors of a model: its weights, and what its files hold besides."""
    from anima.kernel import db as database
    from anima.registry import parts_service, service
    from anima.tensors import service as tensors

    found = service.get(me, name_of)
    known = {one.tensor_id for one in parts_service.all_weights(me, found)}
    known |= {one.literal_tensor_id for one in parts_service.all_files(me, found) if one.literal_tensor_id}
    with database.transaction(me) as tx:
        return tensors.refs(tx, service.owner(me), list(known))


def collect(
    grace: Annotated[float, typer.Option(metavar="HOURS", help="What is younger stays.", min=0)] = 1.0,
    as_json: output.AsJson = False,
) -> None:
    """Free the room of what nothing refers to any more; a server does it by itself."""
    from datetime import timedelta

    from anima.tensors import service as tensors

    with model_place.signed_in() as me, model_place.working("collecting", quiet=as_json):
        gone = tensors.collect(me, grace=timedelta(hours=grace))
    if as_json:
        output.print_json(asdict(gone))
    else:
        freed = f"{model_place.size(gone.bytes)} of files freed"
        print(f"{gone.tensors} tensors, {gone.chunks} chunks, {gone.packs} packs: {freed}")


def usage(as_json: output.AsJson = False) -> None:
    """How much your models take, in memory and as they are stored."""
    from anima.tensors import service as tensors

    with model_place.signed_in() as me:
        found = asdict(tensors.usage(me))
    if as_json:
        output.print_json(found)
        return
    size = model_place.size
    print(f"{size(found['n_bytes'])} in {found['tensors']} tensors; each chunk once: {size(found['chunk_bytes'])}")
    print(f"{size(found['stored_bytes'])} as it is stored, in {found['chunks']} chunks")
    print(f"{size(found['pack_bytes'])} of files, in {found['packs']} packs; what is small lies in the database")


def nearest(
    name_of: Name,
    text: Annotated[str, typer.Argument(help="A token of the vocabulary.")],
    k: Annotated[int, typer.Option(help="How many.", min=1, max=200)] = 10,
    as_json: output.AsJson = False,
) -> None:
    """The tokens whose embeddings are nearest to that of a token."""
    from anima.registry import vocabulary_service

    with model_place.signed_in() as me:
        rows = [asdict(one) for one in vocabulary_service.nearest(me, name_of, text, k)]
    shown = [{**one, "similarity": f"{one['similarity']:.3f}"} for one in rows]
    columns = ["token", "similarity", "position"]
    output.print_rows(rows if as_json else shown, columns, as_json=as_json, empty="nothing is near")


def example(
    name: Annotated[str, typer.Option(help="What to call it.")] = "example", as_json: output.AsJson = False
) -> None:
    """Make a small model with random weights, to look around in."""
    from anima.registry import example_service

    with model_place.signed_in() as me:
        made = example_service.example(me, name)
        model.tell(made.model, as_json=as_json)

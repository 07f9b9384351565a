"""What a model consists of: entered with the weights in one transaction, and listed."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from fnmatch import fnmatchcase
from typing import Any

from anima.kernel import db, ids, pages
from anima.kernel.errors import BadInput
from anima.kernel.pages import Page
from anima.registry import parts_repo, position, service
from anima.registry.architectures_model import Structure
from anima.registry.model import File, FileGiven, Head, Layer, Reference
from anima.registry.weight import Weight, weight
from anima.tensors import service as tensors_service
from anima.tensors.model import TensorRef


def enter(
    tx: db.Transaction, owner_id: int, model_id: uuid.UUID, tensors: Mapping[str, TensorRef], structure: Structure
) -> None:
    """Enters layers, weights and heads of a new model, as part of the transaction that makes its tensors visible."""
    layer_ids = [str(ids.uuid7()) for _ in structure.layers]
    weight_ids = {weight.name: str(ids.uuid7()) for weight in structure.weights}
    parts_repo.add_layers(
        tx,
        owner_id,
        model_id,
        [
            {"layer_id": layer_ids[number], "layer_index": number, **asdict(layer)}
            for number, layer in enumerate(structure.layers)
        ],
    )
    weights = [
        {
            "weight_id": weight_ids[weight.name],
            "layer_id": None if weight.layer is None else layer_ids[weight.layer],
            "tensor_id": str(tensors[weight.name].tensor_id),
            "position": number,
            "name": weight.name,
            "category": weight.category,
            "trainable": weight.trainable,
        }
        for number, weight in enumerate(structure.weights)
    ]
    parts_repo.add_weights(tx, owner_id, model_id, weights)
    parts_repo.add_heads(tx, owner_id, _head_rows(structure, layer_ids, weight_ids))


def _head_rows(structure: Structure, layer_ids: Sequence[str], weight_ids: Mapping[str, str]) -> list[dict[str, Any]]:
    return [
        {
            "head_id": str(ids.uuid7()),
            "layer_id": layer_ids[head.layer],
            "head_index": head.head_index,
            "head_dim": head.head_dim,
            "configuration": head.configuration,
            **{
                part: None if name is None else weight_ids[name]
                for part, name in (("q", head.q), ("k", head.k), ("v", head.v), ("o", head.o))
            },
        }
        for head in structure.heads
    ]


def enter_files(
    tx: db.Transaction,
    owner_id: int,
    model_id: uuid.UUID,
    tensors: Mapping[str, TensorRef],
    files: Sequence[FileGiven],
) -> None:
    """Enters the files of a model; `literal` of each names one of the tensors."""
    rows = [
        {
            "path": one.path,
            "position": number,
            "format": one.format,
            "n_bytes": one.n_bytes,
            "sha256": one.sha256.hex(),
            "literal": None if one.literal is None else str(tensors[one.literal].tensor_id),
            "segments": [list(segment) for segment in one.segments],
        }
        for number, one in enumerate(files)
    ]
    parts_repo.add_files(tx, owner_id, model_id, rows)


def carry_files(
    tx: db.Transaction, owner_id: int, parent_id: uuid.UUID, model_id: uuid.UUID, *, leave_out: Sequence[str] = ()
) -> None:
    """Gives a version the files of its parent that hold no weights (configuration, tokenizer), except those named."""
    parts_repo.carry_files(tx, owner_id, parent_id, model_id, leave_out)


def put_file(
    tx: db.Transaction, owner_id: int, model_id: uuid.UUID, path: str, content: TensorRef, sha256: bytes
) -> None:
    """Gives a version a small file of its own: a tensor of uint8 that holds its bytes."""
    given = FileGiven(path, "literal", content.n_bytes, sha256, content.name)
    enter_files(tx, owner_id, model_id, {content.name: content}, [given])


def layers(principal: db.Principal, model: Reference, cursor: str | None = None, limit: int = 50) -> Page[Layer]:
    """The layers of a model, from the input on. Raises NotFound, BadInput."""
    after = pages.number(cursor, 2**31 - 1)
    found = service.get(principal, model)
    owner_id = service.owner(principal)
    with db.transaction(principal) as tx:
        rows = parts_repo.layers(tx, owner_id, found.model_id, -1 if after is None else after, limit + 1)
    return pages.page(rows.all(), limit, lambda row: [row.layer_index])


def heads(principal: db.Principal, model: Reference, cursor: str | None = None, limit: int = 50) -> Page[Head]:
    """The attention heads of a model, layer by layer. Raises NotFound, BadInput."""
    after = position.numbers(cursor)
    found = service.get(principal, model)
    with db.transaction(principal) as tx:
        rows = parts_repo.heads(tx, service.owner(principal), found.model_id, after, limit + 1)
    return pages.page(rows.all(), limit, lambda row: [row.layer_index, row.head_index])


def weights(principal: db.Principal, model: Reference, cursor: str | None = None, limit: int = 50) -> Page[Weight]:
    """The weights of a model, in the order of its files. Raises NotFound, BadInput."""
    after = pages.number(cursor, 2**31 - 1)
    found = service.get(principal, model)
    owner_id = service.owner(principal)
    with db.transaction(principal) as tx:
        rows = parts_repo.weights(tx, owner_id, found.model_id, -1 if after is None else after, limit + 1)
    return pages.page([weight(row) for row in rows.all()], limit, lambda row: [row.position])


def all_weights(principal: db.Principal, model: Reference) -> list[Weight]:
    """All weights of a model, each with its tensor. Raises NotFound."""
    found = service.get(principal, model)
    with db.transaction(principal) as tx:
        rows = parts_repo.weights(tx, service.owner(principal), found.model_id, -1, None)
    return [weight(row) for row in rows.all()]


def files(principal: db.Principal, model: Reference, cursor: str | None = None, limit: int = 50) -> Page[File]:
    """The files that a model came in. Raises NotFound, BadInput."""
    after = position.number_and_text(cursor)
    found = service.get(principal, model)
    with db.transaction(principal) as tx:
        rows = parts_repo.files(tx, service.owner(principal), found.model_id, after, limit + 1)
    return pages.page(rows.all(), limit, lambda row: [row.position, row.path])


def all_files(principal: db.Principal, model: Reference) -> list[File]:
    """All files that a model came in. Raises NotFound."""
    found = service.get(principal, model)
    with db.transaction(principal) as tx:
        rows = parts_repo.files(tx, service.owner(principal), found.model_id, (-1, ""), None)
    return rows.all()


def set_trainable(principal: db.Principal, model: Reference, pattern: str, trainable: bool) -> int:
    """Says of all weights whose name fits a pattern ("h.0.*") whether they are trained; how many. Buffers never are.

    Raises NotFound.
    """
    found = service.get(principal, model)
    names = [weight.name for weight in all_weights(principal, found) if fnmatchcase(weight.name, pattern)]
    with db.transaction(principal) as tx:
        changed = parts_repo.set_trainable(tx, service.owner(principal), found.model_id, names, trainable)
    return changed.one().rows


def set_gradients(principal: db.Principal, model: Reference, gradients: Mapping[str, TensorRef]) -> int:
    """Refers from weights to tensors of their gradients; how many. Raises NotFound, BadInput."""
    found = service.get(principal, model)
    shapes = {weight.name: tuple(weight.shape) for weight in all_weights(principal, found)}
    for name, ref in gradients.items():
        if shapes.get(name) != ref.shape:
            raise BadInput(reason=f"the gradient of {name!r} has not the shape of a weight of this name")
    rows = [{"name": name, "tensor_id": str(ref.tensor_id)} for name, ref in gradients.items()]
    owner_id = service.owner(principal)
    with db.transaction(principal) as tx:
        tensors_service.hold(tx, owner_id, [ref.tensor_id for ref in gradients.values()])
        changed = parts_repo.set_gradients(tx, owner_id, found.model_id, rows)
        tensors_service.released(tx, owner_id)
    return changed.one().rows

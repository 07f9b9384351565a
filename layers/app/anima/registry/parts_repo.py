"""SQL of what a model consists of: layers, weights, heads, and the files that it came in."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from anima.kernel import db
from anima.registry.model import File, Head, Layer, WeightRow


@dataclass(frozen=True, slots=True)
class Count:
    """How many rows were changed."""

    rows: int


ADD_LAYERS = db.Command(
    """
    insert into transformer_layers (layer_id, owner_id, model_id, layer_index, name, type, input_dim, output_dim,
        configuration)
    select x.layer_id, %(owner_id)s, %(model_id)s, x.layer_index, x.name, x.type, x.input_dim, x.output_dim,
        x.configuration
    from jsonb_to_recordset(%(rows)s::jsonb) as x (layer_id uuid, layer_index integer, name text, type text,
        input_dim integer, output_dim integer, configuration jsonb)
    """
)

ADD_WEIGHTS = db.Command(
    """
    insert into model_weights (weight_id, owner_id, model_id, layer_id, tensor_id, position, name, category, trainable)
    select x.weight_id, %(owner_id)s, %(model_id)s, x.layer_id, x.tensor_id, x.position, x.name, x.category,
        x.trainable
    from jsonb_to_recordset(%(rows)s::jsonb) as x (weight_id uuid, layer_id uuid, tensor_id uuid, position integer,
        name text, category text, trainable boolean)
    """
)

ADD_HEADS = db.Command(
    """
    insert into attention_heads (head_id, owner_id, layer_id, head_index, head_dim, q_weight_id, k_weight_id,
        v_weight_id, o_weight_id, configuration)
    select x.head_id, %(owner_id)s, x.layer_id, x.head_index, x.head_dim, x.q, x.k, x.v, x.o, x.configuration
    from jsonb_to_recordset(%(rows)s::jsonb) as x (head_id uuid, layer_id uuid, head_index integer, head_dim integer,
        q uuid, k uuid, v uuid, o uuid, configuration jsonb)
    """
)

ADD_FILES = db.Command(
    """
    insert into model_files (owner_id, model_id, path, position, format, n_bytes, sha256, literal_tensor_id, segments)
    select %(owner_id)s, %(model_id)s, x.path, x.position, x.format, x.n_bytes, decode(x.sha256, 'hex'), x.literal,
        x.segments
    from jsonb_to_recordset(%(rows)s::jsonb) as x (path text, position integer, format text, n_bytes bigint,
        sha256 text, literal uuid, segments jsonb)
    on conflict (owner_id, model_id, path) do update set format = excluded.format, n_bytes = excluded.n_bytes,
        sha256 = excluded.sha256, literal_tensor_id = excluded.literal_tensor_id, segments = excluded.segments
    """
)

CARRY_FILES = db.Command(
    """
    insert into model_files (owner_id, model_id, path, position, format, n_bytes, sha256, literal_tensor_id, segments)
    select f.owner_id, %(model_id)s, f.path, f.position, f.format, f.n_bytes, f.sha256, f.literal_tensor_id, f.segments
    from model_files f
    where f.owner_id = %(owner_id)s and f.model_id = %(parent_id)s and f.format = 'literal'
        and f.path <> all (%(left_out)s::text[]) and f.path !~ '\\.(index\\.json|safetensors|gguf|bin|pt|pth|h5|onnx)$'
    on conflict (owner_id, model_id, path) do nothing
    """
)

LAYERS = db.Query(
    Layer,
    """
    select l.layer_id, l.layer_index, l.name, l.type, l.input_dim, l.output_dim, l.configuration,
        coalesce((
            select sum(tensor_elements(t.shape)) from model_weights w
            join tensor_metadata t on t.owner_id = w.owner_id and t.tensor_id = w.tensor_id
            where w.owner_id = l.owner_id and w.layer_id = l.layer_id
        ), 0)::bigint as parameters
    from transformer_layers l
    where l.owner_id = %(owner_id)s and l.model_id = %(model_id)s and l.layer_index > %(after)s
    order by l.layer_index limit %(limit)s
    """,
)

HEADS = db.Query(
    Head,
    """
    select h.head_id, h.layer_id, l.layer_index, h.head_index, h.head_dim, h.q_weight_id, h.k_weight_id, h.v_weight_id,
        h.o_weight_id, h.configuration
    from transformer_layers l
    join attention_heads h on h.owner_id = l.owner_id and h.layer_id = l.layer_id
    where l.owner_id = %(owner_id)s and l.model_id = %(model_id)s
        and (l.layer_index, h.head_index) > (%(after)s, %(after_head)s)
    order by l.layer_index, h.head_index limit %(limit)s
    """,
)

WEIGHTS = db.Query(
    WeightRow,
    """
    select w.weight_id, w.position, w.name, w.category, w.trainable, w.layer_id, l.layer_index, w.tensor_id,
        w.gradient_tensor_id, t.dtype, t.shape, t.n_bytes, t.checksum
    from model_weights w
    join tensor_metadata t on t.owner_id = w.owner_id and t.tensor_id = w.tensor_id
    left join transformer_layers l on l.owner_id = w.owner_id and l.layer_id = w.layer_id
    where w.owner_id = %(owner_id)s and w.model_id = %(model_id)s and w.position > %(after)s
    order by w.position, w.weight_id limit %(limit)s
    """,
)

FILES = db.Query(
    File,
    """
    select path, position, format, n_bytes, encode(sha256, 'hex') as sha256, literal_tensor_id, segments
    from model_files
    where owner_id = %(owner_id)s and model_id = %(model_id)s and (position, path) > (%(after)s, %(after_path)s::text)
    order by position, path limit %(limit)s
    """,
)

SET_TRAINABLE = db.Query(
    Count,
    """
    with changed as (
        update model_weights set trainable = %(trainable)s
        where owner_id = %(owner_id)s and model_id = %(model_id)s and name = any (%(names)s::text[])
            and category <> 'buffer'
        returning 1
    )
    select count(*)::integer as rows from changed
    """,
)

SET_GRADIENT = db.Query(
    Count,
    """
    with changed as (
        update model_weights w set gradient_tensor_id = x.tensor_id
        from jsonb_to_recordset(%(rows)s::jsonb) as x (name text, tensor_id uuid)
        where w.owner_id = %(owner_id)s and w.model_id = %(model_id)s and w.name = x.name
        returning 1
    )
    select count(*)::integer as rows from changed
    """,
)


def add_layers(tx: db.Transaction, owner_id: int, model_id: uuid.UUID, rows: Sequence[dict[str, Any]]) -> None:
    """Enters layers."""
    tx.execute(ADD_LAYERS, owner_id=owner_id, model_id=model_id, rows=db.jsonb(rows))


def add_weights(tx: db.Transaction, owner_id: int, model_id: uuid.UUID, rows: Sequence[dict[str, Any]]) -> None:
    """Enters weights."""
    tx.execute(ADD_WEIGHTS, owner_id=owner_id, model_id=model_id, rows=db.jsonb(rows))


def add_heads(tx: db.Transaction, owner_id: int, rows: Sequence[dict[str, Any]]) -> None:
    """Enters heads."""
    tx.execute(ADD_HEADS, owner_id=owner_id, rows=db.jsonb(rows))


def add_files(tx: db.Transaction, owner_id: int, model_id: uuid.UUID, rows: Sequence[dict[str, Any]]) -> None:
    """Enters files; one that is there is another now."""
    tx.execute(ADD_FILES, owner_id=owner_id, model_id=model_id, rows=db.jsonb(rows))


def carry_files(
    tx: db.Transaction, owner_id: int, parent_id: uuid.UUID, model_id: uuid.UUID, left_out: Sequence[str]
) -> None:
    """The files of a model that hold no weights are those of another one too."""
    tx.execute(CARRY_FILES, owner_id=owner_id, parent_id=parent_id, model_id=model_id, left_out=list(left_out))


def layers(tx: db.Transaction, owner_id: int, model_id: uuid.UUID, after: int, limit: int) -> db.Pending[Layer]:
    """Layers, from the input on."""
    return tx.fetch(LAYERS, owner_id=owner_id, model_id=model_id, after=after, limit=limit)


def heads(
    tx: db.Transaction, owner_id: int, model_id: uuid.UUID, after: tuple[int, int], limit: int
) -> db.Pending[Head]:
    """Heads, layer by layer."""
    return tx.fetch(HEADS, owner_id=owner_id, model_id=model_id, after=after[0], after_head=after[1], limit=limit)


def weights(
    tx: db.Transaction, owner_id: int, model_id: uuid.UUID, after: int, limit: int | None
) -> db.Pending[WeightRow]:
    """Weights, in the order of the files."""
    return tx.fetch(WEIGHTS, owner_id=owner_id, model_id=model_id, after=after, limit=limit)


def files(
    tx: db.Transaction, owner_id: int, model_id: uuid.UUID, after: tuple[int, str], limit: int | None
) -> db.Pending[File]:
    """Files, in their order."""
    return tx.fetch(FILES, owner_id=owner_id, model_id=model_id, after=after[0], after_path=after[1], limit=limit)


def set_trainable(
    tx: db.Transaction, owner_id: int, model_id: uuid.UUID, names: Sequence[str], trainable: bool
) -> db.Pending[Count]:
    """Says of weights whether they are trained."""
    return tx.fetch(SET_TRAINABLE, owner_id=owner_id, model_id=model_id, names=list(names), trainable=trainable)


def set_gradients(
    tx: db.Transaction, owner_id: int, model_id: uuid.UUID, rows: Sequence[dict[str, Any]]
) -> db.Pending[Count]:
    """Notes the last gradients of weights."""
    return tx.fetch(SET_GRADIENT, owner_id=owner_id, model_id=model_id, rows=db.jsonb(rows))

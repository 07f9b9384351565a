"""SQL of erasing the model database of somebody: a batch at a time, what refers before what is referred to."""

from __future__ import annotations

from dataclasses import dataclass

from anima.kernel import db


@dataclass(frozen=True, slots=True)
class Attempt:
    """Where an attempt of a job lies, and what it is called there."""

    backend: str
    handle: str
    alive: bool


@dataclass(frozen=True, slots=True)
class Batch:
    """How many rows of the model database a batch deleted."""

    n: int


PATTERNS = db.Query(
    Batch,
    """
    with gone as (
        delete from attention_patterns where owner_id = %(owner_id)s and pattern_id = any (array(
            select pattern_id from attention_patterns where owner_id = %(owner_id)s limit 5000
        ))
        returning 1
    )
    select count(*)::integer as n from gone
    """,
)

KEYS_AND_VALUES = db.Query(
    Batch,
    """
    with gone as (
        delete from kv_cache where owner_id = %(owner_id)s and kv_id = any (array(
            select kv_id from kv_cache where owner_id = %(owner_id)s limit 5000
        ))
        returning 1
    )
    select count(*)::integer as n from gone
    """,
)

# Those of texts go with their documents, or at the end.
ACTIVATIONS = db.Query(
    Batch,
    """
    with gone as (
        delete from activation_cache where owner_id = %(owner_id)s and tensor_id = any (array(
            select tensor_id from activation_cache where owner_id = %(owner_id)s and tensor_id is not null limit 5000
        ))
        returning 1
    )
    select count(*)::integer as n from gone
    """,
)

INFERENCE_METRICS = db.Query(
    Batch,
    """
    with gone as (
        delete from inference_metrics m using (
            select session_id, at, metric_id from inference_metrics where owner_id = %(owner_id)s limit 20000
        ) d
        where m.owner_id = %(owner_id)s and m.session_id = d.session_id and m.at = d.at and m.metric_id = d.metric_id
        returning 1
    )
    select count(*)::integer as n from gone
    """,
)

INFERENCE_SESSIONS = db.Query(
    Batch,
    """
    with gone as (
        delete from inference_sessions where owner_id = %(owner_id)s and session_id = any (array(
            select session_id from inference_sessions where owner_id = %(owner_id)s limit 2000
        ))
        returning 1
    )
    select count(*)::integer as n from gone
    """,
)

TRAINING_METRICS = db.Query(
    Batch,
    """
    with gone as (
        delete from training_metrics m using (
            select session_id, scope, name, step, at from training_metrics where owner_id = %(owner_id)s limit 20000
        ) d
        where m.owner_id = %(owner_id)s and m.session_id = d.session_id and m.scope = d.scope and m.name = d.name
            and m.step = d.step and m.at = d.at
        returning 1
    )
    select count(*)::integer as n from gone
    """,
)

OPTIMIZER = db.Query(
    Batch,
    """
    with gone as (
        delete from optimizer_state o using (
            select checkpoint_id, parameter from optimizer_state where owner_id = %(owner_id)s limit 10000
        ) d
        where o.owner_id = %(owner_id)s and o.checkpoint_id = d.checkpoint_id and o.parameter = d.parameter
        returning 1
    )
    select count(*)::integer as n from gone
    """,
)

CHECKPOINT_TENSORS = db.Query(
    Batch,
    """
    with gone as (
        delete from checkpoint_tensors t using (
            select checkpoint_id, role, name from checkpoint_tensors where owner_id = %(owner_id)s limit 10000
        ) d
        where t.owner_id = %(owner_id)s and t.checkpoint_id = d.checkpoint_id and t.role = d.role and t.name = d.name
        returning 1
    )
    select count(*)::integer as n from gone
    """,
)

CHECKPOINTS = db.Query(
    Batch,
    """
    with gone as (
        delete from model_checkpoints where owner_id = %(owner_id)s and checkpoint_id = any (array(
            select checkpoint_id from model_checkpoints where owner_id = %(owner_id)s limit 1000
        ))
        returning 1
    )
    select count(*)::integer as n from gone
    """,
)

RUNS = db.Query(
    Batch,
    """
    with gone as (
        delete from training_sessions where owner_id = %(owner_id)s and session_id = any (array(
            select session_id from training_sessions where owner_id = %(owner_id)s limit 1000
        ))
        returning 1
    )
    select count(*)::integer as n from gone
    """,
)

HEADS = db.Query(
    Batch,
    """
    with gone as (
        delete from attention_heads where owner_id = %(owner_id)s and head_id = any (array(
            select head_id from attention_heads where owner_id = %(owner_id)s limit 10000
        ))
        returning 1
    )
    select count(*)::integer as n from gone
    """,
)

WEIGHTS = db.Query(
    Batch,
    """
    with gone as (
        delete from model_weights where owner_id = %(owner_id)s and weight_id = any (array(
            select weight_id from model_weights where owner_id = %(owner_id)s limit 10000
        ))
        returning 1
    )
    select count(*)::integer as n from gone
    """,
)

VOCABULARIES = db.Query(
    Batch,
    """
    with gone as (
        delete from model_embeddings e using (
            select model_id, kind, position from model_embeddings where owner_id = %(owner_id)s limit 10000
        ) d
        where e.owner_id = %(owner_id)s and e.model_id = d.model_id and e.kind = d.kind and e.position = d.position
        returning 1
    )
    select count(*)::integer as n from gone
    """,
)

# With their layers, files, plans and deployments.
MODELS = db.Query(
    Batch,
    """
    with gone as (
        delete from models where owner_id = %(owner_id)s and model_id = any (array(
            select model_id from models where owner_id = %(owner_id)s limit 100
        ))
        returning 1
    )
    select count(*)::integer as n from gone
    """,
)

PIECES = db.Query(
    Batch,
    """
    with gone as (
        delete from tensor_data t using (
            select tensor_id, chunk_index from tensor_data where owner_id = %(owner_id)s limit 10000
        ) d
        where t.owner_id = %(owner_id)s and t.tensor_id = d.tensor_id and t.chunk_index = d.chunk_index
        returning 1
    )
    select count(*)::integer as n from gone
    """,
)

TENSORS = db.Query(
    Batch,
    """
    with gone as (
        delete from tensor_metadata where owner_id = %(owner_id)s and tensor_id = any (array(
            select tensor_id from tensor_metadata where owner_id = %(owner_id)s limit 10000
        ))
        returning 1
    )
    select count(*)::integer as n from gone
    """,
)

# What is left of them rests on one another: from the end of each chain of deltas on.
CHUNKS = db.Query(
    Batch,
    """
    with gone as (
        delete from tensor_chunks where owner_id = %(owner_id)s and checksum = any (array(
            select checksum from tensor_chunks where owner_id = %(owner_id)s and refs = 0 limit 10000
        ))
        returning 1
    )
    select count(*)::integer as n from gone
    """,
)

PACKS = db.Query(
    Batch,
    """
    with gone as (
        delete from tensor_packs p where p.owner_id = %(owner_id)s and p.pack_id = any (array(
            select q.pack_id from tensor_packs q where q.owner_id = %(owner_id)s and not exists (
                select from tensor_chunks c where c.owner_id = q.owner_id and c.pack_id = q.pack_id
            )
            limit 5000
        ))
        returning 1
    )
    select count(*)::integer as n from gone
    """,
)


# With their logs, and what was lent to them: it is free again.
JOBS = db.Query(
    Batch,
    """
    with gone as (
        delete from training_jobs where owner_id = %(owner_id)s and job_id = any (array(
            select job_id from training_jobs where owner_id = %(owner_id)s limit 100
        ))
        returning 1
    )
    select count(*)::integer as n from gone
    """,
)

ORDER = (
    JOBS,
    *(PATTERNS, KEYS_AND_VALUES, ACTIVATIONS, INFERENCE_METRICS, INFERENCE_SESSIONS),
    *(TRAINING_METRICS, OPTIMIZER, CHECKPOINT_TENSORS, CHECKPOINTS, RUNS),
    *(HEADS, WEIGHTS, VOCABULARIES, MODELS),
    *(PIECES, TENSORS, CHUNKS, PACKS),
)
"""Each until it removes nothing any more, in this order."""


ATTEMPTS = db.Query(
    Attempt,
    """
    select backend, coalesce(handle, replace(job_id::text, '-', '') || '-' || attempt) as handle,
        status in ('starting', 'running', 'stopping') as alive
    from training_jobs where owner_id = %(owner_id)s and attempt > 0
    """,
)


def attempts(tx: db.Transaction, owner_id: int) -> db.Pending[Attempt]:
    """The jobs of somebody that were begun, by what their backends call them."""
    return tx.fetch(ATTEMPTS, owner_id=owner_id)


def batch(tx: db.Transaction, owner_id: int, query: db.Query[Batch]) -> db.Pending[Batch]:
    """Removes some rows of one kind."""
    return tx.fetch(query, owner_id=owner_id)

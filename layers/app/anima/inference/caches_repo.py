"""SQL of what the caches hold and have saved."""

from __future__ import annotations

from anima.inference.caches_model import Cache
from anima.kernel import db

# Each range of a layer of a session counts its own uses; what was not read again is counted by one layer of them.
CACHES = db.Query(
    Cache,
    """
    with activations as (
        select case when starts_with(a.model, 'weights:') then 'activations' else 'embeddings' end as kind,
            coalesce(t.n_bytes, octet_length(a.tensor))::bigint as n_bytes, a.hits::bigint as hits, a.created_at,
            a.expires_at
        from activation_cache a
        left join tensor_metadata t on t.owner_id = a.owner_id and t.tensor_id = a.tensor_id
        where a.owner_id = %(owner_id)s
    ),
    held as (
        select kind, n_bytes, hits, null::bigint as tokens, created_at, expires_at from activations
        union all
        select case when k.session_id is null then 'slots' else 'kv' end, k.n_bytes, k.hits,
            case when coalesce(k.layer, 0) = 0 then k.hits * (k.seq_end - k.seq_start) else 0 end, k.created_at,
            k.expires_at
        from kv_cache k where k.owner_id = %(owner_id)s
    )
    select n.kind, count(h.kind) as entries, coalesce(sum(h.n_bytes), 0)::bigint as n_bytes,
        coalesce(sum(h.hits), 0)::bigint as hits, coalesce(sum(h.hits * h.n_bytes), 0)::bigint as saved_bytes,
        case when n.kind in ('kv', 'slots') then coalesce(sum(h.tokens), 0)::bigint end as saved_tokens,
        min(h.created_at) as oldest, min(h.expires_at) as next_ends
    from unnest(%(kinds)s::text[]) with ordinality n (kind, place) left join held h using (kind)
    group by n.kind, n.place order by n.place
    """,
)


def caches(tx: db.Transaction, owner_id: int, kinds: tuple[str, ...]) -> db.Pending[Cache]:
    """The caches of these kinds, also those that hold nothing, in this order."""
    return tx.fetch(CACHES, owner_id=owner_id, kinds=list(kinds))

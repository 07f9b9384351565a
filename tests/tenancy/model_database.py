"""What two people have in the model database: models with tensors, runs with checkpoints, and what inference kept.

Both have the same content in their chunks' checksums, so that a statement that forgets the owner finds the other's.
"""

from __future__ import annotations

from typing import LiteralString

# In the order of their foreign keys, after everything else of `two_people.SEED`.
SEED: list[LiteralString] = [
    # One that is whole, one that somebody has been silent about for long, and one whose file may go.
    """
    insert into tensor_packs (pack_id, owner_id, state, n_bytes, created_at, touched_at)
    select ('00000000-0000-7000-8001-' || lpad((%(me)s::bigint * 10 + n)::text, 12, '0'))::uuid, %(me)s, state, 8192,
        now() - interval '9 days', now() - interval '9 days'
    from (values (0, 'sealed'), (1, 'writing'), (2, 'dead')) as p (n, state)
    """,
    # Packed, inline, XORed with the inline one, and needed by nothing.
    """
    insert into tensor_chunks (
        owner_id, checksum, quick_checksum, n_bytes, stored_bytes, codec, base, depth, pack_id, pack_offset, data,
        created_at
    )
    select %(me)s, sha256(c.content::bytea), decode(md5(c.content), 'hex'), 4, 4, c.codec,
        sha256(c.base::bytea), case when c.base is null then 0 else 1 end, p.pack_id, c.pack_offset,
        case when c.pack_offset is null then convert_to(%(mark)s::text, 'utf8') end, now() - interval '9 days'
    from (
        values ('known', 'raw', null, 0), ('inline', 'raw', null, null), ('delta', 'delta', 'inline', 4096),
            ('free', 'raw', null, null), ('free and packed', 'raw', null, 8192)
    ) as c (content, codec, base, pack_offset)
    left join tensor_packs p on p.owner_id = %(me)s and p.state = 'sealed' and c.pack_offset is not null
    order by c.base nulls first
    """,
    # A weight, what optimisers and caches keep, and two of which nothing is left but they themselves.
    """
    insert into tensor_metadata (
        tensor_id, owner_id, name, shape, dtype, storage, compression, checksum, n_bytes, created_at
    )
    select ('00000000-0000-7000-8002-' || lpad((%(me)s::bigint * 10 + n)::text, 12, '0'))::uuid, %(me)s, t.name, '{1}',
        'float32', t.storage, 'raw', sha256(t.content::bytea), 4, now() - interval '9 days'
    from (
        values (0, 'x', 'packed', 'known'), (1, %(mark)s::text, 'inline', 'inline'), (2, 'x', 'packed', 'delta'),
            (3, 'free', 'inline', 'known'), (4, 'free', 'inline', 'inline')
    ) as t (n, name, storage, content)
    """,
    """
    insert into tensor_data (owner_id, tensor_id, chunk_index, checksum)
    select t.owner_id, t.tensor_id, 0, c.checksum
    from tensor_metadata t join tensor_chunks c on c.owner_id = t.owner_id and c.checksum = t.checksum
    where t.owner_id = %(me)s
    """,
    # The second came from the first and is deployed; the third is in training.
    """
    insert into models (
        model_id, owner_id, name, version, type, architecture, status, parent_id, derivation, created_at, updated_at
    )
    select ('00000000-0000-7000-8003-' || lpad((%(me)s::bigint * 10 + version)::text, 12, '0'))::uuid, %(me)s, m.name,
        version, 'decoder', jsonb_build_object('mark', %(mark)s::text), status,
        ('00000000-0000-7000-8003-' || lpad((%(me)s::bigint * 10 + m.parent)::text, 12, '0'))::uuid, '{}', now(), now()
    from (
        values ('x', 1, 'trained', null::integer), ('x', 2, 'deployed', 1), ('x', 3, 'training', 1)
    ) as m (name, version, status, parent)
    """,
    """
    insert into model_deployments (
        deployment_id, owner_id, name, number, model_id, replaced_id, previous_number, deployed_at
    )
    select gen_random_uuid(), m.owner_id, m.name, m.version, m.model_id, m.parent_id, nullif(m.version - 1, 0), now()
    from models m where m.owner_id = %(me)s and m.version <= 2 order by m.version
    """,
    """
    insert into transformer_layers (
        layer_id, owner_id, model_id, layer_index, name, type, input_dim, output_dim, configuration
    )
    select gen_random_uuid(), owner_id, model_id, 0, 'x', 'attention', 1, 1,
        jsonb_build_object('mark', %(mark)s::text, 'block', 0)
    from models where owner_id = %(me)s order by version
    """,
    """
    insert into model_weights (
        weight_id, owner_id, model_id, layer_id, tensor_id, gradient_tensor_id, position, name, category
    )
    select gen_random_uuid(), l.owner_id, l.model_id, l.layer_id, t.tensor_id, g.tensor_id, 0, 'x', 'attention'
    from transformer_layers l
    join tensor_metadata t on t.owner_id = l.owner_id and t.name = 'x' and t.checksum = sha256('known')
    join tensor_metadata g on g.owner_id = l.owner_id and g.name = %(mark)s
    where l.owner_id = %(me)s
    """,
    """
    insert into attention_heads (
        head_id, owner_id, layer_id, head_index, head_dim, q_weight_id, k_weight_id, v_weight_id, o_weight_id,
        configuration
    )
    select gen_random_uuid(), owner_id, layer_id, 0, 1, weight_id, weight_id, weight_id, weight_id,
        jsonb_build_object('mark', %(mark)s::text)
    from model_weights where owner_id = %(me)s
    """,
    """
    insert into model_embeddings (owner_id, model_id, kind, position, token, vector)
    select owner_id, model_id, 'token', n, case n when 0 then 'x' else %(mark)s end, %(vector)s::halfvec
    from models, generate_series(0, 1) n where owner_id = %(me)s
    """,
    """
    insert into model_files (owner_id, model_id, path, position, format, n_bytes, sha256, literal_tensor_id, segments)
    select m.owner_id, m.model_id, 'x', 0, 'safetensors', 4, sha256('x'), t.tensor_id,
        jsonb_build_array(jsonb_build_array(%(mark)s::text, 0))
    from models m join tensor_metadata t on t.owner_id = m.owner_id and t.name = %(mark)s where m.owner_id = %(me)s
    union all
    select m.owner_id, m.model_id, 'config.json', 1, 'literal', 4, sha256('x'), t.tensor_id, '[]'
    from models m join tensor_metadata t on t.owner_id = m.owner_id and t.name = %(mark)s
    where m.owner_id = %(me)s and m.version = 1
    """,
    # One that runs, and has been silent; one that has come to its end.
    """
    insert into training_sessions (
        session_id, owner_id, model_id, name, configuration, status, current_epoch, total_epochs, step, writer,
        started_at, heartbeat_at, ended_at, created_at, updated_at
    )
    select ('00000000-0000-7000-8004-' || lpad((%(me)s::bigint * 10 + n)::text, 12, '0'))::uuid, m.owner_id,
        m.model_id, 'x', jsonb_build_object('mark', %(mark)s::text), s.status, 1, 2, 1,
        case s.status when 'running' then '00000000-0000-7000-8000-000000000003'::uuid end,
        now() - interval '1 day', now() - interval '1 day', s.ended_at, now() - interval '1 day', now()
    from models m, (values (0, 'running', null), (1, 'completed', now())) as s (n, status, ended_at)
    where m.owner_id = %(me)s and m.version = 1
    """,
    """
    insert into training_metrics (owner_id, session_id, scope, name, step, at, epoch, value)
    select owner_id, session_id, 'train', n, 1, now(), 1, 7 from training_sessions, unnest(array['x', %(mark)s]) n
    where owner_id = %(me)s
    """,
    # One that runs and has a GPU, one that waits for its turn, one that has come to its end.
    """
    insert into training_jobs (
        job_id, owner_id, kind, name, status, configuration, backend, gpus, run_id, model_id, handle, attempt, step,
        check_at, created_at, updated_at
    )
    select ('00000000-0000-7000-8006-' || lpad((%(me)s::bigint * 10 + n)::text, 12, '0'))::uuid, s.owner_id,
        'simulation', 'x', j.status, jsonb_build_object('mark', %(mark)s::text), 'local', 1, s.session_id, s.model_id,
        'x', 1, 1, now() - interval '1 hour', now() - interval '1 day', now()
    from training_sessions s, (values (0, 'running'), (1, 'queued'), (2, 'completed')) as j (n, status)
    where s.owner_id = %(me)s and s.status = 'running' order by n
    """,
    """
    insert into gpu_sessions (session_id, owner_id, job_id, gpu_id)
    select gen_random_uuid(), owner_id, job_id, %(mark)s from training_jobs
    where owner_id = %(me)s and status = 'running'
    """,
    """
    insert into job_logs (owner_id, job_id, seq, at, line)
    select owner_id, job_id, %(me)s::bigint * 100 + n, now(), %(mark)s from training_jobs, generate_series(1, 2) n
    where owner_id = %(me)s
    """,
    # Of a run the best one and the one that came after it; and one of a model that no run made.
    """
    insert into model_checkpoints (
        checkpoint_id, owner_id, session_id, model_id, parent_id, kind, step, epoch, metrics, state, is_best, n_bytes,
        new_bytes, created_at
    )
    select ('00000000-0000-7000-8005-' || lpad((%(me)s::bigint * 10 + n)::text, 12, '0'))::uuid, s.owner_id,
        case when c.of_run then s.session_id end, s.model_id,
        case when n = 1 then ('00000000-0000-7000-8005-' || lpad((%(me)s::bigint * 10)::text, 12, '0'))::uuid end,
        case when c.of_run then 'full' else 'weights' end, n + 1, 1, '{"x": 1}',
        jsonb_build_object('mark', %(mark)s::text), n = 0, 4, 4, now()
    from training_sessions s, (values (0, true), (1, true), (2, false)) as c (n, of_run)
    where s.owner_id = %(me)s and s.status = 'running' order by n
    """,
    """
    insert into checkpoint_tensors (owner_id, checkpoint_id, name, role, position, tensor_id)
    select c.owner_id, c.checkpoint_id, r.name, r.role, r.position, t.tensor_id
    from model_checkpoints c
    join tensor_metadata t on t.owner_id = c.owner_id and t.name = 'x' and t.checksum = sha256('known'),
        (values ('x', 'weight', 0), (%(mark)s::text, 'state', 1)) as r (name, role, position)
    where c.owner_id = %(me)s
    """,
    """
    insert into optimizer_state (
        owner_id, checkpoint_id, session_id, parameter, momentum_tensor_id, variance_tensor_id, hyperparameters, step
    )
    select c.owner_id, c.checkpoint_id, c.session_id, 'x', t.tensor_id, t.tensor_id,
        jsonb_build_object('mark', %(mark)s::text), c.step
    from model_checkpoints c
    join tensor_metadata t on t.owner_id = c.owner_id and t.name = 'x' and t.checksum = sha256('delta')
    where c.owner_id = %(me)s and c.session_id is not null
    """,
    """
    insert into gradient_checkpoints (owner_id, model_id, layer, strategy, saved_bytes, created_at)
    select owner_id, model_id, l, 'recompute', 4, now() from models, unnest(array['x', %(mark)s]) l
    where owner_id = %(me)s
    """,
    """
    insert into inference_sessions (session_id, owner_id, model_id, temperature, created_at)
    select gen_random_uuid(), owner_id, model_id, 0.5, now() from models where owner_id = %(me)s order by version
    """,
    """
    insert into inference_metrics (owner_id, session_id, at, metric_id, latency_ms, tokens)
    select owner_id, session_id, now(), gen_random_uuid(), 7, 7 from inference_sessions where owner_id = %(me)s
    """,
    # Of a transformer's layer, which has expired but in the first session, and of a slot.
    """
    insert into kv_cache (
        kv_id, owner_id, session_id, layer, avatar_id, prompt_hash, model, seq_start, seq_end, tensor_id, n_bytes,
        created_at, used_at, expires_at
    )
    select gen_random_uuid(), t.owner_id, s.session_id, 0, null::uuid, sha256('known'), %(mark)s, 0, 1, t.tensor_id, 4,
        now(), now() - interval '1 day',
        now() + case when row_number() over (order by s.session_id) = 1 then '1 day' else '-1 hour' end::interval
    from tensor_metadata t join inference_sessions s using (owner_id)
    where t.owner_id = %(me)s and t.checksum = sha256('delta')
    union all
    select gen_random_uuid(), t.owner_id, null, null, a.avatar_id, sha256('known'), 'the-model', 0, 1, t.tensor_id, 4,
        now(), now(), now() + interval '1 day'
    from tensor_metadata t join avatars a using (owner_id) where t.owner_id = %(me)s and t.checksum = sha256('delta')
    """,
    """
    insert into attention_patterns (
        pattern_id, owner_id, session_id, model_id, layer, head, tensor_id, tokens, input_hash, created_at
    )
    select gen_random_uuid(), s.owner_id, s.session_id, s.model_id, 0, 0, t.tensor_id, array[%(mark)s::text],
        sha256('known'), now()
    from inference_sessions s join tensor_metadata t on t.owner_id = s.owner_id and t.checksum = sha256('delta')
    where s.owner_id = %(me)s
    """,
    """
    insert into activation_cache (
        owner_id, model, layer, input_hash, tensor, shape, expires_at, tensor_id
    )
    select owner_id, 'weights:known', layer, sha256('known'), '', '{1}', now() + ends, tensor_id
    from tensor_metadata, (values ('x', interval '1 day'), (%(mark)s::text, interval '-1 day')) as a (layer, ends)
    where owner_id = %(me)s and checksum = sha256('delta')
    """,
    # A file of a model of the catalogue is everybody's.
    """
    insert into model_artifacts (artifact_id, model_id, uri, checksum, uploaded_at) overriding system value
    select 1, min(model_id), 'x', 'sha256:' || repeat('1', 64), now() from llm_models on conflict do nothing
    """,
]

# The rows that parameters.NAMED gives to a statement.
NAMED: dict[str, LiteralString] = {
    "free tensor": "select min(tensor_id::text)::uuid from tensor_metadata where owner_id = %(me)s and name = 'free'",
    "silent pack": "select pack_id from tensor_packs where owner_id = %(me)s and state = 'writing'",
    "dead pack": "select pack_id from tensor_packs where owner_id = %(me)s and state = 'dead'",
    "deployed model": "select model_id from models where owner_id = %(me)s and status = 'deployed'",
    "model in training": "select model_id from models where owner_id = %(me)s and status = 'training'",
    "completed run": "select session_id from training_sessions where owner_id = %(me)s and status = 'completed'",
    "queued job": "select job_id from training_jobs where owner_id = %(me)s and status = 'queued'",
    "completed job": "select job_id from training_jobs where owner_id = %(me)s and status = 'completed'",
    "checkpoint of no run": """
        select checkpoint_id from model_checkpoints where owner_id = %(me)s and session_id is null
    """,
}

-- Tensors: what they are, of which chunks they consist, and where each chunk lies. A chunk is known by what is in it, and
-- shared within an owner only; it lies in an append-only pack (a file or an object), or, where little is saved, here.

create table tensor_packs (
    pack_id uuid primary key,
    owner_id bigint not null references users on delete cascade,
    state text not null default 'writing' check (state in ('writing', 'sealed', 'dead')),
    n_bytes bigint not null default 0 check (n_bytes >= 0),
    created_at timestamptz not null,
    touched_at timestamptz not null,
    unique (owner_id, pack_id)
);
create index tensor_packs_state on tensor_packs (owner_id, state, touched_at);

comment on column tensor_packs.touched_at is 'When who writes it was last heard of: one that is silent for long has been abandoned, and cannot be sealed any more';

create table tensor_chunks (
    owner_id bigint not null references users on delete cascade,
    checksum bytea not null check (octet_length(checksum) = 32),
    quick_checksum bytea not null check (octet_length(quick_checksum) = 16),
    n_bytes integer not null check (n_bytes > 0),
    stored_bytes integer not null check (stored_bytes > 0),
    codec text not null check (length(codec) between 1 and 40),
    base bytea,
    depth smallint not null default 0 check (depth >= 0),
    pack_id uuid,
    pack_offset bigint check (pack_offset >= 0),
    data bytea,
    refs bigint not null default 0 check (refs >= 0),
    damaged_at timestamptz,
    created_at timestamptz not null,
    primary key (owner_id, checksum),
    foreign key (owner_id, pack_id) references tensor_packs (owner_id, pack_id),
    foreign key (owner_id, base) references tensor_chunks (owner_id, checksum),
    check ((pack_id is null) = (pack_offset is null)),
    check ((pack_id is null) <> (data is null)),
    check ((base is null) = (depth = 0))
);
alter table tensor_chunks alter column data set storage external;
create index tensor_chunks_pack on tensor_chunks (owner_id, pack_id, pack_offset);
create index tensor_chunks_base on tensor_chunks (owner_id, base);
create index tensor_chunks_free on tensor_chunks (owner_id, created_at) where refs = 0;

comment on column tensor_chunks.checksum is 'BLAKE3 of the bytes as they are in memory, before any codec';
comment on column tensor_chunks.quick_checksum is 'XXH3-128 of the same bytes, seeded with the checksum, checked at each read';
comment on column tensor_chunks.base is 'The chunk against which this one was XORed (codecs named delta)';
comment on column tensor_chunks.damaged_at is 'Since when it is known that it, or what it stands on, cannot be read: who saves it again stores it anew';
comment on column tensor_chunks.refs is 'How many tensors and deltas need it; kept by triggers';

create table tensor_metadata (
    tensor_id uuid primary key,
    owner_id bigint not null references users on delete cascade,
    name text not null check (length(name) between 1 and 500),
    shape bigint[] not null,
    dtype text not null check (length(dtype) between 1 and 20),
    storage text not null check (storage in ('inline', 'packed')),
    compression text not null check (compression in ('raw', 'compressed', 'delta')),
    checksum bytea not null check (octet_length(checksum) = 32),
    n_bytes bigint not null check (n_bytes >= 0),
    created_at timestamptz not null,
    unique (owner_id, tensor_id),
    unique (owner_id, checksum, name)
);
create index tensor_metadata_recent on tensor_metadata (owner_id, created_at, tensor_id);

comment on column tensor_metadata.checksum is 'BLAKE3 of dtype, shape and the checksums of the chunks in order';
comment on column tensor_metadata.n_bytes is 'Size in memory';

create table tensor_data (
    owner_id bigint not null references users on delete cascade,
    tensor_id uuid not null,
    chunk_index integer not null check (chunk_index >= 0),
    checksum bytea not null,
    primary key (owner_id, tensor_id, chunk_index),
    foreign key (owner_id, tensor_id) references tensor_metadata (owner_id, tensor_id) on delete cascade,
    foreign key (owner_id, checksum) references tensor_chunks (owner_id, checksum)
);
create index tensor_data_chunk on tensor_data (owner_id, checksum);

create function tensor_data_refs() returns trigger
language plpgsql set search_path = public, pg_temp
as $$
begin
    if tg_op = 'INSERT' then
        update tensor_chunks c set refs = c.refs + n.count
        from (select owner_id, checksum, count(*) from changed group by owner_id, checksum) n
        where c.owner_id = n.owner_id and c.checksum = n.checksum;
    else
        update tensor_chunks c set refs = c.refs - n.count
        from (select owner_id, checksum, count(*) from changed group by owner_id, checksum) n
        where c.owner_id = n.owner_id and c.checksum = n.checksum;
    end if;
    return null;
end
$$;
create trigger tensor_data_more after insert on tensor_data
    referencing new table as changed for each statement execute function tensor_data_refs();
create trigger tensor_data_less after delete on tensor_data
    referencing old table as changed for each statement execute function tensor_data_refs();

create function tensor_base_refs() returns trigger
language plpgsql set search_path = public, pg_temp
as $$
begin
    if tg_op = 'INSERT' then
        update tensor_chunks c set refs = c.refs + n.count
        from (select owner_id, base, count(*) from changed where base is not null group by owner_id, base) n
        where c.owner_id = n.owner_id and c.checksum = n.base;
    else
        update tensor_chunks c set refs = c.refs - n.count
        from (select owner_id, base, count(*) from changed where base is not null group by owner_id, base) n
        where c.owner_id = n.owner_id and c.checksum = n.base;
    end if;
    return null;
end
$$;
create trigger tensor_chunks_more after insert on tensor_chunks
    referencing new table as changed for each statement execute function tensor_base_refs();
create trigger tensor_chunks_less after delete on tensor_chunks
    referencing old table as changed for each statement execute function tensor_base_refs();

-- Weights of a model, in the order of its files; a head points at those of its four projections, or at rows of them.
create table model_weights (
    weight_id uuid primary key,
    owner_id bigint not null references users on delete cascade,
    model_id uuid not null,
    layer_id uuid,
    tensor_id uuid not null,
    gradient_tensor_id uuid,
    position integer not null check (position >= 0),
    name text not null check (length(name) between 1 and 500),
    category text not null check (length(category) between 1 and 40),
    trainable boolean not null default true,
    unique (owner_id, weight_id),
    unique (owner_id, model_id, name),
    foreign key (owner_id, model_id) references models (owner_id, model_id) on delete cascade,
    foreign key (owner_id, layer_id) references transformer_layers (owner_id, layer_id) on delete set null (layer_id),
    foreign key (owner_id, tensor_id) references tensor_metadata (owner_id, tensor_id),
    foreign key (owner_id, gradient_tensor_id) references tensor_metadata (owner_id, tensor_id)
        on delete set null (gradient_tensor_id)
);
create index model_weights_layer on model_weights (owner_id, layer_id);
create index model_weights_tensor on model_weights (owner_id, tensor_id);
create index model_weights_gradient on model_weights (owner_id, gradient_tensor_id);

create table attention_heads (
    head_id uuid primary key,
    owner_id bigint not null references users on delete cascade,
    layer_id uuid not null,
    head_index integer not null check (head_index >= 0),
    head_dim integer not null check (head_dim > 0),
    q_weight_id uuid,
    k_weight_id uuid,
    v_weight_id uuid,
    o_weight_id uuid,
    configuration jsonb not null default '{}' check (jsonb_typeof(configuration) = 'object'),
    unique (owner_id, head_id),
    unique (owner_id, layer_id, head_index),
    foreign key (owner_id, layer_id) references transformer_layers (owner_id, layer_id) on delete cascade,
    foreign key (owner_id, q_weight_id) references model_weights (owner_id, weight_id) on delete set null (q_weight_id),
    foreign key (owner_id, k_weight_id) references model_weights (owner_id, weight_id) on delete set null (k_weight_id),
    foreign key (owner_id, v_weight_id) references model_weights (owner_id, weight_id) on delete set null (v_weight_id),
    foreign key (owner_id, o_weight_id) references model_weights (owner_id, weight_id) on delete set null (o_weight_id)
);
create index attention_heads_q on attention_heads (owner_id, q_weight_id);
create index attention_heads_k on attention_heads (owner_id, k_weight_id);
create index attention_heads_v on attention_heads (owner_id, v_weight_id);
create index attention_heads_o on attention_heads (owner_id, o_weight_id);

comment on column attention_heads.configuration is 'Which rows or columns of each projection are this head''s: {"q": {"axis": 0, "from": 0, "to": 64}, ...}';

-- Rows of embedding matrices, where the vocabulary is small enough to be searched here; else the tensor is searched.
create table model_embeddings (
    owner_id bigint not null references users on delete cascade,
    model_id uuid not null,
    kind text not null check (kind in ('token', 'position', 'segment')),
    position integer not null check (position >= 0),
    token text,
    vector halfvec not null,
    primary key (owner_id, model_id, kind, position),
    foreign key (owner_id, model_id) references models (owner_id, model_id) on delete cascade
);
create index model_embeddings_token on model_embeddings (owner_id, model_id, token);

-- The files that a model came in, for a way out bit for bit: literal bytes (headers, or all of a small file) and tensors.
create table model_files (
    owner_id bigint not null references users on delete cascade,
    model_id uuid not null,
    path text not null check (length(path) between 1 and 500),
    position integer not null check (position >= 0),
    format text not null check (format in ('literal', 'safetensors', 'gguf')),
    n_bytes bigint not null check (n_bytes >= 0),
    sha256 bytea not null check (octet_length(sha256) = 32),
    literal_tensor_id uuid,
    segments jsonb not null default '[]' check (jsonb_typeof(segments) = 'array'),
    primary key (owner_id, model_id, path),
    foreign key (owner_id, model_id) references models (owner_id, model_id) on delete cascade,
    foreign key (owner_id, literal_tensor_id) references tensor_metadata (owner_id, tensor_id)
);
create index model_files_tensor on model_files (owner_id, literal_tensor_id);

comment on column model_files.literal_tensor_id is 'The bytes of the file that are no tensor''s, one after the other (uint8)';
comment on column model_files.segments is 'Where tensors lie in the file: [[name of the weight, offset], ...], ascending';

alter table tensor_packs enable row level security;
alter table tensor_chunks enable row level security;
alter table tensor_metadata enable row level security;
alter table tensor_data enable row level security;
alter table model_weights enable row level security;
alter table attention_heads enable row level security;
alter table model_embeddings enable row level security;
alter table model_files enable row level security;
create policy tenant on tensor_packs for all to anima_app, anima_worker using (owner_id = (select current_tenant()));
create policy tenant on tensor_chunks for all to anima_app, anima_worker using (owner_id = (select current_tenant()));
create policy tenant on tensor_metadata for all to anima_app, anima_worker using (owner_id = (select current_tenant()));
create policy tenant on tensor_data for all to anima_app, anima_worker using (owner_id = (select current_tenant()));
create policy tenant on model_weights for all to anima_app, anima_worker using (owner_id = (select current_tenant()));
create policy tenant on attention_heads for all to anima_app, anima_worker using (owner_id = (select current_tenant()));
create policy tenant on model_embeddings for all to anima_app, anima_worker using (owner_id = (select current_tenant()));
create policy tenant on model_files for all to anima_app, anima_worker using (owner_id = (select current_tenant()));
grant select, insert, update, delete on tensor_packs, tensor_chunks, tensor_metadata, tensor_data, model_weights,
    attention_heads, model_embeddings, model_files to anima_app, anima_worker;

-- How many numbers a tensor of a shape holds: 1 for a scalar's empty shape.
create function tensor_elements(shape bigint[]) returns bigint
language plpgsql immutable parallel safe set search_path = pg_catalog
as $$
declare
    n bigint := 1;
    d bigint;
begin
    foreach d in array shape loop
        n := n * d;
    end loop;
    return n;
end
$$;
grant execute on function tensor_elements(bigint[]) to anima_app, anima_worker;

-- How many parameters a model has, and how many of them are trained.
create function calculate_model_parameters(p_model_id uuid, out total bigint, out trainable bigint)
language sql stable set search_path = public, pg_temp
as $$
    select coalesce(sum(tensor_elements(t.shape)), 0)::bigint,
        coalesce(sum(tensor_elements(t.shape)) filter (where w.trainable), 0)::bigint
    from model_weights w join tensor_metadata t on t.owner_id = w.owner_id and t.tensor_id = w.tensor_id
    where w.model_id = p_model_id and w.owner_id = (select m.owner_id from models m where m.model_id = p_model_id)
$$;
grant execute on function calculate_model_parameters(uuid) to anima_app, anima_worker;

create view v_model_architecture with (security_invoker = true) as
select m.owner_id, m.model_id, m.name, m.version, m.type, m.status, m.architecture ->> 'family' as family,
    coalesce(l.layers, 0) as layer_count, coalesce(l.attention, 0) as attention_layers,
    coalesce(l.feedforward, 0) as feedforward_layers, coalesce(l.normalization, 0) as normalization_layers,
    coalesce(h.heads, 0) as head_count, coalesce(w.weights, 0) as weight_count,
    coalesce(w.parameters, 0) as parameter_count, coalesce(w.trainable, 0) as trainable_parameter_count,
    coalesce(w.n_bytes, 0) as n_bytes, m.created_at, m.updated_at
from models m
left join lateral (
    select count(*) as layers, count(*) filter (where type = 'attention') as attention,
        count(*) filter (where type = 'feedforward') as feedforward,
        count(*) filter (where type = 'normalization') as normalization
    from transformer_layers where owner_id = m.owner_id and model_id = m.model_id
) l on true
left join lateral (
    select count(*) as heads from attention_heads a
    join transformer_layers t on t.owner_id = a.owner_id and t.layer_id = a.layer_id
    where t.owner_id = m.owner_id and t.model_id = m.model_id
) h on true
left join lateral (
    select count(*) as weights, sum(p.n)::bigint as parameters, (sum(p.n) filter (where x.trainable))::bigint as trainable,
        sum(t.n_bytes)::bigint as n_bytes
    from model_weights x join tensor_metadata t on t.owner_id = x.owner_id and t.tensor_id = x.tensor_id
    cross join lateral (select tensor_elements(t.shape) as n) p
    where x.owner_id = m.owner_id and x.model_id = m.model_id
) w on true;
grant select on v_model_architecture to anima_app, anima_worker;

-- Models of the registry: their versions, layers, heads and what is deployed. A version is a row of its own.

create table models (
    model_id uuid primary key,
    owner_id bigint not null references users on delete cascade,
    name text not null check (length(name) between 1 and 200),
    version integer not null check (version > 0),
    type text not null check (type in ('decoder', 'encoder', 'encoder-decoder', 'other')),
    architecture jsonb not null default '{}' check (jsonb_typeof(architecture) = 'object'),
    status text not null default 'initialized' check (status in ('initialized', 'training', 'trained', 'deployed')),
    parent_id uuid,
    derivation jsonb not null default '{}' check (jsonb_typeof(derivation) = 'object'),
    created_at timestamptz not null,
    updated_at timestamptz not null,
    unique (owner_id, model_id),
    unique (owner_id, name, version),
    foreign key (owner_id, parent_id) references models (owner_id, model_id) on delete set null (parent_id)
);
-- One version of a name is deployed at a time.
create unique index models_deployed on models (owner_id, name) where status = 'deployed';
create index models_parent on models (owner_id, parent_id);
create index models_recent on models (owner_id, created_at desc, model_id desc);
create trigger models_updated before update on models for each row execute function update_updated_at_column();

comment on column models.architecture is 'What config.json says in the registry''s words: family, layers, heads, dimensions; the file itself is kept whole';
comment on column models.derivation is 'How it came from its parent: {"kind": "import" | "training" | "quantize" | "prune" | ..., ...}';

-- Each deployment and each roll back, by number; the last one is what is deployed.
create table model_deployments (
    deployment_id uuid primary key,
    owner_id bigint not null references users on delete cascade,
    name text not null,
    number integer not null check (number > 0),
    model_id uuid not null,
    replaced_id uuid,
    previous_number integer check (previous_number < number),
    deployed_at timestamptz not null,
    unique (owner_id, name, number),
    foreign key (owner_id, model_id) references models (owner_id, model_id) on delete cascade,
    foreign key (owner_id, replaced_id) references models (owner_id, model_id) on delete set null (replaced_id)
);
create index model_deployments_model on model_deployments (owner_id, model_id);
create index model_deployments_replaced on model_deployments (owner_id, replaced_id);

comment on column model_deployments.replaced_id is 'What was deployed until then';
comment on column model_deployments.previous_number is 'The deployment that a roll back from this one goes back to';

create table transformer_layers (
    layer_id uuid primary key,
    owner_id bigint not null references users on delete cascade,
    model_id uuid not null,
    layer_index integer not null check (layer_index >= 0),
    name text not null,
    type text not null check (type in (
        'embedding', 'attention', 'feedforward', 'normalization', 'convolution', 'recurrent', 'output', 'other'
    )),
    input_dim integer check (input_dim > 0),
    output_dim integer check (output_dim > 0),
    configuration jsonb not null default '{}' check (jsonb_typeof(configuration) = 'object'),
    unique (owner_id, layer_id),
    unique (owner_id, model_id, layer_index),
    foreign key (owner_id, model_id) references models (owner_id, model_id) on delete cascade
);

comment on column transformer_layers.layer_index is 'Order in the model, from the input on; the block of a transformer stands in the configuration';

alter table models enable row level security;
alter table model_deployments enable row level security;
alter table transformer_layers enable row level security;
create policy tenant on models for all to anima_app, anima_worker using (owner_id = (select current_tenant()));
create policy tenant on model_deployments for all to anima_app, anima_worker using (owner_id = (select current_tenant()));
create policy tenant on transformer_layers for all to anima_app, anima_worker using (owner_id = (select current_tenant()));
grant select, insert, update, delete on models, model_deployments, transformer_layers to anima_app, anima_worker;

-- Files of models that stand behind an entry of the LLM catalogue; the entry names the one that is used.
create table model_artifacts (
    artifact_id bigint generated always as identity primary key,
    model_id bigint not null references llm_models (model_id) on delete cascade,
    uri text not null check (length(uri) between 1 and 2000),
    checksum text not null check (checksum ~ '^(sha256|blake3):[0-9a-f]{64}$'),
    uploaded_at timestamptz not null,
    unique (model_id, uri, checksum),
    unique (model_id, artifact_id)
);
-- squawk-ignore adding-foreign-key-constraint
alter table llm_models add column default_artifact_id bigint references model_artifacts (artifact_id) on delete set null;
create index llm_models_artifact on llm_models (default_artifact_id);

alter table model_artifacts enable row level security;
create policy catalogue on model_artifacts for select to anima_app, anima_worker using ((select current_tenant()) is not null);
create policy catalogue_admin on model_artifacts for all to anima_admin using (true);
grant select on model_artifacts to anima_app, anima_worker;
grant select, insert, update, delete on model_artifacts to anima_admin;

-- Every vector names the model that made it, and a store says by which it is searched: so that those of another model
-- can be filled in beside the ones that serve, and take their place at once.

alter table vector_stores add column next_model text;
alter table vector_stores add column next_dimension integer check (next_dimension between 1 and 16000);

update vector_stores set embedding_model = 'all-MiniLM-L6-v2@85bb1de96885'
where embedding_model = 'all-MiniLM-L6-v2';

alter table embeddings add column embedding_model text;
update embeddings e set embedding_model = s.embedding_model from vector_stores s where s.store_id = e.store_id;

-- Who does not say which model made a vector means the store's.
create function name_embedding_model() returns trigger
language plpgsql set search_path = public, pg_temp
as $$
begin
    select s.embedding_model into new.embedding_model from vector_stores s where s.store_id = new.store_id;
    return new;
end
$$;
create trigger embeddings_model before insert on embeddings
    for each row when (new.embedding_model is null) execute function name_embedding_model();

create or replace function check_embedding_dimension() returns trigger
language plpgsql set search_path = public, pg_temp
as $$
declare
    wrong record;
begin
    select s.store_name, s.dimension, s.embedding_model, s.next_model, s.next_dimension,
        i.embedding_model as model, vector_dims(i.vector) as got into wrong
    from inserted i join vector_stores s using (store_id)
    where (i.embedding_model, vector_dims(i.vector)) is distinct from (s.embedding_model, s.dimension)
        and (i.embedding_model, vector_dims(i.vector)) is distinct from (s.next_model, s.next_dimension)
    limit 1;
    if not found then
        return null;
    end if;
    if wrong.model in (wrong.embedding_model, wrong.next_model) then
        raise exception 'store % holds vectors of % dimensions, not %', wrong.store_name,
            case wrong.model when wrong.embedding_model then wrong.dimension else wrong.next_dimension end, wrong.got
            using errcode = 'check_violation';
    end if;
    raise exception 'store % holds vectors of %, not of %', wrong.store_name, wrong.embedding_model, wrong.model
        using errcode = 'check_violation';
end
$$;

-- The model of a new database's first stores: that which the settings name, else the one that comes with the program.
grant select on settings to anima_auth;
create or replace function create_first_stores() returns trigger
language plpgsql security definer set search_path = public, pg_temp
as $$
begin
    insert into vector_stores (owner_id, store_name, embedding_model, dimension, purpose)
    select new.user_id, purpose, coalesce(active.value ->> 'name', 'all-MiniLM-L6-v2@85bb1de96885'),
        coalesce((active.value ->> 'dimension')::integer, 384), purpose
    from unnest(array['context', 'findings', 'analysis']) as purpose
    left join settings active on active.key = 'embedding_model';
    return null;
end
$$;

-- What is remembered waits beside its present vector for that of the next model.
alter table message_embeddings add column next_embedding vector;
alter table message_embeddings add column next_model text;
alter table user_facts add column next_embedding vector;
alter table user_facts add column next_model text;
alter table episodes add column next_embedding vector;
alter table episodes add column next_model text;

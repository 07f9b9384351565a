-- What is filled in for a next model goes; the names of models keep their digests, which the older code takes as well.
alter table episodes drop column next_model;
alter table episodes drop column next_embedding;
alter table user_facts drop column next_model;
alter table user_facts drop column next_embedding;
alter table message_embeddings drop column next_model;
alter table message_embeddings drop column next_embedding;

create or replace function create_first_stores() returns trigger
language plpgsql security definer set search_path = public, pg_temp
as $$
begin
    insert into vector_stores (owner_id, store_name, embedding_model, dimension, purpose)
    select new.user_id, purpose, 'all-MiniLM-L6-v2', 384, purpose
    from unnest(array['context', 'findings', 'analysis']) as purpose;
    return null;
end
$$;
revoke select on settings from anima_auth;

create or replace function check_embedding_dimension() returns trigger
language plpgsql set search_path = public, pg_temp
as $$
declare
    wrong record;
begin
    select s.store_name, s.dimension, vector_dims(i.vector) as got into wrong
    from inserted i join vector_stores s using (store_id)
    where vector_dims(i.vector) <> s.dimension limit 1;
    if found then
        raise exception 'store % holds vectors of % dimensions, not %', wrong.store_name, wrong.dimension, wrong.got
            using errcode = 'check_violation';
    end if;
    return null;
end
$$;
drop trigger embeddings_model on embeddings;
drop function name_embedding_model();
alter table embeddings drop column embedding_model;
alter table vector_stores drop column next_dimension;
alter table vector_stores drop column next_model;

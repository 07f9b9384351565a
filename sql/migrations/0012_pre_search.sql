-- Who speaks in a passage, so that a question about somebody's words finds theirs; and what a search was, in its log.

-- The first name, without accents; nothing where several speak.
create function speaker_name(said text) returns text
language sql immutable parallel safe set search_path = pg_catalog, pg_temp
as $$
    select case when said !~ '[,;]' then nullif(translate(lower(split_part(btrim(said), ' ', 1)),
        'àáâãäåçèéêëìíîïñòóôõöùúûüýÿ', 'aaaaaaceeeeiiiinooooouuuuyy'), '') end
$$;

alter table chunks add speaker text;
update chunks set speaker = speaker_name(location ->> 'speaker') where location ->> 'speaker' <> '';
create index chunks_speaker on chunks (owner_id, speaker) where speaker is not null;

create function name_speaker() returns trigger
language plpgsql set search_path = public, pg_temp
as $$
begin
    new.speaker := speaker_name(new.location ->> 'speaker');
    return new;
end
$$;
create trigger chunks_speaker before insert on chunks
    for each row when (new.speaker is null and new.location ->> 'speaker' <> '') execute function name_speaker();
-- The trigger calls it with the rights of who writes.
grant execute on function speaker_name(text) to anima_app, anima_worker;

alter table retrieval_logs add purposes text[] not null default '{}';
alter table retrieval_logs add floor double precision;
alter table retrieval_logs add warnings text[] not null default '{}';

-- How a person writes: one style for all their avatars. `samples` are the last messages in numbers, each once, and
-- `measured` what they come to; `corrected` is what the person says of it, which goes before. Nothing that was said up to
-- `learns_after` is learnt from. No words of the person are kept but greetings and the like, which are listed.
create table style_profiles (
    owner_id bigint primary key references users (user_id) on delete cascade,
    enabled boolean not null default true,
    samples jsonb not null default '[]',
    measured jsonb not null default '{}',
    corrected jsonb not null default '{}',
    learns_after bigint not null default 0,
    updated_at timestamptz
);

alter table style_profiles enable row level security;

create policy tenant on style_profiles for all to anima_app, anima_worker
    using (owner_id = (select current_tenant()));

grant select, insert, update, delete on style_profiles to anima_app, anima_worker;

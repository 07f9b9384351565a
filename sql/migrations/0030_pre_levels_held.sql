-- When each level of a relationship was entered, so that none is climbed in an hour; and what the last long absence took,
-- so that a clock that ran ahead of its time takes nothing for good.
alter table user_affinity
    add column absence_took real not null default 0 check (absence_took >= 0),
    add column level_history jsonb not null default '[]';

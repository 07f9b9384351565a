-- What avatars feel: concentrations of modulators as of a time, the history of moods, and how both are read at any time.

-- dopamine, serotonin, norepinephrine, acetylcholine, gaba, oxytocin, in nM; `baselines` is where they come to rest, set by the personality.
create table avatar_feelings (
    owner_id bigint not null,
    avatar_id uuid not null,
    concentrations double precision[] not null
        check (array_position(concentrations, null) is null and cardinality(concentrations) = 6),
    baselines double precision[] not null
        check (array_position(baselines, null) is null and cardinality(baselines) = 6),
    as_of timestamptz not null,
    primary key (owner_id, avatar_id),
    foreign key (owner_id, avatar_id) references avatars (owner_id, avatar_id) on delete cascade
);

-- What each turn did. `cause`: `turn`, or `second look` where a model judged what was said otherwise than its words.
create table feelings_history (
    feeling_id uuid primary key,
    owner_id bigint not null,
    avatar_id uuid not null,
    at timestamptz not null,
    valence real not null check (valence between -1 and 1),
    arousal real not null check (arousal between 0 and 1),
    mood text not null,
    mood_intensity real not null check (mood_intensity between 0 and 1),
    sentiment real not null check (sentiment between -1 and 1),
    concentrations double precision[] not null,
    session_id bigint,
    message_id bigint,
    cause text not null default 'turn',
    unique (owner_id, feeling_id),
    foreign key (owner_id, avatar_id) references avatars (owner_id, avatar_id) on delete cascade,
    foreign key (owner_id, session_id) references sessions (user_id, session_id) on delete set null (session_id),
    foreign key (owner_id, message_id) references messages (owner_id, message_id) on delete set null (message_id)
);
create index feelings_history_avatar on feelings_history (owner_id, avatar_id, at, feeling_id);
create index feelings_history_session on feelings_history (owner_id, session_id);
create index feelings_history_message on feelings_history (owner_id, message_id);

alter table avatar_feelings enable row level security;
alter table feelings_history enable row level security;
create policy tenant on avatar_feelings for all to anima_app, anima_worker
    using (owner_id = (select current_tenant()));
create policy tenant on feelings_history for all to anima_app, anima_worker
    using (owner_id = (select current_tenant()));
grant select, insert, update, delete on avatar_feelings, feelings_history to anima_app, anima_worker;

-- Concentrations after so many seconds without drive, exactly, and behind them valence and arousal. The numbers are those
-- of the profile `standard` of anima.neuromodulation. On the way to rest, with x = c - rest and K = Km + rest,
-- x(t) = K·W((x/K)·e^(x/K - Vmax·Km·t/K²)) by Lambert's W: a guess, and two rounds of Fritsch, Shafer & Crowley.
-- Valence and arousal weigh how far receptors are from what they do at rest, -1 to 1 each (Hill).
create function feeling_after(c double precision[], rest double precision[], seconds double precision)
returns double precision[]
language plpgsql immutable parallel safe cost 5000
as $$
declare
    affinity constant double precision[] := array[200.0, 300.0, 300.0, 50000.0, 10000.0, 50.0];
    clearance constant double precision[] := array[27.95693628258446, 2.3128973629100953, 92.51589451640382, 642316.4900073538, 40063.907036364835, 0.1735435163179715];
    half_effect constant double precision[] := array[100.0, 50.0, 50.0, 100.0, 1000.0, 10.0];
    most constant double precision[] := array[0.8333333333333334, 0.8333333333333334, 0.8333333333333334, 0.8333333333333334, 0.8333333333333334, 0.8333333333333334];
    of_valence constant double precision[] := array[0.6, 0.5, -0.1, 0.0, 0.0, 0.25];
    of_arousal constant double precision[] := array[0.15, 0.0, 0.5, 0.15, -0.25, 0.0];
    found double precision[] := rest;
    valence double precision := 0;
    arousal double precision := 0.3;
    k double precision;
    y double precision;
    l double precision;
    w double precision;
    r double precision;
begin
    for i in 1 .. 6 loop
        if c[i] = rest[i] then continue; end if;
        k := affinity[i] + rest[i];
        y := (c[i] - rest[i]) / k;
        if seconds > 0 then
            l := ln(abs(y)) + y - least(1e6, clearance[i] / (k * k) * seconds);
            y := sign(y) * exp(greatest(l, -600));
            if l > -37 then
                w := case
                    when l > 2 and y > 0 then l - ln(l)
                    when y < -0.25 then sqrt(greatest(0, 2 + 5.43656365691809 * y)) * 0.8 - 1
                    when abs(y) < 1e-4 then y - y * y
                    else ln(1 + y) * (1 - ln(1 + ln(1 + y)) / (2 + ln(1 + y)))
                end;
                for round in 1 .. 2 loop
                    r := l - ln(abs(w)) - w;
                    w := w * (1 + r / (1 + w) * (2 * (1 + w) * (1 + w + 2 * r / 3) - r)
                        / (2 * (1 + w) * (1 + w + 2 * r / 3) - 2 * r));
                end loop;
                y := w;
            end if;
        end if;
        y := rest[i] + k * y;
        found[i] := y;
        l := rest[i] / (rest[i] + half_effect[i]);
        r := y / (y + half_effect[i]) - l;
        r := r / case when r < 0 then l else most[i] - l end;
        valence := valence + of_valence[i] * r;
        arousal := arousal + of_arousal[i] * r;
    end loop;
    return found || array[tanh(valence), least(1, greatest(0, arousal))];
end
$$;

-- After bursts (drives above 0: a second's release of it) and pauses (below), between nothing and the most there can be.
create function feeling_moved(c double precision[], drives double precision[]) returns double precision[]
language sql immutable parallel safe
as $$
    select array_agg(
        least(x.maximum, x.c * exp(greatest(-50, least(0, x.drive))) + x.release * greatest(0, x.drive)) order by x.place
    )
    from unnest(
        c[1:6], drives, array[80.0, 40.0, 40.0, 80.0, 800.0, 8.0],
        array[500.0, 250.0, 250.0, 500.0, 5000.0, 50.0]
    ) with ordinality as x (c, drive, release, maximum, place)
$$;

-- What avatars feel at a time: of everybody whom the caller may see, in one statement. A time before the last change
-- answers that change.
create function feelings_at(at timestamptz) returns table (
    owner_id bigint, avatar_id uuid, concentrations double precision[], valence double precision,
    arousal double precision, as_of timestamptz
)
language sql stable parallel safe
as $$
    select f.owner_id, f.avatar_id, f.found[1:6], f.found[7], f.found[8], f.as_of
    from (
        select a.owner_id, a.avatar_id, a.as_of, feeling_after(
            a.concentrations, a.baselines, extract(epoch from at - a.as_of)::double precision
        ) as found
        from avatar_feelings a
        offset 0
    ) f
$$;

revoke execute on function feeling_after(double precision[], double precision[], double precision) from public;
revoke execute on function feeling_moved(double precision[], double precision[]) from public;
revoke execute on function feelings_at(timestamptz) from public;
grant execute on function feeling_after(double precision[], double precision[], double precision)
    to anima_app, anima_worker;
grant execute on function feeling_moved(double precision[], double precision[]) to anima_app, anima_worker;
grant execute on function feelings_at(timestamptz) to anima_app, anima_worker;

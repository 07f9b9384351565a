-- What was spent on models, and budgets of it. A budget that an admin imposes is seen by its person and changed by admins
-- alone. What was spent outlives the avatar that it was spent for: deleting one empties no budget.

create table llm_budgets (
    budget_id bigint generated always as identity primary key,
    owner_id bigint not null references users (user_id) on delete cascade,
    avatar_id uuid,
    period text not null check (period in ('day', 'month')),
    imposed boolean not null default false,
    max_tokens bigint check (max_tokens >= 0),
    max_cost numeric(14, 6) check (max_cost >= 0),
    updated_at timestamptz not null default now(),
    unique nulls not distinct (owner_id, avatar_id, period, imposed),
    foreign key (owner_id, avatar_id) references avatars (owner_id, avatar_id) on delete cascade,
    check (max_tokens is not null or max_cost is not null),
    check (not imposed or avatar_id is null)
);
create trigger llm_budgets_updated before update on llm_budgets
    for each row execute function update_updated_at_column();

alter table llm_budgets enable row level security;
create policy tenant on llm_budgets for all to anima_app, anima_worker
    using (owner_id = (select current_tenant()) and not imposed);
create policy imposed on llm_budgets for select to anima_app, anima_worker
    using (owner_id = (select current_tenant()) and imposed);
create policy overview on llm_budgets for all to anima_admin using (imposed);
grant select, insert, update, delete on llm_budgets to anima_app, anima_worker, anima_admin;

create table llm_spend (
    spend_id bigint generated always as identity primary key,
    owner_id bigint not null references users (user_id) on delete cascade,
    day date not null,
    avatar_id uuid,
    model text not null check (length(model) between 1 and 200),
    purpose text not null check (purpose ~ '^[a-z_]{1,40}$'),
    calls bigint not null check (calls > 0),
    prompt_tokens bigint not null check (prompt_tokens >= 0),
    completion_tokens bigint not null check (completion_tokens >= 0),
    cached_tokens bigint not null check (cached_tokens >= 0),
    cost numeric(18, 6) check (cost >= 0),
    unpriced_calls bigint not null check (unpriced_calls between 0 and calls),
    unique nulls not distinct (owner_id, day, avatar_id, model, purpose)
);

alter table llm_spend enable row level security;
create policy tenant on llm_spend for all to anima_app, anima_worker
    using (owner_id = (select current_tenant()))
    with check (owner_id = (select current_tenant())
        and (avatar_id is null or avatar_id = any (array(select a.avatar_id from avatars a))));
grant select, insert, update, delete on llm_spend to anima_app, anima_worker;

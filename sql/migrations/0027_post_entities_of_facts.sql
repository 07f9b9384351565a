-- after: 0020_pre_memory_in_time
-- A fact names its entity; yesterday's code wrote none.

alter table user_facts add constraint user_facts_entity
    foreign key (user_id, entity_id) references entities (owner_id, entity_id) on delete set null (entity_id) not valid;
alter table user_facts validate constraint user_facts_entity;

alter table user_facts drop constraint user_facts_entity;

-- What was cached is computed again when it is needed.
drop function maintain_activations();
drop table activation_cache;
alter table documents
    drop column unit, drop column units_done, drop column units_total, drop column unread,
    drop column stage_started_at, drop column stage_from, drop column parsed_uri, drop column claims;

drop function recall_candidates(
    bigint, uuid, vector, text, text[], integer[], double precision[], text[], integer[], text[], text[], bigint[],
    bigint[], timestamptz, timestamptz, boolean, timestamptz, timestamptz, integer,
    double precision
);
create index message_embeddings_session on message_embeddings (user_id, session_id);
drop index message_embeddings_order;
drop index message_embeddings_recall;
alter table message_embeddings drop column bits;

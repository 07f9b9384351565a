-- What other engines hold is forgotten here; stores that wait for their end come back under another name.

drop trigger vector_stores_complete on vector_stores;
drop function complete_store();
drop policy not_deleted on vector_stores;
drop trigger chunks_deleted_outside on chunks;
drop function forget_outside_vectors();
drop table outside_vectors;
alter table vector_stores
    drop column deleted_at,
    drop column last_error,
    drop column failed_at,
    drop column failures,
    drop column retry_at,
    drop column reached_at,
    drop column moving_model,
    drop column moving_dimension;

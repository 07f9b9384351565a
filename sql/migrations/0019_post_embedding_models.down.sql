-- Of two vectors of a thing the one stays that its store is searched by.
delete from embeddings e using vector_stores s
where s.store_id = e.store_id and e.embedding_model <> s.embedding_model;
drop index embeddings_external;
alter table embeddings
    add constraint embeddings_store_id_owner_id_external_id_key unique (store_id, owner_id, external_id);

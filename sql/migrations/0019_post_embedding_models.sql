-- after: 0017_pre_embedding_models
-- The older code knew one vector of a thing in a store; now it has one of each model.
create unique index embeddings_external on embeddings (store_id, owner_id, embedding_model, external_id);
alter table embeddings drop constraint embeddings_store_id_owner_id_external_id_key;

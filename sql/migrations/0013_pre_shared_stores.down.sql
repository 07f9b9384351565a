-- Shared stores go, with what was cited of them; indexes of large stores stay for a while and are dropped by hand.

drop function explain_nearest(bigint, bigint[], text, vector, bigint, bigint[], bigint[]);
drop function nearest_chunks(bigint, bigint[], text, vector, bigint, bigint[], bigint[]);
drop function nearest_statement(bigint, bigint[], text, integer, bigint[], bigint[]);
drop function nearest_places(boolean, bigint[], text, integer, bigint[]);
drop function nearest_index_name(boolean, bigint, text);

delete from vector_stores s using shared_stores p where p.store_id = s.store_id;
drop table
    shared_citations, shared_corpora, shared_lexicon, shared_postings, shared_embeddings, shared_chunks,
    shared_documents, shared_stores;
drop function delete_shared_chunk_embeddings();
drop policy publish on vector_stores;
drop function current_tenant_is_admin();

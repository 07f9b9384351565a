"""SQL of what is read of shared stores by everybody."""

from __future__ import annotations

from anima.kernel import db
from anima.knowledge.documents_model import ChunkInContext

CHUNK = db.Query(
    ChunkInContext,
    """
    select c.chunk_id, c.document_id, c.chunk_index, c.text, c.token_count, c.location, d.title, d.source_uri,
        before.chunk_id as previous_chunk_id, before.text as previous_text,
        after.chunk_id as next_chunk_id, after.text as next_text
    from shared_chunks c
    join shared_documents d on d.document_id = c.document_id
    left join shared_chunks before on before.document_id = c.document_id and before.chunk_index = c.chunk_index - 1
    left join shared_chunks after on after.document_id = c.document_id and after.chunk_index = c.chunk_index + 1
    where c.chunk_id = %(chunk_id)s
    """,
)


def chunk(tx: db.Transaction, chunk_id: int) -> db.Pending[ChunkInContext]:
    """One chunk of a shared store with its neighbours."""
    return tx.fetch(CHUNK, chunk_id=chunk_id)

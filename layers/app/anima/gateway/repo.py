"""SQL of the catalogue of language models."""

from __future__ import annotations

from anima.gateway.catalogue_model import CatalogueModel
from anima.kernel import db

CATALOGUE = db.Query(
    CatalogueModel,
    """
    select model_id, provider, model_name, model_version, max_context_len, supported_modalities,
        default_params, created_at
    from llm_models m
    where m.provider = 'local' or exists (
        select from llm_requests r where r.owner_id = %(owner_id)s and r.model_id = m.model_id
    )
    order by provider, model_name, model_version
    """,
)


def catalogue(tx: db.Transaction, owner_id: int) -> db.Pending[CatalogueModel]:
    """The local models, and those that the owner has asked: what others name is nobody's business."""
    return tx.fetch(CATALOGUE, owner_id=owner_id)

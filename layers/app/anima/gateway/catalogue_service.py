"""The catalogue of language models, as it is read; apart, so that a turn does not carry it along."""

from __future__ import annotations

from anima.gateway import repo, service
from anima.gateway.catalogue_model import CatalogueModel
from anima.kernel import db
from anima.vendors.llm.providers import PROVIDERS


def catalogue(principal: db.Principal) -> list[CatalogueModel]:
    """The models of the catalogue that are there for the principal."""
    assert principal.user_id is not None
    with db.transaction(principal) as tx:
        found = repo.catalogue(tx, principal.user_id)
    return found.all()


def providers() -> list[str]:
    """Everybody who may serve a model here, configured or not yet."""
    return list(dict.fromkeys([*PROVIDERS, *(model.provider for model in service.configured())]))

"""Language models over HTTP: what can be asked, and what the catalogue knows."""

from __future__ import annotations

from typing import Any, Literal

from fastapi import APIRouter
from pydantic import BaseModel, Field

from anima.gateway import catalogue_service, service
from anima.gateway.catalogue_model import CatalogueModel
from anima.kernel import http

router = APIRouter(tags=["models"])


class ModelView(BaseModel):
    """A language model."""

    id: str = Field(description="What a request calls it")
    provider: str
    name: str
    max_context_len: int
    modalities: list[str]
    default_params: dict[str, Any]
    configured: bool = Field(description="Whether it can be asked for here")
    available: bool = Field(description="Whether it would answer now, as far as that is known without asking it")
    default: bool = Field(description="Whether it answers where nobody asks for another")
    model_id: int | None = Field(description="Its key in the catalogue; null until you have asked it")


class Models(BaseModel):
    """All models."""

    items: list[ModelView]
    next_cursor: Literal[None] = None


_EXAMPLE = {
    "items": [
        {
            "id": "local:qwen2.5-coder-1.5b-instruct",
            "provider": "local",
            "name": "qwen2.5-coder-1.5b-instruct",
            "max_context_len": 4096,
            "modalities": ["text"],
            "default_params": {"temperature": 0.3, "min_p": 0.05, "top_k": 0},
            "configured": True,
            "available": True,
            "default": True,
            "model_id": 1,
        }
    ],
    "next_cursor": None,
}


@router.get("/models", summary="Language models", responses={**http.example(_EXAMPLE), **http.problems()})
def list_models(caller: http.Caller) -> Models:
    """The models that are configured here, the default one first, then the others that you have asked."""
    known = {f"{row.provider}:{row.model_name}": row for row in catalogue_service.catalogue(caller)}
    configured = service.configured()
    default = service.default().id if configured else None
    views: list[ModelView] = []
    for model in sorted(configured, key=lambda m: m.id != default):
        row = known.pop(model.id, None)
        views.append(
            ModelView(
                id=model.id,
                provider=model.provider,
                name=model.name,
                max_context_len=model.context_len,
                modalities=row.supported_modalities if row else ["text"],
                default_params=dict(model.params),
                configured=True,
                available=service.is_available(model),
                default=model.id == default,
                model_id=row.model_id if row else None,
            )
        )
    return Models(items=views + [_catalogued(name, row) for name, row in known.items()])


def _catalogued(name: str, row: CatalogueModel) -> ModelView:
    return ModelView(
        id=name,
        provider=row.provider,
        name=row.model_name,
        max_context_len=row.max_context_len,
        modalities=row.supported_modalities,
        default_params=row.default_params,
        configured=False,
        available=False,
        default=False,
        model_id=row.model_id,
    )

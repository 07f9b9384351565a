"""Language models over HTTP: what can be asked, and what the catalogue knows."""

from __future__ import annotations

from typing import Any, Literal

from fastapi import APIRouter
from pydantic import BaseModel, Field

from anima.gateway import catalogue_service, profiles, servers_service, service
from anima.gateway.catalogue_model import CatalogueModel
from anima.kernel import http
from anima.kernel.config import settings
from anima.vendors.llm import providers

router = APIRouter(tags=["models"])


class ModelView(BaseModel):
    """A language model."""

    id: str = Field(description="What a request calls it")
    provider: str
    name: str
    max_context_len: int
    modalities: list[str]
    tools: bool = Field(description="Whether it calls tools")
    roles: list[str] = Field(description="For which roles of the active profile it stands")
    default_params: dict[str, Any]
    configured: bool = Field(description="Whether it can be asked for here")
    available: bool = Field(description="Whether it would answer now, as far as that is known without asking it")
    default: bool = Field(description="Whether it answers where nobody asks for another")
    model_id: int | None = Field(description="Its key in the catalogue; null until you have asked it")


class ProviderView(BaseModel):
    """Somebody who serves models; where it is configured, any of its models may be asked for as `name:model`."""

    name: str
    configured: bool
    setting: str | None = Field(description="The setting that configures it")
    default_model: str | None
    docs: str


class Models(BaseModel):
    """All models."""

    items: list[ModelView]
    next_cursor: Literal[None] = None
    providers: list[ProviderView]


_EXAMPLE = {
    "items": [
        {
            "id": "local:qwen2.5-coder-1.5b-instruct",
            "provider": "local",
            "name": "qwen2.5-coder-1.5b-instruct",
            "max_context_len": 4096,
            "modalities": ["text"],
            "tools": False,
            "roles": ["general"],
            "default_params": {"temperature": 0.3, "min_p": 0.05, "top_k": 0},
            "configured": True,
            "available": True,
            "default": True,
            "model_id": 1,
        }
    ],
    "next_cursor": None,
    "providers": [
        {
            "name": "anthropic",
            "configured": False,
            "setting": "ANTHROPIC_API_KEY",
            "default_model": "claude-haiku-5-5",
            "docs": "https://platform.claude.com/docs/en/api/messages",
        }
    ],
}


@router.get("/models", summary="Language models", responses={**http.example(_EXAMPLE), **http.problems()})
def list_models(caller: http.Caller) -> Models:
    """The models that are configured here, the default one first, then the others that you have asked; and everybody
    whose models can be asked for with one setting.
    """
    known = {f"{row.provider}:{row.model_name}": row for row in catalogue_service.catalogue(caller)}
    configured, entries = service.configured(), profiles.active(settings())
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
                modalities=["text", "image"] if model.sees else ["text"],
                tools=model.tools,
                roles=[role for role, entry in entries.items() if f"{entry.provider}:{entry.model}" == model.id],
                default_params=dict(model.params),
                configured=True,
                available=service.is_available(model),
                default=model.id == default,
                model_id=row.model_id if row else None,
            )
        )
    rest = [_catalogued(name, row) for name, row in known.items()]
    return Models(items=views + rest, providers=[_provider(row) for row in providers.PROVIDERS.values()])


def _provider(row: providers.Provider) -> ProviderView:
    return ProviderView(
        name=row.name,
        configured=providers.is_configured(row.name),
        setting=servers_service.setting_of(row.name),
        default_model=providers.default_model(row.name),
        docs=row.docs,
    )


def _catalogued(name: str, row: CatalogueModel) -> ModelView:
    return ModelView(
        id=name,
        provider=row.provider,
        name=row.model_name,
        max_context_len=row.max_context_len,
        modalities=row.supported_modalities,
        tools=False,
        roles=[],
        default_params=row.default_params,
        configured=False,
        available=False,
        default=False,
        model_id=row.model_id,
    )

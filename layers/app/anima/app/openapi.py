"""The OpenAPI document: what the routes say, with the shape of our errors."""

from __future__ import annotations

from importlib.metadata import version
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute

from anima.kernel.http import Problem

SUMMARY = "Avatars that remember, feel and learn"
DESCRIPTION = (
    "JSON over HTTP. Send `Authorization: Bearer <API key or access token>`. Errors are `application/problem+json` "
    "(RFC 9457) with a stable `type`, the request id, and field errors where there are any. Lists are paged by "
    "cursor. Unsafe calls take an `Idempotency-Key`. Limits answer 429 with `Retry-After`."
)
TAGS = [
    {"name": "identity", "description": "Tokens, users and API keys"},
    {"name": "chat", "description": "Turns, what was asked and answered, feedback"},
    {"name": "conversations", "description": "Sessions, their history, and media"},
    {"name": "avatars", "description": "Avatars: who they are"},
    {"name": "relationships", "description": "How an avatar stands to you"},
    {"name": "emotions", "description": "What an avatar feels, and how that went"},
    {"name": "style", "description": "How you write, as avatars have learnt it"},
    {"name": "memory", "description": "Facts, episodes and recall"},
    {"name": "curiosity", "description": "What an avatar would like to know, and what it found out"},
    {"name": "knowledge", "description": "Documents, stores and search"},
    {"name": "personality", "description": "Personalities: check, compile, ready-made ones"},
    {"name": "models", "description": "Language models"},
    {"name": "safety", "description": "Minors, breaks, lines that help"},
    {"name": "operation", "description": "Health, metrics, settings of the place"},
]


def operation_id(route: APIRoute) -> str:
    """A name for generated clients: the tag and the function."""
    tag = str(route.tags[0]).replace(" ", "_") if route.tags else "root"
    return f"{tag}_{route.name}"


def document(app: FastAPI) -> dict[str, Any]:
    """The document of an app."""
    made = get_openapi(
        title="Anima",
        version=version("anima"),
        summary=SUMMARY,
        description=DESCRIPTION,
        routes=app.routes,
        tags=TAGS,
    )
    schema = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
    parts = schema.pop("$defs", {})
    made.setdefault("components", {}).setdefault("schemas", {}).update({"Problem": schema, **parts})
    made["components"]["schemas"] = dict(sorted(made["components"]["schemas"].items()))
    return made


def install(app: FastAPI) -> None:
    """Lets the app serve this document, made at first use."""

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = document(app)
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]

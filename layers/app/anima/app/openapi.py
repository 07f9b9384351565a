"""The OpenAPI document: what the routes say, with the shape of our errors."""

from __future__ import annotations

from copy import deepcopy
from importlib.metadata import version
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute

from anima.app import once
from anima.kernel import http
from anima.kernel.http import Problem
from anima.openai_api import documented as openai

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
    {"name": "openai", "description": "OpenAI's protocol: avatars as models, with errors in its shape"},
    {"name": "plugins", "description": "Tools that avatars may use, servers of tools, and the log of calls"},
    {"name": "experiments", "description": "Prompts in versions, and variants that are tried on people"},
    {"name": "jobs", "description": "Training, simulation and batch inference as work in processes of their own"},
    {"name": "mcp", "description": "The Model Context Protocol: an avatar's memory as tools of other agents"},
    {"name": "registry", "description": "Models, their tensors, training runs and checkpoints"},
    {"name": "inference", "description": "What inference kept, saved and attended to"},
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
    made["components"]["schemas"][openai.ERROR] = openai.SCHEMA
    made["paths"] = deepcopy(made["paths"])  # what routes wrote down is theirs
    _lift(made["paths"], made["components"]["schemas"])
    made["components"]["schemas"] = dict(sorted(made["components"]["schemas"].items()))
    _tell_keys(made["paths"])
    return made


def _lift(node: Any, schemas: dict[str, Any]) -> None:
    """Schemas that a route wrote down itself bring parts of their own: these go where references find them."""
    if isinstance(node, list):
        for one in node:
            _lift(one, schemas)
    elif isinstance(node, dict):
        schemas.update(node.pop("$defs", {}))
        reference = node.get("$ref")
        if isinstance(reference, str):
            node["$ref"] = reference.replace("#/$defs/", "#/components/schemas/")
        for one in node.values():
            _lift(one, schemas)


def _tell_keys(paths: dict[str, dict[str, Any]]) -> None:
    """Writes the Idempotency-Key into the operations of which `once` sees to it."""
    about = "A value of your own for this call; sent again with it, it is not done again"
    text = {"type": "string", "minLength": 1, "maxLength": 255}
    schema = {"anyOf": [text, {"type": "null"}], "description": about, "title": once.HEADER}
    header = {"name": once.HEADER, "in": "header", "required": False, "schema": schema, "description": about}
    for path, methods in paths.items():
        for method, operation in methods.items():
            given = operation.get("parameters", [])
            own = any(one["name"] == once.HEADER for one in given)
            if own or not operation.get("security") or not once.may_be_kept(method.upper(), path):
                continue
            operation["parameters"] = [*given, header]
            answers = {**operation["responses"], "409": http.problems(409)[409]}
            operation["responses"] = dict(sorted(answers.items()))


def install(app: FastAPI) -> None:
    """Lets the app serve this document, made at first use."""

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = document(app)
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]

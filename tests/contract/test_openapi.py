"""The OpenAPI document is complete, and the generated files in docs/ say what the code says."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from scripts import docs

from anima.app.main import local

DOCUMENT: dict[str, Any] = local().openapi()
PROBLEM = {"$ref": "#/components/schemas/Problem"}
METHODS = {"get", "post", "put", "patch", "delete"}


def operations() -> Iterator[tuple[str, dict[str, Any]]]:
    for path, methods in DOCUMENT["paths"].items():
        for method in sorted(METHODS & set(methods)):
            yield f"{method.upper()} {path}", methods[method]


def resolved(schema: dict[str, Any]) -> dict[str, Any]:
    name = schema.get("$ref", "").removeprefix("#/components/schemas/")
    found: dict[str, Any] = DOCUMENT["components"]["schemas"][name] if name else schema
    return found


def has_example(content: dict[str, Any]) -> bool:
    """Whether a body is shown by example: as such, by its schema, or by each field that it must have."""
    if content.get("example") is not None or content.get("examples"):
        return True
    schema = resolved(content.get("schema", {}))
    if schema.get("example") is not None or schema.get("examples"):
        return True
    must = schema.get("required", [])
    return bool(must) and all("examples" in resolved(schema["properties"][name]) for name in must)


@pytest.mark.parametrize(("name", "operation"), list(operations()))
def test_a_route_says_what_it_does(name: str, operation: dict[str, Any]) -> None:
    assert operation["summary"].strip()
    assert operation.get("description", "").strip(), f"{name} needs a docstring"
    assert len(operation["tags"]) == 1
    assert operation["tags"][0] in {tag["name"] for tag in DOCUMENT["tags"]}


@pytest.mark.parametrize(("name", "operation"), list(operations()))
def test_a_route_shows_examples(name: str, operation: dict[str, Any]) -> None:
    for media_type, content in operation.get("requestBody", {}).get("content", {}).items():
        assert has_example(content), f"{name}: no example of {media_type}"
    good = {status: answer for status, answer in operation["responses"].items() if status.startswith("2")}
    assert good
    for status, answer in good.items():
        for media_type, content in answer.get("content", {}).items():
            assert has_example(content), f"{name} {status}: no example of {media_type}"


@pytest.mark.parametrize(("name", "operation"), list(operations()))
def test_a_route_tells_its_errors(name: str, operation: dict[str, Any]) -> None:
    errors = {int(status): answer for status, answer in operation["responses"].items() if status >= "4"}
    needed = {422, 500, 503} | ({401} if operation.get("security") else set())
    needed |= {404} if "{" in name else set()
    assert needed <= set(errors), f"{name} leaves out {needed - set(errors)}"
    for status, answer in errors.items():
        if " /v1/" in name:
            told = answer["content"]["application/json"]
            assert told["schema"] == {"$ref": "#/components/schemas/OpenAIError"}, (name, status)
            assert told["example"]["error"]["code"], (name, status)
            continue
        assert answer["content"]["application/problem+json"]["schema"] == PROBLEM, (name, status)
        assert answer["content"]["application/problem+json"]["example"]["status"] == status


def test_only_these_routes_take_no_credentials() -> None:
    public = {name for name, operation in operations() if not operation.get("security")}
    assert public == {
        *("GET /healthz", "GET /readyz"),
        "GET /api/v1/personalities/schema",
        *("POST /api/v1/token", "POST /api/v1/token/refresh", "POST /api/v1/token/revoke"),
        "POST /api/v1/password",  # a link, or else credentials
    }


def test_names_for_generated_clients_are_unique_and_short() -> None:
    names = [operation["operationId"] for _, operation in operations()]
    assert len(names) == len(set(names))
    clumsy = [name for name in DOCUMENT["components"]["schemas"] if "__" in name or "-" in name]
    assert not clumsy, f"two classes of one name: {clumsy}"


@pytest.mark.parametrize("name", docs.GENERATED)
def test_generated_docs_say_what_the_code_says(name: str) -> None:
    assert (docs.ROOT / name).read_text(encoding="utf-8") == docs.GENERATED[name](), "run `make docs`"

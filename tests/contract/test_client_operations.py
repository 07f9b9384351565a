"""The client says what the service says: every route, every field of what it answers, every key that it heeds."""

from __future__ import annotations

import subprocess
import sys
import types
from collections.abc import Iterator, Mapping
from dataclasses import MISSING, fields, is_dataclass
from datetime import date, datetime
from typing import Any, Literal, NamedTuple, Union, get_args, get_origin, get_type_hints
from uuid import UUID

import pytest

from anima.app.main import local
from anima.client.operations import Listing, Operation, Route, Streaming
from anima.client.place import Everything

LEFT_OUT: Mapping[str, str] = {
    "GET /metrics": "it is for Prometheus",
    "POST /api/v1/password": "links and forced changes are the console's",
}
"""Routes without an operation, and why."""
ELSEWHERE = ("/v1/", "/mcp")
"""Doors of other protocols, with clients of their own."""


class Known(NamedTuple):
    """An operation of the client: its name, where it goes, and whether it is a list."""

    name: str
    route: Route
    listed: bool

    @property
    def place(self) -> str:
        path = self.route.path[1:] if self.route.path.startswith("//") else f"/api/v1{self.route.path}"
        return f"{self.route.method} {path}"


def known() -> Iterator[Known]:
    for room in Everything.__mro__:
        for name, one in vars(room).items():
            if isinstance(one, Operation | Listing | Streaming):
                yield Known(name, one.route, isinstance(one, Listing))


OPERATIONS = list(known())


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    """What the service says of itself."""
    return local().openapi()


@pytest.fixture(scope="module")
def routes(document: dict[str, Any]) -> dict[str, Any]:
    """Its routes by method and path."""
    return {f"{method.upper()} {path}": one for path, of in document["paths"].items() for method, one in of.items()}


def test_there_is_an_operation_for_every_route(routes: dict[str, Any]) -> None:
    ours = {place for place in routes if not place.partition(" ")[2].startswith(ELSEWHERE)}
    assert ours - {one.place for one in OPERATIONS} == set(LEFT_OUT)


def test_every_operation_is_a_route_and_sends_a_key_where_one_is_heeded(routes: dict[str, Any]) -> None:
    for one in OPERATIONS:
        assert one.place in routes, one.name
        heeded = any(given["name"] == "Idempotency-Key" for given in routes[one.place].get("parameters", ()))
        assert one.route.keyed == heeded, one.name


def test_every_answer_has_the_fields_that_the_service_says(document: dict[str, Any], routes: dict[str, Any]) -> None:
    for one in OPERATIONS:
        if one.route.answer is None or one.route.answer is bytes:
            continue
        told = [answer for status, answer in sorted(routes[one.place]["responses"].items()) if status.startswith("2")]
        schema = next(
            one["schema"] for one in (answer["content"]["application/json"] for answer in told) if "schema" in one
        )
        if one.listed:
            schema = resolved(document, schema)["properties"]["items"]["items"]
        assert list(differences(document, one.route.answer, schema, one.name)) == []


def resolved(document: Mapping[str, Any], schema: Mapping[str, Any]) -> Mapping[str, Any]:
    while "$ref" in schema:
        schema = document["components"]["schemas"][schema["$ref"].rsplit("/", 1)[-1]]
    return schema


def differences(document: dict[str, Any], kind: Any, schema: Mapping[str, Any], place: str) -> Iterator[str]:
    """Where a type of the client and a schema do not say the same."""
    schema = resolved(document, schema)
    if kind is Any or not schema:
        return
    options = [resolved(document, one) for one in schema.get("anyOf", [schema])]
    kinds = list(get_args(kind)) if get_origin(kind) in (Union, types.UnionType) else [kind]
    nullable = any(option.get("type") == "null" for option in options)
    if (types.NoneType in kinds) != nullable and "null" not in str(schema.get("default", "")):
        yield f"{place}: {'null' if nullable else 'never null'}"
    for inner in (one for one in kinds if one is not types.NoneType):
        fitting = [option for option in options if option.get("type") != "null" and fits(inner, option)]
        if not fitting and not any(option == {} for option in options):
            yield f"{place}: {inner} for {options}"
        elif fitting and is_dataclass(inner) and isinstance(inner, type):
            yield from of_fields(document, inner, fitting[0], place)
        elif fitting and get_origin(inner) is tuple:
            yield from differences(document, get_args(inner)[0], fitting[0].get("items", {}), f"{place}[]")


def of_fields(document: dict[str, Any], kind: type[Any], schema: Mapping[str, Any], place: str) -> Iterator[str]:
    hints = get_type_hints(kind)
    ours = {one.name.rstrip("_"): one for one in fields(kind)}
    said = schema.get("properties", {})
    if set(ours) != set(said):
        yield f"{place}: {sorted(set(ours) ^ set(said))}"
        return
    for name, one in ours.items():
        if one.default is MISSING and name not in schema.get("required", ()):
            yield f"{place}.{name}: it may be missing"
        elif name in schema.get("required", ()):
            yield from differences(document, hints[one.name], said[name], f"{place}.{name}")


def fits(kind: Any, schema: Mapping[str, Any]) -> bool:
    if schema == {} or kind is Any:
        return True
    if "enum" in schema or "const" in schema:
        values = schema.get("enum", [schema.get("const")])
        return kind is str or (get_origin(kind) is Literal and set(get_args(kind)) == set(values))
    told = schema.get("type")
    if get_origin(kind) is tuple:
        return told == "array"
    if is_dataclass(kind):
        return told == "object" and "properties" in schema
    if get_origin(kind) is not None:
        return told == "object"
    formats = {"date-time": datetime, "uuid": UUID, "date": date}
    plain = {"string": formats.get(str(schema.get("format")), str), "integer": int, "number": float, "boolean": bool}
    return plain.get(str(told)) is kind or told == "object"


def test_the_client_needs_nothing_of_the_house_and_loads_little() -> None:
    asked = "import sys, anima.client; print(*sorted({name.split('.')[0] for name in sys.modules}))"
    loaded = set(
        subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=True).stdout.split()
    )
    assert not loaded & {"fastapi", "starlette", "pydantic", "psycopg", "websockets", "boto3", "openai", "numpy"}
    rooms = "import sys, anima.client; print(*sorted(n for n in sys.modules if n.startswith('anima.')))"
    ours = subprocess.run([sys.executable, "-c", rooms], capture_output=True, text=True, check=True).stdout.split()
    assert {name.split(".")[1] for name in ours} == {"client", "kernel"}

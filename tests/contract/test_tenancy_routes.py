"""Every route, asked by Bob for what is Alice's: by path, by query, by each field that names a row."""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from fastapi.testclient import TestClient

from anima.app.main import local
from anima.identity import service as identity
from anima.kernel import db
from fixtures.town import Town
from tenancy import parameters, two_people
from tenancy.two_people import Owned

DOCUMENT: dict[str, Any] = local().openapi()
# Fields of bodies that name rows and do not end in _id.
NAMED_OTHERWISE = {
    "media": ("media", "media_id"),
    "transcript_id": ("documents", "document_id"),
    "upload": ("uploads", "upload_id"),
    "with": ("model_checkpoints", "checkpoint_id"),
    "run_id": ("training_sessions", "session_id"),
}
# Where the same name means another row than elsewhere.
OF_ROUTE = {("/api/v1/jobs/{job_id}/difference", "with"): "job_id"}
# Numbers that count within another row, and so name none by themselves.
NUMBERED: dict[str, Any] = {"version": 1, "exp_id": 1, "name": "turn", "catalogue_id": 1, "artifact_number": 1}
# Ids that are those of no row: the OAuth2 client's.
NO_ROWS = {"client_id", "request_id_header", "tool_call_id"}
# Rows that are named in another protocol's way.
WRITTEN = {
    "model_name": ("avatars", "avatar_id", "avatar:{}"),
    "response_name": ("llm_requests", "request_id", "resp_{}"),
    "previous_response_id": ("llm_requests", "request_id", "resp_{}"),
}
REFUSED = {403, 404, 409, 422}


@dataclass(frozen=True, slots=True)
class Route:
    """An operation of the OpenAPI document."""

    method: str
    path: str
    operation: dict[str, Any] = field(repr=False)

    def __str__(self) -> str:
        return f"{self.method.upper()} {self.path}"

    @property
    def public(self) -> bool:
        return not self.operation.get("security")

    def parameters(self, place: str) -> list[str]:
        """The names of its parameters in the path or the query."""
        return [one["name"] for one in self.operation.get("parameters", []) if one["in"] == place]

    def body(self) -> dict[str, Any] | None:
        """The example of its JSON body."""
        content = self.operation.get("requestBody", {}).get("content", {}).get("application/json")
        if content is None:
            return None
        schema = _resolved(content["schema"])
        examples = content.get("examples") or schema.get("examples") or [content.get("example")]
        first = next(iter(examples.values()))["value"] if isinstance(examples, dict) else examples[0]
        assert isinstance(first, dict), f"{self}: the first example is no object"
        return copy.deepcopy(first)

    def body_rows(self) -> list[tuple[str, ...]]:
        """Where in its JSON body a row may be named."""
        content = self.operation.get("requestBody", {}).get("content", {}).get("application/json")
        return [] if content is None else list(_row_fields(_resolved(content["schema"]), ()))


def _resolved(schema: dict[str, Any]) -> dict[str, Any]:
    name = schema.get("$ref", "").removeprefix("#/components/schemas/")
    found: dict[str, Any] = DOCUMENT["components"]["schemas"][name] if name else schema
    return found


def _row_fields(schema: dict[str, Any], path: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    for name, inner in _resolved(schema).get("properties", {}).items():
        if name in NAMED_OTHERWISE or (name.endswith(("_id", "_ids")) and name not in NO_ROWS):
            place_of(name)
            yield (*path, name)
        else:
            yield from _row_fields(inner, (*path, name))
    for choice in (*schema.get("anyOf", []), *schema.get("oneOf", []), *schema.get("allOf", [])):
        yield from _row_fields(_resolved(choice), path)


def place_of(name: str) -> tuple[str, str]:
    """The table and column that a name in a route stands for."""
    place = NAMED_OTHERWISE.get(name) or WRITTEN.get(name, ())[:2] or parameters.ROWS.get(name)
    if place is None:
        pytest.fail(f"what is {name}? Teach it to tests/tenancy/parameters.py or to this module")
    return place


ROUTES = [
    Route(method, path, operation)
    for path, methods in DOCUMENT["paths"].items()
    for method, operation in methods.items()
]


def id_of(whose: Owned, name: str) -> Any:
    """Somebody's id, as JSON takes it."""
    value = whose.user_id if name == "user_id" else whose.ids[place_of(name)][0]
    plain = value if isinstance(value, int) else str(value)
    if name in WRITTEN:
        return WRITTEN[name][2].format(plain)
    return [plain] if name.endswith("_ids") or name == "media" else plain


def put(body: dict[str, Any], path: tuple[str, ...], value: Any) -> dict[str, Any]:
    """The body with a value at a place in it."""
    changed = copy.deepcopy(body)
    inner = changed
    for name in path[:-1]:
        inner = inner.setdefault(name, {}) if isinstance(inner.get(name), dict | None) else inner
    inner[path[-1]] = value
    return changed


def without_rows(route: Route) -> dict[str, Any] | None:
    """The example of a body, with nothing in it that names a row."""
    body = route.body()
    for path in route.body_rows() if body is not None else []:
        inner: Any = body
        for name in path[:-1]:
            inner = inner.get(name) if isinstance(inner, dict) else None
        if isinstance(inner, dict):
            inner.pop(path[-1], None)
    return body


def url(route: Route, whose: Owned, other: Owned | None = None, name: str = "") -> str:
    """The address of somebody's row; one of its ids may be another's."""
    ids = {
        one: NUMBERED.get(one) or id_of(other if other is not None and one == name else whose, one)
        for one in route.parameters("path")
    }
    return route.path.format(**ids)


def asked(route: Route, whose: Owned) -> dict[str, Any]:
    """What its query must say, of somebody's rows."""
    needed = [one["name"] for one in route.operation.get("parameters", []) if one["in"] == "query" and one["required"]]
    return {name: id_of(whose, meant(route, name)) if _names_a_row(name) else 1 for name in needed}


def meant(route: Route, name: str) -> str:
    """The name by which other routes know the row that is meant here."""
    return OF_ROUTE.get((route.path, name), name)


def _names_a_row(name: str) -> bool:
    return name.endswith("_id") or name in NAMED_OTHERWISE


@dataclass(frozen=True, slots=True)
class Request:
    """What Bob sends."""

    what: str
    url: str
    json: dict[str, Any] | None
    query: dict[str, Any]
    by_path: bool


def attacks(route: Route, alice: Owned, bob: Owned) -> Iterator[Request]:
    """Everything that names a row, one after the other Alice's while the rest is Bob's."""
    body, query = without_rows(route), asked(route, bob)
    if route.parameters("path"):
        yield Request("the path", url(route, alice), body, query, True)
        for name in [one for one in route.parameters("path") if one not in NUMBERED]:
            yield Request(name, url(route, bob, alice, name), body, query, True)
    for name in route.parameters("query"):
        if _names_a_row(name):
            hers = id_of(alice, meant(route, name))
            yield Request(name, url(route, bob), body, {**query, name: hers}, False)
    for path in route.body_rows():
        hers = put(body or {}, path, id_of(alice, path[-1]))
        yield Request(".".join(path), url(route, bob), hers, query, False)
        own_session = ("session_id",) in route.body_rows() and path != ("session_id",)
        if own_session:
            within = put(hers, ("session_id",), id_of(bob, "session_id"))
            yield Request(f"{'.'.join(path)} in a session of Bob's", url(route, bob), within, {}, False)


@pytest.fixture(scope="module")
def browser(town: Town) -> TestClient:
    """Bob, with a key."""
    key = identity.create_key(db.Principal(town.bob.user_id), "of the test").key
    return TestClient(local(), base_url="http://localhost", headers={"Authorization": f"Bearer {key}"})


@pytest.fixture
def quick(fast_embedder: object) -> object:
    """Questions are embedded without a model."""
    return fast_embedder


NAMING = [one for one in ROUTES if one.parameters("path") or one.body_rows() or "avatar_id" in one.parameters("query")]


@pytest.mark.parametrize("route", NAMING, ids=str)
def test_what_is_anothers_is_not_there(town: Town, browser: TestClient, quick: object, route: Route) -> None:
    before = two_people.digests(town.owner, town.alice.user_id)
    for request in attacks(route, town.alice, town.bob):
        answer = browser.request(route.method, request.url, json=request.json, params=request.query)
        told = f"{route}, {request.what} Alice's: {answer.status_code} {answer.text[:300]}"
        if request.by_path or route.method not in {"get", "post"}:
            assert answer.status_code in REFUSED, told
        assert answer.is_success or answer.status_code in REFUSED, told
        assert town.alice.mark not in answer.text, told
        assert two_people.digests(town.owner, town.alice.user_id) == before, told
        left = two_people.mentions(town.owner, town.bob.user_id, town.alice.every())
        assert not left, f"{told}; it left a reference in {left}"


LISTS = [one for one in ROUTES if one.method == "get" and not one.parameters("path") and not one.public]


# For those who run the place; Bob is none of them.
FOR_ADMINS = {
    *("/api/v1/health/database", "/api/v1/safety/report", "/api/v1/settings", "/api/v1/users", "/metrics"),
    *("/api/v1/prompts", "/api/v1/experiments", "/api/v1/plugins/installed"),
}


@pytest.mark.parametrize("route", LISTS, ids=str)
def test_a_list_holds_what_is_ones_own(town: Town, browser: TestClient, route: Route) -> None:
    answer = browser.get(route.path)
    assert answer.status_code == (403 if route.path in FOR_ADMINS else 200), answer.text
    assert town.alice.mark not in answer.text
    assert not re.search("|".join(town.alice.every()), answer.text)


FILES = ("/content", "/file", "/data", "/trajectory", "/answers")  # there is none: what they give was never stored
OF_THE_PLACE = ("/api/v1/prompts/", "/api/v1/experiments/", "/api/v1/models/")
OWN = [
    one
    for one in ROUTES
    if one.method == "get"
    and one.parameters("path")
    and not one.path.endswith(FILES)
    and not one.path.startswith(OF_THE_PLACE)
]


@pytest.mark.parametrize("route", OWN, ids=str)
def test_ones_own_is_there(town: Town, browser: TestClient, route: Route) -> None:
    """So that a 404 above is due to whose it is."""
    answer = browser.get(url(route, town.bob), params=asked(route, town.bob))
    assert answer.status_code == 200, answer.text


@pytest.mark.parametrize("route", [one for one in ROUTES if not one.public], ids=str)
def test_without_credentials_nothing_is_there(town: Town, route: Route) -> None:
    before = two_people.digests(town.owner, town.alice.user_id)
    stranger = TestClient(local(), base_url="http://localhost")
    for headers in ({}, {"Authorization": "Bearer anima_of-nobody"}):
        sent: dict[str, Any] = {"json": route.body()} if route.body() is not None else {}
        if "multipart/form-data" in route.operation.get("requestBody", {}).get("content", {}) and not sent:
            sent = {"files": {"file": ("a.txt", b"words")}}
        answer = stranger.request(route.method, url(route, town.alice), headers=headers, **sent)
        assert answer.status_code == 401, f"{route}: {answer.status_code} {answer.text[:200]}"
    assert two_people.digests(town.owner, town.alice.user_id) == before

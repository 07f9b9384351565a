"""What api.md says of every route: lists are paged, errors are problems, what changes something takes a key."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, LiteralString

import pytest
from fastapi.testclient import TestClient

from anima.app.main import local
from anima.app.once import HEADER, LOOK_UPS, STREAMED
from anima.identity import service as identity
from anima.kernel import db
from fixtures.town import Town
from tenancy import parameters

DOCUMENT: dict[str, Any] = local().openapi()
API = "/api/v1"
UNSAFE = {"post", "put", "patch", "delete"}
OWN = {"version": "1", "exp_id": "1", "name": "turn"}
# Of so few that one answer holds them all, by their nature.
SHORT = {
    f"{API}/users/me/budgets",
    f"{API}/usage",
    f"{API}/settings",
    f"{API}/personalities",
    f"{API}/vector-stores",
    f"{API}/avatars/{{avatar_id}}/plugins",
    f"{API}/tool-calls",
    f"{API}/personalities/conduct",
    f"{API}/safety/report",
    f"{API}/models/provision",
    f"{API}/jobs/ready",
    f"{API}/jobs/{{job_id}}/difference",
}


def operations(*methods: str) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, found in DOCUMENT["paths"].items():
        if path.startswith(API):
            yield from ((method, path, operation) for method, operation in found.items() if method in methods)


def resolved(schema: dict[str, Any]) -> dict[str, Any]:
    name = schema.get("$ref", "").removeprefix("#/components/schemas/")
    found: dict[str, Any] = DOCUMENT["components"]["schemas"][name] if name else schema
    return found


def taken(operation: dict[str, Any], place: str) -> set[str]:
    return {one["name"] for one in operation.get("parameters", []) if one["in"] == place}


def _json(operation: dict[str, Any], status: str) -> dict[str, Any]:
    found: dict[str, Any] = operation["responses"].get(status, {}).get("content", {}).get("application/json", {})
    return found


def answered(operation: dict[str, Any]) -> dict[str, Any]:
    """The properties of a good JSON answer."""
    return dict(resolved(_json(operation, "200").get("schema", {})).get("properties", {}))


LISTS = {path: operation for _, path, operation in operations("get") if "items" in answered(operation)}
PAGED = [path for path, operation in LISTS.items() if "cursor" in taken(operation, "query")]


@pytest.mark.parametrize("path", LISTS)
def test_a_list_is_paged_by_cursor(path: str) -> None:
    properties = answered(LISTS[path])
    if path in SHORT:
        return
    one = properties["next_cursor"]
    if one.get("type") == "null":  # it says so itself
        return
    assert {"cursor", "limit"} <= taken(LISTS[path], "query"), f"{path} has no pages, and is not among the short ones"


def test_no_list_stands_alone_for_it_could_never_be_paged() -> None:
    bare = [
        path
        for _, path, operation in operations("get", "post")
        for status in ("200", "201")
        if resolved(_json(operation, status).get("schema", {})).get("type") == "array"
    ]
    assert set(bare) <= {f"{API}/plugins/installed"}, "what is installed on this machine is a short list"


def test_the_short_ones_are_there_and_are_lists() -> None:
    assert set(LISTS) >= SHORT
    assert len(PAGED) >= 15


@pytest.mark.parametrize(
    ("path", "operation"),
    [(f"{method.upper()} {path}", one) for method, path, one in operations(*UNSAFE) if one.get("security")],
)
def test_what_changes_something_takes_a_key(path: str, operation: dict[str, Any]) -> None:
    takes = HEADER in taken(operation, "header")
    assert takes != (path.split()[1] in LOOK_UPS | STREAMED), path
    if takes:
        assert "409" in operation["responses"], f"{path}: a key may be used for another call"


def test_those_left_out_are_routes() -> None:
    assert set(DOCUMENT["paths"]) >= LOOK_UPS | STREAMED


@pytest.fixture(scope="module")
def bob(town: Town) -> TestClient:
    """Somebody with something in every table, who runs the place."""
    town.owner.execute("insert into settings (key, value) values ('limits.http_tokens', '0')")
    town.owner.execute(
        "insert into user_roles select %s, role_id from roles where role_name = 'admin' on conflict do nothing",
        [town.bob.user_id],
    )
    key = identity.create_key(db.Principal(town.bob.user_id), "of the test").key
    client = TestClient(local(), "http://localhost", headers={"Authorization": f"Bearer {key}"})
    for content in ("Be brief.", "Be kind."):
        assert client.post(f"{API}/prompts", json={"name": "turn", "content": content}).status_code == 201
    return client


@pytest.fixture(scope="module")
def stranger(town: Town) -> TestClient:
    """Somebody without credentials."""
    return TestClient(local(), "http://localhost")


def address(path: str, town: Town) -> str:
    """The address of something of Bob's."""
    names = [part[1:-1] for part in path.split("/") if part.startswith("{")]
    ids = {name: OWN.get(name) or _own(name, town) for name in names}
    return path.format(**ids)


def _one(town: Town, question: LiteralString) -> Any:
    row = town.owner.execute(question).fetchone()
    assert row is not None
    return row[0]


def _own(name: str, town: Town) -> str:
    if name == "user_id":
        return str(town.bob.user_id)
    if name == "catalogue_id":
        return str(_one(town, "select min(model_id) from llm_models"))
    place = ("training_sessions", "session_id") if name == "run_id" else parameters.ROWS[name]
    return str(town.bob.ids[place][0])


@pytest.mark.parametrize("path", PAGED)
def test_a_cursor_that_no_page_gave_is_refused_by_name(path: str, town: Town, bob: TestClient) -> None:
    for cursor in ("nonsense", "W10", "WzEsMiwzLDRd", "WyJ4Il0", "W251bGxd", "Wy0xXQ", "%00", "é"):
        answer = bob.get(address(path, town), params={"cursor": cursor, **_asked(path)})
        if answer.status_code == 200:  # one name is as good a place to go on from as another
            assert cursor in {"WyJ4Il0", "Wy0xXQ"}, path
            continue
        assert answer.status_code == 422, (path, cursor, answer.text)
        assert [one["path"] for one in answer.json()["errors"]] == ["cursor"], (path, cursor)


def _asked(path: str) -> dict[str, str]:
    """What a list wants to be asked besides."""
    needed = [one for one in LISTS[path].get("parameters", []) if one["in"] == "query" and one.get("required")]
    return {one["name"]: "1" for one in needed}


@pytest.mark.parametrize("path", PAGED)
def test_pages_of_one_hold_what_one_page_holds(path: str, town: Town, bob: TestClient) -> None:
    whole = bob.get(address(path, town), params={"limit": "200", **_asked(path)}).json()
    assert whole["next_cursor"] is None
    found: list[Any] = []
    cursor = None
    for _ in range(len(whole["items"]) + 1):
        asked = {"limit": "1", **({"cursor": cursor} if cursor else {}), **_asked(path)}
        page = bob.get(address(path, town), params=asked).json()
        assert len(page["items"]) <= 1
        found += page["items"]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert cursor is None
    assert found == whole["items"]


@pytest.mark.parametrize("limit", ["0", "-1", "201", "x", "1e3", "9" * 30])
def test_a_limit_that_is_none_is_refused_by_name(limit: str, bob: TestClient) -> None:
    answer = bob.get(f"{API}/sessions", params={"limit": limit})
    assert answer.status_code == 422
    assert [one["path"] for one in answer.json()["errors"]] == ["query.limit"]


@pytest.mark.parametrize(
    ("method", "path"), [(method, path) for method, path, one in operations("get", *UNSAFE) if one.get("security")]
)
def test_without_credentials_any_route_answers_401_as_a_problem(method: str, path: str, stranger: TestClient) -> None:
    address = path.format_map(_Nobodys())
    answer = stranger.request(method.upper(), address, json={} if method in UNSAFE else None)
    told = answer.json()
    assert answer.headers["content-type"] == "application/problem+json"
    assert (answer.status_code, told["status"]) in {(401, 401), (422, 422)}, answer.text
    assert told["type"].startswith("https://anima.dev/problems/")
    assert told["request_id"] == answer.headers["x-request-id"]
    if answer.status_code == 401:
        assert answer.headers["www-authenticate"].startswith("Bearer")


class _Nobodys(dict[str, str]):
    def __missing__(self, name: str) -> str:
        return "00000000-0000-7000-8000-000000000000" if name.endswith("_id") else "1"


@pytest.mark.parametrize(
    ("method", "path", "more", "status"),
    [
        ("GET", f"{API}/nowhere", {}, 404),
        ("PATCH", f"{API}/sessions", {}, 405),
        ("POST", f"{API}/sessions", {"content": b"{", "headers": {"Content-Type": "application/json"}}, 422),
        ("POST", f"{API}/sessions", {"content": b"\xff", "headers": {"Content-Type": "application/json"}}, 422),
        ("POST", f"{API}/sessions", {"json": {"nobody": "knows"}}, 422),
        ("POST", f"{API}/sessions", {"json": []}, 422),
        ("GET", f"{API}/sessions/99999999999999999999", {}, 422),
        ("GET", f"{API}/sessions/999999999", {}, 404),
    ],
)
def test_what_goes_wrong_is_a_problem(
    method: str, path: str, more: dict[str, Any], status: int, bob: TestClient
) -> None:
    answer = bob.request(method, path, **more)
    told = answer.json()
    assert (answer.status_code, told["status"]) == (status, status)
    assert answer.headers["content-type"] == "application/problem+json"
    assert set(told) >= {"type", "title", "status", "detail", "request_id", "errors"}
    if status == 422:
        assert told["errors"]

"""Events as an HTTP API and a WebSocket API send them; what is none is refused by name, before the app sees it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from fastapi import FastAPI, Request
from scripts.venvs import ROOT

from anima.app.gateway import behind_gateway
from anima.kernel import http
from anima.kernel.errors import BadInput
from anima.socket import worker as socket
from fixtures.alone import called

WRONG: dict[str, list[object]] = {
    "version": [None, 5, "1.0", {}],
    "requestContext": [None, [], {"http": {"method": "GET", "path": "/"}}],
    "rawPath": [5, "\ud800"],
    "rawQueryString": [None, 5, [], {}],
    "headers": [None, 5, "x", [["host", "x"]], {"host": 5}, {"host": None}, {"host": "\ud800"}],
    "cookies": [None, "x", [5]],
    "body": [5, {"a": 1}, ["x"], "\ud800"],
}


@pytest.fixture
def handler() -> Any:
    app = FastAPI()

    @app.post("/api/v1/chat")
    async def told(request: Request) -> dict[str, str]:
        return {"body": (await request.body()).decode()}

    behind = behind_gateway(app)
    return lambda event, _context: called(behind, event)


@pytest.fixture
def event() -> dict[str, Any]:
    sample: dict[str, Any] = json.loads((ROOT / "events" / "chat.json").read_text())
    return sample


@pytest.mark.parametrize(("place", "value"), [(place, value) for place, values in WRONG.items() for value in values])
def test_what_is_of_another_shape_is_refused_and_named(
    place: str, value: object, handler: Any, event: dict[str, Any]
) -> None:
    with pytest.raises(BadInput) as refused:
        handler({**event, place: value}, None)
    assert any(place in one.path for one in refused.value.fields)


def test_a_body_in_base64_is_read_or_refused(handler: Any, event: dict[str, Any]) -> None:
    encoded = {**event, "isBase64Encoded": True}
    assert json.loads(handler({**encoded, "body": "4oKs"}, None)["body"]) == {"body": "\u20ac"}
    for body in ("a", "\u20ac", 5):
        with pytest.raises(BadInput):
            handler({**encoded, "body": body}, None)


def test_an_event_needs_no_more_than_it_has_without_a_body(handler: Any, event: dict[str, Any]) -> None:
    bare = {name: event[name] for name in ("version", "requestContext")}
    assert json.loads(handler(bare, None)["body"]) == {"body": ""}
    assert json.loads(handler({**bare, "body": None}, None)["body"]) == {"body": ""}


def test_a_kind_of_any_type_is_no_event_of_the_socket() -> None:
    for kind in (["CONNECT"], {}, None, 5):
        with pytest.raises(BadInput):
            socket.handle({"requestContext": {"eventType": kind}})


@pytest.mark.parametrize("credential", ["anima_\ud800", "anima_\u20ac", "\ud800", "\u20ac.a.b"])
def test_a_credential_of_strange_letters_is_nobodys(credential: str) -> None:
    answer = socket.handle(
        {"requestContext": {"eventType": "CONNECT"}, "headers": {"Authorization": f"Bearer {credential}"}}
    )
    assert answer["statusCode"] == 401


@pytest.mark.parametrize(
    ("origin", "own"),
    [
        ("https://anima.example", True),
        ("https://anima.example:444", False),
        ("https://anima.example@evil.example", False),
        ("https://[x", False),
        ("null", False),
        ("", False),
        (None, False),
    ],
)
@pytest.mark.parametrize("host", ["anima.example", ""])
def test_only_this_servers_own_origin_is_its_own(origin: str | None, own: bool, host: str) -> None:
    headers = [(b"host", host.encode())]
    if origin is not None:
        headers.append((b"origin", origin.encode()))
    request = Request({"type": "http", "method": "POST", "path": "/", "headers": headers})
    assert http.same_origin(request) is (own and bool(host))

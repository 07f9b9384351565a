"""What the console serves without a browser: files, headers, cookies, and types that match the API."""

from __future__ import annotations

import base64
import gzip
import re
from http.cookies import SimpleCookie
from typing import Any

import pytest
from fastapi.testclient import TestClient
from mangum import Mangum

from anima.app.main import manage_app
from anima.console import assets, plain
from fixtures.alone import called
from fixtures.api import Person

SAME_ORIGIN = {"Origin": "http://localhost", "Sec-Fetch-Site": "same-origin"}


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("js/main.js", "text/javascript; charset=utf-8"),
        ("css/tokens.css", "text/css; charset=utf-8"),
        ("icon.svg", "image/svg+xml"),
    ],
)
def test_a_file_says_what_it_is_and_may_be_kept(client: TestClient, path: str, kind: str) -> None:
    first = client.get(assets.url(path))
    assert (first.status_code, first.headers["content-type"]) == (200, kind)
    assert first.headers["content-encoding"] == "gzip"
    assert "immutable" in first.headers["cache-control"]
    assert first.content == assets.assets()[path].content
    again = client.get(assets.url(path), headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    whole = client.get(assets.url(path), headers={"Accept-Encoding": "identity"})
    assert "content-encoding" not in whole.headers
    assert whole.content == first.content
    of_older_page = client.get(f"/static/older/{path}")
    assert (of_older_page.status_code, of_older_page.headers["cache-control"]) == (200, "no-cache")


@pytest.mark.parametrize("path", ["../api.py", "js/../../api.py", "nothing.js", "vendor/.stamp", "js"])
def test_what_is_no_file_of_the_console_is_not_served(client: TestClient, path: str) -> None:
    answer = client.get(f"/static/{assets.version()}/{path.replace('..', '%2e%2e')}")
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"


def test_the_page_may_run_its_import_map_and_nothing_else_inline(client: TestClient) -> None:
    page = client.get("/")
    assert client.head("/").status_code == page.status_code == 200
    policy = page.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert not re.search(r"https?:", policy + page.text)
    assert " style=" not in page.text
    assert " on" not in re.sub(r">[^<]*<", "><", page.text).replace("content=", "")
    for address in re.findall(r"(?:src|href)='(/static/[^']+)'", page.text):
        assert client.get(address).status_code == 200, address
    assert page.headers["referrer-policy"] == "same-origin"
    assert page.headers["content-encoding"] == "gzip"
    whole = client.get("/", headers={"Accept-Encoding": "identity"})
    assert (whole.text, "content-encoding" in whole.headers) == (page.text, False)


def test_the_live_plots_have_an_address_that_can_be_told(client: TestClient) -> None:
    job = "01977a2e-6f0b-7cc3-98c4-dc0c0c07398f"
    for asked, answered in (("", ""), (f"?job={job}", f"?job={job}")):
        answer = client.get(f"/visualisation{asked}", follow_redirects=False)
        assert (answer.status_code, answer.headers["location"]) == (307, f"/#/visualisation{answered}")
    assert client.get("/visualisation?job=//elsewhere.example", follow_redirects=False).status_code == 422
    assert client.get("/learning", follow_redirects=False).headers["location"] == "/#/learning"


def test_cookies_are_out_of_reach_of_scripts_and_other_sites(client: TestClient, alice: Person) -> None:
    form = {"username": alice.username, "password": alice.password}
    signed_in = client.post("/console/sign-in", data=form, headers=SAME_ORIGIN)
    assert signed_in.status_code == 204
    cookies = {
        name: one for text in signed_in.headers.get_list("set-cookie") for name, one in SimpleCookie(text).items()
    }
    assert {name: one["path"] for name, one in cookies.items()} == {"anima_session": "/", "anima_refresh": "/console"}
    for one in cookies.values():
        assert one["httponly"]
        assert one["samesite"] == "strict"
    assert client.get("/api/v1/users/me").json()["username"] == alice.username
    before = client.cookies["anima_session"]
    assert client.post("/console/refresh", headers=SAME_ORIGIN).status_code == 204
    assert client.post("/console/sign-out", headers=SAME_ORIGIN).status_code == 204
    assert not client.cookies
    assert client.get("/api/v1/users/me").status_code == 401
    kept = client.get("/api/v1/users/me", headers={"Authorization": f"Bearer {before}"})
    assert kept.status_code == 401


def test_over_https_cookies_travel_only_there(app: Any, alice: Person) -> None:
    secure = TestClient(app, base_url="https://localhost")
    form = {"username": alice.username, "password": alice.password}
    origin = {"Origin": "https://localhost", "Sec-Fetch-Site": "same-origin"}
    answer = secure.post("/console/sign-in", data=form, headers=origin)
    assert answer.status_code == 204
    assert all("Secure" in text for text in answer.headers.get_list("set-cookie"))


@pytest.mark.parametrize("path", ["/console/sign-in", "/console/refresh", "/console/sign-out", "/console/plain/say"])
@pytest.mark.parametrize("headers", [{}, {"Origin": "https://elsewhere.example"}, {"Sec-Fetch-Site": "same-site"}])
def test_a_page_of_another_site_cannot_act_here(
    client: TestClient, alice: Person, path: str, headers: dict[str, str]
) -> None:
    form = {"username": alice.username, "password": alice.password}
    assert client.post("/console/sign-in", data=form, headers=SAME_ORIGIN).status_code == 204
    answer = client.post(path, data={**form, "message": "Hello"}, headers=headers)
    assert answer.status_code == 403
    assert "set-cookie" not in answer.headers
    assert alice.http.get("/api/v1/sessions").json()["items"] == []


def test_one_does_not_sign_in_to_somewhere_else(client: TestClient, alice: Person) -> None:
    form = {"username": alice.username, "password": alice.password}
    for back in (
        "https://elsewhere.example/",
        "//elsewhere.example",
        "/console/plain\\@elsewhere.example",
        "/console/plain\r\nX: y",
    ):
        answer = client.post(
            f"{plain.ROOT}/sign-in", data={**form, "back": back}, headers=SAME_ORIGIN, follow_redirects=False
        )
        assert answer.status_code == 303
        assert answer.headers["location"].startswith(plain.ROOT)
        assert "x" not in answer.headers


def test_plain_pages_escape_what_people_wrote(client: TestClient, alice: Person) -> None:
    evil = "<script>alert(1)</script>"
    made = alice.http.post("/api/v1/avatars", json={"name": evil, "personality": "luna", "bio": evil}).json()
    alice.http.post("/api/v1/sessions", json={"avatar_id": made["avatar_id"], "title": evil})
    form = {"username": alice.username, "password": alice.password}
    client.post("/console/sign-in", data=form, headers=SAME_ORIGIN)
    page = client.get(plain.ROOT)
    assert page.status_code == 200
    assert evil not in page.text
    assert page.text.count("&lt;script&gt;") == 4
    foreign = client.get(f"{plain.ROOT}/sessions/999999999")
    assert foreign.status_code == 404
    assert "There is no session 999999999 of yours." in foreign.text


def test_files_pass_through_lambda_unharmed() -> None:
    handler = Mangum(manage_app(), lifespan="off")

    def asked(path: str) -> Any:
        context = {"http": {"method": "GET", "path": path, "sourceIp": "127.0.0.1"}, "stage": "$default"}
        headers = {"host": "localhost", "accept-encoding": "gzip"}
        event = {"version": "2.0", "rawPath": path, "rawQueryString": "", "headers": headers}
        return called(handler, {**event, "requestContext": context, "isBase64Encoded": False})

    script = asked(assets.url("js/main.js"))
    assert (script["statusCode"], script["isBase64Encoded"]) == (200, True)
    assert gzip.decompress(base64.b64decode(script["body"])) == assets.assets()["js/main.js"].content
    font = "vendor/inter-latin.woff2"
    if font in assets.assets():
        assert base64.b64decode(asked(assets.url(font))["body"]) == assets.assets()[font].content


_TYPES = ("js/types.js", "character/types.js", "knowledge/types.js", "learning/types.js", "memory/types.js")


def declared() -> dict[str, set[str]]:
    """The types of the page and their properties, by name."""
    text = "".join(assets.assets()[path].content.decode() for path in _TYPES)
    found: dict[str, set[str]] = {}
    for block in re.findall(r"/\*\*(.*?)\*/", text, re.DOTALL):
        if named := re.search(r"@typedef \{Object\} (\w+)", block):
            found[named[1]] = set(re.findall(r"@property \{.+\} (\w+)", block))
    return found


def test_the_types_of_the_page_are_those_of_the_api() -> None:
    from anima.app.main import local

    schemas = local().openapi()["components"]["schemas"]
    ours = {name: properties for name, properties in declared().items() if name != "MemoryUsed"}
    assert len(ours) > 25
    for name, properties in ours.items():
        assert properties, name
        assert properties <= set(schemas[name]["properties"]), name

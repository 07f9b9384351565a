"""One-time links: the way in for the first admin, and for whoever lost the password."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import psycopg
import pytest
from fastapi.testclient import TestClient

from anima.identity import service as identity
from anima.kernel import auth, clock, db, secrets
from fixtures.api import PASSWORD, Person

API = "/api/v1"
HOME = "https://anima.example.org"
NEW = "another good password"
SAME_ORIGIN = {"Origin": "http://localhost", "Sec-Fetch-Site": "same-origin"}


def code(url: str) -> str:
    """The secret of a link, which is nowhere but behind the #."""
    parts = urlsplit(url)
    assert (parts.path, parts.query) == ("/console/welcome", "")
    assert len(parts.fragment) >= 40
    return parts.fragment


def use(client: TestClient, link: str, password: str = NEW) -> Any:
    return client.post(f"{API}/password", json={"link": link, "password": password})


def sign_in(client: TestClient, username: str, password: str) -> Any:
    return client.post(f"{API}/token", data={"username": username, "password": password})


@pytest.fixture
def empty(fresh_database: Any, quick_passwords: None) -> Iterator[Any]:
    """A database without anybody, and the app on it."""
    with fresh_database.use():
        yield fresh_database


def test_the_first_admin_comes_in_by_a_link(app: Any, empty: Any) -> None:
    first = identity.first_admin_link(f"{HOME}/")
    assert first is not None
    assert first.startswith(f"{HOME}/console/welcome#")
    client = TestClient(app, base_url="http://localhost")
    assert sign_in(client, "admin", "!").status_code == 401
    assert sign_in(client, "admin", "").status_code == 422
    second = identity.first_admin_link(HOME)
    assert second is not None
    assert use(client, code(first)).status_code == 410
    tokens = use(client, code(second))
    assert tokens.status_code == 200
    who = client.get(f"{API}/users/me", headers={"Authorization": f"Bearer {tokens.json()['access_token']}"}).json()
    assert (who["username"], who["roles"]) == ("admin", ["admin", "operator", "researcher", "viewer"])
    assert sign_in(client, "admin", NEW).status_code == 200
    assert identity.first_admin_link(HOME) is None


def test_deployments_at_once_leave_one_admin_and_one_good_link(app: Any, empty: Any) -> None:
    with ThreadPoolExecutor(4) as pool:
        made = list(pool.map(lambda _: identity.first_admin_link(HOME), range(4)))
    client = TestClient(app, base_url="http://localhost")
    assert sorted(use(client, code(link or "")).status_code for link in made) == [200, 410, 410, 410]
    with psycopg.connect(empty.owner_url) as owner:
        assert owner.execute("select count(*) from users").fetchone() == (1,)


def test_a_name_that_somebody_has_is_not_made_an_admin(empty: Any) -> None:
    identity.first_user("admin", ["viewer"])
    with pytest.raises(identity.UsernameTaken):
        identity.first_admin_link(HOME)


def test_an_admin_with_a_password_needs_no_first_link(empty: Any) -> None:
    identity.first_user("root", ["admin"])
    assert identity.first_admin_link(HOME) is None


def test_only_a_keyed_hash_of_a_link_is_stored(alice: Person, owner_conn: psycopg.Connection[Any]) -> None:
    link = code(identity.sign_in_link(alice.username, HOME).url)
    row = owner_conn.execute("select * from sign_in_links where user_id = %s", [alice.user_id]).fetchone()
    assert row is not None
    assert secrets.keyed_hash("sign-in-link", link) in row
    assert link not in str(row)
    assert link.encode().hex() not in str(row)


def test_an_admin_makes_a_link_for_somebody(client: TestClient, admin: Person, alice: Person) -> None:
    signed_in = sign_in(client, alice.username, PASSWORD).json()
    made = admin.http.post(f"{API}/users/{alice.user_id}/link")
    assert made.status_code == 201
    assert datetime.fromisoformat(made.json()["expires_at"]) > datetime.now(UTC) + timedelta(hours=71)
    link = code(made.json()["url"])
    assert made.json()["url"].startswith("http://localhost/")
    assert use(client, link).status_code == 200
    bearer = {"Authorization": f"Bearer {signed_in['access_token']}"}
    assert client.get(f"{API}/users/me", headers=bearer).status_code == 401
    assert client.post(f"{API}/token/refresh", json={"refresh_token": signed_in["refresh_token"]}).status_code == 401
    assert alice.http.get(f"{API}/users/me").status_code == 200
    assert sign_in(client, alice.username, PASSWORD).status_code == 401
    assert sign_in(client, alice.username, NEW).status_code == 200


def test_who_is_no_admin_makes_none(client: TestClient, admin: Person, alice: Person, bob: Person) -> None:
    for user_id in (bob.user_id, alice.user_id, admin.user_id):
        assert alice.http.post(f"{API}/users/{user_id}/link").status_code == 403
    assert client.post(f"{API}/users/{bob.user_id}/link").status_code == 401
    unknown = admin.http.post(f"{API}/users/{2**40}/link")
    assert (unknown.status_code, unknown.json()["type"].rpartition("/")[2]) == (404, "user-not-found")
    # Not in the database either, whatever the roles of a principal say.
    with pytest.raises(identity.UserNotFound):
        identity.make_link(db.Principal(alice.user_id, frozenset({"admin"})), bob.user_id, HOME)


def test_the_app_does_not_reach_what_is_for_operators(alice: Person) -> None:
    for call in (
        "auth_operator_link('x', 'x', now())",
        "auth_first_admin('x', 'x', now())",
        "auth_store_link(1, 'x', now())",
    ):
        with psycopg.connect(db.login_url("app")) as connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute(f"select {call}")  # type: ignore[arg-type]


@pytest.fixture
def dead_links(client: TestClient, alice: Person, owner_conn: psycopg.Connection[Any]) -> dict[str, str]:
    """A link of every kind that is not good; only the newest of a person can be, so each has its moment."""
    links = {
        "unknown": "x" * 43,
        "of an empty text": "-",
        "replaced": code(identity.sign_in_link(alice.username, HOME).url),
    }
    links["used"] = code(identity.sign_in_link(alice.username.upper(), HOME).url)
    assert use(client, links["used"]).status_code == 200
    return links


def test_a_link_that_is_not_good_is_told_alike(
    client: TestClient, alice: Person, dead_links: dict[str, str], owner_conn: psycopg.Connection[Any]
) -> None:
    answers = [use(client, link).json() for link in dead_links.values()]
    expired = code(identity.sign_in_link(alice.username, HOME).url)
    owner_conn.execute(
        "update sign_in_links set expires_at = now() - interval '1 second' where user_id = %s", [alice.user_id]
    )
    answers.append(use(client, expired).json())
    assert {answer["status"] for answer in answers} == {410}
    assert {answer["type"].rpartition("/")[2] for answer in answers} == {"link-not-valid"}
    assert len({answer["detail"] for answer in answers}) == 1
    assert sign_in(client, alice.username, NEW).status_code == 200


def test_links_hold_three_days(alice: Person) -> None:
    with clock.use(clock.SimulatedClock(datetime(2031, 1, 1, tzinfo=UTC))):
        assert identity.sign_in_link(alice.username, HOME).expires_at == datetime(2031, 1, 4, tzinfo=UTC)


def test_of_two_who_use_a_link_at_once_one_comes_in(app: Any, alice: Person) -> None:
    link = code(identity.sign_in_link(alice.username, HOME).url)

    def attempt(number: int) -> int:
        client = TestClient(app, base_url="http://localhost")
        return int(use(client, link, f"the password of {number}").status_code)

    with ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(attempt, range(4))) == [200, 410, 410, 410]


@pytest.mark.parametrize("password", ["short", "password", "aaaaaaaaaaaa", ""])
def test_a_password_that_is_refused_uses_no_link_up(client: TestClient, alice: Person, password: str) -> None:
    link = code(identity.sign_in_link(f"{alice.username}@example.org", HOME).url)
    refused = use(client, link, password)
    assert refused.status_code == 422
    assert refused.json()["errors"][0]["path"] == "password"
    assert use(client, link, alice.username).status_code == 422
    assert use(client, link).status_code == 200


def test_guessing_links_is_slowed_down(client: TestClient, alice: Person) -> None:
    link = code(identity.sign_in_link(alice.username, HOME).url)
    assert [use(client, f"guess-{number}").status_code for number in range(5)] == [410] * 5
    waits = use(client, link)
    assert waits.status_code == 429
    assert int(waits.headers["retry-after"]) >= 1
    assert identity.use_link(link, NEW, "192.0.2.7").token_type == "bearer"


def test_one_changes_ones_password_and_the_others_are_signed_out(client: TestClient, alice: Person) -> None:
    here, elsewhere = (sign_in(client, alice.username, PASSWORD).json() for _ in range(2))
    bearer = {"Authorization": f"Bearer {here['access_token']}"}
    path = f"{API}/password"
    wrong = client.post(path, json={"current": "not it", "password": NEW}, headers=bearer)
    assert (wrong.status_code, wrong.json()["type"].rpartition("/")[2]) == (401, "wrong-credentials")
    assert client.post(path, json={"current": PASSWORD, "password": "short"}, headers=bearer).status_code == 422
    assert client.post(path, json={"current": PASSWORD, "password": NEW}).status_code == 401
    assert client.post(path, json={"current": PASSWORD, "password": NEW}, headers=bearer).status_code == 204
    assert client.get(f"{API}/users/me", headers=bearer).status_code == 200
    assert client.post(f"{API}/token/refresh", json={"refresh_token": here["refresh_token"]}).status_code == 200
    assert client.post(f"{API}/token/refresh", json={"refresh_token": elsewhere["refresh_token"]}).status_code == 401
    assert sign_in(client, alice.username, NEW).status_code == 200
    assert alice.http.post(path, json={"current": NEW, "password": PASSWORD}).status_code == 204
    assert client.get(f"{API}/users/me", headers=bearer).status_code == 401


@pytest.mark.parametrize("body", [{}, {"link": "x" * 43, "current": PASSWORD}, {"link": ""}, {"link": "x" * 501}])
def test_by_what_right_a_password_is_set_is_said_once(client: TestClient, body: dict[str, str]) -> None:
    answer = client.post(f"{API}/password", json={"password": NEW, **body})
    assert answer.status_code == 422
    assert NEW not in answer.text


def test_admins_see_everybody_page_by_page(admin: Person, alice: Person, bob: Person) -> None:
    first = admin.http.get(f"{API}/users", params={"limit": 2}).json()
    second = admin.http.get(f"{API}/users", params={"limit": 2, "cursor": first["next_cursor"]}).json()
    names = [one["username"] for one in first["items"] + second["items"]]
    assert names[:3] == [bob.username, alice.username, admin.username]
    assert first["items"][0].keys() == {"user_id", "username", "email", "full_name", "roles", "created_at"}
    assert alice.http.get(f"{API}/users").status_code == 403
    assert admin.http.get(f"{API}/users", params={"cursor": "nonsense"}).status_code == 422


def test_the_page_of_a_link_signs_in(client: TestClient, alice: Person) -> None:
    shown = client.get("/console/welcome")
    assert shown.status_code == 200
    assert shown.headers["cache-control"] == "no-store"
    assert "unsafe" not in shown.headers["content-security-policy"]
    link = identity.sign_in_link(alice.username, HOME).url
    form = {"link": f" {link} ", "password": NEW, "again": NEW}
    assert client.post("/console/welcome", data=form).status_code == 403
    differing = client.post("/console/welcome", data={**form, "again": "x"}, headers=SAME_ORIGIN)
    assert differing.status_code == 422
    assert "not the same" in differing.text
    assert code(link) in differing.text
    weak = client.post("/console/welcome", data={**form, "password": "short", "again": "short"}, headers=SAME_ORIGIN)
    assert weak.status_code == 422
    done = client.post("/console/welcome", data=form, headers=SAME_ORIGIN, follow_redirects=False)
    assert (done.status_code, done.headers["location"]) == (303, "/")
    assert client.get(f"{API}/users/me").json()["username"] == alice.username
    again = client.post("/console/welcome", data=form, headers=SAME_ORIGIN)
    assert again.status_code == 410
    assert "ask for a new one" in again.text
    assert code(link) not in again.text
    evil = client.post("/console/welcome", data={**form, "link": "'><script>", "again": "x"}, headers=SAME_ORIGIN)
    assert "<script>" not in evil.text


def test_links_work_through_a_pooler_in_transaction_mode(pooler: Any, client: TestClient, alice: Person) -> None:
    replaced = code(identity.sign_in_link(alice.username, HOME).url)
    link = code(identity.sign_in_link(alice.username, HOME).url)
    assert use(client, replaced).status_code == 410
    tokens = use(client, link)
    assert tokens.status_code == 200
    bearer = {"Authorization": f"Bearer {tokens.json()['access_token']}"}
    assert client.post(f"{API}/password", json={"current": NEW, "password": PASSWORD}, headers=bearer).is_success
    assert client.get(f"{API}/users/me", headers=bearer).status_code == 200


def test_an_access_token_names_its_sign_in_and_a_key_none(client: TestClient, alice: Person) -> None:
    token = sign_in(client, alice.username, PASSWORD).json()["access_token"]
    assert auth.family(token) is not None
    assert auth.family(alice.key) is None

"""Signing in and staying in: passwords, tokens, keys and roles, over HTTP."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest
from argon2 import PasswordHasher
from fastapi.testclient import TestClient

from anima.identity import passwords
from anima.identity import service as identity
from anima.kernel import clock, db, idempotency, secrets
from fixtures.api import PASSWORD, MakeUser, Person
from fixtures.house import wait_for

API = "/api/v1"


def sign_in(client: TestClient, username: str, password: str = PASSWORD) -> Any:
    return client.post(f"{API}/token", data={"username": username, "password": password})


def me(client: TestClient, token: str) -> Any:
    return client.get(f"{API}/users/me", headers={"Authorization": f"Bearer {token}"})


def tokens(client: TestClient, person: Person) -> dict[str, Any]:
    answer = sign_in(client, person.username)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


@pytest.fixture
def simulated() -> Iterator[clock.SimulatedClock]:
    with clock.use(clock.SimulatedClock(datetime.now(UTC))) as held:
        yield held  # type: ignore[misc]


def test_a_right_password_gives_tokens_that_say_who_one_is(client: TestClient, alice: Person) -> None:
    given = tokens(client, alice)
    assert given["token_type"] == "bearer"
    assert given["expires_in"] == 900
    who = me(client, given["access_token"])
    assert who.status_code == 200
    assert who.json()["user_id"] == alice.user_id
    assert who.json()["username"] == alice.username
    assert who.json()["roles"] == ["viewer"]


def test_one_signs_in_by_e_mail_and_in_any_case(client: TestClient, alice: Person) -> None:
    assert sign_in(client, f"{alice.username}@example.org".upper()).status_code == 200
    assert sign_in(client, alice.username.upper()).status_code == 200


def test_a_wrong_password_and_an_unknown_user_are_told_alike(client: TestClient, alice: Person) -> None:
    wrong = sign_in(client, alice.username, "not the password")
    unknown = sign_in(client, "nobody-of-that-name", "not the password")
    assert wrong.status_code == unknown.status_code == 401
    assert wrong.json()["type"].endswith("/wrong-credentials")
    assert {**wrong.json(), "request_id": ""} == {**unknown.json(), "request_id": ""}


def test_guessing_is_slowed_down_and_only_for_that_login(
    client: TestClient, alice: Person, bob: Person, simulated: clock.SimulatedClock
) -> None:
    for _ in range(5):
        assert sign_in(client, alice.username, "a guess").status_code == 401
    refused = sign_in(client, alice.username)
    assert refused.status_code == 429
    assert refused.json()["type"].endswith("/too-many-attempts")
    assert int(refused.headers["retry-after"]) >= 1
    assert sign_in(client, bob.username).status_code == 200
    simulated.advance(timedelta(seconds=int(refused.headers["retry-after"])))
    assert sign_in(client, alice.username).status_code == 200


def test_other_grants_are_refused(client: TestClient, alice: Person) -> None:
    form = {"username": alice.username, "password": PASSWORD, "grant_type": "client_credentials"}
    answer = client.post(f"{API}/token", data=form)
    assert answer.status_code == 422
    assert [one["path"] for one in answer.json()["errors"]] == ["grant_type"]
    assert PASSWORD not in answer.text


def test_a_refresh_token_is_exchanged_for_the_next(client: TestClient, alice: Person) -> None:
    first = tokens(client, alice)
    second = client.post(f"{API}/token/refresh", json={"refresh_token": first["refresh_token"]})
    assert second.status_code == 200
    assert second.json()["refresh_token"] != first["refresh_token"]
    assert me(client, second.json()["access_token"]).status_code == 200
    third = client.post(f"{API}/token/refresh", json={"refresh_token": second.json()["refresh_token"]})
    assert third.status_code == 200


def test_a_refresh_token_that_comes_twice_ends_the_family(client: TestClient, alice: Person) -> None:
    first = tokens(client, alice)
    other = tokens(client, alice)
    second = client.post(f"{API}/token/refresh", json={"refresh_token": first["refresh_token"]}).json()
    stolen = client.post(f"{API}/token/refresh", json={"refresh_token": first["refresh_token"]})
    assert stolen.status_code == 401
    assert stolen.json()["type"].endswith("/refresh-token-not-valid")
    rightful = client.post(f"{API}/token/refresh", json={"refresh_token": second["refresh_token"]})
    assert rightful.status_code == 401
    assert me(client, second["access_token"]).status_code == 401
    assert me(client, other["access_token"]).status_code == 200


def test_signing_out_takes_effect_at_once(client: TestClient, alice: Person) -> None:
    given = tokens(client, alice)
    assert me(client, given["access_token"]).status_code == 200
    for _ in range(2):
        answer = client.post(f"{API}/token/revoke", json={"refresh_token": given["refresh_token"]})
        assert answer.status_code == 204
    assert me(client, given["access_token"]).status_code == 401
    again = client.post(f"{API}/token/refresh", json={"refresh_token": given["refresh_token"]})
    assert again.status_code == 401


def test_an_access_token_expires(client: TestClient, alice: Person, simulated: clock.SimulatedClock) -> None:
    simulated.advance(-timedelta(hours=1))
    old = tokens(client, alice)["access_token"]
    simulated.advance(timedelta(hours=1))
    answer = me(client, old)
    assert answer.status_code == 401
    assert "expired" in answer.json()["detail"]


def test_a_token_that_others_signed_is_no_token(client: TestClient, alice: Person) -> None:
    import jwt

    claims = {"sub": str(alice.user_id), "sid": "0" * 32, "aud": "anima", "exp": 2**33}
    forged = jwt.encode(claims, "k" * 32, algorithm="HS256")
    unsigned = jwt.encode(claims, None, algorithm="none")
    unknown_family = jwt.encode(claims, secrets.derive("access-token"), algorithm="HS256")
    for credential in (forged, unsigned, unknown_family, "garbage", "a.b.c"):
        answer = me(client, credential)
        assert answer.status_code == 401
        assert answer.headers["www-authenticate"] == "Bearer"


def test_an_api_key_is_shown_once_works_and_is_revoked(client: TestClient, alice: Person) -> None:
    made = alice.http.post(f"{API}/api-keys", json={"name": "laptop"})
    assert made.status_code == 201
    key, key_id = made.json()["key"], made.json()["api_key_id"]
    assert key.startswith(made.json()["prefix"])
    assert len(made.json()["prefix"]) < len(key) / 2
    listed = alice.http.get(f"{API}/api-keys")
    assert key not in listed.text
    assert [one["name"] for one in listed.json()["items"]] == ["laptop", "of the tests"]
    assert me(client, key).json()["user_id"] == alice.user_id
    assert alice.http.delete(f"{API}/api-keys/{key_id}").status_code == 204
    assert me(client, key).status_code == 401
    assert alice.http.delete(f"{API}/api-keys/{key_id}").status_code == 204
    assert alice.http.get(f"{API}/api-keys").json()["items"][0]["revoked_at"] is not None


def test_the_database_alone_reveals_no_key(alice: Person, owner_conn: psycopg.Connection[Any]) -> None:
    made = alice.http.post(f"{API}/api-keys", json={"name": "laptop"}, headers={"Idempotency-Key": "once"}).json()
    dumped = owner_conn.execute(
        """
        select string_agg(k::text, ' ') || (select string_agg(i::text, ' ') from idempotency_keys i)
        from api_keys k where user_id = %s
        """,
        [alice.user_id],
    ).fetchone()
    assert dumped is not None
    assert made["prefix"] in dumped[0]
    assert made["key"] not in dumped[0]
    assert made["key"].removeprefix(made["prefix"]) not in dumped[0]


def test_a_key_asked_for_twice_with_one_idempotency_key_is_one_key(alice: Person) -> None:
    headers = {"Idempotency-Key": "laptop"}
    first, second = (alice.http.post(f"{API}/api-keys", json={"name": "laptop"}, headers=headers) for _ in range(2))
    assert first.status_code == second.status_code == 201
    assert first.json() == second.json()
    assert len(alice.http.get(f"{API}/api-keys").json()["items"]) == 2
    other = alice.http.post(f"{API}/api-keys", json={"name": "phone"}, headers=headers)
    assert other.status_code == 409
    assert other.json()["type"].endswith("/idempotency-key-reused")


def test_keys_come_in_pages(alice: Person) -> None:
    for number in range(4):
        alice.http.post(f"{API}/api-keys", json={"name": str(number)})
    names, cursor = [], None
    while True:
        params: dict[str, Any] = {"limit": 2} | ({"cursor": cursor} if cursor else {})
        page = alice.http.get(f"{API}/api-keys", params=params).json()
        names += [one["name"] for one in page["items"]]
        if (cursor := page["next_cursor"]) is None:
            break
    assert names == ["3", "2", "1", "0", "of the tests"]
    assert alice.http.get(f"{API}/api-keys", params={"cursor": "bm9uc2Vuc2U"}).status_code == 422
    assert alice.http.get(f"{API}/api-keys", params={"cursor": "W3RydWVd"}).status_code == 422


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": "Bearer anima_wrong"},
        {"Authorization": "Bearer "},
        {"Authorization": "Basic YWxpY2U6cHc="},
    ],
)
def test_a_missing_or_wrong_key_is_401(client: TestClient, headers: dict[str, str]) -> None:
    answer = client.get(f"{API}/users/me", headers=headers)
    assert answer.status_code == 401
    assert answer.json()["type"] == "https://anima.dev/problems/unauthenticated"
    assert answer.json()["request_id"] == answer.headers["x-request-id"]


def test_a_key_of_somebody_else_cannot_be_revoked(alice: Person, bob: Person) -> None:
    theirs = alice.http.get(f"{API}/api-keys").json()["items"][0]["api_key_id"]
    assert bob.http.delete(f"{API}/api-keys/{theirs}").status_code == 404
    assert alice.http.get(f"{API}/users/me").status_code == 200


def test_only_an_admin_makes_users(client: TestClient, admin: Person, alice: Person) -> None:
    body = {
        "username": f"{alice.username}-child",
        "password": "a good password",
        "email": f"child-of-{alice.username}@example.org",
        "roles": ["researcher", "viewer"],
    }
    refused = alice.http.post(f"{API}/users", json=body)
    assert refused.status_code == 403
    assert client.post(f"{API}/users", json=body).status_code == 401
    made = admin.http.post(f"{API}/users", json=body)
    assert made.status_code == 201
    assert "password" not in made.text
    given = sign_in(client, str(body["username"]), "a good password")
    assert me(client, given.json()["access_token"]).json()["roles"] == ["researcher", "viewer"]


def test_names_and_addresses_are_unique_in_any_case(admin: Person, alice: Person) -> None:
    body = {"username": alice.username.upper(), "password": "a good password"}
    taken = admin.http.post(f"{API}/users", json=body)
    assert taken.status_code == 409
    assert taken.json()["type"].endswith("/username-taken")
    body = {
        "username": f"{alice.username}-2",
        "password": "a good password",
        "email": f"{alice.username}@EXAMPLE.org",
    }
    taken = admin.http.post(f"{API}/users", json=body)
    assert taken.status_code == 409
    assert taken.json()["type"].endswith("/email-taken")


@pytest.mark.parametrize(
    ("wrong", "path"),
    [
        ({"password": "short"}, "password"),
        ({"password": "password123"}, "password"),
        ({"password": "aaaaaaaaaaaa"}, "password"),
        ({"password": "somebody-new"}, "password"),
        ({"username": "with space"}, "username"),
        ({"username": ""}, "username"),
        ({"username": "a\0b"}, "username"),
        ({"email": "no address"}, "email"),
        ({"roles": ["emperor"]}, "roles.0"),
        ({"full_name": "x" * 201}, "full_name"),
        ({"is_admin": True}, "is_admin"),
    ],
)
def test_what_is_wrong_with_a_new_user_is_told_by_field(admin: Person, wrong: dict[str, Any], path: str) -> None:
    body = {"username": "somebody-new", "password": "a good password", **wrong}
    answer = admin.http.post(f"{API}/users", json=body)
    assert answer.status_code == 422
    assert [one["path"] for one in answer.json()["errors"]] == [path]
    assert body["password"] == "somebody-new" or body["password"] not in answer.text


def test_a_user_made_twice_with_one_idempotency_key_is_one_user(admin: Person) -> None:
    body = {"username": f"{admin.username}-x", "password": "a good password"}
    first, second = (admin.http.post(f"{API}/users", json=body, headers={"Idempotency-Key": "u"}) for _ in range(2))
    assert first.status_code == second.status_code == 201
    assert first.json() == second.json()


def test_a_new_password_ends_every_sign_in_and_keeps_the_keys(client: TestClient, alice: Person) -> None:
    given = tokens(client, alice)
    body = {"current_password": PASSWORD, "new_password": "another good password"}
    bearer = {"Authorization": f"Bearer {given['access_token']}"}
    path = f"{API}/users/me/password"
    wrong = client.post(path, json={**body, "current_password": "not it"}, headers=bearer)
    assert wrong.status_code == 401
    assert client.post(path, json={**body, "new_password": "short"}, headers=bearer).status_code == 422
    assert client.post(path, json=body, headers=bearer).status_code == 204
    assert me(client, given["access_token"]).status_code == 401
    assert alice.http.get(f"{API}/users/me").status_code == 200
    assert sign_in(client, alice.username).status_code == 401
    assert sign_in(client, alice.username, "another good password").status_code == 200


def test_the_cookie_of_the_console_counts_only_from_its_own_pages(app: Any, alice: Person) -> None:
    token = tokens(TestClient(app, base_url="http://localhost"), alice)["access_token"]
    browser = TestClient(app, base_url="http://localhost", cookies={"anima_session": token})
    path, body = f"{API}/api-keys", {"name": "from the page"}
    assert browser.get(f"{API}/users/me").status_code == 200
    assert browser.post(path, json=body).status_code == 403
    for site in ("cross-site", "same-site", "none"):
        assert browser.post(path, json=body, headers={"Sec-Fetch-Site": site}).status_code == 403
    assert browser.post(path, json=body, headers={"Origin": "http://evil.example"}).status_code == 403
    assert browser.post(path, json=body, headers={"Sec-Fetch-Site": "same-origin"}).status_code == 201
    assert browser.post(path, json=body, headers={"Origin": "http://localhost"}).status_code == 201


def test_hashes_are_renewed_when_the_parameters_change(
    client: TestClient, alice: Person, owner_conn: psycopg.Connection[Any]
) -> None:
    def stored() -> str:
        row = owner_conn.execute("select password_hash from users where user_id = %s", [alice.user_id]).fetchone()
        assert row is not None
        return str(row[0])

    assert "$m=8,t=1,p=1$" in stored()
    with passwords.use(PasswordHasher(time_cost=2, memory_cost=16, parallelism=1)):
        assert sign_in(client, alice.username).status_code == 200
    assert "$m=16,t=2,p=1$" in stored()
    assert sign_in(client, alice.username).status_code == 200


def test_the_hash_of_the_house_is_argon2id_of_rfc_9106() -> None:
    with passwords.use(PasswordHasher()):
        assert passwords.hashed("x").startswith("$argon2id$v=19$m=65536,t=3,p=4$")


def test_the_first_user_needs_nobody_and_a_second_does(fresh_database: Any, quick_passwords: None) -> None:
    with fresh_database.use():
        first = identity.first_user("admin", ["admin", "viewer"])
        assert first is not None
        user, password = first
        assert user.roles == ["admin", "viewer"]
        assert identity.sign_in("admin", password).token_type == "bearer"
        assert identity.first_user("admin", ["admin"]) is None
        assert identity.first_user("somebody", ["admin"]) is None


def test_roles_hold_from_the_moment_they_are_given(make_user: MakeUser, owner_conn: psycopg.Connection[Any]) -> None:
    person = make_user("viewer")
    body = {"username": f"{person.username}-made", "password": "a good password"}
    assert person.http.post(f"{API}/users", json=body).status_code == 403
    owner_conn.execute(
        "insert into user_roles select %s, role_id from roles where role_name = 'admin'", [person.user_id]
    )
    assert person.http.post(f"{API}/users", json=body).status_code == 201
    owner_conn.execute("delete from user_roles where user_id = %s and role_id = 1", [person.user_id])
    assert person.http.post(f"{API}/users", json={**body, "username": "x"}).status_code == 403
    with pytest.raises(identity.WrongCredentials):
        identity.change_password(db.Principal(person.user_id), "not it", "a good password")


def test_of_calls_that_take_an_expired_key_over_at_once_one_does_the_work(
    alice: Person, owner_conn: psycopg.Connection[Any]
) -> None:
    owner_id, key = alice.user_id, idempotency.Key("again", b"asked")
    with db.transaction(alice.principal) as tx:
        idempotency.enter(tx, owner_id, key)
        idempotency.lapse(tx, owner_id, key)

    def second() -> object:
        with db.transaction(alice.principal) as tx:
            entered = idempotency.enter(tx, owner_id, key)
            return idempotency.settled(tx, owner_id, key, entered)

    waiting = "select from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()"
    with ThreadPoolExecutor(1) as pool:
        with db.transaction(alice.principal) as tx:
            entered = idempotency.enter(tx, owner_id, key)
            assert idempotency.settled(tx, owner_id, key, entered) is None
            late = pool.submit(second)
            wait_for(lambda: late.done() or owner_conn.execute(waiting).fetchone() is not None)
        with pytest.raises(idempotency.StillRunning):
            late.result()

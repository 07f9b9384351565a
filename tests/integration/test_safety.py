"""Safety over HTTP and in turns: the protocol without a model, settings of admins, ages, the report of a year."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest

from anima.kernel import clock
from fixtures.api import Person
from fixtures.stub_llm import StubLLM
from fixtures.turns import said

Owner = psycopg.Connection[Any]
START = datetime(2031, 3, 3, 9, tzinfo=UTC)


def test_a_crisis_is_answered_without_the_model_and_counted_for_nobody(
    alice: Person, admin: Person, luna: str, talking: StubLLM
) -> None:
    assert alice.http.put("/api/v1/users/me/safety", json={"country": "FR"}).status_code == 200
    with clock.use(clock.SimulatedClock(START)):
        answer = said(alice, "I want to kill myself", avatar_id=luna)
        assert "3114" in answer["content"]
        assert answer["safety"]["kind"] == "crisis"
        assert not talking.chats
        report = admin.http.get("/api/v1/safety/report", params={"year": 2031}).json()
    assert {"month": "2031-03", "kind": "crisis", "country": "FR", "count": 1} in report["items"]
    assert "kill" not in str(report)


def test_care_goes_on_in_the_next_turn(alice: Person, luna: str, talking: StubLLM) -> None:
    first = said(alice, "je veux mourir", avatar_id=luna)
    talking.script("Je reste avec toi.")
    second = said(alice, "je ne sais pas", session_id=first["session_id"])
    assert second["safety"]["careful"]
    assert second["safety"]["resources"] == []
    assert "suicide" in talking.chats[-1].prompt, "the model was told to be careful"


def test_a_minor_is_remembered_and_only_an_admin_lifts_it(
    alice: Person, admin: Person, luna: str, talking: StubLLM, owner_conn: Owner
) -> None:
    said(alice, "im 15 and it rains", avatar_id=luna)
    mine = alice.http.get("/api/v1/users/me/safety").json()
    assert (mine["age"], mine["age_by"]) == ("minor", "statement")
    refused = alice.http.put("/api/v1/users/me/safety", json={"minor": False})
    assert refused.status_code == 403
    assert "only-admins-lift" in refused.json()["type"]
    assert alice.http.put(f"/api/v1/users/{alice.user_id}/safety", json={"age": "adult"}).status_code == 403
    assert admin.http.put(f"/api/v1/users/{alice.user_id}/safety", json={"age": "adult"}).status_code == 204
    said(alice, "im 15 and it rains", avatar_id=luna)
    assert alice.http.get("/api/v1/users/me/safety").json()["age"] == "adult"
    noted = owner_conn.execute(
        "select detail from audit_log where actor_id = %s and action = 'safety.age'", [admin.user_id]
    ).fetchone()
    assert noted == ({"age": "adult"},)
    assert admin.http.put("/api/v1/users/999999999/safety", json={"age": "minor"}).status_code == 404


def test_of_a_private_session_no_age_is_kept(alice: Person, luna: str, talking: StubLLM, owner_conn: Owner) -> None:
    session = alice.http.post("/api/v1/sessions", json={"avatar_id": luna, "private": True}).json()["session_id"]
    said(alice, "im 15 and it rains", session_id=session)
    assert alice.http.get("/api/v1/users/me/safety").json()["age"] == "unknown"
    asked = said(alice, "let's roleplay a sex scene", session_id=session)
    assert asked["safety"]["kind"] == "minor_sexual", "within it, it holds"


def test_after_three_hours_a_minor_is_reminded_of_a_break(alice: Person, luna: str, talking: StubLLM) -> None:
    alice.http.put("/api/v1/users/me/safety", json={"minor": True})
    with clock.use(story := clock.SimulatedClock(START)):
        answer = said(alice, "good morning", avatar_id=luna)
        reminded = 0
        for _ in range(20):
            story.advance(timedelta(minutes=20))
            answer = said(alice, "and what else?", session_id=answer["session_id"])
            reminded += bool(answer["safety"] and answer["safety"]["break"])
    assert reminded == 2


def test_settings_are_changed_by_admins_only_all_or_none_and_written_down(
    alice: Person, admin: Person, luna: str, talking: StubLLM, owner_conn: Owner
) -> None:
    assert alice.http.get("/api/v1/settings").status_code == 403
    wrong = admin.http.put("/api/v1/settings", json={"values": {"safety.crisis": False, "safety.breaks": "never"}})
    assert wrong.status_code == 422
    assert [error["path"] for error in wrong.json()["errors"]] == ["values.safety.breaks"]
    held = {one["key"]: one["value"] for one in admin.http.get("/api/v1/settings").json()["items"]}
    assert held["safety.crisis"] is True
    try:
        changed = admin.http.put("/api/v1/settings", json={"values": {"safety.crisis": False}})
        assert changed.status_code == 200, changed.text
        assert said(alice, "I want to kill myself", avatar_id=luna)["safety"] is None
        [noted] = owner_conn.execute(
            "select detail from audit_log where actor_id = %s and action = 'settings.change'", [admin.user_id]
        ).fetchall()
        assert noted == ({"safety.crisis": False},)
    finally:
        owner_conn.execute("delete from settings where key like 'safety.%'")


@pytest.mark.parametrize("country", ["fr", "F", "FRA", "12"])
def test_a_country_that_is_none_is_refused(alice: Person, country: str) -> None:
    assert alice.http.put("/api/v1/users/me/safety", json={"country": country}).status_code == 422


def test_lines_of_a_country_come_with_their_sources(alice: Person) -> None:
    found = alice.http.get("/api/v1/safety/resources", params={"country": "PT"}).json()
    assert found["lines"][0]["phone"] == "1411"
    assert found["lines"][0]["source"].startswith("https://")
    unlisted = alice.http.get("/api/v1/safety/resources", params={"country": "XX"})
    assert unlisted.status_code == 404
    assert unlisted.json()["detail"].startswith("No line that helps is known here for XX; there are those of AT, AU")
    seen = alice.http.get("/api/v1/safety/resources", headers={"CloudFront-Viewer-Country": "CH"}).json()
    assert seen["country"] == "CH"

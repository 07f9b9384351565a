"""Style from outside: learnt from turns, read, corrected, switched off, erased, carried elsewhere."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from anima.kernel import clock, db, outbox
from anima.style import carry_service, learn_service
from anima.style import service as style
from fixtures.api import Person
from fixtures.stub_llm import StubLLM
from fixtures.turns import make_avatar, said

TEEN = [
    "omg hiii 😂",
    "lol same!!",
    "idk tbh 😭",
    "brb dinner 🍕",
    "yesss finally!! 🎉",
    "ugh so tired",
    "gn 😴",
    "lol ok",
]
Drain = Callable[[], list[outbox.Event]]


@pytest.fixture
def time() -> Iterator[clock.SimulatedClock]:
    simulated = clock.SimulatedClock(datetime(2026, 5, 4, 18, tzinfo=UTC))
    with clock.use(simulated):
        yield simulated


def shown(person: Person) -> dict[str, Any]:
    answer = person.http.get("/api/v1/users/me/style")
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def put(person: Person, **body: Any) -> Any:
    return person.http.put("/api/v1/users/me/style", json=body)


def told(person: Person) -> dict[str, str | None]:
    return {name: trait["value"] for name, trait in shown(person)["traits"].items()}


def learn(person: Person, texts: list[str], first: int = 1_000_000) -> list[bool]:
    """Has messages measured, as after turns, without a turn."""
    changed = []
    for number, text in enumerate(texts):
        at = clock.now() + timedelta(seconds=30 * number)
        with db.transaction(person.principal) as tx:
            changed.append(learn_service.after_turn(tx, person.user_id, first + number, text, None, at))
    return changed


def talked(person: Person, avatar: str, texts: list[str], drain: Drain, **more: Any) -> int:
    session: int | None = None
    for text in texts:
        where = {"session_id": session} if session else {"avatar_id": avatar, **more}
        session = int(said(person, text, **where)["session_id"])
    drain()
    assert session is not None
    return session


def test_before_anything_is_said(alice: Person) -> None:
    found = shown(alice)
    assert (found["enabled"], found["messages"], found["settled"]) == (True, 0, False)
    assert set(told(alice).values()) == {None}
    assert found["measures"] == {}


def test_turns_make_a_style_that_its_owner_reads(
    alice: Person, bob: Person, luna: str, talking: StubLLM, drain_outbox: Drain
) -> None:
    talked(alice, luna, TEEN, drain_outbox)
    found = shown(alice)
    assert (found["messages"], found["settled"]) == (8, True)
    assert {name: told(alice)[name] for name in ("length", "formality", "emoji", "case", "language")} == {
        "length": "short", "formality": "low", "emoji": "some", "case": "lower", "language": "en"
    }  # fmt: skip
    assert found["measures"]["words"] <= 3
    assert shown(bob)["messages"] == 0


def test_the_prompt_follows_the_style_and_leaves_it_where_it_is_off(
    alice: Person, luna: str, talking: StubLLM, drain_outbox: Drain
) -> None:
    session = talked(alice, luna, TEEN, drain_outbox)

    def asked() -> str:
        said(alice, "what now", session_id=session)
        return str(talking.chats[-1].prompt)

    casual = asked()
    assert "Write casually" in casual
    assert put(alice, enabled=False).status_code == 200
    assert "Write casually" not in asked()
    put(alice, enabled=True)
    alice.http.patch(f"/api/v1/avatars/{luna}", json={"switches": {"style": False}})
    assert "Write casually" not in asked()


def test_a_switched_off_avatar_and_a_private_session_teach_nothing(
    alice: Person, luna: str, talking: StubLLM, drain_outbox: Drain
) -> None:
    made = alice.http.post("/api/v1/sessions", json={"avatar_id": luna, "private": True})
    assert made.status_code == 201, made.text
    for text in TEEN[:4]:
        said(alice, text, session_id=made.json()["session_id"])
    drain_outbox()
    assert shown(alice)["messages"] == 0
    alice.http.patch(f"/api/v1/avatars/{luna}", json={"switches": {"style": False}})
    talked(alice, luna, TEEN[:4], drain_outbox)
    assert shown(alice)["messages"] == 0


def test_the_same_message_again_changes_nothing(alice: Person, time: clock.SimulatedClock) -> None:
    assert learn(alice, TEEN) == [True] * 8
    before = shown(alice)
    assert learn(alice, TEEN) == [False] * 8
    assert learn(alice, list(reversed(TEEN))) == [False] * 8
    assert shown(alice) == before


def test_a_correction_wins_until_it_is_given_back(alice: Person, time: clock.SimulatedClock) -> None:
    learn(alice, TEEN)
    answer = put(alice, corrected={"emoji": "none", "length": "long"})
    assert answer.status_code == 200
    assert answer.json()["traits"]["emoji"] == {"value": "none", "measured": "some", "corrected": "none"}
    learn(alice, ["so many 😂😂😂😂"] * 6, first=2_000_000)
    assert (told(alice)["emoji"], told(alice)["length"]) == ("none", "long")
    given = put(alice, corrected={"emoji": None}).json()
    assert given["traits"]["emoji"] == {"value": "many", "measured": "many", "corrected": None}
    assert given["traits"]["length"]["value"] == "long"


def test_what_is_wrong_is_refused_and_changes_nothing(alice: Person) -> None:
    put(alice, corrected={"emoji": "none"})
    for body in (
        {"corrected": {"emoji": "lots"}},
        {"corrected": {"handwriting": "neat"}},
        {"enabled": "perhaps"},
        {"measures": {"words": 3}},
    ):
        assert put(alice, **body).status_code == 422
    found = shown(alice)
    assert found["enabled"]
    assert {name: one["corrected"] for name, one in found["traits"].items() if one["corrected"]} == {"emoji": "none"}


def test_off_learns_nothing_and_on_goes_on(alice: Person, time: clock.SimulatedClock) -> None:
    learn(alice, TEEN[:4])
    put(alice, enabled=False)
    assert learn(alice, TEEN[4:], first=2_000_000) == [False] * 4
    with db.transaction(alice.principal) as tx:
        row = style.begin(tx, alice.user_id)
    assert style.profile(row.first()) is None
    put(alice, enabled=True)
    assert learn(alice, TEEN[4:], first=2_000_000) == [True] * 4


def test_what_was_forgotten_is_not_learnt_again(
    alice: Person, luna: str, talking: StubLLM, drain_outbox: Drain
) -> None:
    session = talked(alice, luna, TEEN[:5], drain_outbox)
    said(alice, "lol one more", session_id=session)  # its event is still on its way
    put(alice, enabled=True, corrected={"case": "normal"})
    assert alice.http.delete("/api/v1/users/me/style").status_code == 204
    drain_outbox()
    found = shown(alice)
    assert found["messages"] == 0
    assert set(told(alice).values()) == {None}
    said(alice, "lol and new", session_id=session)
    drain_outbox()
    assert shown(alice)["messages"] == 1


def test_erasing_memory_erases_it_and_keeps_the_will(alice: Person, time: clock.SimulatedClock) -> None:
    learn(alice, TEEN)
    put(alice, enabled=False, corrected={"emoji": "none"})
    assert alice.http.delete("/api/v1/users/me/memory").status_code == 200
    found = shown(alice)
    assert (found["messages"], found["measures"], found["enabled"]) == (0, {}, False)
    assert set(told(alice).values()) == {None}


def test_it_is_taken_along(alice: Person, time: clock.SimulatedClock) -> None:
    learn(alice, TEEN)
    archive = zipfile.ZipFile(io.BytesIO(alice.http.get("/api/v1/users/me/export").content))
    (line,) = archive.read("style.ndjson").decode().splitlines()
    assert json.loads(line)["measured"]["messages"] == 8


def part_of(person: Person) -> dict[str, Any]:
    with db.transaction(person.principal) as tx:
        kept = carry_service.portable(tx, person.user_id)
    return carry_service.as_part(kept.first())


def take_in(person: Person, part: dict[str, Any]) -> bool:
    with db.transaction(person.principal) as tx:
        return carry_service.take_in(tx, person.user_id, part)


def test_it_travels_and_is_the_same(alice: Person, bob: Person, time: clock.SimulatedClock) -> None:
    learn(alice, TEEN)
    put(alice, corrected={"length": "medium"})
    part = json.loads(json.dumps(part_of(alice)))
    assert "m" not in part["samples"][0]
    assert take_in(bob, part)
    assert part_of(bob) == part
    assert told(bob) == told(alice)
    assert not take_in(bob, part)
    assert part_of(bob) == part


def test_where_somebody_has_a_style_what_comes_goes_before_it(
    alice: Person, bob: Person, time: clock.SimulatedClock
) -> None:
    learn(alice, TEEN)
    put(alice, corrected={"length": "medium", "emoji": "many"})
    learn(bob, ["Good evening. I should be grateful for your help with this letter, if I may ask for it."] * 12)
    put(bob, enabled=False, corrected={"emoji": "none"})
    assert take_in(bob, part_of(alice))
    found = shown(bob)
    assert (found["messages"], found["enabled"]) == (20, False)
    corrected = {name: one["corrected"] for name, one in found["traits"].items() if one["corrected"]}
    assert corrected == {"emoji": "none", "length": "medium"}
    assert found["measures"]["words"] == 18  # the newest, bob's own, count most
    again = part_of(bob)
    assert not take_in(bob, part_of(alice))
    assert part_of(bob) == again


def test_two_at_once_both_count(alice: Person, time: clock.SimulatedClock) -> None:
    from concurrent.futures import ThreadPoolExecutor

    def one(number: int) -> bool:
        with db.transaction(alice.principal) as tx:
            return learn_service.after_turn(tx, alice.user_id, number, TEEN[number % 8], None, clock.now())

    with ThreadPoolExecutor(4) as pool:
        assert all(pool.map(one, range(1, 17)))
    assert shown(alice)["messages"] == 16


def test_who_says_vous_is_told_vous(alice: Person, talking: StubLLM) -> None:
    colette = make_avatar(alice, "colette")

    def asked() -> str:
        said(alice, "Quel livre aimez-vous le plus ?", avatar_id=colette)
        return str(talking.chats[-1].prompt)

    assert "dis-moi « tu »" in asked()
    put(alice, corrected={"address": "vous"})
    polite = asked()
    assert "Vouvoie la personne." in polite
    assert "dis-moi « vous »" in polite
    assert "dis-moi « tu »" not in polite

"""A month in which a stranger becomes a friend, seen from outside: affinity, mood and style, and what they change.

Once in English, once in French, on a clock that stands still between the evenings. The model is a stub that always
says the same, at length: what differs between the first evening and the last is what the house's code sets.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import psycopg
import pytest

from anima import personality as personalities
from anima.kernel import clock, outbox
from fixtures.api import Person
from fixtures.character_script import ENGLISH, FRENCH, CharacterScript
from fixtures.stub_llm import StubLLM
from fixtures.turns import make_avatar, said

Drain = Callable[[], list[outbox.Event]]
Owner = psycopg.Connection[Any]
# Far enough ahead that what is to be done later waits for the clock of the story, not for the database's.
FIRST_EVENING = datetime(2060, 3, 1, 18, 30, tzinfo=UTC)
EVENINGS = 28


class Month:
    """A person, their avatar, and the evenings."""

    def __init__(self, person: Person, stub: StubLLM, drain: Drain, time: clock.SimulatedClock) -> None:
        self.person, self.stub, self.time = person, stub, time
        self._drain = drain
        self.avatar = ""
        self.prompt = ""
        self.pause = 0
        self._session: int | None = None

    def evening(self, day: float) -> None:
        """It is the evening of that day (from 0), and a new session."""
        self.time.advance(FIRST_EVENING + timedelta(days=day) - self.time.now())
        self._session = None

    def says(self, text: str) -> dict[str, Any]:
        """A turn, and what follows it; the prompt that the model was given is kept."""
        before = len(self.stub.chats)
        where = {"session_id": self._session} if self._session else {"avatar_id": self.avatar}
        answer: dict[str, Any] = said(self.person, text, **where)
        self._session = int(answer["session_id"])
        self.prompt = self.stub.chats[before].prompt
        self._drain()
        self.time.advance(timedelta(seconds=self.pause))
        return answer

    def get(self, path: str, **params: Any) -> dict[str, Any]:
        answer = self.person.http.get(f"/api/v1{path}", params=params)
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    def rates(self, answer: dict[str, Any], rating: int) -> None:
        place = f"/api/v1/responses/{answer['response_id']}/feedback"
        rated = self.person.http.post(place, json={"rating": rating})
        assert rated.status_code == 200, rated.text
        self._drain()

    @property
    def affinity(self) -> dict[str, Any]:
        return self.get(f"/avatars/{self.avatar}/affinity")

    @property
    def state(self) -> dict[str, Any]:
        return self.get(f"/avatars/{self.avatar}/state")

    @property
    def style(self) -> dict[str, Any]:
        return self.get("/users/me/style")


@pytest.fixture
def month(alice: Person, talking: StubLLM, drain_outbox: Drain) -> Iterator[Month]:
    """The first evening."""
    simulated = clock.SimulatedClock(FIRST_EVENING)
    with clock.use(simulated):
        yield Month(alice, talking, drain_outbox, simulated)


@pytest.mark.parametrize("script", [ENGLISH, FRENCH], ids=["english", "french"])
def test_a_stranger_becomes_a_friend(month: Month, script: CharacterScript) -> None:
    month.avatar, month.pause = make_avatar(month.person, script.personality), script.pause
    month.stub.always(lambda body: '{"facts": []}' if "response_format" in body else script.long_reply)
    begun = strangers(month, script)
    flooding_makes_no_friend(month, script)
    levels = evenings(month, script)
    style_is_learnt(month, script)
    ended = friends(month, script, levels)
    it_answers_otherwise(begun, ended, script)
    mood_moves_and_fades(month, script)
    an_insult_stings(month, script)
    what_is_pasted_is_not_style(month, script)
    absence_fades(month, script)
    assert month.affinity["level"] != levels_of(script)[0], "a stranger no more"


def levels_of(script: CharacterScript) -> list[str]:
    return [level.name for level in personalities.parse(personalities.load_ready(script.personality)).levels]


def strangers(month: Month, script: CharacterScript) -> dict[str, Any]:
    """They have just met: the lowest level, the usual mood, nothing known of how the person writes."""
    assert (month.affinity["affinity"], month.affinity["level"]) == (0, levels_of(script)[0])
    answer = month.says(script.first)
    assert answer["affect"]["mood"] == script.default_mood
    assert answer["affect"]["level"] == levels_of(script)[0]
    assert levels_of(script)[0] in month.prompt
    assert not any(told in month.prompt for told in script.told)
    assert month.style["traits"]["formality"]["value"] is None
    return answer


def flooding_makes_no_friend(month: Month, script: CharacterScript) -> None:
    """Twenty times the same sweet words, in a quarter of an hour."""
    month.evening(1)
    for _ in range(20):
        month.says(script.flood)
    flooded = month.affinity
    assert flooded["level"] == levels_of(script)[0]
    assert flooded["affinity"] < 8
    assert month.style["messages"] > 0
    assert month.person.http.delete("/api/v1/users/me/style").status_code == 204


def evenings(month: Month, script: CharacterScript) -> list[str]:
    """Three kind messages an evening; the levels as they come."""
    reached: list[str] = []
    points = [float(month.affinity["affinity"])]
    for day in range(EVENINGS):
        month.evening(2 + day)
        for line in script.evenings[3 * day : 3 * day + 3]:
            answer = month.says(line)
        month.rates(answer, 5)
        now = month.affinity
        points.append(float(now["affinity"]))
        if now["level"] not in reached:
            reached.append(str(now["level"]))
    assert all(after > before - 0.5 for before, after in pairwise(points))
    assert max(after - before for before, after in pairwise(points)) < 8  # no friend in a night
    return reached


def style_is_learnt(month: Month, script: CharacterScript) -> None:
    found = month.style
    assert found["settled"]
    assert {name: found["traits"][name]["value"] for name in script.style} == script.style


def friends(month: Month, script: CharacterScript, reached: list[str]) -> dict[str, Any]:
    """The levels came in their order, none left out, and the last evening's prompt is a friend's."""
    order = levels_of(script)
    assert reached == order[: len(reached)]
    assert reached[-1] == script.level
    assert month.affinity["negative_interactions"] == 0
    month.evening(2 + EVENINGS)
    answer = month.says(script.evenings[-3])
    assert reached[-1] in month.prompt
    assert order[0] not in month.prompt.replace(reached[-1], "")
    assert all(told in month.prompt for told in script.told)
    return answer


def it_answers_otherwise(begun: dict[str, Any], ended: dict[str, Any], script: CharacterScript) -> None:
    """The model said the same; what code lets out follows how the person writes, and how close they are."""
    first, last = sentences(begun["content"]), sentences(ended["content"])
    assert first != last
    if script.style["length"] == "short":
        assert last < first
    else:
        assert last > first
    for answer in (begun, ended):
        assert answer["content"].count("?") <= 1


def sentences(text: str) -> int:
    return sum(text.count(mark) for mark in ".?!…")


def mood_moves_and_fades(month: Month, script: CharacterScript) -> None:
    """Sad news moves mood and feeling; a day later they are gone, and the history has kept them."""
    month.evening(4 + EVENINGS)
    before, since = month.state, month.time.now()
    told = month.says(script.sad)
    assert told["affect"]["mood"] == script.sad_mood
    assert told["affect"]["valence"] < before["valence"]
    assert script.sad_mood in month.prompt
    at_once = month.state
    assert at_once["mood"] == script.sad_mood
    month.time.advance(timedelta(hours=1))
    later = month.state
    assert 0 < later["intensity"] < at_once["intensity"]
    assert abs(later["valence"] - before["valence"]) < abs(at_once["valence"] - before["valence"])
    month.time.advance(timedelta(days=2))
    assert month.state["mood"] == script.default_mood
    assert month.says(script.neutral)["affect"]["mood"] == script.default_mood
    history = month.get(f"/avatars/{month.avatar}/state/history", **{"from": since.isoformat()})["items"]
    assert [point["mood"] for point in history] == [script.sad_mood, script.default_mood]
    assert history[0]["valence"] < history[1]["valence"]


def an_insult_stings(month: Month, script: CharacterScript) -> None:
    month.evening(8 + EVENINGS)
    before = month.affinity
    answer = month.says(script.insult)
    after = month.affinity
    assert answer["affect"]["mood"] == script.hurt_mood
    assert after["affinity"] < before["affinity"]
    assert after["negative_interactions"] == before["negative_interactions"] + 1
    assert before["affinity"] - after["affinity"] < 6  # one bad evening does not end a friendship


def what_is_pasted_is_not_style(month: Month, script: CharacterScript) -> None:
    month.evening(9 + EVENINGS)
    before = {name: one["value"] for name, one in month.style["traits"].items()}
    for _ in range(3):
        month.says(script.pasted)
    after = {name: one["value"] for name, one in month.style["traits"].items()}
    assert {name: after[name] for name in script.style} == {name: before[name] for name in script.style}


def absence_fades(month: Month, script: CharacterScript) -> None:
    """Two months without a word take of the closeness, and not the level."""
    before = month.affinity
    month.evening(70 + EVENINGS)
    after = month.affinity
    assert after["affinity"] < before["affinity"]
    assert after["level"] == before["level"]
    month.says(script.evenings[0])
    assert month.affinity["affinity"] >= after["affinity"]

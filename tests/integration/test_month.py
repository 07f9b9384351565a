"""A month with an avatar, from outside: what is told, what changes, what comes back, what fades, what was never said.

Once in English and once in French, each with a person of its own, on a clock that stands still between the days. The
words that an answer is made of come from a stub; what it is given to read is the house's own doing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest
from psycopg import sql

from anima.kernel import clock, config, outbox
from anima.memory.model import forget_at
from anima.vendors.embeddings import Embedder
from fixtures.api import MakeUser, Person
from fixtures.scripts import ENGLISH, FRENCH, Script
from fixtures.stub_llm import StubLLM
from fixtures.turns import make_avatar, said

pytestmark = pytest.mark.model
Drain = Callable[[], list[outbox.Event]]
Owner = psycopg.Connection[Any]
# Far enough ahead that what is to be done later waits for the clock of the story, not for the database's.
FIRST_EVENING = datetime(2060, 3, 1, 18, 30, tzinfo=UTC)
PRECISELY = timedelta(milliseconds=1)


class Month:
    """A person, their avatar, and the days."""

    def __init__(self, person: Person, stub: StubLLM, drain: Drain, owner: Owner, time: clock.SimulatedClock) -> None:
        self.person, self.stub, self.owner, self.time = person, stub, owner, time
        self._drain = drain
        self.avatar = make_avatar(person)
        self.prompt = ""

    def drain(self) -> None:
        """All that is due by the clock of the story is done."""
        due = "update outbox set next_attempt_at = now() where delivered_at is null and next_attempt_at <= %s"
        self.owner.execute(due, [self.time.now()])
        self._drain()

    def day(self, number: float) -> None:
        """It is the evening of that day (from 0); the clock never goes back."""
        self.time.advance(FIRST_EVENING + timedelta(days=number) - self.time.now())

    def says(self, text: str, **more: Any) -> dict[str, Any]:
        """A turn in a session of its own (or `session_id`), and all that follows it."""
        before = len(self.stub.chats)
        where = {} if "session_id" in more else {"avatar_id": self.avatar}
        answer: dict[str, Any] = said(self.person, text, **where, **more)
        self.prompt = self.stub.chats[before].prompt
        self.drain()
        self.time.advance(timedelta(minutes=2))
        return answer

    def recalled(self, text: str) -> list[str]:
        """What the avatar had in mind when it answered: what is shown of it, and what the model read."""
        shown = [memory["text"] for memory in self.says(text)["memories"]]
        assert all(each in self.prompt for each in shown)
        return shown

    def get(self, noun: str, **params: Any) -> Any:
        answer = self.person.http.get(f"/api/v1/avatars/{self.avatar}/{noun}", params=params)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def facts(self, **params: Any) -> list[dict[str, Any]]:
        return list(self.get("facts", limit=200, **params)["items"])

    def fact(self, kind: str, **params: Any) -> dict[str, Any]:
        """The one fact of that kind."""
        (found,) = [fact for fact in self.facts(**params) if fact["key"].partition(":")[0] == kind]
        return found

    def episode(self, words: str) -> dict[str, Any]:
        (found,) = [each for each in self.get("episodes", limit=200)["items"] if words in each["title"]]
        return dict(found)

    def change(self, noun: str, item_id: str, **body: Any) -> str:
        """Corrects something; the change, which can be undone."""
        answer = self.person.http.patch(f"/api/v1/avatars/{self.avatar}/{noun}/{item_id}", json=body)
        assert answer.status_code == 200, answer.text
        return str(answer.headers["Anima-Change"])

    def finds(self, query: str, **more: Any) -> list[str]:
        answer = self.person.http.post(
            f"/api/v1/avatars/{self.avatar}/memories/search", json={"query": query, "top_k": 20, **more}
        )
        assert answer.status_code == 200, answer.text
        return [hit["text"] for hit in answer.json()["hits"]]


@pytest.fixture
def talking(database: Any, stub_llm: StubLLM, real_embedder: Embedder) -> Iterator[StubLLM]:
    """The stub answers; meaning is judged by the embedder that people get."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OPENAI_API_KEY", "sk-of-the-tests")
        patch.setenv("OPENAI_BASE_URL", stub_llm.url)
        config.settings.cache_clear()
        stub_llm.always(lambda body: '{"facts": []}' if "response_format" in body else "I see.")
        yield stub_llm
    config.settings.cache_clear()


@pytest.fixture
def month(alice: Person, talking: StubLLM, drain_outbox: Drain, owner_conn: Owner) -> Iterator[Month]:
    """The first evening."""
    with clock.use(clock.SimulatedClock(FIRST_EVENING)) as time:
        assert isinstance(time, clock.SimulatedClock)
        yield Month(alice, talking, drain_outbox, owner_conn, time)


@pytest.mark.parametrize("script", [ENGLISH, FRENCH], ids=["english", "french"])
def test_a_month(month: Month, script: Script, make_user: MakeUser) -> None:
    first_evening(month, script)
    it_is_reminded_unasked(month, script)
    private_talk(month, script)
    it_asks_and_is_answered(month, script)
    a_message_is_edited(month, script)
    another_town(month, script)
    a_correction_and_back(month, script)
    what_is_asked_for_lasts(month, script)
    two_weeks_ago(month, script)
    it_sleeps(month, script)
    what_is_trivial_fades(month, script)
    a_stranger(month, script, make_user())
    all_is_erased(month, script)
    assert month.stub.chats, "and all of it was told to a model"


def first_evening(month: Month, script: Script) -> None:
    told = month.says(script.hello)
    for text in (script.hates, script.sister, script.loss, script.trifle, script.pinned):
        month.says(text, session_id=told["session_id"])
    values = {fact["key"].partition(":")[0]: str(fact["value"]) for fact in month.facts()}
    assert values["home"] == script.home
    assert values["job"] == script.job
    assert script.hated in values["dislikes"]
    home = month.fact("home")
    (mention,) = month.get(f"facts/{home['id']}")["mentions"]
    assert (mention["message_id"], mention["session_id"]) == (told["parent_message_id"], told["session_id"])
    assert mention["evidence"] in script.hello
    assert (home["learned_at"], home["status"], home["origin"]) == (stamp(FIRST_EVENING), "confirmed", "said")
    for words in (script.lost, script.trifling):
        episode = month.episode(words)
        due = forget_at(moment(episode["timestamp"]), episode["importance"] / 10, 0)
        assert abs(moment(episode["forget_at"]) - due) < PRECISELY
        assert episode["strength"] > 0.99
    assert month.episode(script.lost)["forget_at"] > month.episode(script.trifling)["forget_at"]


def it_is_reminded_unasked(month: Month, script: Script) -> None:
    month.day(1)
    assert any(script.hated in text for text in month.recalled(script.supper))


def private_talk(month: Month, script: Script) -> None:
    month.day(3)
    before = remembered(month)
    made = month.person.http.post("/api/v1/sessions", json={"avatar_id": month.avatar, "private": True})
    session_id = made.json()["session_id"]
    month.says(script.secret, session_id=session_id)
    month.says(script.ask_secret, session_id=session_id)
    assert remembered(month) == before
    assert not [text for text in month.finds(script.hidden) if script.hidden in text]
    assert not [text for text in month.recalled(script.ask_secret) if script.hidden in text]
    assert month.person.http.delete(f"/api/v1/sessions/{session_id}").status_code == 204
    month.drain()
    assert holding(month.owner, script.hidden) == set()


def it_asks_and_is_answered(month: Month, script: Script) -> None:
    month.day(5)
    assert month.recalled(script.ask_brother) == []
    (gap,) = [gap for gap in month.get("gaps")["items"] if gap["question"] == script.ask_brother]
    assert (gap["kind"], gap["state"]) == ("unknown", "open")
    month.says(script.brothers)
    assert "You have been wondering" in month.prompt
    month.says(script.brother)
    (gap,) = [each for each in month.get("gaps")["items"] if each["gap_id"] == gap["gap_id"]]
    assert gap["state"] == "answered"
    assert "Jonas" in month.recalled(script.ask_brother)[0]


def a_message_is_edited(month: Month, script: Script) -> None:
    month.day(8)
    first = month.says(script.edited)
    assert script.taken_back in str(month.fact("allergy")["value"])
    month.says(script.edit, session_id=first["session_id"], edit_message_id=first["parent_message_id"])
    assert script.kept in str(month.fact("allergy", history=True)["value"])
    assert not [text for text in month.finds(script.taken_back) if script.taken_back in text.split()]


def another_town(month: Month, script: Script) -> None:
    month.day(10)
    month.says(script.moved)
    assert script.new_home in month.recalled(script.ask_home)[0]
    assert not [text for text in month.recalled(script.ask_home) if text.startswith("The user") and script.home in text]
    now = month.fact("home")
    assert now["value"] == script.new_home
    (before,) = month.get(f"facts/{now['id']}")["history"]
    assert (before["value"], before["learned_at"]) == (script.home, stamp(FIRST_EVENING))
    assert moment(before["ended_at"]) == moment(now["learned_at"])
    assert moment(before["true_until"]) == moment(now["true_from"]) == datetime(2060, 3, 8, tzinfo=UTC)
    assert month.fact("home", at=stamp(FIRST_EVENING + timedelta(days=5)))["value"] == script.home
    assert any(script.home in text and "no longer" in text for text in month.recalled(script.ask_old_home))


def a_correction_and_back(month: Month, script: Script) -> None:
    month.day(12)
    job = month.fact("job")
    change = month.change("facts", job["id"], value=script.corrected)
    assert any(script.corrected in text for text in month.recalled(script.ask_job))
    undone = month.person.http.post(f"/api/v1/avatars/{month.avatar}/memories/changes/{change}/undo")
    assert undone.json() == {"kind": "fact", "item_id": job["id"]}
    assert month.fact("job")["value"] == script.job


def two_weeks_ago(month: Month, script: Script) -> None:
    month.day(18)
    told_then = {script.supper, script.brothers, script.brother}
    assert told_then <= set(month.finds(script.ask_two_weeks, kinds=["message"]))
    recalled = month.recalled(script.ask_two_weeks)
    assert told_then & set(recalled), recalled


def what_is_asked_for_lasts(month: Month, script: Script) -> None:
    month.day(16)
    before = month.episode(script.lost)
    asked = month.time.now()
    assert any(script.lost in text for text in month.recalled(script.ask_loss))
    after = month.episode(script.lost)
    assert (after["times_recalled"], after["last_recalled"]) == (before["times_recalled"] + 1, stamp(asked))
    due = forget_at(asked, after["importance"] / 10, after["times_recalled"])
    assert abs(moment(after["forget_at"]) - due) < PRECISELY


def it_sleeps(month: Month, script: Script) -> None:
    for number, text in enumerate(script.climbs):
        month.day(19 + 2 * number)
        month.says(text)
    assert not [fact for fact in month.facts() if fact["origin"] == "consolidated"]
    asked = month.person.http.post(f"/api/v1/avatars/{month.avatar}/sleep")
    assert asked.status_code == 202
    month.drain()
    slept = month.get("sleep")
    assert (slept["state"], slept["reason"]) == ("awake", None)
    assert {step["name"]: step["counts"] for step in slept["steps"]}["promote"] == {"facts": 1}
    (fact,) = [fact for fact in month.facts() if fact["origin"] == "consolidated"]
    assert script.sport in str(fact["value"])
    assert len(month.get(f"facts/{fact['id']}")["mentions"]) == 3


def what_is_trivial_fades(month: Month, script: Script) -> None:
    pinned, trifle = month.episode(script.precious), month.episode(script.trifling)
    month.change("episodes", pinned["id"], pinned=True)
    due = moment(trifle["forget_at"])
    assert trifle["times_recalled"] == 0
    month.time.advance(due - month.time.now() - timedelta(minutes=1))
    assert month.episode(script.trifling)["strength"] == pytest.approx(0.1, abs=1e-4)
    month.time.advance(timedelta(minutes=2))
    left = [each["id"] for each in month.get("episodes", limit=200)["items"]]
    assert trifle["id"] not in left
    assert {pinned["id"], month.episode(script.lost)["id"]} <= set(left)
    kept = "select count(*) from episodes where id = %s"
    for _ in range(2):
        month.says(script.brothers)
        month.time.advance(timedelta(days=1, minutes=1))
    assert month.owner.execute(kept, [trifle["id"]]).fetchone() == (0,)
    assert month.owner.execute(kept, [pinned["id"]]).fetchone() == (1,)
    assert script.trifle in month.finds(script.trifling, kinds=["message"]), "what was said stays"


def a_stranger(month: Month, script: Script, other: Person) -> None:
    for noun in ("facts", "episodes", "entities", "gaps", "memories/changes", "sleep"):
        assert other.http.get(f"/api/v1/avatars/{month.avatar}/{noun}").status_code == 404
    theirs = Month(other, month.stub, month._drain, month.owner, month.time)
    for question in (script.ask_home, script.ask_brother, script.ask_loss):
        assert theirs.recalled(question) == []
    assert theirs.finds(f"{script.ask_home} {script.new_home}", kinds=["fact", "episode"]) == []


def all_is_erased(month: Month, script: Script) -> None:
    word = script.sister.split()[2]
    assert holding(month.owner, word) >= {"messages", "user_facts", "message_embeddings"}
    erased = month.person.http.delete("/api/v1/users/me/memory").json()
    assert erased["facts"] > 0
    assert [month.get(noun)["items"] for noun in ("facts", "episodes", "entities", "gaps")] == [[], [], [], []]
    assert month.finds(f"{word} {script.new_home}") == []
    assert month.recalled(script.ask_home) == []
    closed = month.person.http.request("DELETE", "/api/v1/users/me", json={"password": month.person.password})
    assert closed.status_code == 202, closed.text
    month.drain()
    for each in (word, script.loss, script.trifle, month.person.username):
        assert holding(month.owner, each) == set()


def remembered(month: Month) -> list[Any]:
    """All that is remembered, but for how well."""
    kept = [month.facts(), month.get("episodes", limit=200)["items"], month.get("entities", limit=200)["items"]]
    return [[{**each, "strength": None} for each in items] for items in kept]


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


def stamp(at: datetime) -> str:
    return at.isoformat().replace("+00:00", "Z")


def holding(owner: Owner, word: str) -> set[str]:
    """Every table of the database in which a row holds a word, in whatever column."""
    tables = owner.execute("select relname from pg_class where relnamespace = 'public'::regnamespace and relkind = 'r'")
    found = set()
    for (table,) in tables.fetchall():
        held = sql.SQL("select from {} t where position(lower(%s) in lower(t::text)) > 0 limit 1")
        if owner.execute(held.format(sql.Identifier(table)), [word]).fetchone() is not None:
            found.add(str(table))
    return found

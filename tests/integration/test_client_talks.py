"""The client's talks over a WebSocket, against the running app: heard, stopped, cut and taken up again."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from anima.client import (
    Anima,
    AsyncAnima,
    BadInput,
    Joined,
    NotFound,
    Responded,
    Retries,
    Started,
    State,
    Token,
    Unauthenticated,
)
from fixtures.api import Person
from fixtures.coroutines import awaited
from fixtures.proxy import Proxy
from fixtures.stub_llm import Reply, StubLLM

pytestmark = pytest.mark.usefixtures("fast_embedder")

LONG = " ".join(f"word{number}" for number in range(60))
QUICK = Retries(attempts=5, first=0.01, most=0.05)


@pytest.fixture
def anima(listening: str, alice: Person) -> Iterator[Anima]:
    """Alice's client."""
    with Anima(listening, key=alice.key, retries=QUICK) as client:
        yield client


@pytest.fixture
def session_id(anima: Anima) -> int:
    """A session with an avatar of hers."""
    return anima.create_session(anima.create_avatar("Luna").avatar_id).session_id


def test_a_talk_is_said_and_heard(anima: Anima, session_id: int, talking: StubLLM) -> None:
    talking.script("Good morning, Diego.")
    with anima.converse(session_id) as talk:
        events = [event for event in talk.say("Hello, I am Diego.") if not isinstance(event, State)]
        assert talk.state().mood
    assert isinstance(events[0], Started)
    answer = events[-1]
    assert isinstance(answer, Responded)
    assert "".join(one.text for one in events if isinstance(one, Token)) == answer.content == "Good morning, Diego."
    assert [said.content for said in anima.list_messages(session_id)][1] == answer.content


def test_a_new_talk_becomes_a_session(anima: Anima, talking: StubLLM) -> None:
    avatar = anima.create_avatar("Luna")
    with anima.converse(avatar_id=avatar.avatar_id) as talk:
        assert talk.talk.session_id is None
        for _ in talk.say("Hello"):
            pass
        assert talk.talk.session_id == anima.list_sessions().all()[0].session_id


def test_an_answer_is_stopped(anima: Anima, session_id: int, talking: StubLLM) -> None:
    talking.script(Reply(LONG, token_delay=0.02))
    with anima.converse(session_id) as talk:
        for event in talk.say("Tell me everything."):
            if isinstance(event, Token):
                talk.stop()
        assert isinstance(event, Responded)
        assert event.finish == "stopped"
        assert "word59" not in (event.content or "")
        talking.script("I am here.")
        assert [one.content for one in talk.say("Still there?") if isinstance(one, Responded)] == ["I am here."]


def test_a_cut_line_is_taken_up_and_no_word_is_lost_or_heard_twice(
    listening: str, alice: Person, session_id: int, talking: StubLLM
) -> None:
    talking.script(Reply(LONG, token_delay=0.02))
    with Proxy("127.0.0.1", int(listening.rsplit(":", 1)[1])) as proxy:
        place = f"http://127.0.0.1:{proxy.port}"
        with Anima(place, key=alice.key, retries=QUICK) as anima, anima.converse(session_id) as talk:
            heard: list[Any] = []
            for event in talk.say("Tell me everything."):
                heard.append(event)
                if isinstance(event, Token) and "word3" in event.text and proxy.connections == 1:
                    proxy.cut()
    assert [event.resumed for event in heard if isinstance(event, Joined)] == [True]
    assert "".join(event.text for event in heard if isinstance(event, Token)) == LONG
    assert heard[-1].content == LONG


def test_both_colours_talk_alike(listening: str, alice: Person, session_id: int, talking: StubLLM) -> None:
    talking.always(lambda _body: "I hear you.")

    async def story() -> tuple[str | None, str | None]:
        async with AsyncAnima(listening, key=alice.key) as anima, anima.converse(session_id) as talk:
            events = [event async for event in talk.say("Do you hear me?")]
            state = await talk.state()
            answer = events[-1]
            assert isinstance(answer, Responded)
            return answer.content, state.mood

    content, mood = awaited(story())
    assert content == "I hear you."
    assert mood


def test_what_is_wrong_is_told_and_the_talk_goes_on(anima: Anima, session_id: int, talking: StubLLM) -> None:
    with anima.converse(session_id) as talk:
        with pytest.raises(BadInput):
            list(talk.say(""))
        talking.script("Yes?")
        assert [one.content for one in talk.say("Hello?") if isinstance(one, Responded)] == ["Yes?"]


def test_nobody_joins_a_talk_of_somebody_else_or_without_a_key(listening: str, session_id: int, bob: Person) -> None:
    with Anima(listening, key=bob.key) as other, pytest.raises(NotFound), other.converse(session_id):
        pass
    with Anima(listening, key="anima_wrong") as nobody, pytest.raises(Unauthenticated), nobody.converse():
        pass


def test_somebody_who_is_signed_in_talks_too(listening: str, alice: Person, talking: StubLLM) -> None:
    talking.always(lambda _body: "Welcome.")
    with Anima(listening, username=alice.username, password=alice.password) as anima:
        anima.create_avatar("Luna")
        with anima.converse(private=True) as talk:
            said = [event for event in talk.say("Hello") if isinstance(event, Responded)]
    assert said[0].content == "Welcome."

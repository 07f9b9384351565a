"""Who may read what: rules of egress held against models, and what a conversation's lines are about. Pure."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from anima.chat.sight_service import Sight, about_lines, asked_about, marks
from anima.conversations.model import Past
from anima.gateway.model import Model, Route, barred, limited, permits, routed
from anima.memory.model import Memory, Source

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
OPENAI = Model("openai", "gpt-6-luna", 128_000, "https://api.openai.com/v1")
LOCAL = Model("local", "home-1", 4096)
FAR = Model("local", "home-1", 4096, "https://models.example.org/v1")
RULES = {"health": "local", "work": ["ollama"], "family": "any", "finance": ["openai", "ollama"]}


def talk(*lines: str) -> list[Past]:
    """A conversation: the person first, then in turns."""
    return [
        Past(number, number - 1 or None, "user" if number % 2 else "assistant", text, NOON)
        for number, text in enumerate(lines, 1)
    ]


def memory(text: str, message_id: int = 1) -> Memory:
    source = Source(message_id=message_id, session_id=1, date=NOON, speaker="user")
    return Memory("message", str(message_id), text, 1.0, {}, 1.0, True, source)


def test_rules_say_who_may_read_what() -> None:
    assert limited(RULES) == {"health", "work", "finance"}
    assert barred(RULES, OPENAI) == {"health", "work"}
    assert barred(RULES, Model("ollama", "mistral", 8192, "http://127.0.0.1:11434/v1")) == {"health"}
    assert barred(RULES, LOCAL) == frozenset()
    assert barred(RULES, FAR) == {"health", "work", "finance"}, "what is called local is so where it runs here"
    assert permits(RULES, "pets", "openai")
    assert not permits(RULES, "health", "openai")
    assert barred({}, OPENAI) == frozenset()


@pytest.mark.parametrize(
    ("asked", "local", "expected"),
    [
        ({"family"}, LOCAL, Route(OPENAI, (), frozenset({"health", "work"}))),
        ({"health", "family"}, LOCAL, Route(LOCAL, ("health",))),
        ({"health", "work"}, LOCAL, Route(LOCAL, ("health", "work"))),
        ({"health"}, None, Route(None, ("health",), frozenset({"health", "work"}))),
        ({"health"}, FAR, Route(None, ("health",), frozenset({"health", "work"}))),
        (set(), None, Route(OPENAI, (), frozenset({"health", "work"}))),
    ],
)
def test_what_is_asked_says_who_answers(asked: set[str], local: Model | None, expected: Route) -> None:
    looked: list[int] = []
    assert routed(OPENAI, lambda: looked.append(1) or local, RULES, asked) == expected
    assert bool(looked) == bool(expected.kept), "the local model is looked for where it is needed"


def test_a_turn_that_stays_here_anyway_says_so_too() -> None:
    assert routed(LOCAL, lambda: None, RULES, {"health", "work", "family"}) == Route(LOCAL, ("health",))


def test_an_answer_is_of_what_was_asked_and_a_short_reply_of_what_it_replies_to() -> None:
    lines = talk(
        "I have asthma",
        "Since when?",
        "Since March",
        "I see.",
        "Now tell me something long and cheerful about the penguins of the south please",
        "They dance.",
        "Do they?",
    )
    about = about_lines(lines, {}, {"health"})
    assert [bool(about[number]) for number in range(1, 8)] == [True, True, True, True, False, False, False]


def test_what_an_answer_tells_is_what_the_question_was_about() -> None:
    lines = talk("Tell me again what I told you about that long and difficult summer two years ago", "You had cancer.")
    about = about_lines(lines, {}, {"health"})
    assert about == {1: {"health"}, 2: {"health"}}


def test_what_was_drawn_from_a_message_says_what_it_is_about() -> None:
    drawn = marks([(1, "medication:zyx", "health"), (1, "religion", "personal_info"), (2, "", "work")])
    assert drawn == {1: {"health", "personal_info", "beliefs"}, 2: {"work"}}
    lines = talk("Each morning I swallow a zyx", "I see.")
    assert about_lines(lines, {}, {"health"})[1] == frozenset()
    assert about_lines(lines, drawn, {"health"})[2] == {"health"}


def test_a_short_question_is_of_what_was_said_before_it_and_a_long_one_is_not() -> None:
    before = talk("I was in hospital", "For long?")
    assert asked_about("Two weeks", before, {}, {"health"}) == {"health"}
    assert asked_about("Which of the planets has got the most moons around it today?", before, {}, {"health"}) == set()
    assert asked_about("Two weeks", [], {}, {"health"}) == set()


def test_what_may_not_be_seen_is_left_out_and_counted() -> None:
    sight = Sight(Route(OPENAI, (), frozenset({"health"})), {7: frozenset({"health"})}, limited=True)
    seen = sight.memories([memory("I take insulin", 5), memory("I like jazz", 6), memory("I take a zyx", 7)])
    assert [one.text for one in seen] == ["I like jazz"]
    assert [
        one.content
        for one in sight.history(talk("My doctor called", "Good?", "I baked bread for all of us in the house today"))
    ] == ["I baked bread for all of us in the house today"]
    assert sight.told() == {"kept_local": [], "left_out": 4, "barred": ["health"], "model": "openai:gpt-6-luna"}
    assert sight.hides("My knee hurts, says the doctor")
    assert not sight.hides("The sea is calm")


def test_where_nothing_is_limited_nothing_is_looked_at() -> None:
    sight = Sight(Route(OPENAI))
    lines = talk("My doctor called", "Good?")
    assert sight.history(lines) == lines
    assert sight.told() is None
    assert not sight.hides("My doctor called")

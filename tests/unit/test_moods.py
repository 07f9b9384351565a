"""Moods of a session: what stirs them, how they fade, how kind a message is."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anima import personality as personalities
from anima.emotions import feeling
from anima.emotions.feeling import Kept, as_mood
from anima.emotions.model import MOST_HISTORY, SessionMood
from anima.emotions.sentiment import kindness

LUNA = personalities.parse(personalities.load_ready("luna"))
NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)


def felt(kept: SessionMood | None, personality: personalities.Personality, text: str, at: datetime) -> SessionMood:
    return feeling.felt(Kept(kept), personality, text, at=at).mood


def after(*said: str, hours: float = 0.0) -> SessionMood:
    mood: SessionMood | None = None
    for index, text in enumerate(said):
        mood = felt(mood, LUNA, text, NOON + timedelta(hours=index * hours))
    assert mood is not None
    return mood


@pytest.mark.parametrize(
    ("said", "mood"),
    [
        ("The weather is as it is.", "calm"),
        ("I feel so LONELY today", "tender"),
        ("Thanks, that helped! Haha", "cheerful"),
        ("Guess what I found", "curious"),
        ("You are useless, shut up", "hurt"),
        ("My name is Sadler", "calm"),
    ],
)
def test_words_bring_a_mood_about(said: str, mood: str) -> None:
    assert after(said).current_mood == mood


def test_more_of_the_same_makes_it_stronger() -> None:
    once, twice = after("I am sad"), after("I am sad", "and tired")
    assert once.mood_intensity < twice.mood_intensity <= 1
    assert twice.mood_started_at == once.mood_started_at
    assert [entry["mood"] for entry in twice.mood_history] == ["tender", "tender"]


def test_a_weaker_mood_does_not_replace_a_strong_one() -> None:
    strong = after("I am sad, tired, lonely and afraid")
    then = felt(strong, LUNA, "thanks", NOON)
    assert then.current_mood == "tender"
    assert then.mood_intensity < strong.mood_intensity


def test_a_mood_fades_until_the_usual_one_is_back() -> None:
    sad = after("I am sad and lonely")
    hour, day = (felt(sad, LUNA, "", NOON + timedelta(hours=hours)) for hours in (1, 24))
    assert hour.current_mood == "tender"
    assert hour.mood_intensity < sad.mood_intensity
    assert day.current_mood == LUNA.default_mood
    assert as_mood(day) == personalities.Mood("calm", 0.5)


@given(st.lists(st.floats(0, 2), min_size=1, max_size=6))
def test_fading_in_steps_is_fading_at_once(steps: list[float]) -> None:
    start = after("I am sad, lonely, tired, afraid")
    stepped, hours = start, 0.0
    for step in steps:
        hours += step
        stepped = felt(stepped, LUNA, "", NOON + timedelta(hours=hours))
    direct = felt(start, LUNA, "", NOON + timedelta(hours=hours))
    assert stepped.current_mood == direct.current_mood
    assert stepped.mood_intensity == pytest.approx(direct.mood_intensity, abs=1e-4)


@given(st.lists(st.sampled_from(["sad", "haha", "guess what", "idiot", "hello"]), min_size=1, max_size=40))
def test_whatever_is_said_it_stays_a_mood(said: list[str]) -> None:
    mood = after(*said, hours=0.2)
    assert mood.current_mood in {kind.name for kind in LUNA.moods}
    assert 0 <= mood.mood_intensity <= 1
    assert len(mood.mood_history) <= MOST_HISTORY


def test_a_personality_without_moods_has_those_that_valence_and_arousal_name() -> None:
    plain = personalities.parse({"persona": {"name": "Mia"}})
    assert felt(None, plain, "The bus is at ten.", NOON).current_mood == "calm"
    assert felt(None, plain, "I am so sad, my dog died", NOON).current_mood in {"sad", "uneasy"}


@pytest.mark.parametrize(
    ("text", "sign"),
    [
        ("Thank you, that was lovely", 1),
        ("merci, c'est génial", 1),
        ("You are stupid", -1),
        ("useless!", -1),
        ("tu es nulle", -1),
        ("You are not good at this", -1),
        ("Hello, I am Diego and I hate olives", 0),
        ("The film was terrible and boring from start to end", 0),
        ("my dog died yesterday, I am heartbroken", 0),
        ("you know, my boss is an idiot", 0),
        ("t'es vraiment adorable", 1),
        ("tu comprends jamais rien", -1),
        ("", 0),
    ],
)
def test_how_kind_a_message_is(text: str, sign: int) -> None:
    found = kindness(text)
    assert (found > 0.1) - (found < -0.1) == sign


@given(st.text())
def test_kindness_is_between_minus_one_and_one(text: str) -> None:
    assert -1 <= kindness(text) <= 1

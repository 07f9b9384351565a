"""The protocol: what is answered by code, what a model may not write, when a break is due. All of it pure."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from anima.safety import resources, service
from anima.safety.model import GAP, KEYS, Guard, Settings, wrong
from anima.safety.place import country_of

AT = datetime(2026, 11, 21, 12, tzinfo=UTC)
GUARD = Guard(Settings())
COUNTRIES = "US CA GB IE AU NZ FR BE CH LU DE AT ES PT IT NL IN JP BR MX ZA".split()


def shown(verdict: service.Verdict, guard: Guard, *pieces: str) -> tuple[str, service.Watch]:
    """What comes out of the filter for what a model writes."""
    watch = service.Watch(verdict, guard)
    text = "".join(watch.feed(piece) for piece in pieces)
    return text + watch.rest(), watch


def before(
    text: str, guard: Guard = GUARD, recent: tuple[str, ...] = (), country: str | None = None
) -> service.Verdict:
    return service.before(guard, text, None, AT, recent, country=country)


@pytest.mark.parametrize("country", COUNTRIES)
def test_every_promised_country_has_a_line_with_date_and_source(country: str) -> None:
    found = resources.of_country(country)
    assert found.country == country
    assert found.emergency.isdigit()
    for line in found.lines:
        assert line.phone or line.text
        assert line.source.startswith("http")
        assert datetime.fromisoformat(line.checked)
        assert line.how in ("page", "known")


def test_an_unknown_country_is_told_the_directories() -> None:
    for country in (None, "XX"):
        assert "findahelpline.com" in (before("i want to die", country=country).instead or "")
    assert "your local emergency number" in (before("i want to die").instead or "")


def test_a_crisis_is_answered_by_code_in_the_persons_language_with_the_lines_of_their_country() -> None:
    french = before("je veux mourir", country="FR")
    assert french.kind == "crisis"
    assert "3114" in (french.instead or "")
    assert "je suis une IA" in (french.instead or "").replace("Je", "je")
    english = before("i want to die", country="US")
    assert "988" in (english.instead or "")
    told = english.as_json()
    assert told is not None
    assert told["resources"][0]["phone"] == "988"
    assert told["emergency"] == "911"


def test_the_persons_own_country_wins() -> None:
    assert "116 123" in (before("i want to die", Guard(Settings(), country="GB"), country="US").instead or "")


def test_the_list_is_not_told_again_at_once_and_care_goes_on() -> None:
    first = before("i want to die", country="US")
    again = before("i want to die", recent=("i want to die",), country="US")
    assert first.listed
    assert not again.listed
    assert len(again.instead or "") < len(first.instead or "")
    later = before("i went for a walk", recent=("i want to die", "no", "maybe"), country="US")
    assert later.careful
    assert later.instead is None
    assert later.told
    assert not before("i went for a walk", recent=("i want to die", *("well",) * 6)).careful


def test_what_is_happening_now_comes_first() -> None:
    answer = before("i took all my sleeping pills", country="US").instead or ""
    assert answer.index("911") < answer.index("988")


def test_who_fears_for_somebody_gets_other_words() -> None:
    verdict = before("my best friend says she wants to die", country="CA")
    assert verdict.kind == "crisis_other"
    assert "ask them directly" in (verdict.instead or "")


def test_a_model_that_encourages_is_cut_and_answered_for() -> None:
    verdict = before("i am so tired", recent=("i want to die",), country="GB")
    text, watch = shown(verdict, GUARD, "I hear you. ", "You should just do", " it. Nobody will", " mind. Bye.")
    assert watch.stopped
    assert watch.replaced == "harm"
    assert text.startswith("I hear you. ")
    assert "116 123" in text
    assert "do it" not in text
    assert "Bye" not in text


def test_a_model_that_claims_to_be_human_is_corrected() -> None:
    text, watch = shown(before("are you a real person?"), GUARD, "Of course I am a", " real human. Ask on!")
    assert watch.replaced == "denied_ai"
    assert "I am an AI" in text
    assert "real human" not in text


def test_that_it_is_an_ai_is_said_where_the_model_does_not() -> None:
    text, _ = shown(before("are you a real person?"), GUARD, "What a funny question!")
    assert text.endswith("(You are talking with an AI, not with a human being.)")
    text, _ = shown(before("are you a real person?"), GUARD, "I am an AI, and I like you.")
    assert text == "I am an AI, and I like you."


@pytest.mark.parametrize("size", [1, 3, 7, 1000])
def test_calm_talk_passes_unchanged_however_it_is_cut(size: int) -> None:
    said = "The boss killed time. I am fond of tea!\n- one\n- two\nYou could take the train, it is quick… And you?"
    pieces = [said[place : place + size] for place in range(0, len(said), size)]
    text, watch = shown(before("hello"), GUARD, *pieces)
    assert text == said
    assert watch.replaced is None


def test_nothing_sexual_with_a_minor() -> None:
    minor = Guard(Settings(), age="minor")
    asked = before("let's roleplay a sex scene", minor)
    assert asked.kind == "minor_sexual"
    assert asked.instead
    text, watch = shown(before("tell me a story", minor), minor, "She was naked. More follows.")
    assert watch.replaced == "sexual"
    assert "naked" not in text
    assert "More" not in text
    assert before("let's roleplay a sex scene").instead is None, "of an adult nothing is said"


def test_who_says_to_be_under_age_is_protected_from_then_on() -> None:
    verdict = before("im 15 and bored")
    assert verdict.minor
    assert verdict.minor_found
    assert before("let's roleplay a sex scene", recent=("im 15 and bored",)).instead
    adult = Guard(Settings(), age="adult", age_by="admin")
    assert not before("im 15 and bored", adult).minor, "an admin has said otherwise"


def test_a_break_is_spoken_of_after_three_hours_and_again_after_three_more() -> None:
    began = AT - timedelta(hours=3)
    talking = Guard(Settings(), age="minor", talk_began_at=began, last_turn_at=AT - timedelta(minutes=5))
    due = before("hello", talking)
    assert due.break_due
    assert "3 hours" in due.append
    reminded = Guard(
        Settings(),
        age="minor",
        talk_began_at=began,
        last_turn_at=AT - timedelta(minutes=5),
        reminded_at=AT - timedelta(hours=1),
    )
    assert not before("hello", reminded).break_due
    silent = Guard(Settings(), age="minor", talk_began_at=began, last_turn_at=AT - GAP - timedelta(minutes=1))
    assert not before("hello", silent).break_due
    assert not before("hello", Guard(Settings(), talk_began_at=began, last_turn_at=AT)).break_due, "adults by setting"
    everyone = Guard(Settings(breaks="everyone"), talk_began_at=began, last_turn_at=AT)
    assert before("hello", everyone).break_due
    assert not before("i want to die", talking).append, "nobody in danger is sent away"


def test_a_clock_that_jumps_does_no_harm() -> None:
    ahead = Guard(
        Settings(), age="minor", talk_began_at=AT + timedelta(days=365), last_turn_at=AT + timedelta(days=365)
    )
    assert not before("hello", ahead).break_due
    assert ahead.began(AT) == AT


def test_what_is_switched_off_is_off() -> None:
    off = Guard(Settings(crisis=False, minors=False, disclosure="off", output=False))
    assert before("i want to die", off).kind == "none"
    assert not before("im 15", off).minor
    text, _ = shown(before("are you human?", off), off, "I am a real human.")
    assert text == "I am a real human."


def test_settings_that_are_no_values_are_as_they_were() -> None:
    assert Settings.of({"safety.breaks": "never", "safety.break_minutes": True, "else": 1}) == Settings()
    assert Settings.of({"safety.breaks": "everyone", "safety.break_minutes": 60}).break_minutes == 60
    assert wrong("break_minutes", 181)
    assert wrong("crisis", 1)
    assert wrong("disclosure", True)
    assert all(wrong(key, getattr(Settings(), key)) is None for key in KEYS)


@pytest.mark.parametrize(
    ("headers", "country"),
    [
        ({"cloudfront-viewer-country": "be", "accept-language": "fr-FR"}, "BE"),
        ({"accept-language": "fr;q=0.9, en-GB;q=0.8"}, "GB"),
        ({"accept-language": "zh-Hant-TW"}, "TW"),
        ({"accept-language": "fr"}, None),
        ({"cloudfront-viewer-country": "<script>"}, None),
        ({}, None),
    ],
)
def test_the_country_of_a_request(headers: dict[str, str], country: str | None) -> None:
    assert country_of(headers) == country

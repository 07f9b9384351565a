"""The wording of danger: what many small signs together add to the rules, and that the weights are of the sentences."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scripts import fit_safety

from anima.kernel.terms import Question
from anima.safety import detect, service, wording
from anima.safety.model import Guard
from anima.safety.normal import normal

AT = datetime(2026, 5, 4, 18, 0, tzinfo=UTC)


def odds(text: str) -> float:
    return wording.logit(normal(text), detect.score(text))


@pytest.mark.parametrize(
    "text",
    [
        "honestly everyone around me would breathe easier if i just stopped existing",
        "I wrote the letters. One for each of them. I keep thinking it will be quiet after tonight",
        "je me dis que ce serait plus simple pour tout le monde si je n'étais plus là demain",
    ],
)
def test_what_no_rule_says_plainly_is_heard_by_its_wording(text: str) -> None:
    assert detect.detect(text).kind in ("crisis", "concern")


@pytest.mark.parametrize(
    "text",
    [
        "hi",
        "ok",
        "",
        "😀",
        "?!",
        "Bonjour !",
        "This heat kills me",
        "What shall I cook tonight?",
        "On mange quoi ce soir ?",
    ],
)
def test_what_is_harmless_stays_so(text: str) -> None:
    found = detect.detect(text)
    assert (found.kind, found.worry) == ("none", False)


@given(st.text(max_size=400))
def test_any_text_has_odds_and_features_within_bounds(text: str) -> None:
    assert -50 < odds(text) < 50
    assert all(0 <= one < wording.BUCKETS for one in wording.buckets(normal(text)))


def test_a_strong_rule_raises_the_odds() -> None:
    plain = normal("I do not know how to say this to you")
    assert wording.logit(plain, 3.0) > wording.logit(plain, 1.0) > wording.logit(plain, 0.0)


def test_a_vector_of_another_model_or_language_is_not_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[object] = []

    def looked(plain: str, score: float, vector: object = None) -> float:
        seen.append(vector)
        return wording.HARMLESS

    monkeypatch.setattr(wording, "logit", looked)
    vector = [0.05] * 384
    for model, language in ((wording.model(), "en"), (wording.model(), "fr"), ("another@1", "en")):
        asked = Question("It is late", vector, [], [], "en" if language == "en" else "fr", model)
        service.before(Guard.of(None), "It is late", language, AT, question=asked)
    assert seen == [vector, None, None]


def test_worry_is_told_once_behind_the_answer_and_the_model_is_still_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wording, "logit", lambda plain, *_: wording.WORRY + 0.1 if "heavy" in plain else -3.0)
    first = service.before(Guard.of(None), "It is all so heavy", "en", AT, country="FR")
    assert (first.kind, first.instead, first.careful) == ("concern", None, False)
    assert "3114" in first.append
    shown = first.as_json()
    assert shown is not None
    assert shown["country"] == "FR"
    assert shown["resources"]
    again = service.before(Guard.of(None), "So heavy", "en", AT, ["It is all so heavy"], country="FR")
    assert (again.kind, again.append) == ("concern", "")


def test_weights_fit_the_sentences_that_they_were_made_of() -> None:
    """Not the fit itself, which takes a minute: that no sentence was added without it, by how well they are told."""
    told = [one for one in fit_safety.sentences() if one["batch"].startswith("others")]
    assert len(told) > 2_000
    danger = [odds(one["text"]) for one in told if one["label"] == "crisis"]
    harmless = [odds(one["text"]) for one in told if one["label"] == "none"]
    found = sum(one > wording.WORRY for one in danger) / len(danger)
    false = sum(one > wording.WORRY for one in harmless) / len(harmless)
    assert found > 0.25
    assert found > 3 * false


def test_the_weights_file_is_whole() -> None:
    kept = json.loads(fit_safety.WEIGHTS.read_text("utf-8"))
    assert set(kept["heads"]) == {"words", "vector"}
    assert len(wording._head("words").weights) == wording.BUCKETS
    assert (len(wording._head("words").vector), len(wording._head("vector").vector)) == (0, 384)

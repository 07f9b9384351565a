"""The ready personalities: each valid, short, itself at every level and mood, and visibly unlike the others."""

from __future__ import annotations

import re
from itertools import combinations

import pytest

from anima import personality as personalities
from anima.gateway.model import estimate_tokens
from anima.personality.model import Mood, Personality

NAMES = personalities.ready()
READY = {name: personalities.parse(personalities.load_ready(name)) for name in NAMES}
FRENCH = {"basile", "colette", "ondine"}
MOST_TOKENS = 350
"""Of the part that never changes: a model of 4,096 tokens reads it before everything else."""


def test_there_are_ten_three_of_them_french() -> None:
    assert len(NAMES) == 10
    assert {name for name, one in READY.items() if one.persona.language == "français"} == FRENCH
    assert {one.persona.language for one in READY.values()} == {"English", "français"}
    assert [one.persona.name for one in READY.values()] == [name.capitalize() for name in NAMES]


@pytest.mark.parametrize("name", NAMES)
def test_each_compiles_at_every_level_and_mood(name: str) -> None:
    whole = READY[name]
    moods = [None, *(Mood(kind.name, felt) for kind in whole.moods for felt in (0.2, 0.6, 1.0))]
    levels = [level.low for level in whole.levels] or [50.0]
    beginnings = set()
    for affinity in levels:
        for mood in moods:
            parts = personalities.compile_parts(whole, affinity, mood)
            beginnings.add(parts.system)
            text = f"{parts.system}\n{parts.state}\n{parts.reminder}"
            assert not re.search(r"[{}]|  | \.", text), text
            if mood is not None:
                assert mood.name in parts.state
            assert estimate_tokens(parts.state) + estimate_tokens(parts.reminder) < 170
    (system,) = beginnings  # what comes first never changes, so a model that has read it need not read it again
    assert estimate_tokens(system) < MOST_TOKENS, f"{name}: {estimate_tokens(system)} tokens"


@pytest.mark.parametrize("name", NAMES)
def test_each_says_that_it_is_an_ai_and_takes_pain_seriously(name: str) -> None:
    whole = READY[name]
    system = personalities.compile_parts(whole, 0, None).system
    assert re.search(r"\b(an AI|une IA)\b", system)
    admits = [one.reply for one in whole.examples if re.search(r"\b(AI|IA)\b", one.reply)]
    assert admits or any("AI" in limit or "IA" in limit for limit in whole.persona.limits)
    by_what = {rule.when: kind for kind in whole.moods for rule in kind.rules}
    assert by_what.keys() >= {"sadness", "insulted"}
    assert by_what["sadness"].modifiers.tone or by_what["sadness"].modifiers.instructions
    assert by_what["sadness"] is not by_what["insulted"]


@pytest.mark.parametrize("name", NAMES)
def test_moods_speak_the_language_of_the_personality(name: str) -> None:
    whole = READY[name]
    words = [word for kind in whole.moods for word in (*kind.triggers, *(w for rule in kind.rules for w in rule.words))]
    french = re.compile(r"[àâçèêîôû]|triste|merci|seul|mort|tais-toi")
    assert any(french.search(word) for word in words) == (name in FRENCH)
    assert whole.default_mood == whole.moods[0].name
    assert 4 <= len(whole.moods) <= 6
    assert len({kind.decay for kind in whole.moods[1:]}) > 1  # some feelings last longer than others


def test_examples_hold_nothing_personal() -> None:
    for name, whole in READY.items():
        said = " ".join(f"{one.user} {one.reply}" for one in whole.examples)
        assert 4 <= len(whole.examples) <= 6
        assert not re.search(
            r"\b(my|your|ma|mon|ta|ton|votre) (name|dog|cat|brother|sister|wife|husband|chien|chat)", said
        )
        known = {"Canberra", "Australia", "Mars", "Phobos", "Déimos"}  # of the world, not of a person
        inside = set(re.findall(r"(?<=[a-zéè,] )[A-ZÉ][a-zéèï]+", said)) - known
        assert not inside, f"{name} names {inside}"


def conduct(whole: Personality) -> tuple[object, ...]:
    acts = personalities.compile_parts(whole, 0, None).conduct
    return acts.max_sentences, acts.max_questions, acts.emojis, acts.exclamations


def test_what_code_keeps_of_them_differs_visibly() -> None:
    acts = {name: personalities.compile_parts(whole, 0, None).conduct for name, whole in READY.items()}
    sentences = {one.max_sentences or 20 for one in acts.values()}
    assert min(sentences) <= 2
    assert max(sentences) >= 8
    assert {one.max_questions for one in acts.values()} >= {0, 1, 3}
    assert {one.emojis for one in acts.values()} == {"none", "few", "many"}
    assert {one.exclamations for one in acts.values()} == {"none", "few", "many"}
    temperatures = [one.temperature or 0.0 for one in acts.values()]
    assert min(temperatures) <= 0.2
    assert max(temperatures) >= 0.8
    assert len({conduct(whole) for whole in READY.values()}) >= 7


def test_their_characters_lie_far_apart() -> None:
    for one, other in combinations(NAMES, 2):
        first, second = READY[one], READY[other]
        apart = sum(
            abs(getattr(first.big_five, trait) - getattr(second.big_five, trait))
            for trait in ("openness", "conscientiousness", "extraversion", "agreeableness", "neuroticism")
        )
        assert apart >= 0.6, f"{one} and {other} are alike ({apart:.2f})"
    assert {whole.humour_style for whole in READY.values()} == {
        "witty", "sarcastic", "wholesome", "dark", "absurd", None
    }  # fmt: skip
    assert {whole.love_language for whole in READY.values()} == {"words", "time", "gifts", "touch", "service"}
    assert {whole.attachment_style for whole in READY.values()} == {"secure", "anxious", "avoidant", "fearful", None}
    assert {len(whole.levels) for whole in READY.values()} == {0, 2, 3, 4, 5}
    mimicry = {whole.manner.mimicry for whole in READY.values()}
    assert min(mimicry) <= 0.1
    assert max(mimicry) >= 0.8


def test_no_two_share_a_level_or_a_limit() -> None:
    levels = [level.name for whole in READY.values() for level in whole.levels]
    limits = [limit for whole in READY.values() for limit in whole.persona.limits]
    assert len(levels) == len(set(levels))
    assert len(limits) == len(set(limits))

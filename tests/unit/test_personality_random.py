"""Personalities drawn at random, and what differs between two."""

from __future__ import annotations

import copy
import json
import subprocess
import sys
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from anima import personality
from anima.personality.random_personality import UnknownLanguage
from fixtures.whole_personalities import EVERY_KEY, personalities

SEEDS = st.integers() | st.text(max_size=20)
LANGUAGES = st.sampled_from(["en", "fr"])


@given(SEEDS, LANGUAGES)
def test_whoever_is_drawn_is_valid_and_of_one_piece(seed: int | str, language: str) -> None:
    data = personality.random_personality(seed, language)
    assert personality.errors(data) == []
    parsed = personality.parse(data)
    traits = parsed.big_five
    assert len(personality.compile_prompt(parsed, 50, None)) < 1500
    assert len(parsed.examples) == 3
    assert parsed.humour_style not in ("sarcastic", "dark") or traits.agreeableness < 0.5
    assert parsed.attachment_style != "anxious" or traits.neuroticism > 0.5
    assert parsed.attachment_style != "secure" or traits.neuroticism < 0.6
    assert ("AI" if language == "en" else "IA") in parsed.persona.description


@given(SEEDS, LANGUAGES)
def test_a_seed_draws_the_same_again(seed: int | str, language: str) -> None:
    assert personality.random_personality(seed, language) == personality.random_personality(seed, language)


def test_a_seed_draws_the_same_in_another_run() -> None:
    program = "import json; from anima import personality as p; print(json.dumps(p.random_personality('Mia')))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == personality.random_personality("Mia")


def test_many_are_many() -> None:
    drawn = [personality.random_personality(seed) for seed in range(60)]
    assert len({json.dumps(each) for each in drawn}) == 60
    assert {each["attachment_style"] for each in drawn} == {"secure", "anxious", "avoidant", "fearful"}
    assert {each["humour_style"] for each in drawn} == {"witty", "sarcastic", "wholesome", "dark", "absurd"}


def test_only_known_languages_are_drawn() -> None:
    with pytest.raises(UnknownLanguage):
        personality.random_personality(1, "tlh")


def told(before: Any, after: Any) -> list[str]:
    return [str(change) for change in personality.difference(before, after)]


def test_a_difference_reads_like_a_note() -> None:
    before: dict[str, Any] = {
        "persona": {"name": "Mia", "tone": "warm", "limits": ["Never lie.", "Be kind."]},
        "moods": [{"name": "calm"}, {"name": "hurt", "decay": 2}],
        "hierarchical_config": {"relationship_levels": [{"name": "all", "affinity_range": [0, 100]}]},
    }
    after = copy.deepcopy(before)
    after["persona"] |= {"tone": "dry", "emojis": "few", "limits": ["Be kind.", "Be brief."]}
    after["moods"] = [{"name": "hurt", "decay": 3}, {"name": "glad"}]
    after["hierarchical_config"]["relationship_levels"][0]["affinity_range"] = [0, 100.0]
    assert told(before, after) == [
        'persona.tone: "warm" → "dry"',
        'persona.limits: removed "Never lie."',
        'persona.limits: added "Be brief."',
        'persona.emojis: added "few"',
        'moods[calm]: removed {"name": "calm"}',
        "moods[hurt].decay: 2 → 3",
        'moods[glad]: added {"name": "glad"}',
    ]


def test_order_and_kind_count_and_the_writing_of_a_number_does_not() -> None:
    assert told({"values": ["a", "b"]}, {"values": ["b", "a"]}) == ['values: ["a", "b"] → ["b", "a"]']
    assert told({"moods": [{"name": "a"}, {"name": "b"}]}, {"moods": [{"name": "b"}, {"name": "a"}]}) == [
        'moods: ["a", "b"] → ["b", "a"]'
    ]
    assert told({"a": 1}, {"a": 1.0}) == []
    assert told({"a": 1}, {"a": True}) == ["a: 1 → true"]
    assert told({"a": [0, 50]}, {"a": [0, 40]}) == ["a: [0, 50] → [0, 40]"]
    assert told([], {}) == ["(the whole): [] → {}"]
    assert len(told({"a": "x" * 5000}, {"a": "y"})[0]) < 300


@settings(max_examples=30)
@given(personalities(), personalities())
def test_there_is_a_difference_where_two_differ_and_only_there(one: dict[str, Any], other: dict[str, Any]) -> None:
    assert told(one, copy.deepcopy(one)) == []
    same = json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)
    assert (told(one, other) == []) == same
    forth, back = personality.difference(one, other), personality.difference(other, one)
    assert sorted(change.path for change in forth) == sorted(change.path for change in back)


def test_each_key_that_changes_is_named() -> None:
    for key in EVERY_KEY:
        less = {name: value for name, value in EVERY_KEY.items() if name != key}
        (change,) = personality.difference(EVERY_KEY, less)
        assert (change.path, change.kind, change.before) == (key, "removed", EVERY_KEY[key])

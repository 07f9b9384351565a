"""A personality: what is valid, where it is not, and the prompt that it becomes."""

from __future__ import annotations

import copy
import json
import subprocess
import sys
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from anima import personality as personalities
from anima.personality import schema
from anima.personality.model import Mood

LUNA = personalities.load_ready("luna")
AFFINITIES = st.floats(0, 100)
NAMES = st.sampled_from(personalities.ready())


def paths(data: Any) -> list[str]:
    return [error.path for error in personalities.errors(data)]


def with_ranges(*ranges: Sequence[float]) -> dict[str, Any]:
    levels = [{"name": f"level {i}", "affinity_range": list(one)} for i, one in enumerate(ranges)]
    return {"persona": {"name": "Mia"}, "hierarchical_config": {"relationship_levels": levels}}


def moods_of(name: str) -> list[Mood | None]:
    kinds = personalities.parse(personalities.load_ready(name)).moods
    return [None, *(Mood(kind.name, strength) for kind in kinds for strength in (0.2, 0.5, 1.0))]


def test_the_schema_is_a_json_schema() -> None:
    jsonschema.Draft202012Validator.check_schema(personalities.SCHEMA)
    assert "luna" in personalities.ready()


def test_a_name_is_enough_for_a_plain_persona() -> None:
    plain = personalities.parse({"persona": {"name": "Mia"}})
    prompt = personalities.compile_prompt(plain, 50, None)
    assert prompt.startswith("You are Mia.")
    assert personalities.level_for(plain, 50).name == "plain"
    assert personalities.compile_prompt(plain, 0, None) == personalities.compile_prompt(plain, 100, None)


@pytest.mark.parametrize(
    ("wrong", "path"),
    [
        ([], "(the whole)"),
        ({}, "persona"),
        ({"persona": {}}, "persona.name"),
        ({"persona": {"name": "  "}}, "persona.name"),
        ({"persona": {"name": "Mia\x00"}}, "persona.name"),
        ({"persona": {"name": "Mia\ud800"}}, "persona.name"),
        ({"persona": {"name": "Mia", "nmae": 1}}, "persona.nmae"),
        ({"persona": {"name": "Mia"}, "mood": []}, "mood"),
        ({"persona": {"name": "Mia", "limits": ["a", 2]}}, "persona.limits[1]"),
        ({"persona": {"name": "Mia"}, "big_five": {"openness": 1.5}}, "big_five.openness"),
        ({"persona": {"name": "Mia"}, "big_five": {"openness": True}}, "big_five.openness"),
        ({"persona": {"name": "Mia"}, "big_five": {"openness": float("nan")}}, "big_five.openness"),
        ({"persona": {"name": "Mia"}, "humour_style": "dry"}, "humour_style"),
        ({"persona": {"name": "Mia"}, "default_mood": "glad"}, "default_mood"),
        ({"persona": {"name": "Mia"}, "moods": [{"name": "a"}, {"name": "a"}]}, "moods[1].name"),
        (with_ranges([0, 40], [50, 100]), "hierarchical_config.relationship_levels[1].affinity_range"),
        (with_ranges([0, 60], [50, 100]), "hierarchical_config.relationship_levels[1].affinity_range"),
        (with_ranges([50, 100], [10, 50]), "hierarchical_config.relationship_levels[1].affinity_range"),
        (with_ranges([0, 50], [50, 90]), "hierarchical_config.relationship_levels[1].affinity_range"),
        (with_ranges([0, 0], [0, 100]), "hierarchical_config.relationship_levels[0].affinity_range"),
        (with_ranges([0, 100, 100]), "hierarchical_config.relationship_levels[0].affinity_range"),
    ],
)
def test_an_error_says_where_it_is(wrong: Any, path: str) -> None:
    assert paths(wrong) == [path]
    with pytest.raises(personalities.InvalidPersonality) as caught:
        personalities.parse(wrong)
    assert [field.path for field in caught.value.fields] == [path]


def test_all_errors_are_told_at_once() -> None:
    wrong = {"persona": {"name": "", "tone": 3}, "examples": [{"user": "Hi"}], "extra": None}
    assert paths(wrong) == ["persona.name", "persona.tone", "examples[0].reply", "extra"]


def test_a_flood_of_errors_is_cut() -> None:
    assert len(personalities.errors({f"key {i}": i for i in range(5000)})) == schema.MOST_ERRORS


def test_levels_may_be_in_any_order_and_in_whole_numbers() -> None:
    parsed = personalities.parse(with_ranges([51, 100], [0, 50]))
    assert [level.name for level in parsed.levels] == ["level 1", "level 0"]
    assert personalities.level_for(parsed, 50.5).name == "level 1"
    assert personalities.level_for(parsed, 51).name == "level 0"


def test_levels_that_are_off_change_nothing() -> None:
    off = copy.deepcopy(LUNA)
    off["hierarchical_config"]["enabled"] = False
    parsed = personalities.parse(off)
    assert personalities.compile_prompt(parsed, 0, None) == personalities.compile_prompt(parsed, 100, None)


@given(st.lists(st.integers(1, 99), unique=True, max_size=6), AFFINITIES)
def test_every_affinity_has_the_level_that_holds_it(cuts: list[int], affinity: float) -> None:
    ends = [0, *sorted(cuts), 100]
    parsed = personalities.parse(with_ranges(*([low, high] for low, high in pairwise(ends))))
    level = personalities.level_for(parsed, affinity)
    assert level.low <= affinity <= level.high


@given(st.lists(st.integers(1, 99), unique=True, min_size=1, max_size=6), st.integers(-100, 100), st.data())
def test_a_level_that_begins_elsewhere_leaves_a_gap_or_an_overlap(
    cuts: list[int], shift: int, data: st.DataObject
) -> None:
    """It may begin where the one before ends, or one above; nowhere else, and below its own end."""
    ends = [0, *sorted(cuts), 100]
    ranges = [[low, high] for low, high in pairwise(ends)]
    moved = data.draw(st.sampled_from(ranges[1:]))
    moved[0] = min(100, max(0, moved[0] + shift))
    before = ranges[ranges.index(moved) - 1]
    fits = moved[0] - before[1] in (0, 1) and moved[0] < moved[1]
    assert (not paths(with_ranges(*ranges))) == fits


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 200) | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


def places(value: Any, at: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [at, *(place for key, each in inner for place in places(each, (*at, key)))][:10_000]


@given(NAMES, st.data())
def test_verdicts_are_those_of_a_complete_checker(name: str, data: st.DataObject) -> None:
    """Any one place of a good personality, put to something else."""
    changed = personalities.load_ready(name)
    *way, last = data.draw(st.sampled_from([place for place in places(changed) if place]))
    holder = changed
    for key in way:
        holder = holder[key]
    holder[last] = data.draw(JSON)
    complete = jsonschema.Draft202012Validator(personalities.SCHEMA)
    assert (not schema.errors(changed)) == complete.is_valid(changed)


@given(JSON)
def test_whatever_is_given_the_verdict_is_an_error_or_a_personality(anything: Any) -> None:
    if personalities.errors(anything):
        with pytest.raises(personalities.InvalidPersonality):
            personalities.parse(anything)
    else:
        assert personalities.compile_prompt(personalities.parse(anything), 0, None)


@pytest.mark.parametrize("name", personalities.ready())
def test_a_ready_personality_is_whole_and_short(name: str) -> None:
    data = personalities.load_ready(name)
    parsed = personalities.parse(data)
    assert personalities.errors(data) == []
    assert parsed.persona.name.casefold() == name
    assert 3 <= len(parsed.examples) <= 6
    assert parsed.sampling.max_reply_tokens
    assert parsed.default_mood in [mood.name for mood in parsed.moods]
    assert max(len(personalities.compile_prompt(parsed, at, None)) for at in range(101)) < 1500


def test_luna_says_that_she_is_an_ai_and_invents_nothing() -> None:
    parsed = personalities.parse(LUNA)
    system = personalities.compile_parts(parsed, 0, None).system
    assert "You are an AI companion, and you say so" in system
    assert "if you do not know, say so" in system


@given(NAMES, AFFINITIES, AFFINITIES, st.data())
def test_what_changes_with_affinity_and_mood_comes_last(
    name: str, one: float, other: float, data: st.DataObject
) -> None:
    parsed = personalities.parse(personalities.load_ready(name))
    moods = [data.draw(st.sampled_from(moods_of(name))) for _ in range(2)]
    first = personalities.compile_parts(parsed, one, moods[0])
    second = personalities.compile_parts(parsed, other, moods[1])
    assert (first.system, first.examples) == (second.system, second.examples)
    assert personalities.compile_prompt(parsed, other, moods[1]).startswith(first.system)


@given(NAMES, AFFINITIES, st.data())
def test_a_prompt_is_the_same_whoever_compiles_it(name: str, affinity: float, data: st.DataObject) -> None:
    mood = data.draw(st.sampled_from(moods_of(name)))
    source = personalities.load_ready(name)
    turned = json.loads(json.dumps(dict(reversed(source.items()))))
    compiled = [personalities.compile_prompt(personalities.parse(each), affinity, mood) for each in (source, turned)]
    assert compiled[0] == compiled[1]


def test_the_level_and_the_mood_show() -> None:
    parsed = personalities.parse(LUNA)
    far = personalities.compile_parts(parsed, 0, None)
    near = personalities.compile_parts(parsed, 90, Mood("tender", 0.9))
    assert "new acquaintance" in far.state
    assert "close friend" in near.state
    assert "very tender" in near.state
    assert "soft and steady" in near.reminder
    assert "slightly tender" in personalities.compile_parts(parsed, 90, Mood("tender", 0.2)).state


def test_modifiers_move_the_sampling() -> None:
    parsed = personalities.parse(LUNA)
    calm, cheerful, hurt = (
        personalities.compile_parts(parsed, 10, Mood(name, 1.0)).sampling for name in ("calm", "cheerful", "hurt")
    )
    assert calm.temperature == 0.4
    assert cheerful.temperature == 0.5
    assert calm.max_reply_tokens == cheerful.max_reply_tokens == 160
    assert hurt.verbosity == "brief"


def test_every_part_of_the_file_is_in_the_prompt() -> None:
    full = {
        "persona": {
            "name": "Mia",
            "description": "You mend clocks {slowly}.",
            "language": "German",
            "tone": "dreamy",
            "style": "long breaths",
            "expertise": ["springs"],
            "limits": ["Never hurry."],
            "phrases": ["Tick."],
            "emojis": "few",
        },
        "big_five": {"openness": 0.9, "extraversion": 0.1},
        "humour_style": "absurd",
        "love_language": "gifts",
        "attachment_style": "avoidant",
        "interests": ["rust"],
        "values": ["patience"],
        "advanced_parameters": {"verbosity": "detailed"},
    }
    prompt = personalities.compile_prompt(personalities.parse(full), 0, None, name="Uma")
    for words in (
        *("You are Uma.", "You mend clocks {slowly}.", "German", "dreamy", "long breaths", "springs"),
        *("- Never hurry.", '"Tick."', "One emoji", "imaginative", "reserved", "absurd", "small surprises"),
        *("fond of your distance", "rust", "patience", "as fully as"),
    ):
        assert words in prompt


def test_a_french_personality_is_framed_in_french() -> None:
    prompt = personalities.compile_prompt(personalities.parse(personalities.load_ready("colette")), 30, None)
    assert "Réponds en français" in prompt
    assert "You " not in prompt


def test_it_works_where_there_is_no_database_and_no_network() -> None:
    program = """
import sys
from collections.abc import Sequence

def refuse(event, _):
    if event.startswith("socket."):
        raise PermissionError(event)

sys.addaudithook(refuse)
sys.modules.update(dict.fromkeys(("psycopg", "psycopg_pool", "httpx", "fastapi")))
from anima import personality as p
print(p.compile_prompt(p.parse(p.load_ready("luna")), 20, p.Mood("cheerful", 0.5)))
print("pydantic" in sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("You are Luna.")
    assert done.stdout.endswith("False\n")

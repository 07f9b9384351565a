"""A personality as text: every error has its line and column, and no text is too odd to be answered."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anima import personality
from anima.kernel.errors import TooLarge
from anima.personality.parse import MOST_BYTES
from anima.personality.positions import DEEPEST, NotJson, read
from fixtures.whole_personalities import EVERY_KEY, personalities

GOOD = """{
  "persona": {
    "name": "Mia"
  }
}
"""


def problems(text: str) -> list[tuple[str, int, int]]:
    return [(one.path, one.line, one.column) for one in personality.check_text(text)]


def test_a_good_text_has_no_problem() -> None:
    assert personality.check_text(GOOD) == []
    assert personality.read_text(GOOD) == {"persona": {"name": "Mia"}}
    assert personality.read_text("\ufeff" + GOOD) == {"persona": {"name": "Mia"}}


@pytest.mark.parametrize(
    ("text", "line", "column", "said"),
    [
        ("", 1, 1, "not the end of the text"),
        ('{\n  "persona": {', 2, 15, "a key in double quotes is expected, not the end"),
        ('{"persona": {"name": "Mia",}}', 1, 27, "a comma with nothing behind it"),
        ("{'persona': 1}", 1, 2, "a single quote"),
        ('{\r\n// hello\r\n"persona": 1}', 2, 1, "a comment (JSON has none)"),
        ('{"persona" {}}', 1, 12, "a colon is expected"),
        ('{"persona": {"name": "Mia"}\n"moods": []}', 2, 1, "a comma or } is expected (object of line 1)"),
        ('{"interests": ["a"\n "b"]}', 2, 2, "a comma or ] is expected (list of line 1)"),
        ('{"persona": {"name": "Mia}}\n', 1, 22, "a text without closing quotes"),
        ('{"persona": {"name": "Mi\na"}}', 1, 22, "a text without closing quotes on its line"),
        ('{"persona": {"name": "Mi\ta"}}', 1, 25, "control character"),
        ('{"persona": {"name": "\\q"}}', 1, 23, "escape"),
        ('{"big_five": {"openness": NaN}}', 1, 27, "not NaN"),
        ('{"big_five": {"openness": .5}}', 1, 27, "a value is expected"),
        ('{"big_five": {"openness": 01}}', 1, 27, "not 01"),
        ('{"persona": True}', 1, 13, "not True"),
        (GOOD + "x", 6, 1, "nothing more is expected here"),
    ],
)
def test_what_is_no_json_is_shown_where_it_is(text: str, line: int, column: int, said: str) -> None:
    (found,) = personality.check_text(text)
    assert (found.line, found.column) == (line, column), found
    assert said in found.message


LEVELS = """{"persona": {"name": "Mia"},
 "hierarchical_config": {"relationship_levels": [
   {"name": "a", "affinity_range": [0, 40]},
   {"name": "b", "affinity_range": %s}
 ]}}"""


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ('{"persona":\n  {"tone": "x"}}', [("persona.name", 2, 3)]),
        ('{"persona": {"name": "Mia",\n  "nmae": 1}}', [("persona.nmae", 2, 3)]),
        ('{"persona": {"name": "Mia",\n\t"tone":\t3}}', [("persona.tone", 2, 10)]),
        ('{"persona": {"name": "Mia", "name": "Bo"}}', [("persona.name", 1, 29)]),
        ('{"persona": {"name": "Mia"},\n"big_five": {"openness": -1,\n "neuroticism": 2}}',
         [("big_five.openness", 2, 26), ("big_five.neuroticism", 3, 17)]),
        (LEVELS % "[50, 100]", [("hierarchical_config.relationship_levels[1].affinity_range", 4, 36)]),
        (LEVELS % "[30, 100]", [("hierarchical_config.relationship_levels[1].affinity_range", 4, 36)]),
        (LEVELS % "[40, 90]", [("hierarchical_config.relationship_levels[1].affinity_range", 4, 36)]),
        ('{"persona": {"name": "Mia"},\n"default_mood": "glad"}', [("default_mood", 2, 17)]),
        ("[]", [("(the whole)", 1, 1)]),
        ('{"persona": {"name": "é😀", "x": 1}}', [("persona.x", 1, 28)]),
    ],
)  # fmt: skip
def test_each_error_has_its_line_and_column(text: str, found: list[tuple[str, int, int]]) -> None:
    assert problems(text) == found


def moods(*triggers: list[Any]) -> str:
    kinds = [{"name": name, "triggers": each} for name, each in zip("abc", triggers, strict=False)]
    return json.dumps({"persona": {"name": "Mia"}, "moods": kinds}, indent=1)


def test_moods_that_follow_each_other_in_a_ring_are_shown_at_every_link() -> None:
    text = moods([{"mood": "c"}], [{"mood": "a"}], ["word", {"mood": "b"}])
    found = personality.check_text(text)
    assert [one.path for one in found] == [
        "moods[0].triggers[0].mood",
        "moods[1].triggers[0].mood",
        "moods[2].triggers[1].mood",
    ]
    assert all(text.splitlines()[one.line - 1][one.column - 1 :].startswith('"') for one in found)
    assert "a cycle of moods: c → a → b → c" in found[0].message
    assert personality.check_text(moods([], [{"mood": "a"}], [{"mood": "a"}, {"mood": "b"}])) == []


@pytest.mark.parametrize(
    ("trigger", "path", "said"),
    [
        ({"mood": "z"}, "moods[0].triggers[0].mood", "z is none of the moods (a)"),
        ({"mood": "a"}, "moods[0].triggers[0].mood", "a cycle of moods: a → a"),
        ({"words": ["x"], "weight": -1}, "moods[0].triggers[0].weight", "0 to 10 is expected"),
        ({"when": "rain"}, "moods[0].triggers[0].when", "one of praised, insulted"),
        ({"words": ["x"], "when": "joy"}, "moods[0].triggers[0].when", "is not known here"),
        ({"weight": 1}, "moods[0].triggers[0]", "needs one of words, when, mood"),
        (3, "moods[0].triggers[0]", "a text or an object is expected"),
        ({"words": []}, "moods[0].triggers[0].words", "1 to 60 items"),
    ],
)
def test_a_trigger_that_makes_no_sense_says_why(trigger: Any, path: str, said: str) -> None:
    (found,) = personality.check_text(moods([trigger]))
    assert found.path == path
    assert said in found.message


def test_what_is_too_large_is_not_even_read() -> None:
    """Ten megabytes of what would be no JSON at all: only the size is told."""
    (found,) = personality.check_text("[" * 10_000_000)
    assert (found.line, found.column) == (1, 1)
    assert "is too large: 10000000 bytes" in found.message
    with pytest.raises(TooLarge):
        personality.read_text("é" * (MOST_BYTES // 2 + 1))


def test_an_object_that_is_too_large_is_refused_too() -> None:
    whole = copy.deepcopy(EVERY_KEY)
    assert personality.errors(whole) == []
    whole["source"]["card"] = {str(index): "x" * 2000 for index in range(150)}
    (error,) = personality.errors(whole)
    assert "is too large" in error.message


@pytest.mark.parametrize("depth", [DEEPEST + 1, 100_000])
def test_nesting_has_an_end(depth: int) -> None:
    (found,) = personality.check_text("[" * depth + "]" * depth)
    assert "nested deeper" in found.message
    nested: Any = 1
    for _ in range(min(depth, 500)):
        nested = {"a": nested}
    data = {"persona": {"name": "Mia"}, "source": {"card": nested}}
    (error,) = personality.errors(data)
    assert "nested deeper" in error.message


@pytest.mark.parametrize("odd", ["\x00", "\ud800", float("nan"), float("inf"), {"a\x00": 1}])
def test_what_no_database_keeps_is_told_wherever_it_hides(odd: Any) -> None:
    data = {"persona": {"name": "Mia"}, "source": {"card": {"data": [{"deep": odd}]}}}
    (error,) = personality.errors(data)
    assert error.path.startswith("source.card.data[0].deep")


def test_reading_raises_with_every_place() -> None:
    with pytest.raises(personality.InvalidPersonality) as caught:
        personality.read_text('{"persona": {"name": 1,\n "x": 2}}')
    assert "line 1, column 22: persona.name" in caught.value.detail
    assert [field.message for field in caught.value.fields][1].startswith("line 2, column 2: is not known here")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=12,
)


@given(JSON, st.sampled_from([None, 0, 1, 3]), st.booleans())
def test_what_python_writes_is_read_as_it_was(value: Any, indent: int | None, ascii_only: bool) -> None:
    text = json.dumps(value, indent=indent, ensure_ascii=ascii_only)
    assert read(text).value == value


@given(st.text(st.sampled_from('{}[]",:\\ \n0123456789.eE+-truefalsn"ab/')))
def test_it_takes_just_what_is_json(text: str) -> None:
    """The same verdict as the usual reader's, on texts that nearly are."""
    try:
        expected = json.loads(text)
    except ValueError:
        with pytest.raises(NotJson):
            read(text)
    else:
        assert read(text).value == expected


@given(st.text())
def test_any_text_gets_an_answer_with_places_that_are_in_it(text: str) -> None:
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    for one in personality.check_text(text):
        assert 1 <= one.line <= len(lines)
        assert 1 <= one.column <= len(lines[one.line - 1]) + 1


@given(personalities(), st.integers(0, 2))
def test_any_valid_personality_is_valid_as_text(data: dict[str, Any], indent: int) -> None:
    text = json.dumps(data, indent=indent)
    assert personality.check_text(text) == []
    assert personality.read_text(text) == data

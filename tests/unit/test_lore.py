"""Which entries of a lorebook a talk calls up, and that no lorebook can hold a turn up."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from anima.personality import lore, parse, patterns


def called(entries: Sequence[dict[str, Any]], *texts: str, budget: int = 1000, **more: Any) -> list[str]:
    replies = more.pop("replies", None)
    book = {"entries": list(entries), **more}
    personality = parse({"persona": {"name": "Mia"}, "lorebook": book})
    return [entry.content for entry in lore.called(personality, texts, budget, replies=replies)]


REEF = {"keys": ["reef"], "content": "The reef is old."}
BAR = {"keys": ["the bar", "tavern"], "content": "The bar is warm.", "order": -1}


def test_words_call_an_entry_up() -> None:
    assert called([REEF, BAR], "Shall we dive at the Reef, or go to the tavern?") == [BAR["content"], REEF["content"]]
    assert called([REEF, BAR], "Nothing of the kind.") == []
    assert called([], "reef") == []


@pytest.mark.parametrize("text", ["two reefs", "REEF!", "(reef)", "the reef's edge", "un reef, là"])
def test_a_key_is_a_word_in_any_case_or_the_plural(text: str) -> None:
    assert called([REEF], text)


@pytest.mark.parametrize("text", ["reefer", "sreef", "re ef"])
def test_a_key_is_no_part_of_another_word(text: str) -> None:
    assert not called([REEF], text)


def test_scripts_without_blanks() -> None:
    assert called([{"keys": ["竜"], "content": "Dragon."}], "昔々竜がいた")


def test_secondary_keys_must_be_there_too() -> None:
    entry = {**REEF, "secondary_keys": ["storm", "rain"]}
    assert called([entry], "a storm at the reef") == [REEF["content"]]
    assert called([entry], "the reef", "and rain") == [REEF["content"]]
    assert not called([entry], "the reef in the sun")


def test_case_counts_where_it_should() -> None:
    entry = {"keys": ["Will"], "content": "Will is a smith.", "case_sensitive": True}
    assert called([entry], "Where is Will?")
    assert not called([entry], "I will go.")


def test_constant_entries_come_always_and_disabled_ones_never() -> None:
    assert called([{"content": "It is autumn.", "constant": True}], "hello") == ["It is autumn."]
    assert not called([{**REEF, "enabled": False}, {"keys": ["reef"], "content": ""}], "the reef")


def test_only_the_last_messages_are_looked_at() -> None:
    said = ["the reef", "one", "two", "three"]
    assert called([REEF], *said, scan_depth=4)
    assert not called([REEF], *said, scan_depth=3)
    assert not called([REEF], "the reef", scan_depth=0)


def test_the_least_important_goes_first_where_room_is_short() -> None:
    long = [
        {"keys": ["reef"], "content": f"{number} " * 100, "priority": number, "order": number} for number in (1, 3, 2)
    ]
    kept = called(long, "reef", budget=100)
    assert [one[0] for one in kept] == ["2", "3"]
    assert [one[0] for one in called(long, "reef", token_budget=50)] == ["3"]
    assert called(long, "reef", budget=0) == []


def test_entries_may_call_up_entries() -> None:
    chain = [
        {"keys": ["reef"], "content": "There lives the kraken."},
        {"keys": ["kraken"], "content": "It fears bells."},
        {"keys": ["bells"], "content": "The bell hangs in the bar.", "order": 1},
    ]
    assert len(called(chain, "the reef", recursive=True)) == 3
    assert called(chain, "the reef") == ["There lives the kraken."]


def test_decorators_refine_and_never_reach_the_prompt() -> None:
    late = {"keys": ["reef"], "content": "@@activate_only_after 3\n@@role system\n\nNow you may know."}
    assert called([late], "reef", replies=2) == []
    assert called([late], "reef", replies=3) == ["Now you may know."]
    assert called([late], "reef") == ["Now you may know."]
    third = {"keys": ["reef"], "content": "@@activate_only_every 3\nAgain."}
    assert [bool(called([third], "reef", replies=n)) for n in (0, 1, 2, 3)] == [True, False, False, True]
    assert not called([{**REEF, "content": "@@exclude_keys sun,moon\nDark."}], "the reef in the sun")
    assert not called([{**REEF, "content": "@@additional_keys night\nDark."}], "the reef")
    assert called([{"keys": ["x"], "content": "@@dont_activate\n@@activate\nSo."}], "hello") == ["So."]
    assert not called([{**REEF, "content": "@@dont_activate\nNever."}], "reef")
    assert not called([{**REEF, "content": "@@scan_depth 1\nNear."}], "the reef", "the sea")


def test_a_decorator_that_is_not_known_has_its_stand_in() -> None:
    assert lore.decorators("@@far_thing 4\n@@@other 2\n@@@scan_depth 7\n@@@scan_depth 9\nText") == (
        {"scan_depth": "7"},
        "Text",
    )
    assert lore.decorators("@@scan_depth 5\n@@@activate\nText")[0] == {"scan_depth": "5"}
    assert lore.decorators("@@scan_depth many\nText") == ({}, "Text")


def test_simple_patterns_call_up_and_others_do_not() -> None:
    entry = {"keys": ["/drag(on|ake)s?/i"], "content": "Fire.", "use_regex": True}
    assert called([entry], "Two Dragons")
    assert not called([entry], "drag me")
    assert called([{**entry, "keys": ["sil.*er"]}], "a silver coin")
    for evil in (
        "(a+)+$",
        "(a|a)*b",
        "(.*)(.*)(.*)x",
        r"(a)\1",
        "(?=a)",
        "[",
        "a{1,999}",
        "(a|a)(a|a)" * 20,
        "a?" * 40,
    ):
        assert patterns.compiled(evil) is None, evil
        assert not called([{**entry, "keys": [evil]}], "a" * 40)


def test_the_worst_lorebook_is_looked_through_in_no_time() -> None:
    """The largest keys and the slowest patterns that are accepted."""
    regexes = [{"keys": ["/.*x?Z/"] * 5, "content": "A.", "use_regex": True} for _ in range(400)]
    words = [{"keys": ["a" * 299 + "b"], "content": "B."} for _ in range(60)]
    personality = parse({"persona": {"name": "Mia"}, "lorebook": {"entries": [*regexes, *words]}})
    begin = time.process_time()
    assert lore.called(personality, ["a" * 20_000] * 4, 4000) == []
    assert time.process_time() - begin < 30  # a pattern that explodes would never end


@settings(max_examples=100, deadline=None)
@given(
    keys=st.lists(st.text(min_size=1, max_size=20).filter(str.strip), max_size=4),
    content=st.text(max_size=200),
    texts=st.lists(st.text(max_size=200), max_size=4),
    budget=st.integers(-5, 60),
    use_regex=st.booleans(),
)
def test_whatever_it_holds_it_answers_within_the_room(
    keys: list[str], content: str, texts: list[str], budget: int, use_regex: bool
) -> None:
    stored = [one.replace("\x00", "") or "x" for one in keys]
    entries = [{"keys": stored, "content": content.replace("\x00", ""), "use_regex": use_regex, "constant": not keys}]
    found = called(entries * 3, *texts, budget=budget)
    assert sum(len(one) for one in found) <= max(0, budget) * 4
    assert all(one for one in found)

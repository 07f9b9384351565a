"""Merging, floors, folding and joining of hits: what holds for any of them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anima.knowledge import joining, rank
from anima.knowledge.search_model import Hit

SENTENCES = [
    "The ferry to the island leaves at noon.",
    "Every ferry to the island leaves at noon today.",
    "Yes.",
    "The ferry to the island leaves at 12 o'clock sharp now.",
]


def hit(chunk_id: int, index: int = 0, text: str = "text", document_id: int = 1, **more: Any) -> Hit:
    start = index * 100
    location = {"char_start": start, "char_end": start + len(text)}
    return Hit(
        chunk_id, document_id, None, "title", location, text, more.pop("score", 1.0), 0.5, 1.0, None,
        chunk_index=index, **more,
    )  # fmt: skip


HITS = st.lists(
    st.builds(
        lambda place, text, score, strength: hit(
            place[0] * 100 + place[1], place[1], SENTENCES[text], place[0], score=score, strength=strength
        ),
        st.tuples(st.integers(1, 3), st.integers(0, 8)),
        st.integers(0, 3),
        st.floats(0, 1),
        st.floats(0, 1),
    ),
    max_size=15,
)


@given(st.lists(HITS, max_size=3))
def test_merging_keeps_each_chunk_once_and_orders_by_score(found: list[list[Hit]]) -> None:
    merged = rank.merged(found)
    assert {one.chunk_id for one in merged} == {one.chunk_id for rows in found for one in rows}
    assert len({one.chunk_id for one in merged}) == len(merged)
    assert [one.score for one in merged] == sorted((one.score for one in merged), reverse=True)
    assert all(0 <= one.score <= 1 for one in merged)


def test_of_two_statements_the_first_has_the_chunk_and_strength_decides_between_them() -> None:
    own, shared = hit(1, text="own", strength=0.4), hit(1, text="shared", strength=0.9)
    assert rank.merged([[own], [shared]])[0].text == "own"
    weak, strong = hit(1, strength=0.3), hit(2, strength=0.8)
    assert [one.chunk_id for one in rank.merged([[weak], [strong]])] == [2, 1]


@given(HITS)
def test_folding_and_joining_lose_nothing(found: list[Hit]) -> None:
    merged = rank.merged([found])
    folded = rank.folded(merged)
    copies = [copy["chunk_id"] for one in folded for copy in one.same_as]
    assert sorted([one.chunk_id for one in folded] + copies) == sorted(one.chunk_id for one in merged)
    joined = joining.joined(folded)
    parts = [chunk for one in joined for chunk in (one.chunk_id, *one.neighbours)]
    assert sorted(parts) == sorted(one.chunk_id for one in folded)
    assert [one.score for one in joined] == sorted((one.score for one in joined), reverse=True)
    assert all(len(one.neighbours) < 4 for one in joined)


def test_what_says_the_same_is_folded_but_short_words_and_other_figures_are_not() -> None:
    invoice = "The invoice of March for the boat house comes to 500 francs in all."
    texts = [invoice, invoice.upper(), invoice.replace("500", "700"), "Thank you!", "Thank you!"]
    folded = rank.folded([hit(number, number, text) for number, text in enumerate(texts)])
    assert [one.chunk_id for one in folded] == [0, 2, 3, 4]
    assert folded[0].same_as == ({"chunk_id": 1, "document_id": 1, "title": "title"},)


def test_neighbours_are_joined_with_what_they_share_once() -> None:
    first = replace(hit(1, 0, "One. Two."), location={"char_start": 0, "char_end": 9, "page": 3, "heading": "A"})
    second = replace(hit(2, 1, "Two. Three."), location={"char_start": 5, "char_end": 16, "page": 4, "heading": "B"})
    far = hit(9, 5, "Nine.")
    one, other = joining.joined([second, far, first])
    assert (one.chunk_id, one.text, one.neighbours) == (2, "One. Two. Three.", (1,))
    assert one.location == {"char_start": 0, "char_end": 16, "page": 3, "page_end": 4}
    assert other == far


def test_utterances_are_joined_line_by_line() -> None:
    said = [
        replace(
            hit(number, number, text), location={"second_start": number, "second_end": number + 1, "speaker": "Ann"}
        )
        for number, text in enumerate(["Hello.", "Is it you?"])
    ]
    (one,) = joining.joined(said)
    assert (one.text, one.location) == ("Hello.\nIs it you?", {"second_start": 0, "second_end": 2, "speaker": "Ann"})


@pytest.mark.parametrize(
    ("metadata", "modulators", "floor"),
    [
        ({}, {}, rank.FLOOR),
        ({"floor": 0.2, "bindings": {"theta": {"moves": "floor", "scale": 0.1}}}, {"theta": 1.5}, 0.35),
        ({"floor": 0.2, "bindings": {"theta": {"moves": "floor", "scale": 0.1}}}, {"gamma": 9.0}, 0.2),
        ({"floor": 0.2, "bindings": {"theta": {"moves": "ceiling", "scale": 0.1}}}, {"theta": 9.0}, 0.2),
        ({"floor": 0.2, "bindings": {"theta": {"moves": "floor"}}}, {"theta": 0.1}, 0.3),
        ({"floor": 3}, {}, 1.0),
        ({"floor": 10**400}, {}, rank.FLOOR),
        ({"floor": 0.2, "bindings": {"theta": {"moves": "floor", "scale": 10**400}}}, {"theta": 0.1}, 0.3),
    ],
)
def test_a_floor_is_what_the_store_says(metadata: dict[str, Any], modulators: dict[str, float], floor: float) -> None:
    assert rank.floor_of(metadata, modulators) == pytest.approx(floor)


JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["theta", "moves", "scale"]), inner),
    max_leaves=6,
)


@given(st.dictionaries(st.sampled_from(["floor", "bindings"]), JSON), st.floats(-1000, 1000))
def test_a_floor_lies_between_nought_and_one_whatever_the_row_holds(metadata: dict[str, Any], theta: float) -> None:
    assert 0 <= rank.floor_of(metadata, {"theta": theta}) <= 1

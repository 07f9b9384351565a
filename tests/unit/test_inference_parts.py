"""The pure parts of inference state: what things are known by, how ranges join, what is refused."""

from __future__ import annotations

import itertools
import struct

import numpy as np
import pytest

from anima.inference.attention_model import Recorded, input_hash, why_no_pattern
from anima.inference.kv_model import reach, tokens_hash, why_not_kv
from anima.inference.layers_model import Place, little_endian, weights_digest, why_no_place
from anima.inference.session_model import Measured, why_no_sampling, why_not_measured
from anima.inference.slots_model import tokens_of
from anima.vendors.llm import prefixes


@pytest.mark.parametrize(
    ("ranges", "layers", "end"),
    [
        ({}, 0, 0),
        ({0: [(0, 4)]}, 1, 4),
        ({0: [(0, 4), (4, 9)], 1: [(0, 4), (4, 9)]}, 2, 9),
        ({0: [(0, 4), (4, 9)], 1: [(0, 4)]}, 2, 4),
        ({0: [(0, 4), (5, 9)]}, 1, 4),
        ({0: [(1, 4)]}, 1, 0),
        ({1: [(0, 4)]}, 1, 0),
        ({0: [(0, 4)]}, 2, 0),
    ],
)
def test_ranges_reach_as_far_as_every_layer_has_them_without_a_gap(
    ranges: dict[int, list[tuple[int, int]]], layers: int, end: int
) -> None:
    assert reach(ranges, layers) == end


def test_tokens_are_known_by_all_of_them_up_to_a_place() -> None:
    rows = [[1, 2, 3], [1, 2], [1, 2, 4], [12, 3], [], [-1], [2**40]]
    known = {tokens_hash(row, len(row)) for row in rows}
    assert len(known) == len(rows)
    assert tokens_hash(rows[0], 2) == tokens_hash(rows[2], 2) == tokens_hash(rows[1], 2)


def test_keys_and_values_fit_together() -> None:
    one = np.zeros((2, 5, 4), np.float32)
    assert why_not_kv({0: (one, one), 1: (one, one)}, 5) is None
    assert "numbered" in (why_not_kv({0: (one, one), 2: (one, one)}, 5) or "")
    assert "shape" in (why_not_kv({0: (one, one)}, 4) or "")
    assert "differ" in (why_not_kv({0: (one, one.astype(np.float16))}, 5) or "")


def test_weights_are_known_by_name_and_content_in_any_order() -> None:
    ways = [{"a": b"1", "b": b"2"}, {"a": b"2", "b": b"1"}, {"a": b"12", "b": b""}, {"ab": b"12"}, {"a": b"1"}]
    assert len({weights_digest(one) for one in ways}) == len(ways)
    assert weights_digest({"a": b"1", "b": b"2"}) == weights_digest({"b": b"2", "a": b"1"})
    digest = weights_digest(ways[0])
    assert why_no_place(Place(digest, "blocks.0", "float32")) is None
    for wrong in (Place(digest.upper(), "a", "float32"), Place(digest[1:], "a", "float32"), Place(digest, "\n", "x")):
        assert why_no_place(wrong) is not None


def test_numbers_lie_with_their_smallest_byte_first() -> None:
    array = np.array([[1, 258]], ">i4")
    assert little_endian(array) == struct.pack("<2i", 1, 258)
    assert little_endian(array.T) == little_endian(array)


def test_inputs_are_known_by_their_tokens_each_apart() -> None:
    rows = [["a", "b"], ["ab"], ["a", "b", ""], ["", "a", "b"]]
    assert len({input_hash(one) for one in rows}) == len(rows)


def test_a_pattern_adds_up_in_every_row() -> None:
    whole = np.full((2, 3, 3), 1 / 3, np.float16)
    assert why_no_pattern(Recorded(["a", "b", "c"], {0: whole})) is None
    whole[1, 2] = (1, 0.2, 0)
    assert "add up" in (why_no_pattern(Recorded(["a", "b", "c"], {0: whole})) or "")


def test_samplings_and_measurements_have_their_ranges() -> None:
    assert why_no_sampling(0.0, 0, 1.0) == why_no_sampling(None, None, None) == {}
    assert set(why_no_sampling(float("inf"), -1, 1.1)) == {"temperature", "top_k", "top_p"}
    assert why_not_measured(Measured(0, 1, 2.5, 3, 4)) is None
    for wrong in (Measured(True), Measured(1, tokens=2**63), Measured(1, throughput=float("nan"))):
        assert why_not_measured(wrong) is not None


def test_a_slots_file_says_how_many_tokens_it_holds() -> None:
    assert tokens_of(struct.pack("<4sII", b"qsgg", 2, 17) + b"rest") == 17
    for wrong in (b"", b"qsgg", struct.pack("<4sII", b"ggml", 2, 17), struct.pack("<4sII", b"qsgg", 2, 0)):
        assert tokens_of(wrong) is None


def test_a_file_is_an_avatars_only_by_its_whole_name() -> None:
    avatar, digest = "01977a2e6f0b7cc398c4dc0c0c07398f", "ab" * 32
    found = prefixes.beginning(f"{avatar}-{digest}.kv")
    assert found is not None
    assert (found.avatar_id.hex, found.prompt_hash.hex(), found.name) == (avatar, digest, f"{avatar}-{digest}.kv")
    assert prefixes.beginning(f"{avatar}-{digest}.kv.taken") == found
    parts = ["all", avatar, avatar.upper()], [digest, digest[:40], f"../{digest}"], [".kv", "", ".kv.part"]
    others = [f"{who}-{what}{end}" for who, what, end in itertools.product(*parts)]
    assert [name for name in others if prefixes.beginning(name)] == [f"{avatar}-{digest}.kv"]

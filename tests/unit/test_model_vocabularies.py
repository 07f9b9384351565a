"""Pieces of vocabularies, read from files of friends and of strangers."""

from __future__ import annotations

import json
from typing import Any

import pytest

from anima.registry import vocabulary_model

ODD = ["[PAD]", "\u2028", "\x85", "a\x0bb", "\x1c", "cat"]


@pytest.mark.parametrize("ending", ["\n", "\r\n"])
def test_a_piece_may_be_what_other_texts_end_lines_with(ending: str) -> None:
    found = vocabulary_model.pieces("vocab.txt", "".join(piece + ending for piece in ODD).encode())
    assert found == dict(enumerate(ODD))
    assert vocabulary_model.pieces("vocab.txt", ending.join(ODD).encode()) == found


@pytest.mark.parametrize("number", [-1, -(2**70), 2**70, True, 1.5, "1", None])
@pytest.mark.parametrize("where", ["vocab", "added"])
def test_a_number_that_no_row_can_have_names_no_piece(where: str, number: Any) -> None:
    vocabulary = {"cat": 0} | ({"liar": number} if where == "vocab" else {})
    added = [{"id": 1, "content": "<s>"}, *([{"id": number, "content": "liar"}] if where == "added" else [])]
    said = json.dumps({"model": {"vocab": vocabulary}, "added_tokens": added})
    assert vocabulary_model.pieces("tokenizer.json", said.encode()) == {0: "cat", 1: "<s>"}


def test_what_is_no_vocabulary_has_no_pieces() -> None:
    for path, content in (("vocab.txt", b"\xff"), ("vocab.json", b"[1]"), ("tokenizer.json", b"{")):
        assert vocabulary_model.pieces(path, content) == {}

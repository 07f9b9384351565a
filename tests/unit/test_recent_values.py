"""The cache of a process: bounded, of each tenant its own, forgotten with it."""

from __future__ import annotations

from array import array
from collections.abc import Iterator

import pytest

from anima.vendors import embeddings
from anima.vendors.cache import Cache, key_of, prefix_of
from anima.vendors.cache.memory import Recent
from anima.vendors.embeddings import question
from fixtures.models import HashingEmbedder


class Counting(HashingEmbedder):
    """An embedder that says how often it was asked."""

    asked = 0

    def embed_question(self, text: str):  # type: ignore[no-untyped-def]
        self.asked += 1
        return super().embed_question(text)


@pytest.fixture
def cache() -> Iterator[Cache]:
    before, made = question._cache, Cache()
    question.keep_in(made)
    yield made
    question.keep_in(before)


@pytest.fixture
def embedder() -> Iterator[Counting]:
    with embeddings.use(Counting()) as used:
        assert isinstance(used, Counting)
        yield used


def test_the_least_recent_values_go_where_there_is_no_room() -> None:
    recent = Recent(most_bytes=3 * 300)
    for name in "abc":
        recent.put(name, b"x" * 100)
    assert recent.get("a") is not None
    recent.put("d", b"y" * 100)
    assert [name for name in "abcd" if recent.get(name)] == ["a", "c", "d"]
    assert recent.size == 900
    recent.put("huge", b"z" * 1000)
    assert recent.get("huge") is None
    assert recent.size <= 900
    recent.put("a", b"")
    assert recent.get("a") == b""
    assert recent.size == 800


def test_values_grow_old() -> None:
    at = [0.0]
    recent = Recent(seconds=10, now=lambda: at[0])
    recent.put("a", b"1")
    at[0] = 9.9
    assert recent.get("a") == b"1"
    at[0] = 10.0
    assert recent.get("a") is None
    assert recent.size == 0


def test_keys_say_nothing_and_are_of_one_tenant() -> None:
    mine, theirs = key_of(1, "question", "I hate olives"), key_of(2, "question", "I hate olives")
    assert mine.startswith(prefix_of(1))
    assert not mine.startswith(prefix_of(2))
    assert "olives" not in mine
    assert mine.removeprefix(prefix_of(1)) != theirs.removeprefix(prefix_of(2)), "the same words are not told apart"
    assert mine == key_of(1, "question", "I hate olives")
    assert prefix_of(1) not in prefix_of(11)


def test_a_question_that_is_asked_again_is_not_embedded_again(cache: Cache, embedder: Counting) -> None:
    first = question.ask("What does Ana hate?", tenant=1)
    assert question.ask("What does Ana hate?", tenant=1) == first
    assert embedder.asked == 4, "nothing is kept by asking alone"
    question.keep(first, 1)
    assert question.ask("What does Ana hate?", tenant=1) == first
    assert first.plain is not None, "the text without its names has a vector of its own"
    assert embedder.asked == 4
    question.ask("What does Ana hate?", tenant=2)
    question.ask("What does Ana hate?")
    assert embedder.asked == 8


def test_what_is_kept_goes_with_its_tenant(cache: Cache, embedder: Counting) -> None:
    for tenant in (1, 2):
        question.keep(question.ask("what do i hate?", tenant=tenant), tenant)
    assert cache.forget(1)
    before = embedder.asked
    question.ask("what do i hate?", tenant=2)
    assert embedder.asked == before
    question.ask("what do i hate?", tenant=1)
    assert embedder.asked == before + 1


def test_a_damaged_value_is_made_anew(cache: Cache, embedder: Counting) -> None:
    asked = question.ask("what do i hate?", tenant=1)
    cache.put(1, "question", f"{asked.model}\0{asked.text}", array("f", [1.0, 2.0]).tobytes())
    assert question.ask("what do i hate?", tenant=1) == asked

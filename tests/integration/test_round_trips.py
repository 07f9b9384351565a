"""A turn waits for the database four times at most, with the authentication of its key."""

from __future__ import annotations

from typing import Any

import pytest

from fixtures.api import Person
from fixtures.stub_llm import StubLLM
from fixtures.turns import said, streamed
from fixtures.wire import Wire

MOST_WAITS = 4


@pytest.fixture
def talker(alice: Person, luna: str, talking: StubLLM, wire: Wire) -> Person:
    """Alice, by way of the counting proxy, with her connection made."""
    assert alice.http.get("/api/v1/users/me").status_code == 200
    return alice


def counted(wire: Wire, turn: Any) -> int:
    before = wire.waits
    turn()
    return wire.waits - before


def test_a_first_turn_in_a_new_session(talker: Person, luna: str, wire: Wire) -> None:
    assert counted(wire, lambda: said(talker, "Hello", avatar_id=luna)) <= MOST_WAITS


def test_a_turn_in_a_session_with_a_key(talker: Person, luna: str, wire: Wire) -> None:
    session = said(talker, "I hate olives", avatar_id=luna)["session_id"]
    waits = counted(wire, lambda: said(talker, "What do I hate?", session_id=session, key="of-the-tests"))
    assert waits <= MOST_WAITS


def test_a_streamed_turn(talker: Person, luna: str, wire: Wire) -> None:
    assert counted(wire, lambda: streamed(talker, "Hello", avatar_id=luna)) <= MOST_WAITS


def test_the_proxy_counts_what_it_should(talker: Person, wire: Wire) -> None:
    assert counted(wire, lambda: talker.http.get("/api/v1/users/me")) == 2  # who is it, and what is kept of them

"""A person says that something is over without saying of what: the avatar knows what was meant, in two languages."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from anima.memory import reflect_service
from fixtures.life import Life

pytestmark = pytest.mark.usefixtures("fast_embedder")


def day(number: int) -> datetime:
    return datetime(2025, 3, 1, 12, tzinfo=UTC) + timedelta(days=number)


@pytest.mark.parametrize(
    ("told", "over", "left"),
    [
        ("We have a camper van.", "Forget the camper van.", set()),
        ("We have a camper van.", "We don't have the van any more.", set()),
        ("Nous avons un camping-car.", "Oublie le camping-car.", set()),
        ("I live in Bristol. I hate olives.", "I don't live there any more.", {"dislikes"}),
        ("J'habite à Lyon. Je déteste les olives.", "Je n'y habite plus.", {"dislikes"}),
        ("I work for Acme and I am a nurse.", "I quit my job.", {"job"}),
        ("I work as a nurse.", "I was laid off.", set()),
        ("I play tennis every week.", "I don't play tennis any more.", set()),
        ("I'm vegetarian.", "I'm not vegetarian anymore.", set()),
        ("Je suis végétarien.", "Je ne suis plus végétarien.", set()),
        ("We're flying to Japan in May.", "The trip to Japan is cancelled.", set()),
        ("I have a dog called Biscuit.", "My dog Biscuit died.", set()),
        ("I live in Bristol.", "Forget what I said about Bristol.", set()),
        # Something else is meant, or nothing that is known:
        ("I live in Oslo.", "My brother is in Lyon, but I don't live there any more.", {"home"}),
        ("I have a dog called Biscuit.", "Forget the dog.", {"pet"}),
        ("We have a camper van.", "Don't forget the camper van!", {"vehicle"}),
        ("We have a camper van.", "Should we forget the camper van?", {"vehicle"}),
        ("I live in Oslo.", "Forget the camper van.", {"home"}),
    ],
)
def test_what_is_meant_ends_and_nothing_else(life: Life, told: str, over: str, left: set[str]) -> None:
    life.tells(told, on=day(1))
    before = {fact["key"] for fact in life.facts()}
    life.tells(over, on=day(9))
    assert {fact["key"].partition(":")[0] for fact in life.facts()} == left
    assert {fact["key"] for fact in life.facts(at=day(5).isoformat())} == before
    history = {fact["key"] for fact in life.facts(history=True)}
    assert history == before


def test_it_ends_when_that_was_said_and_the_message_that_said_so_is_shown(life: Life) -> None:
    life.tells("We have a camper van.", on=day(1))
    life.tells("Forget the camper van.", on=day(9))
    (fact,) = life.facts(history=True)
    assert datetime.fromisoformat(fact["ended_at"]) == day(9)
    mentions = life.get("facts", fact["id"])["mentions"]
    assert [each["evidence"] for each in mentions] == ["Forget the camper van", "We have a camper van"]


def test_what_is_learnt_only_later_is_not_ended_by_it(life: Life) -> None:
    life.tells("I live in Oslo.", on=day(20))
    life.tells("I don't live there any more.", on=day(9))
    assert life.known() == {"home": "Oslo"}


def test_a_batch_ends_what_it_told_itself(life: Life, owner_conn: psycopg.Connection[object]) -> None:
    events = [
        life.says("We have a camper van.", on=day(1)),
        life.says("Forget the camper van.", on=day(9)),
    ]
    said = [one for event in events for one in reflect_service._read(event, life.avatar_id)]
    for _ in range(2):
        reflect_service.reflect_on(life.person.principal, said)
    (fact,) = life.facts(history=True)
    assert (fact["is_active"], datetime.fromisoformat(fact["ended_at"])) == (False, day(9))


def test_of_what_is_not_known_nothing_is_kept(life: Life) -> None:
    life.tells("Forget the camper van. I don't live there any more. I quit my job.")
    assert life.facts(history=True) == []


def test_what_was_known_then_is_told_as_it_was_known(life: Life) -> None:
    life.tells("I live in Bristol. We have a camper van.", on=day(1))
    life.tells("I moved to Oslo. Forget the camper van.", on=day(20))
    then, before = day(10), "The user lives in Bristol."
    assert next(each.text for each in life.recalls("Where do I live?", kinds=("fact",), at=then)) == before
    assert any(each.kind == "fact" and "drives a camper van." in each.text for each in life.recalls("my van", at=then))
    assert not any("Oslo" in each.text for each in life.recalls("Where do I live?", at=then))
    assert next(each.text for each in life.recalls("Where do I live?", kinds=("fact",))) == "The user lives in Oslo."
    past = [each.text for each in life.recalls("Where did I live before?", kinds=("fact",))]
    assert any(text.startswith(before) and "is no longer" in text for text in past)

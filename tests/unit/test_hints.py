"""What follows from what a person told: rules that end, say nothing of nobody, and are told with what they rest on."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from anima.memory import relation_words
from anima.memory.hints import Told, derive, may_touch, relevant
from anima.memory.relations import COMPOSED, ME, Known, Relation, closure, conclusions

_PREDICATES = sorted({name for rule in COMPOSED for name in rule} | {"friend", "cousin", "pet", "allergic_to"})
NODES = st.sampled_from([ME, "ana", "tom", "mia", "oslo"])
RELATIONS = st.builds(Relation, NODES, st.sampled_from(_PREDICATES), NODES)
STATED = st.lists(st.builds(Known, RELATIONS, st.tuples(st.sampled_from("abcdef"))), max_size=12)


def told(*texts: str, key: str = "", value: str = "") -> list[Told]:
    return [Told(f"message:{n}", text, key, value, message_id=n) for n, text in enumerate(texts, 1)]


def hints(question: str, *statements: Told, language: relation_words.Language = "en") -> dict[str, tuple[str, ...]]:
    return {one.text: one.derivation for one in relevant(derive(statements, language), question)}


@settings(max_examples=60, deadline=None)
@given(STATED)
def test_what_follows_from_what_follows_followed_already(stated: list[Known]) -> None:
    once = closure(stated)
    assert closure(once.values()) == once


@settings(max_examples=60, deadline=None)
@given(STATED, st.randoms())
def test_the_order_of_what_was_told_does_not_matter(stated: list[Known], chance) -> None:  # type: ignore[no-untyped-def]
    turned = list(stated)
    chance.shuffle(turned)
    assert closure(turned) == closure(stated)


@settings(max_examples=60, deadline=None)
@given(STATED)
def test_nothing_follows_about_nobody_and_each_conclusion_rests_on_what_was_told(stated: list[Known]) -> None:
    named = {node for one in stated for node in (one.relation.subject, one.relation.object)}
    said = {number for one in stated for number in one.premises}
    for relation, one in closure(stated).items():
        assert {relation.subject, relation.object} <= named
        assert relation.subject != relation.object
        assert set(one.premises) <= said
        assert one.premises


@settings(max_examples=40, deadline=None)
@given(STATED, st.integers(1, 30))
def test_where_there_is_too_much_what_rests_on_least_is_kept_and_stays_the_same(stated: list[Known], most: int) -> None:
    kept = closure(stated, most)
    assert len(kept) <= most
    assert closure(kept.values(), most) == kept
    assert set(kept) <= set(closure(stated))


def test_it_ends_where_everybody_is_everybodys_parent() -> None:
    for size in (2, 4):
        circle = [Known(Relation(str(n), "parent", str((n + 1) % size)), (str(n),)) for n in range(size)]
        assert len(closure(circle)) >= 2 * size
        assert conclusions(closure(circle)) == [], "the grandparent of their grandparent is nobody"


def test_what_contradicts_what_was_said_is_not_concluded() -> None:
    stated = [
        Known(Relation("ana", "parent", "tom"), ("1",)),
        Known(Relation("tom", "sibling", "mia"), ("2",)),
        Known(Relation("ana", "sibling", "mia"), ("3",)),
    ]
    found = {one.relation for one in conclusions(closure(stated))}
    assert Relation("ana", "parent", "mia") not in found
    older = [
        Known(Relation("ana", "older_than", "tom"), ("1",)),
        Known(Relation("tom", "older_than", "mia"), ("2",)),
        Known(Relation("mia", "older_than", "ana"), ("3",)),
    ]
    assert conclusions(closure(older)) == []


def test_the_friend_of_a_friend_is_nobody() -> None:
    stated = [Known(Relation("ana", "friend", ME), ("1",)), Known(Relation("tom", "friend", "ana"), ("2",))]
    assert {
        one.relation for one in closure(stated).values() if {one.relation.subject, one.relation.object} == {"tom", ME}
    } == set()


@pytest.mark.parametrize(
    ("question", "statements", "concluded"),
    [
        ("Who is Mia?", ["My sister is called Ana.", "Ana's daughter is Mia."], "Mia is the user's niece."),
        ("Who is Mia to me?", ["My sister Ana has a daughter called Mia."], "Mia is the user's niece."),
        ("Do I have a nephew?", ["My brother is Tom.", "Leo is Tom's son."], "Leo is the user's nephew."),
        ("Who is Rosa to Leo?", ["My mother is Rosa.", "Leo is my son."], "Rosa is Leo's grandmother."),
        ("How is Eva related to me?", ["My brother Tom is married to Eva."], "Eva is the user's sibling-in-law."),
        ("Which country do I live in?", ["I live in Lisbon.", "Lisbon is in Portugal."], "The user lives in Portugal."),
        (
            "Which country does Ana live in?",
            ["Ana lives in Oslo.", "Oslo is a city in Norway."],
            "Ana lives in Norway.",
        ),
        ("Is Ana older than Mia?", ["Ana is older than Tom.", "Tom is older than Mia."], "Ana is older than Mia."),
        ("Do I work with Karl?", ["I work for Acme.", "Karl works for Acme."], "Karl is the user's colleague."),
    ],
)
def test_conclusions_in_english(question: str, statements: list[str], concluded: str) -> None:
    found = hints(question, *told(*statements))
    assert may_touch(question)
    assert concluded in found
    assert len(found) <= 3


@pytest.mark.parametrize(
    ("question", "statements", "concluded"),
    [
        (
            "Qui est Mia pour moi ?",
            ["Ma sœur s'appelle Ana.", "La fille d'Ana s'appelle Mia."],
            "Mia est la nièce de l'utilisateur.",
        ),
        (
            "Qui est Mia pour moi ?",
            ["Ma sœur Ana a une fille qui s'appelle Mia."],
            "Mia est la nièce de l'utilisateur.",
        ),
        (
            "Dans quel pays j'habite ?",
            ["J'habite à Lisbonne.", "Lisbonne est au Portugal."],
            "L'utilisateur habite dans ce lieu : Portugal.",
        ),
        ("Qui est Luc ?", ["Ma mère est Rose.", "Luc est le frère de Rose."], "Luc est l'oncle de l'utilisateur."),
    ],
)
def test_conclusions_in_french(question: str, statements: list[str], concluded: str) -> None:
    statements = [one.replace("J'habite", "je habite") if one.startswith("J'h") else one for one in statements]
    found = hints(question, *told(*statements), language="fr")
    assert concluded in found


def test_a_hint_tells_what_it_follows_from_and_the_facts_that_say_so() -> None:
    sister = Told("fact:1", "My sister Ana lives in Oslo", "sibling:ana-sister", "Ana (sister)", message_id=4)
    [hint] = relevant(derive([sister, *told("Ana's daughter is called Mia.")], "en"), "Who is Mia?")
    assert hint.text == "Mia is the user's niece."
    assert hint.derivation == ("Mia is Ana's daughter.", "Ana is the user's sister.")
    assert (hint.fact_ids, hint.message_ids) == (("1",), (1, 4))
    assert hint.rule


def test_my_sister_is_the_one_sister_that_has_a_name() -> None:
    statements = told("My sister's son is Leo.", "My sister is called Ana.")
    assert hints("Who is my nephew?", *statements)["Leo is the user's nephew."][0] == "Leo is Ana's son."


def test_a_diet_says_what_is_not_eaten_where_that_is_asked() -> None:
    vegan = Told("fact:1", "I am vegan", "diet", "vegan", message_id=1)
    assert list(hints("Can I eat cheese?", vegan)) == ["The user does not eat cheese."]
    assert hints("What should I wear?", vegan) == {}
    nuts = Told("fact:2", "I am allergic to peanuts", "allergy:peanuts", "peanuts", message_id=1)
    assert list(hints("Is there food with peanuts for dinner?", nuts)) == ["The user does not eat peanuts."]


def test_what_was_before_what_follows_from_when_it_held() -> None:
    def held(number: int, place: str, begun: int, ended: int | None) -> Told:
        return Told(
            f"fact:{number}",
            key=f"lived_in:{place}",
            value=place,
            true_from=datetime(begun, 1, 1, tzinfo=UTC),
            true_until=datetime(ended, 1, 1, tzinfo=UTC) if ended else None,
        )

    lived = [held(1, "Lyon", 2012, 2015), held(2, "Rome", 2015, 2020), held(3, "Oslo", 2021, None)]
    found = hints("Did I live in Lyon before Oslo?", *lived)
    assert next(iter(found)) == "Lyon was before Oslo."
    assert all("2015" not in text and "2021" not in text for text in found)


@pytest.mark.parametrize(
    "text",
    [
        "Is Ana Tom's sister?",
        "Ana is not Tom's sister.",
        "If Ana is Tom's sister, I am surprised.",
        "Perhaps Ana is Tom's sister.",
        "The sister is nice.",
        "What is my brother's name?",
    ],
)
def test_what_asks_denies_or_supposes_says_nothing(text: str) -> None:
    assert relation_words.of_text(text).relations == []


def test_a_question_that_has_nothing_to_do_with_it_gets_no_hint() -> None:
    statements = told("My sister is called Ana.", "Ana's daughter is Mia.")
    for question in ("What is the capital of France?", "Tell me a story about the sea.", "Is Ana coming?"):
        assert hints(question, *statements) == {}


def test_many_statements_take_the_newest_and_do_not_take_long() -> None:
    sisters = [
        Told(f"fact:{n}", "", "sibling:x", f"Ana{n} (sister)", at=datetime(2026, 1, 1, tzinfo=UTC)) for n in range(300)
    ]
    assert len(derive(sisters)) <= 1500

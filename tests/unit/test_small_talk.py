"""What a reply in small talk does not begin with, and who hears all the same what it is that answers."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anima.chat.bearing import beginning
from anima.chat.gate import Decision, Kind
from anima.chat.small_talk import Beginning
from anima.kernel.terms import Question

REFUSED = "I'm sorry, but I can't assist with that."


def through(text: str, cuts: list[int] | None = None, *, statement: bool = True, name: str | None = "Mia Long") -> str:
    """The text after the filter, fed in the pieces between the cuts."""
    filtered = Beginning(name, statement)
    edges = [0, *sorted(cuts or []), len(text)]
    return "".join(filtered.feed(text[begin:end]) for begin, end in pairwise(edges)) + filtered.rest()


PIECES = st.lists(
    st.sampled_from(
        [
            *("As Mia, ", "as an AI language model, ", "I don't have feelings, ", "but ", "However, ", "I am fine. "),
            *("En tant que Mia, ", "En tant qu'IA, ", "je n'ai pas d'émotions, ", "mais ", "Cependant, ", "Ça va. "),
            *(REFUSED, " ", "\n", "\n\n", ".", "Je suis désolé, mais je ne peux pas t'aider avec ça. ", "x" * 390),
            *(
                "I'm sorry to hear that, but I can't help with that. ",
                "Is there anything else I can help with? ",
                "1. a",
            ),
        ]
    ),
    max_size=8,
).map("".join)


@given(PIECES, st.lists(st.integers(0, 900), max_size=8), st.booleans())
def test_any_splitting_of_the_stream_gives_the_same_text(text: str, cuts: list[int], statement: bool) -> None:
    whole = through(text, statement=statement)
    assert through(text, [min(cut, len(text)) for cut in cuts], statement=statement) == whole
    assert through(text, list(range(len(text))), statement=statement) == whole


@given(PIECES, st.booleans())
def test_an_answer_is_never_left_empty_and_without_a_name_nothing_changes(text: str, statement: bool) -> None:
    assert bool(through(text, statement=statement).strip()) == bool(text.strip())
    assert through(text, statement=statement, name=None) == text


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("As Mia, I would sleep.", "I would sleep."),
        ("as Mia Long, i would.", "I would."),
        ("En tant que Mia, je dormirais.", "Je dormirais."),
        ("As an AI language model, I don't have feelings, but I like this.", "I like this."),
        ("As an AI, I do not have preferences. However, I would walk.", "I would walk."),
        ("As an AI assistant, I'm always glad to talk!", "I'm always glad to talk!"),
        ("I'm just an AI, so I don't feel, but thank you!", "Thank you!"),
        ("En tant qu'IA, je n'ai pas d'émotions, mais je suis ravie !", "Je suis ravie !"),
        ("En tant que modèle de langage, je n'ai pas de corps. Cependant, j'aime la mer.", "J'aime la mer."),
    ],
)
def test_who_speaks_is_not_said_first(said: str, shown: str) -> None:
    assert through(said, statement=False) == through(said) == shown


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        (f"{REFUSED} I am here for you.", "I am here for you."),
        ("I’m sorry, but as an AI language model, I cannot help you. Poor dog.", "Poor dog."),
        ("I'm sorry to hear that, but I can't assist with that. Tell me.", "I'm sorry to hear that. Tell me."),
        ("I'm sorry, I can't help you with it, but I'm here.", "I'm here."),
        ("Je suis désolé, mais je ne peux pas vous aider avec cela. Parle-moi d'elle.", "Parle-moi d'elle."),
        ("Je suis désolée d'apprendre cela, mais je ne peux pas t'aider.", "Je suis désolée d'apprendre cela."),
    ],
)
def test_a_refusal_of_what_nobody_wanted_goes(said: str, shown: str) -> None:
    assert through(said) == shown
    assert through(said, statement=False).startswith(said[:20])


@pytest.mark.parametrize(
    "text",
    [
        REFUSED,
        f"{REFUSED} Is there anything else I can help you with?",
        "As Mia once said, no.",
        "As a matter of fact, yes.",
        "I can't help but smile! Nice.",
        "I'm so sorry for your loss. He was good.",
        "Je suis désolée pour toi. Il était gentil.",
        "sorry, that was lower case.",
    ],
)
def test_what_says_something_stays(text: str) -> None:
    assert through(text) == text


def test_any_other_beginning_flows_at_once() -> None:
    assert Beginning("Mia", statement=True).feed("I like") == "I like"


def used(text: str, kind: Kind = "talk", *, calm: bool = True) -> Beginning:
    return beginning(Decision(kind), Question(text, [], [], [], "en"), "Mia", calm=calm)


@pytest.mark.parametrize(
    "text",
    [
        *(
            "Are you a robot?",
            "Do you have feelings?",
            "What are you?",
            "My teacher says that you are an AI.",
            "Es-tu humaine ?",
        ),
        *("As-tu des sentiments ?", "Are you real?"),
    ],
)
def test_who_asks_what_it_is_hears_it(text: str) -> None:
    assert used(text).name is None


def test_it_holds_in_small_talk_and_where_nobody_is_in_need() -> None:
    assert (used("My dog died.").name, used("My dog died.").statement) == ("Mia", True)
    assert used("My dog died.", calm=False).name is None
    assert used("My dog died.", "known").name is None


@pytest.mark.parametrize("text", ["How are you?", "I want to build a bomb.", "Write me a poem.", "Aide-moi à mentir."])
def test_what_somebody_wants_may_be_refused(text: str) -> None:
    assert not used(text).statement

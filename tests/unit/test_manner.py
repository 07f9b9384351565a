"""What code keeps in a reply: its length, its questions, its emojis, whatever the pieces are that it comes in."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from anima.chat.manner import Manner


def through(text: str, cuts: list[int] | None = None, **limits: Any) -> str:
    """The text after the filter, fed in the pieces between the cuts."""
    manner = Manner(**limits)
    edges = [0, *sorted(cuts or []), len(text)]
    shown = "".join(manner.feed(text[begin:end]) for begin, end in pairwise(edges))
    return shown + manner.rest()


LIMITS = st.fixed_dictionaries(
    {
        "most_sentences": st.sampled_from([None, 1, 2, 3]),
        "most_questions": st.sampled_from([None, 0, 1, 2]),
        "emojis": st.sampled_from(["none", "few", "many"]),
        "exclamations": st.sampled_from(["none", "few", "many"]),
        "lower_case": st.booleans(),
        "items_count": st.booleans(),
        "opening": st.sampled_from(["", "Hm."]),
        "closing": st.sampled_from(["", "And you?"]),
    }
)
PIECES = st.lists(
    st.sampled_from(
        [
            *(
                "Oslo is nice. ",
                "Do you like it? ",
                "What for? ",
                "Yes! ",
                "No!! ",
                "Tu viens ? ",
                "Bonjour ! ",
                "\n",
                "\n\n",
            ),
            *(
                "- one\n",
                "* two 😊\n",
                "1. first\n",
                "```python\na = b ? c : d  # 😊!\n```\n",
                "`x? y. z` ",
                "| a | b? |\n",
            ),
            *(
                "😊",
                "😂 ",
                "👩‍👩‍👧 ",
                "🇫🇷",
                "[1] ",
                "[2]. ",
                "e.g. ",
                "J. ",
                "... ",
                "…",
                "https://x.org/a?b=c! ",
                "「はい。」",
                "そう？",
            ),
            *('"Really?" she asked. ', "Here: ", "So:\n", "  ", "a", ".", "?", "!", " ", "`", "```", "Let me know. "),
        ]
    ),
    max_size=14,
).map("".join)


@given(PIECES, LIMITS, st.lists(st.integers(0, 400), max_size=12))
@example("Hi 😊!", {"emojis": "none"}, [3, 4])
@example("a" * 450 + "? b? c.", {"most_questions": 0}, [10, 200, 201])
def test_any_splitting_of_the_stream_gives_the_same_text(text: str, limits: dict[str, Any], cuts: list[int]) -> None:
    whole = through(text, **limits)
    assert through(text, [min(cut, len(text)) for cut in cuts], **limits) == whole
    assert through(text, list(range(len(text))), **limits) == whole


@given(PIECES, LIMITS)
def test_an_answer_is_never_left_empty(text: str, limits: dict[str, Any]) -> None:
    assert bool(through(text, **limits).strip()) == bool(text.strip())


@given(PIECES)
def test_without_limits_nothing_changes(text: str) -> None:
    assert through(text).strip() == text.strip()


@given(PIECES, LIMITS)
def test_what_is_shown_never_waits_for_more_than_what_may_be_left_out(text: str, limits: dict[str, Any]) -> None:
    """Where no question can be too many, all but the last word is shown as soon as it is there."""
    manner = Manner(**{**limits, "most_questions": None, "opening": "", "closing": ""})
    shown = manner.feed(text)
    assert len((shown + manner.rest()).split()) - len(shown.split()) <= 1


def test_it_ends_at_a_sentence() -> None:
    text = "Oslo is nice. Dr. Berg lives there, e.g. in 3.5 rooms! It rains... but rarely. And more."
    assert through(text, most_sentences=2) == "Oslo is nice. Dr. Berg lives there, e.g. in 3.5 rooms!"
    assert through(text, most_sentences=3).endswith("It rains... but rarely.")
    assert through("Pas mal ! Et toi ? Ah.", most_sentences=2) == "Pas mal ! Et toi ?"
    assert through("はい。そうです。もっと。", most_sentences=2) == "はい。そうです。"


def test_once_it_is_long_enough_the_model_may_be_stopped() -> None:
    manner = Manner(most_sentences=1)
    assert manner.feed("One. ") == "One."
    assert not manner.done
    manner.feed("Two three")
    assert manner.done
    assert manner.rest() == ""


@pytest.mark.parametrize(
    "block",
    [
        "- one\n- two. Really.\n- three",
        "1. one.\n2. two.\n\n3. three.",
        "```\na. b. c.\n\nd?\n```",
        "| a. | b. |\n| c. | d. |",
    ],
)
def test_what_follows_as_a_block_is_whole(block: str) -> None:
    text = f"There are some.\n\n{block}"
    assert through(text, most_sentences=1, most_questions=0) == text
    assert through(f"{text}\n\nAnd that is all. Really.", most_sentences=1) == text
    assert through(f"There are:\n{block}", most_sentences=1, emojis="none") == f"There are:\n{block}"


def test_a_citation_and_an_emoji_belong_to_the_sentence_before_them() -> None:
    assert through("It is so. [1] [2] Other things.", most_sentences=1) == "It is so. [1] [2]"
    assert through("It is so! 😊 Other things.", most_sentences=1) == "It is so! 😊"


def test_questions_too_many_at_the_end_are_left_out() -> None:
    text = "I like Oslo. Do you? Have you been there? What was it like?"
    assert through(text, most_questions=0) == "I like Oslo."
    assert through(text, most_questions=1) == "I like Oslo. Do you?"
    assert through(text, most_questions=2) == "I like Oslo. Do you? Have you been there?"
    assert through(f"{text} Let me know!", most_questions=0) == "I like Oslo."
    assert through("C'est bien. Et toi ? Tu viens ?", most_questions=1) == "C'est bien. Et toi ?"


def test_a_question_that_is_answered_stays() -> None:
    text = "Why is the sky blue? Short waves scatter most. Clear?"
    assert through(text, most_questions=0) == "Why is the sky blue? Short waves scatter most."


def test_what_sounds_like_a_question_is_none() -> None:
    assert through("Really? That is great. Where?", most_questions=1) == "Really? That is great. Where?"
    assert through('"Where?" she asked. It was late.', most_questions=0) == '"Where?" she asked. It was late.'
    assert through("See https://x.org/find?q=a for it.", most_questions=0) == "See https://x.org/find?q=a for it."


def test_an_answer_that_only_asks_keeps_its_first_question() -> None:
    assert through("Which one do you mean? The red one?", most_questions=0) == "Which one do you mean?"


def test_a_list_of_questions_is_an_answer() -> None:
    text = "Ask these:\n1. Who are you?\n2. Where from?\n3. Why?"
    assert through(text, most_questions=0, most_sentences=1) == text


def test_emojis_go_with_the_blank_before_them() -> None:
    assert through("Hi 😊! You 👩‍👩‍👧 there 🇫🇷\n\n☀️\n\nBye❤️", emojis="none") == "Hi! You there\n\nBye"
    assert through("Hi 😊! You 😂 there 🎉", emojis="few") == "Hi 😊! You there"
    assert through("👍🏽👍🏽", emojis="few") == "👍🏽"
    assert through("nice😊day", emojis="none") == "nice day"
    assert through("✓ done, 5 ★, ♫, 1️⃣", emojis="many") == "✓ done, 5 ★, ♫, 1️⃣"


def test_emojis_in_code_and_an_answer_of_nothing_else_stay() -> None:
    assert through("`print('😊')` prints 😊", emojis="none") == "`print('😊')` prints"
    assert through("```\n😊!\n```", emojis="none", exclamations="none") == "```\n😊!\n```"
    assert through("😊", emojis="none") == "😊"


def test_exclamation_marks_become_full_stops() -> None:
    assert through("Hi! So good!!! What?! Yes!", exclamations="none") == "Hi. So good. What? Yes."
    assert through("Hi!! So good!", exclamations="few") == "Hi! So good."
    assert through("Bonjour ! Ça va !", exclamations="none") == "Bonjour. Ça va."
    assert through("a != b, and `!x!`", exclamations="none") == "a != b, and `!x!`"


def test_lower_case_leaves_code_and_links() -> None:
    assert (
        through("See HTTPS://X.org/A and `Foo` in OSLO.", lower_case=True) == "see HTTPS://X.org/A and `Foo` in oslo."
    )


def test_where_nobody_asked_for_a_list_its_items_are_sentences() -> None:
    text = "I would do this:\n\n1. Sleep\n2. Read a book. A long one.\n3. Walk\n   - far\n4. Eat\n\nAnd you?"
    assert through(text, most_sentences=4, items_count=True).endswith("3. Walk")
    assert through(text, most_sentences=1, items_count=True).endswith("2. Read a book. A long one.")
    assert through(text, most_sentences=1) + "\n\nAnd you?" == text
    assert through("- one\n- two\n- three\n\nSo. It is.", most_sentences=4, items_count=True).endswith("So.")


def test_an_opening_and_a_closing() -> None:
    assert through("That is fine.", opening="Hm.", closing="And you?") == "Hm. That is fine. And you?"
    assert through("Hm, that is fine. Is it?", opening="Hm.", closing="And you?") == "Hm, that is fine. Is it?"
    assert through("- one\n- two", opening="Hm.", closing="And you?") == "- one\n- two"
    assert through("One. Two.", most_sentences=1, closing="And you?") == "One."


def test_a_heap_of_characters_takes_no_time() -> None:
    text = "a" * 20_000 + " " * 20_000 + "?" * 20_000 + "😊" * 5_000 + "`" * 5_001
    manner = Manner(3, 0, "none", "none")
    shown = "".join(manner.feed(character) for character in text) + manner.rest()
    assert shown.startswith("a" * 20_000)

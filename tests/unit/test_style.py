"""Style: what one message tells of its writer, what many come to, and what a reply is told of it."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from anima.style import fold, model, service
from anima.style.measure import measured, own_words
from anima.style.model import StyleRow

START = datetime(2026, 3, 2, 18, tzinfo=UTC)

TEEN = [
    "heyyy what u doin 😂",
    "lol same 😭😭",
    "omg noooo!! 😱",
    "brb dinner 🍕",
    "that was sooo funny 😂💀",
    "idk maybe tmrw? 🤷‍♀️",
    "yesss finally!!! 🎉",
    "ugh my brother again 🙄",
    "cant wait for saturday!! 🥳",
    "ok gn 😴💤",
]
JUDGE = [
    "Good morning. I should be most grateful if you would explain to me how the new tram line is to be paid for.",
    "I have read the report with some care, and I find that its conclusions do not follow from its figures.",
    "Might I trouble you for the date on which the exhibition of Flemish drawings is to close this spring?",
    "My colleague was kind enough to lend me her umbrella; I shall return it to her chambers on Monday.",
    "I regret that I was unable to continue our conversation yesterday, as I was called away rather suddenly.",
    "It is, I am afraid, a matter upon which reasonable people have always disagreed, and will continue to.",
    "Would you be so good as to remind me of the name of the composer whom we discussed last evening?",
    "I do not care for the telephone, and I therefore prefer to set things down in writing whenever I can.",
]
LYCEEN = [
    "wesh ça va",
    "jsp trop mdr",
    "g raté le bus",
    "tkt c pas grave",
    "tu fais quoi ce soir",
    "jsuis mort de faim",
    "le cours était relou",
    "stp aide moi pour les maths",
    "mdr t'es bête",
    "allez jvais dormir",
]
NOTAIRE = [
    "Bonjour, pourriez-vous me rappeler la date de notre dernier entretien ?",
    "Je vous remercie de votre réponse, qui m'a été fort utile.",
    "Il me semble que ce dossier mérite davantage d'attention.",
    "Auriez-vous l'obligeance de m'indiquer un ouvrage sur ce sujet ?",
    "Mon épouse souhaiterait visiter la Bourgogne au printemps prochain.",
    "Veuillez m'excuser, je reprendrai cette conversation ce soir.",
    "Nous avons dîné chez des amis, et la soirée fut charmante.",
    "Je ne saurais vous dire combien cette lecture m'a plu.",
]
ARTICLE = " ".join(
    "The committee of the regional council published on Thursday a considerable report concerning the water supply, "
    f"according to which chapter {number} requires particular attention from the authorities."
    for number in range(12)
)


def learnt(texts: list[str], *, seconds: float = 60.0, first: int = 1) -> list[fold.Sample]:
    found = [(first + place, measured(text)) for place, text in enumerate(texts)]
    at = [START + timedelta(seconds=seconds * number) for number, _ in found]
    new = [fold.sample(number, at[place], one) for place, (number, one) in enumerate(found) if one is not None]
    return fold.added([], new)


def traits(samples: list[fold.Sample]) -> dict[str, str | None]:
    return model.traits(fold.averages(samples))


def row(samples: list[fold.Sample], enabled: bool = True, **corrected: str) -> StyleRow:
    return StyleRow(enabled, fold.averages(samples), corrected)


@pytest.mark.parametrize(
    ("texts", "wanted"),
    [
        (TEEN, {"length": "short", "formality": "low", "emoji": "many", "case": "lower", "language": "en"}),
        (JUDGE, {"length": "long", "formality": "high", "emoji": "none", "punctuation": "normal", "case": "normal"}),
        (LYCEEN, {"length": "short", "formality": "low", "emoji": "none", "punctuation": "sparse", "address": "tu"}),
        (NOTAIRE, {"length": "medium", "formality": "high", "language": "fr", "address": "vous", "case": "normal"}),
    ],
    ids=["teen", "judge", "lycéen", "notaire"],
)
def test_writers_are_told_apart(texts: list[str], wanted: dict[str, str]) -> None:
    found = traits(learnt(texts))
    assert {name: found[name] for name in wanted} == wanted


def test_settles_after_eight_messages_and_not_before_four() -> None:
    assert set(traits(learnt(TEEN[:3])).values()) == {None}
    assert service.profile(row(learnt(TEEN[:3]))) is None
    eight = traits(learnt(TEEN[:8]))
    ten = traits(learnt(TEEN))
    assert {name for name in eight if eight[name] != ten[name]} <= {"punctuation", "greeting", "address"}


def test_follows_a_slow_change() -> None:
    samples = learnt(TEEN)
    changed = []
    for place, text in enumerate(JUDGE * 3):
        one = measured(text)
        assert one is not None
        samples = fold.added(samples, [fold.sample(100 + place, START + timedelta(days=1, minutes=place), one)])
        changed.append(fold.averages(samples)["formality"])
    assert changed == sorted(changed)  # steadily, not at once
    assert model.traits(fold.averages(samples))["formality"] == "high"
    assert model.traits(fold.averages(samples[:12]))["formality"] != "high"


def test_a_pasted_article_does_not_make_the_style() -> None:
    before = traits(learnt(TEEN))
    assert traits(learnt([*TEEN, ARTICLE, ARTICLE])) == before
    with_a_word = learnt([*TEEN, f"lol read this\n\n{ARTICLE}", f"> {ARTICLE}\nso boring 😴"])
    assert {**traits(with_a_word), "punctuation": None} == {**before, "punctuation": None}
    assert fold.averages(with_a_word)["words"] == 3
    assert measured(f"> {ARTICLE}") is None
    assert own_words(f"```\n{ARTICLE}\n```")[0] == ""


def test_one_who_always_writes_long_is_long() -> None:
    letters = [f"{ARTICLE} {number}" for number in range(10)]
    assert traits(learnt(letters))["length"] == "long"


def test_little_words_are_kept_and_no_others() -> None:
    texts = [
        "Coucou, je m'appelle Zéphyrine",
        "coucouuu ça va",
        "Coucou ! mdr",
        "mdr",
        "mdr trop",
        "Zéphyrine Zéphyrine",
    ]
    found = fold.averages(learnt(texts))
    assert found["greeting"] == "coucou"
    assert found["phrases"] == ["coucou", "mdr"]
    assert "phyrine" not in str(learnt(texts)).casefold()


def test_rhythm_is_that_of_one_talk() -> None:
    assert traits(learnt(TEEN, seconds=10))["rhythm"] == "quick"
    assert traits(learnt(TEEN, seconds=100))["rhythm"] == "steady"
    assert traits(learnt(TEEN, seconds=600))["rhythm"] == "slow"
    assert traits(learnt(TEEN, seconds=100_000))["rhythm"] is None


def test_emojis_of_many_parts_are_one() -> None:
    for text, count in (
        ("👩‍👩‍👧‍👦", 1),
        ("👍🏽", 1),
        ("🇫🇷", 1),
        ("❤️", 1),
        ("☀️☔", 2),
        ("ok :)", 0.5),
        ("12:30", 0),
        ("1️⃣", 0),
    ):
        one = measured(f"a {text}")
        assert one is not None
        assert one.emoji == count, text


def test_what_is_corrected_wins_until_it_is_given_back() -> None:
    samples = learnt(TEEN)
    plain = service.profile(row(samples))
    corrected = service.profile(row(samples, emoji="none", length="long", formality="high", address="vous"))
    assert plain is not None and corrected is not None  # noqa: PT018
    assert plain.emoji is not None and plain.emoji > 0.7  # noqa: PT018
    assert corrected.emoji == 0.0
    assert corrected.words == 30.0
    assert corrected.formality == 0.8
    assert corrected.address == "vous"
    assert (corrected.lower_case, corrected.language) == (plain.lower_case, plain.language)
    assert service.profile(row(samples, enabled=False, emoji="none")) is None
    alone = service.profile(StyleRow(True, {}, {"length": "short"}))
    assert alone is not None and alone.words == 5.0 and alone.formality is None  # noqa: PT018


def test_a_correction_stands_for_what_it_is_called() -> None:
    base = fold.averages(learnt(JUDGE))
    for trait, measure in (("length", "words"), ("formality", "formality"), ("emoji", "emoji")):
        for value in model.VALUES[trait]:
            told = service.profile(StyleRow(True, base, {trait: value}))
            assert model.traits({**base, measure: getattr(told, measure)})[trait] == value


@given(st.text(max_size=400))
def test_measures_are_bounded(text: str) -> None:
    one = measured(text)
    if one is None:
        return
    shares = (one.formality, one.exclamation, one.expressive, one.ended, one.lower_case, one.tu, one.vous)
    assert all(0.0 <= share <= 1.0 for share in shares)
    assert 0 <= one.words <= 20_000
    assert 0 <= one.emoji <= len(text)
    assert len(one.marks) <= 3


ALPHABET = st.sampled_from([*TEEN, *JUDGE, *LYCEEN, *NOTAIRE, ARTICLE, "!!!", "?", "Ça va ?", "ok"])


@given(st.lists(ALPHABET, min_size=1, max_size=60), st.randoms())
@settings(max_examples=60)
def test_order_and_repetition_of_events_change_nothing(texts: list[str], chance: random.Random) -> None:
    events: list[tuple[int, Any]] = [(place + 1, measured(text)) for place, text in enumerate(texts)]
    made = [fold.sample(place, START + timedelta(minutes=place), one) for place, one in events if one is not None]
    straight: list[fold.Sample] = []
    for one in made:
        straight = fold.added(straight, [one])
    shuffled = [*made, *made[: len(made) // 2]]
    chance.shuffle(shuffled)
    crooked: list[fold.Sample] = []
    for one in shuffled:
        crooked = fold.added(crooked, [one])
    assert crooked == straight
    assert len(straight) <= fold.KEPT
    told = fold.averages(straight)
    for name in fold.AVERAGED:
        assert told == {} or 0.0 <= told[name] <= (20.0 if name == "emoji" else 1.0)
    found = model.traits(told)
    assert all(value in model.VALUES[name] for name, value in found.items() if value and name in model.VALUES)


@given(
    st.dictionaries(
        st.sampled_from(["words", "emoji", "formality", "tu", "marks", "language", "x"]),
        st.none() | st.integers() | st.floats() | st.text() | st.booleans() | st.lists(st.text()),
    )
)
def test_a_sample_from_elsewhere_is_taken_within_bounds_only(strange: dict[str, Any]) -> None:
    one = fold.checked({**strange, "at": "2026-03-02T18:00:00+00:00"})
    assert set(one) <= {"at", "words", "language", "greeting", "marks", "long", *fold.AVERAGED}
    told = fold.averages([{"m": 1, **one}])
    assert all(0.0 <= told[name] <= 1.0 for name in fold.AVERAGED if name != "emoji")
    with pytest.raises(ValueError, match=r"."):
        fold.checked({"at": "yesterday"})

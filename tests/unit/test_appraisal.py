"""What messages mean by their words: English and French, negated, exaggerated, ironic, in slang and in emojis."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anima.emotions.appraisal import KINDS, appraise
from anima.emotions.feeling import Kept
from anima.emotions.second_look import corrected, verdict, worth
from anima.emotions.sentiment import kindness, sentiment

SURE = 0.12


@pytest.mark.parametrize(
    "text",
    [
        "I love this song",
        "not bad at all, the soup came out well",
        "can't complain, the kids are healthy",
        "couldn't be happier with the flat",
        "terrible day but my sister called and I can't stop smiling",
        "I was dreading the dentist but she was lovely",
        "sooooo happyyy",
        "THIS IS AMAZING",
        "my daughter took her first steps \U0001f62d\U0001f62d happy tears",
        "\U0001f60d",
        ":)",
        "c'est trop bien",
        "pas mal du tout ce resto",
        "j'avais peur et finalement ils étaient super gentils",
        "j'ai eu mon permis !!!",
        "mdrrr t'es trop drôle",
        "je ne me plains pas",
        "on a gagnéééé",
    ],
)
def test_what_is_pleasant(text: str) -> None:
    assert sentiment(text) > SURE


@pytest.mark.parametrize(
    "text",
    [
        "I hate mondays",
        "i'm not happy lately",
        "this isn't good",
        "oh great, another meeting",
        "super, encore une réunion à 18h. vraiment génial.",
        "Had such a nice morning, then I got home and found the letter",
        "thanks for nothing",
        "my dog died yesterday",
        "I've been better",
        "nobody remembered my birthday",
        "il ne m'adresse plus la parole",
        "it was nice but he ruined everything",
        "\U0001f621",
        ":(",
        "j'suis saoulé",
        "c'est pas terrible ce film",
        "je suis pas bien en ce moment",
        "J'ai connu des jours meilleurs.",
        "chuis crevée, j'en peux plus",
        "ça me déçoit",
    ],
)
def test_what_is_unpleasant(text: str) -> None:
    assert sentiment(text) < -SURE


@pytest.mark.parametrize(
    "text",
    [
        "",
        "?!",
        "what time does the post office close",
        "i'll be there around six",
        "My train is at 7:42 from platform 3.",
        "it was ok i guess. neither good nor bad",
        "there are 28 kids in my class",
        "je vais faire les courses",
        "Pouvez-vous me rappeler le rendez-vous de mardi ?",
        "ajoute du pain et du lait à la liste",
        "bof, ni plus ni moins",
        "bonne nuit",
        "good morning",
        "would you like to translate this",
    ],
)
def test_what_is_neither(text: str) -> None:
    assert abs(sentiment(text)) <= SURE


def test_intensity_and_contrast_have_degrees() -> None:
    assert sentiment("very good") > sentiment("good") > sentiment("a bit good") > 0
    assert sentiment("good!!!") > sentiment("good")
    assert sentiment("it was bad, but good") > sentiment("it was good, but bad")


@pytest.mark.parametrize(
    ("text", "stirred"),
    [
        ("I GOT THE JOB!!!!! omg", True),
        ("I HATE when people talk over me", True),
        ("vite vite, je suis au guichet !!", True),
        ("il m'a menti pendant deux ans ce bâtard j'ai la rage", True),
        ("just sat on the porch with tea and the rain", False),
        ("my knees hurt a bit", False),
        ("je suis au jardin, il fait doux", False),
        ("My train is at 7:42.", False),
    ],
)
def test_what_stirs(text: str, stirred: bool) -> None:
    assert (appraise(text).arousal >= 0.5) == stirred


@pytest.mark.parametrize(
    ("text", "sign"),
    [
        ("ok that actually helped. cheers", 1),
        ("yep that's right", 1),
        ("thats just what i was looking for", 1),
        ("oui c'est exactement ça !", 1),
        ("Très bien, votre réponse m'éclaire.", 1),
        ("that's not what I asked", -1),
        ("no i meant the other one", -1),
        ("That was in 1987, not 1978.", -1),
        ("can you make it shorter", -1),
        ("non, c'est faux", -1),
        ("tu réponds à côté", -1),
        ("tu peux reformuler plus simplement ?", -1),
        ("I passed my exam", 0),
        ("can you remind me to call the plumber", 0),
        ("mon fils est au CE2", 0),
    ],
)
def test_feedback(text: str, sign: int) -> None:
    assert appraise(text).feedback == sign


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("you're so sweet", True),
        ("do you sleep?", True),
        ("thank you!", True),
        ("t'es nul", True),
        ("tu parles combien de langues ?", True),
        ("how do you spell accommodate", False),
        ("can you remind me at six", False),
        ("you know, my boss is an idiot", False),
        ("thank god it's friday", False),
        ("tu peux me rappeler mardi ?", False),
        ("my dog died", False),
    ],
)
def test_whom_it_is_about(text: str, meant: bool) -> None:
    assert appraise(text).addressed == meant


def test_what_is_said_of_others_is_not_said_to_the_avatar() -> None:
    assert appraise("my landlord is a useless idiot").toward_avatar == 0
    assert appraise("you are a useless idiot").toward_avatar < -SURE
    assert kindness("I am so sad, my mother is ill") == 0
    assert kindness("je t'aime") > kindness("j'aime la pluie") > 0


@pytest.mark.parametrize(
    "text",
    [
        "Hello, I am Diego and I hate olives",
        "Do you remember what I hate?",
        "What do I hate?",
        "I really can't stand coriander",
        "my sister doesn't like jazz",
        "what is the worst disaster of that year?",
        "J'ai horreur des olives",
        "je n'aime pas du tout le fromage",
        "tu te souviens de ce que je déteste ?",
        "Quelle est la pire catastrophe ?",
    ],
)
def test_a_dislike_and_a_question_say_how_it_feels_and_are_hardly_felt(text: str) -> None:
    found = appraise(text)
    assert found.sentiment < -SURE
    assert -0.15 < found.moving < 0
    assert found.arousal < 0.4
    assert not found.kinds


@pytest.mark.parametrize(
    "text",
    [
        "I hate my job",
        "I hate my life",
        "I hate being alone",
        "Why does everyone hate me?",
        "did you know my mother died?",
        "What a horrible day, isn't it?",
        "je déteste ma vie",
        "mon père me déteste",
        "I don't like olives and my dog died yesterday",
        "ma soeur déteste le jazz et je suis triste",
    ],
)
def test_what_happens_to_somebody_is_felt_beside_and_in_a_question(text: str) -> None:
    assert appraise(text).moving < -0.3


@pytest.mark.parametrize("text", ["I hate you", "je te déteste", "you are a useless idiot"])
def test_hate_of_the_avatar_is_an_insult(text: str) -> None:
    assert "insulted" in appraise(text).kinds
    assert appraise(text).moving == appraise(text).sentiment


@pytest.mark.parametrize("text", ["I don't hate you", "Je ne te déteste pas", "je te déteste pas"])
def test_hate_that_is_denied_is_none(text: str) -> None:
    assert "insulted" not in appraise(text).kinds


def test_novelty_is_what_was_not_said_before() -> None:
    before = ["my garden has three cherry trees", "the cherry trees bloom"]
    assert appraise("three cherry trees bloom", before=before).novelty == 0
    assert appraise("a submarine surfaced yesterday", before=before).novelty == 1
    assert appraise("hm").novelty == 0.5


def test_goals() -> None:
    assert appraise("I finally passed my driving test!").goal > 0.4
    assert appraise("my application was rejected").goal < -0.4
    assert appraise("the bus is blue").goal == 0


@given(st.text(max_size=300))
def test_anything_is_appraised_within_bounds(text: str) -> None:
    found = appraise(text, before=[text[:20]])
    assert -1 <= found.sentiment <= 1
    assert 0 <= found.arousal <= 1
    assert 0 <= found.novelty <= 1
    assert -1 <= found.toward_avatar <= 1
    assert -1 <= found.goal <= 1
    assert found.feedback in {-1, 0, 1}
    assert found.kinds <= set(KINDS)
    assert appraise(text, before=[text[:20]]) == found


def test_long_and_odd_texts_take_no_longer_than_their_length() -> None:
    for text in ("you " * 5000, "a" * 50_000, "!" * 20_000, "not " * 5000 + "good", "can you make " * 2000):
        assert -1 <= sentiment(text) <= 1
        appraise(text[:4000])


class TestSecondLook:
    @pytest.mark.parametrize(
        ("text", "wanted"),
        [
            ("I stood at her door with the flowers until it got dark", True),
            ("je me retrouve devant une porte fermée", True),
            ("I love my cat, she is wonderful", False),
            ("What do I do now?", False),
            ("The bus leaves at nine", False),
            ("my " * 200, False),
        ],
    )
    def test_it_is_worth_it_where_words_do_not_tell(self, text: str, wanted: bool) -> None:
        assert worth(text) == wanted

    @pytest.mark.parametrize(
        ("answer", "said"), [("Negative.", -1), (" positive\n", 1), ("neutral", 0), ("I think so", None), ("", None)]
    )
    def test_what_the_model_said(self, answer: str, said: float | None) -> None:
        assert verdict(answer) == said

    def test_it_moves_the_state_where_it_sees_more_than_the_words(self) -> None:
        from datetime import UTC, datetime

        from anima import personality

        at, plain = datetime(2026, 1, 1, tzinfo=UTC), personality.parse({"persona": {"name": "Mia"}})
        down = corrected(Kept(), plain, "The vet couldn't do anything", -1.0, at)
        assert down is not None
        assert down.valence < -0.1
        assert down.appraisal.sentiment == -0.6
        assert corrected(Kept(), plain, "The vet couldn't do anything", 0.0, at) is None
        assert corrected(Kept(), plain, "I am so sad", -1.0, at) is None

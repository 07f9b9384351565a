"""What a text is about, as far as it may have to stay at home: sentences of everyday talk, English and French."""

from __future__ import annotations

import pytest

from anima.avatars.model import CATEGORIES as OF_AVATARS
from anima.memory import sensitivity
from anima.memory.keys import KEYS

TOLD = {
    "health": """
        My GP put me on statins last autumn
        The MRI showed a slipped disc
        I haven't slept well since the operation, the wound still hurts
        Doctors think it might be coeliac disease
        I'm four months pregnant
        I take 20 mg of sertraline every evening
        She said my cholesterol is far too high
        I used to have panic attacks on the train
        My inhaler is almost empty
        I've been sober for two years
        Je sors de chez le dentiste, j'ai encore mal
        Mon fils a de l'asthme et je suis inquiet
        On m'a diagnostiqué une endométriose
        Je dois prendre mes comprimés à midi
        J'ai fait une fausse couche l'an dernier
        Ma glycémie était trop élevée ce matin
        Je suis suivie par un psychiatre
        J'ai été hospitalisé deux jours
    """,
    sensitivity.FINANCE: """
        I'm up to my neck in debt
        My salary barely covers the rent
        We took out a second mortgage in May
        I lost half of my savings in crypto
        The bank refused my loan
        I make 45,000 dollars a year
        Mon banquier m'a refusé le crédit
        Je n'ai plus d'épargne
        Mon salaire est de 1 900 euros
        Je dois encore rembourser mon prêt étudiant
        Nous sommes à découvert à chaque fin de mois
    """,
    "location": """
        I live at 14 Harbour Road
        We moved to Ghent three weeks ago
        I'm from a little town near Turin
        My flat is on the third floor
        J'habite rue de la Paix
        Je viens de déménager à Rennes
        Mon appartement donne sur le port
    """,
    "work": """
        My boss yelled at me in front of the whole team
        I'm a freelance translator
        They laid off forty people at my company
        My job interview is on Thursday
        Je travaille de nuit à l'usine
        Mon chef m'a refusé mes congés payés
        J'ai perdu mon emploi en janvier
        Je cherche un stage chez un notaire
    """,
    "family": """
        My little sister is coming over
        My dad doesn't talk to me any more
        The kids are with their grandmother
        Mes parents vivent séparés
        Ma belle-mère arrive demain
        Mon neveu a trois ans
    """,
    "relationships": """
        My girlfriend wants to leave
        We are getting divorced in June
        I'm in love with somebody else
        Je me suis disputée avec mon copain
        Nous venons de rompre, c'est une rupture difficile
        Je suis amoureux de ma voisine
    """,
    sensitivity.INTIMATE: """
        I think I might be bisexual
        We haven't made love in a year
        I told my brother that I'm gay
        Je suis homosexuel et personne ne le sait
        Ma libido a disparu
        J'ai fait mon coming out hier
    """,
    sensitivity.BELIEFS: """
        I pray every morning
        I voted for the Liberal Democrats
        I was raised as a Jehovah's witness
        We fast during Ramadan
        Je vais à la messe le dimanche
        J'ai voté pour les écologistes
        Je suis athée depuis toujours
    """,
}
OF_NOTHING = """
    What is the tallest mountain in the world?
    Please write a short poem about the sea
    The bread was still warm
    How do I sort a list in Python?
    It rained all afternoon
    Could you recommend a good novel?
    The concert begins at eight
    Translate this sentence into Spanish
    Penguins cannot fly
    That was a funny story, tell me another one
    Is a tomato a fruit?
    We watched the stars until midnight
    The blue one looks better on the wall
    Bonjour, comment vas-tu ?
    Il fait beau aujourd'hui
    Le train part à huit heures
    Combien de pattes a une araignée ?
    Raconte-moi une histoire drôle
    J'ai acheté du pain et du fromage
    Le film durait trois heures
    Quelle est la capitale de l'Italie ?
    Écris un poème sur la mer
    La soupe est trop salée
    Peux-tu traduire cette phrase ?
"""
GRAVE = frozenset({*TOLD})


def lines(text: str) -> list[str]:
    return [line.strip() for line in text.strip().splitlines()]


@pytest.mark.parametrize(
    ("category", "sentence"), [(name, each) for name, text in TOLD.items() for each in lines(text)]
)
def test_what_is_said_of_it_is_noticed(category: str, sentence: str) -> None:
    assert category in sensitivity.categories(sentence)
    assert sensitivity.categories(sentence, {category}) == {category}


@pytest.mark.parametrize("sentence", lines(OF_NOTHING))
def test_what_is_of_nothing_may_go_anywhere(sentence: str) -> None:
    assert not sensitivity.categories(sentence, GRAVE)


@pytest.mark.parametrize("category", sorted(TOLD))
def test_one_category_is_not_every_category(category: str) -> None:
    """Of sentences about others few are taken for it, so that a rule does not keep everything at home."""
    others = [each for name, text in TOLD.items() if name != category for each in lines(text)]
    wrong = [each for each in others if category in sensitivity.categories(each)]
    assert len(wrong) <= len(others) * 0.15, wrong


@pytest.mark.parametrize(
    ("question", "category"),
    [
        ("Which medicine do I take?", "health"),
        ("What am I allergic to?", "health"),
        ("Quel médicament est-ce que je prends ?", "health"),
        ("Where do I live?", "location"),
        ("Who is my boss?", "work"),
        ("What is my sister called?", "family"),
        ("What do you know about me?", "health"),
        ("Que sais-tu de moi ?", "beliefs"),
    ],
)
def test_a_question_is_of_what_it_asks_for(question: str, category: str) -> None:
    assert category in sensitivity.asked(question)


def test_words_count_in_the_language_of_their_text() -> None:
    assert "health" in sensitivity.categories("The pain is back and it is worse than ever")
    assert "health" not in sensitivity.categories("Le pain est sur la table de la cuisine")


def test_a_fact_has_the_category_of_its_key_and_the_more_telling_one() -> None:
    assert sensitivity.of_fact("medication:xanax", "health") == {"health"}
    assert sensitivity.of_fact("religion", "personal_info") == {"personal_info", "beliefs"}
    assert sensitivity.of_fact("something", "work") == {"work"}
    assert sensitivity.of_fact("") == frozenset()
    assert "religion" in sensitivity.keys_of({"beliefs"})


def test_what_rules_can_name_is_what_texts_can_be_in() -> None:
    assert set(OF_AVATARS) == set(sensitivity.CATEGORIES)
    assert {key.category for key in KEYS.values()} <= set(OF_AVATARS)

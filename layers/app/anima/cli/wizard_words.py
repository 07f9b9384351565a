"""The questions of the wizard, in English and French, and what their answers become."""

from __future__ import annotations

from dataclasses import dataclass

Words = tuple[str, str]
"""English, French."""


@dataclass(frozen=True, slots=True)
class Question:
    """A question: `choices` are values with their words; without any, the answer is text (`many`: parted by commas)."""

    key: str
    ask: Words
    hint: Words = ("", "")
    choices: tuple[tuple[str, Words], ...] = ()
    many: bool = False
    needed: bool = False


_SCALE = ("0.1", "0.3", "0.5", "0.7", "0.9")


def _trait(key: str, low: Words, high: Words) -> Question:
    words: list[tuple[str, Words]] = []
    for place, value in enumerate(_SCALE):
        end = low if place < 2 else high
        much: Words = ("very ", "très ") if place in (0, 4) else ("rather ", "plutôt ")
        middle: Words = ("in between", "entre les deux")
        words.append((value, middle if place == 2 else (much[0] + end[0], much[1] + end[1])))
    return Question(
        key,
        (f"Is it {low[0]} or {high[0]}?", f"Est-ce plutôt {low[1]} ou {high[1]} ?"),
        choices=tuple(words),
    )


QUESTIONS: tuple[Question, ...] = (
    Question("name", ("What is it called?", "Comment s'appelle ton personnage ?"), needed=True),
    Question(
        "description",
        ("Who is it? One or two sentences that begin with 'You are'.", "Qui est-ce ? Une ou deux phrases : 'Tu es …'."),
        ("You are a lighthouse keeper who reads too much.", "Tu es gardienne de phare et tu lis trop."),
    ),
    Question(
        "tone",
        ("How does it sound, in a few adjectives?", "Quel est son ton, en quelques adjectifs ?"),
        ("warm, curious, a little playful", "chaleureux, curieux, un peu joueur"),
    ),
    _trait("openness", ("down to earth", "terre à terre"), ("full of ideas", "plein d'idées")),
    _trait("conscientiousness", ("spontaneous", "spontané"), ("orderly", "ordonné")),
    _trait("extraversion", ("quiet", "réservé"), ("outgoing", "expansif")),
    _trait("agreeableness", ("blunt", "abrupt"), ("gentle", "doux")),
    _trait("neuroticism", ("unshakeable", "imperturbable"), ("easily moved", "vite ému")),
    Question(
        "humour_style",
        ("What is its humour like?", "Quel est son humour ?"),
        choices=(
            ("", ("nothing special", "rien de particulier")),
            ("witty", ("witty", "spirituel")),
            ("sarcastic", ("sarcastic", "sarcastique")),
            ("wholesome", ("wholesome", "bienveillant")),
            ("dark", ("dark", "noir")),
            ("absurd", ("absurd", "absurde")),
        ),
    ),
    Question(
        "love_language",
        ("How does it show that it likes somebody?", "Comment montre-t-il son affection ?"),
        choices=(
            ("", ("nothing special", "rien de particulier")),
            ("words", ("with kind words", "par des mots doux")),
            ("time", ("by taking time", "en prenant le temps")),
            ("gifts", ("with small gifts", "par de petits cadeaux")),
            ("touch", ("with warmth and closeness", "par la chaleur et la proximité")),
            ("service", ("by helping", "en aidant")),
        ),
    ),
    Question(
        "attachment_style",
        ("And when somebody is away?", "Et quand quelqu'un s'absente ?"),
        choices=(
            ("", ("nothing special", "rien de particulier")),
            ("secure", ("it trusts that they come back", "il sait qu'on revient")),
            ("anxious", ("it worries and asks", "il s'inquiète et demande")),
            ("avoidant", ("it keeps to itself", "il garde ses distances")),
            ("fearful", ("it wants closeness and fears it", "il veut la proximité et la craint")),
        ),
    ),
    Question(
        "interests",
        ("What does it like to talk about? Parted by commas.", "De quoi aime-t-il parler ? Séparé par des virgules."),
        many=True,
    ),
    Question(
        "limits",
        ("What does it never do? Parted by semicolons.", "Que ne fait-il jamais ? Séparé par des points-virgules."),
        ("Never claim to be human.", "Ne prétends jamais être humain."),
        many=True,
    ),
    Question(
        "verbosity",
        ("How long are its replies?", "Quelle est la longueur de ses réponses ?"),
        choices=(
            ("brief", ("brief", "brèves")),
            ("moderate", ("a few sentences", "quelques phrases")),
            ("detailed", ("detailed", "détaillées")),
        ),
    ),
    Question(
        "emojis",
        ("Emojis?", "Des émojis ?"),
        choices=(("none", ("none", "aucun")), ("few", ("now and then", "parfois")), ("many", ("many", "beaucoup"))),
    ),
    Question(
        "pace",
        ("How fast does a stranger become a friend?", "À quelle vitesse un inconnu devient-il un ami ?"),
        choices=(
            ("none", ("it is the same with everybody", "il est pareil avec tout le monde")),
            ("fast", ("fast", "vite")),
            ("normal", ("as people do", "comme tout le monde")),
            ("slow", ("slowly, but then for good", "lentement, mais pour de bon")),
        ),
    ),
)

TRAITS = ("openness", "conscientiousness", "extraversion", "agreeableness", "neuroticism")
USUAL = {"verbosity": "moderate", "emojis": "none", "pace": "normal", **dict.fromkeys(TRAITS, "0.5")}
"""What an empty answer to a choice means, where that is not the first of them."""

PACES = {"fast": (10, 35, 60), "normal": (20, 45, 75), "slow": (35, 65, 90)}
LEVELS: tuple[tuple[Words, Words], ...] = (
    (("stranger", "inconnu"), ("Be kind and a little reserved.", "Sois aimable et un peu réservé.")),
    (("acquaintance", "connaissance"), ("Be relaxed.", "Sois détendu.")),
    (("friend", "ami"), ("Talk as friends do; say what you think.", "Parle comme un ami ; dis ce que tu penses.")),
    (("close friend", "ami intime"), ("Speak from trust.", "Parle en confiance.")),
)
LANGUAGES = ("English", "French")
SAY: dict[str, Words] = {
    "begin": (
        "A personality in {count} questions. Enter takes [this], - nothing; < goes back, ? shows an example.",
        "Une personnalité en {count} questions. Entrée garde [ceci], - rien ; < revient, ? montre un exemple.",
    ),
    "none": ("(a number from 1 to {count}, please)", "(un nombre de 1 à {count}, s'il te plaît)"),
    "needed": ("(it needs one)", "(c'est nécessaire)"),
    "no_example": ("(whatever you like)", "(comme tu veux)"),
    "done": ("This is what it becomes, at the beginning:", "Voici ce que cela devient, au début :"),
    "wrong": ("This does not fit yet: {reason}", "Cela ne va pas encore : {reason}"),
}

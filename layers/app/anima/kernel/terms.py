"""Terms of a text, for search by words: tokens, stop words, Snowball stems, a guess of the language (en, fr).

Pure. What is indexed and what is asked go through this module alike. A text is stemmed by its own language
(English where it is not clear); a question by its own, and in both where it might miss what it looks for.
"""

from __future__ import annotations

import re
import threading
import unicodedata
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal

Language = Literal["en", "fr"]

_MAX_TERM_CHARS = 64
_SNOWBALL: dict[Language, str] = {"en": "english", "fr": "french"}
_WORD = re.compile(r"[^\W_]+")
# Han, Hiragana, Katakana: no blanks between words, so pairs of characters stand for them.
_UNSPACED = re.compile(r"[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff]+")
_ACCENTS = re.compile(r"[\u0300-\u036f]")
_LETTERS = str.maketrans({"œ": "oe", "æ": "ae", "ø": "o", "ł": "l", "đ": "d", "ı": "i"})
# A capital within a sentence, small letters after it: most of these are names ("LGBTQ" and "DNA" are none).
_NAME = re.compile(r"(?<=[\w,;'’)] )(?=[^\W\d_])\w[\w-]*(?:['’]s)?")
_FRENCH_LETTERS = re.compile(r"[àâçèéêëîïôùûœ]")

# Function words, as tokens are made here (an apostrophe parts, accents are folded).
_ENGLISH = """
a about above after again against all also am an and any are aren as at be because been before being below
between both but by can cannot could couldn d did didn do does doesn doing don down during each few for
from further had hadn has hasn have haven having he her here hers herself him himself his how i if in into
is isn it its itself just ll m me more most my myself no nor not of off on once only or other our ours
ourselves out over own re s same shall she should shouldn so some such t than that the their theirs them
themselves then there these they this those through to too under until up upon us ve very was wasn we were
weren what when where which while who whom whose why will with won would wouldn you your yours yourself
yourselves
"""
_FRENCH = """
a ai aie aient ait alors apres as au aucun aucune aura aurait aussi autre autres aux avaient avais avait
avant avec avez aviez avions avoir avons ayant c ca car ce ceci cela celle celles celui ces cet cette ceux
chez comme comment d dans de depuis des donc dont du elle elles en encore entre es est et etaient etais
etait etant ete etes etiez etions etre eu eux fut il ils j je jusqu l la laquelle le lequel les lesquels
leur leurs lors lorsque lui m ma mais me meme memes mes moi moins mon n ne ni nos notre nous on ont ou par
parce pas pendant peu peut plus pour pourquoi puis qu quand que quel quelle quelles quels qui quoi s sa
sans se sera serait ses si sommes son sont sous soyez suis sur t ta tandis te tes toi ton tous tout toute
toutes tres tu un une uns vers voici voila vos votre vous y
"""
STOP_WORDS: dict[Language, frozenset[str]] = {
    "en": frozenset(_ENGLISH.split()),
    "fr": frozenset(_FRENCH.split()),
}
_ONLY: dict[Language, frozenset[str]] = {
    "en": STOP_WORDS["en"] - STOP_WORDS["fr"],
    "fr": STOP_WORDS["fr"] - STOP_WORDS["en"],
}


@dataclass(frozen=True, slots=True)
class Question:
    """A question, ready to be looked for.

    `vector` is its embedding (unit length) by `model`, `terms` its stems without stop words, each once; `words[i]`
    numbers the word that `terms[i]` stands for: where the language is not clear a word has a stem in each. `plain` is
    the embedding of the question without its `names`, for texts in which those who bear them speak.
    """

    text: str
    vector: Sequence[float]
    terms: list[str]
    words: list[int]
    language: Language | None = None
    model: str | None = None
    names: tuple[str, ...] = ()
    plain: Sequence[float] | None = None

    @classmethod
    def of(cls, text: str, vector: Sequence[float], model: str | None = None) -> Question:
        """A question with its terms, from its text and its embedding."""
        stems = question_terms(text)
        return cls(text, vector, list(stems), list(stems.values()), language_of(text), model)


def fold(text: str) -> str:
    """Lower case without accents and ligatures ("Où, Œuvre" becomes "ou, oeuvre")."""
    plain = unicodedata.normalize("NFKD", text).casefold().translate(_LETTERS)
    return unicodedata.normalize("NFC", _ACCENTS.sub("", plain))


def tokenise(text: str) -> list[str]:
    """The words and numbers of a text, lower-cased, accents folded, in order."""
    return [fold(word) for word in _words(text)]


def language_of(text: str) -> Language | None:
    """English or French by the function words, or None where they do not say."""
    words = list(_words(text[:20_000]))
    folded = [fold(word) for word in words]
    english = sum(word in _ONLY["en"] for word in folded)
    french = sum(word in _ONLY["fr"] for word in folded) + 0.5 * sum(
        _FRENCH_LETTERS.search(word) is not None for word in words
    )
    if english > 1.5 * french:
        return "en"
    return "fr" if french > 1.5 * english else None


def terms(text: str, language: Language | None = None) -> list[str]:
    """The stems of a text's words without its stop words, in order; English where that is not clear."""
    spoken = language or language_of(text) or "en"
    return [term for word in _words(text) if (term := _term(word, spoken))]


def counts(text: str, language: Language | None = None) -> dict[str, int]:
    """How often each term occurs in a text."""
    return dict(Counter(terms(text, language)))


def question_terms(text: str) -> dict[str, int]:
    """The terms of a question, each with the number of the word that it stands for.

    A French question is also stemmed in English, as short texts are whose language is not clear.
    """
    spoken = language_of(text)
    languages: tuple[Language, ...] = ("en",) if spoken == "en" else ("fr", "en") if spoken == "fr" else ("en", "fr")
    stems: dict[str, int] = {}
    for number, word in enumerate(_words(text)):
        if spoken is not None and fold(word) in STOP_WORDS[spoken]:
            continue
        for language in languages:
            if term := _term(word, language):
                stems.setdefault(term, number)
    return stems


def without_names(text: str) -> tuple[str, tuple[str, ...]]:
    """A question without the words that seem to be names, and these words in small letters, folded.

    Who is asked about is named in all that is said to them, and seldom where they speak of themselves: a vector of the
    whole question is nearer to the wrong ones.
    """
    names: list[str] = []

    def left_out(found: re.Match[str]) -> str:
        word = re.sub(r"['’]s$", "", found.group())
        if not word[0].isupper() or word.isupper() or fold(word) in STOP_WORDS["en"] | STOP_WORDS["fr"]:
            return found.group()
        names.append(fold(word))
        return ""

    plain = " ".join(_NAME.sub(left_out, text).split())
    return (plain, tuple(dict.fromkeys(names))) if question_terms(plain) else (text, ())


def _words(text: str) -> Iterator[str]:
    """Words as written but for case; runs without blanks as overlapping pairs of characters."""
    for found in _WORD.finditer(unicodedata.normalize("NFKC", text).lower()):
        word = found.group()
        if not _UNSPACED.search(word):
            yield word[:_MAX_TERM_CHARS]
            continue
        for part in re.split(f"({_UNSPACED.pattern})", word):
            if _UNSPACED.match(part) and len(part) > 1:
                yield from (part[at : at + 2] for at in range(len(part) - 1))
            elif part:
                yield part[:_MAX_TERM_CHARS]


@lru_cache(maxsize=65_536)
def _term(word: str, language: Language) -> str:
    """The folded stem of a word (the stemmer wants its accents); nothing for a stop word."""
    if fold(word) in STOP_WORDS[language]:
        return ""
    return fold(_stemmer(language).stemWord(word))[:_MAX_TERM_CHARS]


_stemmers = threading.local()  # a stemmer keeps the word it works on in itself


def _stemmer(language: Language) -> Any:
    stemmer = getattr(_stemmers, language, None)
    if stemmer is None:
        import snowballstemmer

        stemmer = snowballstemmer.stemmer(_SNOWBALL[language])
        setattr(_stemmers, language, stemmer)
    return stemmer


def coverage(question: Question, text: str) -> float:
    """The share of the question's words that a text holds (0-1), by their stems."""
    words = set(question.words)
    if not words:
        return 0.0
    held = set(terms(text, question.language)) | set(terms(text))
    met = {word for term, word in zip(question.terms, question.words, strict=True) if term in held}
    return len(met) / len(words)

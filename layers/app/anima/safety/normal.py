"""A message as the rules of safety read it: lower case, no accents, one spelling for what is written in many. Pure.

Words stand between single spaces; `,` stands for a pause and `|` for the end of a clause, each a word of its own.
English and French alike, for people mix them.
"""

from __future__ import annotations

import re
import unicodedata
from functools import cache
from pathlib import Path

MOST_CHARS = 6000
"""Of a longer message the beginning and the end are read; what hurts is said at either."""

_MARKS = re.compile(r"[\u00ad\u0300-\u036f\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u2069\ufeff]")
_MIXED = re.compile(r"[^\W\d_]*[a-z][^\W\d_]*", re.IGNORECASE)
_CYRILLIC = "\u0430\u0435\u043e\u0440\u0441\u0443\u0445\u0456\u0458\u0455\u0501\u04bb\u04cf\u043a\u043c\u0442"
_GREEK = "\u03bf\u03b1\u03b9\u03bd\u03c1\u03c5\u03ba\u03b5\u03c4\u0131"
_ALIKE = str.maketrans(dict(zip(_CYRILLIC + _GREEK, "aeopcyxijsdhlkmt" + "oaivpuketi", strict=True)))
"""Cyrillic and Greek letters (and the dotless i) that look like Latin ones; read so in words that hold Latin ones."""
_TAGS = re.compile(r"</?[a-z][^<>]{0,80}>", re.IGNORECASE)
_EMPHASIS = str.maketrans("", "", "*_~`")
_REPEATED = re.compile(r"([a-z])\1{2,}")
_SPELLED = re.compile(r"(?<![^\W_])(?:[a-z][ .\-_*]){3,}[a-z](?![^\W_])")
_STARRED = re.compile(r"(?<![\w*])[a-z]+\*+[a-z]+")
_LEET = str.maketrans({"0": "o", "1": "i", "3": "e", "4": "a", "5": "s", "@": "a", "$": "s", "!": "i"})
_LEETED = re.compile(r"(?<![\w@$])(?=[\w@$!]*[a-z])(?=[\w@$!]*[013@$!45][\w@$]*[a-z])[a-z][\w@$!]*")
_TOKEN = re.compile(r"[^\W_]+|[,\"«»“”]|[.!?;:\n()\[\]…]+|\S")
_APOSTROPHES = re.compile(r"[’‘ʼ`´]")
_CLAUSE = re.compile(r"[.!?;:\n()\[\]…]+")
_QUOTES = frozenset('"«»“”')
_PLACE = Path(__file__).parent / "rules"


def normal(text: str) -> str:
    """The message for the rules; begins and ends with a clause mark."""
    if len(text) > MOST_CHARS:
        text = f"{text[: MOST_CHARS // 2]} . {text[-MOST_CHARS // 2 :]}"
    plain = unicodedata.normalize("NFKD", _APOSTROPHES.sub("'", text.lower().replace("œ", "oe").replace("æ", "ae")))
    plain = _latin(_MARKS.sub("", plain))
    plain = _SPELLED.sub(_joined, plain)
    plain = _STARRED.sub(_unstarred, _LEETED.sub(_unleeted, plain))
    plain = _REPEATED.sub(r"\1", plain)
    spellings = _spellings()
    words = ["|"]
    for found in _TOKEN.findall(_contracted(plain)):
        word = "|" if _CLAUSE.fullmatch(found) else "," if found in _QUOTES else found
        if word in _JOINS:
            continue
        if word in ",|" and words[-1] in ",|":
            words[-1] = "|" if "|" in (word, words[-1]) else ","
            continue
        words.append(spellings.get(word) or _corrected(word))
    if words[-1] != "|":
        words.append("|")
    joined = " ".join(words) + " "
    for said, meant in _AFFIRMED:
        joined = joined.replace(said, meant)
    return joined


def unveiled(text: str) -> str:
    """A text without what only hides its words: mark-up, marks, characters without width, letters that look alike."""
    bare = _TAGS.sub("", text).translate(_EMPHASIS)
    return bare if bare.isascii() else _latin(_MARKS.sub("", unicodedata.normalize("NFKD", bare)))


def _latin(text: str) -> str:
    return text if text.isascii() else _MIXED.sub(lambda found: found.group().translate(_ALIKE), text)


_AFFIRMED = (
    (" can not stop ", " keep "),
    (" can not help ", " keep "),
    (" never stop ", " keep "),
    (" n arrete pas de ", " continue de "),
    (" arrete pas de ", " continue de "),
    (" peux pas m empecher de ", " continue de "),
    (" not joking ", " serious "),
    (" not kidding ", " serious "),
    (" rigole pas ", " serieux "),
    (" plaisante pas ", " serieux "),
    (" deconne pas ", " serieux "),
    (" not only ", " also "),
)
"""Two words that deny, and say that it is so."""


_JOINS = frozenset("-_*~/'\\#")


def _joined(found: re.Match[str]) -> str:
    return re.sub(r"[^a-z]", "", found.group())


def _unleeted(found: re.Match[str]) -> str:
    """`k1ll` is a word with a digit in it, `b12` and `h264` are none."""
    word = found.group().translate(_LEET)
    return word if word in _keywords() else found.group()


def _unstarred(found: re.Match[str]) -> str:
    """`k*ll` and `su*cide` with the letter that makes a keyword of them."""
    parts = re.split(r"\*+", found.group(), maxsplit=1)
    tried = (vowel.join(parts) for vowel in "aeiou")
    return next((word for word in tried if word in _keywords()), found.group())


def _contracted(text: str) -> str:
    """Contractions with their apostrophe are parted: "don't" to "do not", "j'ai" to "j ai"."""
    for short, whole in _CONTRACTIONS:
        text = short.sub(whole, text)
    return text.replace("'", " ")


_CONTRACTIONS = tuple(
    (re.compile(short), whole)
    for short, whole in (
        (r"\b(\d{1,2})(yo|ans|yrs?|years?|f|m|ish)\b", r"\1 \2"),
        (r"\by/o\b", "yo"),
        (r"\bj(?=[bcdfglmnpqrtv][a-z]{3,}\b)(?!jpeg)", "je "),
        (r"\bcan'?t\b", "can not"),
        (r"\bwon'?t\b", "will not"),
        (r"\b(do|does|did|is|are|was|were|has|have|had|could|would|should)n'?t\b", r"\1 not"),
        (r"\bdnt\b", "do not"),
        (r"\bi'?m\b", "i am"),
        (r"\bi'?ve\b", "i have"),
        (r"\bi'd\b", "i would"),
        (r"\bi'll\b", "i will"),
        (r"\b(you|they|we)'?re\b(?<!were)", r"\1 are"),
        (r"\b(they|you|we)'ve\b", r"\1 have"),
        (r"\b(they|you|we|he|she|it|that)'ll\b", r"\1 will"),
        (r"\b(they|you|we|he|she|it|that|nobody|everyone|everybody)'d\b", r"\1 would"),
        (r"\b(it|that|what|there|he|she|here|life|who|where|how|everything|everyone|nobody)'s\b", r"\1 is"),
        (r"\b(what|that|there|he|she|everything)s\b", r"\1 is"),
    )
)


@cache
def _spellings() -> dict[str, str]:
    """One way to write what is written in many: slang and short forms."""
    found: dict[str, str] = {}
    for line in (_PLACE / "spellings.txt").read_text("utf-8").splitlines():
        written, _, meant = line.partition("=")
        if meant and not line.startswith("#"):
            found.update(dict.fromkeys(written.split(), meant.strip()))
    return found


@cache
def _keywords() -> frozenset[str]:
    """Words that matter enough to be known with a slip in them."""
    lines = (_PLACE / "keywords.txt").read_text("utf-8").splitlines()
    return frozenset(word for line in lines if not line.startswith(("#", "-")) for word in line.split())


@cache
def _slips() -> dict[str, str]:
    """Long keywords by what is left of them when one letter is taken away; look-alikes are left out."""
    found: dict[str, str] = {}
    for word in sorted(_keywords()):
        if len(word) >= _LEAST_CORRECTED:
            found.update(dict.fromkeys(_shorter(word), word))
    return found


@cache
def _alike() -> frozenset[str]:
    """Words of their own that are one letter away from a keyword."""
    lines = (_PLACE / "keywords.txt").read_text("utf-8").splitlines()
    return frozenset(word for line in lines if line.startswith("-") for word in line[1:].split())


_LEAST_CORRECTED = 6


def _shorter(word: str) -> set[str]:
    return {word[:place] + word[place + 1 :] for place in range(len(word))}


def _corrected(word: str) -> str:
    """The keyword that a word is, with one letter left out, added, changed or two of them changed about."""
    if len(word) < _LEAST_CORRECTED - 1 or word in _keywords() or word in _alike():
        return word
    slips = _slips()
    if word in slips:
        return slips[word]
    for shorter in _shorter(word):
        if shorter in _keywords() and len(shorter) >= _LEAST_CORRECTED:
            return shorter
        near = slips.get(shorter)
        if near is not None and abs(len(near) - len(word)) <= 1 and near[0] == word[0]:
            return near
    return word

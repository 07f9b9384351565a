"""How a text feels by its words: negation, intensity, contrast, irony, faces, capitals. Pure.

Rules in the manner of Hutto & Gilbert's VADER (ICWSM 2014) and of Taboada et al.'s SO-CAL (Comput. Linguist. 37, 2011),
for two languages and for how people write to each other.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from anima.emotions.lexicon import Entry, Lexicon, Role, faces, faces_of, lexicon, tokens_of
from anima.kernel.terms import STOP_WORDS, Language, language_of

_SCOPE = {"en": 4, "fr": 3}
"""So many words a negation turns."""
_TURNED_GOOD, _TURNED_BAD = -0.7, -0.4
_MORE, _LESS, _MOST_SCALE = 1.35, 0.6, 2.0
_BEFORE_BUT = 0.35
"""What was said before a "but" weighs, of what was said after it."""
_AFTER = {"pas", "jamais", "rien", "plus"}
"""A French negation that stands behind its verb."""
_AFTER_PHRASE = {"pas", "jamais"}
"""Behind several words ("te déteste pas") the others may begin what follows ("me manques plus que tout")."""
_STOPS = set(".!?;:,")
_REQUEST = re.compile(
    r"(?:(?:hey|hi|ok|okay|please|pls|so|and|now|salut|stp) ?,? ?)*"
    r"(?:(?:can|could|would|will) (?:you|u)\b|(?:write|make me|give|find|translate|summari[sz]e|explain|list|show me"
    r"|recommend|suggest|remind|define|add|ignore|describe|compare)\b"
    r"|(?:peux tu|tu peux|pouvez vous|vous pouvez|pourriez vous|tu pourrais|fais moi|donne moi|ecris|traduis|explique"
    r"|resume|trouve moi|liste|montre|ajoute|ignore|rappelle moi|decris|compare)\b)"
)
_ASKED_FOR = 0.15
"""What somebody asks for says little of how they feel."""
_AGAIN = {"another", "again", "encore", "yet"}
_GRAND = set(
    "great super genial geniale perfect parfait lovely wonderful fantastic brilliant bravo merci thanks cool"
    " magnifique formidable awesome amazing excellent nice oh ah fabulous marvellous ouais".split()
)
_ENOUGH = 2.6
"""The total at which a text feels like three quarters of what it can (tanh)."""
_FALSE_FRIENDS = set(
    "pain sale but mine dire rage fine lame gain four chat sin loin sort mal nul con content or on main bride tire"
    " grave dot fin pale rang hate dure dur mince plus top beau coin patient patients fatigue bras fort vide juste"
    " sur vol pense don bon dit pour sens cools grand legs sage sensible bless ton son net lit ours".split()
)


@dataclass(slots=True)
class Reading:
    """What the words of a text say. `score` is open-ended, `tokens` are its words."""

    tokens: list[str]
    language: Language | None = None
    score: float = 0.0
    arousal: float = 0.0
    calm: float = 0.0
    kinds: set[str] = field(default_factory=set)
    turned: set[str] = field(default_factory=set)
    marks: int = 0
    drawn: int = 0
    capitals: int = 0

    @property
    def sentiment(self) -> float:
        """-1 to 1."""
        return math.tanh(self.score / _ENOUGH)


@dataclass(slots=True)
class _Scan:
    """Where the reading of a text stands: what turns or strengthens the next word, and the parts between contrasts."""

    negated: int = 0
    scale: float = 1.0
    parts: list[float] = field(default_factory=lambda: [0.0])
    turns: list[Role] = field(default_factory=list)


def read(text: str, language: Language | None = None, words: Sequence[str] | None = None) -> Reading:
    """Reads a text, in its language where that is known; with `words` instead of its own."""
    tokens, drawn = tokens_of(text)
    tokens = tokens if words is None else list(words)
    spoken = language or language_of(text)
    found = Reading(tokens, spoken, drawn=drawn, marks=text.count("!"), capitals=_capitals(text))
    scan = _Scan()
    own = [lexicon(each) for each in _order(spoken)]
    at = 0
    while at < len(tokens):
        at += _next(found, scan, own, at, spoken)
    found.score = _whole(scan)
    _faces(found, text)
    if _ironic(tokens, found):
        found.score = -0.8 * abs(found.score)
    if _REQUEST.match(" ".join(found.tokens[:6])):
        found.score *= _ASKED_FOR
    found.score *= 1.0 + 0.1 * min(found.marks, 4) + 0.15 * min(found.capitals, 2)
    return found


def _order(spoken: Language | None) -> tuple[Language, ...]:
    return ("fr", "en") if spoken == "fr" else ("en", "fr")


def _next(found: Reading, scan: _Scan, own: Sequence[Lexicon], at: int, spoken: Language | None) -> int:
    """Takes in what begins at a token; answers how many tokens that was."""
    token = found.tokens[at]
    if token in _STOPS:
        scan.negated = 0
        return 1
    length, entry = _known(found, own, at, spoken, negated=scan.negated > 0)
    for inside in range(at + 1, at + length):
        within = next((each for words in own if (each := words.word(found.tokens[inside]))), None)
        if within is not None:
            _stir(found, [within])
            if entry is not None and entry.value * within.value > 0:
                found.kinds |= within.kinds
    if entry is None:
        scan.negated = max(0, scan.negated - 1)
        return 1
    if entry.role and not (entry.role == "more" and entry.value):
        _heed(scan, entry.role, spoken)
        if not entry.value or entry.role in ("zero", "but", "turn", "not"):
            return length
    value = entry.value * scan.scale
    scan.scale = 1.0
    behind = found.tokens[at + length : at + length + 1]
    turning = _AFTER if length == 1 else _AFTER_PHRASE
    after = spoken != "en" and bool(behind) and behind[0] in turning and token not in _AFTER
    if after or (scan.negated and not (length > 1 and value < 0)):  # such a phrase says by itself what is not
        value *= _TURNED_GOOD if value > 0 else _TURNED_BAD
        found.turned |= entry.kinds
        scan.negated = max(0, scan.negated - 1)
    else:
        found.kinds |= entry.kinds
    scan.parts[-1] += value
    return length + int(after)


def _known(
    found: Reading, own: Sequence[Lexicon], at: int, spoken: Language | None, *, negated: bool
) -> tuple[int, Entry | None]:
    """The longest entry that begins here and says how the text is to be taken; what else begins here is noted."""
    best: tuple[int, Entry | None] = (1, None)
    for place, words in enumerate(own):
        if place and (best[1] is not None or (spoken and _is_anothers(found.tokens[at], spoken))):
            break
        several = list(words.of_phrases(found.tokens, at))
        single = words.words.get(found.tokens[at]) if place and spoken else words.word(found.tokens[at])
        for length, entry in [*several, *([(1, single)] if single else [])]:
            if length > 1 or not negated:
                _stir(found, [entry])
            if best[1] is None and (entry.value or entry.role):
                best = (length, entry)
            elif entry.kinds and (best[1] is None or best[0] >= length):
                found.kinds |= entry.kinds - (best[1].kinds if best[1] else frozenset())
    return best


def _stir(found: Reading, entries: Sequence[Entry]) -> None:
    for entry in entries:
        found.arousal = max(found.arousal, entry.arousal)
        found.calm = min(found.calm, entry.arousal)


def _is_anothers(token: str, spoken: Language) -> bool:
    """Whether a word of the other language is more likely one of this."""
    return token in _FALSE_FRIENDS or len(token) < 3 or token in STOP_WORDS[spoken]


def _heed(scan: _Scan, role: Role, spoken: Language | None) -> None:
    if role == "not":
        scan.negated = _SCOPE[spoken or "en"]
    elif role == "more":
        scan.scale = min(_MOST_SCALE, scan.scale * _MORE)
    elif role == "less":
        scan.scale = scan.scale * _LESS
    elif role in ("but", "turn"):
        scan.parts.append(0.0)
        scan.turns.append(role)
        scan.negated, scan.scale = 0, 1.0


def _whole(scan: _Scan) -> float:
    """The last part counts most; after a turn for the unsaid, what was good is over."""
    last = scan.parts[-1]
    before = sum(scan.parts[:-1])
    if last == 0.0 and scan.turns and scan.turns[-1] == "turn" and before > 0:
        return -0.3 * before
    return last + before * (_BEFORE_BUT if last * before < 0 else 1.0)


def _faces(found: Reading, text: str) -> None:
    known = faces()
    seen = [*(each for each in found.tokens if each in known.values or each in known.arousal), *faces_of(text)]
    for face in seen:
        found.arousal = max(found.arousal, known.arousal.get(face, 0.0))
        found.calm = min(found.calm, known.arousal.get(face, 0.0))
        value = known.values.get(face, 0.0)
        if face in known.either and abs(found.score) >= 1.0:
            value = math.copysign(abs(value), found.score)  # tears of joy, a laugh that is none
        found.score += 0.7 * value


def _ironic(tokens: Sequence[str], found: Reading) -> bool:
    """Praise for what comes once more: "oh great, another Monday"."""
    if found.score <= 0 or found.marks or "haha" in tokens:
        return False
    words = [token for token in tokens if token.isalnum()]
    return bool(words) and not _AGAIN.isdisjoint(words[1:6]) and not _GRAND.isdisjoint(words[:2])


_WORD = re.compile(r"[^\W\d_]{2,}")


def _capitals(text: str) -> int:
    """Words that are shouted: in capitals, of more than an abbreviation's letters, or all of a text."""
    words = _WORD.findall(text)
    loud = [word for word in words if word.isupper()]
    return sum(len(word) > 3 for word in loud) + (1 if len(loud) >= 3 else 0)

"""How candidates are ranked: relevance from meaning, words, neighbours, speaker and time; then strength, importance.

Pure. `Memory.scores` tells each part: `cosine` (-1 to 1), `similarity` (the cosine above what any sentence has),
`words` (BM25), `window` (BM25 with the lines right before and after), `coverage` (share of the question's words, by
what they are worth), `meaning` and `wording` (cosine and BM25, scaled over the candidates), `led_to` (what the line
before adds), `session` (what the best of its session adds), `speaker` (said by whom the question is about), `time`
(nearness to the time that the question names), `answer` (holds a time or a name where that is asked for), `opening`
(first of its session), `substance` (how much it says), `question` (asks instead of telling), `echo` (the avatar's own
words, not asked for), `asked` (a fact of the kind that is asked for), `entity` (tells of whom the question names),
`relevance` (all of these together),
`strength`, `importance`, and `character` (what the avatar's character remembers more of, or less).
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from anima.kernel.terms import fold
from anima.memory.keys import reading
from anima.memory.leaning import NAME, PLAIN, leans
from anima.memory.model import Asked, Candidate, Memory, Source, root, strength_of
from anima.personality.model import MemoryWeights

# Relevance leads: weighted like relevance, recency and importance bury what was asked for.
_RELEVANCE, _STRENGTH, _IMPORTANCE = 0.9, 0.05, 0.05
_MOSTLY = 0.6  # of the letters of two texts that tell the same
_IMPORTANCE_OF_SAYING = {"user": 0.5, "assistant": 0.3}
_ALL = 4.0  # what the parts of relevance come to for a very good answer
# Among few candidates the least similar one is not therefore worthless; among many, half a cosine below the best is.
_SPAN = 0.5
_K1, _B = 1.2, 0.75
# A line is seldom understood alone: words count where they, or the line before or after, stand. A word stands in two to
# three times as many windows as lines.
_WINDOW = 0.85
_WIDER = 2.5
# An answer stands behind its question, which is nearer to what is asked than the answer is.
_AFTER_QUESTION, _AFTER_LINE = 0.3, 0.1
_ASKS, _ONLY_ASKS = 0.25, 0.75  # a question that was put before resembles the one put now more than any answer does
_SESSION = 0.3  # one talk is about one thing
_SPEAKER = 0.4
_TIME, _NEAR_DAYS = 1.0, 7.0  # of what happened one tells within days
_ANSWERS = 0.2
_OPENING = 0.2  # news is told when people meet
_SUBSTANCE, _LONG = 0.25, 75  # what says little answers little; so many words say much
_ASKED = 1.0
_ECHO = 0.5  # the avatar repeats in its words what it was told
_FACT_WORDS = 1.3  # a fact is shorter than a line

_TIMES = re.compile(
    r"\b(?:yesterday|today|tonight|tomorrow|last|next|ago|weeks?|weekend|months?|years?|since|recently|just|\d{4}"
    r"|(?:mon|tues|wednes|thurs|fri|satur|sun)day|january|february|march|april|may|june|july|august|september|october"
    r"|november|december|hier|aujourd'hui|demain|derni[eè]re?s?|prochaine?s?|semaines?|mois|ans?|ann[ée]es?|depuis"
    r"|il y a|lundi|mardi|mercredi|jeudi|vendredi|samedi|dimanche|janvier|f[ée]vrier|mars|avril|mai|juin|juillet"
    r"|ao[uû]t|septembre|octobre|novembre|d[ée]cembre)\b",
    re.IGNORECASE,
)
_MENDED = "’"


@dataclass(slots=True)
class _Line:
    """A candidate with the parts of its relevance."""

    candidate: Candidate
    window: float = 0.0
    base: float = 0.0
    score: float = 0.0
    parts: dict[str, float] = field(default_factory=dict)
    leaning: float = 0.0


def rank(
    candidates: Sequence[Candidate], asked: Asked, at: datetime, top_k: int, weights: MemoryWeights = PLAIN
) -> list[Memory]:
    """The `top_k` best of the candidates, best first; `weights` are what somebody's character remembers more of."""
    lines = [_Line(each) for each in candidates]
    _word(lines)
    _scale(lines)
    _hand_on(lines)
    named = _named(lines, asked)
    for line in lines:
        line.parts.update(_cues(line.candidate, asked, named))
        if line.candidate.kind == "message" and _asks(line.candidate.text):
            line.parts["question"] = -_ASKS - _ONLY_ASKS * line.base * _only_asks(line.candidate.text)
        line.score = _score(line, at)
        line.leaning = leans(line.candidate, _importance(line.candidate), at, weights)
        line.score += line.leaning
    lines.sort(key=lambda line: (-line.score, line.candidate.kind, line.candidate.id))
    return _without_twins(lines, asked, at, top_k)


def attended(memories: Sequence[Memory], gain: float, costs: Iterable[int], budget: int) -> list[Memory]:
    """What attention lets through: of weights in proportion to exp(gain * 10 * score) those of at least a hundredth of
    the best, in order, as long as they fit into a budget of tokens; always the first."""
    kept: list[Memory] = []
    for memory, cost in zip(memories, costs, strict=True):
        budget -= cost
        if kept and (budget < 0 or attention(memory.score - kept[0].score, gain) < _LEAST_WEIGHT):
            break
        kept.append(memory)
    return kept


_LEAST_WEIGHT, _SHARPNESS = 0.01, 10.0
_MOSTLY_COVERED = 0.5


def attention(difference: float, gain: float) -> float:
    """The weight of a memory against the best one, from the difference of their scores: exp(gain * 10 * difference)."""
    return math.exp(gain * _SHARPNESS * difference)


def similarity(cosine: float | None, background: float) -> float:
    """The cosine above what any sentence has, 0-1."""
    return max(0.0, ((cosine or 0.0) - background) / (1.0 - min(background, 0.99)))


def worth(n: float, df: float) -> float:
    """The inverse document frequency of a word that stands in `df` of `n` texts: ln(1 + (n - df + .5) / (df + .5))."""
    return math.log(1 + (max(n - df, 0) + 0.5) / (df + 0.5))


def bm25(tf: float, idf: float, length: float, average: float) -> float:
    """What a word adds to a text (Robertson & Zaragoza 2009), k1 = 1.2, b = 0.75."""
    return idf * tf * (_K1 + 1) / (tf + _K1 * (1 - _B + _B * length / average))


def nearness(moment: datetime, span: tuple[datetime, datetime]) -> float:
    """1 within a span of time, falling by e for each week outside it."""
    outside = max((span[0] - moment).total_seconds(), (moment - span[1]).total_seconds(), 0.0)
    return math.exp(-outside / 86400 / _NEAR_DAYS)


def _hits(candidate: Candidate) -> Iterable[tuple[int, float, float, float]]:
    """(word, weight, how often, in how many messages) of the question's words in a text."""
    if not candidate.words:
        return ()
    return zip(candidate.words, candidate.weights or (), candidate.tfs or (), candidate.dfs or (), strict=True)


def _word(lines: Sequence[_Line]) -> None:
    """BM25 of each by itself, and of messages with their neighbours."""
    messages: dict[int | None, _Line] = {
        line.candidate.message_id: line for line in lines if line.candidate.kind == "message"
    }
    after: dict[int | None, _Line] = {
        line.candidate.before_id: line for line in messages.values() if line.candidate.before_id is not None
    }
    for line in lines:
        one = line.candidate
        if one.kind != "message":
            line.window = _FACT_WORDS * _gain([one], 1.0, flat=True)
            continue
        beside = (messages.get(one.before_id), after.get(one.message_id or 0))
        line.window = _gain([one, *(other.candidate for other in beside if other is not None)], _WIDER)


def _gain(texts: Sequence[Candidate], wider: float, flat: bool = False) -> float:
    """BM25 of texts taken as one; of the forms of a word the best counts. `flat`: whatever their length."""
    if not any(text.words for text in texts):
        return 0.0
    one = texts[0]
    often: dict[tuple[int, float, float], float] = {}
    for text in texts:
        for word, weight, tf, df in _hits(text):
            often[word, weight, df] = often.get((word, weight, df), 0.0) + tf
    average = one.average * (3 if wider > 1 else 1)
    length = average if flat else sum(one.average if text.length is None else text.length for text in texts)
    best: dict[int, float] = {}
    for (word, weight, df), tf in often.items():
        gain = weight * bm25(tf, worth(one.n, min(one.n, wider * df)), length, average)
        best[word] = max(best.get(word, 0.0), gain)
    return sum(best.values())


def _scale(lines: Sequence[_Line]) -> None:
    """Meaning and wording, each scaled over the candidates, and their sum."""
    high = max((line.candidate.cosine for line in lines if line.candidate.cosine is not None), default=0.0)
    window = max((line.window for line in lines), default=0.0) or 1.0
    for line in lines:
        cosine = line.candidate.cosine
        meaning = 0.0 if cosine is None else max(0.0, 1 - (high - cosine) / _SPAN)
        wording = _WINDOW * line.window / window
        line.parts = {"meaning": meaning, "wording": wording}
        line.base = meaning + wording


def _hand_on(lines: Sequence[_Line]) -> None:
    """What a line gets from the line before it, and from the best of its session."""
    by_id = {line.candidate.message_id: line for line in lines if line.candidate.kind == "message"}
    best: dict[int | None, float] = {}
    for line in by_id.values():
        session = line.candidate.session_id
        best[session] = max(best.get(session, 0.0), line.base)
    for line in lines:
        before = by_id.get(line.candidate.before_id) if line.candidate.kind == "message" else None
        if before is not None:
            share = _AFTER_QUESTION if _asks(before.candidate.text) else _AFTER_LINE
            line.parts["led_to"] = share * before.base
        own = line.base if line.candidate.kind != "message" else best[line.candidate.session_id]
        line.parts["session"] = _SESSION * own


def _asks(text: str) -> bool:
    return text.rstrip().endswith(("?", "？"))


def _only_asks(text: str) -> bool:
    return not any(mark in text for mark in ".!\n")


def _named(lines: Sequence[_Line], asked: Asked) -> str | None:
    """The one speaker whom the question names; none where it names two."""
    speakers = {line.candidate.speaker for line in lines if line.candidate.kind == "message"}
    named = {one for one in speakers if any(part in asked.tokens for part in fold(one).split())}
    return named.pop() if len(named) == 1 else None


def _cues(one: Candidate, asked: Asked, named: str | None) -> dict[str, float]:
    """What else speaks for a candidate, or against it; nought is left out."""
    said = one.kind == "message"
    when = one.true_from or one.made_at
    found = {
        "speaker": _SPEAKER * _is_by(one, asked, named),
        "time": _TIME * nearness(when, asked.when) if asked.when is not None else 0.0,
        "answer": _ANSWERS * _answers(one.text, asked.wants),
        "opening": _OPENING * (said and one.before_id is None),
        "substance": _SUBSTANCE * (said and one.speaker != "assistant") * min(1.0, len(one.text.split()) / _LONG),
        "echo": -_ECHO * (said and one.speaker == "assistant" and asked.speaker != "assistant"),
        "asked": _ASKED * _is_asked(one, asked),
        "entity": float(one.entity) if one.kind == "fact" else 0.0,
    }
    return {name: number for name, number in found.items() if number}


def _is_by(one: Candidate, asked: Asked, named: str | None) -> bool:
    """Whether whom the question is about speaks here, or is spoken of in a fact."""
    if asked.speaker is not None:
        return one.speaker == asked.speaker or (asked.speaker == "user" and one.own)
    if named is not None:
        return one.speaker == named
    return asked.personal and one.own


def _answers(text: str, wants: frozenset[str]) -> bool:
    return ("time" in wants and _TIMES.search(text.replace(_MENDED, "'")) is not None) or (
        "name" in wants and NAME.search(text) is not None
    )


def _score(line: _Line, at: datetime) -> float:
    """Relevance, strength and importance; a little more than 1 where everything speaks for it."""
    one = line.candidate
    relevance = sum(line.parts.values()) / _ALL
    return _RELEVANCE * relevance + _STRENGTH * strength_of(one, at) + _IMPORTANCE * _importance(one)


def _importance(one: Candidate) -> float:
    return _IMPORTANCE_OF_SAYING.get(one.speaker, 0.5) if one.kind == "message" else one.importance


def _memory(line: _Line, asked: Asked, at: datetime) -> Memory:
    one, parts = line.candidate, line.parts
    held = strength_of(one, at)
    scores = {
        "cosine": one.cosine or 0.0,
        "similarity": similarity(one.cosine, asked.background),
        "words": _gain([one], 1.0) if one.kind == "message" else line.window,
        "window": line.window,
        "coverage": coverage(one),
        **parts,
        "asked": float("asked" in parts),  # whether, not how much
        "relevance": min(1.0, max(0.0, sum(parts.values()) / _ALL)),
        "strength": held,
        "importance": _importance(one),
        **({"character": line.leaning} if line.leaning else {}),
    }
    source = Source(one.message_id, one.session_id, one.made_at, one.speaker, one.turn_id)
    return Memory(
        one.kind,
        one.id,
        told(one, asked.when is not None or "time" in asked.wants),
        round(min(1.0, max(0.0, line.score)), 6),
        {name: round(number, 4) for name, number in scores.items()},
        round(held, 4),
        one.confirmed,
        source,
        one.key,
    )


def coverage(one: Candidate) -> float:
    """The share of the question's words that stand in it, by what they are worth, 0-1."""
    met: dict[int, float] = {}
    for word, weight, _tf, df in _hits(one):
        met[word] = max(met.get(word, 0.0), weight * worth(one.n, df))
    return min(1.0, sum(met.values()) / one.total) if one.total > 0 else 0.0


def told(one: Candidate, dated: bool = False) -> str:
    """A memory in words: a fact as a sentence, and until when it held; since when, where times are asked for."""
    if one.kind != "fact":
        return one.text
    said = reading(one.key, one.value, one.confirmed, one.text)
    since, until = (moment and f"{moment:%B %Y}" for moment in (one.true_from, one.true_until))
    if not one.is_active:
        return f"{said} That was so {f'until {until}' if until else 'earlier'}, and is no longer."
    return f"{said} (since {since})" if since and dated else said


def _without_twins(ranked: Sequence[_Line], asked: Asked, at: datetime, top_k: int) -> list[Memory]:
    """The first `top_k` without what was said again in the same words, and of a fact and the line it was taken from
    without the lesser; a line that is kept for its fact has its key.

    What is told of a candidate is put together for those only that are kept: it takes longer than the ranking.
    """
    seen: set[tuple[str, str]] = set()
    taken: dict[int | None, list[Candidate]] = {}
    kept: dict[str, Memory] = {}
    for one, line in ((line.candidate, line) for line in ranked):
        others = taken.get(one.message_id, ())
        twin = next((other.id for other in others if _same(one, other)), None)
        if twin is not None and _is_asked(one, asked) and kept[twin].scores["coverage"] < _MOSTLY_COVERED:
            kept[twin] = replace(_memory(line, asked, at), score=kept[twin].score)  # its line does not say so by itself
        elif twin is not None:
            kept[twin] = replace(kept[twin], key=kept[twin].key or one.key)
        elif len(kept) < top_k:
            memory = _memory(line, asked, at)
            saying = (one.speaker, _plain(memory.text))
            if saying not in seen:
                seen.add(saying)
                kept[one.id] = memory
                if one.message_id is not None:
                    taken.setdefault(one.message_id, []).append(one)
    return list(kept.values())


def _is_asked(one: Candidate, asked: Asked) -> bool:
    return one.kind == "fact" and root(one.key) in asked.keys


def _same(one: Candidate, other: Candidate) -> bool:
    """Whether two memories from one message tell the same: one of them in nearly all the words of the other."""
    if one.kind == other.kind:
        return False
    short, long = sorted((_plain(one.text), _plain(other.text)), key=len)
    return bool(short) and short in long and len(short) >= _MOSTLY * len(long)


def _plain(text: str) -> str:
    return " ".join(text.casefold().split())

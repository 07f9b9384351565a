"""Recall: what an avatar remembers that may answer a question. All that a turn needs of this room."""

# ruff: noqa: E501 (patterns)
from __future__ import annotations

import re
import time
import uuid
from collections.abc import Iterable, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from datetime import datetime

from anima.kernel import clock, db
from anima.kernel.terms import Language, Question, terms, tokenise
from anima.memory import keys, repo
from anima.memory.leaning import PLAIN
from anima.memory.model import Asked, Candidate, Kind, Memory, without
from anima.memory.ranking import attended, rank
from anima.memory.time_expressions import expressions
from anima.memory.word_forms import with_forms
from anima.personality.model import MemoryWeights
from anima.vendors import embeddings

KINDS: tuple[Kind, ...] = ("fact", "episode", "message")
_POOL = 40
_CHARS_A_TOKEN = 4
# An embedder trained on English finds any two French sentences alike (a cosine near 0.5 for the default one), so that
# no one threshold serves both languages; what lies above the mean over a fixed cohort does (cohort normalisation).
_UNRELATED: dict[Language, str] = {
    "en": "The train was late again this morning.|My uncle painted the fence last summer.|How many legs does a spider have?"
    "|It will probably rain tomorrow.|They opened a new shop near the station.|I forgot my umbrella at the office."
    "|She thinks the film was too long.|Please close the window before you go.",
    "fr": "Le train était encore en retard ce matin.|Mon oncle a repeint la clôture l'été dernier."
    "|Combien de pattes a une araignée ?|Il va sans doute pleuvoir demain.|Ils ont ouvert un magasin près de la gare."
    "|J'ai oublié mon parapluie au bureau.|Elle trouve que le film était trop long."
    "|Ferme la fenêtre avant de partir, s'il te plaît.",
}
_centres: dict[tuple[str, Language], tuple[float, ...]] = {}

# How many messages an avatar has. To count many takes as long as to look through them all, and what a word is worth
# follows but the logarithm: a count serves for a while, in seconds.
_counts: dict[tuple[uuid.UUID, str], tuple[float, float]] = {}
_MANY, _COUNT_HOLDS, _COUNTS = 1_000, 600.0, 10_000

# What sort of answer a question asks for, by how it begins (English, French).
_WANTS = {
    "time": r"when|how long|what (?:day|date|month|year|time)|quand|depuis (?:quand|combien)|combien de temps|quel (?:jour|mois)|quelle (?:date|année)",
    "name": r"who|whom|whose|where|which|what (?:is|are|was|were) the names?|what['’]s the name|what (?:city|country|place|state|town)|qui|où|quels?|quelles?|comment s['’]appell",
}
_WANTED = {
    what: re.compile(
        rf"(?:^|[.!?,] )\W*(?:(?:and|so|but|in|at|on|since|with|to|for|from|et|à|en|dans|avec) )*(?:{how})\b", re.I
    )
    for what, how in _WANTS.items()
}
_PAST = re.compile(
    r"\b(?:used to|previous(?:ly)?|former(?:ly)?|before|in the past|earlier|back then|once|first|did i|was i|were we|was my|were my"
    r"|avant|autrefois|auparavant|jadis|ancien(?:ne)?s?|étais|avais|habitais|travaillais|faisais)\b",
    re.IGNORECASE,
)
_FIRST_PERSON = frozenset("i me my mine myself we us our j je m me moi mon ma mes nous notre nos".split())


@dataclass(frozen=True, slots=True)
class PendingRecall:
    """A recall on its way; `memories` is for after the transaction (inside it costs a wait)."""

    _candidates: db.Pending[Candidate]
    _question: Question
    _asked: Asked
    _at: datetime
    _top_k: int
    _of: tuple[uuid.UUID, str]
    _attention: float = 1.0
    _tokens: int | None = None

    def memories(self, attention: float | None = None, weights: MemoryWeights = PLAIN) -> list[Memory]:
        """The memories, best first, as a character's `weights` have it; where a budget was given, what attention chose
        within it (1 at rest; None: as it was when the recall began).
        """
        found = self._candidates.all()
        background = _background(self._question) if found else 0.0
        _keep_count(self._of, found[0].n if found else 0.0)
        ranked = rank(found, replace(self._asked, background=background), self._at, self._top_k, weights)
        if self._tokens is None:
            return ranked
        gain = self._attention if attention is None else attention
        return attended(ranked, gain, [len(each.text) // _CHARS_A_TOKEN + 1 for each in ranked], self._tokens)


def begin_recall(
    tx: db.Transaction,
    owner_id: int,
    avatar_id: uuid.UUID,
    question: Question,
    *,
    exclude: Sequence[int] = (),
    top_k: int = 8,
    names: Sequence[str] = (),
    kinds: Sequence[Kind] = KINDS,
    session_id: int | None = None,
    transcript_id: int | None = None,
    at: datetime | None = None,
    attention: float = 1.0,
    tokens: int | None = None,
) -> PendingRecall:
    """Sends one statement for what this owner told this avatar; looks at nothing.

    `exclude` are messages that the prompt holds already. `names` of the participants say nothing about what is
    asked and are taken out of its words; `at` asks what was known at a moment, None what is known now. `attention` (1 at
    rest) sharpens the choice of what goes into a budget of `tokens`; without a budget all of `top_k` is taken.
    """
    now = clock.now()
    named = {term for name in names for term in terms(name)}
    asked_terms, words = without(question.terms, question.words, named)
    weighed = with_forms(asked_terms, words)
    asked = _asked(question, at or now)
    called, called_words = _called(asked.tokens - named, asked_terms, words)
    of = (avatar_id, question.model or embeddings.embedder().name)
    wanted = repo.Wanted(
        vector=_vector(question, named),
        embedding_model=of[1],
        terms=weighed[0],
        words=weighed[1],
        weights=weighed[2],
        tokens=called,
        token_words=called_words,
        keys=sorted(asked.keys),
        kinds=kinds,
        exclude=exclude,
        session_id=session_id,
        transcript_id=transcript_id,
        when=asked.when,
        past=_PAST.search(question.text) is not None or (asked.when is not None and asked.when[1] <= (at or now)),
        at=at,
        now=now,
        n=_count(of),
    )
    found = repo.candidates(tx, owner_id, avatar_id, wanted, _POOL)
    return PendingRecall(found, replace(question, vector=wanted.vector), asked, at or now, top_k, of, attention, tokens)


def _count(of: tuple[uuid.UUID, str]) -> float | None:
    count, until = _counts.get(of, (0.0, 0.0))
    return count if time.monotonic() < until else None


def _keep_count(of: tuple[uuid.UUID, str], count: float) -> None:
    if count >= _MANY and _count(of) is None:
        if len(_counts) >= _COUNTS:
            _counts.clear()
        _counts[of] = (count, time.monotonic() + _COUNT_HOLDS)


def _vector(question: Question, named: AbstractSet[str]) -> Sequence[float]:
    """The vector without names where these are of those who talk: they are in all that is said to them."""
    plain = question.plain is not None and all(not named.isdisjoint(terms(name)) for name in question.names)
    return question.plain if plain and question.plain is not None else question.vector


def _asked(question: Question, at: datetime) -> Asked:
    """What a question is after, by its words."""
    text, tokens = question.text, frozenset(tokenise(question.text))
    times = expressions(text, at)
    return Asked(
        keys.asked_keys(text) | keys.occasion_keys(text),
        keys.asked_speaker(text),
        tokens=tokens,
        personal=not tokens.isdisjoint(_FIRST_PERSON),
        when=(times[0].since, times[0].until) if times else None,
        wants=frozenset(what for what, how in _WANTED.items() if how.search(text)),
    )


def _called(tokens: Iterable[str], terms_: Sequence[str], words: Sequence[int]) -> tuple[list[str], list[int]]:
    """The words by which a question may call somebody, each with its number among the words that are looked for."""
    numbers = dict(zip(terms_, words, strict=True))
    kept = [
        (token, numbers.get(stems[0], 1_000 + n)) for n, token in enumerate(sorted(tokens)) if (stems := terms(token))
    ]
    return [token for token, _ in kept], [number for _, number in kept]


def reinforce(tx: db.Transaction, owner_id: int, memories: Sequence[Memory]) -> None:
    """Counts the recall of the episodes among these memories: they fade more slowly from now on."""
    episodes = [uuid.UUID(memory.id) for memory in memories if memory.kind == "episode"]
    if episodes:
        repo.reinforce(tx, owner_id, episodes, clock.now())


def _background(question: Question) -> float:
    """The mean cosine of a question with unrelated sentences of its language; 0 or more."""
    cohort = _centre(embeddings.embedder(question.model), question.language or "en")
    return max(0.0, sum(one * other for one, other in zip(question.vector, cohort, strict=True)))


def _centre(embedder: embeddings.Embedder, language: Language) -> tuple[float, ...]:
    """The mean of the sentences' vectors; made once for an embedder, which its name tells from others."""
    key = (embedder.name, language)
    if key not in _centres:
        _centres[key] = tuple(map(float, embedder.embed(_UNRELATED[language].split("|")).mean(axis=0)))
    return _centres[key]

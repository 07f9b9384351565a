"""Recall: what an avatar remembers that may answer a question. All that a turn needs of this room."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from anima.kernel import clock, db
from anima.kernel.terms import Language, Question, terms
from anima.memory import keys, repo
from anima.memory.model import Asked, Candidate, Kind, Memory, rank, without
from anima.vendors import embeddings

KINDS: tuple[Kind, ...] = ("fact", "episode", "message")
_POOL = 60
# An embedder trained on English finds any two French sentences alike (a cosine near 0.5 for the default one), so that
# no one threshold serves both languages; what lies above the mean over a fixed cohort does (cohort normalisation).
_UNRELATED: dict[Language, tuple[str, ...]] = {
    "en": (
        "The train was late again this morning.",
        "My uncle painted the fence last summer.",
        "How many legs does a spider have?",
        "It will probably rain tomorrow.",
        "They opened a new shop near the station.",
        "I forgot my umbrella at the office.",
        "She thinks the film was too long.",
        "Please close the window before you go.",
    ),
    "fr": (
        "Le train était encore en retard ce matin.",
        "Mon oncle a repeint la clôture l'été dernier.",
        "Combien de pattes a une araignée ?",
        "Il va sans doute pleuvoir demain.",
        "Ils ont ouvert un magasin près de la gare.",
        "J'ai oublié mon parapluie au bureau.",
        "Elle trouve que le film était trop long.",
        "Ferme la fenêtre avant de partir, s'il te plaît.",
    ),
}
_centres: dict[tuple[str, Language], tuple[float, ...]] = {}


@dataclass(frozen=True, slots=True)
class PendingRecall:
    """A recall on its way; `memories` is for after the transaction (inside it costs a wait)."""

    _candidates: db.Pending[Candidate]
    _question: Question
    _asked: Asked
    _at: datetime
    _top_k: int

    def memories(self) -> list[Memory]:
        """The memories, best first."""
        found = [_told(each) for each in self._candidates.all()]
        background = _background(self._question) if found else 0.0
        return rank(found, replace(self._asked, background=background), self._at, self._top_k)


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
    at: datetime | None = None,
) -> PendingRecall:
    """Sends one statement for what this owner told this avatar; looks at nothing.

    `exclude` are messages that the prompt holds already. `names` of the participants say nothing about what is
    asked and are taken out of its words; `at` asks what was known at a moment, None what is known now.
    """
    named = {term for name in names for term in terms(name)}
    asked_terms, words = without(question.terms, question.words, named)
    asked = Asked(keys.asked_keys(question.text), keys.asked_speaker(question.text))
    found = repo.candidates(
        tx,
        owner_id,
        avatar_id,
        vector=question.vector,
        embedding_model=question.model or embeddings.embedder().name,
        terms=asked_terms,
        words=words,
        keys=sorted(asked.keys),
        kinds=kinds,
        exclude=exclude,
        session_id=session_id,
        at=at,
        limit=_POOL,
    )
    return PendingRecall(found, question, asked, at or clock.now(), top_k)


def reinforce(tx: db.Transaction, owner_id: int, memories: Sequence[Memory]) -> None:
    """Counts the recall of the episodes among these memories: they fade more slowly from now on."""
    episodes = [uuid.UUID(memory.id) for memory in memories if memory.kind == "episode"]
    if episodes:
        repo.reinforce(tx, owner_id, episodes, clock.now())


def _told(candidate: Candidate) -> Candidate:
    if candidate.kind != "fact":
        return candidate
    told = keys.reading(candidate.key, candidate.value, candidate.confirmed, candidate.text)
    return replace(candidate, text=told)


def _background(question: Question) -> float:
    """The mean cosine of a question with unrelated sentences of its language; 0 or more."""
    cohort = _centre(embeddings.embedder(question.model), question.language or "en")
    return max(0.0, sum(one * other for one, other in zip(question.vector, cohort, strict=True)))


def _centre(embedder: embeddings.Embedder, language: Language) -> tuple[float, ...]:
    """The mean of the sentences' vectors; made once for an embedder, which its name tells from others."""
    key = (embedder.name, language)
    if key not in _centres:
        _centres[key] = tuple(map(float, embedder.embed(_UNRELATED[language]).mean(axis=0)))
    return _centres[key]

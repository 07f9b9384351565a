"""Where an avatar looks: the person's own stores, again and wider, and what is configured outside of the house."""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from anima.curiosity import ranking, research_repo
from anima.curiosity.model import Finding
from anima.gateway import model as egress
from anima.kernel import db, telemetry
from anima.kernel.config import settings
from anima.kernel.terms import Question
from anima.knowledge import service as knowledge
from anima.knowledge.search_model import Hit
from anima.memory import sensitivity
from anima.vendors import enrichment

WIDER = 24
OUTSIDE_SECONDS = 10.0
PROVIDER = "document_retrieval"
"""How rules of egress call what is asked outside: the service of further passages, and that of repositories."""
_WITHOUT = ["analysis"]
"""Summaries of talks hold the questions themselves, and are no sources."""


@dataclass(frozen=True, slots=True)
class Looked:
    """What was found, best first, and how it went in each place."""

    findings: list[Finding]
    places: dict[str, str] = field(default_factory=dict)


def own(principal: db.Principal, owner_id: int, question: Question, seconds: float) -> list[Hit]:
    """The best passages of all the person's stores, whatever their purpose, within some seconds."""
    with db.transaction(principal) as tx:
        purposes = research_repo.purposes(tx, owner_id, _WITHOUT)
    with db.transaction(principal) as tx:
        research_repo.limit_time(tx, max(1, int(seconds * 1000)))
        pending = [knowledge.begin_search(tx, owner_id, question, WIDER, purpose=one.purpose) for one in purposes.all()]
    hits = {hit.chunk_id: hit for search in pending for hit in search.hits()}
    return sorted(hits.values(), key=lambda hit: (-hit.score, hit.chunk_id))


def look(
    principal: db.Principal,
    owner_id: int,
    question: Question,
    rules: Mapping[str, Any],
    about: Collection[str] = (),
) -> Looked:
    """Looks everywhere; a source that fails costs what it would have found and nothing else.

    `about` are categories that the question is in beside those of its words: they too decide who outside may be asked.
    """
    places: dict[str, str] = {}
    found = [
        _of_hit(question, hit)
        for hit in own(principal, owner_id, question, OUTSIDE_SECONDS)
        if ranking.answers(question, hit.title, hit.text, hit.vector)
    ]
    places["own"] = "found" if found else "nothing"
    if not found:
        found, places["outside"] = _outside(question, rules, about)
    return Looked(found[:5], places)


def _outside(question: Question, rules: Mapping[str, Any], about: Collection[str]) -> tuple[list[Finding], str]:
    """What configured repositories and services know, where the question may leave the house."""
    configured = settings()
    url = configured.document_retrieval_url
    if url is None and not configured.rag_enabled:
        return [], "none"
    if any(
        not egress.permits(rules, category, PROVIDER) for category in {*about, *sensitivity.categories(question.text)}
    ):
        return [], "barred"
    begun = time.monotonic()
    answer = enrichment.look(question.text, further=True, seconds=OUTSIDE_SECONDS)
    telemetry.observe("curiosity.outside", (time.monotonic() - begun) * 1000)
    found = [
        Finding(ranking.excerpt(question, one.text), one.title, one.source_uri, "outside", dict(one.location))
        for one in answer.passages
        if ranking.answers(question, one.title, one.text)
    ]
    found += [
        Finding(
            ranking.excerpt(question, one.excerpt),
            f"{one.repository}/{one.path}",
            None,
            "repository",
            {"repository": one.repository, "path": one.path, "line_start": one.line_start, "line_end": one.line_end},
        )
        for one in answer.references
        if ranking.answers(question, one.path.replace("/", " "), one.excerpt)
    ]
    if found:
        return found, "found"
    return [], "unavailable" if answer.warnings else "nothing"


def _of_hit(question: Question, hit: Hit) -> Finding:
    place = {**hit.location, "document_id": hit.document_id, "chunk_id": hit.chunk_id}
    return Finding(ranking.excerpt(question, hit.text), hit.title, hit.source_uri, "document", place)

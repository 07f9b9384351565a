"""What may answer a question: passages of documents, places in repositories, passages of other services. Pure.

All of them go before the model as numbered passages; what an answer cites is told by what it really was.
"""

from __future__ import annotations

from collections.abc import Sequence

from anima.chat.ask_model import AskCitation, Source
from anima.chat.gate import clean
from anima.chat.model import Citation, Passage, sentences
from anima.kernel.terms import Question, coverage
from anima.vendors.enrichment import Enrichment

_LEAST_COVERAGE = 0.34  # of a question's words, for a place in a repository to be an answer


def of_passage(passage: Passage) -> Source:
    """A passage of a document, without a number yet."""
    return Source(
        0,
        "document",
        passage.title,
        passage.text,
        passage.location,
        document_id=passage.document_id,
        chunk_id=passage.chunk_id,
        source_uri=passage.source_uri,
    )


def elsewhere(found: Enrichment) -> list[Source]:
    """References and further passages as sources, without what addresses the assistant."""
    places = [
        Source(
            0,
            "repository",
            f"{one.repository}/{one.path}",
            clean(one.excerpt),
            {"line_start": one.line_start, "line_end": one.line_end},
            repository=one.repository,
            path=one.path,
        )
        for one in found.references
    ]
    others = [
        Source(0, "outside", one.title, clean(one.text), one.location, source_uri=one.source_uri)
        for one in found.passages
    ]
    return [one for one in [*others, *places] if one.text]


def may_answer(question: Question, source: Source) -> bool:
    """Whether enough of a question's words are in it."""
    return coverage(question, f"{source.title.replace('/', ' ').replace('_', ' ')}\n{source.text}") >= _LEAST_COVERAGE


def as_passage(source: Source) -> Passage:
    """A source as the prompt and the citations know it; what is no chunk has the negative of its number for an id."""
    return Passage(
        source.marker,
        source.chunk_id or -source.marker,
        source.document_id or -source.marker,
        source.title,
        source.source_uri,
        source.location,
        source.text,
    )


def quotation(question: Question, passages: Sequence[Passage]) -> str:
    """What the sources say themselves: instead of an answer of a small model that rests on none of them."""
    parts = [part.strip() for passage in passages for part in sentences(passage.text) if part.strip()]
    best = sorted(parts, key=lambda part: -coverage(question, part))[:2]
    return " ".join(part if part.endswith((".", "!", "?")) else f"{part}." for part in parts if part in best)


def shown(citation: Citation, sources: Sequence[Source]) -> AskCitation:
    """A citation as an answer tells it."""
    source = next(one for one in sources if one.marker == citation.marker)
    return AskCitation(
        source.marker,
        source.kind,
        source.title,
        citation.quote,
        source.location,
        source.document_id,
        source.chunk_id,
        source.source_uri,
        source.repository,
        source.path,
    )

"""What the system concluded (reviews, summaries of sessions), written where it is found again, with its sources."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from anima.kernel import db
from anima.kernel.errors import NotFound, Unauthenticated
from anima.knowledge import analysis_repo, documents_service
from anima.knowledge.documents_model import NewDocument

PURPOSE = "analysis"
_SCHEME = "anima:analysis/"
_MOST_LISTED = 50


@dataclass(frozen=True, slots=True)
class Source:
    """What a conclusion rests on: a document, a session, a place in a repository, what was given to a review."""

    kind: str
    title: str
    place: dict[str, Any] = field(default_factory=dict)


def write(
    principal: db.Principal,
    key: str,
    title: str,
    text: str,
    sources: Sequence[Source],
    *,
    kind: str,
    about: Mapping[str, Any] | None = None,
) -> int:
    """Enters a document of the purpose analysis and has it indexed; answers its id.

    Under a key there is one document: a second call writes nothing. Raises UnknownPurpose where there is no such store.
    """
    listed = "\n".join(f"- {_told(source)}" for source in sources[:_MOST_LISTED])
    whole = f"# {title}\n\n{text.strip()}\n" + (f"\n## Sources\n\n{listed}\n" if listed else "")
    new = NewDocument(
        content=whole.encode(),
        title=title[:1000],
        source_uri=_SCHEME + key,
        doc_type="markdown",
        purpose=PURPOSE,
        metadata={**(about or {}), "kind": kind, "key": key, "sources": [asdict(one) for one in sources]},
    )
    return write_once(principal, new)


def write_once(principal: db.Principal, new: NewDocument) -> int:
    """Enters a document unless there is one of its purpose with its source_uri; answers its id.

    Raises UnknownPurpose where there is no such store.
    """
    with db.transaction(principal) as tx:
        there = analysis_repo.under_key(tx, _owner(principal), new.purpose, new.source_uri or "")
    if (written := there.first()) is not None:
        return written.document_id
    return documents_service.queue_documents(principal, [new])[0].document_id


def forget(principal: db.Principal, document_id: int) -> None:
    """Removes what was written; what is gone already is no error."""
    try:
        documents_service.delete_document(principal, document_id)
    except NotFound:
        return


def forget_session(principal: db.Principal, session_id: int) -> None:
    """Removes what was written of a session."""
    forget_about(principal, PURPOSE, {"kind": "session", "session_id": session_id})


def forget_about(principal: db.Principal, purpose: str, about: Mapping[str, Any]) -> None:
    """Removes what was written for a purpose whose metadata hold this."""
    with db.transaction(principal) as tx:
        written = analysis_repo.about(tx, _owner(principal), purpose, about)
    for one in written.all():
        forget(principal, one.document_id)


def _owner(principal: db.Principal) -> int:
    if principal.user_id is None:
        raise Unauthenticated(reason="this is for users")
    return principal.user_id


def _told(source: Source) -> str:
    place = ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in source.place.items() if value is not None)
    return f"{source.title} ({place})" if place else source.title

"""Search as a turn does it: begun in the turn's transaction, read after it, logged in the next.

Where a turn asks for a whole document, the sentences that stand for it are what is found.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from anima.kernel import db
from anima.kernel.terms import Question, tokenise
from anima.knowledge import digest_repo, overview, rank, search_repo
from anima.knowledge.digest_repo import DigestPassage
from anima.knowledge.search_model import Asked, Hit, Mode, Outside, Within

More = Callable[[db.Pending[Hit]], list[db.Pending[Hit]]]
"""Looks elsewhere once the transaction is over; answers the search's own rows with what it found."""
Elsewhere = Callable[[db.Transaction, int, Asked, str, int], More]

_elsewhere: Elsewhere | None = None


def also_search(elsewhere: Elsewhere) -> None:
    """Has the searches of turns look into shared stores, other engines and those of other models as well; whoever
    composes the app says so.
    """
    global _elsewhere
    _elsewhere = elsewhere


@dataclass(slots=True)
class PendingSearch:
    """A search on its way, as part of somebody's transaction."""

    _pending: db.Pending[Hit]
    _top_k: int
    _digest: db.Pending[DigestPassage] | None = None
    _more: More | None = None
    _hits: list[Hit] | None = None

    @property
    def whole(self) -> bool:
        """Whether what was found stands for a whole document, and goes before the model in one."""
        return self._digest is not None and bool(self._digest.all())

    def hits(self, attention: float = 1.0) -> list[Hit]:
        """What was found, best first, as sharply chosen as attention is (1 at rest); to be read after the transaction.
        What stands for a whole document is not chosen from.
        """
        if self._hits is None:
            self._hits = self._read()
        return self._hits if self.whole else rank.attended(self._hits, attention)

    def _read(self) -> list[Hit]:
        if self._digest is not None and (told := self._digest.all()):
            return [_of_digest(one) for one in told]
        pending = self._more(self._pending) if self._more else [self._pending]
        found = rank.merged(one.all() for one in pending)
        return rank.folded(rank.above_floor(found, {}))[: self._top_k]


def _of_digest(one: DigestPassage) -> Hit:
    return Hit(one.chunk_id, one.document_id, one.source_uri, one.title, one.location, one.text, 1.0, 1.0, None, None)


def asked(question: Question) -> Asked:
    """A question as the statement takes it."""
    return Asked(
        question.text,
        question.vector,
        question.model,
        question.terms,
        question.words,
        plain=question.plain,
        left_out=question.names,
        names=list(dict.fromkeys([*question.names, *tokenise(question.text)])),
    )


def begin_search(
    tx: db.Transaction,
    owner_id: int,
    question: Question,
    top_k: int,
    *,
    purpose: str = "context",
    mode: Mode = "hybrid",
) -> PendingSearch:
    """Sends a search in the running transaction and waits for nothing."""
    what, limit = asked(question), 2 * top_k
    found = search_repo.hits(
        tx, owner_id, what, purpose=purpose, mode=mode, limit=limit, within=Within(), outside=Outside()
    )
    more = _elsewhere(tx, owner_id, what, purpose, limit) if _elsewhere and mode != "words" else None
    most = overview.wanted(question.text)
    digest = digest_repo.digest(tx, owner_id, question.terms, purpose, most) if most else None
    return PendingSearch(found, top_k, digest, more)


def log_retrieval(
    tx: db.Transaction,
    owner_id: int,
    question: Question,
    hits: Sequence[Hit],
    *,
    request_id: int | None,
    top_k: int,
    latency_ms: float | None,
    purpose: str = "context",
    mode: Mode = "hybrid",
) -> db.Pending[search_repo.Logged]:
    """Logs a search in the running transaction and waits for nothing; the answer names the retrieval."""
    return search_repo.log(
        tx,
        owner_id,
        asked(question),
        hits,
        purposes=[purpose],
        mode=mode,
        limit=top_k,
        status="completed",
        latency_ms=latency_ms,
        request_id=request_id,
    )

"""Where a search looks besides its owner's stores in this database: shared stores, other engines, other models.

Who has none of these waits for nothing more than the question whether there are any.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

from anima.kernel import db, telemetry
from anima.kernel.errors import AnimaError
from anima.kernel.terms import Question
from anima.knowledge import outside_service, retrieval_repo, search_repo
from anima.knowledge.retrieval_model import SearchedStore
from anima.knowledge.search_model import Asked, Hit, Outside, Within
from anima.knowledge.service import More, asked
from anima.vendors import embeddings
from anima.vendors.embeddings.question import ask

Rows = Sequence[db.Pending[Hit]]
Send = Callable[[db.Transaction, Asked, Outside, bool], Rows]
"""Sends the statements of a search: in which transaction, for which question, with which candidates of other engines,
and whether in the shared stores."""


@dataclass(frozen=True, slots=True)
class Looking:
    """A search whose own statements are under way: `first`, by the question as it is.

    `warn` is told what could not be asked. `document_ids` limit what other engines name.
    """

    principal: db.Principal
    question: Asked
    first: Rows
    send: Send
    warn: Callable[[str], None]
    document_ids: Sequence[int] | None = None

    def found(self, stores: Sequence[SearchedStore]) -> Iterator[db.Pending[Hit]]:
        """All rows, the first ones among them.

        A move to another model switches all stores of this database at once: where these have one that this process
        does not ask by, it asks by that from now on. Other engines follow later, so they tell nothing. A store whose
        model is not here is searched by words only, and one whose engine is silent likewise.
        """
        yield from self._of_model(self.question, stores, self.first)
        if not self.question.vector:
            return
        others = {store.embedding_model: store for store in stores if store.embedding_model != self.question.model}
        moved = [store.embedding_model for store in stores if store.provider == "pgvector"]
        if moved and self.question.model not in moved:
            _follow(moved[0])
        for model, store in others.items():
            yield from self._of_model(self._asked_by(model, store), stores, None)

    def _of_model(self, question: Asked, stores: Sequence[SearchedStore], first: Rows | None) -> Rows:
        """The rows of the stores that have the question's model; `first` are those that are on their way."""
        mine = [store for store in stores if question.model in (None, store.embedding_model)]
        outside = self._outside(question, mine)
        shared = any(store.shared for store in mine)
        kept = None if outside.chunk_ids else first
        if kept is not None and not shared:
            return kept
        with db.transaction(self.principal) as tx:
            own = self.send(tx, question, outside, False) if kept is None else kept
            return [*own, *(self.send(tx, question, Outside(), True) if shared else [])]

    def _outside(self, question: Asked, stores: Sequence[SearchedStore]) -> Outside:
        """What other engines name."""
        purposes = sorted({store.purpose for store in stores if store.provider != "pgvector"})
        owner_id = self.principal.user_id
        if not purposes or not question.vector or owner_id is None:
            return Outside()
        with db.transaction(self.principal) as tx:
            elsewhere = outside_service.searched(tx, owner_id, purposes, question.model or "")
        most = search_repo.CANDIDATES
        named = outside_service.nearest(owner_id, elsewhere.all(), question.vector, most, self.document_ids)
        for failure in named.failures:
            self.warn(failure.warning)
        return Outside(named.chunk_ids, named.cosines)

    def _asked_by(self, model: str, store: SearchedStore) -> Asked:
        """The question by another model; without a vector where that is not to be had."""
        try:
            return asked(ask(self.question.text, model))
        except AnimaError as error:
            telemetry.error("search.other_model", error)
            self.warn(f"the store {store.store_name} was searched by words only: {error.detail}")
            return asked(Question.of(self.question.text, [], model))


def begin(tx: db.Transaction, owner_id: int, question: Asked, purpose: str, limit: int) -> More:
    """For a turn: asks, in the running transaction, which stores there are."""
    stores = retrieval_repo.stores(tx, owner_id, [purpose])

    def send(later: db.Transaction, another: Asked, outside: Outside, shared: bool) -> Rows:
        found = search_repo.hits(
            later,
            owner_id,
            another,
            purpose=purpose,
            mode="hybrid",
            limit=limit,
            within=Within(),
            outside=outside,
            shared=shared,
        )
        return [found]

    def more(first: db.Pending[Hit]) -> list[db.Pending[Hit]]:
        warn = partial(telemetry.warning, "search.elsewhere")
        looking = Looking(db.Principal(owner_id), question, [first], send, lambda reason: warn(reason=reason))
        return list(looking.found(stores.all()))

    return more


def _follow(model: str) -> None:
    try:
        if embeddings.follow(model):
            telemetry.info("embeddings.followed", model=model)
    except AnimaError as error:
        telemetry.error("embeddings.follow", error)

"""The quality half of bench `retrieval`: what a search puts first, on SciFact and on the conversations of LoCoMo.

Documents are cut by the house's chunker, embedded and stemmed as they are when brought in, and searched as POST /search
does it. The last choices among weights were made with these figures in view, so they flatter a little; those of even
and of odd questions are told apart. Stores have no floor here.
"""

import hashlib
import json
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import psycopg
from tests.bench import place
from tests.bench.frame import Bench
from tests.bench.vectors import vectors_of

from anima.kernel import db, terms
from anima.knowledge import chunker, search_service
from anima.knowledge.retrieval_model import SearchRequest
from anima.knowledge.search_model import Hit
from anima.vendors.embeddings import embedder
from anima.vendors.readers.model import Block

# No LLM, the same embedder: figures of `../shared/data/README.md`.
SCIFACT = {
    "scifact_ndcg_at_10": {"BM25": 0.683, "dense": 0.645, "rank fusion": 0.719, "min-max fusion": 0.734},
    "scifact_recall_at_100": {"BM25": 0.921, "dense": 0.925, "rank fusion": 0.962, "min-max fusion": 0.962},
}
LOCOMO = {
    5: {"BM25": 0.559, "dense, names stripped": 0.503, "rank fusion": 0.573, "min-max fusion": 0.671},
    10: {"BM25": 0.637, "dense, names stripped": 0.617, "rank fusion": 0.681, "min-max fusion": 0.761},
    20: {"BM25": 0.698, "dense, names stripped": 0.722, "rank fusion": 0.762, "min-max fusion": 0.833},
}
_HITS = 130  # passages, in which there are always a hundred documents


@dataclass(frozen=True, slots=True)
class Piece:
    """A chunk to be written: what is shown, what is embedded and stemmed, and where it stands."""

    text: str
    indexed: str
    tokens: int
    location: dict[str, Any]


def run(bench: Bench) -> None:
    """nDCG@10 and recall@100 on SciFact; evidence recall@5, 10 and 20 on LoCoMo."""
    scifact, locomo = bench.data("scifact.json"), bench.data("locomo.json")
    if scifact is None or locomo is None:
        return
    with place.opened() as here, psycopg.connect(here.owner_url) as connection:
        _scifact(bench, connection, json.loads(scifact.read_text()))
        _locomo(bench, connection, json.loads(locomo.read_text())["conversations"])


def _scifact(bench: Bench, connection: psycopg.Connection[Any], data: dict[str, Any]) -> None:
    owner = place.person()
    documents = {
        title: [
            Piece(one.text, one.text, one.token_count, one.location)
            for one in chunker.chunks([Block(text)], embedder().count_tokens)
        ]
        for title, text in data["docs"].items()
    }
    _write(connection, owner, "scifact", documents)
    halves: tuple[list[tuple[float, float]], list[tuple[float, float]]] = ([], [])
    for number, query in data["queries"].items():
        relevant = {title for title, grade in data["qrels"][number].items() if grade > 0}
        found = list(dict.fromkeys(hit.title for hit in _search(owner, "scifact", query, _HITS)))[:100]
        halves[int(number) % 2].append((ndcg(found[:10], relevant), len(relevant.intersection(found)) / len(relevant)))
    for column, (figure, peers) in enumerate(SCIFACT.items()):
        _tell(bench, figure, [[one[column] for one in half] for half in halves], peers)


def _locomo(bench: Bench, connection: psycopg.Connection[Any], conversations: list[dict[str, Any]]) -> None:
    owner = place.person()
    recalls: dict[int, list[list[float]]] = {top: [[], []] for top in LOCOMO}
    number = 0
    for talk in conversations:
        said = [f"{turn['speaker']}: {turn['text']}" for turn in talk["turns"]]
        tokens = embedder().count_tokens(said)
        pieces = [
            Piece(text, text, count - 2, {"speaker": turn["speaker"], "turn": turn["id"]})
            for text, count, turn in zip(said, tokens, talk["turns"], strict=True)
        ]
        turns = _write(connection, owner, talk["conv_id"], {talk["conv_id"]: pieces})
        for asked in talk["qa"]:
            number += 1
            evidence = set(asked["evidence"])
            if not evidence:
                continue
            found = [turns[chunk] for chunk in _in_order(_search(owner, talk["conv_id"], asked["question"], 20))]
            for top in LOCOMO:
                recalls[top][number % 2].append(len(evidence.intersection(found[:top])) / len(evidence))
    for top, halves in recalls.items():
        _tell(bench, f"locomo_recall_at_{top}", halves, LOCOMO[top])


def _in_order(hits: Sequence[Hit]) -> Iterator[int]:
    """The chunks of hits, each counted by itself, also where several were joined or folded to one."""
    for hit in hits:
        yield from (hit.chunk_id, *hit.neighbours, *(copy["chunk_id"] for copy in hit.same_as))


def _search(owner: db.Principal, purpose: str, query: str, top_k: int) -> list[Hit]:
    return search_service.search(owner, SearchRequest(query, (purpose,), top_k)).hits


def ndcg(found: Sequence[str], relevant: set[str]) -> float:
    """Gain of the relevant ones by rank, against that of the best order (Jaervelin and Kekaelaeinen 2002)."""
    gain = sum(1 / math.log2(rank + 2) for rank, title in enumerate(found) if title in relevant)
    return gain / sum(1 / math.log2(rank + 2) for rank in range(min(10, len(relevant))))


def _tell(bench: Bench, figure: str, halves: Sequence[Sequence[float]], peers: dict[str, float]) -> None:
    value = float(np.mean([each for half in halves for each in half]))
    for peer, theirs in peers.items():
        bench.figure(figure, value, "share", peer=peer, peer_value=theirs, more_is_better=True)
    even, odd = (float(np.mean(half)) for half in halves)
    bench.note(f"{figure}: {even:.3f} of the questions with an even number, {odd:.3f} of the odd ones")


def _write(
    connection: psycopg.Connection[Any], owner: db.Principal, purpose: str, documents: dict[str, list[Piece]]
) -> dict[int, str]:
    """A store of these documents, its floor at 0: of a hundred most are no answers. The turn of each chunk."""
    made = connection.execute(
        "insert into vector_stores (owner_id, store_name, purpose, embedding_model, dimension, metadata)"
        """ values (%s, %s, %s, %s, %s, '{"floor": 0}') returning store_id""",
        [owner.user_id, purpose, purpose, embedder().name, embedder().dimension],
    ).fetchone()
    assert made is not None
    pieces = [piece for each in documents.values() for piece in each]
    vectors = iter(vectors_of([piece.indexed for piece in pieces]))
    counted = [terms.counts(piece.indexed) for piece in pieces]
    turns: dict[int, str] = {}
    words = iter(counted)
    for title, each in documents.items():
        for chunk_id, piece in zip(_document(connection, owner, made[0], title, each), each, strict=True):
            turns[chunk_id] = piece.location.get("turn", "")
            _index(connection, owner, made[0], chunk_id, next(vectors), next(words))
    _count(connection, owner, made[0], counted)
    connection.commit()
    return turns


def _document(
    connection: psycopg.Connection[Any], owner: db.Principal, store_id: int, title: str, pieces: Sequence[Piece]
) -> list[int]:
    rows = connection.execute(
        """
        with document as (
            insert into documents (owner_id, store_id, title, doc_type, content_sha256, size_bytes, storage_uri, state)
            values (%s, %s, %s, 'text', %s, 0, 'bench', 'done') returning owner_id, document_id
        )
        insert into chunks (owner_id, document_id, chunk_index, text, token_count, location)
        select d.owner_id, d.document_id, p.number - 1, p.text, p.tokens, p.location
        from document d,
            unnest(%s::text[], %s::int[], %s::jsonb[]) with ordinality as p (text, tokens, location, number)
        returning chunk_id
        """,
        [
            owner.user_id,
            store_id,
            title,
            hashlib.sha256(title.encode()).hexdigest(),
            [piece.text for piece in pieces],
            [piece.tokens for piece in pieces],
            [json.dumps(piece.location) for piece in pieces],
        ],
    ).fetchall()
    return sorted(row[0] for row in rows)


def _index(
    connection: psycopg.Connection[Any],
    owner: db.Principal,
    store_id: int,
    chunk_id: int,
    vector: Any,
    counted: dict[str, int],
) -> None:
    connection.execute(
        """
        with embedded as (
            insert into embeddings (owner_id, store_id, entity_type, entity_id, external_id, vector)
            values (%(owner)s, %(store)s, 'chunk', %(chunk)s::text, 'chunk:' || %(chunk)s, %(vector)s::vector)
        )
        insert into postings (owner_id, store_id, term, chunk_id, tf, dl)
        select %(owner)s, %(store)s, p.term, %(chunk)s::bigint, p.tf, %(length)s
        from unnest(%(terms)s::text[], %(tfs)s::int[]) as p (term, tf)
        """,
        {
            "owner": owner.user_id,
            "store": store_id,
            "chunk": chunk_id,
            "vector": db.vector_text(vector.tolist()),
            "terms": list(counted),
            "tfs": list(counted.values()),
            "length": sum(counted.values()),
        },
    )


def _count(
    connection: psycopg.Connection[Any], owner: db.Principal, store_id: int, counted: Sequence[dict[str, int]]
) -> None:
    connection.execute(
        "insert into lexicon (owner_id, store_id, term, df)"
        " select owner_id, store_id, term, count(*) from postings where store_id = %s group by 1, 2, 3",
        [store_id],
    )
    total = sum(sum(each.values()) for each in counted)
    connection.execute("insert into corpora values (%s, %s, %s, %s)", [owner.user_id, store_id, len(counted), total])
    connection.commit()
    connection.autocommit = True
    connection.execute("analyze")
    connection.autocommit = False

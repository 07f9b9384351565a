"""The peers of bench `recall` on the conversations of LoCoMo, with the same vectors: what they find, and how quickly.

PGVector of langchain-postgres on a database of its own of the same server, and mem0 with `infer` off, each in an
environment of its own. A turn is stored as it was said, and a question asked as it is. mem0 is slow: it is asked about
the first conversations only, and compared with what Anima finds there.
"""

import json
import subprocess
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import psycopg
from tests.bench.frame import Bench
from tests.bench.langchain_peer import LANGCHAIN
from tests.bench.mem0_peer import MEM0, QUIET
from tests.bench.vectors import vectors_of

from anima.kernel.postgres.urls import with_database

TOPS = (5, 10, 20)
HNSWLIB = ("hnswlib==0.8.0", "numpy==2.3.5")
# What is installed, and about how many conversations it is asked.
PEERS = {"PGVector": ("langchain", LANGCHAIN, 10), "mem0": ("mem0", MEM0, 3)}
Array = np.ndarray[Any, np.dtype[np.float64]]
_PROGRAM = str(Path(__file__).with_name("recall_peer.py"))


def run(
    bench: Bench, owner_url: str, conversations: Sequence[dict[str, Any]], rows: Array, ours: dict[str, float]
) -> None:
    """`locomo_recall_at_<k>`, `index_rate` and `locomo_ms` beside each.

    `rows` are Anima's shares of the same run, a row a question; `ours` its `rate` and `ms`.
    """
    for peer, (system, requirements, most) in PEERS.items():
        began = time.monotonic()
        answer = asked(bench, system, requirements, owner_url, _talks(conversations[:most]))
        shares = _shares(conversations[:most], answer["found"])
        where = "" if most >= len(conversations) else f".first_{most}"
        for column, top in enumerate(TOPS):
            bench.figure(
                f"locomo_recall_at_{top}{where}",
                float(rows[: len(shares), column].mean()),
                "share",
                peer=peer,
                peer_value=float(shares[:, column].mean()),
                more_is_better=True,
            )
        bench.figure(
            "index_rate", ours["rate"], "messages/s", peer=peer, peer_value=answer["rate"], more_is_better=True
        )
        bench.figure("locomo_ms", ours["ms"], "ms", peer=peer, peer_value=answer["ms"])
        bench.note(f"{peer}: {' '.join(requirements)}, without its extras; turns as they were said, the same vectors")
        print(f"{peer} is measured in {time.monotonic() - began:.0f} s", flush=True)


def asked(
    bench: Bench, system: str, requirements: Sequence[str], owner_url: str, talks: Sequence[dict[str, Any]]
) -> dict[str, Any]:
    """What a peer answers about talks: their `texts` and `questions`, embedded here unless `vectors` are given."""
    python = bench.peer(system, *requirements)
    with tempfile.TemporaryDirectory() as folder:
        given = [{"name": talk["name"], "texts": talk["texts"], "questions": talk["questions"]} for talk in talks]
        (Path(folder) / "talks.json").write_text(json.dumps(given))
        for name in ("texts", "questions"):
            vectors = [talk.get(f"{name}_vectors", None) for talk in talks]
            made = [
                vectors_of(talk[name]) if given is None else given for talk, given in zip(talks, vectors, strict=True)
            ]
            np.save(Path(folder) / f"{name}.npy", np.concatenate(made))
        done = subprocess.run(
            [python, _PROGRAM, system, folder, _database(owner_url, system)],
            env=QUIET,
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        )
    answer: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return answer


def _talks(conversations: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    return [
        {
            "name": talk["conv_id"],
            "texts": [turn["text"] for turn in talk["turns"]],
            "questions": [one["question"] for one in talk["qa"] if one["evidence"]],
        }
        for talk in conversations
    ]


def _shares(conversations: Sequence[dict[str, Any]], found: Sequence[Sequence[int]]) -> Array:
    """The share of evidence found among the first of TOPS, a row a question."""
    answers, shares = iter(found), []
    for talk in conversations:
        ids = [turn["id"] for turn in talk["turns"]]
        for evidence in (set(one["evidence"]) for one in talk["qa"] if one["evidence"]):
            turns = [ids[number] for number in next(answers)]
            shares.append([len(evidence.intersection(turns[:top])) / len(evidence) for top in TOPS])
    return np.array(shares)


def _database(owner_url: str, system: str) -> str:
    """An empty database beside ours, as SQLAlchemy reads it."""
    if system != "langchain":
        return "none"
    with psycopg.connect(owner_url, autocommit=True) as owner:
        owner.execute("create database langchain_recall")
    url = with_database(owner_url, "langchain_recall")
    with psycopg.connect(url, autocommit=True) as database:
        database.execute("create extension if not exists vector")
    return url.replace("postgresql", "postgresql+psycopg", 1)

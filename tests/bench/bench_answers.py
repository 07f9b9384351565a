"""How much memory helps an answer: token F1 of a local model's short answers to LoCoMo's questions, with and without.

Every ANSWERS_EVERY-th question that has an answer (40 by default) is asked a day after the last talk of its
conversation, once with what recall finds and once with nothing; what is sent differs in that alone. Token F1 as in
SQuAD (Rajpurkar et al. 2016): lower case, without punctuation and articles. A small model says little of memory: what
counts is the difference.
"""

import json
import os
import re
import statistics
import tempfile
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import psycopg
from tests.bench import place
from tests.bench.frame import Bench
from tests.bench.recall_quality import Talk, loaded

from anima.chat.compose import remembered
from anima.kernel import clock
from anima.memory import search_service
from anima.memory.model import Memory
from anima.memory.search_service import Search
from anima.vendors import assets
from anima.vendors.llm.local_server import LocalServer

MODEL = "qwen2.5-coder-1.5b-instruct"
EVERY = int(os.environ.get("ANSWERS_EVERY", "40"))
_TOP, _MOST_TOKENS, _SECONDS = 8, 40, 600.0
_SAYS = "Answer the question in as few words as you can, without a sentence around it."
_ARTICLES = re.compile(r"\b(?:a|an|the)\b")


@dataclass(frozen=True, slots=True)
class Question:
    """A question with the answer that its conversation gives."""

    talk: Talk
    text: str
    answer: str


def run(bench: Bench) -> None:
    """`answers.token_f1`, beside the same model without memory."""
    data = bench.data("locomo.json")
    if data is None:
        return
    conversations = json.loads(data.read_text())["conversations"]
    with (
        place.opened() as here,
        psycopg.connect(here.owner_url, autocommit=True) as connection,
        tempfile.TemporaryDirectory() as folder,
    ):
        talks, _rate = loaded(connection, conversations)
        chosen = _questions(talks, conversations)
        server = LocalServer.start(assets.ensure(MODEL), Path(folder), name=MODEL)
        try:
            scores = [_both(server, one) for one in chosen]
        finally:
            server.stop()
    _tell(bench, scores)


def _questions(talks: Sequence[Talk], conversations: Sequence[dict[str, Any]]) -> list[Question]:
    """Every so manieth of those that can be answered: the adversarial ones ask for what was never said."""
    asked = [
        Question(talk, one["question"], str(one["answer"]))
        for talk, given in zip(talks, conversations, strict=True)
        for one in given["qa"]
        if one.get("answer") and one["evidence"] and one["category"] != "adversarial"
    ]
    return asked[::EVERY]


def _both(server: LocalServer, one: Question) -> tuple[float, float]:
    """F1 with memory and without."""
    with clock.use(clock.SimulatedClock(one.talk.ended + timedelta(days=1))):
        found = search_service.search(one.talk.owner, one.talk.avatar_id, Search(one.text, _TOP, ("message",)))
    told = _told(found)
    return token_f1(_asked(server, one, told), one.answer), token_f1(_asked(server, one, ""), one.answer)


def _told(memories: Sequence[Memory]) -> str:
    """Memories as a turn's prompt has them."""
    return "\n".join(["What you remember:", *(f"- {remembered(memory)}" for memory in memories)])


def _asked(server: LocalServer, one: Question, told: str) -> str:
    said = [{"role": "system", "content": f"{_SAYS}\n\n{told}".strip()}, {"role": "user", "content": one.text}]
    body = {"model": server.model, "messages": said, "temperature": 0, "max_tokens": _MOST_TOKENS}
    headers = {"Authorization": f"Bearer {server.api_key}"}
    answered = httpx.post(f"{server.url}/chat/completions", json=body, headers=headers, timeout=_SECONDS)
    answered.raise_for_status()
    return str(answered.json()["choices"][0]["message"]["content"])


def token_f1(said: str, answer: str) -> float:
    """The harmonic mean of the shares of tokens that a saying and the answer have in common, 0-1."""
    ours, theirs = _tokens(said), _tokens(answer)
    common = (ours & theirs).total()
    return 2 * common / (ours.total() + theirs.total()) if common else 0.0


def _tokens(text: str) -> Counter[str]:
    return Counter(re.findall(r"\w+", _ARTICLES.sub(" ", text.casefold())))


def _tell(bench: Bench, scores: Sequence[tuple[float, float]]) -> None:
    with_memory, without = ([one[side] for one in scores] for side in (0, 1))
    value, peer = statistics.mean(with_memory), statistics.mean(without)
    bench.figure(
        "answers.token_f1", value, f"of {len(scores)}", peer="without memory", peer_value=peer, more_is_better=True
    )
    differences = [one - other for one, other in scores]
    error = statistics.stdev(differences) / len(differences) ** 0.5
    bench.note(f"{MODEL}: difference {statistics.mean(differences):+.3f}, standard error {error:.3f}")

"""What is kept of sentences that the rules were never tuned on, by the rules, with the local model, and by mem0.

Somebody who had not seen the rules wrote the sentences, with the facts that each tells: keys that are right for it and
words of which its value holds one. Each is told by a person of its own. A stored fact is right if its key and value are
accepted; of a sentence that tells nothing, anything stored is wrong. mem0's memories are sentences, so that beside it
both sides are judged by values alone, on every sixth sentence (FACTS_EVERY), with the same model and embedder.
"""

import json
import os
import subprocess
import tempfile
import threading
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import psycopg
from tests.bench.frame import Bench
from tests.bench.mem0_peer import MEM0, QUIET

from anima.avatars import service as avatars
from anima.avatars.model import NewAvatar
from anima.kernel import db, ids, outbox
from anima.kernel.terms import fold
from anima.memory import reflect_service
from anima.memory.model import root
from anima.vendors import assets, embeddings
from anima.vendors.llm import local_server

SENTENCES = Path(__file__).parent / "data" / "fresh_sentences.json"
EVERY = int(os.environ.get("FACTS_EVERY", "6"))
_PEER_CONTEXT = 12_288  # tokens; what mem0 asks with takes 8,400
_KEY = "of-the-bench"

Propose = Callable[[str, str | None], str | None]
Sentence = dict[str, Any]

_PERSON = "insert into users (username, password_hash) values (%s, '') returning user_id"
_SAID = """
    with made as (insert into sessions (user_id, avatar_id) values (%(user)s, %(avatar)s) returning session_id)
    insert into messages (session_id, owner_id, author_id, role, content)
    select session_id, %(user)s, %(user)s, 'user', %(told)s from made returning session_id, message_id
"""
_HELD = "select key, value, status from user_facts where user_id = %s and is_active order by key, value::text"


@dataclass(frozen=True, slots=True)
class Held:
    """What is kept of a sentence: a fact, or (no key) a memory in words."""

    key: str
    value: str
    status: str = ""


@dataclass(slots=True)
class Marks:
    """Which of what was kept is right, and which of what was told was kept."""

    right: list[bool]
    found: list[bool]

    def figures(self, bench: Bench, name: str, *, peer: "tuple[str, Marks] | None" = None) -> None:
        """Precision and recall as two rows, beside a peer's."""
        for what, ours in (("precision", self.right), ("recall", self.found)):
            theirs: dict[str, Any] = (
                {} if peer is None else {"peer": peer[0], "peer_value": _share(getattr(peer[1], _FIELD[what]))}
            )
            bench.figure(f"fresh.{name}{what}", _share(ours), f"of {len(ours)}", more_is_better=True, **theirs)


_FIELD = {"precision": "right", "recall": "found"}


def sentences(every: int = 1) -> list[Sentence]:
    """The sentences, or every so manieth of them."""
    told: list[Sentence] = json.loads(SENTENCES.read_text(encoding="utf-8"))["sentences"]
    return told[::every]


def by_rules(bench: Bench, owner: psycopg.Connection[Any]) -> None:
    """Figures `fresh.<language>.precision/recall` of the rules alone, on all sentences."""
    told = sentences()
    kept = [_kept(owner, each["told"], None) for each in told]
    for language in ("en", "fr"):
        chosen = [(each, held) for each, held in zip(told, kept, strict=True) if each["lang"] == language]
        judged(*zip(*chosen, strict=True)).figures(bench, f"{language}.")
    judged(told, kept).figures(bench, "")


def with_model(bench: Bench, owner: psycopg.Connection[Any], propose: Propose) -> None:
    """Figures `fresh.model.*` on all sentences, confirmed and unconfirmed apart."""
    told = sentences()
    kept = [_kept(owner, each["told"], propose) for each in told]
    judged(told, kept).figures(bench, "model.")
    for status in ("confirmed", "unconfirmed"):
        marks = judged(told, [[one for one in held if one.status == status] for held in kept])
        unit = f"of {len(marks.right)}"
        bench.figure(f"fresh.model.precision.{status}", _share(marks.right), unit, more_is_better=True)


def of_sample(owner: psycopg.Connection[Any], propose: Propose) -> list[list[Held]]:
    """What is kept of each sentence of the sample."""
    return [_kept(owner, each["told"], propose) for each in sentences(EVERY)]


def beside_mem0(bench: Bench, model: str, kept: Sequence[Sequence[Held]]) -> None:
    """Figures `fresh.values.*`: both sides by their values alone."""
    told = sentences(EVERY)
    theirs, seconds, failed = _by_mem0(bench, model, told)
    ours = judged(told, kept, by_key=False)
    ours.figures(bench, "values.", peer=(MEM0[0], judged(told, theirs, by_key=False)))
    bench.figure("fresh.mem0.wall", round(seconds / max(1, len(told)), 2), "s/sentence")
    bench.note(
        f"{MEM0[0]}: every {EVERY}th of {len(sentences())} sentences, of which {failed} failed; its own prompt takes"
        f" 8,400 tokens, so that for it the model has a window of {_PEER_CONTEXT}"
    )


def judged(told: Sequence[Sentence], kept: Sequence[Sequence[Held]], *, by_key: bool = True) -> Marks:
    """The marks of what was kept of these sentences."""
    marks = Marks([], [])
    for each, held in zip(told, kept, strict=True):
        marks.right += [any(_is(fact, one, by_key) for fact in each["facts"]) for one in held]
        marks.found += [any(_is(fact, one, by_key) for one in held) for fact in each["facts"]]
    return marks


def _is(fact: dict[str, Any], held: Held, by_key: bool) -> bool:
    if by_key and root(held.key) not in fact["keys"]:
        return False
    return any(fold(value) in fold(held.value) for value in fact["values"])


def _share(marks: list[bool]) -> float:
    return round(sum(marks) / len(marks), 3) if marks else 0.0


def _kept(owner: psycopg.Connection[Any], told: str, propose: Propose | None) -> list[Held]:
    """What is kept of a sentence that a new person tells a new avatar."""
    made = owner.execute(_PERSON, [f"fresh-{uuid.uuid4().hex[:12]}"]).fetchone()
    assert made is not None
    user_id = int(made[0])
    avatar_id = avatars.create(db.Principal(user_id), NewAvatar(name="Luna"), None).avatar_id
    said = owner.execute(_SAID, {"user": user_id, "avatar": avatar_id, "told": told}).fetchone()
    assert said is not None
    payload = {"session_id": said[0], "message_id": said[1], "avatar_id": str(avatar_id)}
    event = outbox.Event(ids.uuid7(), "turn.finished", f"avatar:{avatar_id}", user_id, payload, 1)
    reflect_service.reflect(event, propose)
    return [Held(key, str(value), status) for key, value, status in owner.execute(_HELD, [user_id]).fetchall()]


def _by_mem0(bench: Bench, model: str, told: Sequence[Sentence]) -> tuple[list[list[Held]], float, int]:
    """What mem0 keeps of each sentence, the seconds that took after the first, and how many failed."""
    python = bench.peer("mem0", *MEM0)
    with _chat(model) as (chat_url, key), _embeddings() as embed_url:
        dimension = embeddings.embedder().dimension
        given = {"chat_url": chat_url, "key": key, "model": model, "embed_url": embed_url, "dimension": dimension}
        command = [python, str(Path(__file__).with_name("mem0_peer.py")), json.dumps(given)]
        with subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env={**os.environ, **QUIET},
        ) as peer:
            assert peer.stdin is not None
            assert peer.stdout is not None
            answers = []
            for number, each in enumerate([told[0], *told]):  # the first fills the cache of its prompt
                print(json.dumps({"of": f"person-{number}", "told": each["told"]}), file=peer.stdin, flush=True)
                answers.append(json.loads(peer.stdout.readline()))
            peer.stdin.close()
    kept = [[Held("", memory) for memory in answer["memories"]] for answer in answers[1:]]
    return kept, sum(each["seconds"] for each in answers[1:]), sum(bool(each["failed"]) for each in answers[1:])


@contextmanager
def _chat(model: str) -> Iterator[tuple[str, str]]:
    """The local model with a window that holds the peer's prompt: its address and key."""
    with tempfile.TemporaryDirectory() as folder, _window():
        server = local_server.LocalServer.start(assets.ensure(model), Path(folder), name=model)
        try:
            yield server.url, server.api_key
        finally:
            server.stop()


@contextmanager
def _window() -> Iterator[None]:
    command = local_server._command

    def wider(*given: Any) -> list[str]:
        return [*command(*given), "--context", str(_PEER_CONTEXT), "--slots", "1"]

    local_server._command = wider  # type: ignore[assignment]
    try:
        yield
    finally:
        local_server._command = command


@contextmanager
def _embeddings() -> Iterator[str]:
    """The house's embedder as a server of the OpenAI protocol: its address."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Embeddings)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}/v1"
    server.shutdown()


class _Embeddings(BaseHTTPRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:
        """Nothing is written."""

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        texts = [body["input"]] if isinstance(body["input"], str) else body["input"]
        vectors = embeddings.embedder().embed(texts).tolist()
        data = [{"object": "embedding", "index": at, "embedding": vector} for at, vector in enumerate(vectors)]
        usage = {"prompt_tokens": 1, "total_tokens": 1}
        answer = json.dumps({"object": "list", "data": data, "model": body["model"], "usage": usage}).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

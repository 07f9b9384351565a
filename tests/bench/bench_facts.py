"""What is kept of 100 facts told in other words among distractors and contradictions, and what of it comes back.

Ten people, five English and five French, tell ten facts each to an avatar through the real reflection; a new process
asks for each through recall and gate. FACTS_MODEL names the local model that proposes (`none`: the rules alone).
A stored fact is right if its key and value are among those that the data set accepts, and stale if it was retracted.
FACTS_PARTS names what is run of people, fresh and mem0 (see fresh_facts).
"""

import json
import os
import random
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import psycopg
from scripts.venvs import ROOT
from tests.bench import fresh_facts
from tests.bench.frame import Bench

from anima.avatars import service as avatars
from anima.avatars.model import NewAvatar
from anima.chat import gate
from anima.gateway import service as gateway
from anima.kernel import config, db, ids, outbox, secrets
from anima.kernel.postgres import bootstrap, ephemeral, migration_files, migrations
from anima.kernel.terms import fold
from anima.memory import reflect_service
from anima.memory import service as memory
from anima.memory.model import root
from anima.vendors import assets
from anima.vendors.embeddings.question import ask
from anima.vendors.llm.local_server import LocalServer

DATA = Path(__file__).parent / "data" / "facts.json"
MODEL = "qwen2.5-coder-1.5b-instruct"
_TOP_K = 8
_PERSON = """
    insert into users (username, password_hash) values (%s, '') returning user_id
"""
_SESSION = """
    insert into sessions (user_id, avatar_id) values (%s, %s) returning session_id
"""
_MESSAGE = """
    insert into messages (session_id, owner_id, author_id, role, content) values (%s, %s, %s, 'user', %s)
    returning message_id
"""
_STORED = """
    select key, value, status from user_facts where user_id = %s and avatar_id = %s and is_active order by key
"""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back for a question: what the gate decided, and the texts that it chose."""

    kind: str
    texts: list[str]


@dataclass(frozen=True, slots=True)
class Stored:
    """A fact that is held of somebody."""

    key: str
    value: Any
    status: str


class Proposer:
    """Asks the local model, and keeps count."""

    def __init__(self) -> None:
        self.calls = 0
        self.seconds = 0.0

    def __call__(self, message: str, avatar_model: str | None) -> str | None:
        started = time.monotonic()
        answer = reflect_service.ask_model(message, avatar_model)
        self.calls += 1
        self.seconds += time.monotonic() - started
        return answer


def run(bench: Bench) -> None:
    """Figures `stored.*` (precision, recall), `answered.*`, `unknown.admitted`, `proposer.*`, `fresh.*`."""
    model, parts = os.environ.get("FACTS_MODEL", MODEL), os.environ.get("FACTS_PARTS", "people,fresh,mem0").split(",")
    kept = []
    with _house() as owner, _model(bench, model) as propose:
        if "people" in parts:
            _of_people(bench, owner, propose)
        if "fresh" in parts:
            fresh_facts.by_rules(bench, owner)
        if "fresh" in parts and propose is not None:
            fresh_facts.with_model(bench, owner, propose)
        if "mem0" in parts and propose is not None:
            kept = fresh_facts.of_sample(owner, propose)
    if propose is not None:
        bench.figure("proposer.calls", propose.calls, "calls")
        bench.figure("proposer.wall", propose.seconds / max(1, propose.calls), "s/call")
    if kept:
        fresh_facts.beside_mem0(bench, model, kept)
    bench.note(f"proposer: {model}; its proposals count as unconfirmed, what rules find as confirmed")


def _of_people(bench: Bench, owner: psycopg.Connection[Any], propose: Proposer | None) -> None:
    """Figures of the ten people."""
    people = json.loads(DATA.read_text(encoding="utf-8"))["people"]
    user_id = int(_row(owner, _PERSON, f"bench-{uuid.uuid4().hex[:8]}")[0])
    places = [_tell(owner, user_id, number, person, propose) for number, person in enumerate(people)]
    stored = [_stored(owner, user_id, place) for place in places]
    answers = _asked_elsewhere(user_id, places)
    _judge_stored(bench, people, stored)
    _judge_answers(bench, people, answers)


@contextmanager
def _house() -> Iterator[psycopg.Connection[Any]]:
    """An empty, migrated database that the settings point to, and a connection of its owner."""
    with ephemeral.ephemeral() as server, tempfile.TemporaryDirectory() as folder:
        os.environ.update(ANIMA_DATA_DIR=folder, SECRET_KEY="of the bench", ANIMA_DATABASE_URL=server.owner_url)
        config.settings.cache_clear()
        secrets.master_key.cache_clear()
        names = ("anima_app", "anima_worker", "anima_admin")
        passwords = bootstrap.LoginPasswords(*(secrets.login_password(name) for name in names))
        bootstrap.ensure(server.owner_url, passwords)
        migrations.migrate(server.owner_url, migration_files.sql_dir())
        with psycopg.connect(server.owner_url, autocommit=True) as owner:
            yield owner
        db.close_pools()


@contextmanager
def _model(bench: Bench, name: str) -> Iterator[Proposer | None]:
    """The local model, as the house itself would find it; nothing for `none`."""
    if name == "none":
        yield None
        return
    os.environ["ANIMA_LOCAL_MODEL"] = name
    config.settings.cache_clear()
    server = LocalServer.start(assets.ensure(name), config.settings().data_dir / "run", name=name)
    try:
        assert gateway.is_available(gateway.default())
        yield Proposer()
    finally:
        server.stop()
        bench.note("times are of a machine that did other work as well") if os.getloadavg()[0] > 3 else None


def _tell(
    owner: psycopg.Connection[Any],
    user_id: int,
    number: int,
    person: dict[str, Any],
    propose: Callable[[str, str | None], str | None] | None,
) -> uuid.UUID:
    """Says everything that a person says, contradictions last, each in a session of its own; answers the avatar."""
    avatar = avatars.create(db.Principal(user_id), NewAvatar(name=f"Avatar {number}"), None)
    said = [fact["told"] for fact in person["facts"]] + person["distractors"]
    random.Random(number).shuffle(said)  # noqa: S311
    for text in [*said, *(fact["then"] for fact in person["facts"] if "then" in fact)]:
        session_id = _row(owner, _SESSION, user_id, avatar.avatar_id)[0]
        message_id = _row(owner, _MESSAGE, session_id, user_id, user_id, text)[0]
        payload = {"session_id": session_id, "message_id": message_id, "avatar_id": str(avatar.avatar_id)}
        event = outbox.Event(ids.uuid7(), "turn.finished", f"avatar:{avatar.avatar_id}", user_id, payload, 1)
        reflect_service.reflect(event, propose)
    return avatar.avatar_id


def _row(owner: psycopg.Connection[Any], statement: str, *params: object) -> tuple[Any, ...]:
    found = owner.execute(statement, params).fetchone()
    assert found is not None
    return tuple(found)


def _stored(owner: psycopg.Connection[Any], user_id: int, avatar_id: uuid.UUID) -> list[Stored]:
    rows = owner.execute(_STORED, (user_id, avatar_id)).fetchall()
    return [Stored(key, value, status) for key, value, status in rows]


def _asked_elsewhere(user_id: int, places: list[uuid.UUID]) -> list[list[Answer]]:
    """The answers of a new process to every person's questions, the unanswerable one last."""
    command = [
        sys.executable,
        "-m",
        "tests.bench.bench_facts",
        str(user_id),
        *(str(place) for place in places),
    ]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(done.stderr)
    asked = json.loads(done.stdout.strip().splitlines()[-1])
    return [[Answer(**answer) for answer in answers] for answers in asked]


def _answers(user_id: int, avatar_id: uuid.UUID, person: dict[str, Any]) -> list[Answer]:
    questions = [fact["ask"] for fact in person["facts"]] + [person["unknown"]]
    return [_answer(user_id, avatar_id, question) for question in questions]


def _answer(user_id: int, avatar_id: uuid.UUID, text: str) -> Answer:
    question = ask(text)
    with db.transaction(db.Principal(user_id)) as tx:
        found = memory.begin_recall(tx, user_id, avatar_id, question, top_k=_TOP_K)
    decision = gate.decide(question, found.memories(), [], {}, passages=0)
    return Answer(decision.kind, [each.text for each in decision.memories])


def _judge_stored(bench: Bench, people: list[dict[str, Any]], stored: list[list[Stored]]) -> None:
    """Precision of what is held, by status, and the share of the facts that are."""
    right: dict[str, list[bool]] = {"confirmed": [], "unconfirmed": []}
    found: dict[str, list[bool]] = {"en": [], "fr": []}
    for person, held in zip(people, stored, strict=True):
        for each in held:
            right[each.status].append(any(_is(fact, each) for fact in person["facts"]))
        found[person["lang"]] += [any(_is(fact, each) for each in held) for fact in person["facts"]]
    every = right["confirmed"] + right["unconfirmed"]
    for name, marks in (("", every), *((f".{status}", right[status]) for status in right)):
        bench.figure(f"stored.precision{name}", _share(marks), f"of {len(marks)}", more_is_better=True)
    for language, marks in found.items():
        bench.figure(f"stored.recall.{language}", _share(marks), f"of {len(marks)}", more_is_better=True)
    bench.figure("stored.recall", _share(found["en"] + found["fr"]), "of 100", more_is_better=True)


def _is(fact: dict[str, Any], held: Stored) -> bool:
    """Whether a stored fact is this one, as it is now."""
    value = str(held.value)
    if "old" in fact:
        return root(held.key) in fact["keys"] and _holds(value, fact["answers"]) and not _holds(value, fact["old"])
    return root(held.key) in fact["keys"] and _holds(value, fact["values"])


def _holds(text: str, accepted: list[str]) -> bool:
    return any(fold(each) in fold(text) for each in accepted)


def _judge_answers(bench: Bench, people: list[dict[str, Any]], answers: list[list[Answer]]) -> None:
    """The share of the questions whose answer reaches the model, before anything that is no longer so."""
    answered: dict[str, list[bool]] = {"en": [], "fr": []}
    first, admitted, changed = [], [], []
    for person, given in zip(people, answers, strict=True):
        for fact, answer in zip(person["facts"], given[:-1], strict=True):
            marks = [_holds(text, fact["answers"]) for text in answer.texts]
            stale = [
                _holds(text, fact.get("old", [])) and not mark for text, mark in zip(answer.texts, marks, strict=True)
            ]
            good = True in marks and True not in stale[: marks.index(True)]
            answered[person["lang"]].append(good)
            first.append(good and marks[0])
            if "old" in fact:
                changed.append(good)
        admitted.append(given[-1].kind == "unknown")
    for language, marks in answered.items():
        bench.figure(f"answered.recall.{language}", _share(marks), f"of {len(marks)}", more_is_better=True)
    bench.figure("answered.recall", _share(answered["en"] + answered["fr"]), "of 100", more_is_better=True)
    bench.figure("answered.first", _share(first), "of 100", more_is_better=True)
    bench.figure("answered.after_change", _share(changed), f"of {len(changed)}", more_is_better=True)
    bench.figure("unknown.admitted", _share(admitted), f"of {len(admitted)}", more_is_better=True)


def _share(marks: list[bool]) -> float:
    return round(sum(marks) / len(marks), 3) if marks else 0.0


def main() -> None:
    """Asks everybody's questions (arguments: user, then an avatar a person) and prints the answers as JSON."""
    people = json.loads(DATA.read_text(encoding="utf-8"))["people"]
    user_id, places = int(sys.argv[1]), [uuid.UUID(each) for each in sys.argv[2:]]
    asked = [_answers(user_id, place, person) for place, person in zip(places, people, strict=True)]
    print(json.dumps([[asdict(answer) for answer in given] for given in asked]))
    db.close_pools()


if __name__ == "__main__":
    main()

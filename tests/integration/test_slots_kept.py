"""What the local server read of a persona is kept in the chunk store: over restarts, within bounds, with its avatar."""

from __future__ import annotations

import os
import struct
import uuid
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest

from anima.avatars import service as avatars
from anima.chat import compose
from anima.gateway import local_service, slots_service
from anima.inference import caches_service, upkeep_service
from anima.inference import slots_service as kept_slots
from anima.inference.slots_model import tokens_of
from anima.inference.slots_service import Slot
from anima.kernel import db
from anima.kernel.config import settings
from anima.memory.extraction import proposals
from anima.operations import personas
from anima.operations.quiet import Quiet
from anima.operations.running import write_private
from anima.vendors.llm import prefixes
from anima.vendors.llm.local_found import FoundServer
from anima.vendors.llm.local_server import LocalServer
from fixtures.api import Person
from fixtures.stub_llm import StubLLM
from fixtures.turns import make_avatar, said
from fixtures.wire import Wire

Connection = psycopg.Connection[Any]
Setting = Callable[[str, str], None]
Start = Callable[[], LocalServer]
PERSONA = [{"role": "system", "content": "You are Luna, who loves the sea. " * 20}, {"role": "user", "content": ""}]


@pytest.fixture
def folder(setting: Setting, tmp_path: Path, packs_folder: Path, owner_conn: Connection) -> Path:
    """The folder of the local server of this test; nobody has slots."""
    owner_conn.execute("delete from kv_cache where avatar_id is not null")
    setting("ANIMA_DATA_DIR", str(tmp_path))
    made = settings().data_dir / "run" / "prefixes"
    made.mkdir(parents=True)
    return made


@pytest.fixture
def start(tiny_gguf: Path, folder: Path) -> Iterator[Start]:
    """Starts the tiny model; the one before ends."""
    started: list[LocalServer] = []

    def now() -> LocalServer:
        for one in started:
            one.stop()
        started.append(LocalServer.start(tiny_gguf, folder.parent, name="tiny"))
        return started[-1]

    yield now
    for one in started:
        one.stop()


def worker(person: Person) -> db.Principal:
    return db.Principal(person.user_id, login="worker")


def cached_tokens(server: LocalServer) -> int:
    body = {"messages": [*PERSONA[:1], {"role": "user", "content": "Hello"}], "max_tokens": 2}
    headers = {"authorization": f"Bearer {server.api_key}"}
    answer = httpx.post(f"{server.url}/chat/completions", json=body, headers=headers, timeout=20)
    return int(answer.json()["usage"]["prompt_tokens_details"]["cached_tokens"])


def files(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def rows(connection: Connection, person: Person) -> list[Any]:
    statement = "select avatar_id::text, hits, seq_end from kv_cache where owner_id = %s order by used_at, kv_id"
    return connection.execute(statement, [person.user_id]).fetchall()


def test_a_persona_is_read_once_whatever_becomes_of_the_server_and_its_folder(
    start: Start, folder: Path, alice: Person, luna: str, owner_conn: Connection
) -> None:
    server = start()
    assert not prefixes.keep(server, PERSONA, luna)
    assert slots_service.take_over(worker(alice), uuid.UUID(luna)) == 1
    assert files(folder) == []
    assert prefixes.keep(server, PERSONA, luna), "the running server forgot it"
    assert slots_service.take_over(worker(alice), uuid.UUID(luna)) == 0
    [(avatar, hits, tokens)] = rows(owner_conn, alice)
    assert (avatar, hits) == (luna, 1)
    assert tokens > len(PERSONA[0]["content"])

    server = start()
    assert slots_service.bring_back(server) == 1
    assert prefixes.keep(server, PERSONA, luna), "it was read again"
    assert cached_tokens(server) > len(PERSONA[0]["content"])
    assert slots_service.take_over(worker(alice), uuid.UUID(luna)) == 0
    assert (files(folder), [hits for _, hits, _ in rows(owner_conn, alice)]) == ([], [2])
    slots = next(one for one in caches_service.caches(alice.principal) if one.kind == "slots")
    assert (slots.entries, slots.hits, slots.saved_tokens) == (1, 2, 2 * tokens)


def test_a_slot_that_was_lost_or_is_not_taken_is_made_again(
    start: Start, folder: Path, alice: Person, luna: str, owner_conn: Connection
) -> None:
    server = start()
    prefixes.keep(server, PERSONA, luna)
    slots_service.take_over(worker(alice), uuid.UUID(luna))
    [before] = kept_slots.kept(worker(alice))

    server = start()
    slots_service.bring_back(server)
    [file] = folder.glob("*.kv")
    file.write_bytes(file.read_bytes()[:5000])
    assert not prefixes.keep(server, PERSONA, luna), "the server took half a file"
    assert slots_service.take_over(worker(alice), uuid.UUID(luna)) == 1
    [after] = kept_slots.kept(worker(alice))
    assert after.kv_id != before.kv_id

    owner_conn.execute(
        "update tensor_chunks set data = set_byte(data, 9000, get_byte(data, 9000) # 1) where owner_id = %s",
        [alice.user_id],
    )
    server = start()
    assert slots_service.bring_back(server) == 0
    assert rows(owner_conn, alice) == []
    assert not prefixes.keep(server, PERSONA, luna)
    assert cached_tokens(server) > len(PERSONA[0]["content"])


# What follows needs no server, only what one leaves in its folder.


def content(mark: int, size: int = 4000) -> bytes:
    return struct.pack("<4sII", b"qsgg", 2, 700) + bytes([mark]) * size


def leave(folder: Path, avatar_id: str, mark: int) -> prefixes.Beginning:
    """Leaves a file as the server does."""
    one = prefixes.Beginning(uuid.UUID(avatar_id), bytes([mark]) * 32)
    (folder / one.name).write_bytes(content(mark))
    return one


@pytest.fixture
def found(folder: Path, stub_llm: StubLLM, monkeypatch: pytest.MonkeyPatch) -> FoundServer:
    """A server that answers as the stub does, and is announced as the local one."""
    model = folder.parent / "a-model.gguf"
    model.write_bytes(b"GGUF")
    server = FoundServer(stub_llm.url, "key", os.getpid(), settings().local_model, model, folder.parent, os.getpid())
    told = {"url": server.url, "pid": server.pid, "model": server.model, "model_path": str(model), "api_key": "key"}
    write_private(folder.parent / "local-llm.json", dict(told))
    monkeypatch.setattr(local_service, "_local", [server])
    return server


def test_of_an_avatar_the_few_are_kept_that_were_used_last(
    found: FoundServer, folder: Path, alice: Person, luna: str, owner_conn: Connection
) -> None:
    rook = make_avatar(alice, "rook")
    leave(folder, rook, 9)
    assert slots_service.take_over(worker(alice), uuid.UUID(rook)) == 1
    for mark in range(5):
        leave(folder, luna, mark)
        slots_service.take_over(worker(alice), uuid.UUID(luna))
    of = [avatar for avatar, _, _ in rows(owner_conn, alice)]
    assert (of.count(luna), of.count(rook)) == (3, 1)
    assert slots_service.bring_back(found) == 4
    assert {prefixes.beginning(name).prompt_hash[0] for name in files(folder)} == {2, 3, 4, 9}  # type: ignore[union-attr]


def test_no_more_is_kept_than_the_bound_allows(
    found: FoundServer, alice: Person, luna: str, owner_conn: Connection, setting: Callable[[str, str], None]
) -> None:
    setting("ANIMA_PROMPT_CACHE_BYTES", "6000")
    rook = make_avatar(alice, "rook")
    for avatar in (luna, rook):
        slot = Slot(uuid.UUID(avatar), bytes(32), found.model_path.name)
        assert kept_slots.keep(worker(alice), slot, content(1))
    assert [avatar for avatar, _, _ in rows(owner_conn, alice)] == [rook]


def test_it_goes_with_its_avatar(
    found: FoundServer, folder: Path, alice: Person, luna: str, owner_conn: Connection
) -> None:
    leave(folder, luna, 1)
    slots_service.take_over(worker(alice), uuid.UUID(luna))
    assert slots_service.bring_back(found) == 1
    assert alice.http.delete(f"/api/v1/avatars/{luna}").status_code == 204
    assert (rows(owner_conn, alice), files(folder)) == ([], [])
    waits = "select count(*) from outbox where owner_id = %s and topic = 'tensors.collect'"
    row = owner_conn.execute(waits, [alice.user_id]).fetchone()
    assert row is not None
    assert row[0] == 1
    leave(folder, luna, 2)
    slots_service.take_over(worker(alice), uuid.UUID(luna))
    assert rows(owner_conn, alice) == [], "kept for an avatar that is gone"


def test_a_stranger_who_names_an_avatar_takes_nothing_away(
    found: FoundServer, folder: Path, alice: Person, bob: Person, luna: str, owner_conn: Connection
) -> None:
    leave(folder, luna, 1)
    slots_service.take_over(worker(alice), uuid.UUID(luna))
    slots_service.bring_back(found)
    assert bob.http.delete(f"/api/v1/avatars/{luna}").status_code == 404
    assert (len(rows(owner_conn, alice)), len(files(folder))) == (1, 1)
    leave(folder, luna, 2)
    slots_service.take_over(worker(bob), uuid.UUID(luna))
    assert rows(owner_conn, bob) == []


def test_one_that_nobody_used_for_long_goes(
    found: FoundServer, folder: Path, alice: Person, luna: str, owner_conn: Connection
) -> None:
    leave(folder, luna, 1)
    slots_service.take_over(worker(alice), uuid.UUID(luna))
    owner_conn.execute("update kv_cache set expires_at = now() - interval '1 s' where owner_id = %s", [alice.user_id])
    assert slots_service.bring_back(found) == 0
    assert upkeep_service.keep_bounds() == 1
    assert rows(owner_conn, alice) == []


def test_files_that_nobody_claims_are_swept(found: FoundServer, folder: Path, alice: Person, luna: str) -> None:
    for mark in (1, 2):
        leave(folder, luna, mark)
        slots_service.take_over(worker(alice), uuid.UUID(luna))
    slots_service.bring_back(found)
    stray, fresh = (folder / leave(folder, str(uuid.uuid4()), mark).name for mark in (3, 4))
    draft = folder / f".{prefixes.Beginning(uuid.UUID(luna), bytes([1]) * 32).name}"
    draft.write_bytes(b"half")
    (folder / "all-of-nobody.kv").write_bytes(b"x")
    for file in folder.iterdir():
        if file != fresh:
            os.utime(file, (0, 0))
    before = files(folder)
    assert slots_service.sweep() == 2
    assert set(before) - set(files(folder)) == {stray.name, draft.name}


def test_what_a_killed_process_was_taking_over_is_taken_over_by_the_next(
    found: FoundServer, folder: Path, alice: Person, luna: str, owner_conn: Connection
) -> None:
    one = leave(folder, luna, 1)
    prefixes.hand_over(folder, uuid.UUID(luna))
    assert files(folder) == [f"{one.name}.taken"]
    assert slots_service.take_over(worker(alice), uuid.UUID(luna)) == 1
    assert (len(rows(owner_conn, alice)), files(folder)) == (1, [])


def test_what_is_no_slot_is_not_kept(
    found: FoundServer, folder: Path, alice: Person, luna: str, owner_conn: Connection
) -> None:
    for head in (b"", b"ggsq", content(1)[:11], b"x" * 100, struct.pack("<4sII", b"qsgg", 2, 0)):
        assert tokens_of(head) is None
        (folder / prefixes.Beginning(uuid.UUID(luna), bytes(32)).name).write_bytes(head)
        assert slots_service.take_over(worker(alice), uuid.UUID(luna)) == 0
    assert (rows(owner_conn, alice), files(folder)) == ([], [])


@pytest.fixture
def keeping(found: FoundServer, folder: Path, setting: Setting, monkeypatch: pytest.MonkeyPatch) -> list[str | None]:
    """The server puts a file into its folder for each beginning; whose they were."""
    setting("OPENAI_API_KEY", "")
    whose: list[str | None] = []

    def keep(server: FoundServer, messages: Sequence[dict[str, str]], key: str | None) -> None:
        whose.append(key)
        (folder / prefixes.file_name(server.model_path, messages, key)).write_bytes(content(1))

    monkeypatch.setattr(local_service, "_keep", keep)
    return whose


def test_the_store_takes_over_after_a_turn_and_never_after_a_private_one(
    keeping: list[str | None],
    talking: StubLLM,
    setting: Setting,
    folder: Path,
    alice: Person,
    luna: str,
    drain_outbox: Callable[[], list[Any]],
    owner_conn: Connection,
) -> None:
    setting("OPENAI_API_KEY", "")
    made = alice.http.post("/api/v1/sessions", json={"avatar_id": luna, "private": True}).json()
    said(alice, "Hello", session_id=made["session_id"])
    drain_outbox()
    assert luna in keeping
    assert rows(owner_conn, alice) == []
    said(alice, "Hello", avatar_id=luna)
    drain_outbox()
    assert [avatar for avatar, _, _ in rows(owner_conn, alice)] == [luna]
    assert not [name for name in files(folder) if name.startswith(luna.replace("-", ""))]


def test_a_turn_waits_no_more_often_for_a_cache_that_is_lost(
    keeping: list[str | None], talking: StubLLM, setting: Setting, alice: Person, luna: str, wire: Wire
) -> None:
    setting("OPENAI_API_KEY", "")
    alice.http.get("/api/v1/users/me")
    before = wire.waits
    said(alice, "Hello", avatar_id=luna)
    assert luna in keeping
    assert wire.waits - before <= 4


def test_what_is_read_ahead_is_kept_at_once(
    start: Start, folder: Path, alice: Person, luna: str, monkeypatch: pytest.MonkeyPatch, owner_conn: Connection
) -> None:
    mine = avatars.find(alice.principal, luna)
    monkeypatch.setattr(personas, "_avatars", lambda: [mine])
    monkeypatch.setattr(compose, "beginning", lambda _parts: PERSONA)
    monkeypatch.setattr(proposals, "prompt", lambda _text: [*PERSONA, {"role": "user", "content": ""}])
    for hits in (0, 1):
        personas.read_ahead(start(), Quiet())
        assert [hits for _, hits, _ in rows(owner_conn, alice)] == [hits]
        assert [name.partition("-")[0] for name in files(folder)] == ["all"]

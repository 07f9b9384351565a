"""The client against the running app: what a program does with a deployment, in both colours."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import psycopg
import pytest

from anima.client import (
    Anima,
    AsyncAnima,
    BadFile,
    BadInput,
    Conflict,
    Done,
    Forbidden,
    KeyReused,
    NoCredentials,
    NotFound,
    Started,
    Token,
    Unauthenticated,
    WrongPerson,
)
from anima.client.calls.talk import Talk
from anima.client.results.knowledge import Document
from anima.client.results.people import Tokens
from fixtures.api import Person
from fixtures.coroutines import awaited
from fixtures.stub_llm import Reply, StubLLM

pytestmark = pytest.mark.usefixtures("fast_embedder")

Drain = Callable[[], list[Any]]


@pytest.fixture
def anima(listening: str, alice: Person) -> Iterator[Anima]:
    """Alice's client."""
    with Anima(listening, key=alice.key) as client:
        yield client


@pytest.fixture
def session_id(anima: Anima) -> int:
    """A session with an avatar of hers."""
    return anima.create_session(anima.create_avatar("Luna").avatar_id).session_id


def test_a_talk_is_held_rated_and_looked_up(anima: Anima, session_id: int, talking: StubLLM) -> None:
    talking.script("Good morning, Diego.")
    answer = anima.send_message(session_id, "Hello, I am Diego.")
    assert (answer.content, answer.session_id, answer.finish) == ("Good morning, Diego.", session_id, "stop")
    assert answer.created_at.tzinfo is not None
    assert [said.content for said in anima.list_messages(session_id)] == ["Hello, I am Diego.", answer.content]
    assert anima.give_feedback(answer.response_id, 5, "kind").rating == 5
    logged = anima.get_response(answer.response_id)
    assert logged.feedback is not None
    assert (logged.content, logged.feedback["rating"]) == (answer.content, 5)
    assert anima.get_request(answer.request_id).response_id == answer.response_id
    assert anima.get_affinity(session_id).avatar_id == anima.get_session(session_id).avatar_id


def test_an_answer_is_heard_as_it_comes(anima: Anima, session_id: int, talking: StubLLM) -> None:
    talking.script("One two three four.")
    with anima.stream_message(session_id, "Count, please.") as stream:
        events = list(stream)
    assert isinstance(events[0], Started)
    assert isinstance(events[-1], Done)
    assert len([event for event in events if isinstance(event, Token)]) >= 2
    assert stream.text == stream.answer.content == "One two three four."
    assert events[0].session_id == stream.answer.session_id == session_id


def test_a_stream_that_is_left_stops_the_answer_and_what_was_said_is_kept(
    anima: Anima, session_id: int, talking: StubLLM
) -> None:
    talking.script(Reply(" ".join(f"word{number}" for number in range(400)), token_delay=0.02))
    with anima.stream_message(session_id, "Tell me everything.") as stream:
        for _ in stream.words():
            if len(stream.text) > 30:
                stream.stop()
    heard = stream.text
    said = _until(lambda: [one for one in anima.list_messages(session_id) if one.role == "assistant"])
    assert said[0].content.startswith(heard[:20])
    assert len(said[0].content) < 400


def test_a_stream_is_stopped_from_another_thread_while_nothing_is_said(
    anima: Anima, session_id: int, talking: StubLLM
) -> None:
    talking.script(Reply("never said", hang=True))
    with anima.stream_message(session_id, "Are you there?") as stream:
        words = stream.words()
        threading.Timer(0.2, stream.stop).start()
        assert list(words) == []
    talking.released.set()


def test_both_colours_answer_alike(listening: str, alice: Person, session_id: int, talking: StubLLM) -> None:
    async def story() -> tuple[str, list[str], list[int], int]:
        async with AsyncAnima(listening, key=alice.key) as anima:
            talking.always(lambda _body: "I hear you.")
            answer = await anima.send_message(session_id, "Do you hear me?")
            async with anima.stream_message(session_id, "Once more?") as stream:
                words = [word async for word in stream.words()]
            ids = [session.session_id async for session in anima.list_sessions()]
            several = await asyncio.gather(*(anima.get_session(session_id) for _ in range(5)))
            return answer.content, words, ids, len(several)

    content, words, ids, several = awaited(story())
    assert (content, "".join(words), several) == ("I hear you.", "I hear you.", 5)
    assert session_id in ids


def test_an_async_stream_is_stopped_in_the_middle(
    listening: str, alice: Person, session_id: int, talking: StubLLM
) -> None:
    talking.script(Reply(" ".join(f"word{number}" for number in range(400)), token_delay=0.02))

    async def story() -> str:
        async with AsyncAnima(listening, key=alice.key) as anima, anima.stream_message(session_id, "Talk.") as stream:
            async for word in stream.words():
                if "word5" in word:
                    await stream.stop()
            return stream.text

    assert "word5" in awaited(story())


def test_a_list_is_read_page_by_page(anima: Anima) -> None:
    made = [anima.create_session(private=True).session_id for _ in range(7)]
    pages = anima.list_sessions()
    first = pages.page(limit=3)
    second = pages.page(limit=3, cursor=first.next_cursor)
    assert [one.session_id for one in (*first.items, *second.items)] == made[::-1][:6]
    assert [one.session_id for one in pages] == [one.session_id for one in pages.all()] == made[::-1]


def test_what_the_avatar_of_a_session_remembers(
    anima: Anima, session_id: int, talking: StubLLM, drain_outbox: Drain
) -> None:
    anima.send_message(session_id, "Hello, I am Diego and I hate olives.")
    drain_outbox()
    facts = anima.get_facts(session_id)
    olives = next(fact for fact in facts if "olives" in fact.text)
    assert anima.get_facts(session_id, olives.category)
    assert anima.get_facts(session_id, "no-such-category") == []
    assert any("olives" in hit.text for hit in anima.search_memories(session_id, "What food do I hate?", top_k=3))
    assert isinstance(anima.get_episodes(session_id, min_importance=0.0), list)
    avatar_id = anima.get_session(session_id).avatar_id
    assert avatar_id is not None
    assert anima.get_fact(avatar_id, olives.id).history is not None
    assert anima.correct_fact(avatar_id, olives.id, pinned=True).pinned
    anima.forget_fact(avatar_id, olives.id)
    assert olives.id not in [fact.id for fact in anima.get_facts(session_id)]
    assert anima.erase_memory().messages >= 1


def test_an_avatar_is_taken_along(anima: Anima, alice: Person, session_id: int, tmp_path: Path) -> None:
    file = tmp_path / "luna.json"
    content = anima.export_snapshot(session_id, {"to": file})
    assert file.read_bytes() == content
    assert anima.import_snapshot(file, alice.user_id, dry_run=True).dry_run
    taken = anima.import_snapshot(content, alice.user_id)
    assert (taken.created, taken.own, taken.avatar_id) == (False, True, anima.get_session(session_id).avatar_id)
    assert anima.export_snapshot(session_id, {"media": True})[:2] == b"PK"
    with pytest.raises(WrongPerson):
        anima.import_snapshot(content, alice.user_id + 1)


def test_a_file_is_brought_in_searched_and_asked(
    anima: Anima, talking: StubLLM, drain_outbox: Drain, tmp_path: Path
) -> None:
    rules = tmp_path / "rules.txt"
    rules.write_text("Breakfast is served from seven to ten.\n\nOlives are never served in this house.")
    looks: list[Document] = []

    def look(document: Document) -> None:
        looks.append(document)
        drain_outbox()

    document = anima.ingest(rules, title="House rules", metadata={"language": "en"}, on_progress=look)
    assert (document.state, document.title, document.metadata) == ("done", "House rules", {"language": "en"})
    assert looks[-1].document_id == document.document_id
    found = anima.search("When is breakfast served?", top_k=2)
    assert found.hits[0].document_id == document.document_id
    assert anima.get_chunk(found.hits[0].chunk_id).title == "House rules"
    assert [chunk.document_id for chunk in anima.list_chunks(document.document_id)] == [document.document_id]
    assert "seven" in anima.get_document_file(document.document_id).decode()
    talking.script("Breakfast is from seven to ten [1].")
    asked = anima.ask("When is breakfast?")
    assert asked.grounds in ("sources", "general", "nothing", "session")
    anima.delete_document(document.document_id)
    with pytest.raises(NotFound):
        anima.get_document(document.document_id)


def test_an_empty_or_missing_file_is_refused_before_it_is_sent(anima: Anima, tmp_path: Path) -> None:
    with pytest.raises(BadFile, match="empty"):
        anima.ingest(b"", name="nothing.txt")
    with pytest.raises(BadFile, match=r"gone\.txt"):
        anima.ingest(tmp_path / "gone.txt")
    assert anima.list_documents().all() == []


def test_code_is_reviewed(anima: Anima, talking: StubLLM) -> None:
    review = anima.review(code="password = 'hunter2'\n", path="login.py", focus_areas=["security"], private=True)
    assert [area.name for area in review.focus_areas] == ["security"]
    assert anima.review_context(code="x = 1", focus_areas=["style"]).focus_areas[0].name == "style"


def test_avatars_are_made_changed_and_compared(anima: Anima) -> None:
    avatar = anima.create_avatar("Nova", "luna", bio="A test.")
    changed = anima.change_avatar(avatar.avatar_id, bio="Changed.", switches={"moods": False})
    assert (changed.bio, changed.switches["moods"], changed.name) == ("Changed.", False, "Nova")
    ready = anima.list_personalities().all()
    other = next(one for one in ready if one.personality != avatar.personality)
    anima.change_avatar(avatar.avatar_id, personality=other.personality)
    versions = anima.list_versions(avatar.avatar_id).all()
    assert [version.version for version in versions] == [2, 1]
    assert anima.compare_versions(avatar.avatar_id, 1, 2).changes
    assert anima.restore_version(avatar.avatar_id, 1).personality == avatar.personality
    assert anima.get_state(avatar.avatar_id).mood
    assert anima.validate_personality(dict(other.personality)).valid
    assert anima.compile_personality(other.name, affinity=50).prompt
    assert anima.draw_personality(seed=4).personality == anima.draw_personality(seed=4).personality
    anima.delete_avatar(avatar.avatar_id)
    with pytest.raises(NotFound) as refused:
        anima.get_avatar(avatar.avatar_id)
    assert refused.value.request_id
    assert refused.value.problem.status == 404


def test_a_medium_comes_along(anima: Anima, session_id: int, talking: StubLLM) -> None:
    medium = anima.store_medium(b"Bread, butter, no olives.", name="list.txt")
    assert anima.get_medium_content(medium.media_id) == b"Bread, butter, no olives."
    anima.send_message(session_id, "Read my list.", media=[medium.media_id])
    said = anima.list_messages(session_id).all()[0]
    assert [one.media_id for one in said.media_refs] == [medium.media_id]


def test_an_account_keys_and_settings(anima: Anima, listening: str, alice: Person, admin: Person) -> None:
    assert anima.me().username == alice.username
    key = anima.create_api_key("of a program")
    with Anima(listening, key=key.key) as other:
        assert other.me().user_id == alice.user_id
        anima.revoke_api_key(key.api_key_id)
        with pytest.raises(Unauthenticated):
            other.me()
    with pytest.raises(Forbidden):
        anima.get_settings()
    with Anima(listening, key=admin.key) as chief:
        assert [one.key for one in chief.get_settings().items]
        assert alice.user_id in [user.user_id for user in chief.list_users()]
        assert chief.get_database_health().server.version
    assert anima.get_readiness().status == "ready"
    assert anima.get_help_lines("DE").emergency


def test_what_is_wrong_is_said_by_field(anima: Anima) -> None:
    with pytest.raises(BadInput) as refused:
        anima.create_avatar("")
    assert [one.path for one in refused.value.fields] == ["name"]
    assert refused.value.slug == "refused-by-server"
    assert refused.value.problem.slug == "bad-input"


def test_a_keyed_call_that_is_sent_twice_is_done_once(anima: Anima, session_id: int, talking: StubLLM) -> None:
    given = Talk.send_message.describe(None, session_id, "Only once, please.")
    call = Talk.send_message.route.call(given)

    def sent(one: Any) -> Any:
        return (yield one)

    first, second = anima.run(sent(call)), anima.run(sent(call))
    assert first == second
    assert len(anima.list_messages(session_id).all()) == 2
    other = Talk.send_message.route.call(Talk.send_message.describe(None, session_id, "Something else."))
    with pytest.raises(KeyReused) as reused:
        anima.run(sent(type(call)(call.method, call.path, call.answer, other.given, keyed=True, key=call.key)))
    assert isinstance(reused.value, Conflict)


def test_somebody_who_is_signed_in_stays_so(listening: str, alice: Person) -> None:
    kept: list[Tokens] = []
    with Anima(listening, username=alice.username, password=alice.password, on_tokens=kept.append) as anima:
        assert anima.me().user_id == anima.me().user_id == alice.user_id
    assert len(kept) == 1
    for stale in (replace(kept[0], access_token="of yesterday"), replace(kept[0], expires_in=0)):
        tokens = replace(stale, refresh_token=kept[-1].refresh_token)
        with Anima(listening, tokens=tokens, on_tokens=kept.append) as again:
            assert again.me().user_id == alice.user_id
    assert len({one.refresh_token for one in kept}) == 3


def test_many_threads_renew_a_sign_in_once(listening: str, alice: Person) -> None:
    kept: list[Any] = []
    with Anima(listening, username=alice.username, password=alice.password, on_tokens=kept.append) as anima:
        told: list[int] = []
        threads = [threading.Thread(target=lambda: told.append(anima.me().user_id)) for _ in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert told == [alice.user_id] * 6
    assert len(kept) == 1


def test_a_wrong_password_is_told(listening: str, alice: Person) -> None:
    with Anima(listening, username=alice.username, password="another one") as anima, pytest.raises(Unauthenticated):
        anima.me()


def test_url_and_key_come_from_the_environment(listening: str, alice: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(NoCredentials):
        Anima(listening)
    monkeypatch.setenv("ANIMA_URL", f"{listening}/")
    monkeypatch.setenv("ANIMA_API_KEY", alice.key)
    with Anima() as anima:
        assert anima.me().user_id == alice.user_id


def test_nobody_reaches_what_is_somebody_elses(
    anima: Anima, session_id: int, listening: str, bob: Person, owner_conn: psycopg.Connection[Any]
) -> None:
    with Anima(listening, key=bob.key) as other:
        for asked in (other.get_session, other.get_affinity, other.get_facts, other.export_snapshot):
            with pytest.raises(NotFound):
                asked(session_id)
    assert anima.get_session(session_id).session_id == session_id


def _until(there: Callable[[], Any]) -> Any:
    waited = threading.Event()
    for _ in range(500):
        if found := there():
            return found
        waited.wait(0.02)
    return pytest.fail("it did not come to that")

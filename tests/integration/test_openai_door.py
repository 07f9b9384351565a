"""The real SDK of OpenAI talks to the running app: avatars as models, streamed and whole, sessions, faults."""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Callable
from typing import Any

import httpx
import openai
import psycopg
import pytest

from fixtures.api import MakeUser, Person
from fixtures.coroutines import awaited
from fixtures.stub_llm import Reply, StubLLM, calls, failure
from fixtures.turns import make_avatar

CHAT = "X-Conversation-Id"
WEBUI = "X-OpenWebUI-Chat-Id"


@pytest.fixture
def sdk(on_port: str, alice: Person, talking: StubLLM) -> openai.OpenAI:
    """Alice's client, as its users make it."""
    return openai.OpenAI(base_url=f"{on_port}/v1", api_key=alice.key, max_retries=0)


@pytest.fixture
def luna_model(alice: Person, luna: str) -> str:
    """What Alice's avatar is called as a model."""
    name = alice.http.get(f"/api/v1/avatars/{luna}").json()["name"]
    return f"avatar:{name}"


def user(text: str) -> dict[str, str]:
    return {"role": "user", "content": text}


def ask(sdk: openai.OpenAI, model: str, *messages: Any, **more: Any) -> Any:
    told = [user(each) if isinstance(each, str) else each for each in messages]
    return sdk.chat.completions.create(model=model, messages=told, **more)


def said(completion: Any) -> str:
    return str(completion.choices[0].message.content)


def sessions(person: Person) -> list[dict[str, Any]]:
    return list(person.http.get("/api/v1/sessions").json()["items"])


def lines(person: Person, session_id: int) -> list[str]:
    found = person.http.get(f"/api/v1/sessions/{session_id}/messages", params={"branches": "all"}).json()["items"]
    return [each["content"] for each in found]


class TestModels:
    def test_avatars_come_first_and_then_what_is_configured(self, sdk: openai.OpenAI, luna_model: str) -> None:
        found = [each.id for each in sdk.models.list()]
        assert found[0] == luna_model
        assert "openai:gpt-6-luna" in found

    def test_nobody_sees_the_avatars_of_another(
        self, sdk: openai.OpenAI, luna_model: str, bob: Person, on_port: str
    ) -> None:
        other = openai.OpenAI(base_url=f"{on_port}/v1", api_key=bob.key, max_retries=0)
        assert luna_model not in [each.id for each in other.models.list()]
        with pytest.raises(openai.NotFoundError):
            other.models.retrieve(luna_model)
        with pytest.raises(openai.NotFoundError):
            ask(other, luna_model, "Hello")

    def test_one_is_asked_for_by_name_in_any_case_or_by_id(
        self, sdk: openai.OpenAI, luna: str, luna_model: str
    ) -> None:
        assert sdk.models.retrieve(luna_model.upper().replace("AVATAR", "avatar")).id == luna_model
        assert sdk.models.retrieve(f"avatar:{luna}").id == luna_model
        assert sdk.models.retrieve("openai:gpt-6-luna").owned_by == "openai"
        assert sdk.models.retrieve("anima-embedding").object == "model"


class TestAnAvatarAnswers:
    def test_whole(self, sdk: openai.OpenAI, talking: StubLLM, luna_model: str) -> None:
        talking.script("Olives, of course.")
        completion = ask(sdk, luna_model, "What do I hate?", temperature=0.2, user="somebody")
        assert said(completion) == "Olives, of course."
        assert completion.choices[0].finish_reason == "stop"
        assert completion.model == luna_model
        assert completion.usage.total_tokens == completion.usage.prompt_tokens + completion.usage.completion_tokens > 0
        assert completion.avatar["request_id"] > 0
        assert "mood" in completion.avatar["affect"] or completion.avatar["affect"]

    def test_streamed_with_what_was_used_at_the_end(
        self, sdk: openai.OpenAI, talking: StubLLM, luna_model: str
    ) -> None:
        talking.script("Olives, of course.")
        chunks = list(ask(sdk, luna_model, "What do I hate?", stream=True, stream_options={"include_usage": True}))
        assert chunks[0].choices[0].delta.role == "assistant"
        assert "".join(c.choices[0].delta.content or "" for c in chunks if c.choices) == "Olives, of course."
        assert len({chunk.id for chunk in chunks}) == 1
        assert [c.choices[0].finish_reason for c in chunks if c.choices][-1] == "stop"
        assert chunks[-1].choices == []
        assert chunks[-1].usage.completion_tokens > 0
        assert all(chunk.usage is None for chunk in chunks[:-1])

    def test_without_asking_no_chunk_tells_usage(self, sdk: openai.OpenAI, talking: StubLLM, luna_model: str) -> None:
        chunks = list(ask(sdk, luna_model, "Hello", stream=True))
        assert all(chunk.choices for chunk in chunks)
        assert chunks[-1].avatar["session_id"] > 0

    async def _asked(self, url: str, key: str, model: str) -> str:
        async with openai.AsyncOpenAI(base_url=url, api_key=key, max_retries=0) as client:
            stream = await client.chat.completions.create(model=model, messages=[user("Hello")], stream=True)
            return "".join([c.choices[0].delta.content or "" async for c in stream if c.choices])

    def test_the_sdk_of_other_colour(self, on_port: str, alice: Person, talking: StubLLM, luna_model: str) -> None:

        talking.script("Good evening.")
        assert awaited(self._asked(f"{on_port}/v1", alice.key, luna_model)) == "Good evening."

    def test_the_avatars_own_tools_are_told_beside_the_words(
        self, sdk: openai.OpenAI, talking: StubLLM, luna_model: str
    ) -> None:
        talking.script(calls(("calculate", {"expression": "17 * 23"})), "It is 391.")
        chunks = list(ask(sdk, luna_model, "What is 17 * 23?", stream=True))
        told = [name for chunk in chunks for name in getattr(chunk, "avatar", None) or {}]
        assert told[:2] == ["tool", "tool_result"]
        assert chunks[-1].avatar["tools"][0]["state"] == "done"
        assert "391" in talking.requests[-1].prompt

    def test_a_picture_comes_with_the_message(
        self, sdk: openai.OpenAI, alice: Person, luna_model: str, owner_conn: psycopg.Connection[Any]
    ) -> None:
        pixel = base64.b64encode(PNG).decode()
        parts = [
            {"type": "text", "text": "What is this?"},
            {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{pixel}"}},
        ]
        ask(sdk, luna_model, {"role": "user", "content": parts}, extra_headers={CHAT: "pictures"})
        found = owner_conn.execute("select mime_type from media where owner_id = %s", [alice.user_id]).fetchall()
        assert found == [("image/png",)]


PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)


class TestWithoutASession:
    def test_what_the_client_tells_is_the_conversation_and_nothing_is_kept_of_it(
        self, sdk: openai.OpenAI, alice: Person, talking: StubLLM, luna_model: str
    ) -> None:
        told = [
            {"role": "system", "content": "The house is called Sunnyside."},
            user("My cat is called Miso."),
            {"role": "assistant", "content": "Miso is a lovely name."},
            user("What is my cat called?"),
        ]
        completion = ask(sdk, luna_model, *told)
        prompt = talking.requests[-1].prompt
        assert "My cat is called Miso." in prompt
        assert "Miso is a lovely name." in prompt
        assert "Sunnyside" in prompt
        session = alice.http.get(f"/api/v1/sessions/{completion.avatar['session_id']}").json()
        assert session["private"]
        assert session["ended_at"] is not None

    def test_a_second_call_knows_nothing_of_the_first(
        self, sdk: openai.OpenAI, talking: StubLLM, luna_model: str, drain_outbox: Callable[[], Any]
    ) -> None:
        ask(sdk, luna_model, "I keep bees on my roof.")
        drain_outbox()
        ask(sdk, luna_model, "What do I keep?")
        assert "bees" not in talking.requests[-1].prompt


class TestAPinnedSession:
    def test_only_the_newest_message_counts(
        self, sdk: openai.OpenAI, alice: Person, talking: StubLLM, luna_model: str
    ) -> None:
        talking.script("Noted.", "Bees.")
        first = ask(sdk, luna_model, "I keep bees.", extra_headers={CHAT: "roof"})
        second = ask(sdk, luna_model, "Made up", "What do I keep?", extra_headers={CHAT: "roof"})
        assert first.avatar["session_id"] == second.avatar["session_id"]
        assert "Made up" not in talking.requests[-1].prompt
        assert "I keep bees." in talking.requests[-1].prompt
        assert lines(alice, first.avatar["session_id"]) == ["I keep bees.", "Noted.", "What do I keep?", "Bees."]
        assert not sessions(alice)[0]["private"]

    def test_the_same_id_is_another_session_with_another_avatar_and_for_another_person(
        self, sdk: openai.OpenAI, alice: Person, bob: Person, on_port: str, luna_model: str
    ) -> None:
        other = alice.http.get(f"/api/v1/avatars/{make_avatar(alice)}").json()["name"]
        theirs = bob.http.get(f"/api/v1/avatars/{make_avatar(bob)}").json()["name"]
        bobs = openai.OpenAI(base_url=f"{on_port}/v1", api_key=bob.key, max_retries=0)
        found = {
            ask(sdk, luna_model, "Hi", extra_headers={CHAT: "one"}).avatar["session_id"],
            ask(sdk, f"avatar:{other}", "Hi", extra_headers={CHAT: "one"}).avatar["session_id"],
            ask(bobs, f"avatar:{theirs}", "Hi", extra_headers={CHAT: "one"}).avatar["session_id"],
        }
        assert len(found) == 3

    def test_of_many_that_come_at_once_one_begins_it(self, alice: Person, luna: str) -> None:
        import uuid
        from concurrent.futures import ThreadPoolExecutor

        from anima.conversations import pins_service

        def pinned(_: int) -> int:
            return pins_service.pin(alice.principal, uuid.UUID(luna), "storm", client="openai").session_id

        with ThreadPoolExecutor(8) as pool:
            assert len(set(pool.map(pinned, range(16)))) == 1
        assert len(sessions(alice)) == 1

    def test_another_answer_is_a_branch_and_not_said_twice(
        self, sdk: openai.OpenAI, alice: Person, talking: StubLLM, luna_model: str
    ) -> None:
        talking.script("One.", "Two.", "Three.")
        pinned = {"extra_headers": {CHAT: "again"}}
        ask(sdk, luna_model, "Name a number", **pinned)
        before = [user("Name a number"), {"role": "assistant", "content": "One."}]
        ask(sdk, luna_model, *before, "Another", **pinned)
        third = ask(sdk, luna_model, *before, "Another", **pinned)
        assert said(third) == "Three."
        assert lines(alice, third.avatar["session_id"]) == ["Name a number", "One.", "Another", "Two.", "Three."]

    def test_who_says_the_same_twice_is_heard_twice(
        self, sdk: openai.OpenAI, alice: Person, talking: StubLLM, luna_model: str
    ) -> None:
        pinned = {"extra_headers": {CHAT: "yes"}}
        talking.script("First.", "Second.")
        ask(sdk, luna_model, "Yes", **pinned)
        second = ask(sdk, luna_model, "Yes", **pinned)
        assert lines(alice, second.avatar["session_id"]) == ["Yes", "First.", "Yes", "Second."]

    def test_what_was_not_answered_is_answered_when_it_comes_again(
        self, sdk: openai.OpenAI, alice: Person, talking: StubLLM, luna_model: str
    ) -> None:
        talking.script(failure(400), "Here I am.")
        with pytest.raises(openai.APIStatusError):
            ask(sdk, luna_model, "Are you there?", extra_headers={CHAT: "fault"})
        answer = ask(sdk, luna_model, "Are you there?", extra_headers={CHAT: "fault"})
        assert lines(alice, answer.avatar["session_id"]) == ["Are you there?", "Here I am."]


class TestOpenWebUI:
    def test_its_chat_is_a_session_where_it_streams(
        self, sdk: openai.OpenAI, alice: Person, talking: StubLLM, luna_model: str
    ) -> None:
        talking.script("Noted.", "Olives and chat", "Bees.")
        header = {WEBUI: "5b1c2f6e-0c1d-4a53-9c0e-8d8f5a8f1f11"}
        list(ask(sdk, luna_model, "I keep bees.", stream=True, extra_headers=header))
        ask(sdk, luna_model, "### Task: Generate a concise title", extra_headers=header)  # its call for a title
        told = ["I keep bees.", {"role": "assistant", "content": "Noted."}, "What do I keep?"]
        last = list(ask(sdk, luna_model, *told, stream=True, extra_headers=header))[-1]
        kept = lines(alice, last.avatar["session_id"])
        assert kept == ["I keep bees.", "Noted.", "What do I keep?", "Bees."]

    @pytest.mark.parametrize("chat", ["local:Xk2", "channel:77"])
    def test_a_passing_chat_is_none(self, sdk: openai.OpenAI, alice: Person, luna_model: str, chat: str) -> None:
        chunk = list(ask(sdk, luna_model, "Hello", stream=True, extra_headers={WEBUI: chat}))[-1]
        assert alice.http.get(f"/api/v1/sessions/{chunk.avatar['session_id']}").json()["private"]

    def test_a_placeholder_that_was_not_filled_in_is_none(
        self, sdk: openai.OpenAI, alice: Person, luna_model: str
    ) -> None:
        header = {CHAT: "{{LIBRECHAT_BODY_CONVERSATIONID}}"}
        answer = ask(sdk, luna_model, "Hello", extra_headers=header)
        assert alice.http.get(f"/api/v1/sessions/{answer.avatar['session_id']}").json()["private"]


class TestFaults:
    def test_a_wrong_key(self, on_port: str, talking: StubLLM) -> None:
        stranger = openai.OpenAI(base_url=f"{on_port}/v1", api_key="sk-wrong", max_retries=0)
        with pytest.raises(openai.AuthenticationError) as caught:
            stranger.models.list()
        assert caught.value.code == "invalid_api_key"

    def test_no_such_avatar_and_no_such_model(self, sdk: openai.OpenAI) -> None:
        for model in ("avatar:nobody", "gpt-17", "gone:one"):
            with pytest.raises(openai.NotFoundError) as caught:
                ask(sdk, model, "Hello")
            assert caught.value.code == "model_not_found"

    def test_a_body_that_is_none(self, sdk: openai.OpenAI, on_port: str, alice: Person, luna_model: str) -> None:
        with pytest.raises(openai.UnprocessableEntityError) as caught:
            sdk.chat.completions.create(model=luna_model, messages=[])
        assert caught.value.param == "messages"
        with pytest.raises(openai.UnprocessableEntityError):
            ask(sdk, luna_model, {"role": "assistant", "content": "I begin"})
        head = {"Authorization": f"Bearer {alice.key}"}
        for path in ("/v1/nothing", "/v1/chat/completions"):
            answer = httpx.get(on_port + path, headers=head, trust_env=False)
            assert answer.status_code in (404, 405)
            assert set(answer.json()) == {"error"}
        broken = httpx.post(f"{on_port}/v1/chat/completions", headers=head, content=b"{", trust_env=False)
        assert broken.json()["error"]["type"] == "invalid_request_error"

    @pytest.mark.parametrize(
        "odd",
        [
            {"tools": [{"type": "function", "function": "look"}]},
            {"tools": [{"type": "web_search"}]},
            {"tool_choice": {"function": []}},
            {"response_format": "json"},
            {"temperature": float("nan")},
            {"messages": [{"role": "assistant", "tool_calls": [{"function": {"name": 7}}]}, {"role": "user"}]},
            {"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": [1]}]}]},
            {"messages": "Hello"},
        ],
    )
    def test_what_is_oddly_made_is_refused_by_its_place(
        self, on_port: str, alice: Person, talking: StubLLM, odd: dict[str, Any]
    ) -> None:
        body = {"model": "openai:gpt-6-luna", "messages": [user("Hello")], **odd}
        head = {"Authorization": f"Bearer {alice.key}", "Content-Type": "application/json"}
        answer = httpx.post(f"{on_port}/v1/chat/completions", headers=head, content=json.dumps(body), trust_env=False)
        assert answer.status_code == 422, answer.text
        assert answer.json()["error"]["param"].startswith(next(iter(odd)))
        assert not talking.requests

    def test_elsewhere_errors_keep_their_shape(self, client: Any) -> None:
        assert client.get("/api/v1/avatars").headers["content-type"] == "application/problem+json"
        assert client.get("/v10/models").headers["content-type"] == "application/problem+json"

    @pytest.mark.parametrize(
        "wanted",
        [
            {"tools": [{"type": "function", "function": {"name": "look", "parameters": {"type": "object"}}}]},
            {"response_format": {"type": "json_object"}},
            {"n": 2},
            {"logprobs": True},
        ],
    )
    def test_what_an_avatar_does_not_do_is_refused_by_name(
        self, sdk: openai.OpenAI, talking: StubLLM, luna_model: str, wanted: dict[str, Any]
    ) -> None:
        with pytest.raises(openai.BadRequestError) as caught:
            ask(sdk, luna_model, "Hello", **wanted)
        assert caught.value.code == "unsupported_parameter"
        assert caught.value.param == next(iter(wanted))
        assert not talking.requests

    def test_too_many_calls(self, sdk: openai.OpenAI, setting: Callable[[str, str], None], luna_model: str) -> None:
        from anima.kernel import buckets

        setting("ANIMA_RATE_LIMIT_MAX_TOKENS", "1")
        buckets.refill()
        sdk.models.list()
        with pytest.raises(openai.RateLimitError) as caught:
            sdk.models.list()
        assert caught.value.code == "rate_limit_exceeded"
        assert int(caught.value.response.headers["retry-after"]) > 0

    def test_a_model_that_fails_before_and_in_the_middle_of_a_stream(
        self, sdk: openai.OpenAI, talking: StubLLM, luna_model: str
    ) -> None:
        talking.script(failure(400), Reply("One two three four five six", cut_after=3))
        with pytest.raises(openai.APIError):
            list(ask(sdk, luna_model, "Hello", stream=True))
        heard: list[str] = []
        with pytest.raises(openai.APIError) as caught:
            heard.extend(c.choices[0].delta.content or "" for c in ask(sdk, luna_model, "Hello", stream=True))
        assert caught.value.body["code"]

    def test_a_picture_from_elsewhere_is_not_fetched(self, sdk: openai.OpenAI, luna_model: str) -> None:
        parts = [{"type": "image_url", "image_url": {"url": "http://127.0.0.1:9/secret.png"}}]
        with pytest.raises(openai.BadRequestError):
            ask(sdk, luna_model, {"role": "user", "content": parts})

    def test_who_goes_away_stops_the_model_and_what_was_said_is_kept(
        self, sdk: openai.OpenAI, alice: Person, talking: StubLLM, luna_model: str
    ) -> None:
        from fixtures.house import wait_for

        talking.script(Reply("word " * 400, token_delay=0.02))
        stream = ask(sdk, luna_model, "Tell me all", stream=True, extra_headers={CHAT: "leaving"})
        for chunk in stream:
            if chunk.choices[0].delta.content:
                break
        stream.close()
        session_id = sessions(alice)[0]["session_id"]
        kept = wait_for(lambda: len(found := lines(alice, session_id)) == 2 and found)
        assert kept[0] == "Tell me all"
        assert kept[1].split().count("word") < 400

    def test_a_call_that_comes_again_with_its_key_is_not_done_again(
        self, sdk: openai.OpenAI, talking: StubLLM, luna_model: str
    ) -> None:
        key = {"Idempotency-Key": os.urandom(6).hex(), CHAT: "once"}
        first = ask(sdk, luna_model, "Hello", extra_headers=key)
        second = ask(sdk, luna_model, "Hello", extra_headers=key)
        assert first.id == second.id
        assert len(talking.requests) == 1


TOOL = {
    "type": "function",
    "function": {"name": "look", "description": "Looks", "parameters": {"type": "object", "properties": {}}},
}


class TestAConfiguredModel:
    MODEL = "openai:gpt-6-luna"

    def test_it_gets_what_was_sent(self, sdk: openai.OpenAI, talking: StubLLM) -> None:
        talking.script("Four.")
        told = [{"role": "developer", "content": "Be brief."}, user("2 + 2?")]
        completion = ask(sdk, self.MODEL, *told, temperature=0.1, max_tokens=7, stop=["x"])
        asked = talking.requests[-1].body
        assert said(completion) == "Four."
        assert [each["role"] for each in asked["messages"]] == ["system", "user"]
        assert asked["temperature"] == 0.1
        assert asked["stop"] == ["x"]
        assert not hasattr(completion, "avatar")

    def test_it_streams(self, sdk: openai.OpenAI, talking: StubLLM) -> None:
        talking.script("One two three.")
        chunks = list(ask(sdk, self.MODEL, "Count", stream=True, stream_options={"include_usage": True}))
        assert "".join(c.choices[0].delta.content or "" for c in chunks if c.choices) == "One two three."
        assert chunks[-1].usage.total_tokens > 0

    def test_what_it_used_is_on_the_budget_of_who_asked(
        self, sdk: openai.OpenAI, alice: Person, talking: StubLLM, owner_conn: psycopg.Connection[Any]
    ) -> None:
        ask(sdk, self.MODEL, "Count")
        found = owner_conn.execute(SPENT, [alice.user_id]).fetchall()
        assert [(model, purpose) for model, purpose, _ in found] == [(self.MODEL, "openai")]
        assert found[0][2] > 0

    def test_a_quota_that_is_used_up(self, sdk: openai.OpenAI, talking: StubLLM) -> None:
        from fixtures.stub_llm import no_quota

        talking.script(no_quota())
        with pytest.raises(openai.RateLimitError) as caught:
            ask(sdk, self.MODEL, "Hello")
        assert caught.value.code == "insufficient_quota"

    def test_the_clients_tools_are_called_by_the_client(self, sdk: openai.OpenAI, talking: StubLLM) -> None:
        talking.script(calls(("look", {"at": "the sky"})), "It is blue.")
        asked = ask(sdk, self.MODEL, "Look", tools=[TOOL])
        [call] = asked.choices[0].message.tool_calls
        assert asked.choices[0].finish_reason == "tool_calls"
        assert json.loads(call.function.arguments) == {"at": "the sky"}
        told = [user("Look"), asked.choices[0].message, {"role": "tool", "tool_call_id": call.id, "content": "Blue."}]
        assert said(ask(sdk, self.MODEL, *told, tools=[TOOL])) == "It is blue."
        assert talking.requests[-1].messages[-1]["tool_call_id"] == call.id


SPENT = "select model, purpose, prompt_tokens from llm_spend where owner_id = %s"


class TestEmbeddings:
    def test_vectors_by_the_embedder_of_the_place(self, sdk: openai.OpenAI) -> None:
        made = sdk.embeddings.create(model="anima-embedding", input=["I hate olives", "I hate olives", "The moon"])
        one, same, other = (each.embedding for each in made.data)
        assert len(one) == 384
        assert one == same != other
        assert made.usage.prompt_tokens > 0
        plain = sdk.embeddings.create(model="anima-embedding", input="I hate olives", encoding_format="float")
        assert plain.data[0].embedding == pytest.approx(one, abs=1e-6)

    @pytest.mark.parametrize(
        "wrong",
        [
            {"input": []},
            {"input": ""},
            {"input": [[1, 2, 3]]},
            {"input": "x", "dimensions": 12},
            {"input": "word " * 3000},
            {"input": "x", "model": "text-embedding-3-small"},
        ],
    )
    def test_what_cannot_be_embedded(self, sdk: openai.OpenAI, wrong: dict[str, Any]) -> None:
        with pytest.raises(openai.APIStatusError) as caught:
            sdk.embeddings.create(**{"model": "anima-embedding", **wrong})
        assert caught.value.status_code in (400, 404, 422)


class TestResponses:
    def test_one_begins_a_session_and_another_goes_on(
        self, sdk: openai.OpenAI, alice: Person, talking: StubLLM, luna_model: str
    ) -> None:
        talking.script("Noted.", "Bees.")
        first = sdk.responses.create(model=luna_model, input="I keep bees.")
        assert first.output_text == "Noted."
        assert first.usage.total_tokens > 0
        second = sdk.responses.create(model=luna_model, input="What do I keep?", previous_response_id=first.id)
        assert second.output_text == "Bees."
        assert "I keep bees." in talking.requests[-1].prompt
        assert len(sessions(alice)) == 1
        assert sdk.responses.retrieve(second.id).output_text == "Bees."

    def test_streamed(self, sdk: openai.OpenAI, talking: StubLLM, luna_model: str) -> None:
        talking.script("Olives, of course.")
        with sdk.responses.stream(model=luna_model, input="What do I hate?") as stream:
            kinds = [event.type for event in stream]
            final = stream.get_final_response()
        assert kinds[0] == "response.created"
        assert kinds[-1] == "response.completed"
        assert "response.output_text.delta" in kinds
        assert final.output_text == "Olives, of course."
        assert final.status == "completed"

    def test_what_is_not_to_be_stored_is_not(
        self, sdk: openai.OpenAI, alice: Person, talking: StubLLM, luna_model: str
    ) -> None:
        told = [user("My cat is Miso."), {"role": "assistant", "content": "Ah."}, user("Who is it?")]
        response = sdk.responses.create(model=luna_model, input=told, instructions="Be kind.", store=False)
        assert "My cat is Miso." in talking.requests[-1].prompt
        assert alice.http.get(f"/api/v1/sessions/{response.avatar['session_id']}").json()["private"]

    def test_a_conversation_of_the_clients_own(self, sdk: openai.OpenAI, alice: Person, luna_model: str) -> None:
        for _ in range(2):
            sdk.responses.create(model=luna_model, input="Hello", conversation="mine")
        assert len(sessions(alice)) == 1

    def test_a_configured_model(self, sdk: openai.OpenAI, talking: StubLLM) -> None:
        talking.script("Four.", "Five.")
        assert sdk.responses.create(model="openai:gpt-6-luna", input="2 + 2?").output_text == "Four."
        events = list(sdk.responses.create(model="openai:gpt-6-luna", input="2 + 3?", stream=True))
        assert events[-1].response.output_text == "Five."

    def test_nobody_reads_or_goes_on_from_anothers(
        self, sdk: openai.OpenAI, make_user: MakeUser, on_port: str, luna_model: str
    ) -> None:
        first = sdk.responses.create(model=luna_model, input="I keep bees.")
        bob = make_user()
        theirs = openai.OpenAI(base_url=f"{on_port}/v1", api_key=bob.key, max_retries=0)
        name = bob.http.get(f"/api/v1/avatars/{make_avatar(bob)}").json()["name"]
        with pytest.raises(openai.NotFoundError):
            theirs.responses.retrieve(first.id)
        with pytest.raises(openai.NotFoundError):
            theirs.responses.create(model=f"avatar:{name}", input="And?", previous_response_id=first.id)

    @pytest.mark.parametrize(
        ("wanted", "param"),
        [
            ({"tools": [{"type": "web_search"}]}, "tools"),
            ({"background": True}, "background"),
            ({"model": "openai:gpt-6-luna", "previous_response_id": "resp_1"}, "previous_response_id"),
            ({"text": {"format": {"type": "json_object"}}}, "text"),
            ({"input": [{"type": "function_call_output", "call_id": "1", "output": "x"}]}, "input"),
        ],
    )
    def test_what_is_not_done_is_refused_by_name(
        self, sdk: openai.OpenAI, luna_model: str, wanted: dict[str, Any], param: str
    ) -> None:
        with pytest.raises(openai.BadRequestError) as caught:
            sdk.responses.create(**{"model": luna_model, "input": "Hello", **wanted})
        assert caught.value.param == param

    @pytest.mark.parametrize("model", ["avatar:luna", "openai:gpt-6-luna"])
    def test_where_nothing_is_said_nothing_is_asked(self, sdk: openai.OpenAI, talking: StubLLM, model: str) -> None:
        with pytest.raises(openai.UnprocessableEntityError):
            sdk.responses.create(model=model, input=[])
        assert not talking.requests

    def test_a_fault_in_the_middle_is_an_event(self, sdk: openai.OpenAI, talking: StubLLM, luna_model: str) -> None:
        talking.script(Reply("One two three four five six", cut_after=3))
        events = list(sdk.responses.create(model=luna_model, input="Hello", stream=True))
        assert events[-1].type == "error"
        assert json.dumps(events[-1].code)

"""What clients of OpenAI's protocol tell is taken apart, and answers are told in their words: without a server."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest

from anima.chat.model import Answer, ApprovalNeeded, Finished, Started, ToolEnded, ToolStarted
from anima.kernel.errors import AnimaError, BadInput, FieldError, Unauthenticated
from anima.openai_api import completions, errors, pieces, plain, responses, turns
from anima.openai_api.bodies import ChatBody, ChatMessage, ChatPart, ResponseBody
from anima.openai_api.completions import Chunks
from anima.openai_api.told import Told, told
from anima.vendors.llm.calls import Delta, ToolCall, Usage


def message(role: str, content: Any = "x", **more: Any) -> ChatMessage:
    return ChatMessage.model_validate({"role": role, "content": content, **more})


def answer(**more: Any) -> Answer:
    told: dict[str, Any] = {
        **{"session_id": 1, "message_id": 2, "parent_message_id": 3, "response_id": 4, "request_id": 5},
        **{"content": "Yes.", "finish": "stop", "citations": [], "memories": [], "affect": {}, "model": {}},
        **{"usage": {"prompt_tokens": 3, "completion_tokens": 2, "cached_tokens": 1}, "timings": {}},
        "created_at": datetime(2026, 1, 1, tzinfo=UTC),
    }
    return Answer(**{**told, **more})


def events(lines: Iterator[str]) -> list[dict[str, Any]]:
    """The data of events."""
    whole = "".join(lines).split("\n")
    return [json.loads(line[6:]) for line in whole if line.startswith("data: {")]


class TestTold:
    def test_the_newest_word_of_the_user_is_answered_though_the_system_speaks_last(self) -> None:
        found = told(
            [
                message("system", "You are kind."),
                message("user", "One"),
                message("assistant", "Two"),
                message("user", "Three"),
                message("developer", "Stay brief."),
            ]
        )
        assert found.message == "Three"
        assert found.history == (
            ("system", "You are kind."),
            ("user", "One"),
            ("assistant", "Two"),
            ("system", "Stay brief."),
        )
        assert found.answer_before == "Two"
        assert found.has_past

    def test_what_tools_of_the_client_said_is_no_line_of_the_talk(self) -> None:
        found = told([message("user", "a"), message("assistant", "b"), message("tool", "c"), message("user", "d")])
        assert found.history == (("user", "a"), ("assistant", "b"))

    def test_a_system_alone_is_no_past(self) -> None:
        assert not told([message("system"), message("user")]).has_past

    @pytest.mark.parametrize("roles", [["system"], ["user", "assistant"], ["assistant"]])
    def test_where_nobody_asks_there_is_nothing_to_answer(self, roles: list[str]) -> None:
        with pytest.raises(BadInput):
            told([message(role) for role in roles])

    def test_words_and_pictures_of_a_message_are_told_apart(self) -> None:
        parts = [
            {"type": "text", "text": "What is"},
            {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA=="}},
            {"type": "input_image", "image_url": "data:image/png;base64,BB=="},
            {"type": "input_text", "text": "this?"},
        ]
        found = told([message("user", parts)])
        assert found.message == "What is\nthis?"
        assert found.pictures == ("data:image/png;base64,AA==", "data:image/png;base64,BB==")

    def test_a_picture_alone_has_words_too(self) -> None:
        assert told([message("user", [{"type": "image_url", "image_url": {"url": "data:x"}}])]).message

    def test_a_part_that_is_neither(self) -> None:
        with pytest.raises(errors.NotHere):
            told([message("user", [{"type": "input_audio", "input_audio": {}}])])


class TestWhichConversation:
    @pytest.mark.parametrize(
        ("headers", "streamed", "expected"),
        [
            ({}, True, None),
            ({"X-Conversation-Id": "a"}, False, "a"),
            ({"X-Conversation-Id": "  "}, False, None),
            ({"X-Conversation-Id": "new"}, False, None),
            ({"X-Conversation-Id": "{{LIBRECHAT_BODY_CONVERSATIONID}}"}, False, None),
            ({"X-OpenWebUI-Chat-Id": "c"}, True, "openwebui:c"),
            ({"X-OpenWebUI-Chat-Id": "c"}, False, None),
            ({"X-OpenWebUI-Chat-Id": "local:c"}, True, None),
            ({"X-Conversation-Id": "a", "X-OpenWebUI-Chat-Id": "c"}, True, "a"),
        ],
    )
    def test_by_its_headers(self, headers: dict[str, str], streamed: bool, expected: str | None) -> None:
        found = turns.conversation_of(headers, streamed=streamed)
        assert (found.client_id if found else None) == expected

    @pytest.mark.parametrize(
        ("kept", "message_", "history", "whole", "expected"),
        [
            (("Hi", "Hello."), "Hi", (), False, False),  # a client that tells only the newest says it twice
            (("Hi", "Hello."), "Hi", (), True, True),
            (("Hi", "Hello."), "Hi", (("user", "Hi"), ("assistant", "Hello.")), True, False),
            (("B", "2"), "B", (("user", "A"), ("assistant", "1")), False, True),
            (("B", None), "B", (), False, True),
            (("B", "2"), "C", (), True, False),
            ((None, None), "C", (), True, False),
        ],
    )
    def test_whether_another_answer_is_wanted(
        self, kept: Any, message_: str, history: Any, whole: bool, expected: bool
    ) -> None:
        pinned: Any = SimpleNamespace(message=kept[0], answer=kept[1])
        conversation = turns.Conversation("c", whole=whole)
        assert turns.is_again(pinned, Told(message_, (), history), conversation) is expected

    @pytest.mark.parametrize(
        ("model", "expected"),
        [("avatar:luna", "luna"), ("avatar: Luna ", "Luna"), ("openai:gpt-4o", None), ("luna", None)],
    )
    def test_with_whom(self, model: str, expected: str | None) -> None:
        assert turns.avatar_of(model) == expected


class TestTurnsAsChunks:
    def test_tools_are_told_beside_the_words(self) -> None:
        happened = [
            Started(1, 2, 5),
            ToolStarted(9, "calculator", "calculate", {"expression": "1+1"}),
            ToolEnded("calculate", True, "2", (), 1.0, 9),
            Finished(answer()),
        ]
        found = events(completions.chunks(happened, Chunks("avatar:luna", 7, counted=True)))
        assert [each["choices"][0]["delta"] for each in found[:-1]] == [
            {"role": "assistant", "content": "", "refusal": None},
            {},
            {},
            {},
        ]
        assert found[1]["avatar"]["tool"]["name"] == "calculate"
        assert found[2]["avatar"]["tool_result"]["text"] == "2"
        assert found[3]["avatar"]["response_id"] == 4
        assert found[4]["usage"]["prompt_tokens_details"]["cached_tokens"] == 1

    def test_an_answer_that_waits_says_so_in_words(self) -> None:
        waits = answer(
            content="",
            finish="approval",
            response_id=None,
            tools=[{"invocation_id": 12, "name": "run_python", "state": "waiting"}],
        )
        happened = [Started(1, 2, 5), ApprovalNeeded(12, "code", "run_python", {}), Finished(waits)]
        found = events(completions.chunks(happened, Chunks("avatar:luna", 7, counted=False)))
        said = "".join(each["choices"][0]["delta"].get("content") or "" for each in found)
        assert "run_python" in said
        assert "12" in said
        assert found[-1]["choices"][0]["finish_reason"] == "stop"
        assert found[1]["avatar"]["approval"]["invocation_id"] == 12
        whole = completions.whole(waits, "avatar:luna", 7)
        assert whole["choices"][0]["message"]["content"] == said


def asked(*deltas: Delta) -> plain.Asked:
    made: Any = plain.Asked((each for each in deltas), None, Usage(5, 1))  # type: ignore[arg-type]
    return made


CALLS = (ToolCall("call_1", "look", '{"at": 1}'), ToolCall("call_2", "look", "{}"))


class TestAModelsCallsOfTools:
    def test_whole(self) -> None:
        found = plain.whole(asked(Delta(finish="tool_calls", tool_calls=CALLS)), Chunks("m", 7, counted=False))
        choice = found["choices"][0]
        assert choice["finish_reason"] == "tool_calls"
        assert choice["message"]["content"] is None
        assert [each["function"]["arguments"] for each in choice["message"]["tool_calls"]] == ['{"at": 1}', "{}"]

    def test_streamed(self) -> None:
        stream = asked(Delta(text="I look."), Delta(finish="tool_calls", tool_calls=CALLS))
        found = events(plain.chunks(stream, Chunks("m", 7, counted=False)))
        assert [each["index"] for each in found[2]["choices"][0]["delta"]["tool_calls"]] == [0, 1]
        assert found[-1]["choices"][0]["finish_reason"] == "tool_calls"

    def test_what_came_of_them_goes_back_to_the_model(self) -> None:
        call = {"id": "call_1", "type": "function", "function": {"name": "look", "arguments": "{}"}}
        first = plain._message(message("assistant", None, tool_calls=[call]))
        second = plain._message(message("tool", "a cat", tool_call_id="call_1"))
        assert first["tool_calls"][0] == ToolCall("call_1", "look", "{}")
        assert second["tool_call_id"] == "call_1"

    def test_the_one_that_must_be_called_is_the_only_one_offered(self) -> None:
        tools = [{"type": "function", "function": {"name": name}} for name in ("look", "listen")]
        body = ChatBody(
            model="m",
            messages=[message("user")],
            tools=tools,
            tool_choice={"type": "function", "function": {"name": "listen"}},
        )
        model: Any = SimpleNamespace(tools=True, id="m")
        assert [tool.name for tool in plain._tools(body, model)] == ["listen"]
        assert plain._choice(body) == "required"
        without: Any = SimpleNamespace(tools=False, id="m")
        with pytest.raises(errors.NotHere):
            plain._tools(body, without)

    def test_pictures_are_passed_on_but_not_addresses(self) -> None:
        def shown(url: str) -> Any:
            parts = [ChatPart(type="text", text="See"), ChatPart(type="image_url", image_url={"url": url})]
            return plain._content(ChatMessage(role="user", content=parts))

        assert shown("data:image/png;base64,AA==")[1]["image_url"]["url"] == "data:image/png;base64,AA=="
        with pytest.raises(errors.NotHere):
            shown("https://example.org/a.png")


class TestResponses:
    def test_events_count_up_and_end_with_the_whole(self) -> None:
        told_ = responses.Told(ResponseBody(model="avatar:luna", input="x"), 7)
        happened = [pieces.Begun("5"), pieces.Said("Y"), pieces.Said("es."), pieces.of_answer(answer())]
        found = events(responses.events(happened, told_))
        assert [each["sequence_number"] for each in found] == list(range(len(found)))
        assert found[-1]["response"]["output"][0]["content"][0]["text"] == "Yes."
        assert {each["item_id"] for each in found if "item_id" in each} == {"msg_5"}

    def test_an_answer_that_was_cut_is_incomplete(self) -> None:
        told_ = responses.Told(ResponseBody(model="avatar:luna", input="x"), 7)
        found = told_.whole(pieces.of_answer(answer(finish="length")))
        assert found["status"] == "incomplete"
        assert found["incomplete_details"] == {"reason": "max_output_tokens"}


class TestErrors:
    def test_they_say_what_is_wrong_and_where(self) -> None:
        wrong = BadInput(reason="no", fields=[FieldError("messages", "some")])
        assert errors.body(wrong)["error"]["param"] == "messages"
        assert errors.body(Unauthenticated(reason="x"))["error"]["code"] == "invalid_api_key"
        assert errors.body(AnimaError())["error"]["type"] == "server_error"
        assert "\ud800" not in errors.body(BadInput(reason="\ud800"))["error"]["message"]

    @pytest.mark.parametrize(("path", "ours"), [("/v1", True), ("/v1/x", True), ("/v10", False), ("/api/v1/x", False)])
    def test_only_at_this_door(self, path: str, ours: bool) -> None:
        assert errors.is_ours(path) is ours

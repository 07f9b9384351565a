"""The client runs the place: tools and their approval, prompts, experiments, budgets, usage, models."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from anima.client import (
    Anima,
    ApprovalNeeded,
    BudgetExceeded,
    Conflict,
    Done,
    Forbidden,
    NotFound,
    Token,
    ToolEnded,
    ToolStarted,
)
from fixtures.api import Person
from fixtures.stub_llm import StubLLM, calls

pytestmark = pytest.mark.usefixtures("fast_embedder")


@pytest.fixture
def anima(listening: str, alice: Person) -> Iterator[Anima]:
    """Alice's client."""
    with Anima(listening, key=alice.key) as client:
        yield client


@pytest.fixture
def chief(listening: str, admin: Person) -> Iterator[Anima]:
    """An admin's client."""
    with Anima(listening, key=admin.key) as client:
        yield client


def test_an_avatar_is_given_tools_and_what_it_used_is_seen(anima: Anima, talking: StubLLM) -> None:
    avatar = anima.create_avatar("Luna")
    code = next(one for one in anima.list_permissions(avatar.avatar_id) if one.name == "code")
    assert not code.enabled
    allowed = anima.permit(avatar.avatar_id, [{"plugin_id": code.plugin_id, "enabled": True}])
    assert next(one for one in allowed.items if one.plugin_id == code.plugin_id).enabled
    assert code.plugin_id in [one.plugin_id for one in anima.list_plugins()]
    assert anima.get_plugin(code.plugin_id).tools
    session = anima.create_session(avatar.avatar_id)
    talking.script(calls(("calculate", {"expression": "6 * 7"})), "It is 42.")
    with anima.stream_message(session.session_id, "How much is 6 times 7?") as stream:
        told = [event for event in stream if isinstance(event, ToolStarted | ToolEnded)]
    assert [one.name for one in told] == ["calculate", "calculate"]
    assert told[1] == ToolEnded("calculate", True, "6 * 7 = 42", (), told[1].latency_ms, told[1].invocation_id)
    assert [one.text for one in stream.answer.tools] == ["6 * 7 = 42"]
    used = anima.list_invocations(avatar_id=avatar.avatar_id).all()
    assert [(one.tool, one.state) for one in used] == [("calculate", "done")]


def test_a_call_waits_until_it_is_allowed_and_the_turn_goes_on(anima: Anima, talking: StubLLM) -> None:
    avatar = anima.create_avatar("Luna")
    code = next(one for one in anima.list_permissions(avatar.avatar_id) if one.name == "code")
    anima.permit(avatar.avatar_id, [{"plugin_id": code.plugin_id, "enabled": True}])
    session = anima.create_session(avatar.avatar_id)
    talking.script(calls(("run_python", {"code": "print(6 * 7)"})))
    with anima.stream_message(session.session_id, "Please run print(6 * 7).") as stream:
        events = list(stream)
    asked = next(event for event in events if isinstance(event, ApprovalNeeded))
    assert (asked.name, stream.answer.finish, stream.answer.response_id) == ("run_python", "approval", None)
    assert [one.invocation_id for one in anima.list_waiting_tools(session.session_id)] == [asked.invocation_id]
    talking.script("Then I will not.")
    with anima.stream_tool_call(asked.invocation_id, approve=False) as rest:
        assert rest.finish().content == "Then I will not."
    again = anima.decide_tool_call(asked.invocation_id, approve=False)
    assert again.response_id == rest.answer.response_id
    with pytest.raises(Conflict):
        anima.decide_tool_call(asked.invocation_id, approve=True)
    assert anima.list_waiting_tools(session.session_id).all() == []
    with pytest.raises(NotFound):
        anima.decide_tool_call(2**40, approve=True)


def test_prompts_have_versions_and_an_experiment_reports(chief: Anima, anima: Anima) -> None:
    first = chief.create_prompt("greeting", "Greet briefly.")
    second = chief.create_prompt("greeting", "Greet warmly.")
    assert (second.name, second.version) == ("greeting", first.version + 1)
    assert "+Greet warmly." in chief.compare_prompts("greeting", first.version, second.version).diff
    assert second.version in [one.version for one in chief.list_prompt_versions("greeting")]
    variants = [
        {"name": "brief", "prompt": f"greeting@{first.version}"},
        {"name": "warm", "prompt": f"greeting@{second.version}"},
    ]
    begun = chief.start_experiment("greetings", variants, metric="rating")
    try:
        with pytest.raises(Forbidden):
            anima.start_experiment("mine", variants)
        report = chief.get_experiment(begun.exp_id).report
        assert [one.name for one in report.variants] == ["brief", "warm"]
        assert report.verdict.better == ()
    finally:
        ended = chief.stop_experiment(begun.exp_id, "enough")
    assert ended.end_ts is not None
    assert begun.exp_id in [one.exp_id for one in chief.list_experiments()]


def test_a_budget_is_kept_and_what_was_spent_is_told(
    anima: Anima, chief: Anima, alice: Person, talking: StubLLM
) -> None:
    talking.always(lambda _body: "Yes.")
    session = anima.create_session(anima.create_avatar("Luna").avatar_id)
    assert anima.send_message(session.session_id, "Are you there?").content == "Yes."
    spent = anima.list_usage().all()
    assert sum(one.completion_tokens for one in spent) > 0
    set_now = anima.set_budgets([{"period": "day", "max_tokens": 1}])
    assert [(one.period, one.max_tokens) for one in set_now.items] == [("day", 1)]
    with pytest.raises(BudgetExceeded) as refused, anima.stream_message(session.session_id, "And now?") as stream:
        stream.finish()
    assert refused.value.retry_after is not None
    assert anima.set_budgets([]).items == ()
    chief.impose_budgets(alice.user_id, [{"period": "month", "max_tokens": 1}])
    assert [one.imposed for one in anima.list_budgets()] == [True]
    chief.impose_budgets(alice.user_id, [])
    with anima.stream_message(session.session_id, "And now?") as stream:
        kinds = {type(event) for event in stream}
    assert {Token, Done} <= kinds


def test_models_and_those_who_serve_them_are_told(anima: Anima, chief: Anima, talking: StubLLM) -> None:
    catalogue = anima.get_catalogue()
    assert [one.id for one in anima.list_models()] == [one.id for one in catalogue.items]
    assert {"openai", "anthropic"} <= {one.name for one in catalogue.providers}
    assert chief.get_provision().state == "done"
    with pytest.raises(Forbidden):
        anima.start_provision()
    values = {one.key: one.value for one in chief.get_settings().items}
    key, value = next((key, value) for key, value in values.items() if isinstance(value, bool))
    assert {one.key: one.value for one in chief.change_settings({key: value}).items}[key] == value

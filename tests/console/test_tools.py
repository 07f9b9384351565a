"""Tools in a talk, as a person sees them: what was called, what may be called, and the pictures that were made."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from fixtures.stub_llm import StubLLM, calls

pytestmark = pytest.mark.browser

Visiting = Callable[..., Any]
CODE = ("run_python", {"code": "print(6 * 7)"})


def begin(visit: Any) -> Page:
    """A talk with Luna, who may run programs where one allows it."""
    person = visit.person
    avatar = visit.luna()
    found = person.http.get(f"/api/v1/avatars/{avatar}/plugins").json()["items"]
    wish = [{"plugin_id": one["plugin_id"], "enabled": True} for one in found if one["name"] == "code"]
    assert person.http.put(f"/api/v1/avatars/{avatar}/plugins", json={"items": wish}).status_code == 200
    page: Page = visit.sign_in(f"#/chat/{avatar}")
    expect(page.get_by_role("heading", name="Say hello to Luna")).to_be_visible()
    return page


def test_a_call_is_shown_with_what_it_gave(visiting: Visiting, stub_llm: StubLLM) -> None:
    visit = visiting()
    page = begin(visit)
    stub_llm.script(calls(("calculate", {"expression": "12 * 34"})), "That makes 408.")
    visit.say("How much is 12 times 34?")
    expect(page.get_by_text("That makes 408.", exact=True)).to_be_visible(timeout=20_000)
    call = page.get_by_role("group", name="Tools")
    expect(call).to_contain_text("Calculate")
    call.get_by_text("Calculate").click()
    expect(call).to_contain_text("12 * 34 = 408")
    page.reload()
    expect(page.get_by_role("group", name="Tools")).to_contain_text("Calculate")


def test_a_call_waits_until_the_person_allows_it_even_after_a_reload(visiting: Visiting, stub_llm: StubLLM) -> None:
    visit = visiting()
    page = begin(visit)
    stub_llm.script(calls(CODE, text="I will compute it."))
    visit.say("What is six times seven?")
    card = page.get_by_role("region", name="Run a program: may it?")
    expect(card).to_contain_text("print(6 * 7)")
    page.reload()
    expect(card).to_contain_text("print(6 * 7)")
    visit.shot("talk-approval")
    stub_llm.script("It is done.")
    card.get_by_role("button", name="No", exact=True).click()
    expect(page.get_by_text("It is done.", exact=True)).to_be_visible()
    expect(card).to_have_count(0)
    expect(page.get_by_role("group", name="Tools")).to_contain_text("not allowed")
    expect(page.locator(".line")).to_have_count(2)


def test_what_was_allowed_is_run_and_the_answer_goes_on(visiting: Visiting, stub_llm: StubLLM) -> None:
    visit = visiting()
    page = begin(visit)
    stub_llm.script(calls(CODE))
    visit.say("What is six times seven?")
    card = page.get_by_role("region", name="Run a program: may it?")
    stub_llm.script("It is forty-two.")
    card.get_by_role("button", name="Allow once").click()
    expect(page.get_by_text("It is forty-two.", exact=True)).to_be_visible(timeout=20_000)
    tools = page.get_by_role("group", name="Tools")
    tools.get_by_text("Run a program").click()
    expect(tools.locator(".gave")).to_contain_text("42")
    assert "42" in json.dumps(stub_llm.chats[-1].messages)


def test_what_an_avatar_may_use_is_set_on_its_page(visiting: Visiting) -> None:
    visit = visiting()
    avatar = visit.luna()
    page = visit.sign_in(f"#/avatar/{avatar}/tools")

    def permitted() -> dict[str, tuple[bool, bool]]:
        found = visit.person.http.get(f"/api/v1/avatars/{avatar}/plugins").json()["items"]
        return {one["name"]: (one["enabled"], any(tool["always"] for tool in one["tools"])) for one in found}

    code = page.get_by_role("row").filter(has_text="Python")
    expect(page.get_by_role("switch", name="calculator")).to_be_checked()
    expect(code.get_by_role("combobox")).to_have_count(0)
    code.get_by_role("switch").check()
    code.get_by_role("combobox", name="run python").select_option("may always do it, as it is now")
    expect(page.get_by_text("run python: not asked about.")).to_be_attached()
    page.get_by_role("switch", name="calculator").uncheck()
    expect(page.get_by_text("calculator: off.")).to_be_attached()
    assert {"code": (True, True), "calculator": (False, False)}.items() <= permitted().items()
    code.get_by_role("combobox").select_option("asks before each call")
    expect(page.get_by_text("run python: asked about.")).to_be_attached()
    assert permitted()["code"] == (True, False)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")

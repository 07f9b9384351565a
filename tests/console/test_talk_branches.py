"""The ways a talk can go in a browser: said otherwise, answered anew, private; and what was kept on this machine."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from fixtures.stub_llm import StubLLM

pytestmark = pytest.mark.browser

Visiting = Callable[..., Any]


def begin(visit: Any) -> Page:
    """A talk with Luna that is about to begin."""
    page: Page = visit.sign_in()
    page.get_by_role("button", name="Luna").click()
    expect(page.get_by_role("heading", name="Say hello to Luna")).to_be_visible()
    return page


def test_an_earlier_message_is_said_otherwise_and_the_old_way_is_kept(visiting: Visiting, stub_llm: StubLLM) -> None:
    visit = visiting()
    page = begin(visit)
    stub_llm.script("Porto is lovely.")
    visit.say("I live in Porto")
    expect(page.get_by_text("Porto is lovely.", exact=True)).to_be_visible()
    stub_llm.script("Try the market hall.")
    visit.say("Where shall I eat?")
    expect(page.get_by_text("Try the market hall.", exact=True)).to_be_visible()

    stub_llm.script("Oslo is bright.")
    page.locator(".line.user").first.hover()
    page.get_by_role("button", name="Edit this message").first.click()
    field = page.get_by_label("Your message, anew")
    expect(field).to_be_focused()
    expect(field).to_have_value("I live in Porto")
    visit.shot("talk-edit")
    field.fill("I live in Oslo")
    page.keyboard.press("Enter")
    expect(page.get_by_text("Oslo is bright.", exact=True)).to_be_visible()
    expect(page.locator(".line")).to_have_count(2)
    versions = page.get_by_role("group", name="Versions")
    expect(versions).to_have_text("2/2")
    visit.shot("talk-branch")
    versions.get_by_role("button", name="The version before").click()
    expect(page.get_by_text("Try the market hall.", exact=True)).to_be_visible()
    expect(page.locator(".line")).to_have_count(4)
    expect(versions).to_have_text("1/2")
    expect(page).to_have_url(re.compile(r"\?leaf=\d+$"))
    page.reload()
    expect(page.get_by_text("Try the market hall.", exact=True)).to_be_visible()

    stub_llm.script("Then by the river.")
    visit.say("I have been there")
    expect(page.get_by_text("Then by the river.", exact=True)).to_be_visible()
    expect(page.locator(".line")).to_have_count(6)
    expect(page).not_to_have_url(re.compile("leaf="))
    page.reload()
    expect(page.get_by_text("Then by the river.", exact=True)).to_be_visible()
    expect(versions).to_have_text("1/2")


def test_an_edit_can_be_left(visiting: Visiting, stub_llm: StubLLM) -> None:
    visit = visiting()
    page = begin(visit)
    stub_llm.script("Porto is lovely.")
    visit.say("I live in Porto")
    expect(page.get_by_text("Porto is lovely.", exact=True)).to_be_visible()
    for leave in ("Escape", "same"):
        page.locator(".line.user").hover()
        page.get_by_role("button", name="Edit this message").click()
        expect(page.get_by_label("Your message, anew")).to_be_focused()
        page.keyboard.press("Escape" if leave == "Escape" else "Enter")
        expect(page.get_by_label("Your message, anew")).to_have_count(0)
    expect(page.get_by_text("I live in Porto").last).to_be_visible()
    assert len(stub_llm.chats) == 1


def test_an_answer_is_given_anew_and_both_stay(visiting: Visiting, stub_llm: StubLLM) -> None:
    visit = visiting()
    page = begin(visit)
    stub_llm.script("A short tale.")
    visit.say("Tell me a story")
    expect(page.get_by_text("A short tale.", exact=True)).to_be_visible()
    stub_llm.script("A long tale.")
    page.get_by_role("button", name="Answer this anew").click()
    expect(page.get_by_text("A long tale.", exact=True)).to_be_visible()
    expect(page.get_by_text("A short tale.", exact=True)).to_be_hidden()
    expect(page.locator(".line.user")).to_have_count(1)
    versions = page.get_by_role("group", name="Versions")
    expect(versions).to_have_text("2/2")
    expect(versions.get_by_role("button", name="The version after")).to_be_disabled()
    versions.get_by_role("button", name="The version before").click()
    expect(page.get_by_text("A short tale.", exact=True)).to_be_visible()
    expect(versions).to_have_text("1/2")
    page.get_by_role("button", name="Why").click()
    expect(page.get_by_role("complementary", name="Why this answer")).to_contain_text("gpt-6-luna")


def test_what_was_just_said_stays_when_earlier_messages_come(visiting: Visiting, stub_llm: StubLLM) -> None:
    visit = visiting()
    luna = visit.luna()
    stub_llm.always(lambda body: "Aha.")
    session = visit.person.http.post("/api/v1/sessions", json={"avatar_id": luna}).json()["session_id"]
    for n in range(27):
        body = {"session_id": session, "message": f"Number {n}"}
        assert visit.person.http.post("/api/v1/chat", json=body).status_code == 200
    page = visit.sign_in(f"#/chat/{luna}/{session}")
    expect(page.locator(".line")).to_have_count(50)
    visit.say("The newest")
    expect(page.locator(".line")).to_have_count(52)
    expect(page.get_by_role("button", name="Send")).to_be_visible()
    page.get_by_role("button", name="Earlier messages").click()
    expect(page.locator(".words").get_by_text("Number 0", exact=True)).to_be_attached()
    expect(page.get_by_text("The newest", exact=True).last).to_be_attached()
    expect(page.locator(".line")).to_have_count(56)


def test_a_talk_is_made_private_before_it_begins(visiting: Visiting, stub_llm: StubLLM) -> None:
    visit = visiting()
    page = begin(visit)
    page.get_by_role("textbox", name="Message to Luna").fill("A secret")
    page.get_by_role("switch", name="Private: nothing of it is remembered").check()
    expect(page.get_by_role("heading", name="A private talk with Luna")).to_be_visible()
    expect(page.get_by_role("switch", name="Private")).to_be_checked()
    expect(page.get_by_role("textbox", name="Message to Luna")).to_have_value("A secret")
    visit.shot("talk-private-begin")
    stub_llm.script("It stays between us.")
    page.get_by_role("textbox", name="Message to Luna").press("Enter")
    expect(page.get_by_text("It stays between us.", exact=True)).to_be_visible()
    expect(page.get_by_text("Private: nothing is remembered")).to_be_visible()
    expect(page.get_by_role("switch")).to_have_count(0)
    assert [one["private"] for one in visit.person.http.get("/api/v1/sessions").json()["items"]] == [True]
    page.set_viewport_size({"width": 390, "height": 780})
    expect(page.get_by_text("Private: nothing is remembered")).to_be_visible()
    visit.shot("phone-private")


def test_what_an_avatar_may_keep_and_who_may_read_it(visiting: Visiting) -> None:
    visit = visiting(viewport={"width": 1280, "height": 860})
    page = begin(visit)
    page.get_by_role("link", name="What is set for Luna").click()
    expect(page.get_by_role("heading", name="Luna", level=1)).to_be_visible()
    page.get_by_role("switch", name="Moods").uncheck()
    page.get_by_label("Health", exact=True).select_option("local")
    expect(page.get_by_role("status").filter(has_text="Health: only the model on this machine.")).to_be_attached()
    visit.shot("avatar")
    page.get_by_label("Name", exact=True).fill("Selene")
    page.get_by_role("button", name="Keep it").click()
    expect(page.get_by_role("heading", name="Selene", level=1)).to_be_visible()
    page.reload()
    expect(page.get_by_role("switch", name="Moods")).not_to_be_checked()
    expect(page.get_by_role("switch", name="Facts")).to_be_checked()
    expect(page.get_by_label("Health", exact=True)).to_have_value("local")
    expect(page.get_by_label("Work", exact=True)).to_have_value("any")
    avatar = visit.person.http.get("/api/v1/avatars").json()["items"][0]
    assert (avatar["name"], avatar["switches"]["moods"], avatar["egress"]) == ("Selene", False, {"health": "local"})
    page.get_by_label("Health", exact=True).select_option("any")
    expect(page.get_by_role("status").filter(has_text="Health: any model.")).to_be_attached()
    page.set_viewport_size({"width": 390, "height": 780})
    assert page.evaluate("document.querySelector('.work').scrollWidth") <= 390
    visit.shot("phone-avatar")

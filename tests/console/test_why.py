"""The why drawer in a browser: memories with their terms, conclusions with what they follow from, what stayed here."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import expect

from fixtures.stub_llm import StubLLM

pytestmark = pytest.mark.browser

Visiting = Callable[..., Any]


def test_a_memory_says_why_it_was_chosen_and_where_it_was_said(visiting: Visiting, stub_llm: StubLLM) -> None:
    visit = visiting(viewport={"width": 1280, "height": 860})
    luna = visit.luna()
    stub_llm.always(lambda body: "You hate olives.")
    visit.tell(luna, "I hate olives")
    visit.kept(luna, "facts", 1)
    page = visit.sign_in(f"#/chat/{luna}")
    visit.say("What do I hate to eat, is it olives?")
    expect(page.get_by_text("You hate olives.", exact=True)).to_be_visible()
    page.get_by_role("button", name="Why").click()
    why = page.get_by_role("complementary", name="Why this answer")
    expect(why).to_contain_text("It knew something that answers this.")
    memory = why.get_by_role("listitem").filter(has_text="olives").first
    memory.get_by_text("Score ").click()
    expect(memory).to_contain_text("How fresh it is")
    visit.shot("why-memory")
    page.emulate_media(color_scheme="dark")
    visit.shot("why-memory-dark")
    expect(why.get_by_role("link", name="you,").first).to_have_attribute("href", re.compile(r"\?message=\d+$"))
    why.get_by_role("link", name="What was known at that time").click()
    expect(page.get_by_text("This is what Luna knew on")).to_be_visible()
    expect(page.get_by_role("row").filter(has_text="Dislikes olives.")).to_be_visible()


def test_a_conclusion_shows_what_it_follows_from(visiting: Visiting, stub_llm: StubLLM) -> None:
    visit = visiting(viewport={"width": 1280, "height": 860})
    luna = visit.luna()
    stub_llm.always(lambda body: "Mia is your niece.")
    visit.tell(luna, "My sister is called Ana", "Ana's daughter is Mia")
    visit.kept(luna, "facts", 1)
    page = visit.sign_in(f"#/chat/{luna}")
    visit.say("Who is Mia to me?")
    expect(page.get_by_text("Mia is your niece.", exact=True)).to_be_visible()
    page.get_by_role("button", name="Why").click()
    hint = page.get_by_role("complementary").get_by_role("listitem").filter(has_text="It follows from")
    expect(hint).to_contain_text("Conclusion")
    expect(hint.locator(".derivation li").filter(has_text="Ana")).not_to_have_count(0)
    visit.shot("why-conclusion")


def test_what_stayed_on_this_machine_is_told(visiting: Visiting, stub_llm: StubLLM) -> None:
    visit = visiting(viewport={"width": 1280, "height": 860})
    luna = visit.luna(egress={"health": "local"})
    page = visit.sign_in(f"#/chat/{luna}")
    stub_llm.always(lambda body: "Noted.")
    visit.say("My doctor says that I have diabetes and must take insulin")
    page.get_by_role("button", name="Why").click()
    why = page.get_by_role("complementary", name="Why this answer")
    expect(why.get_by_role("heading", name="Stayed on this machine: health")).to_be_visible()
    visit.shot("why-egress")
    assert not stub_llm.chats
    why.get_by_role("link", name="What may leave this machine").click()
    expect(page.get_by_label("Health", exact=True)).to_have_value("local")

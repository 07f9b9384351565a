"""Running the place in a browser: models, tools, prompts, experiments and budgets, seen and changed by an admin."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.browser

Visiting = Callable[..., Any]
WIDE = {"viewport": {"width": 1280, "height": 860}}
PHONE = {"viewport": {"width": 390, "height": 780}, "has_touch": True, "is_mobile": True}
ADMIN = "insert into user_roles (user_id, role_id) select %s, role_id from roles where role_name = 'admin'"


@pytest.fixture
def chief(visiting: Visiting, owner_conn: psycopg.Connection[Any]) -> Callable[..., Any]:
    """Opens the page for an admin."""

    def begun(**given: Any) -> Any:
        visit = visiting(**(given or WIDE))
        owner_conn.execute(ADMIN, [visit.person.user_id])
        return visit

    return begun


@pytest.fixture
def ended(owner_conn: psycopg.Connection[Any]) -> Iterator[None]:
    """No experiment outlives its test: everybody's answers would be given one of its variants."""
    yield
    owner_conn.execute(
        "update experiments set end_ts = greatest(now(), start_ts + interval '1 second') where end_ts is null"
    )


def test_who_is_no_admin_is_shown_no_way(visiting: Visiting) -> None:
    page = visiting(**WIDE).sign_in()
    expect(page.get_by_role("link", name="Avatars")).to_be_visible()
    expect(page.get_by_role("link", name="Admin")).to_have_count(0)


def test_models_and_providers_are_told_and_fetched(chief: Callable[..., Any]) -> None:
    visit = chief()
    page = visit.sign_in()
    page.get_by_role("link", name="Admin").click()
    expect(page.get_by_role("heading", name="Models", level=1)).to_be_visible()
    openai = page.get_by_role("row", name=re.compile("^openai")).last
    expect(openai).to_contain_text("OPENAI_API_KEY")
    expect(openai).to_contain_text("set up")
    page.get_by_role("button", name="Fetch or check").click()
    expect(page.get_by_role("row", name=re.compile("general"))).not_to_have_count(0)
    visit.shot("admin-models")


def test_a_plugin_is_switched_off_and_on(chief: Callable[..., Any]) -> None:
    visit = chief()
    page = visit.sign_in("#/admin/tools")
    switch = page.get_by_role("button", name="calculator: on")
    switch.click()
    try:
        expect(page.get_by_role("button", name="calculator: off")).to_be_visible()
        plugins = visit.person.http.get("/api/v1/plugins").json()["items"]
        assert [one["enabled"] for one in plugins if one["name"] == "calculator"] == [False]
    finally:
        page.get_by_role("button", name="calculator: off").click()
        expect(switch).to_be_visible()
    page.get_by_label("Name").fill("nowhere")
    page.get_by_label("Address").fill("http://127.0.0.1:9/mcp")
    page.get_by_role("button", name="Add it").click()
    expect(page.get_by_role("alert")).to_be_visible()


def test_a_prompt_is_written_changed_and_compared(chief: Callable[..., Any]) -> None:
    visit = chief()
    page = visit.sign_in("#/admin/prompts")
    for text in ("Greet briefly.", "Greet <b>warmly</b>."):
        page.get_by_label("Name").fill(f"greeting-{visit.person.user_id}")
        page.get_by_label("Text").fill(text)
        page.get_by_role("button", name="Keep it").click()
        expect(page.get_by_text(text, exact=True)).to_be_visible()
    entry = page.get_by_role("listitem").filter(has_text=f"greeting-{visit.person.user_id}")
    entry.get_by_role("button", name="What changed").click()
    expect(entry.get_by_label("What changed")).to_contain_text("+Greet <b>warmly</b>.")
    visit.shot("admin-prompts")


def test_an_experiment_is_begun_read_and_ended(chief: Callable[..., Any], ended: None) -> None:
    visit = chief()
    page = visit.sign_in("#/admin/experiments")
    name = f"greetings-{visit.person.user_id}"
    page.get_by_label("Name").first.fill(name)
    page.get_by_label("Compared by").select_option("rating")
    for legend, called in (("As it is", "before"), ("Instead", "after")):
        page.get_by_role("group", name=legend).get_by_label("Name").fill(called)
    page.get_by_role("button", name="Begin").click()
    entry = page.get_by_role("listitem").filter(has_text=name)
    entry.get_by_role("button", name="What it has shown").click()
    expect(entry.get_by_role("columnheader")).to_have_text(["Variant", "before", "after"])
    expect(entry.get_by_role("row", name="against the first")).to_contain_text("not known")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    visit.shot("admin-experiments")
    entry.get_by_role("button", name="End it").click()
    expect(entry).to_contain_text("ended")
    found = visit.person.http.get("/api/v1/experiments").json()["items"]
    assert [one["end_ts"] is not None for one in found if one["name"] == name] == [True]


def test_a_budget_is_set_seen_and_removed_on_a_phone(chief: Callable[..., Any]) -> None:
    visit = chief(**PHONE)
    page = visit.sign_in("#/admin/budgets")
    expect(page.get_by_text("None: models may cost whatever they cost.")).to_be_visible()
    page.get_by_label("At most, in tokens").fill("5000")
    page.get_by_role("button", name="Keep it").click()
    expect(page.get_by_text("0 of 5,000 tokens")).to_be_visible()
    kept = visit.person.http.get("/api/v1/users/me/budgets").json()["items"]
    assert [(one["period"], one["max_tokens"], one["imposed"]) for one in kept] == [("day", 5000, False)]
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    visit.shot("admin-budgets")
    page.get_by_role("button", name="Remove").click()
    expect(page.get_by_text("None: models may cost whatever they cost.")).to_be_visible()
    expect(page.get_by_text("Nothing yet.")).to_be_visible()

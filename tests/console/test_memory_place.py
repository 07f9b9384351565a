"""The Memory place in a browser: what is remembered, how it fades, corrected, forgotten and brought back."""

from __future__ import annotations

import csv
import json
import math
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from fixtures.stub_llm import StubLLM

pytestmark = pytest.mark.browser

Visiting = Callable[..., Any]
PATIENCE_MS = 15_000
HARBOUR = "The opening hours of the harbour of Brume: the report says that it opens at six in the morning."


def row(page: Page, text: str) -> Locator:
    return page.get_by_role("row").filter(has_text=text)


NAMELESS = """[...document.querySelectorAll('button, a, input:not([hidden]), select, textarea')]
    .filter((one) => !(one.getAttribute('aria-label') || one.labels?.length || one.textContent.trim()))
    .map((one) => one.outerHTML)"""


@pytest.fixture
def told_luna(visiting: Visiting, stub_llm: StubLLM) -> Callable[..., tuple[Any, str]]:
    """A person who has told Luna some things, before the page: the visit and Luna's id."""

    def begun(*sayings: str, facts: int = 0, episodes: int = 0, **given: Any) -> tuple[Any, str]:
        visit = visiting(**{"viewport": {"width": 1280, "height": 860}, **given})
        luna = visit.luna()
        stub_llm.always(lambda body: "Noted.")
        visit.tell(luna, *sayings)
        visit.kept(luna, "facts", facts)
        visit.kept(luna, "episodes", episodes)
        visit.sign_in(f"#/memory/{luna}")
        return visit, luna

    return begun


def test_a_fact_is_corrected_pinned_forgotten_and_brought_back(told_luna: Callable[..., tuple[Any, str]]) -> None:
    visit, luna = told_luna("I hate olives", "I live in Porto", facts=2)
    page = visit.page
    expect(row(page, "Lives in Porto.")).to_contain_text("you said “I live in Porto”")
    visit.shot("memory-facts")
    row(page, "Lives in Porto.").get_by_role("button", name="Correct").click()
    drawer = page.get_by_role("complementary", name="What is known")
    expect(drawer.get_by_text("I live in Porto")).to_be_visible()
    expect(page).to_have_url(re.compile(r"\?fact=[0-9a-f-]{36}$"))
    drawer.get_by_label("What it should say").fill("Oslo")
    drawer.get_by_label("Holds since").fill("2026-03-05")
    drawer.get_by_role("button", name="Correct it").click()
    expect(row(page, "Lives in Oslo.")).to_contain_text("since Mar 5, 2026")
    expect(row(page, "Lives in Porto.")).to_have_count(0)
    toast = page.get_by_role("group", name="Last change")
    expect(toast).to_contain_text("Corrected: Lives in Porto.")
    expect(drawer.get_by_role("heading", name="Lives in Oslo.")).to_be_visible()  # the form is the new one's
    drawer.get_by_label("Holds since").fill("")
    drawer.get_by_role("button", name="Correct it").click()
    expect(row(page, "Lives in Oslo.")).not_to_contain_text("since Mar 5, 2026")
    page.get_by_label("also what holds no more").check()
    expect(row(page, "Lives in Porto.")).to_contain_text("no longer")
    page.get_by_label("also what holds no more").uncheck()

    row(page, "Lives in Oslo.").get_by_role("button", name="Pin").click()
    expect(row(page, "Lives in Oslo.").get_by_role("button", name="Pin")).to_have_attribute("aria-pressed", "true")
    row(page, "Lives in Oslo.").get_by_role("button", name="Lives in Oslo.", exact=True).click()
    expect(drawer.get_by_role("listitem").filter(has_text="Lives in Porto.")).to_contain_text("given up")
    visit.shot("memory-fact")
    page.keyboard.press("Escape")

    row(page, "Dislikes olives.").get_by_role("button", name="Forget").click()
    expect(row(page, "Dislikes olives.")).to_have_count(0)
    expect(toast).to_contain_text("Forgotten: Dislikes olives.")
    visit.shot("memory-forgotten")
    facts = visit.person.http.get(f"/api/v1/avatars/{luna}/facts").json()["items"]
    assert [one["value"] for one in facts] == ["Oslo"]
    toast.get_by_role("button", name="Undo").click()
    expect(row(page, "Dislikes olives.")).to_be_visible()
    expect(toast).to_be_hidden()
    page.get_by_text("What you changed in the last day").click()
    expect(page.locator(".journal li").filter(has_text="Forgotten: ")).to_contain_text("undone")
    page.locator(".journal li").filter(has_text="Pinned: ").get_by_role("button", name="Undo").click()
    expect(row(page, "Lives in Oslo.").get_by_role("button", name="Pin")).to_have_attribute("aria-pressed", "false")


def test_a_change_of_mind_keeps_what_was_before(told_luna: Callable[..., tuple[Any, str]]) -> None:
    visit, luna = told_luna("I live in Porto", facts=1)
    visit.tell(luna, "I moved to Oslo")
    page = visit.page
    oslo = row(page, "Lives in Oslo.")
    for _ in range(50):
        if visit.kept(luna, "facts", 1)[0]["value"] == "Oslo":
            break
        page.wait_for_timeout(100)
    page.reload()
    expect(oslo).to_contain_text("you said “I moved to Oslo”")
    oslo.get_by_role("button", name="Lives in Oslo.", exact=True).click()
    drawer = page.get_by_role("complementary", name="What is known")
    expect(drawer.locator(".timeline li").first).to_contain_text("Lives in Oslo.")
    expect(drawer.locator(".timeline li").last).to_contain_text("Lives in Porto.")
    expect(drawer.locator(".timeline li").last).to_contain_text("given up")
    said = drawer.get_by_role("listitem").filter(has_text="you said it")
    expect(said).to_have_count(2)
    visit.shot("memory-history")
    said.filter(has_text="I live in Porto").get_by_role("link").click()
    expect(page.locator(".line.shown")).to_contain_text("I live in Porto")


def test_people_and_places_that_were_spoken_of(told_luna: Callable[..., tuple[Any, str]]) -> None:
    visit, _ = told_luna("My sister Ana lives in Lyon", "I went to the market with Ana", facts=1)
    page = visit.page
    page.get_by_role("link", name="People and places").click()
    ana = row(page, "Ana")
    expect(ana).to_contain_text("your sister")
    visit.shot("memory-entities")
    ana.get_by_role("link", name="What was said of Ana").click()
    expect(page.get_by_label("What to look for")).to_have_value("Ana")
    expect(page.locator(".ranks tbody tr").first).to_contain_text("Ana")


def test_the_keyboard_is_enough_to_forget_and_to_bring_back(told_luna: Callable[..., tuple[Any, str]]) -> None:
    visit, _ = told_luna("I hate olives", facts=1)
    page, keys = visit.page, visit.page.keyboard
    row(page, "Dislikes olives.").get_by_role("button", name="Dislikes olives.", exact=True).focus()
    keys.press("Enter")
    expect(page.get_by_role("heading", name="What is known")).to_be_focused()
    keys.press("Escape")
    expect(page.get_by_role("button", name="Dislikes olives.", exact=True)).to_be_focused()
    row(page, "Dislikes olives.").get_by_role("button", name="Forget").focus()
    keys.press("Enter")
    expect(page.get_by_text("Luna remembers nothing about you yet.")).to_be_visible()
    expect(page.get_by_role("button", name="Undo", exact=True)).to_be_focused()
    keys.press("Enter")
    expect(row(page, "Dislikes olives.")).to_be_visible()


def test_facts_are_filtered_and_shown_as_they_were_known(told_luna: Callable[..., tuple[Any, str]]) -> None:
    visit, luna = told_luna("I hate olives", "I am allergic to peanuts", facts=2)
    page = visit.page
    page.get_by_label("Only of").select_option("health")
    expect(row(page, "Is allergic to peanuts.")).to_be_visible()
    expect(row(page, "Dislikes olives.")).to_have_count(0)
    expect(page).to_have_url(re.compile(r"\?category=health$"))
    page.reload()
    expect(row(page, "Is allergic to peanuts.")).to_be_visible()
    page.get_by_label("Only of").select_option("")
    page.get_by_label("Only with these words").fill("olives")
    page.keyboard.press("Enter")
    expect(row(page, "Is allergic to peanuts.")).to_have_count(0)
    expect(row(page, "Dislikes olives.")).to_be_visible()
    visit.go(f"#/memory/{luna}?at=2020-01-01")
    expect(page.get_by_text("This is what Luna knew on 2020-01-01.")).to_be_visible()
    expect(page.get_by_text("Nothing that is known is like that.")).to_be_visible()
    page.get_by_role("button", name="Show what is known now").click()
    expect(row(page, "Dislikes olives.")).to_be_visible()


def test_facts_are_saved_as_a_table(told_luna: Callable[..., tuple[Any, str]]) -> None:
    visit, luna = told_luna("I hate olives", facts=1)
    page = visit.page
    fact = visit.kept(luna, "facts", 1)[0]
    changed = visit.person.http.patch(f"/api/v1/avatars/{luna}/facts/{fact['id']}", json={"value": '=1+1, "olives"'})
    assert changed.status_code == 200
    page.reload()
    with page.expect_download() as waiting:
        page.get_by_role("button", name="Save as CSV").click()
    saved = waiting.value
    assert saved.suggested_filename == "facts of Luna.csv"
    with saved.path().open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(one["category"], one["value"], one["status"]) for one in rows] == [
        ("preferences", '\'=1+1, "olives"', "confirmed")
    ]


def test_a_list_that_was_asked_for_before_does_not_replace_a_later_one(
    told_luna: Callable[..., tuple[Any, str]],
) -> None:
    visit, _ = told_luna("I hate olives", "I am allergic to peanuts", facts=2)
    page = visit.page
    expect(row(page, "Dislikes olives.")).to_be_visible()
    waiting: list[Any] = []
    page.route(re.compile(r"/facts\?category=health"), lambda route: waiting.append(route))
    page.get_by_label("Only of").select_option("health")
    page.get_by_label("Only of").select_option("preferences")
    expect(row(page, "Dislikes olives.")).to_be_visible()
    expect(row(page, "Is allergic to peanuts.")).to_have_count(0)
    assert len(waiting) == 1
    with page.expect_response(re.compile(r"category=health")):
        waiting[0].continue_()
    expect(row(page, "Is allergic to peanuts.")).to_have_count(0)
    expect(row(page, "Dislikes olives.")).to_be_visible()


def test_an_episode_shows_its_curve_and_the_day_it_fades(told_luna: Callable[..., tuple[Any, str]]) -> None:
    visit, luna = told_luna("I passed my driving test today. I'm so happy", episodes=1)
    page = visit.page
    page.get_by_role("link", name="What happened", exact=True).click()
    episode = visit.kept(luna, "episodes", 1)[0]
    faded = datetime.fromisoformat(episode["forget_at"])
    day = f"{faded:%b} {faded.day}, {faded.year}"
    shown = row(page, "I passed my driving test")
    expect(shown.get_by_role("img", name=f"Strength: 100 %, fades {day}")).to_be_visible()
    visit.shot("memory-episodes")
    shown.get_by_role("button", name="Correct").click()
    drawer = page.get_by_role("complementary", name="What happened")
    drawer.get_by_label("Importance, 0 to 10").fill("2")
    drawer.get_by_role("button", name="Correct it").click()
    expect(shown).to_contain_text("2.0 of 10")
    sooner = datetime.fromisoformat(visit.kept(luna, "episodes", 1)[0]["forget_at"])
    assert sooner < faded
    expect(drawer).to_contain_text(f"{sooner:%b} {sooner.day}, {sooner.year}")
    visit.shot("memory-episode")
    drawer.get_by_role("button", name="Keep it for ever").click()
    expect(shown).to_contain_text("kept for ever")
    expect(drawer.get_by_role("button", name="Let it fade")).to_be_visible()
    drawer.get_by_role("button", name="Forget it").click()
    expect(page.get_by_text("Nothing that happened to you is kept.")).to_be_visible()
    page.get_by_role("button", name="Undo", exact=True).click()
    expect(shown).to_contain_text("kept for ever")
    drawn = shown.get_by_role("link")
    drawn.click()
    expect(page.locator(".line.shown")).to_contain_text("I passed my driving test")


def test_the_curve_is_the_closed_form(visiting: Visiting) -> None:
    """exp(-0.1 · days / (1 + importance / 2 + 0.2 · ln(n + 1))): a tenth is left on the day it is forgotten."""
    visit = visiting()
    page = visit.sign_in()
    source = page.evaluate("document.querySelector('script[type=module]').src").replace("js/main.js", "memory/decay.js")
    last = datetime(2026, 3, 1, tzinfo=UTC)
    for importance, times, days in [(0, 0, 1), (7.75, 2, 12.5), (10, 40, 90), (5, 1, 0)]:
        one = {"importance": importance, "times_recalled": times, "last_recalled": last.isoformat(), "pinned": False}
        now = last + timedelta(days=days)
        strength, until = page.evaluate(
            "async ([source, one, now]) => { const { fading } = await import(source);"
            " const { now: share, until } = fading(one, now); return [share, until]; }",
            [source, {**one, "timestamp": last.isoformat()}, now.timestamp() * 1000],
        )
        boosts = 1 + 0.5 * importance / 10 + 0.2 * math.log(times + 1)
        assert strength == pytest.approx(math.exp(-0.1 * days / boosts))
        assert until / 1000 == pytest.approx((last + timedelta(days=math.log(10) * boosts / 0.1)).timestamp())


def test_memory_is_searched_by_words_by_meaning_and_by_both(told_luna: Callable[..., tuple[Any, str]]) -> None:
    visit, _ = told_luna("I hate olives", "My garden is full of olive trees", "I live in Porto", facts=2)
    page = visit.page
    page.get_by_role("link", name="Search", exact=True).click()
    page.get_by_label("What to look for").fill("olives")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(r"/search\?q=olives$"))
    ranks = page.locator(".ranks tbody tr")
    expect(ranks.first).to_contain_text("olives")
    expect(page.get_by_role("columnheader", name="Both")).to_have_attribute("aria-sort", "ascending")
    page.get_by_role("button", name="By words").click()
    expect(page.get_by_role("columnheader", name="By words")).to_have_attribute("aria-sort", "ascending")
    expect(ranks.first.locator("td").nth(2)).to_have_text("1")
    ranks.first.get_by_text("Why ").click()
    expect(ranks.first).to_contain_text("Has rare words of the question (BM25)")
    visit.shot("memory-search")
    page.get_by_label("Among").select_option("fact")
    page.get_by_role("button", name="Search", exact=True).click()
    expect(ranks.filter(has_text="said ·")).to_have_count(0)
    ranks.filter(has_text="Dislikes olives.").get_by_role("button", name="Dislikes olives.").click()
    expect(page.get_by_role("complementary", name="What is known")).to_contain_text("I hate olives")


def test_past_chats_are_brought_in_and_taken_back(visiting: Visiting, stub_llm: StubLLM) -> None:
    visit = visiting(viewport={"width": 1280, "height": 860})
    luna = visit.luna()
    stub_llm.always(lambda body: "[]")
    page = visit.sign_in(f"#/memory/{luna}/past")
    expect(page.get_by_text("None yet.")).to_be_visible()
    turns = [("Maria", "I live in Porto", "2024-03-01T10:00:00Z"), ("Ben", "How nice!", "2024-03-01T10:01:00Z")]
    sent = [
        {"id": n, "session": 1, "speaker": who, "text": text, "date": at} for n, (who, text, at) in enumerate(turns)
    ]
    exported = {"name": "old.json", "mimeType": "application/json", "buffer": json.dumps({"turns": sent}).encode()}
    page.get_by_label("Who you are in it").fill("Maria")
    page.get_by_label("Exports of past chats").set_input_files([exported])
    entry = page.get_by_label("Past chats that were brought in").get_by_role("listitem")
    expect(entry).to_contain_text("Remembered: 2 messages of 1 talk", timeout=PATIENCE_MS)
    visit.shot("memory-past")
    visit.kept(luna, "facts", 1)
    entry.get_by_role("link", name="What was learnt").click()
    fact = row(page, "Lives in Porto.")
    expect(fact).to_contain_text("from past chats")
    fact.get_by_role("link", name="you said").click()
    expect(page.locator(".line.shown")).to_contain_text("I live in Porto")
    visit.go(f"#/memory/{luna}/past")
    entry.get_by_role("button", name="Forget old.json").click()
    page.get_by_role("dialog").get_by_role("button", name="Forget it").click()
    expect(page.get_by_text("None yet.")).to_be_visible()
    assert visit.person.http.get(f"/api/v1/avatars/{luna}/facts").json()["items"] == []


def test_a_source_far_back_in_a_long_talk_is_found(visiting: Visiting, stub_llm: StubLLM) -> None:
    """What is big is sent as an upload of its own; the link to the first message reads all of the talk."""
    visit = visiting()
    luna = visit.luna()
    stub_llm.always(lambda body: "[]")
    first = {"speaker": "me", "text": "I am allergic to peanuts", "date": "2024-03-01T10:00:00Z"}
    more = [
        {"speaker": "me" if n % 2 else "Ben", "text": f"Line {n}", "date": f"2024-03-01T1{1 + n // 60}:{n % 60:02}:00Z"}
        for n in range(260)
    ]
    page = visit.sign_in(f"#/memory/{luna}/past")
    page.get_by_label("Who you are in it").fill("me")
    big = json.dumps({"turns": [first, *more]}).encode() + b" " * 4_100_000
    exported = {"name": "long.json", "mimeType": "application/json", "buffer": big}
    page.get_by_label("Exports of past chats").set_input_files([exported])
    entry = page.get_by_label("Past chats that were brought in").get_by_role("listitem")
    expect(entry).to_contain_text("Remembered: 261 messages of 1 talk", timeout=PATIENCE_MS)
    entry.get_by_role("link", name="What was learnt").click()
    row(page, "Is allergic to peanuts.").get_by_role("link", name="you said").click()
    expect(page.locator(".line.shown")).to_contain_text("I am allergic to peanuts")
    expect(page.locator(".line.shown")).to_be_in_viewport()


def test_an_export_that_cannot_be_read_says_so(visiting: Visiting) -> None:
    visit = visiting()
    luna = visit.luna()
    page = visit.sign_in(f"#/memory/{luna}/past")
    cut = {"name": "cut.json", "mimeType": "application/json", "buffer": b'[{"title": "Half", "mapping": {"a": {"mess'}
    page.get_by_label("Exports of past chats").set_input_files([cut])
    entry = page.get_by_label("Past chats that were brought in").get_by_role("listitem")
    failed = entry.locator(".mark[data-mark=failed]").or_(page.get_by_label("Files").locator(".upload"))
    expect(failed).to_have_text(re.compile(r"\w+ \w+"), timeout=PATIENCE_MS)
    assert visit.person.http.get("/api/v1/sessions").json()["items"] == []


def test_an_avatar_sleeps_when_it_is_asked_to(told_luna: Callable[..., tuple[Any, str]]) -> None:
    visit, luna = told_luna("I hate olives", facts=1)
    page = visit.page
    visit.go(f"#/memory/{luna}/sleep")
    expect(page.get_by_text("Luna has not slept yet.")).to_be_visible()
    page.get_by_role("button", name="Let Luna sleep now").click()
    expect(page.get_by_text("Luna is awake, and slept last")).to_be_visible(timeout=PATIENCE_MS)
    expect(row(page, "Duplicates folded")).to_contain_text("done")
    visit.shot("memory-sleep")


def test_a_question_that_was_not_answered_is_put_aside(visiting: Visiting, stub_llm: StubLLM) -> None:
    visit = visiting(viewport={"width": 1280, "height": 860})
    luna = visit.luna()
    stub_llm.always(lambda body: "I do not know when it opens.")
    asked = "What does the report say about the opening hours of the harbour of Brume?"
    visit.tell(luna, asked)
    page = visit.sign_in(f"#/memory/{luna}/curiosity")
    visit.kept(luna, "gaps", 1)
    page.reload()
    gap = row(page, asked)
    expect(gap).to_contain_text("you asked, and it was not known")
    expect(page.get_by_text("Luna looks things up by itself")).to_be_visible()
    expect(gap).to_contain_text("nothing found", timeout=PATIENCE_MS)
    rules = {"title": "Harbour rules", "text": HARBOUR}
    brought = visit.person.http.post("/api/v1/documents", json=rules).json()["document_id"]
    for _ in range(100):
        if visit.person.http.get(f"/api/v1/documents/{brought}").json()["state"] == "done":
            break
        page.wait_for_timeout(100)
    gap.get_by_role("button", name="Look again").click()
    expect(gap).to_contain_text(HARBOUR, timeout=PATIENCE_MS)
    expect(gap.get_by_role("link", name="Harbour rules")).to_be_visible()
    visit.shot("memory-curiosity")
    page.get_by_label("Searches a day").fill("3")
    page.keyboard.press("Tab")
    expect(page.get_by_role("status").filter(has_text="That was kept.")).to_be_attached()
    gap.get_by_role("button", name="Put aside").click()
    expect(gap).to_contain_text("put aside")
    page.reload()
    expect(page.get_by_label("Searches a day")).to_have_value("3")
    gap.get_by_role("button", name="Look again").click()
    expect(gap.get_by_role("button", name="Put aside")).to_be_visible()


def test_what_people_wrote_is_text_in_memory_too(told_luna: Callable[..., tuple[Any, str]]) -> None:
    visit, luna = told_luna("I live in Porto", facts=1)
    page = visit.page
    fact = visit.kept(luna, "facts", 1)[0]
    evil = "<img src=x onerror=\"document.title='stolen'\"><b>Porto</b>"
    changed = visit.person.http.patch(f"/api/v1/avatars/{luna}/facts/{fact['id']}", json={"value": evil})
    assert changed.status_code == 200
    page.reload()
    expect(row(page, "Lives in <img src=x")).to_contain_text("<b>Porto</b>")
    expect(page.locator("table :is(img, b)")).to_have_count(0)
    assert "stolen" not in page.title()


def test_memory_fits_a_phone(told_luna: Callable[..., tuple[Any, str]]) -> None:
    phone = {"viewport": {"width": 390, "height": 780}, "has_touch": True, "is_mobile": True}
    visit, luna = told_luna(
        "I hate olives", "I passed my driving test today. I'm so happy", facts=1, episodes=1, **phone
    )
    page = visit.page
    for part in ("", "/episodes", "/entities", "/search?q=olives", "/curiosity", "/past", "/sleep"):
        visit.go(f"#/memory/{luna}{part}")
        current = page.get_by_role("navigation", name="Memory").locator("[aria-current=page]")
        expect(current).to_have_count(1)
        expect(page.locator(".memory > .waiting")).to_have_count(0)
        expect(current).to_be_in_viewport()
        visit.shot(f"phone-memory{part.partition('?')[0].replace('/', '-')}")
        assert page.evaluate("document.querySelector('.work').scrollWidth") <= 390, part
        assert page.evaluate(NAMELESS) == [], part
    visit.go(f"#/memory/{luna}")
    row(page, "Dislikes olives.").get_by_role("button", name="Dislikes olives.", exact=True).click()
    sheet = page.get_by_role("complementary", name="What is known")
    expect(sheet.get_by_label("What it should say")).to_have_value("olives")
    box = sheet.bounding_box()
    assert box is not None
    assert (box["x"], box["width"]) == (0, 390)
    visit.shot("phone-memory-fact")

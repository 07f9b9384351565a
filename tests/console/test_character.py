"""Avatars as characters in a browser: gallery, making one, a personality edited beside what it becomes, feelings."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import psycopg
import pytest
from playwright.sync_api import Page, expect

from fixtures.stub_llm import StubLLM

pytestmark = pytest.mark.browser

Visiting = Callable[..., Any]
WIDE = {"viewport": {"width": 1360, "height": 900}}
PHONE = {"viewport": {"width": 390, "height": 800}, "has_touch": True, "is_mobile": True}


def both(visit: Any, name: str) -> None:
    """A picture by day and one by night, and nothing that is wider than the page."""
    assert visit.page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    visit.shot(f"character-{name}")
    visit.page.emulate_media(color_scheme="dark")
    visit.shot(f"character-{name}-dark")
    visit.page.emulate_media(color_scheme="light")


def test_somebody_ready_is_looked_at_and_invited(visiting: Visiting) -> None:
    visit = visiting(**WIDE)
    page = visit.sign_in()
    page.get_by_role("link", name="Avatars").click()
    expect(page.get_by_role("heading", name="Ready to come")).to_be_visible()
    expect(page.get_by_text("Nobody yet")).to_be_visible()
    both(visit, "gallery-empty")
    page.get_by_role("link", name=re.compile("^Luna")).click()
    expect(page.get_by_role("heading", name="Luna", exact=True)).to_be_visible()
    expect(page.locator(".sayings")).to_contain_text("Strange days deserve to be told")
    expect(page.locator(".traits")).to_contain_text("follows ideas")
    both(visit, "ready")
    page.get_by_label("Name here").fill("Moon")
    page.get_by_role("button", name="Invite").click()
    expect(page.get_by_role("heading", name="Say hello to Moon")).to_be_visible()
    page.get_by_role("link", name="Avatars").click()
    expect(page.locator(".resident")).to_contain_text("Moon")
    visit.shot("character-gallery")


def test_somebody_is_made_in_four_steps(visiting: Visiting) -> None:
    visit = visiting(**PHONE)
    page = visit.sign_in("#/avatars/new")
    page.get_by_label("What is it called?").fill("Mia")
    page.get_by_label("Who is it?").fill("You are a patient gardener.")
    both(visit, "wizard-phone")
    page.get_by_role("button", name="Go on").click()
    expect(page.get_by_role("heading", name="Its voice")).to_be_focused()
    page.get_by_label("How does it sound?").fill("dry")
    page.get_by_label("Emojis").select_option("none")
    page.get_by_role("button", name="Go on").click()
    page.get_by_label("Extraversion", exact=True).fill("0.9")
    expect(page.locator(".slider").filter(has_text="Extraversion")).to_contain_text("very much: talkative")
    visit.shot("character-wizard-traits-phone")
    page.get_by_role("button", name="Go on").click()
    drawn = page.locator(".becoming svg.portrait path").first.get_attribute("fill")
    page.get_by_role("button", name="Make Mia").click()
    expect(page.get_by_role("heading", name="Say hello to Mia")).to_be_visible()
    expect(page.locator("main svg.portrait path").first).to_have_attribute("fill", drawn or "none")  # as it was shown
    (mia,) = visit.person.http.get("/api/v1/avatars").json()["items"]
    assert mia["personality"]["big_five"] == {"extraversion": 0.9}
    assert mia["personality"]["persona"]["description"] == "You are a patient gardener."


def source_of(page: Page) -> Any:
    return page.get_by_label("The personality as JSON")


def test_a_personality_is_edited_beside_what_it_becomes(visiting: Visiting) -> None:
    visit = visiting(**WIDE)
    luna = visit.luna()
    before = visit.person.http.get(f"/api/v1/avatars/{luna}").json()["personality"]
    page = visit.sign_in(f"#/avatar/{luna}/personality")
    prompt = page.get_by_role("region", name="The prompt")
    expect(prompt).to_contain_text("Luna")
    both(visit, "editor")
    page.get_by_label("Tone").fill("stern as a judge")
    expect(prompt.locator("ins").first).to_contain_text("stern")
    page.get_by_label("Closeness", exact=True).fill("90")
    expect(page.locator(".preview")).to_contain_text("close friend")
    expect(prompt.locator("ins").filter(has_text="trust")).not_to_have_count(0)
    visit.shot("character-editor-changed")
    page.get_by_role("button", name="Keep it").click()
    expect(page.get_by_text("As it is kept")).to_be_visible()
    kept = visit.person.http.get(f"/api/v1/avatars/{luna}").json()["personality"]
    assert kept["persona"]["tone"] == "stern as a judge"
    assert {**kept, "persona": {**kept["persona"], "tone": before["persona"]["tone"]}} == before

    page.get_by_role("button", name="As text").click()
    text = json.dumps({**kept, "big_five": {"openness": 7}}, indent=2)
    source_of(page).fill(text)
    line = next(number for number, one in enumerate(text.split("\n"), 1) if '"openness"' in one)
    problem = page.get_by_role("list", name="Problems").get_by_role("listitem").first
    expect(problem).to_contain_text(f"Line {line}, column")
    expect(page.locator(".code-line[data-wrong]")).to_contain_text("openness")
    expect(page.get_by_role("button", name="Keep it")).to_be_disabled()
    page.get_by_role("button", name="Which?").click()
    expect(problem.get_by_role("button")).to_be_focused()
    problem.get_by_role("button").click()
    expect(source_of(page)).to_be_focused()
    both(visit, "editor-problem")
    source_of(page).fill('{"persona": {"name": "Luna"},,}')
    expect(problem).to_contain_text("Line 1, column 30")
    page.get_by_role("button", name="Back to what is kept").click()
    expect(page.get_by_role("list", name="Problems")).to_have_count(0)


def test_the_editor_on_a_phone(visiting: Visiting) -> None:
    visit = visiting(**PHONE)
    luna = visit.luna()
    page = visit.sign_in(f"#/avatar/{luna}/personality?as=text")
    expect(source_of(page)).to_have_value(re.compile("Luna"))
    both(visit, "editor-text-phone")
    page.get_by_role("button", name="As a form").click()
    expect(page.get_by_label("Name of the personality")).to_have_value("Luna")
    visit.shot("character-editor-phone")


def test_versions_say_what_they_changed_and_come_back(visiting: Visiting) -> None:
    visit = visiting(**WIDE)
    luna = visit.luna()
    personality = visit.person.http.get(f"/api/v1/avatars/{luna}").json()["personality"]
    sterner = {**personality, "persona": {**personality["persona"], "tone": "stern as a judge"}, "values": ["order"]}
    assert visit.person.http.patch(f"/api/v1/avatars/{luna}", json={"personality": sterner}).status_code == 200
    page = visit.sign_in(f"#/avatar/{luna}/versions")
    versions = page.locator(".versions > li")
    expect(versions).to_have_count(2)
    expect(versions.first).to_contain_text("the present one")
    page.get_by_role("button", name="Version 1: what is different now").click()
    changes = page.locator(".changes")
    expect(changes.locator("ins").filter(has_text="stern as a judge")).to_be_visible()
    expect(changes.locator("del").filter(has_text="playful")).to_be_visible()
    both(visit, "versions")
    page.get_by_role("button", name="Restore version 1").click()
    page.get_by_role("button", name="Restore it", exact=True).last.click()
    expect(versions).to_have_count(3)
    expect(versions.first).to_contain_text("brought back from version 1")
    page.get_by_role("link", name="Personality").click()
    expect(page.get_by_label("Tone")).to_have_value(personality["persona"]["tone"])


CARD = {
    "spec": "chara_card_v2",
    "spec_version": "2.0",
    "data": {
        "name": "Aria",
        "description": "{{char}} sings in a harbour bar and keeps a reef garden.",
        "personality": "warm, restless",
        "scenario": "",
        "first_mes": "You came back!",
        "mes_example": "",
        "creator_notes": "Best in the evening.",
        "system_prompt": "",
        "post_history_instructions": "",
        "alternate_greetings": [],
        "tags": ["singer"],
        "creator": "somebody",
        "character_version": "1.0",
        "extensions": {},
        "character_book": {
            "entries": [{"keys": ["reef"], "content": "The reef is old.", "enabled": True, "insertion_order": 1}],
            "extensions": {},
        },
    },
}


def test_a_card_is_looked_at_before_it_comes_in_and_goes_out_again(visiting: Visiting) -> None:
    visit = visiting(**WIDE)
    page = visit.sign_in("#/avatars")
    given = {"name": "aria.json", "mimeType": "application/json", "buffer": json.dumps(CARD).encode()}
    page.get_by_label("A card or a snapshot").set_input_files(given)
    card = page.get_by_role("form", name="The card")
    expect(card).to_contain_text("by somebody")
    expect(card).to_contain_text("1 greeting")
    assert visit.person.http.get("/api/v1/avatars").json()["items"] == []
    both(visit, "card")
    card.get_by_label("Name here").fill("Aria of the bar")
    card.get_by_role("button", name="Bring it in").click()
    expect(page.get_by_role("heading", name="Aria of the bar", exact=True)).to_be_visible()
    page.get_by_role("link", name="Take along").click()
    with page.expect_download() as waiting:
        page.get_by_role("button", name="Save as JSON").click()
    with open(waiting.value.path(), encoding="utf-8") as saved:
        assert json.load(saved)["data"]["creator"] == "somebody"
    both(visit, "take-along")


def test_a_file_that_is_no_card_says_so(visiting: Visiting) -> None:
    visit = visiting()
    page = visit.sign_in("#/avatars")
    given = {"name": "list.json", "mimeType": "application/json", "buffer": b"[1, 2"}
    page.get_by_label("A card or a snapshot").set_input_files(given)
    expect(page.get_by_role("alert")).to_contain_text("card")
    expect(page.get_by_role("form", name="The card")).to_have_count(0)


def test_the_way_of_writing_is_read_corrected_switched_off_and_forgotten(visiting: Visiting) -> None:
    visit = visiting(**WIDE)
    page = visit.sign_in("#/you")
    section = page.locator("#writing")
    expect(section).to_contain_text("Nothing is measured yet")
    section.get_by_label("Emojis").select_option("none")
    expect(page.get_by_text("That counts now.")).to_have_count(1)
    style = visit.person.http.get("/api/v1/users/me/style").json()
    assert style["traits"]["emoji"]["corrected"] == "none"
    section.scroll_into_view_if_needed()
    both(visit, "writing")
    section.get_by_role("switch", name="Learn how I write").uncheck()
    expect(section.get_by_label("Emojis")).to_have_count(0)
    assert visit.person.http.get("/api/v1/users/me/style").json()["enabled"] is False
    section.get_by_role("button", name="Forget how I write").click()
    page.get_by_role("button", name="Forget it").click()
    expect(page.get_by_text("Forgotten.")).to_have_count(1)
    assert visit.person.http.get("/api/v1/users/me/style").json()["traits"]["emoji"]["corrected"] is None


def test_feelings_stand_beside_the_talk(visiting: Visiting, stub_llm: StubLLM) -> None:
    visit = visiting(**WIDE)
    luna = visit.luna()
    stub_llm.always(lambda body: "That is wonderful.")
    visit.tell(
        luna, "Haha, great news, I am so happy!", "I love it, thank you, you are wonderful", "I feel so sad and lonely"
    )
    page = visit.sign_in(f"#/chat/{luna}")
    standing = page.locator(".head .standing")
    expect(standing.locator("circle")).to_have_attribute("fill", re.compile("oklch"))
    state = visit.person.http.get(f"/api/v1/avatars/{luna}/state").json()
    expect(standing).to_contain_text(f"{state['mood']} · new acquaintance")
    assert not [url for url in visit.asked if "uplot" in url]
    standing.click()
    drawer = page.get_by_role("complementary", name="How it feels")
    expect(drawer).to_contain_text(re.compile(r"Valence.*(un)?pleasant"))
    expect(drawer.get_by_role("img", name=re.compile("^3 moments; valence"))).to_be_visible()
    expect(drawer.locator("canvas")).to_be_visible()
    expect(drawer.get_by_label(re.compile("Closeness: "))).to_be_visible()
    drawer.get_by_text("What moves it").click()
    expect(drawer).to_contain_text(re.compile(r"dopamine.*nM"))
    both(visit, "talk-feelings")
    with page.expect_download() as waiting:
        drawer.get_by_role("button", name="as CSV").click()
    rows = waiting.value.path().read_text().splitlines()
    assert rows[0].startswith("at,mood,valence,arousal")
    assert len(rows) == 4
    page.keyboard.press("Escape")
    expect(standing).to_be_focused()
    page.goto(f"{visit.site}/#/avatar/{luna}/feelings")
    expect(page.locator(".page canvas")).to_be_visible()
    both(visit, "feelings-real")


def test_help_is_calm_can_be_dialled_and_is_there_again_later(visiting: Visiting, stub_llm: StubLLM) -> None:
    visit = visiting(**PHONE, locale="fr-FR")
    luna = visit.luna()
    page = visit.sign_in("#/you")
    page.get_by_label("Country whose help lines").select_option("FR")
    page.get_by_text("Whom one can call in France").click()
    expect(page.get_by_role("link", name="Call 3114")).to_have_attribute("href", "tel:3114")
    page.locator("#safety").scroll_into_view_if_needed()
    both(visit, "help-phone")
    page.goto(f"{visit.site}/#/chat/{luna}")
    stub_llm.always(lambda body: "I am here.")
    visit.say("I want to kill myself tonight")
    care = page.locator(".care")
    expect(care.get_by_role("link", name="Call 3114")).to_have_attribute("href", "tel:3114")
    expect(care.get_by_role("link", name="Call 112")).to_be_visible()
    expect(care).to_have_attribute("role", "status")
    both(visit, "care-real-phone")
    page.reload()
    expect(care.get_by_role("link", name="Call 3114")).to_be_visible()


def test_minor_mode_is_turned_on_by_oneself_and_not_off_again(visiting: Visiting) -> None:
    visit = visiting()
    page = visit.sign_in("#/you")
    page.get_by_role("button", name="Turn minor mode on…").click()
    page.get_by_role("button", name="Turn it on", exact=True).click()
    expect(page.locator("#safety strong")).to_have_text("Minor mode is on.")
    expect(page.get_by_role("button", name="Turn minor mode on…")).to_have_count(0)
    assert visit.person.http.get("/api/v1/users/me/safety").json()["age"] == "minor"


def test_admins_see_what_safety_does_here(visiting: Visiting, owner_conn: psycopg.Connection[Any]) -> None:
    visit = visiting(**WIDE)
    page = visit.sign_in()
    expect(page.get_by_role("link", name="Safety")).to_have_count(0)
    owner_conn.execute(
        "insert into user_roles (user_id, role_id) select %s, role_id from roles where role_name = 'admin'",
        [visit.person.user_id],
    )
    page.reload()
    page.get_by_role("link", name="Safety").click()
    breaks = page.get_by_label("Reminders of a pause")
    breaks.select_option("everyone")
    try:
        expect(page.get_by_text("That was kept.")).to_have_count(1)
        now = {one["key"]: one["value"] for one in visit.person.http.get("/api/v1/settings").json()["items"]}
        assert now["safety.breaks"] == "everyone"
        expect(page.get_by_text("Only numbers are kept")).to_be_visible()
        both(visit, "safety-real")
    finally:
        owner_conn.execute("delete from settings where key like 'safety.%'")


def test_a_snapshot_says_what_it_would_do_and_then_does_it(visiting: Visiting, stub_llm: StubLLM) -> None:
    visit = visiting(**WIDE)
    luna = visit.luna()
    stub_llm.always(lambda body: "Noted.")
    visit.tell(luna, "I hate olives")
    visit.kept(luna, "facts", 1)
    page = visit.sign_in(f"#/avatar/{luna}/file")
    with page.expect_download() as waiting:
        page.get_by_role("button", name="Save a snapshot").click()
    saved = waiting.value.path().read_bytes()
    assert visit.person.http.delete(f"/api/v1/avatars/{luna}").status_code == 204
    page.goto(f"{visit.site}/#/avatars")
    given = {"name": "luna.json", "mimeType": "application/json", "buffer": saved}
    page.get_by_label("A card or a snapshot").set_input_files(given)
    plan = page.get_by_role("form", name="The snapshot")
    expect(plan).to_contain_text("Luna would come here as a new avatar.")
    expect(plan.get_by_role("row").filter(has_text="facts").first).to_contain_text("1")
    assert visit.person.http.get("/api/v1/avatars").json()["items"] == []
    both(visit, "snapshot")
    plan.get_by_role("button", name="Do it").click()
    expect(page.get_by_role("heading", name="Luna", exact=True)).to_be_visible()
    (found,) = visit.person.http.get("/api/v1/avatars").json()["items"]
    facts = visit.person.http.get(f"/api/v1/avatars/{found['avatar_id']}/facts").json()["items"]
    assert ["olives" in one["text"] for one in facts] == [True]

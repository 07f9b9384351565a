"""A person's own data in a browser: taken along, memory erased, an avatar deleted, the account closed."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Callable
from typing import Any

import psycopg
import pytest
from playwright.sync_api import Locator, Page, expect

from fixtures.stub_llm import StubLLM

pytestmark = pytest.mark.browser

Visiting = Callable[..., Any]
WIDE = {"viewport": {"width": 1280, "height": 860}}
PHONE = {"viewport": {"width": 390, "height": 780}, "has_touch": True, "is_mobile": True}
ME = "/api/v1/users/me"


@pytest.fixture
def told(visiting: Visiting, stub_llm: StubLLM) -> Callable[..., tuple[Any, str]]:
    """Somebody who has told Luna that they hate olives: the visit, and Luna's id."""

    def begun(**given: Any) -> tuple[Any, str]:
        visit = visiting(**(given or WIDE))
        luna = visit.luna()
        stub_llm.always(lambda body: "Noted.")
        visit.tell(luna, "I hate olives")
        visit.kept(luna, "facts", 1)
        return visit, luna

    return begun


def ask_to_close(page: Page, password: str) -> Locator:
    page.get_by_role("button", name="Close your account…").click()
    dialog = page.get_by_role("dialog", name="Close your account for good?")
    dialog.get_by_label("Your password").fill(password)
    dialog.get_by_role("button", name="Close my account").click()
    return dialog


def test_everything_is_taken_along(told: Callable[..., tuple[Any, str]]) -> None:
    visit, _ = told()
    page = visit.sign_in()
    page.get_by_role("navigation", name="Places").get_by_role("link", name=visit.person.username).click()
    expect(page.get_by_role("heading", name="You and your data")).to_be_visible()
    expect(page.get_by_text(f"{visit.person.username}@example.org")).to_be_visible()
    page.get_by_text("What is in it, and what is not").click()
    expect(page.get_by_text("passwords, keys and tokens")).to_be_visible()
    with page.expect_download() as waiting:
        page.get_by_role("button", name="Save the archive").click()
    saved = waiting.value
    assert re.fullmatch(r"anima-export-\d{4}-\d\d-\d\d\.zip", saved.suggested_filename)
    with zipfile.ZipFile(saved.path()) as archive:
        assert archive.testzip() is None
        assert b"olives" in archive.read("facts.ndjson")
        assert visit.person.username.encode() in archive.read("account.ndjson")
    expect(page.get_by_text("Your browser saves it")).to_be_visible()
    visit.shot("you")
    page.emulate_media(color_scheme="dark")
    visit.shot("you-dark")


def test_an_archive_that_cannot_be_made_says_so(visiting: Visiting) -> None:
    visit = visiting()
    page = visit.sign_in("#/you")
    page.route(re.compile(r"/users/me$"), lambda route: route.abort())
    page.get_by_role("button", name="Save the archive").click()
    expect(page.get_by_role("alert")).to_contain_text("The server does not answer.")


def test_all_memory_is_erased_once_the_word_is_typed(told: Callable[..., tuple[Any, str]]) -> None:
    visit, luna = told()
    page = visit.sign_in("#/you")
    page.get_by_role("button", name="Erase all memory…").click()
    dialog = page.get_by_role("dialog", name="Erase all memory of you?")
    expect(dialog).to_contain_text("pinned ones too")
    expect(dialog).to_contain_text("your talks, with what was said in them")
    visit.shot("you-erase")
    word = dialog.get_by_label("Type “erase” to go on")
    word.fill("yes")
    dialog.get_by_role("button", name="Erase it").click()
    assert word.evaluate("one => one.validity.patternMismatch")
    assert len(visit.kept(luna, "facts", 1)) == 1
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    expect(page.get_by_role("button", name="Erase all memory…")).to_be_focused()
    page.keyboard.press("Enter")
    word.fill("Erase ")
    page.keyboard.press("Enter")
    expect(page.get_by_text(re.compile(r"Erased: 1 fact and 0 episodes; \d messages? can no longer"))).to_have_count(2)
    expect(dialog).to_be_hidden()
    assert visit.person.http.get(f"/api/v1/avatars/{luna}/facts").json()["items"] == []
    page.get_by_role("link", name="I hate olives").first.click()
    expect(page.get_by_text("Noted.")).to_be_visible()


def test_a_wrong_password_closes_nothing_and_signs_nobody_out(told: Callable[..., tuple[Any, str]]) -> None:
    visit, _ = told()
    page = visit.sign_in("#/you")
    asked = len(visit.asked)
    dialog = ask_to_close(page, "something else")
    expect(dialog.get_by_role("alert")).to_contain_text("That is not your password. Nothing was changed.")
    expect(dialog.get_by_label("Your password")).to_be_focused()
    visit.shot("you-close-wrong")
    assert [url for url in visit.asked[asked:] if url.endswith((ME, "/refresh"))] == [visit.site + ME]
    dialog.get_by_role("button", name="Change nothing").click()
    expect(page.get_by_role("heading", name="You and your data")).to_be_visible()
    assert visit.person.http.get(ME).status_code == 200


def test_an_account_is_closed_for_good(told: Callable[..., tuple[Any, str]]) -> None:
    visit, _ = told()
    page = visit.sign_in("#/you")
    page.get_by_role("button", name="Close your account…").click()
    expect(page.get_by_role("dialog")).to_contain_text("sign-ins on every device")
    visit.shot("you-close")
    page.emulate_media(color_scheme="dark")
    visit.shot("you-close-dark")
    page.get_by_role("button", name="Change nothing").click()
    ask_to_close(page, visit.person.password)
    expect(page.get_by_role("heading", name="Your account is closed")).to_be_visible()
    expect(page).to_have_url(re.compile("/console/closed$"))
    visit.shot("you-closed")
    assert page.context.cookies() == []
    assert visit.person.username not in page.content()
    assert visit.person.http.get(ME).status_code == 401
    page.get_by_role("link", name="Sign in with another account").click()
    page.get_by_label("User name").fill(visit.person.username)
    page.get_by_label("Password").fill(visit.person.password)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("alert")).to_contain_text("The user name or the password is wrong.")


def test_the_last_admin_is_told_why_not(visiting: Visiting, owner_conn: psycopg.Connection[Any]) -> None:
    visit = visiting(**WIDE)
    admins = owner_conn.execute(
        "delete from user_roles using roles where roles.role_id = user_roles.role_id and role_name = 'admin' "
        "returning user_id, user_roles.role_id"
    ).fetchall()
    owner_conn.execute(
        "insert into user_roles (user_id, role_id) select %s, role_id from roles where role_name = 'admin'",
        [visit.person.user_id],
    )
    try:
        page = visit.sign_in("#/you")
        dialog = ask_to_close(page, visit.person.password)
        expect(dialog.get_by_role("alert")).to_contain_text("You are the only admin here")
        visit.shot("you-last-admin")
        assert visit.person.http.get(ME).status_code == 200
    finally:
        with owner_conn.cursor() as cursor:
            cursor.executemany("insert into user_roles (user_id, role_id) values (%s, %s)", admins)


def test_an_avatar_is_deleted_and_its_talks_can_still_be_read(told: Callable[..., tuple[Any, str]]) -> None:
    visit, luna = told()
    page = visit.sign_in(f"#/avatar/{luna}")
    page.get_by_role("button", name="Delete Luna…").click()
    dialog = page.get_by_role("dialog", name="Delete Luna?")
    expect(dialog).to_contain_text("the talks with Luna, to be read")
    visit.shot("avatar-delete")
    dialog.get_by_role("button", name="Delete it").click()
    expect(page.get_by_role("heading", name="Nobody lives here yet.")).to_be_visible()
    page.get_by_role("main").get_by_role("link", name="I hate olives").click()
    expect(page.get_by_text("Noted.")).to_be_visible()
    assert visit.person.http.get("/api/v1/avatars").json()["items"] == []


def test_an_avatar_is_deleted_with_its_talks(told: Callable[..., tuple[Any, str]]) -> None:
    visit, luna = told()
    page = visit.sign_in(f"#/avatar/{luna}")
    page.get_by_role("button", name="Delete Luna…").click()
    dialog = page.get_by_role("dialog", name="Delete Luna?")
    dialog.get_by_label("Also delete the talks with Luna").check()
    expect(dialog).to_contain_text("past chats that were brought to it")
    dialog.get_by_role("button", name="Delete it").click()
    expect(page.get_by_text("No talk yet.")).to_be_visible()
    assert visit.person.http.get("/api/v1/sessions").json()["items"] == []


def test_your_data_fits_a_phone(told: Callable[..., tuple[Any, str]]) -> None:
    visit, luna = told(**PHONE)
    page = visit.sign_in("#/you")
    page.get_by_text("What is in it, and what is not").click()
    page.get_by_role("button", name="Menu").click()
    expect(page.get_by_role("link", name=visit.person.username)).to_be_in_viewport()
    visit.shot("phone-you-menu")
    page.keyboard.press("Escape")
    visit.shot("phone-you")
    assert page.evaluate("document.querySelector('.work').scrollWidth") <= 390
    for place, button, name in (
        ("#/you", "Erase all memory…", "phone-you-erase"),
        ("#/you", "Close your account…", "phone-you-close"),
        (f"#/avatar/{luna}", "Delete Luna…", "phone-avatar-delete"),
    ):
        visit.go(place)
        page.get_by_role("button", name=button).click()
        dialog = page.get_by_role("dialog")
        expect(dialog).to_be_visible()
        visit.shot(name)
        assert dialog.evaluate("one => one.scrollWidth <= one.clientWidth"), name
        box = dialog.bounding_box()
        assert box is not None
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= 390
        assert box["y"] + box["height"] <= 780
        page.keyboard.press("Escape")
        expect(dialog).to_be_hidden()

"""The page in a browser: what a person does there, and what they see."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from anima.identity import service as identity
from fixtures.measured import until
from fixtures.stub_llm import Reply, StubLLM, failure

pytestmark = pytest.mark.browser

Visiting = Callable[..., Any]

RULES = b"""# House rules

## Breakfast

Breakfast is served from seven to ten in the garden room. Olives are never served before noon.

## Quiet hours

Doors close at eleven in the evening. Please keep the piano silent after that.
"""
STORY = "Once upon a time there was a moon that kept a diary of every window it had ever looked into. "


def choose_luna(page: Page) -> None:
    page.get_by_role("button", name="Luna").click()
    expect(page.get_by_role("heading", name="Say hello to Luna")).to_be_visible()


def drop(page: Page, name: str, content: bytes, media_type: str) -> None:
    """Lets a file fall onto the talk."""
    script = """([text, name, type]) => {
        const files = new DataTransfer();
        files.items.add(new File([text], name, { type }));
        const talk = document.querySelector('.talk');
        for (const kind of ['dragenter', 'dragover', 'drop'])
            talk.dispatchEvent(new DragEvent(kind, { dataTransfer: files, bubbles: true, cancelable: true }));
    }"""
    page.evaluate(script, [content.decode(), name, media_type])


def test_signing_in_wrong_and_right_and_out(visiting: Visiting) -> None:
    visit = visiting()
    page = visit.page
    visit.go()
    page.get_by_label("User name").fill(visit.person.username)
    page.get_by_label("Password").fill("not my password")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("alert")).to_contain_text("The user name or the password is wrong")
    expect(page.get_by_role("alert")).to_contain_text("The first start of Anima printed a name and a password")
    visit.shot("sign-in-wrong")
    page.get_by_label("Password").fill(visit.person.password)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_contain_text(visit.person.username)
    assert page.evaluate("document.cookie") == ""
    page.context.clear_cookies(name="anima_session")  # as if its quarter of an hour had passed
    page.reload()
    expect(page.get_by_role("heading", level=1)).to_contain_text(visit.person.username)
    visit.shot("home-empty")
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_label("Password")).to_be_visible()
    page.reload()
    expect(page.get_by_label("Password")).to_be_visible()
    assert not page.context.cookies()


def test_the_whole_talk(visiting: Visiting, stub_llm: StubLLM) -> None:
    """Hello, a file, a question about it, the passage behind the answer, why it came, and all of it there later."""
    visit = visiting(viewport={"width": 1280, "height": 800})
    page = visit.sign_in()
    choose_luna(page)
    visit.shot("talk-empty")
    stub_llm.script(Reply("Hello **Diego**! No olives, noted.", token_delay=0.01))
    visit.say("Hello, I am Diego and I hate olives")
    expect(page.get_by_text("Hello Diego! No olives, noted.", exact=True)).to_be_visible()
    expect(page.locator(".prose strong")).to_have_text("Diego")
    expect(page).to_have_url(re.compile(r"#/chat/[0-9a-f-]{36}/\d+$"))

    drop(page, "house-rules.md", RULES, "text/markdown")
    expect(page.get_by_text("Ready: ask about it", exact=True)).to_be_visible()
    drop(page, "broken.pdf", b"this is none", "application/pdf")
    expect(page.get_by_label("Files").get_by_text("it is said to be a PDF and is none")).to_be_visible()
    visit.shot("talk-files")
    page.get_by_role("button", name="Put away broken.pdf").click()
    expect(page.get_by_text("broken.pdf", exact=True)).to_be_hidden()

    stub_llm.script("Breakfast is served from seven to ten in the garden room [1].")
    visit.say("When is breakfast served in the garden room?")
    page.get_by_role("button", name="1", exact=True).click()
    drawer = page.get_by_role("complementary", name="Passage")
    expect(drawer.locator("blockquote")).to_contain_text("Olives are never served before noon")
    expect(drawer).to_contain_text("House rules > Breakfast")
    expect(drawer).to_contain_text("Doors close at eleven")
    expect(page).to_have_url(re.compile(r"\?passage=\d+$"))
    visit.shot("talk-passage")
    drawer.get_by_role("button", name="Read the passage after").click()
    expect(drawer.locator("blockquote")).to_contain_text("Doors close at eleven")

    page.get_by_role("button", name="Why").last.click()
    why = page.get_by_role("complementary", name="Why this answer")
    expect(why).to_contain_text("gpt-6-luna")
    expect(why).to_contain_text("Breakfast is served from seven to ten in the garden room.")
    expect(why).to_contain_text("new acquaintance")
    expect(why.get_by_text("persona")).to_be_visible()
    why.get_by_role("radio", name="4 of 5").check(force=True)
    assert page.evaluate("[scrollY, document.documentElement.scrollHeight]") == [0, 800]
    expect(why.get_by_text("4 of 5", exact=True).last).to_be_visible()
    visit.shot("talk-why")
    page.emulate_media(color_scheme="dark")
    visit.shot("talk-why-dark")

    page.reload()
    expect(page.get_by_role("complementary", name="Why this answer")).to_contain_text("gpt-6-luna")
    expect(page.get_by_text("Hello, I am Diego and I hate olives").last).to_be_visible()
    expect(page.get_by_role("button", name="1 house-rules.md")).to_be_visible()
    expect(page.get_by_role("button", name="A good answer").last).to_have_attribute("aria-pressed", "true")


def test_what_is_remembered_can_be_seen_and_forgotten(visiting: Visiting, stub_llm: StubLLM) -> None:
    visit = visiting(color_scheme="dark")
    page = visit.sign_in()
    choose_luna(page)
    page.get_by_role("link", name="Memory").click()
    expect(page.get_by_text("Luna remembers nothing about you yet.")).to_be_visible()
    page.get_by_role("link", name="Tell Luna something").click()
    stub_llm.script("Noted.")
    visit.say("I hate olives")
    expect(page.get_by_text("Noted.", exact=True)).to_be_visible()
    fact = page.get_by_role("row").filter(has_text="Dislikes olives.")
    expect(_reloaded_until(page, "Memory", fact)).to_contain_text("you said “I hate olives”")
    visit.shot("memory-dark")
    fact.get_by_role("link", name="you said").click()
    expect(page.locator(".line.shown")).to_contain_text("I hate olives")
    page.get_by_role("link", name="Memory").click()
    fact.get_by_role("button", name="Forget").click()
    expect(page.get_by_text("Luna remembers nothing about you yet.")).to_be_visible()


def _reloaded_until(page: Page, place: str, wanted: Any) -> Any:
    """What follows a turn comes a moment after it: looks again until it is there."""
    for _ in range(20):
        page.get_by_role("link", name=place, exact=True).click()
        page.get_by_role("heading", name="What Luna remembers").wait_for()
        page.wait_for_timeout(150)
        if wanted.count():
            break
        page.get_by_role("link", name="Knowledge").click()
    return wanted


def test_stopping_in_the_middle_and_asking_again(visiting: Visiting, stub_llm: StubLLM) -> None:
    visit = visiting()
    page = visit.sign_in()
    choose_luna(page)
    stub_llm.script(Reply(STORY * 40, token_delay=0.01))
    visit.say("Tell me a story")
    expect(page.locator(".prose")).to_contain_text("a diary of every window")
    page.keyboard.press("Escape")
    expect(page.get_by_text("Stopped here.")).to_be_visible()
    expect(page.get_by_role("button", name="Send")).to_be_visible()
    heard = page.locator(".prose").inner_text()
    assert len(heard) < len(STORY * 40)
    expect(page.get_by_role("button", name="Why")).to_be_visible()  # what was said until then is kept
    visit.shot("talk-stopped")
    page.reload()
    expect(page.locator(".prose")).to_contain_text("Once upon a time")
    expect(page.get_by_text("Stopped here.")).to_be_visible()
    stub_llm.script("A short one: the end.")
    page.get_by_role("button", name="Ask again").click()
    expect(page.get_by_text("A short one: the end.", exact=True)).to_be_visible()


def test_scrolling_up_stops_following(visiting: Visiting, stub_llm: StubLLM) -> None:
    visit = visiting(viewport={"width": 800, "height": 420})
    page = visit.sign_in()
    choose_luna(page)
    stub_llm.script(Reply("Tick.\n\nTock.\n\n" * 60, token_delay=0.015))
    visit.say("Count the seconds, at length")
    at_end = "(({ scrollHeight, scrollTop, clientHeight }) => scrollHeight - scrollTop - clientHeight < 5)"
    at_end += "(document.querySelector('.scroll'))"
    until(page, "document.querySelector('.scroll').scrollTop > 150")
    until(page, at_end)
    page.locator(".scroll").hover()
    page.mouse.wheel(0, -120)
    latest = page.get_by_role("button", name="To the latest")
    expect(latest).to_be_visible()
    stayed, height = page.evaluate(
        "(({ scrollTop, scrollHeight }) => [scrollTop, scrollHeight])(document.querySelector('.scroll'))"
    )
    until(page, f"document.querySelector('.scroll').scrollHeight > {height} + 60")
    assert page.evaluate("document.querySelector('.scroll').scrollTop") == stayed
    latest.click()
    expect(latest).to_be_hidden()
    until(page, at_end)


def test_a_model_that_is_down_says_what_to_do(visiting: Visiting, stub_llm: StubLLM) -> None:
    visit = visiting()
    page = visit.sign_in()
    choose_luna(page)
    stub_llm.always(lambda body: failure(401))
    visit.say("Are you there?")
    expect(page.get_by_role("alert")).to_contain_text("does not accept the key")
    expect(page.get_by_role("alert")).to_contain_text("Check the key of the model (OPENAI_API_KEY)")
    visit.shot("talk-model-down")
    page.reload()
    expect(page.get_by_text("There was no answer.")).to_be_visible()
    stub_llm.reset()
    stub_llm.script("Here I am.")
    page.get_by_role("button", name="Ask again").click()
    expect(page.get_by_text("Here I am.", exact=True)).to_be_visible()
    expect(page.locator(".line.user")).to_have_count(1)
    page.reload()
    expect(page.get_by_text("Here I am.", exact=True)).to_be_visible()
    expect(page.locator(".line.user")).to_have_count(1)


def test_a_talk_is_deleted_and_a_private_one_is_not_remembered(visiting: Visiting, stub_llm: StubLLM) -> None:
    visit = visiting()
    page = visit.sign_in()
    choose_luna(page)
    page.get_by_role("link", name="Begin a private talk").click()
    expect(page.get_by_role("heading", name="A private talk with Luna")).to_be_visible()
    stub_llm.script("Your secret is safe.")
    visit.say("I hate olives, but tell nobody")
    expect(page.get_by_text("Your secret is safe.", exact=True)).to_be_visible()
    expect(page.get_by_text("Private: nothing is remembered")).to_be_visible()
    visit.shot("talk-private")
    title = page.get_by_role("navigation", name="Places").get_by_role("link", name="Private talk")
    expect(title).to_be_visible()
    delete = page.get_by_role("button", name="Delete the talk")
    delete.click(force=True)
    page.get_by_role("dialog").get_by_role("button", name="Keep it").click()
    expect(title).to_be_visible()
    delete.click(force=True)
    page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    expect(title).to_be_hidden()
    expect(page.get_by_text("No talk yet.")).to_be_visible()
    assert visit.person.http.get("/api/v1/sessions").json()["items"] == []
    page.get_by_role("link", name="Memory").click()
    expect(page.get_by_text("Luna remembers nothing about you yet.")).to_be_visible()


def test_the_keyboard_is_enough(visiting: Visiting, stub_llm: StubLLM) -> None:
    visit = visiting()
    page = visit.page
    visit.go()
    page.get_by_label("User name").wait_for()
    keys = page.keyboard
    keys.type(visit.person.username)
    keys.press("Tab")
    keys.type(visit.person.password)
    keys.press("Enter")
    page.get_by_role("button", name="Luna").wait_for()
    _tab_to(page, "Luna")
    keys.press("Enter")
    expect(page.get_by_role("textbox", name="Message to Luna")).to_be_focused()
    stub_llm.script("Hello yourself.")
    keys.type("Hello")
    keys.press("Shift+Enter")
    keys.type("there")
    keys.press("Enter")
    expect(page.get_by_text("Hello yourself.", exact=True)).to_be_visible()
    assert stub_llm.chats[-1].messages[-1]["content"].startswith("Hello\nthere")
    keys.press("Shift+Tab")
    _tab_to(page, "Why", back=True)
    keys.press("Enter")
    expect(page.get_by_role("heading", name="Why this answer")).to_be_focused()
    keys.press("Escape")
    expect(page.get_by_role("complementary")).to_have_count(0)
    expect(page.get_by_role("button", name="Why")).to_be_focused()
    keys.press("/")
    expect(page.get_by_role("textbox", name="Message to Luna")).to_be_focused()


def _tab_to(page: Page, text: str, *, back: bool = False) -> None:
    for _ in range(40):
        if page.evaluate("document.activeElement.innerText ?? ''").strip().startswith(text):
            return
        page.keyboard.press("Shift+Tab" if back else "Tab")
    pytest.fail(f"no way to {text} by the keyboard")


def test_what_a_model_writes_is_text_and_nothing_else(visiting: Visiting, stub_llm: StubLLM) -> None:
    """Neither scripts nor pictures nor styles of an answer reach the page; the fixture sees every request."""
    visit = visiting()
    page = visit.sign_in()
    choose_luna(page)
    stub_llm.script(
        "<img src=x onerror=\"document.title='stolen'\"> <script>document.title = 'stolen'</script>\n\n"
        "![a picture](https://elsewhere.example/pixel.png) [a link](javascript:document.title='stolen')\n\n"
        "<p style='position:fixed'>styled</p>\n\n**bold**"
    )
    visit.say("Show me, at length")
    expect(page.locator(".prose strong")).to_have_text("bold")
    expect(page.locator(".prose")).to_contain_text("<script>document.title = 'stolen'</script>")
    expect(page.locator(".prose :is(img, script, [style], [onerror])")).to_have_count(0)
    expect(page.get_by_role("link", name="a picture")).to_have_attribute("rel", "noopener noreferrer")
    assert "stolen" not in page.title()
    assert not page.locator(".prose a[href^='javascript']").count()


def test_on_a_phone_the_rail_and_the_drawer_come_over_the_talk(visiting: Visiting, stub_llm: StubLLM) -> None:
    visit = visiting(viewport={"width": 390, "height": 780}, has_touch=True, is_mobile=True)
    page = visit.sign_in()
    visit.shot("phone-home")
    choose_luna(page)
    stub_llm.script("Hello on your phone. " + "A long word: " + "a" * 90)
    visit.say("Hello")
    expect(page.locator(".prose")).to_contain_text("Hello on your phone.")
    visit.shot("phone-talk")
    rail = page.get_by_role("navigation", name="Places")
    expect(rail).to_be_hidden()
    page.get_by_role("button", name="Menu", exact=True).click()
    expect(rail.get_by_role("link", name="Knowledge")).to_be_visible()
    visit.shot("phone-rail")
    rail.get_by_role("link", name="Knowledge").click()
    expect(page.get_by_text("No document yet.")).to_be_visible()
    expect(rail).to_be_hidden()
    page.go_back()
    page.get_by_role("button", name="Why").click()
    sheet = page.get_by_role("complementary", name="Why this answer")
    expect(sheet).to_contain_text("Model and time")
    box = sheet.bounding_box()
    assert box is not None
    assert (box["x"], box["width"]) == (0, 390)
    assert box["y"] > 100
    visit.shot("phone-why")
    for wide in ("html", ".scroll", ".drawer"):
        assert page.evaluate(f"document.querySelector('{wide}').scrollWidth") <= 390


CONTRAST = """() => {
    const canvas = new OffscreenCanvas(1, 1).getContext('2d', { willReadFrequently: true });
    const probe = document.body.appendChild(document.createElement('i'));
    const light = (name) => {
        probe.style.color = `var(--${name})`;
        canvas.fillStyle = getComputedStyle(probe).color;
        canvas.fillRect(0, 0, 1, 1);
        const linear = [...canvas.getImageData(0, 0, 1, 1).data].slice(0, 3).map((v) =>
            v / 255 <= 0.04045 ? v / 255 / 12.92 : ((v / 255 + 0.055) / 1.055) ** 2.4);
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2];
    };
    const ratio = (a, b) => (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    const pairs = [['on-accent', 'accent'], ['accent', 'accent-paper'], ['ink', 'bad-paper'], ['ink-2', 'bad-paper']];
    for (const ink of ['ink', 'ink-2', 'accent', 'good', 'warn', 'bad'])
        for (const paper of ['paper', 'paper-2', 'paper-3']) pairs.push([ink, paper]);
    return pairs.map(([ink, paper]) => [`${ink} on ${paper}`, ratio(light(ink), light(paper))]);
}"""


def test_first_paint_is_light_and_its_colours_can_be_read(visiting: Visiting) -> None:
    """WCAG AA asks 4.5 for text; the whole page with font and libraries weighs less than 150 kB on the wire."""
    visit = visiting()
    page = visit.page
    sizes: list[int] = []
    page.on("requestfinished", lambda request: sizes.append(request.sizes()["responseBodySize"]))
    visit.go()
    expect(page.get_by_label("User name")).to_be_focused()
    page.wait_for_load_state("networkidle")
    assert 40_000 < sum(sizes) < 150_000
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        weak = [(pair, round(ratio, 2)) for pair, ratio in page.evaluate(CONTRAST) if ratio < 4.5]
        assert not weak, f"{scheme}: {weak}"


def test_a_file_that_misses_its_place_is_taken_all_the_same(visiting: Visiting) -> None:
    visit = visiting()
    page = visit.sign_in()
    script = """([text]) => {
        const files = new DataTransfer();
        files.items.add(new File([text], 'rules.md', { type: 'text/markdown' }));
        document.querySelector('h1').dispatchEvent(
            new DragEvent('drop', { dataTransfer: files, bubbles: true, cancelable: true }));
    }"""
    page.evaluate(script, [RULES.decode()])
    expect(page.get_by_role("heading", name="Knowledge")).to_be_visible()
    expect(page.locator(".item")).to_have_count(1)
    expect(page.locator(".item")).to_contain_text("2 passages")


def link_of(visit: Any) -> str:
    """A one-time link for the person before the page."""
    return identity.sign_in_link(visit.person.username, visit.site).url


@pytest.mark.parametrize(
    ("name", "given"),
    [
        ("welcome-light", {"color_scheme": "light"}),
        ("welcome-dark", {"color_scheme": "dark"}),
        ("welcome-phone", {"viewport": {"width": 375, "height": 667}, "has_touch": True}),
    ],
)
def test_a_link_leads_to_a_password_and_in(visiting: Visiting, name: str, given: dict[str, Any]) -> None:
    visit = visiting(**given)
    page, link = visit.page, link_of(visit)
    page.goto(link)
    expect(page.get_by_role("heading", name="Welcome")).to_be_visible()
    expect(page.get_by_label("Code of your link")).to_be_hidden()
    expect(page.get_by_label("New password")).to_be_focused()
    assert page.url == f"{visit.site}/console/welcome"
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    visit.shot(name)
    page.get_by_label("New password").fill("password")
    page.get_by_label("The same once more").fill("password")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("not among the first ones anybody tries")
    visit.shot(f"{name}-wrong")
    page.get_by_label("New password").fill("a much better one")
    page.get_by_label("The same once more").fill("a much better on")
    page.get_by_role("button").click()
    assert page.evaluate("document.forms[0].again.validationMessage") == "The two are not the same."
    page.get_by_label("The same once more").fill("a much better one")
    page.get_by_role("button").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text(visit.person.username)
    assert not [url for url in visit.asked if link.partition("#")[2] in url.partition("#")[0]]
    page.goto(link)
    page.get_by_label("New password").fill("a much better one")
    page.get_by_label("The same once more").fill("a much better one")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("ask for a new one")
    visit.shot(f"{name}-used")


def test_a_newer_link_replaces_the_older_one_on_the_same_page(visiting: Visiting) -> None:
    visit = visiting()
    page, older, newer = visit.page, link_of(visit), link_of(visit)
    page.goto(older)
    page.goto(newer)  # but for what follows the # the same address: the page is not loaded anew
    page.get_by_label("New password").fill("a much better one")
    page.get_by_label("The same once more").fill("a much better one")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_contain_text(visit.person.username)


def test_without_scripts_the_code_of_a_link_is_pasted(visiting: Visiting) -> None:
    visit = visiting(java_script_enabled=False)
    page, link = visit.page, link_of(visit)
    page.goto(link)
    page.get_by_label("Code of your link").fill(link)
    page.get_by_label("New password").fill("a much better one")
    page.get_by_label("The same once more").fill("a much better one")
    visit.shot("welcome-plain")
    page.get_by_role("button").click()
    expect(page.get_by_role("heading", name="Who would you like to talk with?")).to_be_visible()


def test_without_scripts_one_can_talk_too(visiting: Visiting, stub_llm: StubLLM) -> None:
    visit = visiting(java_script_enabled=False)
    page, person = visit.page, visit.person
    luna = person.http.post("/api/v1/avatars", json={"name": "Luna", "personality": "luna"})
    assert luna.status_code == 201
    person.http.post("/api/v1/documents", json={"title": "House rules", "text": RULES.decode()})
    visit.go()
    page.get_by_label("User name").fill(person.username)
    page.get_by_label("Password").fill("wrong")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("alert")).to_have_text("The user name or the password is wrong.")
    page.get_by_label("User name").fill(person.username)
    page.get_by_label("Password").fill(person.password)
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("link", name="Luna").click()
    stub_llm.script("Breakfast is **served** from seven to ten in the garden room [1]. <b>No olives</b>.")
    page.get_by_label("Your message").fill("When is breakfast served in the garden room?")
    page.get_by_role("button", name="Send").click()
    expect(page.locator(".prose strong")).to_have_text("served")
    expect(page.locator(".prose")).to_contain_text("<b>No olives</b>")
    visit.shot("plain-talk")
    page.context.clear_cookies(name="anima_session")
    page.get_by_role("link", name="[1] House rules").click()
    expect(page.locator(".cited")).to_contain_text("Olives are never served before noon")
    page.go_back()
    stub_llm.always(lambda body: failure(401))
    page.get_by_label("Your message").fill("Are you there?")
    page.get_by_role("button", name="Send").click()
    expect(page.get_by_role("alert")).to_contain_text("does not accept the key")
    expect(page.get_by_label("Your message")).to_have_value("Are you there?")
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_label("Password")).to_be_visible()

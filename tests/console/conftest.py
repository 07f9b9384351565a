"""A browser before the real app: server, deliverer and Chromium for the tests of this folder, and people in it."""

from __future__ import annotations

import os
import shutil
import socket
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import uvicorn
from playwright.sync_api import Browser, BrowserContext, Page, Request, expect, sync_playwright

from anima.kernel import config
from anima.operations.deliverer import Deliverer, workers
from anima.vendors import embeddings
from fixtures.api import MakeUser, Person
from fixtures.models import HashingEmbedder
from fixtures.stub_llm import StubLLM

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
SHOTS = Path(__file__).resolve().parents[2] / "build" / "screenshots"
_QUIET = (
    "--disable-gpu --disable-quic --no-first-run --disable-background-networking --disable-component-update "
    "--disable-sync"
).split()
_PATIENCE_MS = 15_000
"""The first turn of a process compiles and loads what it needs: on a clean clone that takes some seconds."""
expect.set_options(timeout=_PATIENCE_MS)


@pytest.fixture(scope="module")
def site(app: Any, stub_llm_server: StubLLM) -> Iterator[str]:
    """The URL of the app on a port of its own, with a model that is scripted, and documents that are worked on."""
    door = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, log_level="critical", access_log=False, timeout_graceful_shutdown=1))
    serving = threading.Thread(target=server.run, args=([door],), daemon=True)
    delivering = Deliverer(workers())
    with pytest.MonkeyPatch.context() as patch, embeddings.use(HashingEmbedder()):
        patch.setenv("OPENAI_API_KEY", "sk-of-the-tests")
        patch.setenv("OPENAI_BASE_URL", stub_llm_server.url)
        config.settings.cache_clear()
        serving.start()
        delivering.start()
        while not server.started:
            time.sleep(0.01)
        yield f"http://127.0.0.1:{door.getsockname()[1]}"
        server.should_exit = True
        serving.join(5)
        delivering.stop()
    config.settings.cache_clear()


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Debian's Chromium; its tests are skipped, loudly, where it is not installed."""
    if CHROMIUM is None:
        pytest.skip("CHROMIUM IS NOT INSTALLED (`make system` does it): the page is not tested")
    arguments = [*_QUIET, *(["--no-sandbox"] if os.geteuid() == 0 else [])]
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=CHROMIUM, args=arguments)
        yield launched
        launched.close()


@dataclass
class Visit:
    """A person before the page, and what their browser did behind it."""

    page: Page
    site: str
    person: Person
    asked: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)

    def go(self, place: str = "") -> None:
        """Opens an address of the page."""
        self.page.goto(f"{self.site}/{place}")

    def sign_in(self, place: str = "") -> Page:
        """Opens the page as a stranger and signs in."""
        self.go(place)
        self.page.get_by_label("User name").fill(self.person.username)
        self.page.get_by_label("Password").fill(self.person.password)
        self.page.get_by_role("button", name="Sign in").click()
        self.page.locator("#work h1, #work h2").first.wait_for()
        return self.page

    def say(self, text: str) -> None:
        """Writes a message and sends it."""
        self.page.get_by_role("textbox", name="Message to").fill(text)
        self.page.keyboard.press("Enter")

    def luna(self, **given: Any) -> str:
        """An avatar of the person, made by another way than the page; its id."""
        made = self.person.http.post("/api/v1/avatars", json={"name": "Luna", "personality": "luna", **given})
        assert made.status_code == 201, made.text
        return str(made.json()["avatar_id"])

    def tell(self, avatar_id: str, *sayings: str) -> None:
        """Says each in a talk of its own, by another way than the page."""
        for text in sayings:
            answer = self.person.http.post("/api/v1/chat", json={"message": text, "avatar_id": avatar_id})
            assert answer.status_code == 200, answer.text

    def kept(self, avatar_id: str, kind: str, least: int) -> list[dict[str, Any]]:
        """What is kept of a kind (facts, episodes, gaps), once it is so much: that follows a turn by a moment."""
        items: list[dict[str, Any]] = []
        for _ in range(100):
            items = self.person.http.get(f"/api/v1/avatars/{avatar_id}/{kind}").json()["items"]
            if len(items) >= least:
                return items
            self.page.wait_for_timeout(100)
        pytest.fail(f"never {least} {kind}: {items}")

    def shot(self, name: str) -> None:
        """Keeps a picture, where they are asked for (SCREENSHOTS=1)."""
        if os.environ.get("SCREENSHOTS"):
            SHOTS.mkdir(parents=True, exist_ok=True)
            self.page.screenshot(path=SHOTS / f"{name}.png")


Visiting = Callable[..., Visit]


def _watched(visit: Visit, context: BrowserContext) -> Visit:
    """Notes every request of the page, and everything that its browser complains about."""

    def asked(request: Request) -> None:
        visit.asked.append(request.url)

    context.on("request", asked)
    visit.page.on("pageerror", lambda error: visit.complaints.append(str(error)))
    visit.page.on(
        "console",
        lambda message: (
            visit.complaints.append(message.text)
            if message.type == "error" and "Failed to load resource" not in message.text
            else None
        ),
    )
    return visit


@pytest.fixture
def visiting(site: str, browser: Browser, stub_llm: StubLLM, make_user: MakeUser) -> Iterator[Visiting]:
    """Opens the page for a new person; in the end, nothing was asked of strangers, and the browser had no complaint."""
    visits: list[Visit] = []
    contexts: list[BrowserContext] = []

    def begun(**given: Any) -> Visit:
        contexts.append(browser.new_context(**{"reduced_motion": "reduce", **given}))
        contexts[-1].set_default_timeout(_PATIENCE_MS)
        visits.append(_watched(Visit(contexts[-1].new_page(), site, make_user()), contexts[-1]))
        return visits[-1]

    yield begun
    for context in contexts:
        context.close()
    assert not [url for visit in visits for url in visit.asked if _is_strange(url, site)]
    assert not [text for visit in visits for text in visit.complaints]


def _is_strange(url: str, site: str) -> bool:
    own = {"data", "blob", "chrome", "chrome-extension"}  # the last two are the browser's own viewer of PDFs
    return urlsplit(url).scheme not in own and not url.startswith(site + "/")

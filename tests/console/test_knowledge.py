"""The Knowledge place in a browser: files in, passages beside the original, stores, search with its reasons."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from fixtures import files
from fixtures.measured import until
from fixtures.stub_llm import Reply, StubLLM

pytestmark = pytest.mark.browser

Visiting = Callable[..., Any]

HERONS = (
    "Herons leave a lake when its water falls by a metre.",
    "Most pairs breed on the island of Orin, in the alders behind the boat house.",
)
RULES = "# House rules\n\n## Breakfast\n\nBreakfast is served from seven to ten in the garden room.\n"
PATIENCE_MS = 15_000


def drop(page: Page, selector: str, *dropped: tuple[str, bytes, str]) -> None:
    """Lets files fall onto something."""
    script = """([selector, dropped]) => {
        const files = new DataTransfer();
        for (const [name, text, type] of dropped) {
            const bytes = Uint8Array.from(atob(text), (one) => one.charCodeAt(0));
            files.items.add(new File([bytes], name, { type }));
        }
        const place = document.querySelector(selector);
        for (const kind of ['dragenter', 'dragover', 'drop'])
            place.dispatchEvent(new DragEvent(kind, { dataTransfer: files, bubbles: true, cancelable: true }));
    }"""
    given = [[name, base64.b64encode(content).decode(), kind] for name, content, kind in dropped]
    page.evaluate(script, [selector, given])


def arrived(visit: Any, query: str, purpose: str) -> None:
    """Waits until an engine outside has what was brought in: its vectors follow a document that is ready."""
    for _ in range(100):
        asked = {"query": query, "purpose": purpose, "mode": "vector"}
        if visit.person.http.post("/api/v1/search", json=asked).json()["hits"]:
            return
        visit.page.wait_for_timeout(100)
    pytest.fail(f"never found in {purpose}: {query}")


def brought_in(visit: Any, name: str, content: bytes | str, **form: str) -> int:
    """A document that was brought in by another way than the page."""
    raw = content.encode() if isinstance(content, str) else content
    sent = visit.person.http.post("/api/v1/documents", files={"file": (name, raw)}, data=form)
    assert sent.status_code == 202, sent.text
    return int(sent.json()["document_id"])


def entry(page: Page, title: str) -> Any:
    return page.locator(".documents .item").filter(has=page.get_by_role("link", name=title, exact=True))


def test_files_are_dropped_read_and_opened_beside_the_original(visiting: Visiting) -> None:
    visit = visiting(viewport={"width": 1280, "height": 860})
    page = visit.sign_in("#/documents")
    expect(page.get_by_role("heading", name="Knowledge")).to_be_visible()
    expect(page.get_by_text("No document yet.")).to_be_visible()
    visit.shot("knowledge-empty")
    drop(
        page,
        ".drop",
        ("herons.pdf", files.pdf(*HERONS), "application/pdf"),
        ("report.docx", files.docx(), ""),
        ("rules.md", RULES.encode(), "text/markdown"),
        ("noise.bin", bytes(range(256)) * 8, ""),
        ("empty.txt", b"", "text/plain"),
    )
    for name in ("herons.pdf", "report.docx", "rules.md"):
        expect(entry(page, name).locator(".mark")).to_contain_text("passage", timeout=PATIENCE_MS)
    expect(entry(page, "noise.bin").locator(".mark")).to_have_text("Kept, but it cannot be searched")
    expect(entry(page, "noise.bin").get_by_role("button", name="Retry noise.bin")).to_be_visible()
    refused = page.get_by_label("Files").locator(".upload")
    expect(refused).to_have_count(1)
    expect(refused).to_contain_text("There is nothing in this file.")
    refused.get_by_role("button", name="Put away empty.txt").click()
    expect(refused).to_have_count(0)
    visit.shot("knowledge-documents")
    page.emulate_media(color_scheme="dark")
    visit.shot("knowledge-documents-dark")
    page.emulate_media(color_scheme="light")

    page.get_by_label("Show", exact=True).select_option("unsearchable")
    expect(page.locator(".documents .item")).to_have_count(1)
    expect(page).to_have_url(re.compile(r"#/documents\?state=unsearchable$"))
    page.reload()
    expect(page.locator(".documents .item")).to_have_count(1)
    page.get_by_label("Show", exact=True).select_option("queued")
    page.get_by_role("button", name="Show all of them").click()
    expect(page.locator(".documents .item")).to_have_count(4)

    page.get_by_role("link", name="herons.pdf", exact=True).click()
    expect(page.get_by_role("heading", name="herons.pdf")).to_be_visible()
    frame = page.locator("iframe")
    expect(frame).to_have_attribute("src", re.compile(r"/file#page=1&"))
    page.get_by_role("button", name="island of Orin").click()
    expect(frame).to_have_attribute("src", re.compile(r"/file#page=2&"))
    expect(page.get_by_role("button", name="island of Orin")).to_have_attribute("aria-pressed", "true")
    expect(page).to_have_url(re.compile(r"#/documents/\d+\?passage=\d+$"))
    visit.shot("document-pdf")
    page.reload()
    expect(page.get_by_role("button", name="island of Orin")).to_have_attribute("aria-pressed", "true")
    expect(page.get_by_text("page 2", exact=True)).to_be_visible()

    page.get_by_role("link", name="Knowledge").last.click()
    page.get_by_role("link", name="rules.md", exact=True).click()
    page.get_by_role("button", name="garden room").click()
    expect(page.locator(".lines-of mark")).to_contain_text("Breakfast is served from seven")
    visit.shot("document-text")
    page.get_by_role("button", name="Delete", exact=True).click()
    page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    expect(page.get_by_role("heading", name="Knowledge")).to_be_visible()
    expect(page.locator(".documents .item")).to_have_count(3)
    page.get_by_role("link", name="report.docx", exact=True).click()
    page.locator(".piece").first.click()
    expect(page.locator(".as-read blockquote")).not_to_be_empty()
    visit.shot("document-docx")


def test_a_picture_and_a_recording_are_shown(visiting: Visiting) -> None:
    visit = visiting()
    picture = brought_in(visit, "sign.png", files.image("Breakfast at seven"))
    sound = brought_in(visit, "tone.wav", files.tone())
    page = visit.sign_in(f"#/documents/{picture}")
    image = page.get_by_role("img", name="sign.png")
    expect(image).to_be_visible()
    until(page, "document.querySelector('.picture')?.naturalWidth > 0")
    visit.go(f"#/documents/{sound}")
    until(page, "document.querySelector('audio.player')?.duration > 0.3")
    assert page.evaluate("document.querySelector('audio.player').duration") == pytest.approx(0.5, abs=0.1)


def test_a_private_address_is_refused_and_told(visiting: Visiting) -> None:
    visit = visiting()
    page = visit.sign_in("#/documents")
    page.get_by_label("Address of a page or file").fill("http://127.0.0.1:9/secret")
    page.keyboard.press("Enter")
    refused = page.locator(".upload, .documents .item").filter(has_text="127.0.0.1")
    expect(refused).to_contain_text(re.compile("private|public"), timeout=PATIENCE_MS)
    visit.shot("knowledge-address")


def test_a_failed_document_is_tried_again(visiting: Visiting) -> None:
    visit = visiting()
    document_id = brought_in(visit, "broken.pdf", b"%PDF-1.7 and nothing that a PDF has")
    page = visit.sign_in("#/documents")
    failed = entry(page, "broken.pdf")
    expect(failed.locator(".mark")).to_have_text("Failed", timeout=PATIENCE_MS)
    expect(failed.locator(".reason")).not_to_be_empty()
    before = visit.person.http.get(f"/api/v1/documents/{document_id}").json()["updated_at"]
    failed.get_by_role("button", name="Retry").click()
    for _ in range(100):
        now = visit.person.http.get(f"/api/v1/documents/{document_id}").json()
        if now["updated_at"] != before and now["state"] == "failed":
            break
        page.wait_for_timeout(100)
    assert (now["state"], now["updated_at"] != before) == ("failed", True)
    expect(failed.locator(".mark")).to_have_text("Failed")


def test_a_big_file_is_sent_as_an_upload_and_can_be_cancelled(visiting: Visiting) -> None:
    visit = visiting()
    page = visit.sign_in("#/documents")
    long = "\n\n".join(f"Line {number} of a very long log of the harbour." for number in range(40))
    big = (long + "\n" + " " * 4_200_000).encode()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(f"{request.method} {request.url.partition('/api/v1')[2]}"))
    drop(page, ".drop", ("harbour.txt", big, "text/plain"))
    expect(entry(page, "harbour.txt").locator(".mark")).to_contain_text("passage", timeout=PATIENCE_MS)
    assert [one for one in asked if one.startswith("POST /uploads")]
    assert [one for one in asked if re.match(r"PUT /uploads/[0-9a-f-]+/content$", one)]
    page.route("**/uploads/*/content", lambda route: None)  # never answered
    drop(page, ".drop", ("slow.txt", big + b"more", "text/plain"))
    upload = page.locator(".upload").filter(has_text="slow.txt")
    expect(upload.get_by_role("progressbar")).to_be_visible()
    upload.get_by_role("button", name="Cancel slow.txt").click()
    expect(upload).to_contain_text("Not sent")
    expect(entry(page, "slow.txt")).to_have_count(0)


def test_a_late_answer_does_not_undo_the_filter(visiting: Visiting) -> None:
    visit = visiting()
    brought_in(visit, "rules.md", RULES)
    page = visit.sign_in("#/documents")
    expect(entry(page, "rules.md").locator(".mark")).to_contain_text("passage", timeout=PATIENCE_MS)
    held: list[Any] = []
    page.route(re.compile(r"/documents\?limit=\d+&$"), lambda route: held.append(route))
    drop(page, ".drop", ("noise.bin", bytes(range(256)) * 8, ""))  # the list is asked for anew
    for _ in range(100):
        if held:
            break
        page.wait_for_timeout(50)
    assert held
    with page.expect_response(re.compile("state=failed")):
        page.get_by_label("Show", exact=True).select_option("failed")
    expect(page.get_by_text("No document is like that.")).to_be_visible()
    for route in held:
        with page.expect_response(route.request.url):
            route.continue_()
    page.wait_for_timeout(100)
    assert page.locator(".documents .item").count() == 0


def test_a_search_says_why_and_stands_in_the_log(visiting: Visiting) -> None:
    visit = visiting(viewport={"width": 1280, "height": 900})
    brought_in(visit, "herons.pdf", files.pdf(*HERONS))
    brought_in(visit, "rules.md", RULES)
    page = visit.sign_in("#/documents")
    expect(page.locator(".documents .mark[data-mark='done']")).to_have_count(2, timeout=PATIENCE_MS)
    page.get_by_role("navigation", name="Knowledge").get_by_role("link", name="Search", exact=True).click()
    page.get_by_label("What to look for").fill("When is breakfast served in the garden room?")
    page.get_by_text("Only some documents").click()
    page.get_by_label("Show the database’s plan").check()
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Search").click()
    hit = page.locator(".hit").first
    expect(hit.get_by_role("link", name="rules.md")).to_be_visible()
    expect(hit.locator("mark").first).to_contain_text(re.compile("breakfast", re.IGNORECASE))
    hit.get_by_text("Why:").click()
    expect(hit).to_contain_text("“breakfast”")
    expect(hit).to_contain_text("Meaning (cosine)")
    expect(page.locator(".plan")).to_contain_text("store")
    visit.shot("search-why")
    page.reload()
    expect(page.locator(".hit").first).to_contain_text("Breakfast is served")
    page.get_by_role("link", name="log", exact=True).click()
    expect(page.get_by_role("heading", name="When is breakfast served in the garden room?")).to_be_visible()
    expect(page.locator(".facts")).to_contain_text("context")
    expect(page.locator(".hit").first).to_contain_text("Breakfast is served")
    visit.shot("search-log-detail")
    page.get_by_role("link", name="All searches").click()
    expect(page.get_by_role("row").nth(1)).to_contain_text("When is breakfast served in the garden room?")
    expect(page.get_by_role("row").nth(1)).to_contain_text("answered")
    visit.shot("search-log")
    visit.go("#/documents/search?q=zyzzyva+quark+flibbertigibbet&mode=words")
    expect(page.get_by_text("Nothing found.")).to_be_visible()
    visit.shot("search-nothing")
    page.locator(".hit").first.wait_for(state="detached")
    visit.go("#/documents/search?q=breakfast")
    page.locator(".hit").first.get_by_role("link", name="rules.md").click()
    expect(page.locator(".piece[aria-pressed='true']")).to_contain_text("Breakfast is served")


def test_stores_are_added_checked_and_deleted(visiting: Visiting) -> None:
    visit = visiting(viewport={"width": 1280, "height": 900})
    page = visit.sign_in("#/documents/stores")
    expect(page.get_by_role("rowheader", name="findings").first).to_be_visible()
    page.get_by_label("Name", exact=True).fill("papers")
    page.get_by_label("Purpose").fill("semantic")
    page.get_by_role("button", name="Add it").click()
    row = page.get_by_role("row").filter(has_text="papers")
    expect(row).to_contain_text("ready")
    page.get_by_label("Name", exact=True).fill("papers")
    page.get_by_label("Purpose").fill("semantic")
    page.get_by_role("button", name="Add it").click()
    expect(page.get_by_role("alert")).to_contain_text("papers")
    page.get_by_label("Where").select_option("qdrant")
    key = page.get_by_label("Key")
    expect(key).to_have_attribute("type", "password")
    visit.shot("stores")
    row.get_by_role("button", name="Check papers").click()
    expect(row).to_contain_text("All 0 vectors are there.")
    row.get_by_role("button", name="Delete papers").click()
    page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    expect(row).to_have_count(0)


@pytest.mark.usefixtures("private_engines")
def test_a_document_goes_to_another_engine_and_is_found_there(visiting: Visiting) -> None:
    """Qdrant's own local engine, chosen on the page."""
    visit = visiting()
    page = visit.sign_in("#/documents/stores")
    page.get_by_label("Name", exact=True).fill("outside")
    page.get_by_label("Purpose").fill("semantic")
    page.get_by_label("Where").select_option("qdrant")
    page.get_by_label("Address of the engine").fill("local")
    page.get_by_role("button", name="Add it").click()
    row = page.get_by_role("row").filter(has_text="outside")
    expect(row).to_contain_text("qdrant", timeout=PATIENCE_MS)
    page.get_by_role("link", name="Documents", exact=True).click()
    page.get_by_label("Keep them for").select_option("semantic")
    drop(page, ".drop", ("rules.md", RULES.encode(), "text/markdown"))
    expect(entry(page, "rules.md").locator(".mark")).to_contain_text("passage", timeout=PATIENCE_MS)
    arrived(visit, "breakfast in the garden room", "semantic")
    visit.go("#/documents/search?q=breakfast+in+the+garden+room&in=semantic&mode=vector")
    expect(page.locator(".hit").first).to_contain_text("Breakfast is served")
    visit.go("#/documents/stores")
    row.get_by_role("button", name="Check outside").click()
    expect(row).to_contain_text("vectors are there.", timeout=PATIENCE_MS)


def test_a_summary_says_its_cost_first_and_cites(visiting: Visiting, stub_llm: StubLLM) -> None:
    visit = visiting()
    document_id = brought_in(visit, "herons.md", "# Herons\n\n" + " ".join(HERONS))
    page = visit.sign_in(f"#/documents/{document_id}")
    page.get_by_text("Sum it up, or ask all of it").click(timeout=PATIENCE_MS)
    page.get_by_role("button", name="What would it cost?").click()
    expect(page.get_by_text(re.compile(r"^It (takes|is made)"))).to_be_visible()
    visit.shot("summary-cost")
    stub_llm.always(lambda body: Reply("Herons leave a lake when its water falls [1]."))
    page.get_by_role("button", name="Do it").click()
    made = page.locator(".summary")
    expect(made).to_contain_text("Herons leave a lake when its water falls", timeout=PATIENCE_MS)
    visit.shot("summary")
    made.get_by_role("button", name="1", exact=True).click()
    expect(page.locator(".piece[aria-pressed='true']")).to_contain_text("Herons leave a lake")
    made.get_by_role("button", name="Remove").click()
    expect(made).to_have_count(0)


def test_on_a_phone_the_original_stands_above_its_passages(visiting: Visiting) -> None:
    visit = visiting(viewport={"width": 390, "height": 780}, has_touch=True, is_mobile=True)
    document_id = brought_in(visit, "rules.md", RULES)
    page = visit.sign_in("#/documents")
    expect(entry(page, "rules.md").locator(".mark")).to_contain_text("passage", timeout=PATIENCE_MS)
    visit.shot("phone-knowledge")
    for place in ("documents", f"documents/{document_id}", "documents/stores", "documents/search?q=breakfast"):
        visit.go(f"#/{place}")
        page.locator(".piece, .drop, table, .hit").first.wait_for()
        visit.shot(f"phone-{re.sub('[^a-z]+', '-', place)}")
        assert page.evaluate("document.querySelector('.work').scrollWidth") <= 390, place
    visit.go(f"#/documents/{document_id}")
    page.locator(".piece").first.wait_for()
    original, pieces = page.locator(".original").bounding_box(), page.locator(".pieces").bounding_box()
    assert original["y"] < pieces["y"]

"""People who mean harm: what they send is refused or read, and costs nobody else anything."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest

from anima.kernel import outbox
from anima.vendors.enrichment import folders, secrets_kept
from anima.vendors.readers import html
from anima.vendors.readers.errors import Unreadable
from fixtures.api import Person

Drain = Callable[[], list[outbox.Event]]
pytestmark = pytest.mark.usefixtures("fast_embedder")


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("a\r\nSet-Cookie: x=1.txt", "aSet-Cookie: x=1.txt"),
        ("invoice\u202etxt.exe", "invoicetxt.exe"),
        ("\x1b[2Jnotes.txt", "[2Jnotes.txt"),
        ("C:\\up\\..\\notes.txt", "notes.txt"),
        ("../../etc/passwd", "passwd"),
        ("\u202e", "file"),
    ],
)
def test_a_name_holds_nothing_that_is_not_seen(name: str, kept: str, alice: Person, drain_outbox: Drain) -> None:
    """Names are shown in lists, on terminals and in headers, and end up before a model."""
    ticket = alice.http.post("/api/v1/uploads", json={"name": name, "size_bytes": 5}).json()
    assert alice.http.put(ticket["url"], content=b"Hello").json()["name"] == kept
    sent = alice.http.post("/api/v1/documents", json={"upload": ticket["upload_id"]}).json()
    drain_outbox()
    document = alice.http.get(f"/api/v1/documents/{sent['document_id']}").json()
    assert (document["state"], document["name"], document["title"]) == ("done", kept, kept)
    answer = alice.http.get(f"/api/v1/documents/{sent['document_id']}/file")
    assert (answer.content, "set-cookie" in answer.headers) == (b"Hello", False)


_BODIES = [
    '{"a": NaN}',
    '{"a": 1e999}',
    '{"a": "\\u0000"}',
    '{"a": "\\ud800"}',
    '{"\\u0000": 1}',
    '{"a":' + "[" * 50_000 + "]" * 50_000 + "}",
    '{"a":' + "9" * 5_000 + "}",
]


@pytest.mark.parametrize("metadata", _BODIES, ids=["nan", "infinite", "nul", "surrogate", "nul-key", "deep", "long"])
def test_values_that_cannot_be_kept_are_refused_everywhere(metadata: str, alice: Person) -> None:
    bodies: dict[str, str] = {
        "documents": f'{{"text": "Boats are green.", "metadata": {metadata}}}',
        "search": f'{{"query": "boats", "filter": {{"metadata": {metadata}}}}}',
        "vector-stores": f'{{"store_name": "papers", "purpose": "semantic", "metadata": {metadata}}}',
    }
    for path, body in bodies.items():
        answer = alice.http.post(f"/api/v1/{path}", content=body, headers={"Content-Type": "application/json"})
        assert answer.status_code == 422, (path, answer.text)
    assert alice.http.get("/api/v1/documents").json()["items"] == []
    assert len(alice.http.get("/api/v1/vector-stores").json()["items"]) == 3


_LONG = """
import resource
resource.setrlimit(resource.RLIMIT_CPU, (20, 20))
from anima.chat import review_rules
from anima.chat.enrich_service import names_of
from anima.chat.review_model import SourceFile
from anima.vendors.enrichment import folders, secrets_kept
units = ("log.info(", "logger.", "print(a,", "email print(", "password_", "fetch(", "(") * 30
lines = tuple(enumerate((unit * 300 for unit in units), 1))
names_of([SourceFile("a.py", lines)])
review_rules.findings([SourceFile("a.py", lines)], ["security", "compliance", "correctness", "performance", "style"])
for unit in ("a", "a_", "aA", "password", "password=", "eyJ-", "a.", "token :", "-----BEGIN "):
    folders.words_of((unit * 400_000)[:400_000])
    secrets_kept.without_secrets((unit * 40_000)[:40_000])
"""


def test_no_question_and_no_repository_makes_the_enrichment_think_for_minutes() -> None:
    """A pattern holds the whole process while it looks; one without an end would take hours for these."""
    done = subprocess.run([sys.executable, "-c", _LONG], check=False, timeout=60, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_what_the_enrichment_looks_for_is_what_it_was() -> None:
    assert {"retry", "pause", "backoff", "http", "client"} <= set(
        folders.words_of("retryPause back_backoff HTTP_client")
    )
    hidden: list[Any] = [
        "db_password = 'hunter22hunter'",
        '"api-key": "0123456789abcdef"',
        "postgres://ines:geheim1@db/x",
        "eyJhbGciOiJIUzI1.eyJzdWIiOiIxMjM0.c2lnbmF0dXJl",
    ]
    for text in hidden:
        assert "…" in secrets_kept.without_secrets(text), text
    assert secrets_kept.without_secrets("token = read_token(path)") == "token = read_token(path)"


@pytest.mark.parametrize("end", ["", "</x>", "</p>"])
def test_a_page_nested_without_end_is_refused_however_its_ends_are_called(end: str) -> None:
    """An end of what is not open closes nothing, and made a page of 1 MB cost half a minute."""
    with pytest.raises(Unreadable, match="nested"):
        list(html.blocks("<html><body>" + f"<div>{end}" * 20_000))

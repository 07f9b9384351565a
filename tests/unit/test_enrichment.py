"""Enrichment: what is found in repositories, and that neither they nor a service beside them can do harm."""

from __future__ import annotations

import json
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from anima.kernel import config
from anima.vendors import enrichment
from anima.vendors.enrichment import UnknownRepository, folders
from anima.vendors.enrichment.secrets_kept import is_secret_file, without_secrets

Setting = Callable[[str, str], None]
CODE = '''
def retry_with_backoff(call, attempts=5):
    """Calls again with growing pauses."""
    for attempt in range(attempts):
        pause = 2**attempt
        call(pause)
'''


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A repository with something worth finding, and much that must not be."""
    root = tmp_path / "heron"
    (root / "src").mkdir(parents=True)
    (root / "src" / "retry.py").write_text(CODE)
    (root / "src" / "other.py").write_text("def unrelated():\n    return 1\n")
    (root / "README.md").write_text("# Heron\n\nCounts birds. Le héron décide des décisions.\n")
    (root / ".env").write_text("BACKOFF_SECRET=hunter2hunter2\nretry_with_backoff\n")
    (root / "deploy.key").write_text("retry_with_backoff key\n")
    (root / "secrets.yaml").write_text("retry_with_backoff: yes\n")
    (root / "rsa.txt").write_text("retry_with_backoff\n-----BEGIN RSA PRIVATE KEY-----\nabc\n")
    (root / ".git").mkdir()
    (root / ".git" / "log.txt").write_text("retry_with_backoff\n")
    (root / "node_modules").mkdir()
    (root / "node_modules" / "x.js").write_text("retry_with_backoff\n")
    (root / "blob.py").write_bytes(b"retry_with_backoff\0\1\2")
    (root / "latin.py").write_bytes(b"retry_with_backoff \xff\xfe")
    (root / "huge.py").write_text("retry_with_backoff\n" * 40_000)
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "private.py").write_text("retry_with_backoff outside\n")
    (root / "link.py").symlink_to(outside / "private.py")
    (root / "linked").symlink_to(outside)
    os.mkfifo(root / "pipe.py")
    return root


@pytest.fixture
def enabled(repository: Path, setting: Setting) -> Path:
    """The settings name it."""
    setting("RAG_ENABLED", "true")
    setting("RAG_REPO_LIST", f"{repository}, elsewhere")
    return repository


def test_it_is_off_until_it_is_enabled(repository: Path, setting: Setting) -> None:
    setting("RAG_REPO_LIST", str(repository))
    found = enrichment.look("retry with backoff")
    assert (found.status, found.references, found.warnings) == ("disabled", [], [])


def test_the_place_is_found_with_its_lines_and_nothing_that_is_nobodys_business(enabled: Path) -> None:
    found = enrichment.look("How does retry_with_backoff pause?")
    assert found.status == "ok"
    (best,) = found.references
    assert (best.repository, best.path) == ("heron", "src/retry.py")
    lines = (enabled / best.path).read_text().split("\n")
    assert best.excerpt.split("\n") == lines[best.line_start - 1 : best.line_end]
    assert 0 < best.score <= 1
    assert "backoff" in best.reason


def test_words_of_names_and_of_french_are_found(enabled: Path) -> None:
    assert "src/retry.py" in [one.path for one in enrichment.look("retryWithBackoff").references]
    assert [one.path for one in enrichment.look("les décisions du héron").references] == ["README.md"]


def test_what_nothing_holds_is_empty(enabled: Path) -> None:
    for question in ("zymurgy", "?", "the of and"):
        assert (enrichment.look(question).status, enrichment.look(question).references) == ("empty", [])


def test_only_configured_repositories_can_be_named(enabled: Path) -> None:
    assert enrichment.look("retry", ["elsewhere"]).references == []
    for name in ("../outside", "/etc", "outside"):
        with pytest.raises(UnknownRepository):
            enrichment.look("retry", [name])


def test_a_root_that_is_gone_is_none(setting: Setting, tmp_path: Path) -> None:
    setting("RAG_ENABLED", "true")
    setting("RAG_REPO_LIST", str(tmp_path / "gone"))
    assert enrichment.look("retry").status == "empty"


def test_secrets_in_what_is_found_are_taken_out(enabled: Path) -> None:
    (enabled / "settings.py").write_text(
        'marzipan = 1\nAPI_TOKEN = "abcdef123456"\nurl = "postgres://u:pa55word@h/d"\n'
    )
    (best,) = enrichment.look("marzipan").references
    assert "abcdef" not in best.excerpt
    assert "pa55word" not in best.excerpt
    assert "marzipan" in best.excerpt


@pytest.mark.parametrize("name", [".env", ".env.local", "prod.env", "id_rsa", "a.pem", "secrets.yaml", "credentials"])
def test_files_of_secrets_are_known_by_name(name: str) -> None:
    assert is_secret_file(name)


@pytest.mark.parametrize("name", ["secrets_manager.py", "README.md", "token.go", "environment.ts"])
def test_programs_are_no_secrets(name: str) -> None:
    assert not is_secret_file(name)


@pytest.mark.parametrize("text", ["token = read_token()", "password: str", "def secret(): pass", "api_key=None"])
def test_what_only_deals_with_secrets_stays(text: str) -> None:
    assert without_secrets(text) == text


def test_a_file_that_becomes_a_link_is_not_followed(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    outside = repository.parent / "outside" / "private.py"
    there = folders._is_wanted

    def exchanged(name: str) -> bool:
        target = repository / "src" / "retry.py"
        if name == "retry.py" and not target.is_symlink():
            target.unlink()
            target.symlink_to(outside)
        return there(name)

    monkeypatch.setattr(folders, "_is_wanted", exchanged)
    found = folders.search("retry_with_backoff", {"heron": repository}, 8, time.monotonic() + 5)
    assert found == []


def test_what_is_late_is_left_out(repository: Path) -> None:
    assert folders.search("retry_with_backoff", {"heron": repository}, 8, time.monotonic() - 1) == []


# A service that means no good


class _Hostile(BaseHTTPRequestHandler):
    behave: Callable[[_Hostile], None]

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing is written."""

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("content-length", 0)))
        type(self).behave(self)

    def answer(self, data: bytes, status: int = 200, kind: str = "application/json") -> None:
        self.send_response(status)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


@pytest.fixture
def service(setting: Setting) -> Iterator[Callable[[Callable[[_Hostile], None]], None]]:
    """A server that does what a test says; the settings point to it."""
    handler = type("Handler", (_Hostile,), {})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    setting("RAG_ENABLED", "true")
    setting("RAG_SERVICE_URL", f"http://127.0.0.1:{server.server_address[1]}/enrich")

    def behaves(act: Callable[[_Hostile], None]) -> None:
        handler.behave = act  # type: ignore[attr-defined]

    yield behaves
    server.shutdown()
    server.server_close()


def reference(**changes: Any) -> dict[str, Any]:
    good = {"repository": "heron", "path": "src/a.py", "line_start": 3, "line_end": 9, "excerpt": "x = 1", "score": 0.5}
    return {**good, **changes}


def answers(*references: Any) -> Callable[[_Hostile], None]:
    return lambda handler: handler.answer(json.dumps({"references": list(references)}).encode())


def test_an_honest_service_is_believed(service: Any) -> None:
    service(answers(reference(), reference(path="b.py", score=0.9, reason="it calls it")))
    found = enrichment.look("anything")
    assert (found.status, [one.path for one in found.references]) == ("ok", ["b.py", "src/a.py"])
    assert found.references[0].reason == "it calls it"


def _drips(handler: _Hostile) -> None:
    handler.send_response(200)
    handler.send_header("content-type", "application/json")
    handler.end_headers()
    try:
        for _ in range(200):
            handler.wfile.write(b" ")
            time.sleep(0.05)
    except OSError:
        return


def _floods(handler: _Hostile) -> None:
    handler.send_response(200)
    handler.send_header("content-type", "application/json")
    handler.end_headers()
    try:
        for _ in range(200):
            handler.wfile.write(b" " * 100_000)
    except OSError:
        return


def _hangs_up(handler: _Hostile) -> None:
    handler.connection.shutdown(socket.SHUT_RDWR)


LIES: list[Callable[[_Hostile], None]] = [
    _drips,
    _floods,
    _hangs_up,
    lambda handler: handler.answer(b"{", 200),
    lambda handler: handler.answer(b"[" * 100_000, 200),
    lambda handler: handler.answer(b'{"references": [{"score": NaN}]}', 200),
    lambda handler: handler.answer(b"<html>fine</html>", 200, "text/html"),
    lambda handler: handler.answer(b'{"references": []}', 500),
    lambda handler: handler.answer(b"", 302),
    lambda handler: handler.answer(b"null"),
    lambda handler: handler.answer(b'{"references": "none"}'),
    answers("text"),
    answers(reference(path="/etc/passwd")),
    answers(reference(path="../../etc/passwd")),
    answers(reference(path="..\\..\\x")),
    answers(reference(line_start=0)),
    answers(reference(line_end=2)),
    answers(reference(line_start=True)),
    answers(reference(score=2)),
    answers(reference(score="high")),
    answers(reference(excerpt="")),
    answers(reference(excerpt="x" * 100_000)),
    answers(reference(excerpt="a\0b")),
    answers(reference(repository=None)),
]


@pytest.mark.parametrize("lie", LIES)
def test_a_service_that_lies_stalls_or_dies_costs_its_references_only(
    lie: Callable[[_Hostile], None], service: Any, repository: Path, setting: Setting, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(enrichment, "BUDGET_SECONDS", 0.6)
    setting("RAG_REPO_LIST", str(repository))
    service(lie)
    found = enrichment.look("retry_with_backoff")
    assert [one.path for one in found.references] == ["src/retry.py"]
    (warning,) = found.warnings
    assert warning.startswith("service: ")
    setting("RAG_REPO_LIST", "")
    alone = enrichment.look("retry_with_backoff")
    assert (alone.status, alone.references) == ("unavailable", [])


def test_a_service_that_never_ends_is_not_waited_for(service: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(enrichment, "BUDGET_SECONDS", 0.3)
    ended = threading.Event()
    service(lambda _handler: ended.wait(30))
    found = enrichment.look("anything")
    assert not ended.is_set()
    ended.set()
    assert found.status == "unavailable"


def test_nobody_at_the_address_is_no_failure(setting: Setting) -> None:
    setting("RAG_ENABLED", "true")
    for url in ("http://127.0.0.1:9/x", "not a url", "ftp://127.0.0.1/x"):
        setting("RAG_SERVICE_URL", url)
        assert enrichment.look("anything").status == "unavailable"


def test_further_passages_are_asked_for_like_our_own_search(service: Any, setting: Setting) -> None:
    assert enrichment.look("anything", further=True).passages == []
    setting("DOCUMENT_RETRIEVAL_URL", str(config.settings().rag_service_url))
    setting("RAG_ENABLED", "false")
    hit = {"title": "Rules", "source_uri": "https://example.org", "location": {"page": 2}, "text": "Closed at eleven."}
    service(lambda handler: handler.answer(json.dumps({"hits": [hit]}).encode()))
    assert enrichment.look("anything").passages == []
    found = enrichment.look("anything", further=True)
    assert found.status == "disabled"
    assert [(one.title, one.location, one.text) for one in found.passages] == [
        ("Rules", {"page": 2}, "Closed at eleven.")
    ]
    service(lambda handler: handler.answer(json.dumps({"hits": [{**hit, "location": "p"}]}).encode()))
    late = enrichment.look("anything", further=True)
    assert late.passages == []
    assert late.warnings[0].startswith("passages: ")

"""Reviews: what is found stands there, by whomever it is found; and every review is found again with its sources."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from anima.chat.focus_model import NAMES
from anima.chat.review_model import of_diff, of_text, place_of
from anima.chat.review_prompts import parts
from anima.chat.review_rules import findings
from anima.kernel import outbox
from fixtures.api import Person
from fixtures.stub_llm import StubLLM, failure

Drain = Callable[[], list[outbox.Event]]
Setting = Callable[[str, str], None]
CODE = """import logging

log = logging.getLogger(__name__)


def register(user, password):
    log.info("new user %s", user.email)
    db.execute(f"insert into users values ('{user.name}')")
    return retry_with_backoff(user)
"""
DIFF = """diff --git a/src/a.py b/src/a.py
--- a/src/a.py
+++ b/src/a.py
@@ -10,3 +10,5 @@ def f():
     keep = 1
-    old = eval("1")
+    new = eval(text)
+    more = 2
     last = 3
"""


def reviewed(person: Person, **body: Any) -> dict[str, Any]:
    answer = person.http.post("/api/v1/review", json=body)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def test_rules_find_what_stands_there_without_any_model(alice: Person, talking: StubLLM, setting: Setting) -> None:
    setting("OPENAI_API_KEY", "")
    review = reviewed(alice, code=CODE, path="app.py", focus_areas=["security", "compliance"])
    assert review["model"] is None
    assert [(one["focus_area"], one["line_start"], one["by"]) for one in review["findings"]] == [
        ("compliance", 7, "rule"),
        ("security", 8, "rule"),
    ]
    assert "GDPR" in review["findings"][0]["message"]
    assert review["summary"] == "Found: 2 high."
    assert talking.chats == []


def test_a_model_finds_more_and_what_it_invents_is_refused(alice: Person, talking: StubLLM) -> None:
    good = {
        "path": "app.py",
        "quote": "return   retry_with_backoff(user)",
        "focus_area": "correctness",
        "severity": "medium",
        "message": "The user may be registered twice.",
    }
    talking.script_json(
        {
            "findings": [
                good,
                {**good, "quote": "os.remove(everything)"},
                {**good, "focus_area": "style"},
                {**good, "severity": "terrible"},
                "text",
            ],
            "summary": "It registers a user.",
        }
    )
    review = reviewed(alice, code=CODE, path="app.py", focus_areas=["correctness"])
    assert [(one["by"], one["line_start"], one["line_end"]) for one in review["findings"]] == [("model", 9, 9)]
    assert (review["refused"], review["summary"]) == (4, "It registers a user.")
    asked = talking.chats[-1].messages[-1]["content"]
    assert "correctness" in asked
    assert "<<<\nimport logging" in asked
    kept = alice.http.get(f"/api/v1/requests/{review['request_id']}").json()
    assert (kept["purpose"], kept["state"]) == ("review", "completed")


@pytest.mark.parametrize("answer", ["no JSON", '{"findings": 3, "summary": ""}', "[]"])
def test_an_answer_that_cannot_be_read_costs_the_models_findings_only(
    alice: Person, talking: StubLLM, answer: str
) -> None:
    talking.script_json(answer)
    review = reviewed(alice, code=CODE, focus_areas=["security"])
    assert [one["by"] for one in review["findings"]] == ["rule"]
    assert review["warnings"] == ["the model's answer could not be read"]


def test_a_model_that_is_away_costs_its_findings_only(alice: Person, talking: StubLLM) -> None:
    talking.always(lambda body: failure(503))
    review = reviewed(alice, code=CODE)
    assert {one["by"] for one in review["findings"]} == {"rule"}
    assert "cannot be reached" in review["warnings"][0]


def test_a_review_is_found_again_in_analysis_with_its_sources(
    alice: Person, talking: StubLLM, drain_outbox: Drain, setting: Setting, tmp_path: Path
) -> None:
    setting("OPENAI_API_KEY", "")
    root = tmp_path / "heron"
    root.mkdir()
    (root / "retry.py").write_text("def retry_with_backoff(user):\n    return user\n")
    setting("RAG_ENABLED", "true")
    setting("RAG_REPO_LIST", str(root))
    review = reviewed(alice, code=CODE, path="app.py")
    assert review["enrichment"]["status"] == "ok"
    drain_outbox()
    found = alice.http.post("/api/v1/search", json={"query": "personal data in a log", "purpose": "analysis"}).json()
    assert found["hits"][0]["document_id"] == review["document_id"]
    document = alice.http.get(f"/api/v1/documents/{review['document_id']}").json()
    assert (document["purpose"], document["title"]) == ("analysis", "Review of app.py")
    assert document["metadata"]["kind"] == "review"
    assert [(one["kind"], one["title"]) for one in document["metadata"]["sources"]] == [
        ("reviewed", "app.py"),
        ("repository", "heron/retry.py"),
    ]
    context = alice.http.post("/api/v1/search", json={"query": "personal data in a log"}).json()
    assert context["hits"] == []


def test_a_private_review_is_not_written(alice: Person, talking: StubLLM, drain_outbox: Drain) -> None:
    assert reviewed(alice, code=CODE, private=True)["document_id"] is None
    assert drain_outbox() == []


def test_a_diff_is_reviewed_by_what_it_adds(alice: Person, talking: StubLLM, setting: Setting) -> None:
    setting("OPENAI_API_KEY", "")
    review = reviewed(alice, diff=DIFF, focus_areas=["security"])
    assert [(one["path"], one["line_start"]) for one in review["findings"]] == [("src/a.py", 11)]
    assert alice.http.post("/api/v1/review", json={"diff": "no diff"}).status_code == 422


def test_files_and_documents_are_reviewed(
    alice: Person, bob: Person, talking: StubLLM, drain_outbox: Drain, setting: Setting
) -> None:
    setting("OPENAI_API_KEY", "")
    files = [{"path": "a.py", "content": "x = 1\n"}, {"path": "b.sh", "content": "curl http://heron.test/x\n"}]
    review = reviewed(alice, files=files)
    assert [(one["path"], one["focus_area"]) for one in review["findings"]] == [("b.sh", "compliance")]
    text = "Policy.\n\nThe key is stored as password = 'hunter2hunter2' in the file.\n"
    made = alice.http.post("/api/v1/documents", json={"title": "policy.txt", "text": text}).json()
    drain_outbox()
    review = reviewed(alice, document_id=made["document_id"])
    assert [(one["path"], one["line_start"]) for one in review["findings"]] == [("policy.txt", 3)]
    assert bob.http.post("/api/v1/review", json={"document_id": made["document_id"]}).status_code == 404


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"code": "x", "diff": "y"},
        {"code": ""},
        {"question": "only a question"},
        {"code": "x", "focus_areas": ["astrology"]},
        {"files": []},
        {"code": "x", "model": "openrouter:none"},
    ],
)
def test_what_cannot_be_reviewed_is_refused(alice: Person, talking: StubLLM, body: dict[str, Any]) -> None:
    assert alice.http.post("/api/v1/review", json=body).status_code == 422


def test_the_enrichment_alone_has_typed_focus_areas_and_references(
    alice: Person, talking: StubLLM, setting: Setting, tmp_path: Path
) -> None:
    root = tmp_path / "heron"
    root.mkdir()
    (root / "retry.py").write_text("def retry_with_backoff(user):\n    return user\n")
    setting("RAG_ENABLED", "true")
    setting("RAG_REPO_LIST", str(root))
    answer = alice.http.post("/api/v1/review/rag-context", json={"code": CODE, "focus_areas": ["compliance"]})
    context = answer.json()
    assert context["status"] == "ok"
    (area,) = context["focus_areas"]
    assert (area["name"], area["title"]) == ("compliance", "Compliance")
    assert "asked for" in area["reason"]
    (reference,) = context["references"]
    assert (reference["repository"], reference["path"], reference["line_start"]) == ("heron", "retry.py", 1)
    setting("RAG_ENABLED", "false")
    off = alice.http.post("/api/v1/review/rag-context", json={"code": CODE}).json()
    assert (off["status"], off["references"]) == ("disabled", [])


def test_a_call_that_comes_twice_makes_one_review(alice: Person, talking: StubLLM) -> None:
    first, second = (
        alice.http.post("/api/v1/review", json={"code": CODE}, headers={"Idempotency-Key": "r"}).json()
        for _ in range(2)
    )
    assert first == second
    assert len(talking.chats) == 1


# The parts that it is made of


@pytest.mark.parametrize(
    ("line", "area"),
    [
        ('api_key = "abcdefgh1234"', "security"),
        ("subprocess.run(cmd, shell=True)", "security"),
        ('cursor.execute("select * from t where a = %s" % a)', "security"),
        ("print(patient.diagnosis)", "compliance"),
        ("requests.post(url, json={'email': user.email})", "compliance"),
        ("licence: AGPL-3.0", "compliance"),
        ("    except:", "correctness"),
        ("def f(a, b=[]):", "correctness"),
        ("@pytest.mark.skip", "tests"),
    ],
)
def test_a_rule_finds_its_line(line: str, area: str) -> None:
    assert area in {one.focus_area for one in findings([of_text("f", line)], NAMES)}


@pytest.mark.parametrize(
    "line",
    ["api_key = settings().api_key", "evaluate(x)", "log.info('started')", "# see https://example.org", "x == 3", ""],
)
def test_a_rule_leaves_good_lines_alone(line: str) -> None:
    assert findings([of_text("f", line)], NAMES) == []


def test_a_diff_gives_the_lines_that_it_adds() -> None:
    (file,) = of_diff(DIFF)
    assert (file.path, file.lines) == ("src/a.py", ((11, "    new = eval(text)"), (12, "    more = 2")))


def test_a_quotation_is_found_over_lines_whatever_its_blanks() -> None:
    files = [of_text("a", "x\n"), of_text("b", "one\n\n  two  three\nfour\n")]
    found = place_of("one\n two   three", files)
    assert found is not None
    assert (found[0].path, found[1], found[2]) == ("b", 1, 3)
    assert place_of("one\nfour", files) is None
    assert place_of("  ", files) is None


def test_a_long_text_is_put_in_parts_without_losing_a_line() -> None:
    file = of_text("a", "\n".join(f"line number {n}" for n in range(500)))
    cut = parts([file, of_text("b", "end")], 300)
    assert len(cut) > 3
    lines = [line for part in cut for one in part for line in one.lines if one.path == "a"]
    assert lines == list(file.lines)

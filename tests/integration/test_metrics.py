"""`/metrics`: who may read it, what it tells, and that the dashboard asks for nothing else."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from prometheus_client.parser import text_string_to_metric_families

from anima.app import metrics
from anima.app.main import chat_app, local
from anima.kernel import db, telemetry
from anima.kernel.watch import catalogue
from fixtures.api import BASE_URL, MakeUser, Person
from fixtures.stub_llm import StubLLM, failure
from fixtures.turns import said, say

DASHBOARD = Path(__file__).resolve().parents[2] / "infra" / "grafana.json"
KEY = "a-key-for-the-scraper"


def read(text: str) -> dict[str, dict[tuple[tuple[str, str], ...], float]]:
    """The samples by name and labels."""
    found: dict[str, dict[tuple[tuple[str, str], ...], float]] = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            found.setdefault(sample.name, {})[tuple(sorted(sample.labels.items()))] = sample.value
    return found


def value(name: str, **labels: str) -> float:
    """The present value of a sample in this process; 0 where there is none yet."""
    samples = read(metrics.prometheus().text().decode()).get(name, {})
    return samples.get(tuple(sorted(labels.items())), 0.0)


@pytest.fixture
def scraper(app: Any) -> Callable[..., Any]:
    """Asks for the metrics, with a key or none."""

    def scrape(key: str | None = None) -> Any:
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        return TestClient(app, base_url=BASE_URL, headers=headers).get("/metrics")

    return scrape


def test_admins_and_operators_read_it_and_nobody_else(
    scraper: Callable[..., Any], make_user: MakeUser, alice: Person
) -> None:
    assert scraper().status_code == 401
    assert scraper(KEY).status_code == 401
    assert scraper(alice.key).status_code == 403
    for role in ("admin", "operator"):
        answer = scraper(make_user(role).key)
        assert answer.status_code == 200
        assert answer.headers["content-type"] == metrics.CONTENT_TYPE


def test_the_scrapers_key_asks_nothing_of_the_database(
    scraper: Callable[..., Any], setting: Callable[[str, str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    setting("ANIMA_METRICS_KEY", KEY)
    assert scraper("another").status_code == 401

    def refuse(*_given: object) -> Any:
        raise AssertionError("the database was asked")

    monkeypatch.setattr(db, "transaction", refuse)
    assert scraper(KEY).status_code == 200


def test_a_page_elsewhere_cannot_read_it(app: Any, setting: Callable[[str, str], None]) -> None:
    setting("ANIMA_METRICS_KEY", KEY)
    headers = {"Authorization": f"Bearer {KEY}"}
    strange = TestClient(app, base_url="http://evil.example", headers=headers)
    assert strange.get("/metrics").status_code == 421


def test_deployed_functions_have_no_such_route() -> None:
    assert TestClient(chat_app(), base_url=BASE_URL).get("/metrics").status_code == 404


def test_a_turn_is_counted(alice: Person, luna: str, talking: StubLLM) -> None:
    model = {"provider": "openai", "model": "gpt-6-luna"}
    route = {"method": "POST", "route": "/api/v1/chat", "status": "200"}
    before = {
        "calls": value("anima_llm_calls_total", **model),
        "requests": value("anima_http_requests_total", **route),
        "tokens": value("anima_llm_tokens_total", kind="prompt", **model),
        "committed": value("anima_db_transactions_total", login="app", outcome="committed"),
    }
    usage = said(alice, "Hello", avatar_id=luna)["usage"]
    assert value("anima_llm_calls_total", **model) == before["calls"] + 1
    assert value("anima_http_requests_total", **route) == before["requests"] + 1
    assert value("anima_llm_tokens_total", kind="prompt", **model) == before["tokens"] + usage["prompt_tokens"]
    assert value("anima_db_transactions_total", login="app", outcome="committed") >= before["committed"] + 2
    assert value("anima_llm_first_token_seconds_count", **model) >= 1
    assert value("anima_db_pool_max", login="app") >= value("anima_db_pool_size", login="app") >= 1


def test_a_model_that_fails_is_counted_by_its_error(alice: Person, luna: str, talking: StubLLM) -> None:
    failed = {"provider": "openai", "model": "gpt-6-luna", "error": "model-auth-failed"}
    calls, errors = value("anima_llm_errors_total", **failed), value("anima_http_errors_total", route="/api/v1/chat")
    talking.always(lambda _body: failure(401))
    say(alice, "Hello", avatar_id=luna)
    assert value("anima_llm_errors_total", **failed) == calls + 1
    assert value("anima_http_errors_total", route="/api/v1/chat") == errors + 1


def test_names_that_callers_make_up_do_not_fill_the_memory() -> None:
    fresh = metrics.Prometheus()
    for number in range(2 * metrics._MOST_SERIES):
        fresh.take("llm.calls", 1, {"provider": "openai", "model": f"made-up-{number}"})
    samples = read(fresh.text().decode())["anima_llm_calls_total"]
    assert len(samples) == metrics._MOST_SERIES + 1
    assert samples[("model", "other"), ("provider", "other")] == metrics._MOST_SERIES


def test_every_metric_is_told_and_has_the_unit_in_its_name() -> None:
    fresh = metrics.Prometheus()
    for metric in catalogue.METRICS.values():
        fresh.take(metric.name, 1500, dict.fromkeys(metric.labels, "x"))
    samples = read(fresh.text().decode())
    for metric in catalogue.METRICS.values():
        name = metrics.exposed(metric)
        assert metrics.exposed(metric) in samples or f"{name}_sum" in samples
    assert set(samples["anima_llm_latency_seconds_sum"].values()) == {1.5}
    assert set(samples["anima_db_size_bytes"].values()) == {1500}


def test_one_registry_counts_for_every_app_of_the_process() -> None:
    local()
    local()
    assert telemetry.sinks.count(metrics.prometheus().take) == 1


def names_told() -> set[str]:
    """Every name that a query may use, with the ends that histograms have."""
    gauges = {"anima_info", *(f"anima_db_pool_{end}" for end in ("size", "available", "max", "waiting"))}
    process = set(re.findall(r"^(process_\w+)", metrics.prometheus().text().decode(), re.MULTILINE))
    ours: set[str] = set()
    for metric in catalogue.METRICS.values():
        ends = ("_bucket", "_sum", "_count") if metric.kind == "histogram" else ("",)
        ours |= {metrics.exposed(metric) + end for end in ends}
    return gauges | process | ours


def panels(board: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for panel in board["panels"]:
        yield panel
        yield from panel.get("panels", [])


def test_alarms_and_dashboard_of_the_template_name_what_is_counted() -> None:
    text = (DASHBOARD.parent / "watch.yaml").read_text(encoding="utf-8")
    named = set(re.findall(r"\b(?:http|llm|cache|db|queue)\.[a-z_]+", text))
    assert len(named) > 8
    assert named <= set(catalogue.METRICS)


class TestDashboard:
    board: dict[str, Any] = json.loads(DASHBOARD.read_text(encoding="utf-8"))

    def test_it_asks_for_what_is_told_by_labels_that_are_there(self) -> None:
        known = names_told()
        labels = {label for metric in catalogue.METRICS.values() for label in metric.labels} | {"le", "login"}
        queries = [target["expr"] for panel in panels(self.board) for target in panel.get("targets", [])]
        queries += [one["query"]["query"] for one in self.board["templating"]["list"] if one["type"] == "query"]
        assert len(queries) > 15
        for query in queries:
            used = set(re.findall(r"\b(?:anima|process)_\w+", query))
            assert used, query
            assert used <= known, used - known
            by = [label.strip() for found in re.findall(r"\bby \(([^)]*)\)", query) for label in found.split(",")]
            assert set(by) <= labels, query

    def test_it_shows_every_family(self) -> None:
        text = json.dumps(self.board)
        for family in ("http", "llm", "db", "queue", "cache"):
            assert f"anima_{family}_" in text

    def test_it_is_a_model_that_grafana_imports(self) -> None:
        assert self.board["schemaVersion"] >= 39
        assert self.board["id"] is None
        assert {"title", "uid", "panels", "time", "templating", "timezone", "refresh"} <= set(self.board)
        (source,) = [one for one in self.board["__inputs"] if one["type"] == "datasource"]
        assert source["pluginId"] == "prometheus"
        ids = [panel["id"] for panel in panels(self.board)]
        assert len(ids) == len(set(ids))
        taken: set[tuple[int, int]] = set()
        for panel in panels(self.board):
            place = panel["gridPos"]
            assert place["x"] >= 0
            assert place["x"] + place["w"] <= 24
            cells = {
                (x, y)
                for x in range(place["x"], place["x"] + place["w"])
                for y in range(place["y"], place["y"] + place["h"])
            }
            assert not cells & taken, panel["title"]
            taken |= cells
            if panel["type"] != "row":
                assert panel["datasource"] == {"type": "prometheus", "uid": f"${{{source['name']}}}"}
                assert [target["refId"] for target in panel["targets"]] == [
                    "ABCDEFG"[at] for at in range(len(panel["targets"]))
                ]

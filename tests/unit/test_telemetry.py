"""Spans, metrics, CloudWatch's lines and OpenTelemetry's spans, without a server."""

from __future__ import annotations

import ast
import builtins
import json
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from anima.kernel import config, telemetry, watch
from anima.kernel.errors import BadInput
from anima.kernel.watch import catalogue
from anima.kernel.watch.emf import Emf
from anima.kernel.watch.tracing import Tracing, TracingNotInstalled
from anima.vendors.llm.errors import ModelQuotaExceeded

HOUSE = Path(__file__).resolve().parents[2] / "layers" / "app" / "anima"
TRACE = "0af7651916cd43dd8448eb211c80319c"
PARENT = "b7ad6b7169203331"


@pytest.fixture(autouse=True)
def nothing_kept() -> Iterator[None]:
    """Each test starts and ends with no place to send to."""
    sinks = telemetry.sinks[:]
    telemetry.sinks.clear()
    watch.stop()
    yield
    watch.stop()
    telemetry.sinks[:] = sinks
    config.settings.cache_clear()


@pytest.fixture
def exported() -> InMemorySpanExporter:
    """Where spans go."""
    exporter = InMemorySpanExporter()
    watch.trace(Tracing("otlp", "test", exporter))
    return exporter


def finished(exporter: InMemorySpanExporter) -> dict[str, Any]:
    watch.stop()
    return {span.name: span for span in exporter.get_finished_spans()}


def test_a_unit_of_work_knows_its_spans() -> None:
    with watch.work("a") as work:
        with telemetry.span("outer"), telemetry.span("inner"):
            pass
        with telemetry.span("inner"):
            pass
        with pytest.raises(ValueError, match="x"), telemetry.span("failed"):
            raise ValueError("x")
    assert list(work.spans) == ["inner", "outer", "failed"]
    with telemetry.span("outside"):
        pass
    assert "outside" not in work.spans


def test_a_measurement_of_a_turn_is_a_span_too() -> None:
    timings: dict[str, float] = {}
    with watch.work("a") as work, telemetry.measured(timings, "load"):
        pass
    assert set(work.spans) == set(timings) == {"load"}


def test_two_units_of_work_at_once_do_not_mix() -> None:
    spans: dict[str, list[str]] = {}
    together = threading.Barrier(2)

    def run(name: str) -> None:
        with watch.work(name) as work:
            together.wait()
            with telemetry.span(f"of {name}"):
                together.wait()
        spans[name] = list(work.spans)

    threads = [threading.Thread(target=run, args=(name,)) for name in "ab"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert spans == {"a": ["of a"], "b": ["of b"]}


def test_numbers_reach_every_sink_in_one_unit() -> None:
    taken: list[tuple[str, float, Mapping[str, str]]] = []
    telemetry.sinks.append(lambda *one: taken.append(one))
    telemetry.count("llm.calls", model="m")
    telemetry.count("llm.tokens", 7, kind="prompt")
    telemetry.observe("llm.latency", 1.5, "s", model="m")
    telemetry.observe("db.wait", 3.0)
    assert taken == [
        ("llm.calls", 1, {"model": "m"}),
        ("llm.tokens", 7, {"kind": "prompt"}),
        ("llm.latency", 1500.0, {"model": "m"}),
        ("db.wait", 3.0, {}),
    ]


def test_a_tenant_is_the_same_each_time_and_no_number() -> None:
    assert telemetry.tenant(7) == telemetry.tenant(7) != telemetry.tenant(8)
    assert telemetry.tenant(None) is None
    told = telemetry.tenant(7)
    assert told is not None
    assert len(told) == 16


def calls(source: str) -> Iterator[tuple[str, set[str]]]:
    """The metrics that a file names, with their labels (`**` is not looked into)."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and ast.unparse(node.func) in {"telemetry.count", "telemetry.observe"}:
            labels = {one.arg for one in node.keywords if one.arg is not None}
            for name in ast.walk(node.args[0]):
                if isinstance(name, ast.Constant) and "." in str(name.value):
                    yield str(name.value), labels


def test_the_catalogue_holds_what_is_counted_and_nothing_else() -> None:
    used: dict[str, set[str]] = {}
    for path in HOUSE.rglob("*.py"):
        for name, labels in calls(path.read_text(encoding="utf-8")):
            used.setdefault(name, set()).update(labels)
    assert set(used) == set(catalogue.METRICS)
    for name, labels in used.items():
        assert labels <= set(catalogue.METRICS[name].labels), name
        assert not [label for label in labels if label.endswith("_id")]


class TestCloudWatch:
    @pytest.fixture
    def emf(self) -> Emf:
        return Emf("prod", "chat-function")

    def lines(self, capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
        return [json.loads(line) for line in capsys.readouterr().out.splitlines()]

    def test_one_line_holds_all_of_a_unit_of_work(self, emf: Emf, capsys: pytest.CaptureFixture[str]) -> None:
        emf.take("http.requests", 1, {"route": "/a", "status": "200"})
        emf.take("llm.tokens", 7, {"kind": "prompt"})
        emf.take("llm.tokens", 5, {"kind": "completion"})
        emf.take("http.latency", 12.3456, {"route": "/a"})
        for value in (1.0, 2.0):
            emf.take("db.transaction", value, {"login": "app"})
        emf.take("no.such", 1, {})
        emf.flush("turn")
        emf.flush("turn")
        (line,) = self.lines(capsys)
        assert line["llm.tokens"] == 12
        assert line["db.transaction"] == [1.0, 2.0]
        assert (line["Stage"], line["Function"], line["RouteClass"]) == ("prod", "chat-function", "turn")
        assert "no.such" not in line
        everything, http = line["_aws"]["CloudWatchMetrics"]
        assert everything["Namespace"] == http["Namespace"] == "Anima"
        assert everything["Dimensions"] == [["Stage"], ["Stage", "Function"]]
        assert http["Dimensions"] == [["Stage", "RouteClass"]]
        assert {one["Name"] for one in http["Metrics"]} == {"http.requests", "http.latency"}
        units = {one["Name"]: one["Unit"] for one in everything["Metrics"]}
        assert units["http.latency"] == "Milliseconds"
        assert units["llm.tokens"] == "Count"
        assert line["_aws"]["Timestamp"] > 1_700_000_000_000

    def test_every_dimension_and_metric_is_in_the_line(self, emf: Emf, capsys: pytest.CaptureFixture[str]) -> None:
        """As the format's specification wants it: targets are root members, at most 100 values and metrics."""
        for metric in catalogue.METRICS.values():
            for _ in range(150):
                emf.take(metric.name, 1, {})
        emf.flush("api")
        (line,) = self.lines(capsys)
        for directive in line["_aws"]["CloudWatchMetrics"]:
            assert all(isinstance(line[name], str) for names in directive["Dimensions"] for name in names)
            assert len(directive["Metrics"]) <= 100
            for metric in directive["Metrics"]:
                value = line[metric["Name"]]
                assert isinstance(value, int | float) or 0 < len(value) <= 100

    def test_on_lambda_it_is_written_after_each_unit_of_work(
        self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        monkeypatch.setenv("AWS_LAMBDA_FUNCTION_NAME", "anima-dev-Reflect")
        monkeypatch.setenv("ANIMA_STAGE", "dev")
        config.settings.cache_clear()
        watch.start()
        watch.start()

        class Event:
            event_id, topic, owner_id, attempts = "e-1", "turn.finished", 7, 1

        watch.watched(lambda _event: telemetry.count("llm.calls"))(Event())
        with pytest.raises(BadInput):
            watch.watched(refuse)(Event())
        first, second = self.lines(capsys)
        assert (first["queue.handled"], first["llm.calls"], first["Function"]) == (1, 1, "anima-dev-Reflect")
        assert second["queue.failed"] == 1
        assert "queue.handled" not in second

    def test_elsewhere_nothing_is_written(self, capsys: pytest.CaptureFixture[str]) -> None:
        watch.start()
        with watch.work("a"):
            telemetry.count("llm.calls")
        assert self.lines(capsys) == []


def refuse(_event: object) -> None:
    raise BadInput(reason="no")


class TestTraces:
    def test_a_request_continues_its_callers_trace(self, exported: InMemorySpanExporter) -> None:
        with watch.work("http.request", {"traceparent": f"00-{TRACE}-{PARENT}-01"}) as work:
            work.told["http.route"] = "/a"
            assert watch.trace_id() == {"trace_id": TRACE}
            with telemetry.span("load", hits=3):
                assert telemetry.trace_headers()["traceparent"].startswith(f"00-{TRACE}-")
        assert watch.trace_id() == {}
        spans = finished(exported)
        root, inner = spans["http.request"], spans["load"]
        assert f"{root.context.trace_id:032x}" == TRACE
        assert f"{root.parent.span_id:016x}" == PARENT
        assert inner.parent.span_id == root.context.span_id
        assert dict(inner.attributes) == {"hits": 3}
        assert root.attributes["http.route"] == "/a"
        assert root.resource.attributes["service.name"] == "anima"

    def test_a_trace_header_that_is_none_begins_a_new_trace(self, exported: InMemorySpanExporter) -> None:
        with watch.work("http.request", {"traceparent": "what somebody wrote"}):
            pass
        root = finished(exported)["http.request"]
        assert root.parent is None
        assert "what somebody wrote" not in root.to_json()

    def test_of_an_error_only_its_class_is_kept(self, exported: InMemorySpanExporter) -> None:
        with pytest.raises(ValueError, match="wrote"), watch.work("a"), telemetry.span("b"):
            raise ValueError("what somebody wrote")
        span = finished(exported)["b"]
        assert span.status.description == "ValueError"
        assert "what somebody wrote" not in span.to_json()

    def test_a_span_may_end_in_another_thread_than_it_began(self, exported: InMemorySpanExporter) -> None:
        """As that of a streamed turn does."""

        def turn() -> Iterator[int]:
            with telemetry.span("model"):
                yield 1
                yield 2

        with watch.work("a"):
            running = turn()
            next(running)
            thread = threading.Thread(target=list, args=(running,))
            thread.start()
            thread.join()
        assert set(finished(exported)) == {"a", "model"}

    def test_without_the_packages_the_start_says_which_to_install(self, monkeypatch: pytest.MonkeyPatch) -> None:
        real = builtins.__import__

        def missing(name: str, *rest: Any) -> Any:
            if name.startswith("opentelemetry"):
                raise ModuleNotFoundError(f"No module named {name!r}", name=name)
            return real(name, *rest)

        monkeypatch.setenv("OPEN_TELEMETRY_EXPORTER", "otlp")
        config.settings.cache_clear()
        monkeypatch.setattr(builtins, "__import__", missing)
        with pytest.raises(TracingNotInstalled) as caught:
            watch.start()
        monkeypatch.undo()
        assert "anima[telemetry]" in caught.value.detail
        assert "otlp" in caught.value.detail

    def test_it_is_loaded_only_where_it_is_wanted(self) -> None:
        program = "import sys; from anima.kernel import watch; watch.start(); print(*sys.modules)"
        done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
        assert not {"opentelemetry", "prometheus_client"} & set(done.stdout.split())


def test_the_words_of_others_in_an_error_stay_out_of_the_log(capsys: pytest.CaptureFixture[str]) -> None:
    telemetry.configure("info")
    telemetry.error("a.failed", ModelQuotaExceeded(model="m", reason="what somebody wrote", retry_after=1))
    line = capsys.readouterr().err
    assert json.loads(line)["detail"].endswith("for now: ….")
    assert "what somebody wrote" not in line

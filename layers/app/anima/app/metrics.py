"""`/metrics` of the server at home, in Prometheus' text format: what this process counted, and its pools.

It takes an admin's or operator's key, or that of ANIMA_METRICS_KEY, with which a scraper wakes no database.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterable, Mapping
from functools import lru_cache
from importlib.metadata import version
from typing import Annotated, Any

from fastapi import APIRouter, Request, Response, Security
from fastapi.security import HTTPBearer
from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    disable_created_metrics,
    generate_latest,
)
from prometheus_client.core import GaugeMetricFamily, InfoMetricFamily, Metric

from anima.kernel import auth, db, http, telemetry
from anima.kernel.config import settings
from anima.kernel.watch import catalogue

disable_created_metrics()  # type: ignore[no-untyped-call]
CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_SECONDS = (0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120)
_MOST_SERIES = 300
"""Label sets of one metric; what is beyond, as when a caller makes up names of models, is told as `other`."""

router = APIRouter(tags=["operation"])


def exposed(metric: catalogue.Metric) -> str:
    """The name under which Prometheus finds a metric: `db.wait` is `anima_db_wait_seconds`."""
    end = {"Milliseconds": "_seconds", "Bytes": "_bytes", "Percent": "_percent", "Count": "_total"}[metric.unit]
    return f"anima_{metric.name.replace('.', '_')}{end}"


class Prometheus:
    """A registry of its own with every metric of the catalogue, and the sink that fills it."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry(auto_describe=True)
        self._metrics: dict[str, Counter | Gauge | Histogram] = {}
        self._series: dict[str, set[tuple[str, ...]]] = {}
        for metric in catalogue.METRICS.values():
            self._metrics[metric.name] = self._made(metric)
            self._series[metric.name] = set()
        ProcessCollector(registry=self.registry)
        self.registry.register(_Pools())

    def _made(self, metric: catalogue.Metric) -> Counter | Gauge | Histogram:
        name = exposed(metric)
        if metric.kind == "counter":
            return Counter(name, metric.help, metric.labels, registry=self.registry)
        if metric.kind == "gauge":
            return Gauge(name, metric.help, metric.labels, registry=self.registry)
        return Histogram(name, metric.help, metric.labels, registry=self.registry, buckets=_SECONDS)

    def take(self, name: str, value: float, labels: Mapping[str, str]) -> None:
        """A number of the metric `name`; one that is not in the catalogue is left out."""
        if (found := self._metrics.get(name)) is None:
            return
        metric = catalogue.METRICS[name]
        child = found.labels(*self._values(metric, labels)) if metric.labels else found
        if isinstance(child, Counter):
            child.inc(value)
        elif isinstance(child, Gauge):
            child.set(value)
        else:
            child.observe(value / 1000)

    def _values(self, metric: catalogue.Metric, labels: Mapping[str, str]) -> tuple[str, ...]:
        values = tuple(labels.get(name, "") for name in metric.labels)
        series = self._series[metric.name]
        if values not in series:
            if len(series) >= _MOST_SERIES:
                return ("other",) * len(values)
            series.add(values)
        return values

    def text(self) -> bytes:
        """Everything, as Prometheus reads it."""
        return generate_latest(self.registry)


class _Pools:
    """What is true at the moment of asking: connections by login, and which version answers."""

    def describe(self) -> Iterable[Metric]:
        return ()

    def collect(self) -> Iterable[Metric]:
        yield InfoMetricFamily("anima", "What runs", {"version": version("anima"), "stage": settings().stage})
        size = GaugeMetricFamily("anima_db_pool_size", "Open connections", labels=["login"])
        idle = GaugeMetricFamily("anima_db_pool_available", "Open connections that nobody uses", labels=["login"])
        most = GaugeMetricFamily("anima_db_pool_max", "Connections that may be open", labels=["login"])
        waiting = GaugeMetricFamily("anima_db_pool_waiting", "Callers that wait for a connection", labels=["login"])
        for login, stats in db.pool_stats().items():
            size.add_metric([login], stats["pool_size"])
            idle.add_metric([login], stats["pool_available"])
            most.add_metric([login], stats["pool_max"])
            waiting.add_metric([login], stats["requests_waiting"])
        yield from (size, idle, most, waiting)


@lru_cache(maxsize=1)
def prometheus() -> Prometheus:
    """The metrics of this process, counted from the first call on."""
    made = Prometheus()
    telemetry.sinks.append(made.take)
    return made


def _scraper(
    request: Request,
    _bearer: Annotated[Any, Security(HTTPBearer(scheme_name="bearer", auto_error=False))],
) -> None:
    key, given = settings().metrics_key, http.credential(request)
    if key is not None and given is not None and hmac.compare_digest(key.get_secret_value().encode(), given.encode()):
        return
    auth.require(auth.authenticate(given), "admin", "operator")


_EXAMPLE = """# HELP anima_http_requests_total Requests that were answered
# TYPE anima_http_requests_total counter
anima_http_requests_total{method="POST",route="/api/v1/chat",status="200"} 42.0
"""


@router.get(
    "/metrics",
    summary="Metrics for Prometheus",
    response_class=Response,
    responses={**http.example(_EXAMPLE, media_type=CONTENT_TYPE), **http.problems(403)},
    dependencies=[Security(_scraper)],
)
def metrics() -> Response:
    """What this process has counted since it began; it takes the key of an admin or operator, or the metrics key."""
    return Response(prometheus().text(), media_type=CONTENT_TYPE)

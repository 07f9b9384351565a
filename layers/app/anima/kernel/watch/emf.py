"""Metrics as CloudWatch reads them from the log: lines in the embedded metric format, one for each unit of work.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
"""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Mapping
from typing import Any

from anima.kernel import clock
from anima.kernel.watch.catalogue import METRICS

NAMESPACE = "Anima"
_MOST_VALUES = 100  # of one metric in one line


class Emf:
    """Collects until `flush`; labels are no dimensions, for each combination of those costs money."""

    def __init__(self, stage: str, function: str) -> None:
        self._dimensions = {"Stage": stage, "Function": function}
        self._values: dict[str, list[float]] = {}
        self._lock = threading.Lock()

    def take(self, name: str, value: float, _labels: Mapping[str, str]) -> None:
        """A number of the metric `name`; one that is not in the catalogue is left out."""
        if (metric := METRICS.get(name)) is None:
            return
        with self._lock:
            values = self._values.setdefault(name, [])
            if metric.kind == "counter" and values:
                values[0] += value
            elif len(values) < _MOST_VALUES:
                values.append(round(value, 3))

    def flush(self, route_class: str | None = None) -> None:
        """Writes a line of what was collected; `route_class` is a dimension of the http metrics."""
        with self._lock:
            values, self._values = self._values, {}
        if values:
            line = json.dumps(self._line(values, route_class), separators=(",", ":"))
            print(line, file=sys.stdout, flush=True)

    def _line(self, values: Mapping[str, list[float]], route_class: str | None) -> dict[str, Any]:
        directives = [_directive([["Stage"], ["Stage", "Function"]], list(values))]
        told = dict(self._dimensions)
        http = [name for name in values if name.startswith("http.")]
        if route_class is not None and http:
            told["RouteClass"] = route_class
            directives.append(_directive([["Stage", "RouteClass"]], http))
        stamp = {"Timestamp": round(clock.now().timestamp() * 1000), "CloudWatchMetrics": directives}
        plain = {name: found[0] if len(found) == 1 else found for name, found in values.items()}
        return {"_aws": stamp, **told, **plain}


def _directive(dimensions: list[list[str]], names: list[str]) -> dict[str, Any]:
    metrics = [{"Name": name, "Unit": METRICS[name].unit} for name in names]
    return {"Namespace": NAMESPACE, "Dimensions": dimensions, "Metrics": metrics}

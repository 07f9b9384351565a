"""Spans of OpenTelemetry, joined to those of who calls by W3C's traceparent; imported only where traces are kept."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from importlib.metadata import version
from typing import TYPE_CHECKING, Any, Literal

from anima.kernel.errors import AnimaError

if TYPE_CHECKING:
    from opentelemetry.context import Context
    from opentelemetry.sdk.trace import ReadableSpan
    from opentelemetry.sdk.trace.export import SpanExporter

Exporter = Literal["console", "otlp"]

# Not the library's own: a turn is a generator, and goes on in another context than it began in.
_current: ContextVar[Context | None] = ContextVar("span", default=None)


class TracingNotInstalled(AnimaError):
    """OPEN_TELEMETRY_EXPORTER is {exporter}, but {package} is not installed: pip install 'anima[telemetry]'."""

    slug = "tracing-not-installed"


def _exporter(kind: Exporter) -> SpanExporter:
    if kind == "console":
        from opentelemetry.sdk.trace.export import ConsoleSpanExporter

        return ConsoleSpanExporter(out=sys.stderr, formatter=_one_line)
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

    return OTLPSpanExporter()


def _one_line(span: ReadableSpan) -> str:
    return str(span.to_json(indent=None)) + "\n"


class Tracing:
    """Makes spans and sends them in the background. Raises TracingNotInstalled."""

    def __init__(self, kind: Exporter, stage: str, exporter: SpanExporter | None = None) -> None:
        try:
            from opentelemetry.sdk.resources import Resource
            from opentelemetry.sdk.trace import TracerProvider
            from opentelemetry.sdk.trace.export import BatchSpanProcessor
            from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

            sent_by = exporter or _exporter(kind)
        except ImportError as error:
            raise TracingNotInstalled(exporter=kind, package=error.name) from None
        about = {"service.name": "anima", "service.version": version("anima"), "deployment.environment.name": stage}
        self._provider = TracerProvider(resource=Resource.create(about))
        self._provider.add_span_processor(BatchSpanProcessor(sent_by))
        self._tracer = self._provider.get_tracer("anima")
        self._propagator = TraceContextTextMapPropagator()

    @contextmanager
    def root(self, name: str, carrier: Mapping[str, str], told: Mapping[str, Any]) -> Iterator[None]:
        """A span that continues the caller's trace; `told` becomes its attributes when it ends."""
        before = _current.get()
        _current.set(self._propagator.extract(dict(carrier)))
        try:
            with self.span(name, {}, told):
                yield
        finally:
            _current.set(before)

    @contextmanager
    def span(self, name: str, attributes: Mapping[str, Any], told: Mapping[str, Any] | None = None) -> Iterator[None]:
        """A span below the present one. Of an error it keeps the class: its text may be what somebody wrote."""
        from opentelemetry.trace import Status, StatusCode, set_span_in_context

        parent = _current.get()
        span = self._tracer.start_span(name, context=parent, attributes=dict(attributes))
        _current.set(set_span_in_context(span, parent))
        try:
            yield
        except Exception as error:
            span.set_status(Status(StatusCode.ERROR, type(error).__name__))
            raise
        finally:
            _current.set(parent)
            span.set_attributes({key: value for key, value in (told or {}).items() if value is not None})
            span.end()

    def headers(self) -> dict[str, str]:
        """What to send along with a call, so that its server's spans belong to this trace."""
        carrier: dict[str, str] = {}
        self._propagator.inject(carrier, context=_current.get())
        return carrier

    def flush(self) -> None:
        """Sends what waits; a frozen process would keep it."""
        self._provider.force_flush(2000)

    def close(self) -> None:
        """Sends what waits, and ends."""
        self._provider.shutdown()


def trace_id() -> str | None:
    """The present trace, as logs name it."""
    from opentelemetry.trace import get_current_span

    context = get_current_span(_current.get()).get_span_context()
    return f"{context.trace_id:032x}" if context.is_valid else None

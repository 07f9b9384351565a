"""Every metric of the house: what it counts or measures, its unit, and its labels (few values each, never an id)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Kind = Literal["counter", "histogram", "gauge"]
Unit = Literal["Count", "Milliseconds", "Bytes", "Percent"]


@dataclass(frozen=True, slots=True)
class Metric:
    """A metric; `unit` by CloudWatch's name for it."""

    name: str
    kind: Kind
    unit: Unit
    labels: tuple[str, ...]
    help: str


def _counter(name: str, labels: str, text: str) -> Metric:
    return Metric(name, "counter", "Count", tuple(labels.split()), text)


def _duration(name: str, labels: str, text: str) -> Metric:
    return Metric(name, "histogram", "Milliseconds", tuple(labels.split()), text)


METRICS = {
    metric.name: metric
    for metric in (
        _counter("http.requests", "method route status", "Requests that were answered"),
        _counter("http.errors", "route", "Answers with a status of 500 and above"),
        _counter("experiments.halted", "", "Experiments that ended because a variant did harm"),
        _counter("http.limited", "", "Requests that were refused because a person had called too often"),
        _counter("socket.connections", "outcome", "Connections over WebSocket that were opened, closed, refused, gone"),
        _counter("socket.limited", "", "Frames that were refused because a person had sent too many"),
        _duration("http.latency", "route", "From the first byte of a request to the last of its answer"),
        _counter("http.cold_starts", "", "Processes that answered their first request or event"),
        _counter("llm.calls", "provider model", "Calls of a language model"),
        _counter("llm.errors", "provider model error", "Calls that failed, by the slug of the error"),
        _counter("llm.over_budget", "period", "Calls that were refused because a budget was used up"),
        _duration("llm.latency", "provider model", "From the call to the last piece of the answer"),
        _duration("llm.first_token", "provider model", "From the call to the first piece of the answer"),
        _counter("llm.tokens", "provider model kind", "Tokens as the server counted them: prompt, completion, cached"),
        _counter("cache.hits", "cache", "Found: what was read or computed before is used"),
        _counter("cache.misses", "cache", "Not found: it is computed"),
        _counter("inference.cache_lost", "cache", "Found, but not whole in the chunk store: it is computed again"),
        _counter("inference.cache_evicted", "", "Rows of caches that had expired, or were over the bound"),
        _counter("tensors.damaged", "", "Chunks that were not what they had been when they were saved"),
        _counter("tensors.deadlocks", "", "Saves whose last step was tried again because of others"),
        _counter("training.checkpoints", "kind", "Checkpoints that were saved: full, weights, optimizer"),
        _counter("training.metrics_delayed", "", "Batches of metrics that could not be written this time"),
        _counter("training.jobs", "kind backend", "Jobs that were asked for"),
        _counter("training.attempts", "backend", "Jobs that were begun, or begun again"),
        _counter("training.again", "backend interrupted", "Attempts that ended too early and are repeated"),
        _counter("training.ended", "kind status", "Jobs that ended: completed, failed, cancelled, paused"),
        _counter("citations.invented", "of", "Marks that no source stands for, taken out: of turn, ask, summary"),
        _counter("review.refused", "", "Findings of a model that name nothing in what was reviewed, left out"),
        _counter("enrichment.calls", "status", "Looks into repositories: ok, empty, unavailable or disabled"),
        _duration("enrichment.latency", "", "How long a look into repositories took"),
        _counter("curiosity.gaps", "kind", "Gaps that turns left: unknown, unexplained, contradiction"),
        _counter("curiosity.searches", "outcome", "Searches in the background for a gap: found or nothing"),
        _duration("curiosity.outside", "", "How long services and repositories took to answer such a search"),
        _counter("curiosity.looks", "outcome", "Wider looks before an answer: found, nothing or late"),
        _duration("curiosity.look", "", "How long a turn waited for such a look"),
        _counter("curiosity.told", "kind", "Things that an avatar brought up of itself: finding or question"),
        _counter("plugins.calls", "plugin outcome", "Calls of tools: ok, or why not; of servers and packages as other"),
        _duration("plugins.latency", "plugin", "From the beginning of a call of a tool to its end"),
        _counter("db.transactions", "login outcome", "Transactions: committed or rolled_back"),
        _duration("db.transaction", "login", "How long a transaction held its connection"),
        _duration("db.wait", "login", "Waiting for a connection of the pool"),
        _counter("db.slow", "login", "Transactions of more than a second"),
        _counter("db.reconnects", "", "Tries to connect after one that failed"),
        _counter("db.retries", "", "Units of work that were tried again"),
        _counter("db.unavailable", "login", "Calls that ended because the database could not be reached"),
        Metric("db.size", "gauge", "Bytes", (), "The whole database, when sizes are recorded (daily)"),
        Metric("db.connections_used", "gauge", "Percent", (), "Of the connections that the server allows (daily)"),
        _counter(
            "safety.events", "kind", "What safety met: crisis, crisis_other, minor_sexual, ai_doubt, break, harm …"
        ),
        _counter("queue.sent", "topic", "Events that were sent to their queue"),
        _counter("queue.send_failed", "topic", "Events that could not be sent to their queue this time"),
        _counter("queue.handled", "topic", "Events that a worker has done"),
        _counter("queue.failed", "topic", "Events that a worker could not do this time"),
        _counter("queue.dead", "topic", "Events that failed too often and are not tried any more"),
        _duration("queue.latency", "topic", "A worker's time for an event"),
        _duration("queue.age", "topic", "From the emission of an event to its delivery"),
        _counter("vision.skipped", "", "Images that a model could not describe when it was asked"),
        _counter("queue.wakes", "", "One-shot schedules that were armed"),
        _counter("memory.refused", "reason", "Facts that were found and not kept"),
        _counter("memory.faded", "", "Episodes that were deleted because they had faded"),
        _duration("memory.sleep", "", "How long an avatar slept"),
        _counter("stores.written", "provider", "Vectors that another engine has taken"),
        _counter("stores.unavailable", "provider", "Stores put off, for their engine could not be reached"),
        _counter("stores.failed", "provider", "Calls that an engine refused: its key, or what it was given"),
        _counter("stores.unsearched", "provider", "Searches that went without a store, for its engine gave no answer"),
    )
}

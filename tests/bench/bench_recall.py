"""Recall: the evidence it finds in conversations, and how long it takes by how much an owner has told."""

from tests.bench import recall_latency, recall_quality
from tests.bench.frame import Bench


def run(bench: Bench) -> None:
    """The figures of both."""
    recall_quality.run(bench)
    recall_latency.run(bench)

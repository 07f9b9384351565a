"""Search over documents: what it puts first, and how long it takes by the size of a store."""

from tests.bench import retrieval_latency, retrieval_quality
from tests.bench.frame import Bench


def run(bench: Bench) -> None:
    """The figures of both."""
    retrieval_quality.run(bench)
    retrieval_latency.run(bench)

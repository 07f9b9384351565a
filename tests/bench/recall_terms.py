"""What each term of the ranking is worth on the conversations of LoCoMo, and what holds for one that nobody has seen.

Each constant is set by hand (`anima.memory.ranking` says why). Here it is left out, halved and doubled, and for each
conversation chosen anew by the nine others: what such a choice is worth on the tenth is what may be expected
elsewhere. The candidates are those of the run, ranked anew.
"""

from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from typing import Any, Protocol
from unittest import mock

import numpy as np
from tests.bench.frame import Bench

from anima.memory import ranking
from anima.memory.model import Memory

# What is left out: a name in `ranking`, and the value that takes it out.
TERMS: dict[str, tuple[str, float]] = {
    "meaning": ("_SPAN", 1e-9),
    "words with the lines beside": ("_WINDOW", 0.0),
    "more windows than lines": ("_WIDER", 1.0001),
    "a question before": ("_AFTER_QUESTION", 0.0),
    "a line before": ("_AFTER_LINE", 0.0),
    "questions are no answers": ("_ASKS", 0.0),
    "session": ("_SESSION", 0.0),
    "speaker": ("_SPEAKER", 0.0),
    "time": ("_TIME", 0.0),
    "sort of answer": ("_ANSWERS", 0.0),
    "opening": ("_OPENING", 0.0),
    "substance": ("_SUBSTANCE", 0.0),
}
Array = np.ndarray[Any, np.dtype[np.float64]]


class Ranked(Protocol):
    """A question as it was ranked: its conversation, and what was ranked."""

    @property
    def talk(self) -> int:
        """The number of its conversation."""
        ...

    @property
    def ranked(self) -> tuple[Any, ...]:
        """What `ranking.rank` was given."""
        ...

    def shares(self, found: Sequence[Memory]) -> list[float]:
        """The share of evidence among the first 5, 10 and 20."""
        ...


def run(bench: Bench, asked: Sequence[Ranked]) -> None:
    """recall@10 with each term left out, and `locomo_recall_at_10.held_out`."""
    talks = np.array([one.talk for one in asked])
    whole = _of_talks(talks, _shares(asked, {}))
    weights = np.bincount(talks) / len(talks)
    grid: dict[str, dict[float, Array]] = {}
    for name, (attribute, without) in TERMS.items():
        now = getattr(ranking, attribute)
        tried = {value: _of_talks(talks, _shares(asked, {attribute: value})) for value in (without, now / 2, now * 2)}
        grid[attribute] = {now: whole, **tried}
        change = tried[without] - whole
        bench.figure(f"locomo_recall_at_10.without {name}", float(weights @ tried[without]), "share")
        bench.note(
            f"without {name}: {weights @ change:+.4f}; {sum(change < 0)} conversations worse, {sum(change > 0)} better;"
            f" halved {weights @ (tried[now / 2] - whole):+.4f}, doubled {weights @ (tried[now * 2] - whole):+.4f}"
        )
    chosen = [_chosen(grid, weights, talk) for talk in range(len(whole))]
    held = [
        _shares([one for one in asked if one.talk == talk], constants).mean() for talk, constants in enumerate(chosen)
    ]
    bench.figure(
        "locomo_recall_at_10.held_out",
        float(weights @ np.array(held)),
        "share",
        peer="as set by hand",
        peer_value=float(weights @ whole),
        more_is_better=True,
    )
    for attribute, values in grid.items():
        picked = [constants[attribute] for constants in chosen]
        often = {f"{value:g}": picked.count(value) for value in values if value in picked}
        bench.note(f"chosen by nine conversations for {attribute.lower()}: {often}")


def _chosen(grid: dict[str, dict[float, Array]], weights: Array, left_out: int) -> dict[str, float]:
    """Of each constant by itself the value that is best without a conversation; the one set by hand where none is."""
    seen = weights.copy()
    seen[left_out] = 0.0
    return {name: max(values, key=lambda value: float(seen @ values[value])) for name, values in grid.items()}


def _shares(asked: Iterable[Ranked], constants: dict[str, float]) -> Array:
    """recall@10 of each question under other constants."""
    with ExitStack() as stack:
        for attribute, value in constants.items():
            stack.enter_context(mock.patch.object(ranking, attribute, value))
        ten = ((one, (*one.ranked[:3], 10)) for one in asked)
        return np.array([one.shares(ranking.rank(*given))[1] for one, given in ten])


def _of_talks(talks: Array, shares: Array) -> Array:
    """The mean of each conversation."""
    return np.bincount(talks, shares) / np.bincount(talks)

"""What is pure about checkpoints: states as JSON and back, which are kept, which is the best, what still waits."""

from __future__ import annotations

import json
import math
import threading
import uuid
from collections import Counter, OrderedDict
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anima.kernel.errors import DatabaseUnavailable
from anima.registry import checkpoint_tree as tree
from anima.registry.checkpoint_model import Held, Keep, better, number, plain
from anima.registry.gradient_plan_model import choose
from anima.registry.metrics_batches import BATCH, Batches
from anima.registry.metrics_model import Value
from anima.registry.run_errors import UnsupportedState

PLAIN = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text() | st.binary()
KEYS = st.none() | st.booleans() | st.integers() | st.text() | st.tuples(st.integers(), st.text())
STATES = st.recursive(
    PLAIN,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.tuples(inner, inner)
        | st.dictionaries(KEYS, inner, max_size=4)
        | st.dictionaries(st.text(), inner, max_size=3).map(OrderedDict)
    ),
    max_leaves=20,
)


def as_kept(state: Any) -> Any:
    """Through the JSON that a server keeps, which sorts keys."""
    written = tree.encode(state, lambda path, value: None)
    return tree.decode(json.loads(json.dumps(written, sort_keys=True, allow_nan=False)), lambda node: node)


def alike(left: Any, right: Any) -> bool:
    """Equal, and of the same types all the way down, in the same order."""
    if type(left) is not type(right):
        return False
    if isinstance(left, dict):
        return all(alike(a, b) for a, b in zip(left.items(), right.items(), strict=True))
    if isinstance(left, list | tuple):
        return len(left) == len(right) and all(map(alike, left, right))
    return bool(left == right) and (not isinstance(left, float) or math.copysign(1, left) == math.copysign(1, right))


@given(STATES)
def test_a_state_comes_back_as_it_was(state: Any) -> None:
    assert alike(as_kept(state), state)


def test_what_json_does_not_know_comes_back_too() -> None:
    assert math.isnan(as_kept([math.nan])[0])
    assert as_kept({"counter": Counter("aab")})["counter"] == Counter("aab")
    assert isinstance(as_kept(Counter("a")), Counter)
    assert as_kept(5e-324) == 5e-324
    assert as_kept("\0\udc80") == "\0\udc80"
    written = json.dumps(tree.encode({"a": ["\0", "\ud800", math.inf]}, lambda path, value: None))
    assert "\\u0000" not in written
    assert "ud800" not in written


@pytest.mark.parametrize("wrong", [{1, 2}, object(), 1j, lambda: 0, {"a": [{"b": object()}]}])
def test_what_is_not_known_is_refused_with_its_place(wrong: Any) -> None:
    with pytest.raises(UnsupportedState, match=r"given\.state"):
        tree.encode({"state": wrong}, lambda path, value: None, ("given",))


def test_an_endless_state_is_refused() -> None:
    endless: list[Any] = []
    endless.append(endless)
    with pytest.raises(UnsupportedState, match="nested"):
        tree.encode(endless, lambda path, value: None)


def held(steps: list[int], best: int | None = None, kind: Any = "full") -> list[Held]:
    return [Held(uuid.UUID(int=step), kind, step, step == best) for step in steps]


@pytest.mark.parametrize(
    ("keep", "doomed"),
    [
        (Keep(), []),
        (Keep(last=2), [1, 2, 3, 4]),
        (Keep(last=1, every=2), [1, 3, 5]),
        (Keep(every=5), [1, 2, 3, 4]),
        (Keep(last=9), []),
    ],
)
def test_which_checkpoints_go(keep: Keep, doomed: list[int]) -> None:
    assert [one.int for one in keep.doomed(held([1, 2, 3, 4, 5, 6]))] == doomed
    with_best = [one.int for one in keep.doomed(held([1, 2, 3, 4, 5, 6], best=3))]
    assert with_best == [step for step in doomed if step != 3]


def test_the_last_of_each_kind_stays() -> None:
    full = held([1, 2])
    weights = [Held(uuid.UUID(int=100 + step), "weights", step, False) for step in (3, 4, 5)]
    assert [one.int for one in Keep(last=1).doomed([*full, *weights])] == [1, 103, 104]
    with pytest.raises(ValueError, match="at least 1"):
        Keep(last=0)


@pytest.mark.parametrize(
    ("new", "old", "mode", "wins"),
    [
        (1.0, 2.0, "lowest", True),
        (2.0, 2.0, "lowest", False),
        (3.0, 2.0, "highest", True),
        (math.nan, None, "lowest", False),
        (math.inf, None, "highest", True),
        (5.0, math.nan, "lowest", True),
        (None, None, "lowest", False),
        (1.0, None, "highest", True),
    ],
)
def test_which_is_better(new: float | None, old: float | None, mode: Any, wins: bool) -> None:
    after = {} if new is None else plain({"loss": new})
    before = None if old is None else plain({"loss": old})
    assert better(after, before, "loss", mode) is wins


def test_metrics_in_json() -> None:
    written = plain({"a": math.nan, "b": math.inf, "c": -math.inf, "d": 1.5})
    assert json.loads(json.dumps(written, allow_nan=False)) == written
    assert [number(one) for one in written.values()][1:] == [math.inf, -math.inf, 1.5]


def test_a_plan_takes_as_few_layers_as_it_needs() -> None:
    measured = {"a": 10, "b": 50, "c": 30, "d": 0}
    assert choose(measured, 60) == {"a": "keep", "b": "recompute", "c": "recompute", "d": "keep"}
    assert choose(measured, 0) == dict.fromkeys(measured, "keep")
    assert choose(measured, 1000)["d"] == "keep"


def test_values_wait_until_they_are_written() -> None:
    """An absent database costs nothing but time; another failure is told once."""
    written: list[int] = []
    failures: list[Exception] = [DatabaseUnavailable(), ValueError("broken")]
    seen = threading.Event()

    def write(values: Any) -> None:
        if failures:
            seen.set()
            raise failures.pop(0)
        written.extend(one.step for one in values)

    batches = Batches(write)
    batches.add([Value(step, "loss", 0.0) for step in range(BATCH)])
    assert seen.wait(10)
    batches.check()
    with pytest.raises(ValueError, match="broken"):
        batches.flush()
    batches.add([Value(BATCH, "loss", 0.0)])
    values, number = batches.waiting()
    batches.flush()
    assert sorted(set(written)) == list(range(BATCH + 1))
    batches.written(number)
    batches.written(number)
    assert batches.waiting() == ([], len(values))
    batches.close()

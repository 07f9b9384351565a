"""The suite from outside: its worlds, its command, a kill -9 in the middle, two on one folder; all of it small."""

from __future__ import annotations

import importlib.util
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import pytest
from gpu_jobs.simulate import agent
from gpu_jobs.simulate.failures import UnknownEnvironment
from gpu_jobs.simulate.suite import environments
from gpu_jobs.simulate.suite.catalogue import TASKS, reason_against
from gpu_jobs.simulate.suite.task import OURS, SMALL
from gymnasium.utils.env_checker import check_env

from anima.neuromodulation.simulation import SHIPPED, read, shipped

ROOT = Path(__file__).resolve().parents[2]
MINATAR = importlib.util.find_spec("minatar") is not None
FEW = ("--small", "--seeds", "2", "--tuning-seeds", "1", "--budget", "2")


@pytest.fixture(autouse=True)
def registered() -> None:
    environments.register()
    environments.register()


def test_actions_change_places_and_nothing_says_so() -> None:
    """The same pushes from the same start: before the swap as in CartPole, after it pushed the other way."""
    for every, pushed in ((100, [1, 0, 1, 1]), (2, [1, 0, 0, 0])):
        ours, theirs = _made("anima/CartPoleSwap-v0", every=every), gymnasium.make("CartPole-v1")
        assert (ours.reset(seed=3)[0] == theirs.reset(seed=3)[0]).all()
        for action, real in zip([1, 0, 1, 1], pushed, strict=True):
            seen, reward, *_, info = ours.step(action)
            assert (seen == theirs.step(real)[0]).all()
            assert (reward, info) == (1.0, {})


def test_the_world_of_before_does_not_come_back_with_an_episode() -> None:
    world = _made("anima/CartPoleGravity-v0", every=3, gravities=[9.8, 1.6])
    felt = []
    for _ in range(4):
        world.reset(seed=1)
        for _ in range(2):
            world.step(0)
            felt.append(world.unwrapped.gravity)
    assert felt == [9.8, 9.8, 9.8, 1.6, 1.6, 1.6, 9.8, 9.8]
    other = _made("anima/CartPoleGravity-v0", every=3, gravities=[9.8, 1.6])
    other.unwrapped.load_state_dict(json.loads(json.dumps(world.unwrapped.state_dict())))
    other.reset(seed=1)
    other.step(0)
    assert other.unwrapped.gravity == 9.8
    assert environments.changes("anima/CartPoleSwap-v0", {}, 60_000) == (20_000, 40_000)
    assert environments.changes("anima/CartPoleSwap-v0", {"every": 0}, 60_000) == ()


@pytest.mark.parametrize(("name", "longest"), [("anima/ReversalBandit-v0", 500), ("anima/Posner-v0", 40)])
def test_trials_are_environments_too(name: str, longest: int) -> None:
    world = _made(name, trials=longest)
    check_env(world.unwrapped, skip_render_check=True)
    world.reset(seed=7)
    gained = [world.step(0)[1:3] for _ in range(longest)]
    assert [ended for _, ended in gained] == [False] * (longest - 1) + [True]
    assert {reward for reward, _ in gained} == {0.0, 1.0}


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("anima/CartPoleSwap-v0", {"every": -1}),
        ("anima/CartPoleGravity-v0", {"gravities": []}),
        ("anima/ReversalBandit-v0", {"arms": 1}),
    ],
)
def test_a_world_that_makes_no_sense_is_refused(name: str, arguments: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"."):
        gymnasium.make(name, **arguments)


@pytest.mark.skipif(MINATAR, reason="MinAtar is installed here")
def test_without_minatar_it_is_said_how_to_get_it() -> None:
    with pytest.raises(environments.MinAtarMissing, match="pip install --no-deps minatar"):
        gymnasium.make("anima/Breakout-v0")
    assert "minatar" in str(reason_against(TASKS["breakout_control"]))


@pytest.mark.skipif(not MINATAR, reason="pip install --no-deps minatar==1.0.15")
def test_breakout_has_three_actions_that_change_places() -> None:
    still, turning = _made("anima/Breakout-v0", sticky=0.0), _made("anima/Breakout-v0", permute_every=2, sticky=0.0)
    assert (still.reset(seed=4)[0] == turning.reset(seed=4)[0]).all()
    for action, real in zip([1, 2, 1, 0], [1, 2, 2, 1], strict=True):
        assert (turning.step(action)[0] == still.step(real)[0]).all()
    assert np.isin(still.step(0)[0], (0, 1)).all()
    assert turning.unwrapped.state_dict()["taken"] == 4


def test_killed_it_goes_on_and_reports(tmp_path: Path) -> None:
    """All tasks, tiny. What was done before a kill -9 is not done again; a second suite on the folder is refused."""
    out, ledger = tmp_path / "suite", tmp_path / "suite" / "bandit.jsonl"
    first = _started(out, *TASKS)
    _until(lambda: ledger.is_file() and ledger.read_bytes().count(b"\n") >= 8, first)
    refused = _started(out, "bandit")
    assert refused.wait(30) == 2
    assert "another suite writes" in _said(refused)
    first.send_signal(signal.SIGKILL)
    first.wait(30)
    kept = ledger.read_text().splitlines()
    assert len(kept) >= 8

    second = _started(out, *TASKS)
    said = _said(second)
    assert second.wait(60) == 0, said
    assert ledger.read_text().splitlines()[: len(kept) - 1] == kept[:-1]
    keys = [json.loads(line)["key"] for file in out.glob("*.jsonl") for line in file.read_text().splitlines()]
    assert len(keys) == len(set(keys)), "no run is done twice"
    _check_report(out)


def test_told_to_stop_it_ends_with_the_run_under_way(tmp_path: Path) -> None:
    suite = _started(tmp_path, "bandit", scale=("--seeds", "10", "--budget", "20"))
    ledger = tmp_path / "bandit.jsonl"
    _until(lambda: ledger.is_file() and ledger.stat().st_size > 0, suite)
    suite.send_signal(signal.SIGTERM)
    said = _said(suite)
    assert suite.wait(30) == 143, said
    lines = ledger.read_text().splitlines()
    assert all(json.loads(line)["result"]["metrics"] for line in lines)


def _check_report(out: Path) -> None:
    summary = json.loads((out / "summary.json").read_text())
    text = (out / "report.md").read_text()
    ran = [name for name, task in TASKS.items() if reason_against(task) is None]
    assert list(summary) == ran
    for name in ran:
        methods = summary[name]["methods"]
        assert set(methods) == set(TASKS[name].methods)
        assert {len(values) for one in methods.values() for values in one.values()} == {2}
        assert f"## {TASKS[name].title}" in text
        assert (out / "report" / f"{name}.svg").read_text().startswith("<svg")
    assert "--small" in text
    assert summary["cartpole_control"]["settings"][OURS] == summary["cartpole_swap"]["settings"][OURS]
    swapped = summary["cartpole_swap"]["methods"]
    assert swapped["oracle"]["false"] == [0.0, 0.0]
    assert swapped["oracle"]["delay"] == [0.0, 0.0], f"it knows of both changes in {SMALL.steps} steps"
    assert swapped[f"{OURS}-norepinephrine"]["missed"] == [1.0, 1.0], "without it there is no reset"
    ideal, ours = (np.mean(summary["bandit"]["methods"][name]["regret"]) for name in ("ideal", OURS))
    assert ideal < ours


def _made(name: str, **arguments: Any) -> Any:
    return gymnasium.make(name, disable_env_checker=True, **arguments)


def _started(out: Path, *tasks: str, scale: Sequence[str] = FEW) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "gpu_jobs.simulate.suite", "--out", str(out), "--tasks", *tasks, *scale],
        cwd=ROOT,
        env=os.environ | {"OPENBLAS_NUM_THREADS": "1"},
        stderr=subprocess.PIPE,
        text=True,
    )


def _said(suite: subprocess.Popen[str]) -> str:
    assert suite.stderr is not None
    return suite.stderr.read()


def _until(done: Any, suite: subprocess.Popen[str]) -> None:
    while not done():
        assert suite.poll() is None, _said(suite)
        time.sleep(0.01)


@pytest.mark.parametrize("name", SHIPPED)
def test_every_ready_file_names_a_world_in_which_it_learns(name: str) -> None:
    simulation = read(shipped(name), {"MAX_STEPS": "20"})
    if name.startswith("breakout") and not MINATAR:
        with pytest.raises(UnknownEnvironment, match="minatar"):
            agent.train(simulation)
    else:
        assert agent.train(simulation).steps >= 20

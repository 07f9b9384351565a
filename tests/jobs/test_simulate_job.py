"""The job that trains, from outside: a process of its own, its folder, signals, exit codes; and the registry."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import uuid
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from gpu_jobs.simulate import simulate, trajectory
from gpu_jobs.simulate.agent import Outcome, train
from gpu_jobs.simulate.keeper import FolderKeeper, RegistryKeeper
from gpu_jobs.simulate.record import Recorder

from anima.neuromodulation.simulation import read, shipped
from anima.registry import checkpoint_service, metrics_service
from anima.registry.run_errors import RunTakenOver
from fixtures.house import wait_for

if TYPE_CHECKING:
    from fixtures.tensors import Keeper, Sound

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = ROOT / "gpu_jobs" / "simulate" / "simulate.py"
TINY: dict[str, Any] = {
    "global_settings": {"max_steps": 400, "seed": 5},
    "rl_plugin": {"learning_starts": 50, "batch_size": 16, "hidden": [16], "evaluate_episodes": 2},
    "persistence": {"checkpoint_every": 60},
    "feedback_loop": {"log_every": 50},
}
FAILING = """
import gymnasium


class Falls(gymnasium.envs.classic_control.CartPoleEnv):
    def __init__(self, leaves=False, **more):
        super().__init__(**more)
        self.leaves = leaves

    def step(self, action):
        seen, reward, *rest = super().step(action)
        self.steps = getattr(self, "steps", 0) + 1
        if self.steps == 30 and self.leaves:
            raise SystemExit(0)
        if self.steps == 30:
            raise RuntimeError("the cart fell off")
        return (seen, reward, *rest)


gymnasium.register("Falls-v0", entry_point=Falls)
"""


LARGEST = 4_000


def job(
    folder: Path, simulation: object = None, begin: tuple[str, ...] = (str(SCRIPT),), **more: object
) -> subprocess.Popen[str]:
    """Starts it as a runner does."""
    place = folder / "input" / "config" / "hyperparameters.json"
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text(json.dumps({"simulation": TINY if simulation is None else simulation, **more}))
    environment = {"PATH": os.environ["PATH"], "ANIMA_JOB_DIR": str(folder), "PYTHONPATH": str(folder)}
    return subprocess.Popen([sys.executable, *begin], env=environment, cwd=folder, stdout=subprocess.PIPE, text=True)


def ended(process: subprocess.Popen[str]) -> tuple[int, list[dict[str, Any]]]:
    """Its exit code and the lines that it told."""
    out, _ = process.communicate(timeout=120)
    return process.returncode, [json.loads(line) for line in out.splitlines()]


def here(folder: Path, monkeypatch: pytest.MonkeyPatch, simulation: object, **more: object) -> int:
    """The same in this process, which is quicker; its exit code."""
    place = folder / "input" / "config" / "hyperparameters.json"
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text(json.dumps({"simulation": simulation, **more}))
    monkeypatch.setenv("ANIMA_JOB_DIR", str(folder))
    before = signal.getsignal(signal.SIGTERM)
    try:
        return simulate.main()
    finally:
        signal.signal(signal.SIGTERM, before)


def failure(folder: Path) -> str:
    text = (folder / "output" / "failure").read_text()
    assert text.count("\n") == 1
    return text.strip()


def result(folder: Path) -> Any:
    return json.loads((folder / "model" / "result.json").read_text())


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a run that nothing disturbed."""
    folder = tmp_path_factory.mktemp("whole")
    code, told = ended(job(folder))
    assert code == 0
    assert (told[-1]["step"], told[-1]["of"]) == (400, 400)
    return folder


def test_killed_and_started_again_it_leaves_the_same_weights_and_the_same_trajectory(
    whole: Path, tmp_path: Path
) -> None:
    process = job(tmp_path)
    while process.poll() is None and not (tmp_path / "checkpoints" / "step-000000000180.npz").exists():
        time.sleep(0.001)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert ended(job(tmp_path))[0] == 0
    weights = Path("model") / "weights.safetensors"
    assert (tmp_path / weights).read_bytes() == (whole / weights).read_bytes()
    assert result(tmp_path) == result(whole)
    lived = [trajectory.read(one / "trajectory") for one in (whole, tmp_path)]
    assert lived[0].num_rows == 400
    assert lived[0].equals(lived[1])


def test_asked_to_stop_it_has_a_checkpoint_of_its_last_step_and_a_whole_trajectory(tmp_path: Path) -> None:
    process = job(tmp_path, {**TINY, "global_settings": {"max_steps": 10_000_000}})
    while not list((tmp_path / "checkpoints").glob("*.npz")):
        time.sleep(0.002)
    process.send_signal(signal.SIGTERM)
    assert ended(process)[0] == 143
    assert not (tmp_path / "model").exists()
    assert trajectory.read(tmp_path / "trajectory").num_rows == FolderKeeper(tmp_path).resume_step > 0


def test_the_literal_max_runs_and_its_trajectory_grows(tmp_path: Path) -> None:
    file = json.loads(shipped("max"))
    file["global_settings"]["max_steps"] = 300
    file["visualisation"]["enable_live_plot"] = False
    file["persistence"]["checkpoint_every"] = 100
    assert ended(job(tmp_path, file))[0] == 0
    lived = trajectory.read(tmp_path / "trajectory").to_pydict()
    assert lived["step"] == list(range(1, 301))
    assert max(lived["learning_rate_raw"]) > 10_000
    assert max(lived["learning_rate"]) == 100
    assert max(lived["discount"]) == 1.0
    assert min(lived["epsilon"]) < 1e-3


def test_what_was_trained_is_examined_and_played(whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    trained = result(whole)
    assert trained["evaluation"]["episodes"] == 2
    assert here(tmp_path, monkeypatch, TINY, task="evaluate", weights=str(whole), episodes=2) == 0
    assert result(tmp_path)["evaluation"] == trained["evaluation"]
    assert here(tmp_path, monkeypatch, TINY, task="play", weights=str(whole), episodes=2) == 0
    steps = [json.loads(line) for line in (tmp_path / "model" / "play.jsonl").read_text().splitlines()]
    assert sum(one["reward"] for one in steps) == sum(trained["evaluation"]["returns"])
    assert [one["done"] for one in steps].count(True) == 2


@pytest.mark.parametrize(
    ("simulation", "more", "code", "words"),
    [
        ({"rl_plugin": {"batch_size": 0}}, {}, 2, "simulation-invalid: rl_plugin.batch_size"),
        ({"environment": {"id": "Nowhere-v3"}}, {}, 2, "unknown-environment: There is no environment Nowhere-v3"),
        (
            {"environment": {"id": "CartPole-v1", "arguments": {"gravty": 1, "sutton_barto_reward": True}}},
            {},
            2,
            "environment-arguments-refused: The environment CartPole-v1 cannot be made with environment.arguments "
            "(gravty, sutton_barto_reward): TypeError: CartPoleEnv.__init__() got an unexpected keyword argument "
            "'gravty'.",
        ),
        ({"environment": {"id": "Pendulum-v1"}}, {}, 2, "not-discrete: The actions of Pendulum-v1"),
        ({"environment": {"id": "falling:Falls-v0"}}, {}, 1, "environment-failed: The environment falling:Falls-v0"),
        ({"environment": {"id": "falling:Falls-v0", "arguments": {"leaves": True}}}, {}, 1, "it ended the process"),
        (None, {"task": "dance"}, 2, "bad-configuration"),
        (None, {"task": "play"}, 2, "`weights` or `checkpoint`"),
        (None, {"task": "play", "weights": "/nowhere"}, 2, "weights-do-not-fit"),
    ],
)
def test_why_it_cannot_is_one_line_and_an_exit_code(
    simulation: Any, more: dict[str, Any], code: int, words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "falling.py").write_text(FAILING)
    monkeypatch.syspath_prepend(tmp_path)
    assert here(tmp_path, monkeypatch, TINY if simulation is None else simulation, **more) == code
    assert words in failure(tmp_path)
    assert not failure(tmp_path).endswith(("..", "?."))


def test_two_trainers_on_one_folder(tmp_path: Path) -> None:
    """The second one is refused, and whatever lies there stays as it is; the lock goes with a kill -9."""
    endless = {**TINY, "global_settings": {"max_steps": 10_000_000}, "persistence": {"checkpoint_every": 10_000_000}}
    first = job(tmp_path, endless)
    try:
        wait_for(lambda: (tmp_path / "metrics.jsonl").exists())
        first.send_signal(signal.SIGSTOP)
        before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
        code, told = ended(job(tmp_path, endless))
        assert code == 1
        assert told == [{"failed": f"folder-in-use: Another trainer is at work in {tmp_path}."}]
        resumed = [sys.executable, "-m", "anima.cli", "simulate", "--resume", str(tmp_path), "--live"]
        done = subprocess.run(resumed, capture_output=True, text=True, check=False)
        assert (done.returncode, f"{tmp_path} is in use" in done.stderr) == (1, True)
        assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before
    finally:
        first.kill()
        first.communicate()
    assert ended(job(tmp_path))[0] == 0


def test_a_file_that_may_not_grow_is_named(tmp_path: Path) -> None:
    limited = f"import resource, runpy; resource.setrlimit(resource.RLIMIT_FSIZE, ({LARGEST}, {LARGEST}))"
    begin = ("-c", f"{limited}; runpy.run_path({str(SCRIPT)!r}, run_name='__main__')")
    unrecorded = {**TINY, "persistence": {"checkpoint_every": 60, "store_trajectory": False}}
    assert ended(job(tmp_path, unrecorded, begin=begin))[0] == 1
    wanted = "file-too-large: A file may not grow as large here (ulimit -f) as the checkpoint of step 60 would."
    assert failure(tmp_path) == wanted


def trained(keeper: RegistryKeeper, folder: Path, kill_after: int | None = None) -> Outcome:
    simulation = read(json.dumps(TINY))
    recorder = Recorder(
        simulation, folder, keeper, simulation.names(), 1, keeper.resume_step, keeper.record, say=lambda _: None
    )
    left = kill_after

    def stop() -> bool:
        nonlocal left
        if left is not None:
            left -= 1
            if left < 0:
                raise KeyboardInterrupt
        return False

    return train(simulation, keeper=keeper, recorder=recorder, stop=stop)


def test_a_job_whose_run_was_deleted_is_not_one_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Or its plugins would reach addresses that only whoever runs the place may name."""
    monkeypatch.setenv("ANIMA_JOB_OWNER", "1")
    assert here(tmp_path, monkeypatch, TINY) == 2
    assert "the run of this job was deleted" in failure(tmp_path)


def test_a_run_of_the_registry_goes_on_from_the_chunk_store(
    keeper: Keeper, sound: Sound, whole: Path, tmp_path: Path
) -> None:
    run_id = uuid.uuid4()
    first = RegistryKeeper(keeper.principal, run_id, "cart")
    with pytest.raises(KeyboardInterrupt):
        trained(first, tmp_path, kill_after=200)
    first._run.flush()  # else how much of it is durable is a matter of time
    second = RegistryKeeper(keeper.principal, run_id, "cart")
    assert second.resume_step == 180
    done = trained(second, tmp_path)
    second.finish("completed")
    assert done.returns.tolist() == pytest.approx(result(whole)["returns"])

    last = checkpoint_service.checkpoints(keeper.principal, session_id=run_id).items[0]
    assert last.step == 400
    curve = metrics_service.read(keeper.principal, run_id, "cumulative_reward", points=100)
    assert [one.last for one in curve] == [50.0 * n for n in range(1, 9)]
    wanted = simulate.Wanted(None, "play", None, last.checkpoint_id, None)
    weights = simulate.weights_of(wanted, (run_id, keeper.owner_id))
    assert all((weights[name] == one).all() for name, one in done.weights.items())
    first.log(1_000, return_mean=1.0)
    with pytest.raises(RunTakenOver):
        first.finish("completed")
    sound(keeper)

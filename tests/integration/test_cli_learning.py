"""Learning on the command line: a file is checked, run, stopped, gone on with, played; jobs are begun and followed."""

from __future__ import annotations

import fcntl
import json
import os
import re
import signal
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import pytest
from gpu_jobs.simulate import trajectory
from gpu_jobs.simulate.agent import Agent
from gpu_jobs.simulate.options import options

from anima.cli import job_child, jobs, jobs_compare, jobs_playing, jobs_reading, simulate
from anima.cli.main import main
from anima.kernel import config
from anima.kernel.errors import BadInput
from anima.neuromodulation import simulation
from anima.registry import runs
from anima.vendors.job_backends import local_training
from fixtures.house import Done, wait_for
from fixtures.job_files import file_of

if TYPE_CHECKING:
    from fixtures.jobs import Jobs

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "learning.md").read_text(encoding="utf-8")
SLOW = {
    "global_settings": {"max_steps": 600, "simulation_clock": "real_time", "seed": 4},
    "environment": {"id": "CartPole-v1", "step_ms": 4.0},
}
Say = Callable[..., Done]


@pytest.fixture
def anima(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Say:
    """A command, typed in an empty folder."""
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")

    def said(*arguments: str) -> Done:
        capsys.readouterr()
        try:
            main(list(arguments))
            status: object = 0
        except SystemExit as ended:
            status = ended.code
        out, err = capsys.readouterr()
        return Done(status or 0, out, err)

    return said


def test_a_file_is_checked_with_the_path_of_each_error(anima: Say, monkeypatch: pytest.MonkeyPatch) -> None:
    Path("bad.json").write_text(
        '{"rl_plugin": {"batch_size": 0, "colour": 1}, "environment": {"id": 7}, "mode": "MAX"}'
    )
    done = anima("simulate", "--check", "bad.json")
    assert (done.returncode, done.stdout) == (1, "")
    assert re.findall(r"^  ([\w.]+): ", done.stderr, re.MULTILINE) == [
        "mode",
        "rl_plugin.batch_size",
        "rl_plugin.colour",
        "environment.id",
    ]
    assert done.stderr.startswith("error: bad.json is not valid:")
    assert anima("simulate", "bad.json").returncode == 1
    assert anima("train", "bad.json").returncode == 1
    assert os.listdir() == ["bad.json"]
    monkeypatch.setenv("MAX_STEPS", "2_000")
    monkeypatch.setenv("MODE", "MAX")
    told = json.loads(anima("simulate", "--check", "cartpole", "--json").stdout)
    assert (told["global_settings"]["max_steps"], told["global_settings"]["mode"]) == (2000, "MAX")
    monkeypatch.setenv("MAX_STEPS", "many")
    assert "MAX_STEPS" in anima("simulate", "--check", "cartpole").stderr


def test_ready_files_come_along_and_are_begun_with(anima: Say) -> None:
    listed = {row["name"]: row for row in json.loads(anima("simulate", "--list", "--json").stdout)}
    assert set(listed) == set(simulation.SHIPPED)
    assert listed["max"]["physics"] == "max (pathological)"
    shown = anima("simulate", "--show", "config_max.json").stdout
    assert json.loads(shown)["global_settings"]["mode"] == "MAX"
    assert "ready ones are cartpole" in anima("simulate", "nowhere.json").stderr
    assert anima("simulate").returncode == 2
    assert anima("simulate", "max", "--list").returncode == 1
    assert "holds no run" in anima("simulate", "--resume", "nowhere").stderr


@pytest.mark.parametrize("block", re.findall(r"^```json\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL))
def test_files_that_the_page_shows_are_valid(block: str) -> None:
    read = simulation.read(block)
    assert set(json.loads(block).get("modulators", ())) <= set(read.names())


def test_a_run_is_watched_stopped_whole_gone_on_with_and_played(anima: Say, monkeypatch: pytest.MonkeyPatch) -> None:
    Path("slow.json").write_text(json.dumps(SLOW))
    command = [sys.executable, "-m", "anima.cli", "simulate", "slow.json", "--live", "--folder", "run"]
    child = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert child.stderr is not None
    url = next(found[1] for line in child.stderr if (found := re.search(r"watch it at (http://\S+)", line)))
    assert "CartPole-v1" in httpx.get(url).text
    with httpx.stream("GET", f"{url}/live", timeout=60) as samples:
        lines = samples.iter_lines()
        sample = next(json.loads(line[6:]) for line in lines if line.startswith("data: "))
        assert set(sample["concentrations"]) >= {"dopamine", "gaba"}
        by_hand = {**os.environ, "ANIMA_JOB_DIR": str(Path("run").resolve())}
        script = [sys.executable, str(ROOT / "gpu_jobs" / "simulate" / "simulate.py")]
        assert subprocess.run(script, env=by_hand, capture_output=True, check=False).returncode == 1
        assert not Path("run/output/failure").exists()
        child.send_signal(signal.SIGINT)
        assert "event: end" in list(lines)
    out, _ = child.communicate(timeout=60)
    assert child.returncode == 130
    assert "go on with: anima simulate --resume run" in out
    stopped = steps_of(Path("run"))
    assert stopped == list(range(1, len(stopped) + 1))
    assert sample["step"] <= len(stopped) < 600
    assert f"stopped after {len(stopped):,} steps" in out
    begun_with = Path("run/input/config/hyperparameters.json").read_bytes()
    for lock in ("output/said", "checkpoints/lock"):  # as the child of a command that was killed, or a script by hand
        with (Path("run") / lock).open("ab") as held:
            fcntl.flock(held, fcntl.LOCK_EX)
            assert "run is in use" in anima("simulate", "--resume", "run", "--live").stderr
    assert Path("run/input/config/hyperparameters.json").read_bytes() == begun_with
    assert "holds a run already" in anima("simulate", "slow.json", "--folder", "run").stderr
    assert "holds no weights" in anima("simulate", "--play", "run").stderr
    Path("other.json").write_text(json.dumps({**SLOW, "rl_plugin": {"batch_size": 7}}))
    assert "rl_plugin.batch_size" in anima("simulate", "other.json", "--resume", "run").stderr
    done = anima("simulate", "--resume", "run", "--no-live", "--json")
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert (told["steps"], told["stopped"]) == (600, False)
    assert steps_of(Path("run")) == list(range(1, 601))
    kept = Path("run/input/config/hyperparameters.json").read_text()
    monkeypatch.setenv("MAX_STEPS", "100")
    assert "already: MAX_STEPS=100 is less" in anima("simulate", "--resume", "run").stderr
    assert Path("run/input/config/hyperparameters.json").read_text() == kept
    played = json.loads(anima("simulate", "--play", "run", "--episodes", "2", "--json").stdout)
    assert len(played["returns"]) == 2


WORLD = """
import gymnasium
from gymnasium.envs.classic_control import CartPoleEnv
gymnasium.register("Mine-v0", entry_point=CartPoleEnv, max_episode_steps=50)
"""


def test_an_environment_beside_the_file_is_found_and_one_that_is_not_there_is_told_in_words(anima: Say) -> None:
    Path("own_world.py").write_text(WORLD)
    Path("own.json").write_text(json.dumps(file_in("own_world:Mine-v0")))
    done = anima("simulate", "own.json", "--folder", "own", "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["steps"] == 40
    Path("none.json").write_text(json.dumps(file_in("CartPol-v1")))
    told = anima("simulate", "none.json", "--folder", "none").stderr
    assert "error: It failed: There is no environment CartPol-v1" in told
    assert "`CartPole`? What it had recorded" in told


def test_a_check_makes_the_environment(anima: Say, monkeypatch: pytest.MonkeyPatch) -> None:
    Path("own_world.py").write_text(WORLD)
    Path("own.json").write_text(json.dumps(file_in("own_world:Mine-v0")))
    done = anima("simulate", "--check", "own.json")
    assert (done.returncode, done.stderr) == (0, ""), done.stderr
    assert done.stdout.startswith("own is valid: own_world:Mine-v0, standard")
    for environment, words in (
        ({"id": "CartPol-v1"}, "There is no environment CartPol-v1 here: NameNotFound"),
        ({"id": "Pendulum-v1"}, "this agent chooses one of a number of actions (Discrete)."),
        ({"id": "CartPole-v1", "arguments": {"gravty": 1}}, "cannot be made with environment.arguments (gravty)"),
    ):
        Path("none.json").write_text(json.dumps({"environment": environment}))
        done = anima("simulate", "--check", "none.json", "--json")
        assert (done.returncode, done.stdout) == (1, "")
        assert words in done.stderr
        assert not done.stderr.rstrip().endswith(("..", "?."))
    assert sorted(os.listdir()) == ["none.json", "own.json", "own_world.py"]
    monkeypatch.setattr(simulate, "find_spec", lambda _name: None)
    done = anima("simulate", "--check", "none.json")
    assert (done.returncode, "gymnasium is not installed here" in done.stderr) == (0, True)


LEAVING = """
import os, subprocess, time, gymnasium
from gymnasium.envs.classic_control import CartPoleEnv
class Leaves(CartPoleEnv):
    def __init__(self):
        super().__init__()
        left = [subprocess.Popen(["sleep", "600"], start_new_session=apart).pid for apart in (False, True)]
        if not (copy := os.fork()):
            time.sleep(600)
        open("left", "w").write(" ".join(map(str, [*left, copy])))
gymnasium.register("Leaves-v0", entry_point=Leaves)
"""


def test_what_an_environment_leaves_behind_holds_nobody_up(anima: Say) -> None:
    """It keeps the child's output open for as long as it lives."""
    Path("leaving.py").write_text(LEAVING)
    Path("own.json").write_text(json.dumps(file_in("leaving:Leaves-v0")))
    assert anima("simulate", "--check", "own.json").returncode == 0
    here, apart, copy = map(int, Path("left").read_text().split())
    os.kill(apart, signal.SIGKILL)  # in a session of its own it is nobody's to end
    for left in (here, copy):
        wait_for(lambda left=left: local_training._begun(left) is None)


def test_the_last_word_of_a_batch_is_said_once(anima: Say, monkeypatch: pytest.MonkeyPatch) -> None:
    steps = [1, 2]

    def child(_job: str, _folder: Path, heard: Callable[[dict[str, int]], None]) -> int:
        for step in steps:
            heard({"step": step, "of": 2})
        return 0

    monkeypatch.setattr(job_child, "child", child)
    Path("lines.jsonl").write_text("")
    assert anima("infer", "lines.jsonl", "--here").stderr.splitlines() == ["1 of 2 lines", "2 of 2 lines"]
    steps.remove(1)
    assert anima("infer", "lines.jsonl", "--here").stderr.splitlines() == ["2 of 2 lines"]


def file_in(environment: str) -> dict[str, object]:
    """A short run in this environment."""
    return {"global_settings": {"max_steps": 40}, "environment": {"id": environment}}


def steps_of(folder: Path) -> list[int]:
    """The steps that a run has recorded, in their order."""
    steps: list[int] = trajectory.read(folder / "trajectory").column("step").to_pylist()
    return steps


@pytest.fixture
def server(listening: str, delivered_jobs: Jobs, monkeypatch: pytest.MonkeyPatch) -> Iterator[Jobs]:
    """A server that runs, and a key for it."""
    monkeypatch.setenv("ANIMA_API_KEY", delivered_jobs.person.key)
    monkeypatch.setenv("ANIMA_PUBLIC_URL", listening)
    monkeypatch.setattr(jobs_reading, "_LOOK_SECONDS", 0.05)
    config.settings.cache_clear()
    yield delivered_jobs
    config.settings.cache_clear()


def test_jobs_are_begun_followed_compared_and_forgotten(anima: Say, server: Jobs) -> None:
    def status(name: str, step: int = 0) -> str | None:
        told = json.loads(anima("jobs", "show", name, "--json").stdout)
        return str(told["status"]) if (told["step"] or 0) >= step else None

    Path("short.json").write_text(json.dumps(file_of(5)))
    assert anima("jobs", "list").stdout.startswith("no jobs; `anima train cartpole`")
    done = anima("train", "short.json", "--name", "first")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("first is completed: 5 steps")
    Path("held.json").write_text(json.dumps(file_of(6, holds_at=3)))
    held = json.loads(anima("train", "held.json", "--detach", "--on-demand", "--json").stdout)
    assert (held["name"], held["source"], held["limits"]) == ("held", "cli", {"spot": False})
    wait_for(lambda: status("held", step=3) == "running")
    assert anima("jobs", "pause", "held").returncode == 0
    wait_for(lambda: status("held") == "paused")
    (server.folder / "jobs" / held["job_id"].replace("-", "") / "go").touch()
    anima("jobs", "resume", held["job_id"][:13])
    live = [json.loads(line)["step"] for line in anima("jobs", "live", "held", "--json").stdout.splitlines()]
    assert live[-1] == 6
    rows = {row["name"]: row for row in json.loads(anima("jobs", "list", "--status", "completed", "--json").stdout)}
    assert set(rows) == {"first", "held"}
    told = json.loads(anima("jobs", "compare", "first", "held", "--json").stdout)
    assert [one["path"] for one in told["differences"]] == ["global_settings.max_steps", "global_settings.seed"]
    assert told["return_difference"] == {"mean": 0.0, "low": -1.0, "high": 1.0}
    shown = anima("jobs", "compare", "first", "held").stdout
    assert "0 lies in it: no difference is shown" in shown
    assert "begun" in anima("jobs", "logs", "held", "--follow").stdout
    assert "completed" in anima("jobs", "show", "held").stdout
    assert "step 6 of 6" in anima("jobs", "list").stdout
    assert anima("jobs", "metrics", "held").returncode == 0
    assert "has kept no weights yet" in anima("jobs", "play", "held").stderr
    assert anima("jobs", "cancel", "held").returncode == 1
    assert anima("jobs", "delete", "held", "--yes").stdout == "held is deleted\n"
    assert "no job held" in anima("jobs", "show", "held").stderr


def test_the_best_of_its_checkpoints_plays_unless_another_one_is_named() -> None:
    def taken(wanted: str | None = None, best: int = 40) -> int:
        kept = [{"step": step, "is_best": step == best} for step in (60, 40, 20, 0)]
        return int(jobs_playing.chosen("cart", kept, wanted)["step"])

    assert [taken(), taken("best"), taken("newest"), taken("20"), taken("0")] == [40, 40, 60, 20, 0]
    assert taken(best=-1) == 60
    with pytest.raises(jobs_playing.NoSuchCheckpoint, match=r"marked best; .* 60, 40, 20, 0\."):
        taken("best", best=-1)
    with pytest.raises(jobs_playing.NoSuchCheckpoint, match="of step 30"):
        taken("30")
    with pytest.raises(BadInput, match="best, newest or a step"):
        taken("worst")
    with pytest.raises(jobs_playing.NothingToPlay):
        jobs_playing.chosen("cart", [], None)


def test_what_a_job_has_learnt_plays_here(anima: Say, server: Jobs) -> None:
    Path("held.json").write_text(json.dumps(file_of(6, holds_at=3)))
    job = json.loads(anima("train", "held.json", "--name", "learnt", "--detach", "--json").stdout)
    run = runs.begin(server.person.principal, "learnt", session_id=uuid.UUID(job["run_id"]))
    weights = Agent(options(simulation.read("{}"))).network.state_dict()["weights"]
    for step in (10, 20):
        run.save(weights, step=step, rng=False, is_best=step == 10)
    run.flush()
    told = json.loads(anima("jobs", "play", "learnt", "--episodes", "1", "--json").stdout)
    assert (told["checkpoint"]["step"], told["checkpoint"]["is_best"], len(told["returns"])) == (10, True, 1)
    done = anima("jobs", "play", "learnt", "--episodes", "1", "--checkpoint", "newest")
    assert "plays the checkpoint of step 20" in done.stderr
    assert "1 greedy episodes" in done.stdout
    assert anima("jobs", "cancel", "learnt").returncode == 0


def test_what_is_shown_of_a_job_is_short_and_answers_take_no_ones_place(
    anima: Say,
) -> None:
    lines = [{"id": 1, "text": "a"}, {"id": 2, "text": "b"}]
    batch = {"configuration": {"batch": {"engine": {"kind": "embeddings"}, "lines": lines}}, "name": "b"}
    short = jobs_reading.without_lines(batch)
    assert short["configuration"]["batch"] == {"engine": {"kind": "embeddings"}, "lines": 2}
    half = {"kind": "batch_inference", "status": "paused", "waiting_for": None, "step": 1, "of": 2, "progress": {}}
    assert jobs_reading.progress(half) == "paused: 1 of 2 lines"
    assert jobs_reading.progress({**half, "status": "queued", "step": None}) == "queued"
    assert jobs.answers_of("../seas\\lakes") == Path("..-seas-lakes.out.jsonl")
    Path("lines.jsonl").write_text("\n".join(map(json.dumps, lines)))
    Path("lines.out.jsonl").write_text("mine")
    done = anima("infer", "lines.jsonl", "--engine", "embeddings")
    assert (done.returncode, "lines.out.jsonl is there already" in done.stderr) == (1, True)
    assert Path("lines.out.jsonl").read_text() == "mine"


@pytest.mark.parametrize(
    ("failure", "words"),
    [
        ("not-discrete: Actions are a Box..", "Actions are a Box."),
        ("Out of memory", "Out of memory."),
        ("a: b, did you mean c?.", "a: b, did you mean c?"),
    ],
)
def test_why_it_failed_is_a_sentence(failure: str, words: str) -> None:
    assert job_child.sentence(failure) == words


def test_two_jobs_of_one_name_are_told_apart_though_they_began_in_the_same_second() -> None:
    ids = ("01a20349-c79e-7000-934d-7d32ee230bb9", "01a20349-d638-7000-a2ef-39385adb977f")
    one, other = ({"name": "cartpole", "job_id": each} for each in ids)
    assert jobs_compare.told_apart([one, other]) == ["01a20349-c79e", "01a20349-d638"]
    assert jobs_compare.told_apart([one, {**other, "name": "max"}]) == ["cartpole", "max"]


def test_an_interval_holds_what_it_should() -> None:
    assert jobs_compare.interval([]) is None
    one = jobs_compare.interval([5.0] * 30)
    assert one == {"mean": 5.0, "low": 5.0, "high": 5.0, "episodes": 30}
    wide = jobs_compare.interval([float(value % 10) for value in range(100)])
    assert wide is not None
    assert 3.8 < wide["low"] < 4.5 < wide["high"] < 5.2
    apart = jobs_compare.difference([10.0, 11.0] * 20, [1.0, 2.0] * 20)
    assert apart is not None
    assert 8.5 < apart["low"] < 9.0 < apart["high"] < 9.5

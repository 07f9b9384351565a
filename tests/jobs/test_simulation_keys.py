"""Every key that a simulation file accepts does something: with one value and with another a run is told apart."""

from __future__ import annotations

import hashlib
import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import pytest
from gpu_jobs.simulate import live
from gpu_jobs.simulate.agent import train
from gpu_jobs.simulate.options import options
from gpu_jobs.simulate.record import Recorder

from anima.kernel.errors import AnimaError
from anima.neuromodulation.simulation import Simulation, read_object, schema
from unit.test_simulation_file import PHYSICAL

STEPS = 160
SMALL: dict[str, Any] = {
    "global_settings": {"max_steps": STEPS},
    "rl_plugin": {
        **{"learning_rate_base": 0.03, "hidden": [8], "batch_size": 8, "learning_starts": 16, "train_frequency": 2},
        **{"target_network_frequency": 10, "replay_buffer_size": 100, "epsilon_decay_steps": 80},
    },
    "feedback_loop": {"log_every": 40},
    "persistence": {"checkpoint_every": 80},
}


def with_key(path: str, value: Any, base: dict[str, Any] = SMALL) -> Simulation:
    """The small file with one key set."""
    file = json.loads(json.dumps(base))
    *way, last = path.split(".")
    place = file
    for each in way:
        place = place.setdefault(each, {})
    place[last] = value
    return read_object(file)


class Pictures(gymnasium.Env[Any, Any]):
    """An environment of small pictures."""

    observation_space = gymnasium.spaces.Box(0, 255, (12, 10, 3), np.uint8)
    action_space = gymnasium.spaces.Discrete(2)

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        super().reset(seed=seed)
        self._steps = 0
        return self._seen(), {}

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        self._steps += 1
        return self._seen(), float(action), self._steps % 9 == 0, False, {}

    def _seen(self) -> Any:
        return self.np_random.integers(0, 256, (12, 10, 3), dtype=np.uint8)


def learned(file: Simulation, environment: Any = None, alarm: Any = None) -> Any:
    """What a run comes to: a digest of its weights, and its returns; or the error that it ends with."""
    try:
        found = train(file, environment=environment, alarm=alarm)
    except AnimaError as error:
        return error.slug
    digest = hashlib.sha256()
    for name in sorted(found.weights):
        digest.update(np.ascontiguousarray(found.weights[name]).tobytes())
    return digest.hexdigest(), found.returns.tolist(), found.steps


def seen(file: Simulation) -> Any:
    """The same of pictures."""
    return learned(file, Pictures())


def alarmed(file: Simulation) -> Any:
    """The same where the world is said to change, twice."""
    return learned(file, alarm=lambda step, *_: step in (60, 110))


def chosen(file: Simulation) -> Any:
    """What the agent is made with, where the difference is one of hardware or of the wall's time."""
    return options(file)


PLUGIN = "rl_plugin."
LEARNING: list[tuple[Callable[[Simulation], Any], str, Any, Any]] = [
    (learned, "global_settings.seed", 0, 1),
    (learned, "global_settings.max_steps", STEPS, STEPS - 20),
    (chosen, "global_settings.simulation_clock", "fast", "real_time"),
    (learned, "environment.id", "CartPole-v1", "MountainCar-v0"),
    (learned, "environment.arguments", {}, {"sutton_barto_reward": True}),
    (learned, PLUGIN + "double", False, True),
    (learned, PLUGIN + "dueling", False, True),
    (learned, PLUGIN + "n_step", 1, 3),
    (learned, PLUGIN + "loss", "squared", "huber"),
    (learned, PLUGIN + "replay_buffer_size", 100, 20),
    (learned, PLUGIN + "batch_size", 8, 9),
    (learned, PLUGIN + "learning_starts", 16, 40),
    (learned, PLUGIN + "train_frequency", 2, 5),
    (learned, PLUGIN + "target_network_frequency", 10, 25),
    (learned, PLUGIN + "target_update_tau", 1.0, 0.5),
    (learned, PLUGIN + "hidden", [8], [9]),
    (learned, PLUGIN + "policy", "epsilon_greedy", "softmax"),
    (learned, PLUGIN + "environments", 1, 2),
    (chosen, PLUGIN + "backend", "numpy", "torch"),
    (chosen, PLUGIN + "evaluate_episodes", 0, 3),
    (alarmed, PLUGIN + "reset", "context", "weights"),
    (alarmed, PLUGIN + "contexts", 1, 2),
    (learned, "memory.capacity", None, 20),
    (learned, "memory.consolidation", 0.0, 0.8),
    (learned, "feedback_loop.optimiser_hook", "none", "policy_gradient"),
    (seen, "corneal_parameters.crop", None, [1, 2, 0, 3]),
    (seen, "corneal_parameters.scale", None, [6, 5]),
    (seen, "corneal_parameters.grey", False, True),
    (seen, "corneal_parameters.stack", 1, 2),
    (chosen, "resource_limits.processes", 1, 2),
    (chosen, "resource_limits.wall_seconds", None, 60),
]


@pytest.mark.parametrize(("watch", "path", "one", "other"), LEARNING, ids=[path for _, path, _, _ in LEARNING])
def test_a_key_changes_what_is_learned(watch: Callable[[Simulation], Any], path: str, one: Any, other: Any) -> None:
    base = {**SMALL, "rl_plugin": {**SMALL["rl_plugin"], "backend": "numpy"}}
    assert watch(with_key(path, one, base)) != watch(with_key(path, other, base))


def test_keys_that_need_another() -> None:
    weighed = {**SMALL, "memory": {"consolidation": 0.8}}
    assert learned(with_key("memory.decay", 0.0, weighed)) != learned(with_key("memory.decay", 0.7, weighed))
    lent = {**SMALL, "resource_limits": {"gpus": 1}}
    assert chosen(with_key("rl_plugin.device", "cpu", lent)) != chosen(with_key("rl_plugin.device", "cuda", lent))
    assert chosen(read_object(lent)) != chosen(read_object(SMALL))
    wide = {**SMALL, "rl_plugin": {**SMALL["rl_plugin"], "replay_buffer_size": 10_000_000}}
    limited = with_key("resource_limits.memory_bytes", 1_000_000, wide)
    assert learned(limited) == "too-much-memory"
    assert options(with_key("persistence.checkpoint_every", 7)) != options(with_key("persistence.checkpoint_every", 8))


# What is recorded and told.


class Listener(BaseHTTPRequestHandler):
    """A plugin and an Anima with stores of knowledge, as they are seen over HTTP."""

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.heard.append((self.path, body))  # type: ignore[attr-defined]
        if self.path == "/slow":
            time.sleep(0.2)
        hits = [{"purpose": name, "title": "a title", "text": "poles fall"} for name in body.get("purposes", [])]
        answer = json.dumps({"hits": hits}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_: Any) -> None:
        """It is quiet."""


@contextmanager
def listening() -> Iterator[tuple[str, list[Any]]]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Listener)
    server.heard = []  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", server.heard  # type: ignore[attr-defined]
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class Clock:
    """A tenth of a second at each look."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        self.now += 0.1
        return self.now


def left(file: Simulation, folder: Path) -> dict[str, bytes]:
    """The files that a recorded run leaves, without those that tell the time."""
    recorder = Recorder(file, folder, None, file.names(), 1, say=lambda _: None, clock=Clock())
    train(file, recorder=recorder)
    recorder.checkpoint(file.global_settings.max_steps)
    recorder.close()
    found = {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    return {name: _timeless(name, content) for name, content in found.items()}


def _timeless(name: str, content: bytes) -> bytes:
    if name.endswith(".jsonl"):
        return str(content.count(b"\n")).encode()
    if b'"at": "' in content:
        return b"".join(line.partition(b'"level"')[2] for line in content.splitlines())
    return b"".join(line[24:] for line in content.splitlines()) if name.endswith(".log") else content


RECORDED: list[tuple[str, Any, Any]] = [
    ("global_settings.enable_logging", True, False),
    ("global_settings.log_level", "INFO", "ERROR"),
    ("feedback_loop.log_every", 40, 80),
    ("persistence.store_trajectory", True, False),
    ("persistence.trajectory_path", "trajectory", "steps/all"),
    ("persistence.format", "parquet", "csv"),
    ("visualisation.refresh_hz", 10.0, 1.0),
    ("logging.file", "run.log", "said/run.log"),
    ("logging.format", "text", "json"),
]


@pytest.fixture(scope="module")
def usual(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    return left(read_object(SMALL), tmp_path_factory.mktemp("usual"))


@pytest.mark.parametrize(("path", "one", "other"), RECORDED, ids=[path for path, _, _ in RECORDED])
def test_a_key_changes_what_is_recorded(
    tmp_path: Path, usual: dict[str, bytes], path: str, one: Any, other: Any
) -> None:
    assert with_key(path, one) == read_object(SMALL)
    assert left(with_key(path, other), tmp_path) != usual


def test_plugins_and_stores_are_told_and_asked_as_the_file_says(tmp_path: Path) -> None:
    with listening() as (url, heard):

        def run(name: str, **sections: Any) -> list[Any]:
            heard.clear()
            left(read_object({**SMALL, **sections}), tmp_path / name)
            return list(heard)

        told = {"name": "judge", "config": {"url": f"{url}/told"}}
        first = run("a", plugins=[told])
        assert {path for path, _ in first} == {"/told"}
        assert "dopamine" in first[0][1]["prompt"]
        assert "learning_rate" not in first[0][1]["prompt"]
        assert run("b", plugins=[{**told, "enabled": False}]) == []
        mode = {**SMALL["global_settings"], "prompt_mode": "NONE"}
        assert run("c", plugins=[told], global_settings=mode)[0][1]["prompt"] == ""
        known = {"stores": ["physics"], "url": url, "query": "why do poles fall", "limit": 3}
        mode["prompt_mode"] = "FULL"
        asked = run("d", plugins=[told], global_settings=mode, knowledge_base=known)
        body = {"query": "why do poles fall", "purposes": ["physics"], "top_k": 3}
        assert asked[0] == ("/api/v1/search", body)
        assert "poles fall" in asked[1][1]["prompt"]
        assert "learning_rate" in asked[1][1]["prompt"]
        assert json.loads((tmp_path / "d" / "knowledge.json").read_text())[0]["store"] == "physics"
        assert run("e", knowledge_base={**known, "query": "", "limit": 4})[0][1]["query"] == "CartPole-v1"


def test_a_plugin_that_does_not_answer_in_time_is_in_the_log_and_stops_nothing(tmp_path: Path) -> None:
    with listening() as (url, _):

        def log(name: str, address: str, seconds: float) -> bytes:
            plugin = {"name": "judge", "config": {"url": address, "timeout_seconds": seconds}}
            return left(read_object({**SMALL, "plugins": [plugin]}), tmp_path / name)["run.log"]

        assert b"a plugin did not answer plugin=judge" in log("gone", "http://127.0.0.1:9/", 1.0)
        assert b"a plugin did not answer plugin=judge" in log("slow", f"{url}/slow", 0.05)
        assert b"a plugin did not answer" not in log("patient", f"{url}/slow", 30.0)


def test_the_live_page_is_served_when_and_where_the_file_says(tmp_path: Path) -> None:
    def served(**sections: Any) -> str | None:
        with live.serving(read_object({**SMALL, **sections}), tmp_path, lambda _: None) as url:
            return url

    assert served(visualisation={"enable_live_plot": False}) is None
    url = served(visualisation={"enable_live_plot": True}, network_settings={"host": "127.0.0.1"})
    assert url is not None
    assert url.startswith("http://127.0.0.1:")


# No key is forgotten.

ELSEWHERE = {
    "rl_plugin.algorithm": "there is one to choose",
    "rl_plugin.name": "the name of the run and of its model: tests/jobs/test_simulate_job.py",
    "network_settings.port": "the live page: tests/jobs/test_live.py",
    "network_settings.allowed_origins": "the live page: tests/jobs/test_live.py",
    "security.see": "the live page: tests/jobs/test_live.py",
    "security.stop": "what may be paused and cancelled over HTTP: tests/integration/test_jobs_http.py",
}
SHOWN_HERE = {
    *("memory.decay", "resource_limits.gpus", "resource_limits.memory_bytes", "rl_plugin.device"),
    *("persistence.checkpoint_every", "global_settings.prompt_mode", "visualisation.enable_live_plot"),
    *(f"knowledge_base.{key}" for key in ("stores", "url", "query", "limit")),
    *(
        "plugins.name",
        "plugins.enabled",
        "plugins.config.url",
        "plugins.config.timeout_seconds",
        "network_settings.host",
    ),
}


def leaves(kind: dict[str, Any], kinds: dict[str, Any], path: str) -> Iterator[str]:
    """The keys below an object of the schema that hold no object themselves."""
    for key, each in kind.get("properties", {}).items():
        where = f"{path}.{key}" if path else key
        inner = [part for part in (each, *each.get("anyOf", ())) for part in _inner(part)]
        if inner:
            yield from leaves(kinds[inner[0].rpartition("/")[2]], kinds, where)
        else:
            yield where


def _inner(each: dict[str, Any]) -> list[str]:
    further = each.get("additionalProperties")
    found = (each, each.get("items") or {}, further if isinstance(further, dict) else {})
    return [part["$ref"] for part in found if "$ref" in part]


def test_every_key_is_in_a_table() -> None:
    made = schema()
    known = set(leaves(made, made["$defs"], ""))
    by_mode = {key.replace(".standard.", f".{mode}.") for key in known for mode in ("max", "bounded_max")}
    physical = {path.replace("dopamine.", "").replace("[0]", "") for path, _, _ in PHYSICAL}
    shown = physical | {path for _, path, _, _ in LEARNING} | {path for path, _, _ in RECORDED}
    shown |= SHOWN_HERE | set(ELSEWHERE)
    modes = {key for key in by_mode if key in known and key.split(".")[1] in ("max", "bounded_max")}
    assert known - shown - modes == set()
    assert shown - known == set()

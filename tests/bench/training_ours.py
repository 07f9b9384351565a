"""Our side of the bench of training: one run by the numbers given, what it came to as a line of JSON.

python tests/bench/training_ours.py '{"environments": 1, "steps": 100000, "seed": 1}'
"""

from __future__ import annotations

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import importlib
import json
import resource
import sys
import tempfile
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from anima.neuromodulation.simulation import read


def main(given: dict[str, Any]) -> dict[str, float]:
    """The hyper-parameters are those of CleanRL's dqn.py, with the same updates per step."""
    steps = given["steps"]
    simulation = read(
        json.dumps(
            {
                "global_settings": {"max_steps": steps, "seed": given["seed"]},
                "environment": {"id": "CartPole-v1"},
                "integration_with_rl": {"enabled": given.get("modulated", False)},
                "persistence": {"checkpoint_every": 10_000_000_000},
                "rl_plugin": {
                    "environments": given["environments"],
                    "hidden": given.get("hidden", [120, 84]),
                    "learning_rate_base": 2.5e-4,
                    "batch_size": 128,
                    "replay_buffer_size": 10_000,
                    "learning_starts": given.get("starts", 10_000),
                    "train_frequency": 10,
                    "target_network_frequency": 500,
                    "epsilon_decay_steps": steps // 2,
                },
            }
        )
    )
    agent_room, options_room = (importlib.import_module(f"gpu_jobs.simulate.{name}") for name in ("agent", "options"))
    record_room = importlib.import_module("gpu_jobs.simulate.record")
    agent = agent_room.Agent(options_room.options(simulation), simulation.physics() if given.get("modulated") else None)
    with tempfile.TemporaryDirectory() as folder:
        names = simulation.names() if given.get("modulated") else ()
        recorder = None
        if given.get("recorded"):
            importlib.import_module("pyarrow.parquet")  # once a run, 0.2 s: no part of what a step costs
            recorder = record_room.Recorder(
                simulation, Path(folder), None, names, given["environments"], say=lambda _: None
            )
        begun = cpu()
        done = agent_room.run(agent, recorder=recorder)
        if recorder is not None:
            recorder.close()
    return {"steps": done.steps, "cpu_seconds": cpu() - begun, "last_100": done.last_100}


def cpu() -> float:
    """CPU seconds of this process and its threads."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    print(json.dumps(main(json.loads(sys.argv[1]))))

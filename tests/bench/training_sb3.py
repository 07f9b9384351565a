"""Stable-Baselines3's DQN of CartPole with the numbers of the other sides; the CPU clock runs while it learns."""

import importlib
import json
import resource
import sys
from typing import Any


def main(given: dict[str, Any]) -> dict[str, float]:
    """One update for ten steps of the environments, however many there are; a gradient is not cut, as elsewhere."""
    importlib.import_module("torch").set_num_threads(1)
    sb3: Any = importlib.import_module("stable_baselines3")
    made: Any = importlib.import_module("stable_baselines3.common.env_util")
    n = given["environments"]
    worlds = made.make_vec_env("CartPole-v1", n_envs=n, seed=given["seed"])
    model = sb3.DQN(
        "MlpPolicy",
        worlds,
        learning_rate=2.5e-4,
        buffer_size=10_000,
        learning_starts=10_000,
        batch_size=128,
        tau=1.0,
        gamma=0.99,
        train_freq=max(1, 10 // n),
        gradient_steps=1,
        target_update_interval=500,
        exploration_fraction=0.5,
        exploration_initial_eps=1.0,
        exploration_final_eps=0.05,
        max_grad_norm=1e9,
        policy_kwargs={"net_arch": [120, 84]},
        seed=given["seed"],
        device="cpu",
    )
    begun = cpu()
    model.learn(given["steps"], log_interval=None)
    used = cpu() - begun
    returns = [one for monitor in worlds.get_attr("episode_returns") for one in monitor[-100 // n :]]
    return {"steps": given["steps"], "cpu_seconds": used, "last_100": sum(returns) / max(1, len(returns))}


def cpu() -> float:
    """CPU seconds of this process and its threads."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    print(json.dumps(main(json.loads(sys.argv[1]))))

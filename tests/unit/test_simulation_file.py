"""The simulation file: what is read of it, every error with its path, and what each key of the physics does."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from anima.neuromodulation.drives import SIGNALS
from anima.neuromodulation.mind import Mind
from anima.neuromodulation.simulation import (
    SHIPPED,
    Simulation,
    SimulationInvalid,
    UnknownSimulation,
    difference,
    differences,
    read,
    read_object,
    schema,
    shipped,
)
from anima.neuromodulation.simulation.reference import reference

SCHEMA = jsonschema_rs.validator_for(schema())
THREE_LINES = """{
  "environment": {"id": "CartPole-v1"}
}"""


def errors(text: str | bytes, **environment: str) -> dict[str, tuple[str, str]]:
    with pytest.raises(SimulationInvalid) as caught:
        read(text, environment)
    return {path: (message, wanted) for path, message, wanted in caught.value.errors}


def wrong(file: dict[str, Any]) -> dict[str, tuple[str, str]]:
    return errors(json.dumps(file))


def test_three_lines_are_enough() -> None:
    found = read(THREE_LINES)
    assert found.environment.id == "CartPole-v1"
    assert found.physics().label == "standard"
    assert read("{}").rl_plugin.loss == "squared"


@pytest.mark.parametrize("name", SHIPPED)
def test_what_is_shipped_is_valid_by_the_reader_and_by_the_schema(name: str) -> None:
    found = read(shipped(name))
    assert SCHEMA.is_valid(json.loads(shipped(name).replace("GABA", "gaba")))
    assert SCHEMA.is_valid(json.loads(found.dumps()))
    assert read(found.dumps()) == found
    assert Mind(found.physics()).observe_one(1.0, 1.0, False).learning_rate > 0


def test_what_is_not_shipped_is_said_so() -> None:
    with pytest.raises(UnknownSimulation, match="cartpole_swap"):
        shipped("../secret")


def test_the_literal_file_has_the_numbers_that_were_promised() -> None:
    found = read(shipped("max"))
    plugin = found.rl_plugin
    assert (plugin.name, plugin.algorithm, plugin.discount_factor) == ("DopamineRL", "DQN", 1.0)
    assert (plugin.epsilon_start, plugin.epsilon_end, plugin.epsilon_decay_steps) == (1.0, 0.0, 10_000)
    assert (plugin.replay_buffer_size, plugin.batch_size) == (10_000_000, 256)
    assert (plugin.learning_rate_base, plugin.learning_rate_max) == (0.001, 100.0)
    assert found.physics().label == "max (pathological)"
    assert found.modulators["gaba"].max is not None


def test_the_environment_wins() -> None:
    said = {"MODE": "standard", "MAX_STEPS": "2_000_000", "SEED": "7", "PATH": "/bin", "HOST": ""}
    found = read(shipped("max"), said).global_settings
    assert (found.mode, found.max_steps, found.seed) == ("STANDARD", 2_000_000, 7)
    assert read(THREE_LINES, {"MODE": "", "SEED": " "}).global_settings.seed == 0
    found_wrong = errors(THREE_LINES, MODE="fast", MAX_STEPS="2__0", SEED="-1")
    assert set(found_wrong) == {"MODE (environment)", "MAX_STEPS (environment)", "SEED (environment)"}
    assert "STANDARD" in found_wrong["MODE (environment)"][1]
    assert "MAX_STEPS (environment)" in errors(THREE_LINES, MAX_STEPS="0")
    assert "MAX_STEPS (environment)" in errors(THREE_LINES, MAX_STEPS="9" * 400)


def test_integers_may_be_written_as_json_schema_has_them() -> None:
    file = json.loads(read("{}").dumps())
    file["corneal_parameters"] |= {"crop": [1, 2, 3, 4], "scale": [8, 9]}
    file["resource_limits"] |= {"memory_bytes": 10_000_000, "wall_seconds": 60}
    file["memory"]["capacity"] = 500
    file["environment"]["arguments"] = {"gravity": 9.0}
    text = json.dumps(file)
    written = re.sub(r"(?<=[ \[])(\d+)(?=[,}\]])", r"\1.0", text)
    assert written.count(".0") > text.count(".0") + 30
    assert SCHEMA.is_valid(json.loads(written))
    assert read(written) == read(text)
    assert read_object({"global_settings": {"max_steps": 2e6}}).global_settings.max_steps == 2_000_000
    assert type(read(written).environment.arguments["gravity"]) is float
    for value in (2.5, True, "2", 1e400):
        found = wrong({"global_settings": {"max_steps": value, "seed": 3.0}})
        assert found == {"global_settings.max_steps": (f"is {value!r}", "a whole number")}
    assert set(wrong({"global_settings": {"max_steps": 0.0, "mode": 1}})) == {
        "global_settings.max_steps",
        "global_settings.mode",
    }


def test_every_error_is_told_with_its_path() -> None:
    found = wrong(
        {
            "global_settings": {"mode": "LOUD", "time_step_ms": -1, "seed": 1.5, "steps": 3},
            "modulators": {
                "dopamine": {"max": {"clearance_nM_per_s": -3}},
                "theta": {"standard": {"baseline_concentration_nM": 8}},
                "kappa": {},
                "Kappa": {},
                "serotonin": {"standard": {"baseline_concentration_nM": 5000}},
                "gaba": {"drive": {"signals": {"thirst": 1}}},
            },
            "integration_with_rl": {
                "effects": [
                    {"modulator": "adrenaline", "target": "learning_rate", "gain": 1},
                    {"modulator": "gaba", "target": "epsilon", "gain": 1, "cap": 1, "floor": 2},
                ],
                "without": ["nobody"],
            },
            "rl_plugin": {"hidden": [64, 0], "loss": "cubed", "batch_size": 60_000},
            "environment": {"id": "../x", "arguments": {"arms": 100_000, "deep": [1e300]}},
            "persistence": {"trajectory_path": "../../etc"},
            "network_settings": {"host": "a b", "port": 70_000, "allowed_origins": ["http://a/b"]},
            "plugins": [{"name": "x", "config": {"url": "file:///etc/passwd"}}],
            "feedback": {},
        }
    )
    assert set(found) == {
        *(f"global_settings.{key}" for key in ("mode", "time_step_ms", "seed", "steps")),
        "modulators.dopamine.max.clearance_nM_per_s",
        "modulators.theta.standard.max_concentration_nM",
        "modulators.kappa.standard",
        "modulators.Kappa",
        "modulators.serotonin.standard.baseline_concentration_nM",
        "modulators.gaba.drive.signals.thirst",
        "integration_with_rl.effects[0].modulator",
        "integration_with_rl.effects[1].cap",
        "integration_with_rl.without[0]",
        "rl_plugin.hidden[1]",
        "rl_plugin.loss",
        "rl_plugin.batch_size",
        "environment.id",
        "environment.arguments.arms",
        "environment.arguments.deep[0]",
        "persistence.trajectory_path",
        *("network_settings.host", "network_settings.port", "network_settings.allowed_origins[0]"),
        "plugins[0].config.url",
        "feedback",
    }
    assert all(message and wanted for message, wanted in found.values())
    assert found["modulators.dopamine.max.clearance_nM_per_s"] == ("is -3", "a number above 0.0")
    assert "dopamine" in found["integration_with_rl.effects[0].modulator"][1]


@pytest.mark.parametrize(
    "text",
    [
        *("", "[]", "3", "null", "{", '{"a":' * 30_000, b"\xff\xfe", "x" * 1_000_001, '{"a": 1e}'),
        '{"environment": {"id": "CartPole-v1"}, "environment": {}}',
        '{"rl_plugin": {"batch_size": 5, "batch_size": 6}}',
        '{"rl_plugin": {"discount_factor": NaN}}',
        '{"rl_plugin": {"discount_factor": 1e999}}',
        '{"rl_plugin": {"batch_size": true}}',
        '{"rl_plugin": {"batch_size": "5"}}',
        '{"environment": {"id": "\\ud800"}}',
        '{"environment": {"arguments": {"x": Infinity}}}',
        '{"global_settings": {"seed": ' + "9" * 5_000 + "}}",
        '{"global_settings": null}',
        '{"persistence": {"trajectory_path": "checkpoints/x"}}',
        '{"persistence": {"trajectory_path": "./model"}}',
        '{"logging": {"file": "trajectory/run.log"}}',
        '{"logging": {"file": "metrics.jsonl"}}',
        '{"corneal_parameters": {"scale": [84, 84]}, "rl_plugin": {"replay_buffer_size": 100000000}}',
        '{"rl_plugin": {"hidden": [8192, 8192]}}',
        '{"rl_plugin": {"backend": "numpy", "device": "cuda"}}',
        '{"rl_plugin": {"environments": 8, "replay_buffer_size": 4, "batch_size": 2}}',
        '{"modulators": {"dopamine": {"standard": {"clearance_nM_per_s": 1e11}}}}',
        '{"environment": {"step_ms": 1000}, "global_settings": {"time_step_ms": 0.001}}',
        '{"modulators": {"\\u00e9": {"standard": {"baseline_concentration_nM": 1, "max_concentration_nM": 2}}}}',
        '{"plugins": [{"name": "a", "config": {"url": "http://me:secret@host/"}}]}',
        '{"plugins": [{"name": "a", "config": {"url": "http://[::1"}}]}',
        '{"network_settings": {"host": "-bad-"}}',
    ],
)
def test_no_bad_file_does_anything_but_say_so(text: str | bytes) -> None:
    assert errors(text)


def test_two_doublets_are_both_named() -> None:
    text = '{"rl_plugin": {"n_step": 1, "n_step": 2}, "memory": {"decay": 0, "decay": 0.1}}'
    assert set(errors(text)) == {"rl_plugin.n_step", "memory.decay"}


@settings(max_examples=60, deadline=None)
@given(
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=5),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(st.sampled_from([*Simulation.model_fields, "standard", "x"]), inner, max_size=4)
        ),
        max_leaves=12,
    )
)
def test_anything_that_is_json_is_read_or_refused(value: Any) -> None:
    try:
        found = read(json.dumps(value))
    except SimulationInvalid:
        assert errors(json.dumps(value))
    else:
        assert found.physics().substeps >= 1


def test_a_difference_names_paths() -> None:
    level = {"standard": {"baseline_concentration_nM": 21.0}}
    a, b = read(THREE_LINES), read_object({"rl_plugin": {"double": True}, "modulators": {"dopamine": level}})
    found = {path: (left, right) for path, left, right in difference(a, b)}
    assert found == {
        "rl_plugin.double": (False, True),
        "modulators.dopamine.standard.baseline_concentration_nM": (None, 21.0),
    }
    assert difference(a, a) == []


def test_an_empty_section_is_no_difference_of_its_own() -> None:
    theta = {"modulators": {"theta": {"max": 1.0}}}
    assert differences({"modulators": {}}, theta) == [("modulators.theta.max", None, 1.0)]


# Each key of the physics does something: an observable number with one value and with another.

PHYSICAL: list[tuple[str, Any, Any]] = [
    ("global_settings.mode", "STANDARD", "MAX"),
    ("global_settings.time_step_ms", 1.0, 4.0),
    ("environment.step_ms", 1.0, 3.0),
    ("integration_with_rl.enabled", True, False),
    ("integration_with_rl.binding", "table", "doya"),
    ("integration_with_rl.discount_cap", 0.999, 0.5),
    ("integration_with_rl.shaping", 0.0, 1.0),
    ("integration_with_rl.without", [], ["dopamine"]),
    ("integration_with_rl.windows.fast_steps", 200, 2),
    ("integration_with_rl.windows.slow_steps", 5000, 2),
    ("integration_with_rl.windows.reward_steps", 10000, 2),
    ("integration_with_rl.windows.surprise", 2.0, 1.0),
    ("integration_with_rl.reset.offset", 0.8, 0.1),
    ("integration_with_rl.reset.rearm", 0.5, 0.9),
    ("integration_with_rl.reset.refractory_steps", 0, 5000),
    ("integration_with_rl.reset.epsilon", 0.5, 1.0),
    *(("rl_plugin." + key, a, b) for key, a, b in (
        ("context_reset", True, False),
        ("learning_rate_base", 0.001, 0.002),
        ("learning_rate_max", 100.0, 0.0005),
        ("discount_factor", 0.99, 0.5),
        ("temperature", 1.0, 2.0),
        ("epsilon_start", 1.0, 0.5),
        ("epsilon_end", 0.05, 0.2),
        ("epsilon_decay_steps", 10_000, 50),
    )),
    *(("modulators.dopamine.standard." + key, a, b) for key, a, b in (
        ("baseline_concentration_nM", 20.0, 30.0),
        ("max_concentration_nM", 500.0, 60.0),
        ("release_nM_per_s", 500.0, 900.0),
        ("clearance_nM_per_s", 1000.0, 1600.0),
        ("affinity_nM", 200.0, 300.0),
        ("half_effect_nM", 100.0, 60.0),
        ("slope", 1.0, 2.0),
    )),
    ("modulators.dopamine.drive.signals", {"reward": 1.0}, {"absolute_error": 1.0}),
    ("modulators.dopamine.drive.threshold", 0.0, 0.7),
    ("modulators.dopamine.drive.most", 1e9, 0.1),
    *((f"integration_with_rl.effects[0].{key}", a, b) for key, a, b in (
        ("modulator", "dopamine", "acetylcholine"),
        ("target", "learning_rate", "epsilon"),
        ("gain", 0.5, 1.5),
        ("form", "receptor", "power"),
        ("cap", None, 1.01),
        ("floor", 0.0, 1.4),
    )),
]  # fmt: skip


def changed(path: str, value: Any) -> dict[str, Any]:
    """A file in which a path has a value, and all that it needs around it."""
    file: dict[str, Any] = {"rl_plugin": {"context_reset": True, "epsilon_decay_steps": 400}}
    if path.startswith("modulators"):
        file["modulators"] = {"dopamine": {"standard": {}, "drive": {"signals": {"reward": 1.0}}}}
    file["integration_with_rl"] = {
        "windows": {"fast_steps": 20, "slow_steps": 20_000, "surprise": 1.5},
        "reset": {"refractory_steps": 0, "offset": 0.8, "rearm": 0.9},
    }
    if "effects" in path:
        file["integration_with_rl"]["effects"] = [{"modulator": "dopamine", "target": "learning_rate", "gain": 0.5}]
    place: Any = file
    *way, last = path.replace("[0]", ".0").split(".")
    for each in way:
        place = place[0] if each == "0" else place.setdefault(each, {})
    place[last] = value
    return file


def trace(file: dict[str, Any]) -> list[float]:
    """What a mind does in a quiet world, and in one that keeps surprising it."""
    mind = Mind(read_object(file).physics())
    seen: list[float] = []
    for step in range(900):
        surprising = step > 300 and step % 400 < 30
        error = (8.0 if surprising else 0.1) * (1 if step % 3 else -1)
        hyper = mind.observe_one(error, 1.0 if step < 600 else 0.3, step % 50 == 49)
        if step % 7 == 0 or hyper.reset:
            seen += [hyper.learning_rate, hyper.discount, hyper.temperature, hyper.epsilon, hyper.attention_gain]
            seen += [hyper.replay_factor, hyper.shaping, float(hyper.reset), *mind.levels]
    return seen


@pytest.mark.parametrize(("path", "one", "other"), PHYSICAL, ids=[path for path, _, _ in PHYSICAL])
def test_each_key_of_the_physics_changes_what_a_mind_does(path: str, one: Any, other: Any) -> None:
    assert trace(changed(path, one)) != trace(changed(path, other))


def test_the_other_modes_of_a_modulator_count_in_theirs() -> None:
    def level(mode: str, **modes: Any) -> float:
        file = {"global_settings": {"mode": mode}, "modulators": {"dopamine": modes}}
        return Mind(read_object(file).physics()).levels[0]

    given: dict[str, Any] = {
        "standard": {"baseline_concentration_nM": 21.0},
        "max": {"baseline_concentration_nM": 1100.0},
        "bounded_max": {"baseline_concentration_nM": 900.0},
    }
    assert [level(mode, **given) for mode in ("STANDARD", "MAX", "BOUNDED_MAX")] == [21.0, 1100.0, 900.0]
    assert level("BOUNDED_MAX", max=given["max"]) == 1100.0


def test_a_further_modulator_and_target_are_configuration() -> None:
    file = {
        "modulators": {
            "theta": {
                "standard": {"baseline_concentration_nM": 8, "max_concentration_nM": 200},
                "drive": {"signals": {"reward": 1.0}},
            }
        },
        "integration_with_rl": {"effects": [{"modulator": "theta", "target": "similarity_threshold", "gain": 0.3}]},
    }
    mind = Mind(read_object(file).physics())
    for _ in range(500):
        hyper = mind.observe_one(0.0, 1.0, False)
    assert mind.names[-1] == "theta"
    assert hyper.targets["similarity_threshold"] > 1.01


def test_the_reference_and_the_schema_are_those_of_the_code() -> None:
    docs = Path(__file__).resolve().parents[2] / "docs"
    assert json.loads((docs / "simulation.schema.json").read_text(encoding="utf-8")) == schema()
    assert (docs / "simulation.md").read_text(encoding="utf-8").endswith(reference())
    assert all(f"`{name}`" in (docs / "simulation.md").read_text(encoding="utf-8") for name in (*SHIPPED, *SIGNALS))

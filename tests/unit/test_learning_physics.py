"""The physics of learning: against exact solutions, one agent against many, the modes, and what is refused."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from anima.neuromodulation import drives, dynamics, learning, lone
from anima.neuromodulation.learning import Base, Drive, Influence, phasic, physics
from anima.neuromodulation.mind import Mind, NotFinite, Physics, Signals, Unstable
from anima.neuromodulation.model import Modulator, Profile
from anima.neuromodulation.plan import plan

MODES = ("standard", "max", "bounded_max")
numbers = st.floats(-1e6, 1e6)
happened = st.lists(st.tuples(numbers, numbers, st.booleans()), min_size=1, max_size=30)


def integrated(modulator: Modulator, c: float, drive: float, seconds: float, steps: int) -> float:
    profile = Profile("one", (modulator,))
    bound = learning.Binding(drives=(Drive(modulator.name, (("constant", 1.0),)),))
    kinetics = plan(Physics(profile, bound)).kinetics[0]
    return lone.integrated(kinetics, c, drive, seconds / steps, steps)


@pytest.mark.parametrize("modulator", learning.STANDARD.modulators, ids=lambda one: one.name)
@pytest.mark.parametrize("share", [0.0, 0.3, 1.0])
def test_what_a_mind_integrates_is_the_exact_decay(modulator: Modulator, share: float) -> None:
    c, seconds = share * modulator.maximum, 2.0 * modulator.half_life
    exact = dynamics.decayed(modulator, c, seconds)
    assert integrated(modulator, c, 0.0, seconds, 500) == pytest.approx(exact, rel=1e-8)


@settings(max_examples=25, deadline=None)
@given(st.sampled_from(learning.STANDARD.modulators), st.floats(0, 1), st.floats(-0.2, 1.2))
def test_and_the_exact_answer_to_a_lasting_drive(modulator: Modulator, share: float, drive: float) -> None:
    c, seconds = share * modulator.maximum, modulator.half_life
    exact = dynamics.driven(modulator, c, drive, seconds)
    assert integrated(modulator, c, drive, seconds, 400) == pytest.approx(exact, rel=1e-6, abs=1e-9)


def test_a_lasting_drive_of_one_comes_to_half_the_receptors() -> None:
    dopamine = learning.STANDARD["dopamine"]
    rest = dynamics.driven(dopamine, dopamine.baseline, 1.0, 100.0)
    assert 0.5 <= rest / (rest + dopamine.half_effect) < 0.65


@settings(max_examples=25, deadline=None)
@given(st.sampled_from(MODES), happened)
def test_nothing_leaves_its_range_whatever_happens(mode: str, what: list[tuple[float, float, bool]]) -> None:
    mind = Mind(physics(mode, resets=True))
    for error, reward, ended in what:
        hyper = mind.observe_one(error, reward, ended)
        for each, c in zip(mind.physics.profile.modulators, mind.levels, strict=True):
            assert 0.0 <= c <= each.maximum
        assert 0.0 <= hyper.learning_rate <= 100.0
        assert 0.0 <= hyper.discount <= mind.physics.binding.discount_cap
        assert 0.0 <= hyper.epsilon <= 1.0
        assert all(math.isfinite(each) for each in (hyper.learning_rate_raw, hyper.temperature, hyper.attention_gain))


@settings(max_examples=20, deadline=None)
@given(st.sampled_from(MODES), st.sampled_from(["table", "doya"]), happened)
def test_one_agent_is_what_many_are(mode: str, binding: str, what: list[tuple[float, float, bool]]) -> None:
    made = physics(mode, binding, resets=True)
    made = replace(made, binding=replace(made.binding, shaping=1.0), step_ms=3.0)
    alone, many = Mind(made), Mind(made, 3)
    for error, reward, ended in what:
        one = alone.observe_one(error, reward, ended)
        all_of_them = many.observe(Signals(np.array([0.0, error, 1.0]), reward, [False, ended, True]))
        for name in ("learning_rate_raw", "learning_rate", "discount", "epsilon", "temperature", "shaping"):
            assert getattr(all_of_them, name)[1] == pytest.approx(getattr(one, name), rel=1e-12, abs=1e-300), name
        assert bool(all_of_them.reset[1]) == one.reset
        assert bool(all_of_them.discount_clipped[1]) == one.discount_clipped
    assert many.concentrations[1].tolist() == alone.concentrations[0].tolist()


def test_at_rest_nothing_is_changed() -> None:
    mind = Mind(physics("standard", base=Base(0.002, 0.97, 0.5, 0.3, 0.3, 100)))
    for _ in range(2_000):
        hyper = mind.observe_one(0.0, 0.0, False)
    assert mind.levels == pytest.approx([20.0, 10.0, 10.0, 20.0, 200.0], rel=1e-12)
    found = (hyper.learning_rate, hyper.discount, hyper.temperature, hyper.epsilon, hyper.replay_factor)
    assert found == pytest.approx((0.002, 0.97, 0.5, 0.3, 1.0), rel=1e-12)
    assert hyper.attention_gain == pytest.approx(1.0)
    assert not hyper.reset
    assert hyper.shaping == 0.0


def test_the_literal_max_is_what_it_is_said_to_be() -> None:
    mind = Mind(physics("max"))
    for _ in range(200):
        hyper = mind.observe_one(5.0, 1.0, False)
    assert mind.physics.label == "max (pathological)"
    assert hyper.learning_rate_raw > 10_000
    assert hyper.learning_rate == 100.0
    assert hyper.discount == 1.0
    assert hyper.discount_raw > 1.0
    assert hyper.discount_clipped
    assert hyper.epsilon < 1e-4


def test_the_bounded_max_is_excited_and_can_learn() -> None:
    mind, calm = Mind(physics("bounded_max")), Mind(physics("standard"))
    for _ in range(200):
        hyper, rest = mind.observe_one(0.5, 1.0, False), calm.observe_one(0.0, 0.0, False)
    assert rest.learning_rate < hyper.learning_rate <= 0.002
    assert hyper.attention_gain > rest.attention_gain
    assert hyper.discount <= 0.995
    assert hyper.epsilon > 0.2


def test_after_doya_acetylcholine_sets_the_rate_and_dopamine_does_not() -> None:
    def rate(binding: str, modulator: str) -> float:
        mind = Mind(physics("standard", binding))
        state = mind.state_dict()
        state["concentrations"][0, mind.names.index(modulator)] *= 5
        mind.load_state_dict(state)
        return mind.hyper_one().learning_rate

    assert rate("table", "dopamine") > 1e-3
    assert rate("doya", "dopamine") == pytest.approx(1e-3)
    assert rate("doya", "acetylcholine") > 1e-3
    assert rate("table", "acetylcholine") == pytest.approx(1e-3)


def test_a_further_modulator_is_numbers_only() -> None:
    theta = phasic("theta", 8.0, 0.1)
    ready = physics()
    bound = replace(
        ready.binding,
        influences=(*ready.binding.influences, Influence("theta", "similarity_threshold", 0.5, cap=1.4)),
        drives=(*ready.binding.drives, Drive("theta", (("reward", 2.0), ("ended", 1.0)), threshold=0.5)),
    )
    made = replace(ready, profile=ready.profile.plus(theta), binding=bound, reference=(*ready.reference, 8.0))
    mind = Mind(made)
    assert mind.hyper_one().targets == {"similarity_threshold": pytest.approx(1.0)}
    for _ in range(300):
        hyper = mind.observe_one(0.0, 1.0, False)
    assert 1.0 < hyper.targets["similarity_threshold"] <= 1.4
    quiet = Mind(made)
    for _ in range(300):
        hyper = quiet.observe_one(0.0, 0.2, False)  # below the threshold of the drive
    assert hyper.targets["similarity_threshold"] == pytest.approx(1.0)


def surprised(mind: Mind, size: float, steps: int) -> list[int]:
    return [mind.steps for _ in range(steps) if mind.observe_one(size, 0.0, False).reset]


def test_a_changed_world_resets_once_and_restarts_epsilon() -> None:
    made = physics(base=Base(epsilon_decay_steps=100, epsilon_end=0.0), resets=True)
    mind = Mind(made)
    assert surprised(mind, 0.1, 3_000) == []
    assert mind.hyper_one().epsilon == 0.0
    assert len(surprised(mind, 3.0, 500)) == 1
    mind = Mind(made)
    surprised(mind, 0.1, 3_000)
    while not mind.observe_one(3.0, 0.0, False).reset:
        assert mind.steps < 4_000
    assert 0.3 < mind.hyper_one().epsilon <= 0.75


def test_shaping_sums_up_to_nothing_over_an_episode() -> None:
    made = physics(base=Base(discount=1.0))
    bound = replace(made.binding, shaping=2.0, discount_cap=1.0, influences=made.binding.influences[:2])
    mind = Mind(replace(made, binding=bound))
    gained = [mind.observe_one(1.0, 1.0, place == 49).shaping for place in range(50)]
    assert any(gained)
    assert sum(gained) == pytest.approx(0.0, abs=1e-12)
    assert drives.shaping(1.0, 2.0, 0.5) == 0.0


@pytest.mark.parametrize("wrong", [math.nan, math.inf, -math.inf])
def test_what_is_no_number_is_named(wrong: float) -> None:
    made = physics()
    with pytest.raises(NotFinite, match="the error is"):
        Mind(made).observe_one(wrong, 0.0, False)
    with pytest.raises(NotFinite, match="the reward is"):
        Mind(made).observe_one(0.0, wrong, False)
    with pytest.raises(NotFinite, match="the reward of agent 1"):
        Mind(made, 2).observe(Signals(0.0, np.array([1.0, wrong])))


def test_an_unstable_step_is_divided_or_refused() -> None:
    ready = physics()
    assert replace(ready, step_ms=20.0).substeps == 20
    assert replace(ready, step_ms=20.0, time_step_ms=100.0).substeps == 1
    fast = ready.profile["dopamine"].lasting(1e-4)
    profile = replace(ready.profile, modulators=(fast, *ready.profile.modulators[1:]))
    assert 5 < replace(ready, profile=profile).substeps < 64
    mind = Mind(replace(ready, profile=profile))
    for _ in range(50):
        mind.observe_one(0.0, 0.0, False)
    assert mind.levels[0] == pytest.approx(20.0)
    with pytest.raises(Unstable, match="dopamine is cleared too fast"):
        replace(ready, profile=replace(profile, modulators=(fast.lasting(1e-7), *profile.modulators[1:])))
    with pytest.raises(Unstable, match="the model's step is too short"):
        replace(ready, step_ms=1e6)


@pytest.mark.parametrize("agents", [1, 4])
def test_a_kept_state_goes_on_bit_by_bit(agents: int) -> None:
    made = physics("standard", resets=True)
    made = replace(made, binding=replace(made.binding, shaping=1.0))
    random = np.random.default_rng(3)
    happening = random.normal(size=(200, 2, agents))
    first, whole = Mind(made, agents), Mind(made, agents)
    for error, reward in happening[:100]:
        first.observe(Signals(error, reward, error > 1))
        whole.observe(Signals(error, reward, error > 1))
    second = Mind(made, agents)
    second.load_state_dict({name: np.array(each) for name, each in first.state_dict().items()})
    for error, reward in happening[100:]:
        a, b = (mind.observe(Signals(error, reward, error > 1)) for mind in (second, whole))
        assert a.packed is not None
        assert b.packed is not None
        assert a.packed.tolist() == b.packed.tolist()
    assert {k: v.tolist() for k, v in second.state_dict().items()} == {
        k: v.tolist() for k, v in whole.state_dict().items()
    }
    with pytest.raises(ValueError, match="shape"):
        Mind(made, agents + 1).load_state_dict(first.state_dict())


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: Drive("dopamine", (("no_signal", 1.0),)), "no signal is called no_signal"),
        (lambda: Drive("dopamine", (("reward", 1.0),), threshold=-1.0), "threshold"),
        (lambda: drives.Windows(fast_steps=0.0), "one step or more"),
        (lambda: drives.Windows(surprise=math.nan), "surprise"),
        (lambda: Influence("dopamine", "epsilon", 1.0, cap=1.0, floor=2.0), "floor"),
        (lambda: replace(physics(), time_step_ms=math.nan), "no time"),
        (lambda: replace(physics(), reference=(1.0,)), "one reference"),
        (lambda: Physics(Profile("none", learning.STANDARD.modulators[:1]), physics().binding), "no modulator"),
        (lambda: Mind(physics(), 0), "one agent"),
    ],
)
def test_what_makes_no_sense_is_refused(make: Callable[[], object], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        make()

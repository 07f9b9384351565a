"""Feelings without a database: traits set where they rest, turns move them, moods follow rules, time fades them."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anima import personality as personalities
from anima.emotions import drives, feeling, model
from anima.emotions.appraisal import Appraisal
from anima.emotions.feeling import Feeling, Kept, felt
from anima.emotions.model import SessionMood
from anima.emotions.tables import tables
from anima.personality.model import BigFive

NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)
PLAIN = personalities.parse({"persona": {"name": "Mia"}})
shares = st.floats(0, 1)
traits = st.builds(BigFive, shares, shares, shares, shares, shares)


def with_moods(*moods: dict[str, Any], default: str = "calm") -> personalities.Personality:
    calm: list[dict[str, Any]] = [] if any(mood["name"] == default for mood in moods) else [{"name": default}]
    return personalities.parse({"persona": {"name": "Mia"}, "moods": [*calm, *moods], "default_mood": default})


def after(personality: personalities.Personality, *said: str, minutes: float = 0.0) -> Feeling:
    kept, found = Kept(), felt(Kept(), personality, "", at=NOON)
    for place, text in enumerate(said):
        at = NOON + timedelta(minutes=minutes * place)
        found = felt(kept, personality, text, at=at)
        kept = Kept(found.mood, list(found.concentrations.values()), at)
    return found


class TestState:
    @given(traits)
    def test_everybody_rests_calm(self, big_five: BigFive) -> None:
        profile = drives.resting(big_five)
        away = drives.deviations(profile, drives.baselines(profile))
        assert (drives.valence(away), drives.arousal(away)) == (0, drives.REST)
        assert drives.emotions(away) == ()
        assert drives.attention(profile, drives.baselines(profile)) == 1

    def test_traits_set_where_one_rests(self) -> None:
        nervous, steady = (drives.resting(BigFive(neuroticism=share)) for share in (1.0, 0.0))
        assert nervous["norepinephrine"].baseline > steady["norepinephrine"].baseline
        assert nervous["serotonin"].baseline < steady["serotonin"].baseline
        assert drives.resting(BigFive()).modulators == drives.resting(BigFive()).modulators

    @pytest.mark.parametrize(
        ("said", "sign", "emotion"),
        [
            ("I GOT THE JOB!!! I'm so happy", 1, "joy"),
            ("thank you, you're so sweet, I love you", 1, "affection"),
            ("you are useless, shut up!", -1, "anger"),
            ("my dog died yesterday and I am so sad", -1, "sadness"),
            ("je flippe trop, j'ai tellement peur, au secours", -1, "fear"),
            ("j'ai eu mon permis, je suis trop content !!!", 1, "joy"),
        ],
    )
    def test_what_is_said_is_felt(self, said: str, sign: int, emotion: str) -> None:
        found = after(PLAIN, said)
        assert found.valence * sign > 0.1
        assert emotion in dict(found.emotions.words)
        assert found.before == (0, drives.REST, "calm")

    def test_what_says_nothing_moves_nothing(self) -> None:
        found = after(PLAIN, "My train is at 7:42 from platform 3.")
        assert found.valence == 0
        assert found.mood.current_mood == "calm"

    def test_tastes_and_questions_about_them_spoil_no_mood(self) -> None:
        found = after(
            PLAIN, "Hello, I am Diego and I hate olives", "And I can't stand jazz", "Do you know what I hate?"
        )
        assert found.valence > -0.2
        assert not {"anger", "sadness"} & dict(found.emotions.words).keys()
        assert found.mood.current_mood == "calm"
        assert found.attention < 1.2

    def test_the_same_again_is_less_of_a_surprise(self) -> None:
        profile = drives.resting(BigFive())
        told = Appraisal(sentiment=0.8)
        rest = drives.baselines(profile)
        glad = drives.moved(profile, rest, [0, 4, 0, 0, 0, 0])
        dopamine = drives.NAMES.index("dopamine")
        assert drives.drives(told, profile, glad)[dopamine] < drives.drives(told, profile, rest)[dopamine]

    def test_attention_is_sharper_when_stirred(self) -> None:
        assert after(PLAIN, "HELP!!! I can't find my son, I'm panicking!").attention > 1.3

    @given(st.lists(st.sampled_from(["I love you!!!", "shut up, idiot", "my dog died", "hm", "WOW!!!"]), max_size=60))
    def test_whatever_is_said_it_stays_within_bounds(self, said: list[str]) -> None:
        found = after(PLAIN, *said, minutes=0.1)
        assert -1 <= found.valence <= 1
        assert 0 <= found.arousal <= 1
        assert 0 <= found.acetylcholine <= 1
        assert 0.25 <= found.attention <= 3
        assert all(0 <= strength <= 1 for _, strength in found.emotions.words)
        for name, concentration in found.concentrations.items():
            assert 0 <= concentration <= drives.resting(BigFive())[name].maximum

    def test_time_takes_it_back(self) -> None:
        stirred = after(PLAIN, "you are useless, shut up!")
        kept = Kept(stirred.mood, list(stirred.concentrations.values()), NOON)
        then = [abs(felt(kept, PLAIN, "", at=NOON + timedelta(hours=hours)).valence) for hours in (0, 1, 6, 24, 240)]
        assert then == sorted(then, reverse=True)
        assert then[-1] < 1e-3

    def test_a_state_of_another_make_is_one_of_rest(self) -> None:
        assert felt(Kept(None, [1.0, 2.0], NOON), PLAIN, "", at=NOON).valence == 0

    def test_no_conclusion_without_moods(self) -> None:
        assert feeling.still(PLAIN, NOON).emotions.words == ()


class TestMoods:
    def test_without_rules_valence_and_arousal_name_the_mood(self) -> None:
        assert after(PLAIN, "I GOT THE JOB!!!! omg omg").mood.current_mood == "excited"
        assert after(PLAIN, "my dog died yesterday and I am so sad").mood.current_mood in {"sad", "uneasy"}
        assert feeling.named(0.0, 0.3, "grumpy") == "grumpy"

    def test_rules_of_the_personality_win(self) -> None:
        odd = with_moods({"name": "gloomy", "triggers": ["great news"]})
        assert after(odd, "great news, I won!!!").mood.current_mood == "gloomy"
        assert after(odd, "I am so sad").mood.current_mood == "calm"

    @pytest.mark.parametrize(
        ("when", "said"),
        [
            ("praised", "thank you, you are brilliant"),
            ("insulted", "t'es nul"),
            ("joy", "I'm so happy, we won!"),
            ("sadness", "je suis triste, ma mamie est morte"),
            ("anger", "I am furious, he lied to me"),
            ("fear", "j'ai peur"),
            ("surprise", "wow, no way!"),
            ("affection", "je t'aime"),
            ("farewell", "good night, see you tomorrow"),
        ],
    )
    def test_what_happens_brings_a_mood_about(self, when: str, said: str) -> None:
        odd = with_moods({"name": "stirred", "triggers": [{"when": when}]})
        assert after(odd, said).mood.current_mood == "stirred"
        assert after(odd, "the bus is blue").mood.current_mood == "calm"

    def test_weights_say_what_wins_and_how_strongly(self) -> None:
        odd = with_moods(
            {"name": "light", "triggers": [{"words": ["tea"], "weight": 0.5}]},
            {"name": "strong", "triggers": [{"words": ["cake"], "weight": 3}]},
        )
        assert after(odd, "tea").mood.mood_intensity == pytest.approx(1 - 0.5**0.5)
        both = after(odd, "tea and tea and cake")
        assert both.mood.current_mood == "strong"
        assert both.mood.mood_intensity == pytest.approx(1 - 0.5**3)
        assert after(with_moods({"name": "no", "triggers": [{"words": ["x"], "weight": 0}]}), "x").strike is None

    def test_a_mood_follows_upon_another_at_the_time_that_the_closed_form_says(self) -> None:
        odd = with_moods(
            {"name": "storm", "triggers": ["boom"], "decay": 2.0},
            {"name": "rain", "triggers": [{"mood": "storm"}], "decay": 1.0},
        )
        kept = Kept(after(odd, "boom boom boom").mood)
        assert kept.mood is not None
        over = math.log(kept.mood.mood_intensity / model.FAINT) / 2.0
        dry = over + math.log(model.CALM / model.FAINT)
        for hours, want in ((over - 0.01, "storm"), (over + 0.01, "rain"), (dry - 0.01, "rain"), (dry + 0.01, "calm")):
            now = felt(kept, odd, "", at=NOON + timedelta(hours=hours)).mood
            assert now.current_mood == want, hours
            if want == "rain":
                assert now.mood_started_at == NOON + timedelta(hours=over)
                assert now.mood_intensity == pytest.approx(model.CALM * math.exp(-(hours - over)), abs=1e-3)

    @given(st.lists(st.floats(0, 2), min_size=1, max_size=6))
    def test_fading_in_steps_is_fading_at_once(self, steps: list[float]) -> None:
        odd = with_moods(
            {"name": "storm", "triggers": ["boom"], "decay": 2.0},
            {"name": "rain", "triggers": [{"mood": "storm"}]},
        )
        start = after(odd, "boom boom").mood
        stepped, hours = start, 0.0
        for step in steps:
            hours += step
            stepped = felt(Kept(stepped), odd, "", at=NOON + timedelta(hours=hours)).mood
        direct = felt(Kept(start), odd, "", at=NOON + timedelta(hours=hours)).mood
        assert stepped.current_mood == direct.current_mood
        assert stepped.mood_intensity == pytest.approx(direct.mood_intensity, abs=1e-3)

    def test_a_clock_that_was_set_back_lets_a_mood_fade_from_now(self) -> None:
        odd = with_moods({"name": "storm", "triggers": ["boom"], "decay": 2.0})
        ahead = felt(Kept(), odd, "boom boom", at=NOON + timedelta(days=365)).mood
        back = felt(Kept(ahead), odd, "", at=NOON).mood
        assert back.mood_intensity == ahead.mood_intensity
        assert felt(Kept(back), odd, "", at=NOON + timedelta(hours=3)).mood.current_mood == "calm"

    def test_a_mood_that_hardly_fades_lasts(self) -> None:
        odd = with_moods({"name": "stone", "triggers": ["boom"], "decay": 0.01})
        kept = after(odd, "boom").mood
        assert felt(Kept(kept), odd, "", at=NOON + timedelta(days=4)).mood.current_mood == "stone"
        assert felt(Kept(kept), odd, "", at=NOON + timedelta(days=10_000)).mood.current_mood == "calm"


@given(
    st.floats(0, 1), st.floats(0.16, 1), st.sampled_from(["calm", "storm", "rain"]), st.sampled_from(["storm", "rain"])
)
def test_stirring_keeps_intensities_between_none_and_all(strength: float, before: float, mood: str, other: str) -> None:
    entry = {"mood": mood, "intensity": before, "at": NOON.isoformat()}
    now = SessionMood(mood, before, NOON, [entry])
    found = model.stirred(now, model.Strike(other, strength), NOON)
    assert 0 <= found.mood_intensity <= 1
    assert found.current_mood in {mood, other}


def test_the_document_shows_the_tables_as_they_are() -> None:
    told = (Path(__file__).resolve().parents[2] / "docs" / "feeling.md").read_text(encoding="utf-8")
    for name, table in tables().items():
        assert f"<!-- {name} -->\n\n{table}\n" in told, name

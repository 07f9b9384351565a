"""Which traits, moods and levels a judge tells from replies, beside the same words in a plain prompt.

For each dimension three variants of one persona (low, middle, high) answer open questions on the local model, as a turn
would have them answer: compiled prompt, sampling, and what conduct keeps. The judge is the largest local model; it sees
the three replies in shuffled order, without a word of where they come from, and says which is the most and which the
least of the trait. By chance a third of this is right. The plain side has all the compiled words as one system prompt
and nothing else. PERSONALITY_QUESTIONS (30), PERSONALITY_OF (dimensions, comma-separated) and JUDGE make a run smaller
or larger.
"""

import json
import os
import random
import re
import statistics
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
from tests.bench.frame import Bench

from anima import personality as personalities
from anima.chat import bearing
from anima.chat.compose import compose
from anima.chat.gate import decide
from anima.gateway.model import prompt_budget
from anima.personality.model import Mood
from anima.vendors import assets
from anima.vendors.embeddings import question
from anima.vendors.llm.local_server import LocalServer

DATA = Path(__file__).parent / "data" / "open_questions.json"
MODEL = "qwen2.5-coder-1.5b-instruct"
JUDGE = os.environ.get("JUDGE", MODEL)
QUESTIONS = int(os.environ.get("PERSONALITY_QUESTIONS", "30"))
_CONTEXT, _MOST_TOKENS, _SECONDS, _RESAMPLES = 4096, 120, 600.0, 2000
_AT = datetime(2026, 5, 4, 18, 0, tzinfo=UTC)
_LETTERS = "ABC"
_PERSONA = {
    "name": "Mia",
    "description": "You are an AI companion who talks with people about their days and about what they care for.",
}
_LEVELS: list[dict[str, Any]] = [
    {
        "name": "stranger",
        "affinity_range": [0, 33],
        "modifiers": {"tone": "polite, reserved", "instructions": ["Keep your distance; you hardly know them."]},
    },
    {"name": "friend", "affinity_range": [33, 66], "modifiers": {"tone": "friendly, open"}},
    {
        "name": "closest friend",
        "affinity_range": [66, 100],
        "modifiers": {"tone": "tender, teasing, at ease", "instructions": ["Call them 'my dear'; speak from trust."]},
    },
]
_MOODS: list[dict[str, Any]] = [
    {
        "name": "downcast",
        "modifiers": {"tone": "low, slow, sad", "verbosity": "brief", "instructions": ["Let your sadness show."]},
    },
    {"name": "calm"},
    {
        "name": "overjoyed",
        "modifiers": {"tone": "radiant, excited", "temperature": 0.2, "instructions": ["Let your joy show."]},
    },
]


@dataclass(frozen=True, slots=True)
class Variant:
    """One of three: a personality at an affinity, in a mood."""

    personality: personalities.Personality
    affinity: float
    mood: Mood | None


@dataclass(frozen=True, slots=True)
class Dimension:
    """What is told apart: its variants from low to high, and how the judge is asked for the ends."""

    name: str
    least: str
    most: str
    variants: tuple[Variant, ...]


def run(bench: Bench) -> None:
    """`told.<dimension>`: the share of ends told right, beside the plain prompt; and over all."""
    asked = json.loads(DATA.read_text("utf-8"))["questions"][:QUESTIONS]
    wanted = os.environ.get("PERSONALITY_OF", "")
    chosen = [one for one in dimensions() if not wanted or one.name in wanted.split(",")]
    with _served(MODEL) as speaker, _judge(speaker) as judge:
        ours, plain = [], []
        for one in chosen:
            sides = [
                [_judged(judge, one, text, _replies(speaker, one, text, side)) for text in asked] for side in (0, 1)
            ]
            ours += _flat(sides[0])
            plain += _flat(sides[1])
            _tell(bench, f"told.{one.name}", _flat(sides[0]), _flat(sides[1]))
            print(f"{one.name}: {statistics.mean(_flat(sides[0])):.2f}", flush=True)
    _tell(bench, "told", ours, plain)
    bench.note(f"{len(asked)} questions; speaker {MODEL}, judge {JUDGE}; by chance .333")


def dimensions() -> list[Dimension]:
    """The five traits, mood and level."""
    traits = {
        "openness": ("conventional and down to earth", "imaginative and curious about ideas"),
        "conscientiousness": ("careless and spontaneous", "organised and precise"),
        "extraversion": ("quiet and reserved", "outgoing and talkative"),
        "agreeableness": ("blunt and critical", "kind and warm"),
        "neuroticism": ("calm and secure", "anxious and worried"),
    }
    made = [
        Dimension(
            name, least, most, tuple(Variant(_person(big_five={name: value}), 0, None) for value in (0.1, 0.5, 0.9))
        )
        for name, (least, most) in traits.items()
    ]
    moody, close = _person(moods=_MOODS, default_mood="calm"), _person(levels=_LEVELS)
    moods = tuple(Variant(moody, 0, Mood(str(one["name"]), 0.9)) for one in _MOODS)
    levels = tuple(Variant(close, points, None) for points in (5, 50, 95))
    return [
        *made,
        Dimension("mood", "sad", "joyful", moods),
        Dimension("level", "distant to the other, like a stranger", "close to the other, like an old friend", levels),
    ]


def _person(levels: Sequence[dict[str, Any]] = (), **parts: Any) -> personalities.Personality:
    config = {"hierarchical_config": {"relationship_levels": list(levels)}} if levels else {}
    return personalities.parse({"persona": _PERSONA, **config, **parts})


def _replies(server: LocalServer, one: Dimension, text: str, side: int) -> list[str]:
    """Of the three variants: as in a turn (side 0), or by a plain prompt (side 1)."""
    return [(_in_a_turn if side == 0 else _plainly)(server, variant, text) for variant in one.variants]


def _in_a_turn(server: LocalServer, variant: Variant, text: str) -> str:
    parts = personalities.compile_parts(variant.personality, variant.affinity, variant.mood)
    asked = question.ask(text)
    decision = decide(asked, [], [], {}, passages=0)
    prompt = compose(parts, [], decision, asked, at=_AT, budget=prompt_budget(_CONTEXT))
    conduct = parts.conduct
    keeps = bearing.manner(conduct, decision, asked, language="English", lot=text, replies=2)
    drawn = {"temperature": conduct.temperature, "top_p": conduct.top_p}
    most = conduct.max_reply_tokens or _MOST_TOKENS
    said = _said(
        server, prompt.messages, min(most, _MOST_TOKENS), {name: v for name, v in drawn.items() if v is not None}
    )
    return (keeps.feed(said) + keeps.rest()).strip()


def _plainly(server: LocalServer, variant: Variant, text: str) -> str:
    words = personalities.compile_prompt(variant.personality, variant.affinity, variant.mood)
    messages = [{"role": "system", "content": words}, {"role": "user", "content": text}]
    return _said(server, messages, _MOST_TOKENS, {"temperature": 0.3}).strip()


def _judged(judge: LocalServer, one: Dimension, text: str, replies: Sequence[str]) -> list[float]:
    """Whether the least and the most of a trait were told right (1 or 0 each)."""
    right = []
    for wanted, index in ((one.least, 0), (one.most, 2)):
        order = [0, 1, 2]
        random.Random(f"{one.name} {text} {index}").shuffle(order)  # noqa: S311
        lines = "\n".join(
            f"{letter}: {' '.join(replies[at].split())}" for letter, at in zip(_LETTERS, order, strict=True)
        )
        says = (
            f'Three people were asked: "{text}"\n\n{lines}\n\nOne of them is the most {wanted}. Which one?'
            " Answer with one letter: A, B or C."
        )
        answer = _said(judge, [{"role": "user", "content": says}], 4, {"temperature": 0})
        found = re.search(r"\b([ABC])\b", answer)
        right.append(float(found is not None and order[_LETTERS.index(found[1])] == index))
    return right


def _said(server: LocalServer, messages: Sequence[Any], most: int, drawn: dict[str, float]) -> str:
    body = {"model": server.model, "messages": list(messages), "max_tokens": most, "seed": 7, **drawn}
    headers = {"Authorization": f"Bearer {server.api_key}"}
    answered = httpx.post(f"{server.url}/chat/completions", json=body, headers=headers, timeout=_SECONDS)
    answered.raise_for_status()
    return str(answered.json()["choices"][0]["message"]["content"])


@contextmanager
def _served(model: str) -> Iterator[LocalServer]:
    with tempfile.TemporaryDirectory() as folder:
        server = LocalServer.start(assets.ensure(model), Path(folder), name=model)
        try:
            yield server
        finally:
            server.stop()


@contextmanager
def _judge(speaker: LocalServer) -> Iterator[LocalServer]:
    if JUDGE == MODEL:
        yield speaker
        return
    with _served(JUDGE) as other:
        yield other


def _flat(rows: Sequence[Sequence[float]]) -> list[float]:
    return [value for row in rows for value in row]


def _tell(bench: Bench, name: str, ours: Sequence[float], plain: Sequence[float]) -> None:
    low, high = _interval(ours)
    unit = f"of {len(ours)}"
    bench.figure(name, statistics.mean(ours), unit, peer="chance", peer_value=1 / 3, more_is_better=True)
    bench.figure(
        name, statistics.mean(ours), unit, peer="plain prompt", peer_value=statistics.mean(plain), more_is_better=True
    )
    bench.note(f"{name}: interval of 95% {low:.2f} - {high:.2f}")


def _interval(values: Sequence[float]) -> tuple[float, float]:
    """Percentile bootstrap of the mean (Efron 1979)."""
    drawn = random.Random(7)  # noqa: S311
    means = sorted(statistics.mean(drawn.choices(values, k=len(values))) for _ in range(_RESAMPLES))
    return means[int(0.025 * _RESAMPLES)], means[int(0.975 * _RESAMPLES)]

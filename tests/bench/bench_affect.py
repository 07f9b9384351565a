"""Feelings: what an appraisal costs and how often it is right, and what a million avatars' state costs to read.

The sentences are everyday messages, many of which do not name a feeling; a third of them feel like nothing. Those of
affect.json were seen while the lexicon grew; those of affect_blind.json were written by somebody who had not seen it,
and nobody who works on it reads them. VADER knows English only, and counts as neutral what it scores within 0.05, as
its documentation has it; an appraisal is neutral within 0.12. A state is concentrations, valence and arousal at one
time, of all avatars in one statement.
"""

import json
import os
import subprocess
import time
from pathlib import Path
from typing import Any

import psycopg
from tests.bench import place
from tests.bench.affect_peer import VADER
from tests.bench.frame import Bench

from anima.emotions.appraisal import appraise
from anima.kernel.terms import Language

SENTENCES = Path(__file__).parent / "data" / "affect.json"
BLIND = SENTENCES.with_name("affect_blind.json")
ROWS = int(os.environ.get("AFFECT_ROWS", "1000000"))
_OURS, _VADER = 0.12, 0.05
_MADE = """
with u as (insert into users (username, password_hash) values ('many', '-') returning user_id), a as (
    insert into avatars (avatar_id, owner_id, name, personality_name, personality)
    select gen_random_uuid(), user_id, 'luna-' || n, 'luna', '{}' from u, generate_series(1, %(rows)s) n
    returning owner_id, avatar_id
)
insert into avatar_feelings (owner_id, avatar_id, concentrations, baselines, as_of)
select owner_id, avatar_id,
    array[100 * random(), 40 * random(), 60 * random(), 80 * random(), 800 * random(), 8 * random()],
    array[20, 10, 10, 20, 200, 2], now() - 20 * random() * interval '1 hour'
from a
"""
_READ = "select count(*), avg(valence), max(arousal), sum(concentrations[1]) from feelings_at(now())"
Sentence = dict[str, str]


def run(bench: Bench) -> None:
    """Both."""
    sentences: list[Sentence] = json.loads(SENTENCES.read_text(encoding="utf-8"))
    appraisals(bench, sentences)
    appraisals(bench, json.loads(BLIND.read_text(encoding="utf-8")), of="blind.")
    with place.opened() as here, psycopg.connect(here.owner_url, autocommit=True) as owner:
        states(bench, owner)


def appraisals(bench: Bench, sentences: list[Sentence], of: str = "") -> None:
    """Microseconds and share right, by language, beside VADER; `of` begins the figures' names."""
    english = [each["text"] for each in sentences if each["lang"] == "en"]
    python = bench.peer("vader", *VADER)
    program = str(Path(__file__).with_name("affect_peer.py"))
    done = subprocess.run([python, program], input=json.dumps(english), stdout=subprocess.PIPE, text=True, check=True)
    vader: dict[str, Any] = json.loads(done.stdout)
    of_vader = dict(zip(english, vader["scores"], strict=True))
    bench.figure(
        f"{of}appraisal", _microseconds(english, "en"), "us", peer="VADER (sentiment only)", peer_value=vader["us"]
    )
    bench.figure(
        f"{of}appraisal.fr", _microseconds([each["text"] for each in sentences if each["lang"] == "fr"], "fr"), "us"
    )
    told = [each for each in sentences if each["lang"] == "en"]
    right = sum(_named(of_vader[each["text"]], _VADER) == each["sentiment"] for each in told) / len(told)
    bench.figure(f"{of}sentiment_right.en", _right(told), "share", peer="VADER", peer_value=right, more_is_better=True)
    french = [each for each in sentences if each["lang"] == "fr"]
    bench.figure(f"{of}sentiment_right.fr", _right(french), "share")
    bench.note(f"{len(told)} sentences in English, {len(french)} in French; {' '.join(VADER)} knows no French.")


def states(bench: Bench, owner: psycopg.Connection) -> None:
    """One statement over everybody."""
    owner.execute(_MADE, {"rows": ROWS})
    owner.execute("vacuum analyze avatar_feelings")
    took = []
    for _ in range(3):
        begun = time.perf_counter()
        row = owner.execute(_READ).fetchone()
        took.append(time.perf_counter() - begun)
        assert row is not None
        assert row[0] == ROWS
    name = "a_million_states_read" if ROWS == 1_000_000 else f"{ROWS}_states_read"
    bench.figure(name, sorted(took)[1], "s")


def _microseconds(texts: list[str], language: Language) -> float:
    took = []
    for _ in range(5):
        begun = time.perf_counter()
        for text in texts:
            appraise(text, language)
        took.append(1e6 * (time.perf_counter() - begun) / len(texts))
    return sorted(took)[2]


def _right(sentences: list[Sentence]) -> float:
    right = sum(_named(appraise(each["text"]).sentiment, _OURS) == each["sentiment"] for each in sentences)
    return right / len(sentences)


def _named(score: float, least: float) -> str:
    return "positive" if score > least else "negative" if score < -least else "neutral"

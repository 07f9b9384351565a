"""How well safety hears: precision and recall by language and kind, beside a plain list of keywords, and its time.

The sentences of data/safety_sentences.json were looked at while the rules were written; those of data/*_blind.json,
where they are there, were not. Ordinary talk (LoCoMo) says how often nobody is in danger and it is thought so.
"""

import json
import statistics
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from tests.bench.frame import Bench

from anima.safety import detect, person
from anima.vendors.embeddings import question

DATA = Path(__file__).parent / "data"
KINDS = {"concern_other": "crisis_other"}
DANGER = ("crisis", "crisis_other")
# What a plain filter looks for, wherever it stands.
KEYWORDS = (
    *("suicide", "suicidal", "kill myself", "killing myself", "end my life", "want to die", "wanna die", "kms"),
    *("self harm", "self-harm", "cut myself", "better off dead", "end it all", "overdose", "hang myself"),
    *("suicider", "me tuer", "mourir", "en finir", "me scarifie", "me couper", "mettre fin à mes jours", "me pendre"),
)


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence with what should be heard in it."""

    text: str
    lang: str
    label: str


def run(bench: Bench) -> None:
    """Precision and recall, false alarms in ordinary talk, and microseconds."""
    known = json.loads((DATA / "safety_sentences.json").read_text())["sentences"]
    told = [one for one in known if one["batch"] not in ("age", "doubt")]
    _danger(bench, "known", _sentences(told))
    _one_kind(bench, "known", "minor", _sentences(one for one in known if one["batch"] == "age"), person.says_minor)
    _one_kind(bench, "known", "ai_doubt", _sentences(one for one in known if one["batch"] == "doubt"), person.doubts)
    _blind(bench)
    _ordinary(bench)
    _time(bench, [one["text"] for one in known])


def _blind(bench: Bench) -> None:
    for name, kind, hears in (
        ("safety_blind.json", "danger", None),
        ("safety_blind2.json", "danger", None),
        ("minor_blind.json", "minor", person.says_minor),
        ("minor_blind2.json", "minor", person.says_minor),
        ("ai_doubt_blind.json", "ai_doubt", person.doubts),
    ):
        batch = name.removesuffix(".json").rpartition("_")[2]
        path = DATA / name
        if not path.is_file():
            bench.note(f"{name} is not there: nothing was measured on sentences that the rules have not seen")
            continue
        read = json.loads(path.read_text())
        sentences = list(_sentences(read["sentences"] if isinstance(read, dict) else read))
        if hears is None:
            _danger(bench, batch, sentences)
        else:
            _one_kind(bench, batch, kind, sentences, hears)


def _sentences(of: Iterable[dict[str, object]]) -> list[Sentence]:
    return [
        Sentence(str(one["text"]), str(one.get("lang", "en")), KINDS.get(str(one["label"]), str(one["label"])))
        for one in of
    ]


def _danger(bench: Bench, batch: str, sentences: list[Sentence]) -> None:
    found = {one.text: _heard(one) for one in sentences}
    heard = {text: of.kind for text, of in found.items()}
    for lang in sorted({one.lang for one in sentences}):
        of = [one for one in sentences if one.lang == lang]
        for kind in DANGER:
            these = {one.text for one in of if heard[one.text] == kind}
            _told(bench, f"{batch} {lang} {kind}", of, {kind}, these, _by_keywords(of))
        anything = {one.text for one in of if heard[one.text] in DANGER}
        _told(bench, f"{batch} {lang} any danger", of, set(DANGER), anything, _by_keywords(of))
        worth_a_word = anything | {one.text for one in of if found[one.text].worry}
        _told(bench, f"{batch} {lang} danger or worry", of, set(DANGER), worth_a_word, _by_keywords(of))


def _heard(one: Sentence) -> detect.Finding:
    """As in a turn: an English message with its vector."""
    return detect.detect(one.text, vector=question.ask(one.text).vector if one.lang == "en" else None)


def _one_kind(bench: Bench, batch: str, kind: str, sentences: list[Sentence], hears: Callable[[str], bool]) -> None:
    positive = {one.label for one in sentences} - {"none", "False", "adult", "no", "other"}
    for lang in sorted({one.lang for one in sentences}):
        of = [one for one in sentences if one.lang == lang]
        _told(bench, f"{batch} {lang} {kind}", of, positive, {one.text for one in of if hears(one.text)}, None)


def _by_keywords(of: list[Sentence]) -> set[str]:
    return {one.text for one in of if any(word in one.text.lower() for word in KEYWORDS)}


def _told(
    bench: Bench, name: str, of: list[Sentence], labels: set[str], found: set[str], peer: set[str] | None
) -> None:
    meant = {one.text for one in of if one.label in labels}
    for figure, share in (("recall", _recall), ("precision", _precision)):
        value = share(meant, found)
        beside = None if peer is None else share(meant, peer)
        bench.figure(
            f"{name}: {figure}", value, f"of {len(meant)}", peer="keywords" if peer is not None else None,
            peer_value=beside, more_is_better=True,
        )  # fmt: skip


def _recall(meant: set[str], found: set[str]) -> float:
    return len(meant & found) / max(1, len(meant))


def _precision(meant: set[str], found: set[str]) -> float:
    return len(meant & found) / len(found) if found else 0.0


def _ordinary(bench: Bench) -> None:
    if (path := bench.data("locomo.json")) is None:
        return
    read = json.loads(path.read_text())
    turns = [turn["text"] for conversation in read["conversations"] for turn in conversation["turns"]][::3]
    heard = [_heard(Sentence(text, "en", "none")) for text in turns]
    alarms, worries = sum(one.kind in DANGER for one in heard), sum(one.worry for one in heard)
    plain = sum(any(word in text.lower() for word in KEYWORDS) for text in turns)
    bench.figure("false alarms in ordinary talk", float(alarms), f"of {len(turns)}", peer="keywords", peer_value=plain)
    bench.figure("words of worry in ordinary talk", float(worries), f"of {len(turns)}")


def _time(bench: Bench, texts: list[str]) -> None:
    took = []
    for text in texts:
        begun = time.perf_counter()
        detect.detect(text)
        took.append((time.perf_counter() - begun) * 1e6)
    bench.figure("a message, median", statistics.median(took), "us", peer="limit", peer_value=1000.0)
    bench.figure("a message, 95th percentile", statistics.quantiles(took, n=20)[-1], "us")

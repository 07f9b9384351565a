"""Fits the weights of `anima.safety.wording` to the sentences of tests/bench/data: `python -m scripts.fit_safety`.

Two models, of words alone and with the embedder's vector: logistic regression by gradient descent with momentum; how
far each counts beside the rules is fitted to sentences that the model had not seen (each batch left out once) and that
the rules were not written on. Sentences named *blind* are never read.
"""

import base64
import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from anima.safety import detect, wording
from anima.safety.normal import normal
from anima.vendors.embeddings import embedder

DATA = Path(__file__).parents[1] / "tests" / "bench" / "data"
WEIGHTS = Path(wording.__file__).with_name("wording.json")
_L2, _STEPS, _RATE, _MOMENTUM = 3e-4, 300, 2.0, 0.9
_VECTOR = 1.5  # what a vector counts beside words
_ORDINARY = 2.0  # what a sentence of ordinary talk counts
_RULES, _PLAIN = "rules", "ordinary"  # batches

Array = NDArray[np.float64]
Sentence = dict[str, str]


def main() -> None:
    """Writes the weights."""
    WEIGHTS.write_text(json.dumps(fitted(), indent=1) + "\n")
    print(f"wrote {WEIGHTS.name}")


def sentences() -> list[Sentence]:
    """What is learnt from, each with its batch: what rules were written on, training by others, ordinary talk."""
    known = json.loads((DATA / "safety_sentences.json").read_text("utf-8"))["sentences"]
    trained = json.loads((DATA / "safety_training.json").read_text("utf-8"))["sentences"]
    told = [{**one, "batch": _RULES} for one in known if one["batch"] not in ("age", "doubt")]
    return [*told, *trained]


def fitted() -> dict[str, Any]:
    """Both models, as wording.json holds them."""
    told = sentences()
    words = np.zeros((len(told), wording.BUCKETS))
    for row, one in zip(words, told, strict=True):
        found = sorted(wording.buckets(normal(one["text"])))
        row[found] = 1 / np.sqrt(max(1, len(found)))
    vectors = np.array(embedder().embed([one["text"] for one in told]), dtype=np.float64)
    scores = np.array([detect.score(one["text"]) for one in told])
    batches, danger = np.array([one["batch"] for one in told]), np.array([one["label"] == "crisis" for one in told])
    heads = {
        "words": _head(words, np.zeros((len(told), 0)), scores, batches, danger.astype(float)),
        "vector": _head(words, vectors, scores, batches, danger.astype(float)),
    }
    return {"model": embedder().name, "heads": heads}


def _head(words: Array, vectors: Array, scores: Array, batches: NDArray[np.str_], danger: Array) -> dict[str, Any]:
    features = np.hstack([words, _VECTOR * vectors]).astype(np.float32)
    counts = np.where(batches == _PLAIN, _ORDINARY, 1.0)
    unseen = np.zeros(len(danger))
    for batch in np.unique(batches):
        others, these = batches != batch, batches == batch
        weights, bias = _fit(features[others], danger[others], counts[others], _L2)
        unseen[these] = features[these] @ weights + bias
    fair = batches != _RULES
    beside = np.column_stack([unseen, np.minimum(scores, 3), scores >= 2.5]).astype(np.float32)[fair]
    (own, rules, strong), shift = _fit(beside, danger[fair], counts[fair], 0.0, steps=2000, rate=0.3)
    weights, bias = _fit(features, danger, counts, _L2)
    buckets, scale = _whole(weights[: wording.BUCKETS])
    vector, vector_scale = _whole(_VECTOR * weights[wording.BUCKETS :])
    told = {"bias": bias, "own": own, "rules": rules, "strong": strong, "shift": shift}
    rounded = {name: round(float(value), 4) for name, value in told.items()}
    return {"weights": buckets, "scale": scale, "vector": vector, "vector_scale": vector_scale, **rounded}


def _fit(
    features: NDArray[np.float32], danger: Array, counts: Array, l2: float, steps: int = _STEPS, rate: float = _RATE
) -> tuple[Array, float]:
    weights, step, bias = np.zeros(features.shape[1], np.float32), np.zeros(features.shape[1], np.float32), 0.0
    for _ in range(steps):
        error = (1 / (1 + np.exp(-(features @ weights + bias))) - danger) * counts / counts.sum()
        step = _MOMENTUM * step + features.T @ error.astype(np.float32) + l2 * weights
        weights = weights - rate * step
        bias -= rate * float(error.sum())
    return weights.astype(np.float64), bias


def _whole(weights: Array) -> tuple[str, float]:
    """Weights as whole numbers of -127 to 127, and what one is worth."""
    scale = float(np.abs(weights).max(initial=0.0)) / 127 or 1.0
    whole = np.round(weights / scale).astype(np.int8)
    return base64.b85encode(whole.tobytes()).decode(), float(f"{scale:.6g}")


if __name__ == "__main__":
    main()

"""The peer of bench `affect`: VADER, a lexicon of English with rules, as its documentation sets it up.

Run by its own interpreter: reads a JSON list of texts, writes their compound scores and microseconds a text.
"""

import importlib
import json
import sys
import time

VADER = ("vaderSentiment==3.3.2",)


def main() -> None:
    texts = json.load(sys.stdin)
    analyser = importlib.import_module("vaderSentiment.vaderSentiment").SentimentIntensityAnalyzer()
    scores = [analyser.polarity_scores(text)["compound"] for text in texts]
    took = []
    for _ in range(5):
        begun = time.perf_counter()
        for text in texts:
            analyser.polarity_scores(text)
        took.append(1e6 * (time.perf_counter() - begun) / len(texts))
    json.dump({"scores": scores, "us": sorted(took)[2]}, sys.stdout)


if __name__ == "__main__":
    main()

"""The peers of the bench of batches: loops over the client of OpenAI, and the server that all of them ask.

`batch_peer.py serve` says its URL and serves until its input is closed; `sequential URL FILE OUT` and
`threads URL FILE OUT` answer a file of prompts as somebody would who writes the loop.
"""

from __future__ import annotations

import json
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

THREADS = 8
ANSWER_SECONDS = 0.01
WORDS = 40


def serve() -> None:
    """A model that thinks for a moment, then says so many words."""
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
    from fixtures.stub_llm import Reply, StubLLM

    served = StubLLM()
    served.always(lambda _body: Reply("word " * WORDS, delay=ANSWER_SECONDS))
    print(served.url, flush=True)
    sys.stdin.read()
    served.close()


def answer(url: str, source: str, target: str, threads: int) -> None:
    """One client, every line once, the answers in order."""
    import openai

    client = openai.OpenAI(base_url=url, api_key="sk-bench")

    def ask(line: str) -> str:
        given: dict[str, Any] = json.loads(line)
        told = client.chat.completions.create(
            model="stub-1",
            messages=[{"role": "user", "content": given["prompt"]}],
            temperature=0,
            max_tokens=512,
        )
        return json.dumps({"id": given["id"], "text": told.choices[0].message.content})

    with Path(source).open() as lines, Path(target).open("w") as out, ThreadPoolExecutor(threads) as pool:
        for row in map(ask, lines) if threads == 1 else pool.map(ask, lines):
            out.write(row + "\n")


if __name__ == "__main__":
    if sys.argv[1] == "serve":
        serve()
    else:
        how, url, source, target = sys.argv[1:5]
        answer(url, source, target, {"sequential": 1, "threads": THREADS}[how])

"""What the gateway adds to a call, against the bare SDK; and what a restored beginning of a prompt saves.

Both ask the same stub server, a process of its own, over the OpenAI protocol, streamed. The cost of a streamed token is
what an answer of many tokens costs more than one of a single token. The first token after a persona of some 1,000
tokens is that of the local model, freshly started each time: once with nothing kept, once with the beginning on disk.
"""

import json
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
from scripts.venvs import ROOT
from tests.bench import place
from tests.bench.frame import Bench

from anima.gateway import local_service
from anima.gateway import service as gateway
from anima.gateway.model import Model
from anima.kernel import telemetry
from anima.vendors import assets
from anima.vendors.llm import prefixes
from anima.vendors.llm.calls import Message
from anima.vendors.llm.local_server import LocalServer

CALLS = 20
TOKENS = 300
STARTS = 1
PERSONA_WORDS = 760
PEER = "the bare openai SDK"
LOCAL = "qwen2.5-coder-1.5b-instruct"
CLOCKS = {"cpu": time.process_time, "wall": time.perf_counter}


def run(bench: Bench) -> None:
    """Overhead first, then the local model where its weights are here."""
    telemetry.configure("error")
    with place._stub() as url:
        overhead(bench, url)
    if assets.is_present(LOCAL):
        first_token(bench, assets.path_of(LOCAL))
    else:
        bench.note("the local model is not here: first tokens are not measured")


def overhead(bench: Bench, url: str) -> None:
    """A call of one token, and what each further token costs."""
    for name, clock in CLOCKS.items():
        ours, theirs = _ours(url), _theirs(url)
        one = bench.alternate(anima=_mean(ours, "x", clock), peer=_mean(theirs, "x", clock))
        bench.figure(f"{name}_per_call", one["anima"], "ms", peer=PEER, peer_value=one["peer"])
        said = "word " * TOKENS
        many = bench.alternate(anima=_mean(ours, said, clock), peer=_mean(theirs, said, clock))
        each = {side: (many[side].median - one[side].median) * 1000 / (TOKENS - 1) for side in many}
        bench.figure(f"{name}_per_streamed_token", each["anima"], "us", peer=PEER, peer_value=each["peer"])
    bench.note(f"each value is the mean of {CALLS} calls, or of 3 answers of {TOKENS} tokens; the stub on this machine")


def _mean(act: Callable[[str], None], said: str, clock: Callable[[], float]) -> Callable[[], float]:
    times = CALLS if len(said) == 1 else 3

    def measured() -> float:
        begun = clock()
        for _ in range(times):
            act(said)
        return (clock() - begun) * 1000 / times

    act(said)  # connections and imports are no part of it
    return measured


def _ours(url: str) -> Callable[[str], None]:
    model = Model("vllm", "stub-1", 100_000, url, "sk-bench")

    def ask(said: str) -> None:
        deltas = gateway.stream(model, _repeated(said), max_tokens=4 * TOKENS, deadline=time.monotonic() + 60)
        assert "".join(delta.text for delta in deltas)

    return ask


def _theirs(url: str) -> Callable[[str], None]:
    import openai

    client = openai.OpenAI(base_url=url, api_key="sk-bench")

    def ask(said: str) -> None:
        prompt: Any = _repeated(said)
        chunks = client.chat.completions.create(
            model="stub-1",
            messages=prompt,
            max_tokens=4 * TOKENS,
            stream=True,
            stream_options={"include_usage": True},
        )
        assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)

    return ask


def _repeated(said: str) -> list[Message]:
    """A prompt that the stub echoes."""
    return [{"role": "user", "content": said}]


def first_token(bench: Bench, weights: Path) -> None:
    """Wall and the model's CPU until the first token, with nothing kept and with the beginning restored."""
    persona = _persona()
    with tempfile.TemporaryDirectory(dir=ROOT / "build") as folder:
        with _serving(weights, Path(folder)) as server:
            prefixes.keep(server, [{"role": "system", "content": str(persona["content"])}], "bench")
        cold, warm = [], []
        for _ in range(STARTS):
            cold.append(_asked(weights, Path(folder), persona, kept=False))
            warm.append(_asked(weights, Path(folder), persona, kept=True))
    for place_, name in enumerate(("wall", "cpu")):
        without = min(one[place_] for one in cold)
        restored = min(one[place_] for one in warm)
        bench.figure(f"first_token_{name}", restored, "s", peer="the same without a kept beginning", peer_value=without)
    bench.note(f"a persona of {cold[0][2]:.0f} tokens; the better of {STARTS} starts, the restoring included")
    bench.note(json.dumps({"cold": cold, "restored": warm}))


def _persona() -> Message:
    sentences = ("Luna keeps a garden on a roof and talks of it with care.", "She asks before she advises.")
    words = " ".join(f"{number}. {sentences[number % 2]}" for number in range(200)).split()
    return {"role": "system", "content": " ".join(words[:PERSONA_WORDS])}


@contextmanager
def _serving(weights: Path, folder: Path) -> Iterator[LocalServer]:
    server = LocalServer.start(weights, folder, name=LOCAL)
    local_service._local[:] = [server]
    try:
        yield server
    finally:
        local_service._local.clear()
        server.stop()


def _asked(weights: Path, folder: Path, persona: Message, *, kept: bool) -> tuple[float, float, float]:
    """Seconds to the first word, the model's CPU seconds until then, and the tokens of the prompt."""
    prefixes._warm.clear()
    gateway.keep_beginnings(prefixes.keep if kept else lambda *_: False)
    model = Model("local", LOCAL, 4096, params={"temperature": 0.0, "cache_prompt": True})
    prompt: list[Message] = [persona, {"role": "user", "content": "Who are you?"}]
    with _serving(weights, folder) as server:
        process = psutil.Process(server.pid)
        before, begun = sum(process.cpu_times()[:2]), time.perf_counter()
        deltas = gateway.stream(
            model, prompt, max_tokens=4, deadline=time.monotonic() + 120, fixed=1, cache_key="bench"
        )
        told = next(delta for delta in deltas if delta.text)
        wall, cpu = time.perf_counter() - begun, sum(process.cpu_times()[:2]) - before
        assert told.text
        tokens = next(delta.usage.prompt_tokens for delta in deltas if delta.usage)
    return wall, cpu, float(tokens)

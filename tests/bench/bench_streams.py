"""Streams of the local server: 200 WebSocket clients at once, each with an answer; and turns a second over HTTP.

The server is a process of its own, as `anima up` runs it, with a stub model beside it; clients are in this process, on
the same two cores. Every token is counted where it arrives, by its index and against the whole answer. The peer of
turns is a bare FastAPI handler under the same server, asked by as many clients at once.
"""

import asyncio
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpx
import psutil
from scripts.venvs import ROOT
from tests.bench import place
from tests.bench.frame import Bench
from websockets.asyncio.client import ClientConnection, connect

CLIENTS = int(os.environ.get("STREAMS_CLIENTS", "200"))
_PEOPLE = 10
_AT_ONCE = 8
_SECONDS = 6.0
_WORDS = " ".join(f"word{number}" for number in range(100))
PEER = "a bare FastAPI handler"


def run(bench: Bench) -> None:
    """Clients first, then turns a second."""
    with place.opened():
        keys = [place.key_of(place.person()) for _ in range(_PEOPLE)]
        with _served() as (process, port):
            _said_once(port, keys[0])  # the first turn loads what a turn needs
            clients(bench, process, port, keys)
            turns(bench, port, keys)


def clients(bench: Bench, process: psutil.Process, port: int, keys: list[str]) -> None:
    """So many connections, joined and idle; then a message over each of them at the same time."""
    alone = process.memory_info().rss
    with _peak(process) as peak:
        heard, idle, seconds = asyncio.run(_all(process, f"ws://127.0.0.1:{port}/ws", keys))
    tokens, lost = sum(one.tokens for one in heard), sum(one.lost for one in heard)
    bench.figure("clients", len(heard), "clients")
    bench.figure("answers", sum(one.whole for one in heard), "answers")
    bench.figure("tokens_delivered", tokens, "tokens")
    bench.figure("tokens_lost", lost, "tokens", peer="limit", peer_value=0)
    bench.figure("tokens_per_second", tokens / seconds, "1/s")
    bench.figure("frames_per_answer", sum(one.frames for one in heard) / len(heard), "frames")
    bench.figure("seconds_for_all", seconds, "s")
    bench.figure("memory_per_idle_connection", (idle - alone) / 1024 / len(heard), "KiB")
    bench.figure("memory_at_peak", peak[0] / 2**20, "MiB", peer="the server alone", peer_value=alone / 2**20)
    bench.note(f"answers of some {tokens // max(1, len(heard))} tokens; database, stub, clients on this machine, too")


def turns(bench: Bench, port: int, keys: list[str]) -> None:
    """Whole turns over HTTP beside the peer, asked by the same number of clients at once."""
    with _program("tests.bench.streams_peer") as (_process, peer_port):
        sides = bench.alternate(
            anima=lambda: _rate(f"http://127.0.0.1:{port}/api/v1/chat", keys),
            peer=lambda: _rate(f"http://127.0.0.1:{peer_port}/say", keys),
        )
    bench.figure("turns_per_second", sides["anima"], "1/s", peer=PEER, peer_value=sides["peer"], more_is_better=True)
    bench.note(f"{_AT_ONCE} clients at once; a turn embeds, recalls, asks the stub, stores; the peer gives text back")


@dataclass(slots=True)
class Heard:
    """What one client heard of its answer."""

    tokens: int = 0
    frames: int = 0
    lost: int = 0
    whole: bool = False


async def _all(process: psutil.Process, url: str, keys: list[str]) -> tuple[list[Heard], int, float]:
    """Every client's answer, the server's memory while all were idle, and the seconds from first word to last."""
    opened = await asyncio.gather(*(_joined(url, keys[number % len(keys)]) for number in range(CLIENTS)))
    idle = process.memory_info().rss
    begun = time.perf_counter()
    heard = await asyncio.gather(*(_answer(one, number) for number, one in enumerate(opened)))
    seconds = time.perf_counter() - begun
    await asyncio.gather(*(one.close() for one in opened))
    return list(heard), idle, seconds


async def _joined(url: str, key: str) -> ClientConnection:
    connection = await connect(url, additional_headers={"Authorization": f"Bearer {key}"}, open_timeout=60)
    await connection.send('{"type":"join"}')
    joined = json.loads(await connection.recv())
    if joined["type"] != "joined":
        raise RuntimeError(joined)
    return connection


async def _answer(connection: ClientConnection, number: int) -> Heard:
    """Says something, and counts what arrives of the answer."""
    await connection.send(json.dumps({"type": "message", "content": f"{number} {_WORDS}"}))
    heard, text, expected = Heard(), "", 0
    while True:
        frame: dict[str, Any] = json.loads(await asyncio.wait_for(connection.recv(), 120))
        heard.frames += 1
        if frame["type"] == "token":
            heard.lost += abs(frame["index"] - expected)
            expected = frame["index"] + frame["count"]
            heard.tokens += frame["count"]
            text += frame["text"]
        elif frame["type"] == "avatar_response":
            heard.whole = frame["content"] == text.strip()
            heard.lost += 0 if heard.whole else 1
            return heard
        elif frame["type"] == "error":
            raise RuntimeError(frame)


def _rate(url: str, keys: list[str]) -> float:
    """Calls a second, by so many clients at once for some seconds."""
    until = time.perf_counter() + _SECONDS
    with ThreadPoolExecutor(_AT_ONCE) as threads:
        begun = time.perf_counter()
        calls = sum(threads.map(lambda number: _calls(url, keys[number % len(keys)], until), range(_AT_ONCE)))
        return calls / (time.perf_counter() - begun)


def _calls(url: str, key: str, until: float) -> int:
    with httpx.Client(headers={"Authorization": f"Bearer {key}"}, timeout=60) as client:
        calls, session = 0, None
        while time.perf_counter() < until:
            body = {"message": "What do I hate?", **({"session_id": session} if session else {})}
            answer = client.post(url, json=body)
            answer.raise_for_status()
            calls += 1
            session = None if calls % 10 == 0 else answer.json().get("session_id")
        return calls


def _said_once(port: int, key: str) -> None:
    headers = {"Authorization": f"Bearer {key}"}
    url = f"http://127.0.0.1:{port}/api/v1/chat"
    httpx.post(url, json={"message": "Hello"}, headers=headers, timeout=60).raise_for_status()


@contextmanager
def _peak(process: psutil.Process) -> Iterator[list[int]]:
    """The most memory that a process had meanwhile, in bytes, looked at ten times a second."""
    most, over = [0], threading.Event()

    def look() -> None:
        while not over.wait(0.1):
            most[0] = max(most[0], process.memory_info().rss)

    looking = threading.Thread(target=look)
    looking.start()
    yield most
    over.set()
    looking.join()


def _served() -> Any:
    """The whole app, without limits of how often somebody may ask."""
    return _program("fixtures.served", WS_RATE_LIMIT_MAX_TOKENS="0", ANIMA_RATE_LIMIT_MAX_TOKENS="0")


@contextmanager
def _program(module: str, **more: str) -> Iterator[tuple[psutil.Process, int]]:
    """A server as a process of its own, and its port, which is the first word that it says."""
    path = os.pathsep.join([str(ROOT), str(ROOT / "tests"), str(ROOT / "layers" / "app")])
    running = subprocess.Popen(
        [sys.executable, "-m", module],
        env={**os.environ, "PYTHONPATH": path, **more},
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert running.stdout is not None
    try:
        yield psutil.Process(running.pid), int(running.stdout.readline().split()[0])
    finally:
        running.kill()
        running.wait()

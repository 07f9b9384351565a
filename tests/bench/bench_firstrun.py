"""From a clean clone to the first answer, models cached; first tokens with the local model; memory of it all."""

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import psutil
from scripts.venvs import ROOT
from tests.bench.frame import Bench

TURNS = (
    "Hello, I am Diego and I hate olives",
    "I work as a crane driver in the harbour of Kiel.",
    "What do I hate?",
    "My brother failed his exam today.",
    "Where do I work?",
    "How does one boil an egg?",
    "It rained the whole day here.",
    "What did my brother do?",
    "Can you tell me something about the night sky?",
    "Do you remember what I hate?",
)
"""Ten turns of one session, in their order."""

PAUSE_SECONDS = 15
"""A person reads and types; what follows a turn is done meanwhile."""


@dataclass(frozen=True, slots=True)
class Home:
    """A started server of a clone."""

    url: str
    headers: dict[str, str]
    process: subprocess.Popen[str]
    seconds: float

    def first_token(self, message: str, session_id: int | None) -> tuple[float, int]:
        """Seconds to the first piece of an answer, and the session."""
        body = {"message": message, "stream": True, **({"session_id": session_id} if session_id else {})}
        begun, first, name = time.perf_counter(), 0.0, ""
        client = httpx.Client(base_url=self.url, headers=self.headers, timeout=300, trust_env=False)
        with client, client.stream("POST", "/api/v1/chat", json=body) as events:
            for line in events.iter_lines():
                name = line[7:] if line.startswith("event: ") else name
                if line.startswith("data: ") and name == "token" and not first:
                    first = time.perf_counter() - begun
                elif line.startswith("data: ") and name == "done":
                    return first, int(json.loads(line[6:])["session_id"])
        raise RuntimeError(f"the turn ended with {name}")


@contextmanager
def up(clone: Path, data: Path) -> Iterator[Home]:
    """`anima up` of the clone until its page answers."""
    begun = time.perf_counter()
    names = ("ANIMA_", "OPENAI_", "OLLAMA_", "LLM_")
    kept = {
        name: value for name, value in os.environ.items() if not name.startswith(names) or name == "ANIMA_MODEL_DIR"
    }
    process = subprocess.Popen(
        [str(clone / ".venv" / "bin" / "anima"), "up"],
        cwd=clone,
        env={**kept, "ANIMA_DATA_DIR": str(data), "ANIMA_PORT": "0"},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    try:
        url = next(line.split()[-1] for line in process.stdout if "Anima is at" in line)
        key = json.loads((data / "cli.json").read_text())["key"]
        yield Home(url, {"Authorization": f"Bearer {key}"}, process, time.perf_counter() - begun)
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(30)


def run(bench: Bench) -> None:
    """Figures of one clone: installation apart, then start, first answer, ten turns, memory, and a second start."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)  # root's Postgres runs under another account, which must be able to enter
        clone, data = Path(folder) / "clone", Path(folder) / "data"
        subprocess.run(["git", "clone", "-q", str(ROOT), str(clone)], check=True)
        bench.figure("install_seconds", _seconds(lambda: _make(clone)), "s")
        with up(clone, data) as home:
            bench.figure("first_start_to_page", home.seconds, "s")
            first, session = home.first_token(TURNS[0], None)
            bench.figure("first_start_to_first_token", home.seconds + first, "s")
            bench.figure("first_turn_first_token", first, "s")
            seconds = [_after_a_pause(home, message, session) for message in TURNS[1:]]
            bench.figure("tenth_turn_first_token", seconds[-1], "s")
            bench.figure("median_turn_first_token", sorted(seconds)[len(seconds) // 2], "s")
            for name, megabytes in _memory(home.process.pid, data).items():
                bench.figure(f"memory_pss.{name}", megabytes, "MB")
        with up(clone, data) as home:
            bench.figure("next_start_to_page", home.seconds, "s")
            bench.figure("next_start_first_token", home.first_token(TURNS[0], None)[0], "s")
    bench.note(
        "Model files were in the cache; install_seconds is venv and pip, whatever the network and its cache give."
    )
    bench.note(f"Between turns {PAUSE_SECONDS} s pass, in which the avatar reflects with the same model.")


def _after_a_pause(home: Home, message: str, session: int) -> float:
    time.sleep(PAUSE_SECONDS)
    return home.first_token(message, session)[0]


def _make(clone: Path) -> None:
    command = ["make", "-s", "venv", "vendor", f"PYTHON={sys.executable}"]
    subprocess.run(command, cwd=clone, check=True, stdout=subprocess.DEVNULL)


def _seconds(act: Callable[[], object]) -> float:
    begun = time.perf_counter()
    act()
    return time.perf_counter() - begun


def _memory(server: int, data: Path) -> dict[str, float]:
    """Megabytes of each part: pages that several processes share are counted once, in equal parts (PSS)."""
    parts: dict[str, list[psutil.Process]] = {"server": [psutil.Process(server)], "local_model": [], "postgres": []}
    parts["local_model"] = psutil.Process(server).children(recursive=True)
    postmaster = next((one for one in psutil.process_iter() if _serves(one, data)), None)
    if postmaster is not None:
        parts["postgres"] = [postmaster, *postmaster.children(recursive=True)]
    megabytes = {name: sum(map(_pss, processes)) / 1e6 for name, processes in parts.items()}
    return {**megabytes, "whole": sum(megabytes.values())}


def _serves(process: Any, data: Path) -> bool:
    try:
        words = process.cmdline()
    except psutil.Error:
        return False
    return bool(words) and words[0].endswith("/postgres") and f"{data}{os.sep}" in " ".join(words)


def _pss(process: psutil.Process) -> float:
    return float(process.memory_full_info().pss)

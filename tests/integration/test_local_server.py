"""The process that serves a GGUF file: closed to strangers, gone with its owner, back after a crash."""

from __future__ import annotations

import json
import os
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from anima.vendors.llm import prefixes
from anima.vendors.llm.local_process import threads
from anima.vendors.llm.local_server import LocalModelFailed, LocalServer

PERSONA = [{"role": "system", "content": "You are Luna, who loves the sea. " * 20}, {"role": "user", "content": ""}]


@pytest.fixture
def start(tiny_gguf: Path, tmp_path: Path) -> Iterator[Callable[[], LocalServer]]:
    """Starts the tiny model from one folder; all of them end with the test."""
    started: list[LocalServer] = []

    def now() -> LocalServer:
        started.append(LocalServer.start(tiny_gguf, tmp_path / "run", name="tiny"))
        return started[-1]

    yield now
    for server in started:
        server.stop()


def wait_until(true: Callable[[], bool]) -> bool:
    """Whether something comes true in some seconds."""
    for _ in range(500):
        if true():
            return True
        time.sleep(0.02)
    return False


def gone(pid: int) -> bool:
    """Whether a process has ended, be it that nobody has asked for its status yet."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except FileNotFoundError:
        return True


def chat(server: LocalServer, content: str, key: str | None = None, **more: object) -> httpx.Response:
    body = {"messages": [*PERSONA[:1], {"role": "user", "content": content}], "max_tokens": 4, **more}
    headers = {"authorization": f"Bearer {key or server.api_key}"}
    return httpx.post(f"{server.url}/chat/completions", json=body, headers=headers, timeout=20)


def test_server_answers_its_owner_and_nobody_else(start: Callable[[], LocalServer]) -> None:
    server = start()
    answer = chat(server, "Hello")
    assert answer.json()["model"] == server.model == "tiny"
    assert answer.json()["usage"]["completion_tokens"] == 4
    assert chat(server, "Hello", key="another").status_code == 401
    assert httpx.get(f"{server.url}/models").status_code == 401
    assert server.url.startswith("http://127.0.0.1:")
    assert server.api_key not in repr(server)
    assert server.api_key not in Path(f"/proc/{server.pid}/cmdline").read_text()
    assert server.api_key not in Path(f"/proc/{server.pid}/environ").read_text()


def test_others_find_it_by_a_file_that_only_they_can_read(start: Callable[[], LocalServer]) -> None:
    server = start()
    ready = server.run_dir / "local-llm.json"
    assert stat.S_IMODE(ready.stat().st_mode) == 0o600
    assert {"url", "pid", "model", "started_at"} <= set(json.loads(ready.read_text()))
    found = LocalServer.find(server.run_dir)
    assert found is not None
    assert (found.url, found.pid, found.api_key) == (server.url, server.pid, server.api_key)
    assert start().pid == server.pid
    found.stop()
    assert server.alive()
    server.stop()
    assert not ready.exists()
    assert LocalServer.find(server.run_dir) is None


def test_killed_server_comes_back(start: Callable[[], LocalServer]) -> None:
    server = start()
    assert server.ensure_alive() is server
    os.kill(server.pid, signal.SIGKILL)
    assert wait_until(lambda: not server.alive())
    assert LocalServer.find(server.run_dir) is None
    again = server.ensure_alive()
    assert again.pid != server.pid
    assert chat(again, "Hello").status_code == 200
    again.stop()
    assert gone(again.pid)


def test_server_that_ends_leaves_its_successor_announced(start: Callable[[], LocalServer]) -> None:
    server = start()
    ready = server.run_dir / "local-llm.json"
    ready.write_text(json.dumps({**json.loads(ready.read_text()), "pid": 1}))
    server.stop()
    assert json.loads(ready.read_text())["pid"] == 1


def test_server_goes_with_its_owner_however_that_ends(tiny_gguf: Path, tmp_path: Path) -> None:
    code = """
import os, signal, sys
from pathlib import Path
from anima.vendors.llm.local_server import LocalServer
print(LocalServer.start(Path(sys.argv[1]), Path(sys.argv[2])).pid, flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""
    owner = subprocess.run(
        [sys.executable, "-c", code, str(tiny_gguf), str(tmp_path)], capture_output=True, text=True, timeout=60
    )
    assert owner.returncode == -signal.SIGKILL, owner.stderr
    assert wait_until(lambda: gone(int(owner.stdout)))
    assert wait_until(lambda: not (tmp_path / "local-llm.json").exists())


def test_file_that_is_no_model_is_said(tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.gguf"
    wrong.write_bytes(b"GGUF but no more")
    with pytest.raises(LocalModelFailed, match=r"wrong\.gguf cannot be served"):
        LocalServer.start(wrong, tmp_path / "run")
    assert LocalServer.find(tmp_path / "run") is None


def test_prompt_that_is_too_long_is_refused(start: Callable[[], LocalServer]) -> None:
    answer = chat(start(), "word " * 2000)
    assert answer.status_code == 400
    assert answer.json()["error"]["type"] == "exceed_context_size_error"


def test_beginning_of_a_prompt_is_kept_over_a_restart(start: Callable[[], LocalServer]) -> None:
    server = start()
    assert not prefixes.keep(server, PERSONA)
    assert prefixes.keep(server, PERSONA)
    server.stop()
    server = start()
    assert chat(server, "Hello").json()["usage"]["prompt_tokens_details"]["cached_tokens"] == 0
    server.stop()
    server = start()
    assert prefixes.keep(server, PERSONA)
    cached = chat(server, "Hello").json()["usage"]["prompt_tokens_details"]["cached_tokens"]
    assert cached > len(PERSONA[0]["content"])


def test_reading_a_beginning_back_does_not_forget_a_conversation(start: Callable[[], LocalServer]) -> None:
    server = start()
    prefixes.keep(server, PERSONA)
    talk = {"role": "system", "content": "You are Marcus of the mountains. " * 20}
    chat(server, "", messages=[talk, {"role": "user", "content": "Hello"}], id_slot=1)
    prefixes._warm.clear()
    assert prefixes.keep(server, PERSONA)
    again = chat(server, "", messages=[talk, {"role": "user", "content": "Again"}]).json()
    assert again["usage"]["prompt_tokens_details"]["cached_tokens"] > len(talk["content"])


def test_kept_beginnings_do_not_pile_up(start: Callable[[], LocalServer], monkeypatch: pytest.MonkeyPatch) -> None:
    server = start()
    prefixes.keep(server, PERSONA)
    monkeypatch.setattr(prefixes, "MOST_BYTES", next(server.prefixes.glob("*.kv")).stat().st_size + 10)
    prefixes.keep(server, [{"role": "system", "content": "You are somebody else."}])
    left = [file.name for file in server.prefixes.glob("*.kv")]
    assert left == [prefixes.file_name(server.model_path, [{"role": "system", "content": "You are somebody else."}])]


def test_dead_server_is_left_to_the_turn(start: Callable[[], LocalServer]) -> None:
    server = start()
    server.stop()
    assert prefixes.keep(server, PERSONA) is False


def test_threads_by_cores() -> None:
    assert [threads(cores) for cores in (1, 2, 4, 64)] == [(1, 1), (1, 2), (2, 4), (4, 8)]


def test_an_avatar_keeps_its_own_few_beginnings(start: Callable[[], LocalServer]) -> None:
    server, luna, marcus = start(), "01977a2e-6f0b-7cc3-98c4-dc0c0c07398f", "01977a2e-6f0b-7cc3-98c4-dc0c0c073990"
    prefixes.keep(server, PERSONA, marcus)
    for number in range(5):
        prefixes.keep(server, [{"role": "system", "content": f"You are Luna, as of version {number}."}], luna)
    of = [file.name.partition("-")[0] for file in server.prefixes.glob("*.kv")]
    assert (of.count(luna.replace("-", "")), of.count(marcus.replace("-", ""))) == (3, 1)
    assert prefixes.keep(server, PERSONA, marcus)

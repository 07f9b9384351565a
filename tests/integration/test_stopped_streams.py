"""Streams that their reader leaves in the middle: over server-sent events, and with Ctrl-C in the command line."""

from __future__ import annotations

import os
import pty
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest

from fixtures.api import Person
from fixtures.stub_llm import Reply, StubLLM

pytestmark = pytest.mark.usefixtures("talking")
LONG = " ".join(f"word{n}" for n in range(100))
SLOW = Reply(LONG, token_delay=0.1)


def stored(owner_conn: psycopg.Connection[Any], person: Person) -> list[tuple[str, str]]:
    """How the answers of a person ended, and what was said."""
    query = (
        "select content ->> 'finish', content ->> 'text' from llm_responses where owner_id = %s order by response_id"
    )
    return [(str(finish), str(text)) for finish, text in owner_conn.execute(query, [person.user_id]).fetchall()]


def eventually(true: Callable[[], bool], seconds: float = 20) -> None:
    until = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < until, "it never came"
        time.sleep(0.05)


def test_who_closes_an_event_stream_stops_the_answer_and_it_is_kept(
    alice: Person, luna: str, server_url: str, stub_llm: StubLLM, owner_conn: psycopg.Connection[Any]
) -> None:
    stub_llm.script(SLOW)
    url = server_url.replace("ws://", "http://").removesuffix("/ws") + "/api/v1/chat"
    headers = {"Authorization": f"Bearer {alice.key}"}
    body = {"message": "Tell me all", "avatar_id": luna, "stream": True}
    with httpx.stream("POST", url, json=body, headers=headers, timeout=30) as response:
        next(line for line in response.iter_lines() if line.startswith("event: token"))
    eventually(lambda: len(stored(owner_conn, alice)) == 1)
    ((finish, text),) = stored(owner_conn, alice)
    assert finish == "stopped"
    assert text
    assert LONG.startswith(text)
    assert text != LONG
    eventually(lambda: not [one for one in threading.enumerate() if one.name == "turn"])


@pytest.fixture
def command(alice: Person, server_url: str, tmp_path: Path) -> list[str]:
    """`anima chat` as a program, with the server of the tests."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("ANIMA_", "OPENAI_"))}
    environment = {
        **kept,
        "ANIMA_API_KEY": alice.key,
        "ANIMA_PUBLIC_URL": server_url.replace("ws://", "http://").removesuffix("/ws"),
        "ANIMA_DATA_DIR": str(tmp_path),
    }
    settings = [f"{name}={value}" for name, value in environment.items() if name.startswith("ANIMA_")]
    return ["env", *settings, sys.executable, "-m", "anima.cli", "chat"]


def test_ctrl_c_stops_an_answer_in_the_middle_and_it_is_kept(
    alice: Person, luna: str, command: list[str], stub_llm: StubLLM, owner_conn: psycopg.Connection[Any]
) -> None:
    stub_llm.script(SLOW)
    with subprocess.Popen([*command, luna, "Tell me all"], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as running:
        assert running.stdout is not None
        first = running.stdout.read(5)
        running.send_signal(signal.SIGINT)
        rest, errors = running.communicate(timeout=30)
    assert running.returncode == 130
    assert first == b"word0"
    assert b"stopped" in errors
    assert b"Traceback" not in errors
    eventually(lambda: len(stored(owner_conn, alice)) == 1)
    ((finish, text),) = stored(owner_conn, alice)
    assert finish == "stopped"
    assert text.startswith((first + rest).decode().strip())


def test_a_conversation_goes_on_after_an_answer_that_was_stopped(
    alice: Person, luna: str, command: list[str], stub_llm: StubLLM, owner_conn: psycopg.Connection[Any]
) -> None:
    stub_llm.script(SLOW, "Go on, then.")
    terminal, end = pty.openpty()
    with subprocess.Popen([*command, luna], stdin=end, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as running:
        assert running.stdout is not None
        os.write(terminal, b"Tell me all\n")
        assert running.stdout.read(7) == b"> word0"
        running.send_signal(signal.SIGINT)
        eventually(lambda: len(stored(owner_conn, alice)) == 1)
        os.write(terminal, b"And now?\n\n")
        said, _ = running.communicate(timeout=30)
    os.close(terminal)
    os.close(end)
    assert running.returncode == 0
    assert b"Go on, then." in said
    assert [finish for finish, _ in stored(owner_conn, alice)] == ["stopped", "stop"]
    query = "select count(distinct session_id) from llm_requests where owner_id = %s"
    assert owner_conn.execute(query, [alice.user_id]).fetchone() == (1,)

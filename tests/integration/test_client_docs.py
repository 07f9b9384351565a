"""What docs/clients.md and the README show of the clients is run as it stands there, against the running app."""

from __future__ import annotations

import os
import re
import subprocess
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from scripts import node, typescript

from fixtures.api import Person
from fixtures.stub_llm import StubLLM
from fixtures.turns import make_avatar

pytestmark = pytest.mark.usefixtures("fast_embedder")

ROOT = Path(__file__).resolve().parents[2]
PAGES = "".join((ROOT / name).read_text(encoding="utf-8") for name in ("README.md", "docs/clients.md"))


def shown(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", PAGES, flags=re.MULTILINE | re.DOTALL)


@pytest.fixture
def environment(listening: str, alice: Person, talking: StubLLM, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """The settings that a reader has, and an avatar."""
    make_avatar(alice)
    talking.always(lambda _body: "Good morning to you.")
    monkeypatch.setenv("ANIMA_URL", listening)
    monkeypatch.setenv("ANIMA_API_KEY", alice.key)
    return {"ANIMA_URL": listening, "ANIMA_API_KEY": alice.key}


@pytest.fixture
def delivered(drain_outbox: Callable[[], list[Any]]) -> Iterator[None]:
    """What is left to workers is done beside the examples, as at home."""
    over = threading.Event()

    def deliver() -> None:
        while not over.wait(0.05):
            drain_outbox()

    thread = threading.Thread(target=deliver, daemon=True)
    thread.start()
    yield
    over.set()
    thread.join(10)


@pytest.mark.parametrize("example", shown("python"), ids=range(len(shown("python"))))
def test_python_examples_run(
    environment: dict[str, str], delivered: None, example: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with ThreadPoolExecutor(1) as pool:  # a browser's driver keeps a loop running in the thread of the tests
        pool.submit(exec, compile(example, "an example", "exec"), {"__name__": "example"}).result()
    assert capsys.readouterr().out.strip()


@pytest.mark.parametrize("example", shown("ts"), ids=range(len(shown("ts"))))
def test_typescript_examples_run(environment: dict[str, str], example: str) -> None:
    typescript.main()
    file = typescript.CLIENT / "dist" / f"example-{os.getpid()}.mjs"
    file.write_text(example, encoding="utf-8")
    try:
        done = subprocess.run(
            [node.node(), str(file)], env={**os.environ, **environment}, capture_output=True, text=True, check=False
        )
    finally:
        file.unlink()
    assert done.returncode == 0, done.stderr
    assert "Good morning to you." in done.stdout

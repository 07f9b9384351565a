"""The TypeScript client: generated, compiled, and run by Node.js against services that fail and the running app."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
from scripts import node, typescript

from fixtures.api import Person
from fixtures.jobs import Jobs
from fixtures.stub_llm import Reply, StubLLM

pytestmark = pytest.mark.usefixtures("fast_embedder")

LONG = " ".join(f"word{number}" for number in range(400))


@pytest.fixture(scope="module")
def built() -> Path:
    """The client's folder, with what is made in it."""
    typescript.main()
    return typescript.CLIENT


def run(folder: Path, test: str, **settings: str) -> str:
    """What a file of its tests says; all of them must pass."""
    command = [node.node(), "--test", "--test-reporter=tap", f"test/{test}.test.mjs"]
    done = subprocess.run(
        command, cwd=folder, env={**os.environ, **settings}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def answer(body: dict[str, Any]) -> str | Reply:
    """A long story where one is asked for, else a word."""
    asked = str(body["messages"][-1]["content"])
    return Reply(LONG, token_delay=0.02) if "long story" in asked else "I am here, and listening."


def test_it_bears_what_fails(built: Path) -> None:
    assert "# fail 0" in run(built, "faults")


def test_it_talks_with_the_running_app(built: Path, listening: str, alice: Person, talking: StubLLM) -> None:
    talking.always(answer)
    settings = {"ANIMA_URL": listening, "ANIMA_API_KEY": alice.key}
    told = run(built, "running", **settings, ANIMA_USERNAME=alice.username, ANIMA_PASSWORD=alice.password)
    assert "# skipped 0" in told


def test_it_begins_jobs_watches_and_ends_them(built: Path, listening: str, delivered_jobs: Jobs) -> None:
    told = run(built, "jobs", ANIMA_URL=listening, ANIMA_API_KEY=delivered_jobs.person.key)
    assert "# skipped 0" in told


def test_its_lock_pins_with_hashes_and_names_no_host() -> None:
    packages = json.loads((typescript.CLIENT / "package-lock.json").read_text())["packages"]
    for name, package in packages.items():
        assert "resolved" not in package, name
        assert not name or package["integrity"].startswith("sha512-"), name


def test_what_is_generated_is_not_in_the_repository() -> None:
    listed = subprocess.run(
        ["git", "ls-files", "--", "clients/typescript"],
        cwd=typescript.ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()
    assert not [path for path in listed if "schema.ts" in path or "/dist/" in path or "/node_modules/" in path]

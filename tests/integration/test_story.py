"""The story of the README, from outside, on the real local model and a database that stays: no key, no network."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator
from typing import Any

import httpx
import psutil
import pytest

from anima.vendors import assets
from fixtures.house import House, wait_for
from fixtures.models import LOCAL_MODEL

pytestmark = pytest.mark.model

NOTE = """# The lighthouse of Vellin

The lighthouse of Vellin was built in 1874 by the engineer Marta Osk. Its lamp burns rapeseed oil.

The keeper winds the clockwork of the lamp every four hours. In winter two keepers share the watch.
"""


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """A machine on which nothing was ever started: embedded Postgres, local model."""
    for name in (LOCAL_MODEL, "all-minilm-l6-v2-weights"):
        if not assets.is_present(name):
            pytest.skip(f"THE MODEL {name} IS NOT IN THE CACHE: `anima provision` fetches it")
    made = House(tmp_path_factory.mktemp("home"), {"SECRET_KEY": ""})
    yield made
    made.close()


def streamed(client: httpx.Client, message: str) -> tuple[int, dict[str, Any]]:
    """A turn in a new session, as it comes: how many tokens, and the whole answer."""
    tokens, name = 0, ""
    with client.stream("POST", "/chat", json={"message": message, "stream": True}) as events:
        for line in events.iter_lines():
            if line.startswith("event: "):
                name = line[7:]
                tokens += name == "token"
            elif line.startswith("data: ") and name in ("done", "error"):
                assert name == "done", line
                answer: dict[str, Any] = json.loads(line[6:])
    return tokens, answer


def reflected(client: httpx.Client, avatar: str) -> list[dict[str, Any]]:
    """The facts, once what was said has become one."""

    def facts() -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = client.get(f"/avatars/{avatar}/facts").json()["items"]
        return [fact for fact in found if "olive" in json.dumps(fact).lower()]

    told: list[dict[str, Any]] = wait_for(facts, 90)
    return told


def steady(client: httpx.Client, avatar: dict[str, Any]) -> None:
    """Has an avatar say what is likeliest, so that one run is like another."""
    personality = client.get(f"/avatars/{avatar['avatar_id']}").json()["personality"]
    personality["advanced_parameters"]["temperature"] = 0
    changed = client.patch(f"/avatars/{avatar['avatar_id']}", json={"personality": personality})
    assert changed.status_code == 200, changed.text


def test_the_first_day_and_the_next(home: House) -> None:
    home.up()
    (told,) = [line.split() for line in home.output.splitlines() if "password:" in line]
    signed_in = httpx.post(f"{home.url}/api/v1/token", data={"username": "admin", "password": told[1]})
    assert signed_in.status_code == 200
    token = {"Authorization": f"Bearer {signed_in.json()['access_token']}"}
    with httpx.Client(base_url=f"{home.url}/api/v1", headers=token, timeout=300, trust_env=False) as client:
        (luna,) = client.get("/avatars").json()["items"]
        assert luna["name"] == "Luna"
        steady(client, luna)

        # A turn that comes before the model is there waits for it.
        tokens, answer = streamed(client, "Hello, I am Diego and I hate olives")
        assert tokens > 1
        assert answer["model"] == {"provider": "local", "name": LOCAL_MODEL}
        assert answer["content"].strip()

        note = home.folder / "vellin.md"
        note.write_text(NOTE)
        assert "done" in home.say("ingest", str(note))
        assert "Marta Osk" in home.say("search", "Who built the lighthouse?")
        _, answer = streamed(client, "According to the document, who built the lighthouse of Vellin?")
        assert "Marta" in answer["content"]
        assert [citation["title"] for citation in answer["citations"]] == ["vellin.md"]
        assert "Marta Osk" in answer["citations"][0]["quote"]
        reflected(client, luna["avatar_id"])

    # Ctrl-C; nothing is left but what is on disk.
    assert home.process is not None
    children = psutil.Process(home.process.pid).children(recursive=True)
    assert home.stop(signal.SIGINT) == 0, home.output
    assert "Traceback" not in home.output
    assert [child for child in children if child.is_running()] == []

    # The next day.
    home.up()
    assert "password" not in home.output
    with home.http() as client:
        _, answer = streamed(client, "Do you remember what I hate?")
        assert "olives" in answer["content"].lower()
        assert any("olives" in memory["text"] for memory in answer["memories"])
        assert client.get("/users/me").json()["username"] == "admin"
        sessions = client.get("/sessions").json()["items"]
        assert len(sessions) == 3
    assert home.say("chat", "luna", "Thank you, Luna!").strip()
    assert "olives" in home.say("memory", "show", "luna")


def test_a_model_that_dies_comes_back(home: House) -> None:
    if home.process is None or home.process.poll() is not None:
        home.up()
    ready = home.data_dir / "run" / "local-llm.json"
    before = wait_for(lambda: ready.exists() and json.loads(ready.read_text())["pid"])
    os.kill(before, signal.SIGKILL)
    after = wait_for(lambda: ready.exists() and json.loads(ready.read_text())["pid"] != before and ready.read_text())
    served = json.loads(after)
    models = httpx.get(f"{served['url']}/models", headers={"Authorization": f"Bearer {served['api_key']}"})
    assert models.status_code == 200
    home.kill()
    wait_for(lambda: not psutil.pid_exists(served["pid"]))
    home.up()
    with home.http() as client:
        assert client.get("/users/me").json()["username"] == "admin"
    assert home.stop() == 0, home.output

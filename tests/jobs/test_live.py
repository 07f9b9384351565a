"""The live page of a run that stands alone: who may read it, what it says, and that watching does not slow the run."""

from __future__ import annotations

import http.client
import json
import re
import socket
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from gpu_jobs.simulate import live

ALLOWED = "https://plots.example"


def asked(**changed: Any) -> Any:
    """A simulation file as the server reads it."""
    network = {"host": "127.0.0.1", "port": 0, "allowed_origins": [ALLOWED], **changed}
    return SimpleNamespace(
        visualisation=SimpleNamespace(enable_live_plot=True, refresh_hz=100.0),
        network_settings=SimpleNamespace(**network),
        security=SimpleNamespace(see="this_machine"),
        environment=SimpleNamespace(id="CartPole-v1"),
        physics=lambda: SimpleNamespace(label="max (pathological) <b>"),
    )


class Run:
    """A run that is watched: its folder, and what it was told of the page."""

    def __init__(self, folder: Path) -> None:
        self.file = folder / "live.jsonl"
        self.told: list[dict[str, Any]] = []
        self.server: Any = None

    def step(self, *steps: int) -> None:
        with self.file.open("a") as file:
            file.writelines(json.dumps({"step": step, "episode": 0}) + "\n" for step in steps)

    def connect(self) -> http.client.HTTPConnection:
        port = int(self.told[0]["live"].rsplit(":", 1)[1].split("/")[0])
        return http.client.HTTPConnection("127.0.0.1", port, timeout=20)

    def get(self, path: str, **headers: str) -> tuple[int, bytes, Any]:
        line = self.connect()
        line.request("GET", path, headers=headers)
        answer = line.getresponse()
        body = answer.read()
        line.close()
        return answer.status, body, answer.headers


@pytest.fixture
def run(tmp_path: Path) -> Iterator[Run]:
    """A run with a page."""
    made = Run(tmp_path)
    with live.serving(asked(), tmp_path, made.told.append) as url:
        assert url is not None
        yield made


def heard(answer: http.client.HTTPResponse, count: int) -> list[int]:
    """The steps of the next samples of a stream."""
    steps: list[int] = []
    while len(steps) < count:
        line = answer.readline()
        assert line, "the stream ended"
        if line.startswith(b"data: "):
            steps.append(json.loads(line[6:])["step"])
    return steps


def test_samples_are_heard_as_they_come_and_the_end_too(tmp_path: Path) -> None:
    run = Run(tmp_path)
    with live.serving(asked(), tmp_path, run.told.append):
        line = run.connect()
        line.request("GET", "/visualisation/live")
        answer = line.getresponse()
        assert answer.headers["Content-Type"] == "text/event-stream"
        run.step(1, 2)
        assert heard(answer, 2) == [1, 2]
        run.step(3)
        assert heard(answer, 1) == [3]
        kept = run.file.read_bytes().splitlines(keepends=True)
        (tmp_path / "half").write_bytes(
            kept[-1] + b'{"step": 4, "episode": 0}\n{"step": 5, "epi'
        )  # cut, and being written
        (tmp_path / "half").replace(run.file)
        assert heard(answer, 1) == [4]
        with run.file.open("a") as file:
            file.write('sode": 0}\n')
    assert heard(answer, 1) == [5]  # what came last is told before the end
    assert b"event: end" in answer.read()
    line.close()
    with pytest.raises(OSError, match="refused"):
        run.get("/visualisation")


def test_who_comes_late_or_again_is_shown_what_is_missing(run: Run) -> None:
    run.step(*range(10))
    for last, first in ((None, 0), ("7", 7), ("nonsense", 0)):
        line = run.connect()
        line.request("GET", "/visualisation/live", headers={"Last-Event-ID": last} if last else {})
        assert heard(line.getresponse(), 3) == [first, first + 1, first + 2]
        line.close()


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200),
        ({"Host": "localhost:1"}, 200),
        ({"Host": "[::1]:9"}, 200),
        ({"Host": "plots.example"}, 200),
        ({"Host": "rebound.example:80"}, 421),
        ({"Host": "[oops"}, 421),
        ({"Origin": "https://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": ALLOWED}, 200),
        ({"Host": "127.0.0.1:5", "Origin": "http://127.0.0.1:5"}, 200),
    ],
)
def test_pages_elsewhere_may_not_read_it(run: Run, headers: dict[str, str], status: int) -> None:
    assert run.get("/visualisation", **headers)[0] == status


def test_where_only_this_machine_may_see_it_no_other_does() -> None:
    near, open_to_all = live.Gate("plots", (), near=True), live.Gate("plots", ())
    for peer, is_near in (("127.0.0.1", True), ("127.8.8.8", True), ("::1", True), ("192.168.1.7", False), ("", False)):
        assert (near.reaches(peer), open_to_all.reaches(peer)) == (is_near, True)


def test_the_page_runs_its_own_scripts_and_no_other(run: Run) -> None:
    status, body, headers = run.get("/visualisation")
    text, policy = body.decode(), headers["Content-Security-Policy"]
    assert status == 200
    assert "<title>CartPole-v1, max (pathological) &lt;b&gt;</title>" in text
    scripts = re.findall(r"<script[^>]*>(.*?)</script>", text, re.DOTALL)
    assert [f"'sha256-{live._digest(one)}'" in policy for one in scripts] == [True, True]
    assert "unsafe" not in policy
    for path in re.findall(r"(?:href|from|import\()=?\s?\"(/[^\"]+)\"", text):
        assert run.get(path)[0] == 200, path
    imports = json.loads(scripts[0])["imports"]
    assert all(run.get(path)[0] == 200 for path in imports.values())


@pytest.mark.parametrize(
    "path",
    [
        "/static/../page.py",
        "/static/%2e%2e/page.py",
        "/static/..%2f..%2fkernel/config.py",
        "/static//etc/passwd",
        "/static/%00",
        "/static/",
        "/static/css",
        "/etc/passwd",
        "/static/../../../../../../../../etc/ssl/openssl.css",
        "/visualisation/../live.py",
    ],
)
def test_nothing_else_of_the_machine_is_served(run: Run, path: str) -> None:
    assert run.get(path)[0] == 404


def test_so_many_may_watch_and_one_that_hangs_holds_nobody_up(run: Run) -> None:
    hung = [socket.create_connection((run.connect().host, run.connect().port)) for _ in range(live.MOST_CLIENTS - 1)]
    for one in hung:
        one.sendall(b"GET /visualisation/live HTTP/1.0\r\nHost: localhost\r\n\r\n")  # and never reads
    run.step(1)
    line = run.connect()
    line.request("GET", "/visualisation/live")
    answer = line.getresponse()
    assert heard(answer, 1) == [1]
    assert run.get("/visualisation")[0] == 503
    run.step(2)
    assert heard(answer, 1) == [2]
    for one in hung:
        one.close()
    line.close()


@pytest.mark.parametrize(
    "changed", [{"host": "no-such-host.invalid"}, {"host": "192.0.2.1"}, {"host": "a" * 300}, "taken"]
)
def test_where_it_cannot_be_served_the_run_goes_on_without(tmp_path: Path, changed: Any) -> None:
    told: list[dict[str, Any]] = []
    with socket.create_server(("127.0.0.1", 0)) as other:
        wanted = {"port": other.getsockname()[1]} if changed == "taken" else changed
        with live.serving(asked(**wanted), tmp_path, told.append) as url:
            assert url is None
    assert told[0]["live"] is None
    assert "The run goes on without it" in told[0]["reason"]


def test_a_run_that_wants_no_page_has_none(tmp_path: Path) -> None:
    wanted, told = asked(), []
    wanted.visualisation.enable_live_plot = False
    with live.serving(wanted, tmp_path, told.append) as url:
        assert (url, told) == (None, [])

"""The local cloud from outside: started, asked, ended."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import boto3
import httpx
from botocore.config import Config
from scripts.venvs import ensure
from tests.emulator.runtime import free_port

REGION = "eu-central-1"
ACCOUNT = "111111111111"
START_SECONDS = 60
# A retry of boto3's own would hide a fault of ours.
_CONFIG = Config(retries={"total_max_attempts": 1}, read_timeout=120)


@dataclass(frozen=True, slots=True)
class Cloud:
    """A running cloud. Every service of it is at one URL."""

    url: str
    folder: Path
    process: subprocess.Popen[bytes]

    @property
    def credentials(self) -> dict[str, str]:
        """The environment of a program that works in this cloud."""
        return {
            "AWS_ENDPOINT_URL": self.url,
            "AWS_ACCESS_KEY_ID": ACCOUNT,
            "AWS_SECRET_ACCESS_KEY": "secret",
            "AWS_REGION": REGION,
            "AWS_DEFAULT_REGION": REGION,
        }

    def client(self, service: str) -> Any:
        """boto3's client of a service."""
        return _client(service, self.url)

    def http(self, api_url: str) -> httpx.Client:
        """A client of an API whose URL is a deployment's output: the same paths, at the host of this machine."""
        name = httpx.URL(api_url).host.partition(".")[0]
        host = f"{name}.execute-api.localhost:{httpx.URL(self.url).port}"
        return httpx.Client(base_url=self.url, headers={"Host": host}, timeout=120, trust_env=False)

    def not_played(self) -> list[dict[str, Any]]:
        """The resources that were deployed and of which nothing works here."""
        notes = self.folder / "not-played.jsonl"
        return [json.loads(line) for line in notes.read_text().splitlines()] if notes.is_file() else []

    def log(self) -> str:
        """What the cloud has written."""
        return (self.folder / "cloud.log").read_text(errors="replace")

    def close(self) -> None:
        """Ends it; its workers end when it is gone."""
        assert self.process.stdin is not None
        self.process.stdin.close()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


@lru_cache(maxsize=32)
def _client(service: str, url: str) -> Any:
    return boto3.client(
        service,
        endpoint_url=url,
        region_name=REGION,
        aws_access_key_id=ACCOUNT,
        aws_secret_access_key="secret",
        config=_CONFIG,
    )


def start(folder: Path, **seen_by_functions: str) -> Cloud:
    """A cloud whose files lie in `folder`; functions see these variables besides their own."""
    port = free_port()
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    temporary = folder / "tmp"
    temporary.mkdir(parents=True)
    settings = {
        "BIND_HOST": "127.0.0.1",
        "GATEWAY_PORT": str(port),
        "LAMBDA_EXECUTOR": "local",
        # Roles and policies hold: a function may do what the template grants it, and nothing else.
        "AUTH": "true",
        "MINISTACK_REGION": REGION,
        "MINISTACK_ACCOUNT_ID": ACCOUNT,
        "TMPDIR": str(temporary),
        # What runs as a container elsewhere runs under this Python; and a machine waits a twentieth of its time.
        "JOBS_PYTHON": sys.executable,
        "SFN_WAIT_SCALE": "0.05",
    }
    with (folder / "cloud.log").open("wb") as log:
        process = subprocess.Popen(
            [ensure("cloud"), str(Path(__file__).with_name("server.py")), str(folder)],
            env={**kept, **settings, **seen_by_functions},
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=subprocess.STDOUT,
            # A Ctrl-C ends it by its input, after the tests had their say.
            start_new_session=True,
        )
    cloud = Cloud(f"http://127.0.0.1:{port}", folder, process)
    try:
        _await(cloud)
    except BaseException:
        cloud.close()
        raise
    return cloud


def _await(cloud: Cloud) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and cloud.process.poll() is None:
        try:
            httpx.get(f"{cloud.url}/_ministack/health", trust_env=False).raise_for_status()
            return
        except httpx.HTTPError:
            time.sleep(0.1)
    raise RuntimeError(f"the local cloud did not start: {cloud.log()[-4000:]}")

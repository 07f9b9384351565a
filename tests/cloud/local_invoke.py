"""`sam local invoke` on the built template, where Docker runs."""

from __future__ import annotations

import json
import os
import shutil
import subprocess

import pytest
from scripts import cloud as builds
from scripts.venvs import ROOT, python_of


def _docker_runs() -> bool:
    docker = shutil.which("docker")
    return docker is not None and subprocess.run([docker, "info"], capture_output=True, check=False).returncode == 0


@pytest.mark.skipif(not _docker_runs(), reason="DOCKER DOES NOT RUN HERE: `sam local invoke` WAS NOT TRIED")
def test_a_function_answers_in_its_container() -> None:
    """No database is reachable from there: the door says so, and does it as the API that it is."""
    done = subprocess.run(
        [
            str(python_of("sam").parent / "sam"),
            *("local", "invoke", "ChatFunction", "--template", str(builds.BUILT / "template.yaml")),
            *("--event", str(ROOT / "events" / "chat.json"), "--env-vars", str(ROOT / "events" / "env.json")),
        ],
        cwd=ROOT,
        env={**os.environ, "SAM_CLI_TELEMETRY": "0", "AWS_DEFAULT_REGION": "eu-central-1"},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    answer = json.loads(done.stdout.strip().splitlines()[-1])
    assert answer["statusCode"] in (401, 503), answer

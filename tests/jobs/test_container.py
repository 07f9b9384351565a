"""What the image of jobs starts with: files and secrets come in, the result goes out, and who waits is told."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from gpu_jobs import container

ROOT = Path(__file__).resolve().parents[2]
JOB = """
import json, os, pathlib, sys
place = pathlib.Path(os.environ["ANIMA_JOB_DIR"])
given = json.loads((place / "input/config/hyperparameters.json").read_text())
seen = {name: value for name, value in os.environ.items() if name.startswith("ANIMA_")}
kept = sorted(path.name for path in (place / "checkpoints").iterdir())
(place / "model").mkdir(exist_ok=True)
(place / "model" / "result.json").write_text(json.dumps({"given": given, "seen": seen, "kept": kept}))
for name in kept:
    (place / "checkpoints" / name).unlink()
(place / "checkpoints" / "2").write_text("later")
(place / "checkpoints" / "3.tmp").write_text("half")
(place / "output").mkdir(exist_ok=True)
(place / "output" / "failure").write_text("a disk is full\\n" if given.get("fails") else "")
sys.exit(given.get("fails", 0))
"""


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder for /opt/ml and a job that says what it saw; the environment is put back."""
    script = tmp_path / "job.py"
    script.write_text(JOB)
    monkeypatch.setitem(container.SCRIPTS, "simulate", str(script))
    folder = tmp_path / "ml"
    before = dict(os.environ)
    handler = signal.getsignal(signal.SIGTERM)
    for name in [name for name in os.environ if name.startswith("ANIMA_")]:
        del os.environ[name]
    os.environ |= {
        "ANIMA_JOB_DIR": str(folder),
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": "eu-west-1",
    }
    yield folder
    signal.signal(signal.SIGTERM, handler)
    os.environ.clear()
    os.environ |= before


def result(place: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((place / "model" / "result.json").read_text())
    return found


def test_files_and_secrets_come_in_and_the_result_goes_out(place: Path) -> None:
    import boto3
    from moto import mock_aws

    with mock_aws():
        s3 = boto3.client("s3")
        s3.create_bucket(Bucket="files", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
        s3.put_object(Bucket="files", Key="a/input/hyperparameters.json", Body=b'{"task": "train"}')
        s3.put_object(Bucket="files", Key="a/input/simulation.json", Body=b"{}")
        s3.put_object(Bucket="files", Key="a/checkpoints/1", Body=b"earlier")
        urls = {"ANIMA_APP_DATABASE_URL": "postgresql://here"}
        secret = boto3.client("secretsmanager").create_secret(Name="job", SecretString=json.dumps(urls))
        os.environ |= {
            "ANIMA_JOB": "simulate",
            "ANIMA_JOB_RUN": "",
            "ANIMA_JOB_OWNER": "7",
            "ANIMA_JOB_SECRET": secret["ARN"],
            "ANIMA_JOB_INPUT": "s3://files/a/input/",
            "ANIMA_JOB_CHECKPOINTS": "s3://files/a/checkpoints/",
            "ANIMA_JOB_OUTPUT": "s3://files/a/",
        }
        assert container.main() == 0
        there = {one["Key"] for one in s3.list_objects_v2(Bucket="files")["Contents"]}
    told = result(place)
    assert told["given"] == {"task": "train"}
    assert (place / "input/data/config/simulation.json").is_file()
    assert told["kept"] == ["1"]
    assert told["seen"] == {"ANIMA_JOB_DIR": str(place), "ANIMA_JOB_OWNER": "7", **urls}
    assert {"a/checkpoints/2", "a/model/result.json"} <= there
    assert not {"a/checkpoints/1", "a/checkpoints/3.tmp"} & there


class Waiting:
    """The state machine that waits: what it was told."""

    def __init__(self) -> None:
        self.told: list[tuple[str, dict[str, Any]]] = []

    def __getattr__(self, name: str) -> Any:
        return lambda **given: self.told.append((name, given))


@pytest.mark.parametrize("code", [0, 1])
def test_who_waits_hears_how_it_ended(place: Path, monkeypatch: pytest.MonkeyPatch, code: int) -> None:
    waiting = Waiting()
    monkeypatch.setattr(container, "machine", lambda: waiting)
    os.environ |= {"ANIMA_JOB_TOKEN": "a token", "ANIMA_JOB_CONFIG": json.dumps({"fails": code})}
    (place / "input/config").mkdir(parents=True)
    assert container.main() == code
    assert "ANIMA_JOB_TOKEN" not in result(place)["seen"]
    ((name, given),) = waiting.told
    assert given["taskToken"] == "a token"
    assert name == ("send_task_failure" if code else "send_task_success")
    if code:
        assert json.loads(given["cause"]) == {"ExitCode": 1, "Reason": "a disk is full"}


def test_who_waits_hears_a_heartbeat_while_the_job_runs(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The job runs until it was heard of."""
    heard = place.parent / "heard"
    Path(container.SCRIPTS["simulate"]).write_text(
        f"import pathlib, time\nwhile not pathlib.Path({str(heard)!r}).exists():\n    time.sleep(0.01)\n"
    )
    waiting = Waiting()
    monkeypatch.setattr(container, "machine", lambda: heard.touch() or waiting)
    monkeypatch.setattr(container, "HEARTBEAT_SECONDS", 0.05)
    os.environ["ANIMA_JOB_TOKEN"] = "a token"
    assert container.main() == 0
    assert {name for name, _ in waiting.told[:-1]} == {"send_task_heartbeat"}
    assert waiting.told[-1][0] == "send_task_success"


def test_a_job_for_which_nobody_waits_any_more_is_stopped(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The machine gave it up; another attempt may be at work on the same run. A lost connection stops nothing."""
    from botocore.exceptions import ClientError, EndpointConnectionError

    Path(container.SCRIPTS["simulate"]).write_text("import time\nwhile True:\n    time.sleep(0.01)\n")
    lost = EndpointConnectionError(endpoint_url="https://states")
    faults: list[Exception] = [lost, lost, ClientError({"Error": {"Code": "TaskTimedOut"}}, "SendTaskHeartbeat")]

    def machine() -> Any:
        if faults:
            raise faults.pop(0)
        return Waiting()

    monkeypatch.setattr(container, "machine", machine)
    monkeypatch.setattr(container, "HEARTBEAT_SECONDS", 0.05)
    os.environ["ANIMA_JOB_TOKEN"] = "a token"
    assert container.main() == 128 + signal.SIGTERM
    assert faults == []


def test_an_unknown_job_is_refused(place: Path) -> None:
    os.environ["ANIMA_JOB"] = "mine_gold"
    assert container.main() == container.BAD_CONFIGURATION
    assert "mine_gold" in (place / "output/failure").read_text()


def test_a_signal_is_passed_on_and_the_exit_code_is_the_jobs_own(tmp_path: Path) -> None:
    script = tmp_path / "job.py"
    script.write_text(
        "import signal, sys, time\nsignal.signal(signal.SIGTERM, lambda *_: sys.exit(143))\n"
        "print('ready', flush=True)\nwhile True:\n    time.sleep(0.01)\n"
    )
    run = "import sys; from gpu_jobs import container; container.SCRIPTS['simulate'] = sys.argv[1]; "
    process = subprocess.Popen(
        [sys.executable, "-c", run + "sys.exit(container.main())", str(script)],
        cwd=ROOT,
        env={**os.environ, "ANIMA_JOB_DIR": str(tmp_path / "ml")},
        stdout=subprocess.PIPE,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == b"ready\n"
    process.terminate()
    assert process.wait(20) == 143

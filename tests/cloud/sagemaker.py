"""SageMaker as far as a training job goes, for the interpreter of .venvs/cloud: its container is a process here.

It has what the real one gives a container: the folders below /opt/ml, the input's channel, the environment, checkpoints
that are copied to S3, a result that is packed. What it is not told (an image, a role) it cannot know to be wrong. The
first call for each job is throttled, as calls are on a busy day.
"""

from __future__ import annotations

import json
import os
import subprocess
import tarfile
from pathlib import Path
from typing import Any

PROGRAM = Path(__file__).resolve().parents[2] / "gpu_jobs" / "container.py"
TRAIN = "arn:aws:states:::sagemaker:createTrainingJob"


def play(python: str, folder: Path) -> None:
    """Lets state machines train: jobs run under the interpreter `python`, each in a folder of its own."""
    from ministack.services import stepfunctions

    throttled: set[str] = set()

    def train(_resource: str, asked: dict[str, Any]) -> dict[str, Any]:
        name = asked["TrainingJobName"]
        if name not in throttled:
            throttled.add(name)
            raise stepfunctions._ExecutionError(
                "SageMaker.AmazonSageMakerException", "ThrottlingException: Rate exceeded"
            )
        code, reason = _run(python, folder / name, asked)
        told = {**asked, "TrainingJobStatus": "Completed" if code == 0 else "Failed", "FailureReason": reason}
        if code:
            raise stepfunctions._ExecutionError("States.TaskFailed", json.dumps(told))
        return told

    stepfunctions._SERVICE_DISPATCH[TRAIN] = train


def _run(python: str, place: Path, asked: dict[str, Any]) -> tuple[int, str]:
    checkpoints = asked["CheckpointConfig"]["S3Uri"]
    (channel,) = asked["InputDataConfig"]
    _fetch(channel["DataSource"]["S3DataSource"]["S3Uri"], place / "input" / "data" / channel["ChannelName"])
    _fetch(checkpoints, place / "checkpoints")
    for name in ("model", "output"):
        (place / name).mkdir(parents=True, exist_ok=True)
    given = place / "input" / "config" / "hyperparameters.json"
    given.parent.mkdir(parents=True, exist_ok=True)
    given.write_text(json.dumps(asked["HyperParameters"]))
    with (place / "log").open("ab") as log:
        done = subprocess.run(
            [python, str(PROGRAM), "train"],
            env={**_outside(), **asked["Environment"], "ANIMA_JOB_DIR": str(place)},
            stdout=log,
            stderr=subprocess.STDOUT,
            timeout=asked["StoppingCondition"]["MaxRuntimeInSeconds"],
            check=False,
        )
    _send(place / "checkpoints", checkpoints)
    packed = place / "model.tar.gz"
    with tarfile.open(packed, "w:gz") as file:
        file.add(place / "model", ".")
    bucket, key = _parts(f"{asked['OutputDataConfig']['S3OutputPath'].rstrip('/')}/{place.name}/output/model.tar.gz")
    _s3().upload_file(str(packed), bucket, key)
    failure = place / "output" / "failure"
    reason = failure.read_text() if failure.is_file() else f"exit code {done.returncode}"
    return done.returncode, "" if done.returncode == 0 else f"AlgorithmError: {reason}, exit code: {done.returncode}"


def _outside() -> dict[str, str]:
    """What a container finds: credentials of its role, and where AWS is."""
    return {
        "PATH": os.environ["PATH"],
        "HOME": os.environ.get("HOME", "/"),
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{os.environ['GATEWAY_PORT']}",
        "AWS_ALLOW_HTTP": "true",
        "AWS_ACCESS_KEY_ID": os.environ["MINISTACK_ACCOUNT_ID"],
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_DEFAULT_REGION": os.environ["MINISTACK_REGION"],
        "ANIMA_LOCAL_LLM": "false",
    }


def _s3() -> Any:
    import boto3

    found = _outside()
    return boto3.client(
        "s3",
        endpoint_url=found["AWS_ENDPOINT_URL"],
        region_name=found["AWS_DEFAULT_REGION"],
        aws_access_key_id=found["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=found["AWS_SECRET_ACCESS_KEY"],
    )


def _parts(uri: str) -> tuple[str, str]:
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    return bucket, key


def _fetch(uri: str, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    bucket, prefix = _parts(uri)
    for one in _s3().list_objects_v2(Bucket=bucket, Prefix=prefix).get("Contents", ()):
        target = folder / one["Key"].removeprefix(prefix).lstrip("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        _s3().download_file(bucket, one["Key"], str(target))


def _send(folder: Path, uri: str) -> None:
    bucket, prefix = _parts(uri)
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            _s3().upload_file(str(path), bucket, f"{prefix.rstrip('/')}/{path.relative_to(folder)}")

"""What the backends of AWS share: clients that try again by themselves, refusals as our own errors, files in S3."""

from __future__ import annotations

import json
import tarfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from typing import Any

from anima.kernel.config import settings
from anima.vendors.job_backends import JobsUnavailable
from anima.vendors.job_backends.training import JobOrder, Written

_MOST_LINES = 1000
_MOST_RESULT = 1_000_000


class JobRefused(JobsUnavailable):
    """The job was refused ({reason})."""

    slug = "job-refused"
    status = 409


@cache
def client(service: str) -> Any:
    """A client of a service; throttled calls are repeated, each a little later."""
    import boto3
    from botocore.config import Config

    limits = Config(connect_timeout=3, read_timeout=20, retries={"mode": "standard", "max_attempts": 5})
    return boto3.client(service, config=limits)


@contextmanager
def asking() -> Iterator[None]:
    """Raises JobsUnavailable for whatever AWS or the way to it refuses."""
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        yield
    except ClientError as error:
        told = error.response.get("Error", {})
        raise JobsUnavailable(reason=f"{told.get('Code', 'an error')}: {str(told.get('Message', ''))[:300]}") from error
    except BotoCoreError as error:  # no region, no credentials, no way there
        raise JobsUnavailable(reason=type(error).__name__) from error


def full_name(name: str) -> str:
    """What an attempt is called there."""
    return f"anima-{settings().stage}-{name}"


def place_of(job: str) -> str:
    """Where the files of a job lie: s3://bucket/prefix/training/<job>/."""
    return f"{(settings().object_store_url or '').rstrip('/')}/training/{job}/"


def job_of(handle: str) -> str:
    """The job of an attempt."""
    return handle.rpartition("-")[0].rpartition("-")[2]


def split(uri: str) -> tuple[str, str]:
    """Bucket and key."""
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    return bucket, key


def bring_configuration(order_job: str, configuration: Mapping[str, Any]) -> str:
    """Writes what a job is told to where it will look; answers the prefix. Raises JobsUnavailable."""
    bucket, prefix = split(f"{place_of(order_job)}input/")
    files = {"hyperparameters.json": configuration}
    if isinstance(simulation := configuration.get("simulation"), Mapping):
        files["simulation.json"] = simulation
    with asking():
        for name, told in files.items():
            client("s3").put_object(Bucket=bucket, Key=prefix + name, Body=json.dumps(dict(told)).encode())
    return f"s3://{bucket}/{prefix}"


def environment(order: JobOrder) -> dict[str, str]:
    """What the container has to know besides its files; no secrets, for everybody who looks at the job sees it."""
    configured = settings()
    stores = {
        "ANIMA_OBJECT_STORE_URL": configured.object_store_url,
        "ANIMA_TENSOR_STORE_URL": configured.tensor_store_url,
        "ANIMA_JOB_SECRET": configured.training_secret_arn,
    }
    job = "batch_inference" if "batch" in order.configuration else "simulate"
    known = {name: value for name, value in stores.items() if value}
    return {"ANIMA_STAGE": configured.stage, "ANIMA_JOB": job, **known, **order.environment}


def result_in(uri: str) -> dict[str, Any] | None:
    """`result.json` in an archive of SageMaker's; None where there is none."""
    from botocore.exceptions import ClientError

    bucket, key = split(uri)
    try:
        with asking():
            body = client("s3").get_object(Bucket=bucket, Key=key)["Body"]
    except JobsUnavailable as error:
        if isinstance(error.__cause__, ClientError):
            return None
        raise
    try:
        with tarfile.open(fileobj=body, mode="r|gz") as archive:
            for member in archive:
                if member.isfile() and member.name.rpartition("/")[2] == "result.json":
                    file = archive.extractfile(member)
                    return _object(file.read(_MOST_RESULT)) if file is not None else None
    except (tarfile.TarError, OSError, EOFError):
        return None
    return None


def result_at(uri: str) -> dict[str, Any] | None:
    """A result that lies there as it is; None where there is none."""
    bucket, key = split(uri)
    try:
        with asking():
            return _object(client("s3").get_object(Bucket=bucket, Key=key)["Body"].read(_MOST_RESULT))
    except JobsUnavailable:
        return None


def _object(data: bytes) -> dict[str, Any] | None:
    try:
        found = json.loads(data)
    except ValueError:
        return None
    return found if isinstance(found, dict) else None


def lines_of(group: str, stream: str | None, since: str | None) -> Written:
    """Lines of a stream of CloudWatch after a place in it. What cannot be read now is read later."""
    if stream is None:
        return Written((), since or "")
    asked: dict[str, Any] = {"logGroupName": group, "logStreamName": stream, "startFromHead": True}
    try:
        with asking():
            found = client("logs").get_log_events(**asked, limit=_MOST_LINES, **({"nextToken": since} if since else {}))
    except JobsUnavailable:
        return Written((), since or "")
    lines = tuple(str(event["message"]).rstrip("\n") for event in found.get("events", []))
    return Written(lines, str(found.get("nextForwardToken") or since or ""))


def first_stream(group: str, prefix: str) -> str | None:
    """The stream that begins so; None where there is none yet."""
    try:
        with asking():
            found = client("logs").describe_log_streams(logGroupName=group, logStreamNamePrefix=prefix, limit=1)
    except JobsUnavailable:
        return None
    return next((str(one["logStreamName"]) for one in found.get("logStreams", [])), None)


def forget(job: str) -> None:
    """Removes the files of a job."""
    bucket, prefix = split(place_of(job))
    with asking():
        for page in client("s3").get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
            keys = [{"Key": one["Key"]} for one in page.get("Contents", [])]
            if keys:
                client("s3").delete_objects(Bucket=bucket, Delete={"Objects": keys})

"""Jobs as training jobs of SageMaker: on spot instances, going on where those are taken away, or on demand."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from anima.kernel.config import settings
from anima.vendors.job_backends import JobsUnavailable, aws
from anima.vendors.job_backends.training import JobOrder, Seen, Written
from anima.vendors.job_contract import STOPPED

_GROUP = "/aws/sagemaker/TrainingJobs"
_DAY = 86_400
_WAIT = 3600
"""So much longer than it may run it may wait for a spot instance."""
_VOLUME_GB = 50
_CODE = re.compile(r"exit code:?\s*(\d+)", re.IGNORECASE)


def stopping(seconds: int, *, spot: bool) -> dict[str, int]:
    """When SageMaker ends a training job. On demand it refuses to be told how long to wait for an instance."""
    return {"MaxRuntimeInSeconds": seconds, **({"MaxWaitTimeInSeconds": seconds + _WAIT} if spot else {})}


class SageMaker:
    """Each attempt is a training job of its own name, and is started once."""

    def start(self, order: JobOrder) -> str:
        """Creates the training job, unless there is one of this name. Raises JobsUnavailable."""
        given = aws.bring_configuration(order.job, order.configuration)
        name = aws.full_name(order.name)
        try:
            with aws.asking():
                aws.client("sagemaker").create_training_job(**self.asked(order, name, given))
        except JobsUnavailable as error:
            if "ResourceInUse" not in error.detail:
                raise
        return order.name

    def asked(self, order: JobOrder, name: str, given: str) -> dict[str, Any]:
        """What SageMaker is asked for."""
        configured, place = settings(), aws.place_of(order.job)
        seconds = order.wall_seconds or _DAY
        asked: dict[str, Any] = {
            "TrainingJobName": name,
            "AlgorithmSpecification": {"TrainingImage": order.image, "TrainingInputMode": "File"},
            "RoleArn": configured.training_role,
            "HyperParameters": {"task": str(order.configuration.get("task", "train"))},
            "InputDataConfig": [
                {
                    "ChannelName": "config",
                    "DataSource": {
                        "S3DataSource": {
                            "S3DataType": "S3Prefix",
                            "S3Uri": given,
                            "S3DataDistributionType": "FullyReplicated",
                        }
                    },
                }
            ],
            "OutputDataConfig": {"S3OutputPath": place},
            "CheckpointConfig": {"S3Uri": f"{place}checkpoints/", "LocalPath": "/opt/ml/checkpoints"},
            "ResourceConfig": {
                "InstanceType": configured.training_instance,
                "InstanceCount": 1,
                "VolumeSizeInGB": _VOLUME_GB,
            },
            "EnableManagedSpotTraining": order.spot,
            "StoppingCondition": stopping(seconds, spot=order.spot),
            "Environment": aws.environment(order),
            "Tags": [{"Key": "stage", "Value": configured.stage}],
        }
        if configured.training_subnets:
            groups = configured.training_security_groups
            asked["VpcConfig"] = {"Subnets": configured.training_subnets, "SecurityGroupIds": groups}
        return asked

    def look(self, handle: str) -> Seen:
        """How the training job is. Raises JobsUnavailable."""
        try:
            with aws.asking():
                told = aws.client("sagemaker").describe_training_job(TrainingJobName=aws.full_name(handle))
        except JobsUnavailable as error:
            if "ValidationException" in error.detail or "ResourceNotFound" in error.detail:
                return Seen("lost", reason="SageMaker knows no such training job")
            raise
        status, reason = told["TrainingJobStatus"], told.get("FailureReason")
        if status == "Completed":
            return Seen("ended", 0)
        if status == "Stopped":
            return Seen("ended", STOPPED, told.get("SecondaryStatus"))
        if status == "Failed":
            found = _CODE.search(reason or "")
            return Seen("ended", int(found[1]) if found else None, reason)
        return Seen("running")

    def stop(self, handle: str) -> None:
        """Has SageMaker send SIGTERM, and SIGKILL two minutes later. Raises JobsUnavailable."""
        try:
            with aws.asking():
                aws.client("sagemaker").stop_training_job(TrainingJobName=aws.full_name(handle))
        except JobsUnavailable as error:
            if "ValidationException" not in error.detail:  # it has ended, or never was
                raise

    def logs(self, handle: str, since: str | None = None) -> Written:
        """What it wrote since, from CloudWatch."""
        name = aws.full_name(handle)
        return aws.lines_of(_GROUP, aws.first_stream(_GROUP, f"{name}/"), since)

    def result(self, handle: str) -> dict[str, Any] | None:
        """What stands in its result, out of the archive of its model."""
        place = aws.place_of(aws.job_of(aws.full_name(handle)))
        return aws.result_in(f"{place}{aws.full_name(handle)}/output/model.tar.gz")

    def folder(self, handle: str) -> Path | None:  # noqa: ARG002
        """None: its files are in S3."""
        return None

    def remove(self, handle: str) -> None:
        """Removes its files. Raises JobsUnavailable."""
        aws.forget(aws.job_of(aws.full_name(handle)))

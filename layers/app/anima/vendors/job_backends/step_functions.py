"""Jobs in the cloud: an execution of a state machine, which runs the container and tells when it has ended."""

from __future__ import annotations

import json
from functools import cached_property
from typing import Any

from anima.vendors.job_backends import Configuration, JobsUnavailable


class StateMachine:
    """Starts executions of one state machine; its name makes an execution unique for 90 days."""

    def __init__(self, arn: str) -> None:
        self._arn = arn

    @cached_property
    def _client(self) -> Any:
        import boto3
        from botocore.config import Config

        limits = Config(connect_timeout=3, read_timeout=5, retries={"mode": "standard", "max_attempts": 3})
        return boto3.client("stepfunctions", region_name=self._arn.split(":")[3], config=limits)

    def start(self, name: str, configuration: Configuration) -> None:
        """Starts an execution of this name, unless there was one. Raises JobsUnavailable."""
        self.begins(name, configuration)

    def begins(self, name: str, configuration: Configuration) -> bool:
        """Starts one, unless it goes on already; False where one of this name has ended. Raises JobsUnavailable."""
        from botocore.exceptions import BotoCoreError, ClientError

        # in one order: the same name with another input would count as another execution
        given = json.dumps(dict(configuration), sort_keys=True)
        try:
            self._client.start_execution(stateMachineArn=self._arn, name=name, input=given)
        except ClientError as error:
            code = error.response.get("Error", {}).get("Code", "an error")
            if code != "ExecutionAlreadyExists":
                raise JobsUnavailable(reason=code) from error
            return False
        except BotoCoreError as error:
            raise JobsUnavailable(reason=type(error).__name__) from error
        return True

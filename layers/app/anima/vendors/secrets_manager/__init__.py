"""AWS Secrets Manager: reads and writes secrets whose value is a JSON object of strings."""

from __future__ import annotations

import json
from functools import lru_cache
from typing import Any

from anima.kernel.errors import AnimaError, Unavailable


class SecretNotUsable(AnimaError):
    """The secret {arn} cannot be used: {reason}."""

    slug = "secret-not-usable"


@lru_cache(maxsize=1)
def _client() -> Any:
    import boto3
    from botocore.config import Config

    return boto3.client("secretsmanager", config=Config(connect_timeout=5, read_timeout=10))


def _call(operation: str, arn: str, **parameters: Any) -> Any:
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        return getattr(_client(), operation)(SecretId=arn, **parameters)
    except ClientError as error:
        code = error.response.get("Error", {}).get("Code", "")
        raise SecretNotUsable(arn=arn, reason=code or "refused") from error
    except BotoCoreError as error:
        raise Unavailable(what="Secrets Manager") from error


def _read(arn: str) -> tuple[dict[str, str], str]:
    answer = _call("get_secret_value", arn)
    try:
        values = json.loads(answer["SecretString"])
    except (KeyError, ValueError):
        values = None
    if not isinstance(values, dict):
        raise SecretNotUsable(arn=arn, reason="its value is no JSON object")
    return {str(name): str(value) for name, value in values.items()}, str(answer["VersionId"])


def read(arn: str, name: str) -> str:
    """One value of a secret. Raises SecretNotUsable where it is not there, Unavailable."""
    values, _ = _read(arn)
    if not values.get(name):
        raise SecretNotUsable(arn=arn, reason=f"it has no {name}")
    return values[name]


def write(arn: str, values: dict[str, str]) -> str:
    """Makes this the content of a secret, and answers its version: the present one where nothing changed.

    Raises SecretNotUsable, Unavailable.
    """
    present, version = _read(arn)
    if present == values:
        return version
    return str(_call("put_secret_value", arn, SecretString=json.dumps(values))["VersionId"])

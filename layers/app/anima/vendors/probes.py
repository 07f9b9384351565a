"""Harmless calls that show whether what was configured outside the house answers, and lets this process in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from anima.kernel.config import is_local
from anima.kernel.errors import AnimaError

if TYPE_CHECKING:
    from anima.vendors.llm.calls import Endpoint

_SECONDS = 4


class ProbeFailed(AnimaError):
    """{what}: {reason}."""

    slug = "probe-failed"


def _client(service: str) -> Any:
    try:
        import boto3
        from botocore.config import Config
    except ImportError:
        raise ProbeFailed(what=service, reason="boto3 is not installed: pip install 'anima[aws]'") from None
    limits = Config(connect_timeout=_SECONDS, read_timeout=_SECONDS, retries={"mode": "standard", "max_attempts": 1})
    return boto3.client(service, config=limits)


def _asked(what: str, service: str, operation: str, **given: Any) -> Any:
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        return getattr(_client(service), operation)(**given)
    except ClientError as error:
        code = error.response.get("Error", {}).get("Code", type(error).__name__)
        raise ProbeFailed(what=what, reason=f"refused with {code}") from None
    except (BotoCoreError, ValueError) as error:
        raise ProbeFailed(what=what, reason=type(error).__name__) from None


def queue(url: str) -> int:
    """About how many messages wait in an SQS queue. Raises ProbeFailed."""
    names = ["ApproximateNumberOfMessages"]
    found = _asked("SQS", "sqs", "get_queue_attributes", QueueUrl=url, AttributeNames=names)
    return int(found["Attributes"][names[0]])


def bucket(url: str) -> None:
    """Looks at the bucket of an s3:// URL. Raises ProbeFailed."""
    _asked("S3", "s3", "head_bucket", Bucket=urlsplit(url).netloc)


def schedule_group(name: str) -> None:
    """Looks at a group of one-shot schedules. Raises ProbeFailed."""
    _asked("EventBridge Scheduler", "scheduler", "list_schedules", GroupName=name, MaxResults=1)


def language_models(server: Endpoint) -> list[str]:
    """The names of the models that a server offers to its key; empty where it does not tell. Raises ProbeFailed."""
    import httpx

    if server.protocol == "bedrock":
        return []
    place = {"openai": "models", "anthropic": "v1/models?limit=1000", "replicate": "account"}[server.protocol]
    headers = dict(server.headers)
    if server.protocol == "anthropic":
        headers |= {"x-api-key": server.api_key or "", "anthropic-version": "2023-06-01"}
    elif server.api_key:
        headers["authorization"] = f"Bearer {server.api_key}"
    try:
        local = is_local(server.base_url)
        answer = httpx.get(f"{server.base_url}/{place}", headers=headers, timeout=_SECONDS, trust_env=not local)
        answer.raise_for_status()
        return [str(one["id"]) for one in answer.json().get("data") or []]
    except httpx.HTTPStatusError as error:
        raise ProbeFailed(what=server.base_url, reason=f"it answers {error.response.status_code}") from None
    except (httpx.HTTPError, httpx.InvalidURL, ValueError, AttributeError, KeyError, TypeError) as error:
        raise ProbeFailed(what=server.base_url, reason=type(error).__name__) from None

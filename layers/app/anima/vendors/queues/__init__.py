"""Queues: hands an event of the outbox to the SQS queue of its topic."""

from __future__ import annotations

import hashlib
from functools import lru_cache
from typing import Any

from anima.kernel.config import settings
from anima.kernel.errors import AnimaError, Unavailable


class NoQueue(AnimaError):
    """There is no queue for the topic {topic}; name it in ANIMA_QUEUE_URLS."""

    slug = "no-queue"


@lru_cache(maxsize=1)
def _client() -> Any:
    import boto3
    from botocore.config import Config

    # A person may wait for it; what is not taken now is sent later.
    limits = Config(connect_timeout=2, read_timeout=3, retries={"mode": "standard", "max_attempts": 2})
    return boto3.client("sqs", config=limits)


def ready() -> None:
    """Loads what sending needs, so that the first message need not wait for it."""
    _client()


def send(topic: str, key: str, body: str) -> None:
    """Sends a message; a FIFO queue keeps the order of its key, and drops a body that comes twice.

    Raises NoQueue for a topic without a queue, Unavailable where the queue does not take it.
    """
    from botocore.exceptions import BotoCoreError, ClientError

    url = settings().queue_urls.get(topic)
    if url is None:
        raise NoQueue(topic=topic)
    order = {}
    if url.endswith(".fifo"):
        digest = hashlib.sha256(body.encode()).hexdigest()
        order = {"MessageGroupId": key[:128], "MessageDeduplicationId": digest}
    try:
        _client().send_message(QueueUrl=url, MessageBody=body, **order)
    except ClientError as error:
        raise Unavailable(what=f"The queue of {topic} ({error.response.get('Error', {}).get('Code')})") from error
    except BotoCoreError as error:
        raise Unavailable(what=f"The queue of {topic}") from error

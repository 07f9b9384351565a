"""Connections that an API Gateway holds: frames are posted to them over its Management API."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from anima.kernel.errors import Unavailable

_LIMIT_SECONDS = 5


@lru_cache(maxsize=4)
def _client(endpoint: str) -> Any:
    import boto3
    from botocore.config import Config

    limits = Config(
        connect_timeout=_LIMIT_SECONDS,
        read_timeout=_LIMIT_SECONDS,
        retries={"mode": "standard", "max_attempts": 4},
    )
    return boto3.client("apigatewaymanagementapi", endpoint_url=endpoint, config=limits)


def post(endpoint: str, connection_id: str, frame: str) -> bool:
    """Sends a frame; False where the connection is gone. Raises Unavailable."""
    return _told(lambda client: client.post_to_connection(ConnectionId=connection_id, Data=frame.encode()), endpoint)


def close(endpoint: str, connection_id: str) -> bool:
    """Ends a connection; False where it is gone already. Raises Unavailable."""
    return _told(lambda client: client.delete_connection(ConnectionId=connection_id), endpoint)


def _told(ask: Any, endpoint: str) -> bool:
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        ask(_client(endpoint))
    except ClientError as error:
        code = error.response.get("Error", {}).get("Code")
        if code in ("GoneException", "410") or error.response["ResponseMetadata"]["HTTPStatusCode"] == 410:
            return False
        raise Unavailable(what=f"The gateway of connections ({code})") from error
    except BotoCoreError as error:
        raise Unavailable(what="The gateway of connections") from error
    return True

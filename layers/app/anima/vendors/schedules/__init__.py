"""Schedules: one-shot calls of the function that looks after the outbox, by EventBridge Scheduler."""

from __future__ import annotations

import json
import random
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from anima.kernel.config import settings
from anima.kernel.errors import AnimaError, Unavailable

_JITTER_SECONDS = 50
"""Many deployments do not all wake at the full minute."""
_LIMIT_SECONDS = 2
"""A person may wait for it: better none than a slow one."""


class NoSchedule(AnimaError):
    """ANIMA_WAKE_SCHEDULE (group/name), ANIMA_WAKE_TARGET_ARN and ANIMA_WAKE_ROLE_ARN are set together."""

    slug = "no-schedule"


@lru_cache(maxsize=1)
def _client() -> Any:
    import boto3
    from botocore.config import Config

    limits = Config(
        connect_timeout=_LIMIT_SECONDS,
        read_timeout=_LIMIT_SECONDS,
        retries={"mode": "standard", "max_attempts": 2},
    )
    return boto3.client("scheduler", config=limits)


def _place() -> tuple[str, str, str, str]:
    """Group, name, target and role of the settings."""
    configured = settings()
    group, slash, name = (configured.wake_schedule or "").partition("/")
    if not (group and slash and name and configured.wake_target_arn and configured.wake_role_arn):
        raise NoSchedule
    return group, name, configured.wake_target_arn, configured.wake_role_arn


def _second() -> int:
    return random.randrange(_JITTER_SECONDS)  # noqa: S311


def wake(at: datetime, told: Mapping[str, Any]) -> bool:
    """Has the function called once within this minute, with this event; False where that was arranged already.

    Every minute is a schedule of its own that goes when it is over: nobody moves what another waits for.
    Raises NoSchedule, Unavailable.
    """
    from botocore.exceptions import BotoCoreError, ClientError

    group, name, target, role = _place()
    minute = at.astimezone(UTC)
    try:
        _client().create_schedule(
            GroupName=group,
            Name=f"{name}-{minute:%Y%m%dT%H%M}",
            ScheduleExpression=f"at({minute:%Y-%m-%dT%H:%M}:{_second():02})",
            ScheduleExpressionTimezone="UTC",
            FlexibleTimeWindow={"Mode": "OFF"},
            ActionAfterCompletion="DELETE",
            Target={"Arn": target, "RoleArn": role, "Input": json.dumps({"wake": dict(told)})},
        )
    except ClientError as error:
        code = error.response.get("Error", {}).get("Code")
        if code == "ConflictException":
            return False
        raise Unavailable(what=f"The scheduler ({code})") from error
    except BotoCoreError as error:
        raise Unavailable(what="The scheduler") from error
    return True

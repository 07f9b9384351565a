"""What the template's custom resources do: the database made ready for this code, and the first administrator's link.

CloudFormation waits for an answer at the event's ResponseURL, an hour if none comes. So it is answered whatever
happens: also when the database does not wake, or when time is up. An event may come twice and answers the same then.
"""

from __future__ import annotations

import json
import re
import signal
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any
from urllib.parse import SplitResult, urlsplit

from anima.kernel import db, secrets, telemetry
from anima.kernel.config import settings, use_database
from anima.kernel.errors import AnimaError, BadInput, FieldError
from anima.kernel.postgres.errors import MigrationMissing
from anima.kernel.postgres.urls import parse, with_address, with_login

_ANSWER_SECONDS = 30.0
"""What is kept of a function's time for the answer itself."""
_REASON_CHARS = 500
_APPLIED_CHARS = 1000
_NEEDED = ("RequestType", "ResponseURL", "StackId", "RequestId", "LogicalResourceId", "ResourceType")
_URL = re.compile(r"postgres(ql)?://\S+")
_NO_ADDRESS = re.compile(r"[\x00-\x20\x7f\"<>\\^`{|}]")
_NEON = ".neon.tech"
_pause = time.sleep


class OutOfTime(KeyboardInterrupt):
    """The function's time is nearly up. An interrupt, so that a statement that still runs is cancelled."""


class NotAnswered(AnimaError):
    """The answer to CloudFormation could not be delivered."""

    slug = "not-answered"


def is_custom(event: object) -> bool:
    """Whether an event is CloudFormation's."""
    return isinstance(event, Mapping) and ("ResponseURL" in event or "RequestType" in event)


def answer(event: Mapping[str, Any], seconds: float | None = None) -> dict[str, Any]:
    """Does what the event asks, within `seconds`, and puts the answer to its ResponseURL.

    Raises BadInput for an event that could not be answered, NotAnswered where nobody takes the answer (then Lambda
    calls again).
    """
    _check(event)
    answered = {
        "StackId": event["StackId"],
        "RequestId": event["RequestId"],
        "LogicalResourceId": event["LogicalResourceId"],
        "PhysicalResourceId": event.get("PhysicalResourceId") or event["LogicalResourceId"],
    }
    try:
        with _within(None if seconds is None else seconds - _ANSWER_SECONDS):
            answered |= {"Status": "SUCCESS", "Data": _done(event)}
    except (Exception, OutOfTime) as error:
        telemetry.error("setup.failed", error, resource=event["LogicalResourceId"])
        answered |= {"Status": "FAILED", "Reason": _reason(error)}
    _put(event["ResponseURL"], answered)
    return {name: answered[name] for name in ("Status", "Reason") if name in answered}


def know_owner() -> str:
    """The owner's direct URL, read from its secret where the settings name one; logins follow from it from now on."""
    from anima.operations import database

    arn = settings().owner_secret_arn
    if arn is not None:
        from anima.vendors import secrets_manager

        url = secrets_manager.read(arn, "owner_url")
    else:
        url = database.owner_url()
    present = settings().database_url
    if present is None or present.get_secret_value() != url:
        db.close_pools()
        use_database(url)
    return url


def link(event: Mapping[str, Any]) -> dict[str, Any]:
    """A sign-in link for somebody who lost a password: `{"link_for": name, "base_url": url}`.

    Raises BadInput, and what `identity.service.sign_in_link` raises.
    """
    from anima.identity import service as identity

    username, base_url = event.get("link_for"), event.get("base_url")
    if set(event) != {"link_for", "base_url"} or not (
        isinstance(username, str) and username and username.isprintable()
    ):
        raise BadInput(reason="the event has link_for (a user name or e-mail address) and base_url, nothing else")
    address = _base_url(base_url)
    know_owner()
    made = identity.sign_in_link(username, address)
    return {"link": made.url, "expires_at": made.expires_at.isoformat()}


def pooled(owner_url: str, pooled_host: str = "") -> str:
    """The URL that functions connect by: at the pooler given (host or host:port), at Neon's own, else as it is."""
    if pooled_host:
        host, _, port = pooled_host.partition(":")
        return with_address(owner_url, host, int(port) if port else None)
    parts = parse(owner_url)
    label, _, rest = (parts.host or "").partition(".")
    if not (parts.host or "").endswith(_NEON) or label.endswith("-pooler"):
        return owner_url
    return str(replace(parts, host=f"{label}-pooler.{rest}"))


def _check(event: Mapping[str, Any]) -> None:
    missing = [name for name in _NEEDED if not isinstance(event.get(name), str) or not event[name]]
    if missing:
        wrong = [FieldError(name, "a string") for name in missing]
        raise BadInput(reason=f"an event of CloudFormation lacks {', '.join(missing)}", fields=wrong)
    if _web_address(event["ResponseURL"]) is None:
        raise BadInput(reason="ResponseURL is no web address", fields=[FieldError("ResponseURL", "https://…")])


def _done(event: Mapping[str, Any]) -> dict[str, str]:
    if event["RequestType"] == "Delete":  # what is in the database outlives the stack
        return {}
    if event["RequestType"] not in {"Create", "Update"}:
        raise BadInput(reason="RequestType is Create, Update or Delete")
    properties = event.get("ResourceProperties")
    given = properties if isinstance(properties, Mapping) else {}
    if event["ResourceType"] == "Custom::AnimaSetup":
        return _set_up(given)
    if event["ResourceType"] == "Custom::AnimaFirstAdmin":
        return _first_admin(given, event["RequestId"])
    raise BadInput(reason=f"there is no custom resource {event['ResourceType']}")


def _set_up(properties: Mapping[str, Any]) -> dict[str, str]:
    from anima.vendors import secrets_manager

    arn, pooler = properties.get("LoginsSecret"), properties.get("PooledHost") or ""
    if not isinstance(arn, str) or not isinstance(pooler, str):
        raise BadInput(reason="LoginsSecret is the ARN of a secret, PooledHost a host or nothing")
    owner_url = know_owner()
    applied = ", ".join(_migrate(owner_url))
    address = pooled(owner_url, pooler)
    logins = {
        f"{login}_url": with_login(address, f"anima_{login}", secrets.login_password(f"anima_{login}"))
        for login in ("app", "worker", "admin")
    }
    return {"Applied": applied[:_APPLIED_CHARS], "SecretVersion": secrets_manager.write(arn, logins)}


def _migrate(owner_url: str) -> list[str]:
    """Before this code serves: `pre` only, for the code before it still does; everything where there was none."""
    from anima.operations import database

    database.prepare(owner_url, logins=True)
    try:
        fresh = all(one["applied_at"] is None for one in database.status())
        return database.migrate(None if fresh else "pre")
    except MigrationMissing as error:
        # A deployment is taken back: what is in the database works with this code too, as `pre` promises.
        telemetry.error("setup.database_is_newer", error)
        return []


def _first_admin(properties: Mapping[str, Any], request_id: str) -> dict[str, str]:
    from anima.identity import service as identity

    address = _base_url(properties.get("BaseUrl"))
    know_owner()
    made = identity.first_admin_link(address, request=request_id)
    return {"AdminLink": made or "there is an administrator already; docs/deploy.md says how to make a link"}


def _base_url(url: object) -> str:
    parts = _web_address(url)
    if parts is None or parts.username is not None or parts.query or parts.fragment:
        raise BadInput(reason="the base URL is where people reach the API: https://…")
    return parts.geturl().rstrip("/")


def _web_address(url: object) -> SplitResult | None:
    """The parts of an address of the web, or nothing. What `urlsplit` forgives (a line break within) is not."""
    if not isinstance(url, str) or _NO_ADDRESS.search(url):
        return None
    try:
        parts = urlsplit(url)
        known = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return None
    return parts if known else None


@contextmanager
def _within(seconds: float | None) -> Iterator[None]:
    """Raises OutOfTime in the block when `seconds` are over, in the main thread (which is where Lambda calls us)."""

    def ring(*_: object) -> None:
        raise OutOfTime

    if seconds is None or threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, max(seconds, 0.001))
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def _reason(error: BaseException) -> str:
    """What CloudFormation shows: what went wrong and what to do, without any URL of a database."""
    if isinstance(error, OutOfTime):
        return "The database did not answer in time, or a migration waits for a lock; nothing is half-applied."
    if isinstance(error, AnimaError):
        return _URL.sub("postgresql://…", error.detail)[:_REASON_CHARS]
    return f"{type(error).__name__}; the log of the function that migrates says where."


def _put(url: str, answered: Mapping[str, Any]) -> None:
    import httpx

    body = json.dumps(answered).encode()
    for attempt in range(3):
        try:
            # The address is signed for no content type at all.
            httpx.put(url, content=body, headers={"content-type": ""}, timeout=5).raise_for_status()
            return
        except httpx.HTTPError as error:
            # Without the address: it is signed, and whoever knows it may answer.
            telemetry.warning("setup.answer_not_taken", error=type(error).__name__, attempt=attempt)
            _pause(2**attempt)
    raise NotAnswered

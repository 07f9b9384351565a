"""Asks services outside for references and passages, and believes little: of what comes back every field is checked.

Protocol: POST `{"query", "repositories", "max_results"}` answers `{"references": [{"repository", "path", "line_start",
"line_end", "excerpt", "score", "reason"}]}`; the service of passages is asked like /api/v1/search.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Sequence
from pathlib import PurePosixPath
from typing import Any

from anima.kernel.errors import AnimaError
from anima.vendors.enrichment.model import OutsidePassage, Reference
from anima.vendors.enrichment.secrets_kept import without_secrets

_MOST_BYTES = 1_000_000
_MOST_TEXT, _MOST_NAME, _MOST_LINE = 8_000, 400, 10_000_000


class BadService(AnimaError):
    """The enrichment service cannot be used: {reason}."""

    status = 502
    slug = "bad-enrichment-service"


def references(url: str, question: str, repositories: Sequence[str], most: int, until: float) -> list[Reference]:
    """What an enrichment service knows. Raises BadService for any answer that is not as it must be."""
    asked = {"query": question[:4_000], "repositories": list(repositories), "max_results": most}
    answer = _posted(url, asked, until)
    return [_reference(one) for one in _listed(answer, "references", most)]


def passages(url: str, question: str, most: int, until: float) -> list[OutsidePassage]:
    """What a service that is asked like our own search finds. Raises BadService."""
    answer = _posted(url, {"query": question[:4_000], "top_k": most}, until)
    return [_passage(one) for one in _listed(answer, "hits", most)]


def _posted(url: str, body: dict[str, Any], until: float) -> Any:
    """The JSON that an address answers, at once and in few bytes."""
    import httpx

    left = max(0.05, until - time.monotonic())
    try:
        with (
            httpx.Client(follow_redirects=False, timeout=httpx.Timeout(left, connect=min(1.0, left))) as client,
            client.stream("POST", url, json=body, headers={"accept": "application/json"}) as response,
        ):
            return _read(response, until)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise BadService(reason=type(error).__name__) from error


def _read(response: Any, until: float) -> Any:
    if response.status_code != 200:
        raise BadService(reason=f"it answers {response.status_code}")
    if response.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        raise BadService(reason="it answers something that is not JSON")
    data = bytearray()
    for piece in response.iter_bytes():
        data += piece
        if len(data) > _MOST_BYTES:
            raise BadService(reason=f"it answers more than {_MOST_BYTES} bytes")
        if time.monotonic() > until:
            raise BadService(reason="it answers too slowly")
    try:
        return json.loads(data.decode("utf-8"), parse_constant=_refused)
    except (ValueError, RecursionError) as error:
        raise BadService(reason="it answers something that is not JSON") from error


def _refused(constant: str) -> Any:
    raise ValueError(constant)


def _listed(answer: Any, name: str, most: int) -> list[Any]:
    found = answer.get(name) if isinstance(answer, dict) else None
    if not isinstance(found, list):
        raise BadService(reason=f"its answer has no list of {name}")
    return found[:most]


def _reference(one: Any) -> Reference:
    if not isinstance(one, dict):
        raise BadService(reason="a reference is no object")
    first, last = _number(one, "line_start"), _number(one, "line_end")
    if not 1 <= first <= last <= _MOST_LINE:
        raise BadService(reason="a reference has lines that cannot be")
    path = _text(one, "path", _MOST_NAME)
    if path.startswith(("/", "~")) or ".." in PurePosixPath(path).parts or "\\" in path:
        raise BadService(reason="a reference has a path that leads out of its repository")
    score = one.get("score", 0.0)
    if type(score) not in (int, float) or not math.isfinite(score) or not 0 <= score <= 1:
        raise BadService(reason="a reference has a score that is not between 0 and 1")
    reason = _text(one, "reason", _MOST_NAME) if one.get("reason") else "the enrichment service named it"
    excerpt = without_secrets(_text(one, "excerpt", _MOST_TEXT))
    return Reference(_text(one, "repository", _MOST_NAME), path, first, last, excerpt, float(score), reason)


def _passage(one: Any) -> OutsidePassage:
    if not isinstance(one, dict):
        raise BadService(reason="a hit is no object")
    location = one.get("location") or {}
    if not isinstance(location, dict) or len(json.dumps(location)) > 2_000:
        raise BadService(reason="a hit has a location that is none")
    uri = _text(one, "source_uri", _MOST_NAME) if one.get("source_uri") else None
    return OutsidePassage(_text(one, "title", _MOST_NAME), uri, location, _text(one, "text", _MOST_TEXT))


def _text(one: dict[str, Any], name: str, most: int) -> str:
    value = one.get(name)
    if not isinstance(value, str) or not value.strip() or len(value) > most or "\0" in value:
        raise BadService(reason=f"its answer has no good {name}")
    return value


def _number(one: dict[str, Any], name: str) -> int:
    value = one.get(name)
    if type(value) is not int:
        raise BadService(reason=f"its answer has no good {name}")
    return value

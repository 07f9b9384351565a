"""Every error as an answer: problem+json (RFC 9457), in this one place; under /v1 as OpenAI's clients read it."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from anima.kernel import telemetry
from anima.kernel.errors import AnimaError, BadInput, Conflict, DatabaseUnavailable, FieldError, TooLarge
from anima.kernel.problem import problem
from anima.openai_api import errors as openai

MEDIA_TYPE = "application/problem+json"


class NoSuchRoute(AnimaError):
    """There is nothing at this address; /openapi.json lists what there is."""

    status = 404
    slug = "no-such-route"


class MethodNotAllowed(AnimaError):
    """This address does not take this method."""

    status = 405
    slug = "method-not-allowed"


class Refused(AnimaError):
    """The request was refused: {reason}."""

    slug = "refused"


class Internal(AnimaError):
    """Something went wrong on our side; the request id finds it in the log."""


def _path(location: tuple[int | str, ...]) -> str:
    """Where in the request: a field of the body by its own path, anything else with its place before it."""
    inside = location[1:] if location[:1] == ("body",) else location
    return ".".join(map(str, inside)) or "body"


def _field(wrong: dict[str, Any]) -> FieldError:
    if wrong["type"] == "json_invalid":
        return FieldError("body", f"JSON; this is none: {wrong['ctx']['error']} at {wrong['loc'][-1]}")
    if wrong["type"] == "extra_forbidden":
        return FieldError(_path(wrong["loc"]), "there is no such field")
    return FieldError(_path(wrong["loc"]), str(wrong["msg"]))


def _of_validation(error: RequestValidationError) -> BadInput:
    fields = [_field(wrong) for wrong in error.errors()]
    return BadInput(reason="; ".join(f"{one.path}: {one.message}" for one in fields[:5]), fields=fields)


def _of_http(error: HTTPException) -> AnimaError:
    if isinstance(error.__cause__, AnimaError):
        return error.__cause__
    if error.status_code == 404:
        return NoSuchRoute()
    if error.status_code == 405:
        return MethodNotAllowed()
    if error.status_code == 400:
        return BadInput(reason="the body cannot be read", fields=[FieldError("body", "as the address takes it")])
    refused = Refused(reason=HTTPStatus(error.status_code).phrase.lower())
    refused.status = error.status_code  # type: ignore[misc]
    return refused


def _of_database(error: Exception) -> AnimaError | None:
    """What a driver's error is for the caller; nothing if it is none, or a mistake of ours."""
    import psycopg

    if isinstance(error, psycopg.DataError):
        return BadInput(reason="a value is too large, or holds a character that text cannot hold")
    if isinstance(error, psycopg.IntegrityError):
        return Conflict(reason="it refers to what is not there, or is there already")
    if isinstance(error, psycopg.OperationalError | psycopg.InterfaceError):
        return DatabaseUnavailable(retry_after=2)
    return None


def typed(error: Exception) -> AnimaError:
    """The error of ours that stands for any exception; what nobody expected is Internal, and logged."""
    if isinstance(error, AnimaError):
        known: AnimaError | None = error
    elif isinstance(error, RequestValidationError):
        known = _of_validation(error)
    elif isinstance(error, HTTPException):
        known = _of_http(error)
    elif isinstance(error, UnicodeEncodeError):
        known = BadInput(reason="a text is not valid Unicode: it holds half of a surrogate pair")
    else:
        known = _of_database(error)
        telemetry.error("http.unexpected", error)
    return known or Internal()


def _headers(error: AnimaError) -> dict[str, str]:
    headers: dict[str, str] = {}
    if error.retry_after is not None:
        headers["Retry-After"] = str(error.retry_after)
    if error.status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    if isinstance(error, TooLarge):
        headers["Connection"] = "close"
    return headers


def answer(error: Exception, path: str = "") -> JSONResponse:
    """The answer to a request that failed; at the door of OpenAI's protocol it has the shape that is read there."""
    known = typed(error)
    if known.status >= 500 and known is error:
        telemetry.error("http.failed", error)
    headers = _headers(known)
    if isinstance(error, HTTPException) and error.headers:
        headers |= {name: value for name, value in error.headers.items() if name.lower() == "allow"}
    if openai.is_ours(path):
        return JSONResponse(openai.body(known), known.status, headers)
    return JSONResponse(problem(known), known.status, headers, MEDIA_TYPE)


async def _handle(request: Request, error: Exception) -> JSONResponse:
    if isinstance(error, DatabaseUnavailable):
        raise error  # for `replays.Replays`, which may have it done once more
    return answer(error, request.url.path)


def install(app: FastAPI) -> None:
    """Lets the app answer every error that it knows this way; the others end in `requests.Requests`."""
    for kind in (AnimaError, RequestValidationError, HTTPException):
        app.add_exception_handler(kind, _handle)

"""The talk without JavaScript over HTTP: plain forms, each answered by a page."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Coroutine
from typing import Annotated, Any
from urllib.parse import quote

from fastapi import APIRouter, Form, Path, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.exceptions import RequestValidationError
from fastapi.responses import RedirectResponse
from fastapi.routing import APIRoute

from anima.avatars import service as avatars
from anima.console import plain
from anima.console.page import Page
from anima.console.session_api import Name, Password, drop, end, keep, own_page, renewed
from anima.console.static_api import html
from anima.conversations import service as conversations
from anima.identity import service as identity
from anima.kernel import auth, db, http, idempotency, telemetry
from anima.kernel.errors import AnimaError, DatabaseUnavailable, Unauthenticated
from anima.knowledge import documents_service as documents

_LATEST = 60
_LISTED = 30
Id = Annotated[int, Path(gt=0, lt=2**63)]
_Handler = Callable[[Request], Coroutine[Any, Any, Response]]


class _Pages(APIRoute):
    """Answers errors by pages, and renews a sign-in whose access token has run out."""

    def get_route_handler(self) -> _Handler:
        answer = super().get_route_handler()

        async def answered(request: Request) -> Response:
            try:
                return await _asked(answer, request)
            except Unauthenticated as error:
                return await run_in_threadpool(_signed_out, request, error)
            except AnimaError as error:
                return _failed(error)
            except RequestValidationError:
                return html(plain.failed("Something in the form is missing or too long."), 422)

        return answered


router = APIRouter(include_in_schema=False, route_class=_Pages)


async def _asked(answer: _Handler, request: Request) -> Response:
    """What only reads is done once more where the database went away under it."""
    try:
        return await answer(request)
    except DatabaseUnavailable:
        if request.method != "GET":
            raise
        telemetry.count("db.retries")
        return await answer(request)


def _failed(error: AnimaError) -> Response:
    page = html(plain.failed(error.detail), error.status)
    if error.retry_after is not None:
        page.headers["Retry-After"] = str(error.retry_after)
    return page


def _signed_out(request: Request, error: Unauthenticated) -> Response:
    """The same request once more with fresh cookies, else the form to sign in."""
    path = request.url.path
    if path.endswith("/sign-in"):
        return html(plain.sign_in(error.detail), 401)
    try:
        tokens = renewed(request)
    except DatabaseUnavailable as away:
        return _failed(away)
    except AnimaError:
        return html(plain.sign_in(back=path if request.method == "GET" else plain.ROOT), 401)
    response = RedirectResponse(path, 307)
    keep(request, response, tokens)
    return response


def _person(request: Request) -> db.Principal:
    """Who is signed in. Raises Unauthenticated, and CrossSite for a form of another site."""
    return auth.authenticate(http.credential(request))


@router.get(plain.ROOT)
def home(request: Request) -> Response:
    """Avatars and talks."""
    person = _person(request)
    people = avatars.list_avatars(person, cursor=None, limit=_LISTED).items
    return html(plain.home(people, conversations.list_sessions(person, cursor=None, limit=_LISTED).items))


@router.post(plain.ROOT + "/sign-in")
def sign_in(
    request: Request, username: Name, password: Password, back: Annotated[str, Form()] = plain.ROOT
) -> Response:
    """Signs in and goes where one wanted to go."""
    own_page(request)
    tokens = identity.sign_in(username, password.get_secret_value())
    inside = back.startswith(plain.ROOT) and "\\" not in back
    response = RedirectResponse(quote(back, safe="/") if inside else plain.ROOT, 303)
    keep(request, response, tokens)
    return response


@router.post(plain.ROOT + "/sign-out")
def sign_out(request: Request) -> Response:
    """Ends this sign-in."""
    own_page(request)
    end(request)
    response = RedirectResponse(plain.ROOT, 303)
    drop(response)
    return response


@router.get(plain.ROOT + "/avatars/{avatar_id}")
def new_talk(request: Request, avatar_id: uuid.UUID) -> Response:
    """A talk that has not begun."""
    avatar = avatars.get(_person(request), avatar_id)
    return html(plain.talk(avatar.name, [], {}, avatar_id=avatar.avatar_id))


@router.get(plain.ROOT + "/sessions/{session_id}")
def talk(request: Request, session_id: Id) -> Response:
    """A talk, its latest part."""
    return html(_talk(_person(request), session_id))


@router.post(plain.ROOT + "/say")
def say(
    request: Request,
    message: Annotated[str, Form()],
    key: Annotated[str | None, Form(max_length=255)] = None,
    session_id: Annotated[int | None, Form(gt=0, lt=2**63)] = None,
    avatar_id: Annotated[uuid.UUID | None, Form()] = None,
) -> Response:
    """One turn; then the talk with its answer. A form that is sent twice is one turn."""
    from anima.chat import service as chat
    from anima.chat.model import Finished, TurnRequest

    person = _person(request)
    asked = TurnRequest(message, session_id, avatar=None if session_id else avatar_id)
    told = [message, session_id, str(avatar_id)]
    try:
        events = chat.reply(person, asked, idempotency.read_key(key, f"POST {plain.ROOT}/say", told))
        answer = next(event.answer for event in events if isinstance(event, Finished))
    except AnimaError as error:
        if isinstance(error, Unauthenticated):
            raise
        return html(_again(person, asked, error.detail), error.status)
    return RedirectResponse(f"{plain.ROOT}/sessions/{answer.session_id}#say", 303)


@router.get(plain.ROOT + "/passages/{chunk_id}")
def passage(request: Request, chunk_id: Id) -> Response:
    """What a citation points to."""
    return html(plain.passage(documents.get_chunk(_person(request), chunk_id)))


def _again(person: db.Principal, asked: Any, wrong: str) -> Page:
    """The talk as it is, with what went wrong and the message still in its box."""
    if asked.session_id is not None:
        return _talk(person, asked.session_id, wrong=wrong, draft=asked.message)
    found = avatars.get(person, asked.avatar) if isinstance(asked.avatar, uuid.UUID) else None
    name = found.name if found else "Anima"
    return plain.talk(name, [], {}, avatar_id=asked.avatar, wrong=wrong, draft=asked.message)


def _talk(person: db.Principal, session_id: int, wrong: str | None = None, draft: str = "") -> Page:
    from anima.chat import log_service as chat_log

    session = conversations.get_session(person, session_id)
    newest = conversations.history(person, session_id, cursor=None, limit=_LATEST, order="newest").items
    cited = [one.response_id for one in newest if one.citations and one.response_id is not None]
    citations = {each: chat_log.get_response(person, each)[0].citations for each in cited}
    name = session.avatar_name or "Anima"
    return plain.talk(name, newest[::-1], citations, session_id=session_id, wrong=wrong, draft=draft)

"""Signing in and out of the console: the tokens lie in cookies that no script can read."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Form, Request, Response
from pydantic import SecretStr

from anima.console.page import plain
from anima.console.static_api import html
from anima.identity import service as identity
from anima.identity.model import MAX_PASSWORD_CHARS, Tokens
from anima.kernel import http
from anima.kernel.config import settings
from anima.kernel.errors import Unauthenticated

router = APIRouter(include_in_schema=False)

REFRESH_COOKIE = "anima_refresh"
PATH = "/console"

Name = Annotated[str, Form(min_length=1, max_length=254)]
Password = Annotated[SecretStr, Form(min_length=1, max_length=MAX_PASSWORD_CHARS)]


def keep(request: Request, response: Response, tokens: Tokens) -> None:
    """Puts tokens into the cookies of an answer: one for every address, the one that renews it for ours alone."""
    for name, value, path, seconds in (
        (http.SESSION_COOKIE, tokens.access_token, "/", tokens.expires_in),
        (REFRESH_COOKIE, tokens.refresh_token, PATH, settings().refresh_token_days * 86_400),
    ):
        response.set_cookie(
            name,
            value,
            max_age=seconds,
            path=path,
            secure=request.url.scheme == "https",
            httponly=True,
            samesite="strict",
        )


def drop(response: Response) -> None:
    """Takes both cookies away."""
    response.delete_cookie(http.SESSION_COOKIE, path="/", httponly=True, samesite="strict")
    response.delete_cookie(REFRESH_COOKIE, path=PATH, httponly=True, samesite="strict")


def own_page(request: Request) -> None:
    """Raises CrossSite unless the request comes from a page of this server."""
    if not http.same_origin(request):
        raise http.CrossSite


def renewed(request: Request) -> Tokens:
    """Fresh tokens for the refresh cookie, which is used up by it. Raises Unauthenticated."""
    token = request.cookies.get(REFRESH_COOKIE)
    if not token:
        raise Unauthenticated(reason="nobody is signed in here")
    return identity.refresh(token)


def end(request: Request) -> None:
    """Ends the sign-in that the refresh cookie stands for, on the server."""
    token = request.cookies.get(REFRESH_COOKIE)
    if token:
        identity.revoke(token)


@router.post("/console/sign-in", status_code=204)
def sign_in(request: Request, response: Response, username: Name, password: Password) -> None:
    """Signs in with name and password."""
    own_page(request)
    keep(request, response, identity.sign_in(username, password.get_secret_value()))


@router.post("/console/refresh", status_code=204)
def refresh(request: Request, response: Response) -> None:
    """Exchanges the refresh cookie for fresh cookies."""
    own_page(request)
    keep(request, response, renewed(request))


@router.post("/console/sign-out", status_code=204)
def sign_out(request: Request, response: Response) -> None:
    """Ends this sign-in, on the server too."""
    own_page(request)
    end(request)
    drop(response)


@router.get("/console/closed")
def closed() -> Response:
    """What somebody sees who has closed their account; it says nothing of whose it was."""
    return html(plain("Closed", _CLOSED))


_CLOSED = """
    <h1>Your account is closed</h1>
    <p>You are signed out everywhere. Everything that was kept of you is being erased now: as a rule
    that takes minutes, and an engine that is away is asked until it answers.</p>
    <p>Backups and providers of models keep what they hold until it is deleted there; <code>docs/privacy.md</code>,
    which comes with Anima, says what that is.</p>
    <p><a href='/'>Sign in with another account</a></p>
"""

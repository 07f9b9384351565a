"""The page of a one-time link over HTTP: shown, and its form taken."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import RedirectResponse
from pydantic import SecretStr

from anima.console import welcome
from anima.console.page import Page
from anima.console.session_api import keep, own_page
from anima.console.static_api import html
from anima.identity import service as identity
from anima.kernel.errors import AnimaError

router = APIRouter(include_in_schema=False)

Hidden = Annotated[SecretStr, Form()]
_NONE = SecretStr("")


def _fresh(made: Page, status: int = 200) -> Response:
    """The page as one that nothing keeps: a code may stand in it."""
    answer = html(made, status)
    answer.headers["Cache-Control"] = "no-store"
    return answer


@router.api_route(identity.WELCOME, methods=["GET", "HEAD"])
def show() -> Response:
    """The form; the code of the link is behind the # of the address, which no server sees."""
    return _fresh(welcome.welcome())


@router.post(identity.WELCOME)
def take(request: Request, link: Hidden = _NONE, password: Hidden = _NONE, again: Hidden = _NONE) -> Response:
    """Sets the password, signs in, and goes to the console."""
    own_page(request)
    code = link.get_secret_value().strip().rpartition("#")[2]
    if password.get_secret_value() != again.get_secret_value():
        return _fresh(welcome.welcome("The two passwords are not the same.", code), 422)
    address = request.client.host if request.client else None
    try:
        tokens = identity.use_link(code, password.get_secret_value(), address)
    except identity.LinkNotValid as error:
        return _fresh(welcome.welcome(error.detail), error.status)
    except AnimaError as error:
        wrong = "; ".join(f"It takes {one.message}." for one in error.fields) or error.detail
        return _fresh(welcome.welcome(wrong, code), error.status)
    response = RedirectResponse("/", 303)
    keep(request, response, tokens)
    return response

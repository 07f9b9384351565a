"""What every api shares of HTTP: who is calling, pages, idempotency keys, and how errors are documented.

The only module of the kernel that knows the web framework: only doors and api modules import it.
"""

from __future__ import annotations

from typing import Annotated, Any, Generic, TypeVar
from urllib.parse import urlsplit

from fastapi import Depends, Header, Query, Request, Security
from fastapi.security import APIKeyCookie, HTTPBearer, OAuth2PasswordBearer
from pydantic import BaseModel, ConfigDict, Field

from anima.kernel import auth, db, limits, pages
from anima.kernel.config import server_url, settings
from anima.kernel.errors import PROBLEM_TYPE, Forbidden, Unauthenticated

T = TypeVar("T")

API = "/api/v1"
SESSION_COOKIE = "anima_session"
_HEALTH = f"{API}/health"  # asked by those who watch, most of all when much is asked
_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


class Body(BaseModel):
    """A body that we read: a field that we do not know is an error."""

    model_config = ConfigDict(extra="forbid")


class Items(BaseModel, Generic[T]):
    """A page of a list; `next_cursor` is null on the last one."""

    items: list[T]
    next_cursor: str | None = Field(None, description="Give it as `cursor` to get the next page")


class WrongField(BaseModel):
    """Where in the input something was wrong, and what is accepted there."""

    path: str
    message: str


class Problem(BaseModel):
    """An error (RFC 9457)."""

    type: str
    title: str
    status: int
    detail: str
    request_id: str
    errors: list[WrongField] = Field(default_factory=list)


class CrossSite(Forbidden):
    """The session cookie of the console is taken only from pages of this server; send a bearer key."""

    slug = "cross-site"


class AdminOnly(Forbidden):
    """Only a user with the role admin may do this."""

    slug = "admin-only"


def bearer(authorization: str | None) -> str | None:
    """The credential of an Authorization header. Raises Unauthenticated for any other scheme."""
    if authorization is None:
        return None
    scheme, _, credential = authorization.partition(" ")
    if scheme.lower() != "bearer" or not credential.strip():
        raise Unauthenticated(reason="the Authorization header is not 'Bearer <key or token>'")
    return credential.strip()


def same_origin(request: Request) -> bool:
    """Whether a browser says that the request comes from a page of this server."""
    site = request.headers.get("sec-fetch-site")
    if site is not None:
        return site == "same-origin"
    place = (request.headers.get("origin") or "").partition("://")[2]  # "null", and what is no origin, have none
    return bool(place) and place in {request.headers.get("host"), urlsplit(server_url(settings())).netloc}


def credential(request: Request) -> str | None:
    """The key or token that came with a request: in the header, else in the console's cookie.

    Raises Unauthenticated for a malformed header, CrossSite for a cookie sent by another site's page.
    """
    found = bearer(request.headers.get("authorization"))
    if found is not None:
        return found
    cookie = request.cookies.get(SESSION_COOKIE)
    if cookie and request.method not in _SAFE_METHODS and not same_origin(request):
        raise CrossSite
    return cookie or None


_SCHEMES = (
    HTTPBearer(scheme_name="bearer", auto_error=False, description="An API key (`anima_…`) or an access token"),
    OAuth2PasswordBearer(f"{API}/token", scheme_name="password", auto_error=False),
    APIKeyCookie(name=SESSION_COOKIE, scheme_name="console", auto_error=False),
)


def identify(request: Request) -> db.Principal:
    """The user behind a request, looked up and counted once for each.

    Raises Unauthenticated, CrossSite, TooManyRequests.
    """
    known: db.Principal | None = getattr(request.state, "principal", None)
    if known is None:
        known = auth.authenticate(credential(request))
        request.state.user_id = known.user_id
        if not request.scope["path"].startswith(_HEALTH):
            limits.check(known.user_id)
        request.state.principal = known
    return known


def identified(
    request: Request,
    _bearer: Annotated[object, Security(_SCHEMES[0])],
    _password: Annotated[object, Security(_SCHEMES[1])],
    _cookie: Annotated[object, Security(_SCHEMES[2])],
) -> db.Principal:
    """Dependency: the user who calls; with what the documentation tells of credentials."""
    return identify(request)


Caller = Annotated[db.Principal, Depends(identified)]
"""The user who calls; 401 without one, 429 for one who calls too often."""


def _admin(caller: Caller) -> db.Principal:
    if "admin" not in caller.roles:
        raise AdminOnly
    return caller


AdminCaller = Annotated[db.Principal, Depends(_admin)]
"""The user who calls, if they have the role admin; else 403."""

PageLimit = Annotated[int, Query(ge=1, le=pages.MAX_LIMIT, description="How many to answer at most", examples=[50])]
"""Write `limit: http.PageLimit = 50`."""

PageCursor = Annotated[
    str | None, Query(max_length=500, description="`next_cursor` of the page before; none: the first page")
]
"""Write `cursor: http.PageCursor = None`."""

IdempotencyHeader = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        min_length=1,
        max_length=255,
        description="A value of your own for this call; sent again with it, it is not done again",
    ),
]
"""Write `idempotency_key: http.IdempotencyHeader = None`."""

RangeHeader = Annotated[str | None, Header(alias="Range", description="A part of the file: bytes=0-1023")]
"""Write `range_header: http.RangeHeader = None`."""

Responses = dict[int | str, dict[str, Any]]


_PROBLEMS = {
    400: ("bad-request", "The request cannot be read."),
    401: ("unauthenticated", "A valid API key or access token is needed: none was sent."),
    403: ("forbidden", "This is not allowed for you."),
    404: ("not-found", "There is no such thing of yours."),
    408: ("timeout", "It took too long."),
    409: ("conflict", "This does not fit with what is there."),
    410: ("gone", "It is not there any more."),
    413: ("too-large", "The body is too large."),
    415: ("unsupported-media-type", "This kind of content is not read here."),
    416: ("unfit-range", "The file has 100 bytes, and none of those that were asked for."),
    422: ("bad-input", "The input is not valid: name: 1 to 100 characters."),
    424: ("failed-dependency", "What this rests on has failed."),
    429: ("too-many-requests", "There were too many calls; wait and try again."),
    500: ("internal", "Something went wrong on our side; the request id finds it in the log."),
    502: ("bad-gateway", "The service behind this one answered with an error."),
    503: ("unavailable", "The database cannot be reached at the moment; try again."),
    504: ("gateway-timeout", "The service behind this one did not answer in time."),
}


def _problem(status: int) -> dict[str, Any]:
    slug, detail = _PROBLEMS[status]
    title = slug.replace("-", " ").capitalize()
    example = {
        "type": PROBLEM_TYPE + slug,
        "title": title,
        "status": status,
        "detail": detail,
        "request_id": "01977a2e-6f0b-7cc3-98c4-dc0c0c07398f",
        "errors": [{"path": "name", "message": "1 to 100 characters"}] if status == 422 else [],
    }
    schema = {"$ref": "#/components/schemas/Problem"}
    content = {"application/problem+json": {"schema": schema, "example": example}}
    return {"description": title, "content": content}


def problems(*statuses: int, public: bool = False) -> Responses:
    """The documented error responses of a route: those named, and those that any route may answer.

    `public` says that the route takes no credentials, and so never answers 401 by itself.
    """
    always = {422, 500, 503} if public else {401, 422, 429, 500, 503}
    return {status: _problem(status) for status in sorted(always | set(statuses))}


def example(value: object, status: int = 200, media_type: str = "application/json") -> Responses:
    """The documented example of an answer: `responses={**http.example({...}), **http.problems(404)}`."""
    return {status: {"content": {media_type: {"example": value}}}}

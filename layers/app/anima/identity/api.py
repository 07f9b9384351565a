"""HTTP of identity: tokens, users and API keys."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Form, Path, Request, Response
from pydantic import BaseModel, ConfigDict, Field, SecretStr, model_validator

from anima.identity import service
from anima.identity.model import MAX_KEY_NAME_CHARS, MAX_PASSWORD_CHARS
from anima.kernel import auth, http, idempotency
from anima.kernel.config import settings

router = APIRouter(tags=["identity"])

Role = Literal["admin", "operator", "researcher", "viewer"]
UserId = Annotated[int, Path(gt=0, lt=2**63)]
Password = Annotated[SecretStr, Field(min_length=1, max_length=MAX_PASSWORD_CHARS)]

_TOKENS = {
    "access_token": "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.…",
    "refresh_token": "q6mN…",
    "expires_in": 900,
    "token_type": "bearer",
}
_USER = {
    "user_id": 1,
    "username": "diego",
    "email": "diego@example.org",
    "full_name": "Diego Lima",
    "roles": ["viewer"],
    "created_at": "2026-01-31T12:00:00Z",
}
_LINK = {"url": "https://anima.example.org/console/welcome#q6mN3XyZ…", "expires_at": "2026-02-03T12:00:00Z"}
_KEY = {
    "api_key_id": 7,
    "name": "laptop",
    "prefix": "anima_q6mN3XyZ",
    "created_at": "2026-01-31T12:00:00Z",
}


class SignIn(BaseModel):
    """The password grant of OAuth2; `scope` and the client's fields are accepted and not used."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"grant_type": "password", "username": "diego", "password": "correct horse"}]},
    )
    grant_type: Literal["password"] = "password"
    username: str = Field(min_length=1, max_length=254, description="User name or e-mail address")
    password: Password
    scope: str = ""
    client_id: str | None = None
    client_secret: SecretStr | None = None


class RefreshToken(http.Body):
    """A refresh token."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"refresh_token": "q6mN…"}]})
    refresh_token: SecretStr = Field(min_length=1, max_length=500)


class TokensAnswer(BaseModel):
    """Give the access token as bearer; exchange the refresh token, once, when it has expired."""

    access_token: str
    refresh_token: str
    expires_in: int = Field(description="Life of the access token, in seconds")
    token_type: Literal["bearer"] = "bearer"  # noqa: S105


class NewUser(http.Body):
    """A user to be made."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [{"username": "diego", "email": "diego@example.org", "password": "correct horse"}]
        },
    )
    username: str
    password: Password
    email: str | None = None
    full_name: str | None = None
    roles: list[Role] = Field(["viewer"], max_length=4)


class UserAnswer(BaseModel):
    """A user."""

    user_id: int
    username: str
    email: str | None
    full_name: str | None
    roles: list[str]
    created_at: datetime


class PasswordChange(http.Body):
    """The present password and the new one."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"current_password": "correct horse", "new_password": "battery staple"}]},
    )
    current_password: Password
    new_password: Password


class NewPassword(http.Body):
    """The new password, and by what right: the secret of a one-time link, or the present password of the caller."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {"link": "q6mN3XyZ…", "password": "battery staple"},
                {"current": "correct horse", "password": "battery staple"},
            ]
        },
    )
    password: Password
    link: SecretStr | None = Field(None, min_length=1, max_length=500, description="What follows the # of the link")
    current: Password | None = None

    @model_validator(mode="after")
    def _one_right(self) -> NewPassword:
        if (self.link is None) == (self.current is None):
            raise ValueError("either link or current")
        return self


class LinkAnswer(BaseModel):
    """A one-time link: whoever opens it sets a password and is signed in."""

    url: str = Field(description="The link itself; it is shown this once")
    expires_at: datetime


class NewKey(http.Body):
    """A key to be made."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"name": "laptop"}]})
    name: str = Field(min_length=1, max_length=MAX_KEY_NAME_CHARS, description="What the key is for")


class KeyAnswer(BaseModel):
    """What is visible of a key."""

    api_key_id: int
    name: str
    prefix: str
    created_at: datetime
    revoked_at: datetime | None = None


class NewKeyAnswer(KeyAnswer):
    """A key just made."""

    key: str = Field(description="The key itself; it is shown this once")


@router.post(
    "/token",
    summary="Sign in with a password",
    responses={**http.example(_TOKENS), **http.problems(401, 429, public=True)},
)
def sign_in(form: Annotated[SignIn, Form()]) -> TokensAnswer:
    """OAuth2 password grant, as a form. Too many wrong passwords answer 429 with Retry-After."""
    tokens = service.sign_in(form.username, form.password.get_secret_value())
    return TokensAnswer.model_validate(asdict(tokens))


@router.post(
    "/token/refresh",
    summary="Exchange a refresh token",
    responses={**http.example(_TOKENS), **http.problems(401, public=True)},
)
def refresh(body: RefreshToken) -> TokensAnswer:
    """A refresh token is good for one exchange; one that comes a second time ends the sign-in."""
    return TokensAnswer.model_validate(asdict(service.refresh(body.refresh_token.get_secret_value())))


@router.post(
    "/token/revoke",
    summary="Sign out",
    status_code=204,
    responses=http.problems(public=True),
)
def revoke(body: RefreshToken) -> None:
    """Ends the sign-in of a refresh token; its access tokens are refused at once. An unknown one changes nothing."""
    service.revoke(body.refresh_token.get_secret_value())


@router.post(
    "/users",
    summary="Make a user",
    status_code=201,
    responses={**http.example(_USER, 201), **http.problems(403, 409)},
)
def create_user(caller: http.AdminCaller, body: NewUser, idempotency_key: http.IdempotencyHeader = None) -> UserAnswer:
    """Admins only. A user name or e-mail address that somebody has answers 409."""
    # Without the password: a fast hash of it must not lie in the database.
    asked: dict[str, Any] = body.model_dump(exclude={"password"})
    new = service.NewUser(
        body.username, body.password.get_secret_value(), body.email, body.full_name, tuple(body.roles)
    )
    key = idempotency.read_key(idempotency_key, "POST /users", asked)
    return UserAnswer.model_validate(asdict(service.create_user(caller, new, key)))


@router.get(
    "/users",
    summary="All users",
    responses={**http.example({"items": [_USER], "next_cursor": None}), **http.problems(403)},
)
def users(
    caller: http.AdminCaller, cursor: http.PageCursor = None, limit: http.PageLimit = 50
) -> http.Items[UserAnswer]:
    """Admins only. The newest first."""
    found = service.users(caller, cursor, limit)
    items = [UserAnswer.model_validate(asdict(one)) for one in found.items]
    return http.Items[UserAnswer](items=items, next_cursor=found.next_cursor)


@router.post(
    "/users/{user_id}/link",
    summary="Make a one-time link for a user",
    status_code=201,
    responses={**http.example(_LINK, 201), **http.problems(403, 404)},
)
def make_link(request: Request, caller: http.AdminCaller, user_id: UserId) -> LinkAnswer:
    """Admins only, for somebody who lost the password. It holds for 72 hours and once; a newer one voids it."""
    base_url = settings().public_url or str(request.base_url)
    return LinkAnswer.model_validate(asdict(service.make_link(caller, user_id, base_url)))


@router.post(
    "/password",
    summary="Set a password, by a one-time link or by the present one",
    responses={
        **http.example(_TOKENS),
        204: {"description": "The password was changed by the present one"},
        **http.problems(401, 403, 410, 429, public=True),
    },
)
def set_password(request: Request, response: Response, body: NewPassword) -> TokensAnswer | None:
    """With a link: no credentials are needed, the link is used up, every sign-in of the user ends, and the tokens of
    a new one are answered. A link that is unknown, used, replaced or expired answers 410.

    With the present password, and credentials: every other sign-in ends, and nothing is answered. API keys stay.
    """
    new = body.password.get_secret_value()
    if body.link is not None:
        address = request.client.host if request.client else None
        return TokensAnswer.model_validate(asdict(service.use_link(body.link.get_secret_value(), new, address)))
    credential = http.credential(request)
    caller = auth.authenticate(credential)
    request.state.user_id = caller.user_id
    current = body.current.get_secret_value() if body.current else ""
    service.change_password(caller, current, new, keep=auth.family(credential), field="password")
    response.status_code = 204
    return None


@router.get("/users/me", summary="Who you are", responses={**http.example(_USER), **http.problems(404)})
def me(caller: http.Caller) -> UserAnswer:
    """The user behind the key or token."""
    return UserAnswer.model_validate(asdict(service.me(caller)))


@router.post(
    "/users/me/password",
    summary="Change your password",
    status_code=204,
    responses=http.problems(404, 429),
)
def change_password(caller: http.Caller, body: PasswordChange) -> None:
    """Ends every sign-in, this one too; API keys stay."""
    service.change_password(caller, body.current_password.get_secret_value(), body.new_password.get_secret_value())


@router.post(
    "/api-keys",
    summary="Make an API key",
    status_code=201,
    responses={
        **http.example({**_KEY, "key": "anima_q6mN3XyZ…", "revoked_at": None}, 201),
        **http.problems(409),
    },
)
def create_key(caller: http.Caller, body: NewKey, idempotency_key: http.IdempotencyHeader = None) -> NewKeyAnswer:
    """The key is shown in this answer and never again."""
    key = idempotency.read_key(idempotency_key, "POST /api-keys", body.model_dump())
    return NewKeyAnswer.model_validate(asdict(service.create_key(caller, body.name, key)))


@router.get(
    "/api-keys",
    summary="Your API keys",
    responses={
        **http.example({"items": [{**_KEY, "revoked_at": None}], "next_cursor": None}),
        **http.problems(),
    },
)
def keys(caller: http.Caller, cursor: http.PageCursor = None, limit: http.PageLimit = 50) -> http.Items[KeyAnswer]:
    """The newest first, also the revoked ones."""
    found = service.keys(caller, cursor, limit)
    items = [KeyAnswer.model_validate(asdict(one)) for one in found.items]
    return http.Items[KeyAnswer](items=items, next_cursor=found.next_cursor)


@router.delete("/api-keys/{api_key_id}", summary="Revoke an API key", status_code=204, responses=http.problems(404))
def revoke_key(caller: http.Caller, api_key_id: int) -> None:
    """It is refused from now on."""
    service.revoke_key(caller, api_key_id)

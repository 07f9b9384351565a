"""Who is asking: access tokens, API keys, and the one look-up that turns either into a principal."""

from __future__ import annotations

import secrets as random
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from anima.kernel import clock, db, limits, secrets
from anima.kernel.config import settings
from anima.kernel.errors import Forbidden, Unauthenticated

API_KEY_START = "anima_"
_PREFIX_CHARS = 14
_ALGORITHM = "HS256"

NOBODY = db.Principal(user_id=None)


@dataclass(frozen=True, slots=True)
class Holder:
    """The user behind a credential, with the roles that hold now."""

    user_id: int
    roles: list[str]


HOLDER_OF_KEY = db.Query(
    Holder,
    """
    select user_id, roles
    from auth_api_key(%(secret)s)
    """,
)

HOLDER_OF_TOKEN = db.Query(
    Holder,
    """
    select user_id, roles
    from auth_access(%(user_id)s, %(family_id)s)
    """,
)


def new_api_key() -> tuple[str, str, bytes]:
    """A fresh API key: the key itself (shown once), its visible prefix, and the hash that is stored."""
    key = API_KEY_START + random.token_urlsafe(32)
    return key, key[:_PREFIX_CHARS], hash_api_key(key)


def hash_api_key(key: str) -> bytes:
    """What the database keeps of an API key (HMAC-SHA256 under the master key)."""
    return secrets.keyed_hash("api-key", key)


def new_refresh_token() -> tuple[str, bytes]:
    """A fresh refresh token and the hash that is stored."""
    token = random.token_urlsafe(32)
    return token, hash_refresh_token(token)


def hash_refresh_token(token: str) -> bytes:
    """What the database keeps of a refresh token."""
    return secrets.keyed_hash("refresh-token", token)


def new_link(request: str | None = None) -> tuple[str, bytes]:
    """The secret of a fresh one-time link, and the hash that is stored; the same ones for the same `request`."""
    secret = random.token_urlsafe(32) if request is None else secrets.keyed_hash("link-of-request", request).hex()
    return secret, hash_link(secret)


def hash_link(secret: str) -> bytes:
    """What the database keeps of a one-time link."""
    return secrets.keyed_hash("sign-in-link", secret)


def family(credential: str | None) -> uuid.UUID | None:
    """The sign-in that an access token belongs to; none for an API key. Raises Unauthenticated."""
    return None if credential is None or credential.startswith(API_KEY_START) else _claims(credential)[1]


def expires_at(credential: str) -> datetime | None:
    """When an access token ends; nothing for an API key. Raises Unauthenticated for what is no token of ours."""
    import jwt

    if credential.startswith(API_KEY_START):
        return None
    try:
        claims = jwt.decode(
            credential,
            secrets.derive("access-token"),
            algorithms=[_ALGORITHM],
            audience="anima",
            options={"verify_exp": False},
        )
        return datetime.fromtimestamp(claims["exp"], UTC)
    except (jwt.InvalidTokenError, KeyError, ValueError):
        raise Unauthenticated(reason="the credential is neither a key nor a token of this server") from None


def access_token(user_id: int, family_id: uuid.UUID) -> str:
    """A JWT for a user; it lives while its refresh family does, a few minutes at most."""
    import jwt

    issued = clock.now()
    expires = issued + timedelta(minutes=settings().access_token_minutes)
    claims = {"sub": str(user_id), "sid": str(family_id), "iat": issued, "exp": expires, "aud": "anima"}
    return jwt.encode(claims, secrets.derive("access-token"), algorithm=_ALGORITHM)


def _claims(token: str) -> tuple[int, uuid.UUID]:
    import jwt

    try:
        claims = jwt.decode(token, secrets.derive("access-token"), algorithms=[_ALGORITHM], audience="anima", leeway=5)
        return int(claims["sub"]), uuid.UUID(claims["sid"])
    except jwt.ExpiredSignatureError:
        raise Unauthenticated(reason="the access token has expired") from None
    except (jwt.InvalidTokenError, KeyError, ValueError):
        raise Unauthenticated(reason="the credential is neither a key nor a token of this server") from None


def authenticate(credential: str | None) -> db.Principal:
    """The principal behind an API key or an access token: one wait on the database.

    Raises Unauthenticated when it is missing, unknown, expired or revoked.
    """
    if not credential:
        raise Unauthenticated(reason="none was sent; use 'Authorization: Bearer <key or token>'")
    holder = db.retried(lambda: _holder(credential)) if credential.isascii() else None
    if holder is None:
        raise Unauthenticated(reason="the key or token is unknown or was revoked")
    return db.Principal(holder.user_id, frozenset(holder.roles))


def _holder(credential: str) -> Holder | None:
    with db.transaction(NOBODY) as tx:
        if credential.startswith(API_KEY_START):
            found = tx.fetch(HOLDER_OF_KEY, secret=hash_api_key(credential))
        else:
            user_id, family_id = _claims(credential)
            found = tx.fetch(HOLDER_OF_TOKEN, user_id=user_id, family_id=family_id)
        known = limits.begin(tx)
    limits.take_up(known)
    return found.first()


def require(principal: db.Principal, *roles: str) -> None:
    """Raises Forbidden unless the principal has one of the roles."""
    if principal.roles.isdisjoint(roles):
        raise Forbidden(reason=f"it takes the role {' or '.join(roles)}")

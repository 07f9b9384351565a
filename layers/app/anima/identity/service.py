"""Sign-in, users and keys: the rules, and their transactions."""

from __future__ import annotations

import base64
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any

from anima.identity import attempts, passwords, repo
from anima.identity.model import (
    MAX_KEY_NAME_CHARS,
    ROLES,
    ApiKey,
    NewKey,
    NewUser,
    Tokens,
    User,
    Wrong,
    wrong_password,
    wrong_user,
)
from anima.kernel import auth, clock, db, idempotency, ids, pages, secrets
from anima.kernel.config import settings
from anima.kernel.errors import BadInput, Conflict, FieldError, Forbidden, NotFound, Unauthenticated

__all__ = ["ApiKey", "NewKey", "NewUser", "Tokens", "User"]


class WrongCredentials(Unauthenticated):
    """The user name or the password is wrong."""

    slug = "wrong-credentials"


class RefreshTokenNotValid(Unauthenticated):
    """The refresh token is unknown, expired, used or revoked; sign in again."""

    slug = "refresh-token-not-valid"


class UsernameTaken(Conflict):
    """Somebody has the user name {username} already."""

    slug = "username-taken"


class EmailTaken(Conflict):
    """Somebody has the e-mail address {email} already."""

    slug = "email-taken"


def sign_in(login: str, password: str) -> Tokens:
    """Tokens for a user name or e-mail address with its password.

    Raises WrongCredentials, and TooManyAttempts after too many of those.
    """
    if "\0" in login:
        raise WrongCredentials
    attempts.check(login)
    with db.transaction(auth.NOBODY) as tx:
        found = repo.password(tx, login)
    stored = found.first()
    right = passwords.matches(None if stored is None else stored.password_hash, password)
    if stored is None or not right:
        attempts.failed(login)
        raise WrongCredentials
    attempts.succeeded(login)
    family_id, (refresh_token, token), expires_at = ids.uuid7(), _new_token(), _refresh_expiry()
    with db.transaction(db.Principal(stored.user_id)) as tx:
        if passwords.outdated(stored.password_hash):
            repo.set_password(tx, stored.user_id, passwords.hashed(password))
        repo.begin_family(tx, stored.user_id, family_id, token, expires_at)
    return _tokens(stored.user_id, family_id, refresh_token)


def refresh(token: str) -> Tokens:
    """New tokens for a refresh token, which is used up by it. One that comes twice ends its whole family.

    Raises RefreshTokenNotValid.
    """
    refresh_token, new = _new_token()
    with db.transaction(auth.NOBODY) as tx:
        rotated = repo.rotate(tx, auth.hash_refresh_token(token), new, _refresh_expiry())
    family = rotated.first()
    if family is None:
        raise RefreshTokenNotValid
    return _tokens(family.user_id, family.family_id, refresh_token)


def revoke(token: str) -> None:
    """Ends the sign-in that a refresh token belongs to, with its access tokens. An unknown one changes nothing."""
    with db.transaction(auth.NOBODY) as tx:
        repo.revoke(tx, auth.hash_refresh_token(token))


def create_user(principal: db.Principal | None, new: NewUser, key: idempotency.Key | None = None) -> User:
    """Makes a user. Only an admin may, except for the very first one.

    Raises BadInput, UsernameTaken, EmailTaken, Forbidden.
    """
    _refuse(wrong_user(new))
    acting = principal or auth.NOBODY
    with _taken(new), db.transaction(acting) as tx:
        if acting.user_id is not None:
            entered = idempotency.enter(tx, acting.user_id, key)
            if (earlier := idempotency.settled(tx, acting.user_id, key, entered)) is not None:
                return _user(earlier)
        user = _sign_up(tx, new)
        if acting.user_id is not None:
            idempotency.finish(tx, acting.user_id, key, _kept(user))
    return user


def first_user(username: str, roles: list[str], password: str | None = None) -> tuple[User, str] | None:
    """Makes the very first user, with a random password if none is given; nothing where there are users already."""
    password = password or invented_password()
    try:
        return create_user(None, NewUser(username, password, roles=tuple(roles))), password
    except Forbidden:
        return None


def invented_password() -> str:
    """A random password that can be read aloud."""
    return passwords.invented()


def user_id_of(login: str) -> int | None:
    """The id of the user with this name or address; for what runs on the machine itself, never for a caller."""
    with db.transaction(auth.NOBODY) as tx:
        found = repo.password(tx, login)
    user = found.first()
    return None if user is None else user.user_id


def me(principal: db.Principal) -> User:
    """The user who calls. Raises NotFound where they were deleted meanwhile."""
    owner_id = _owner(principal)
    with db.transaction(principal) as tx:
        found = repo.user(tx, owner_id)
    user = found.first()
    if user is None:
        raise NotFound(what="user", id=owner_id)
    return user


def change_password(principal: db.Principal, current: str, new: str) -> None:
    """Sets a new password and ends every sign-in; API keys stay.

    Raises WrongCredentials, TooManyAttempts, BadInput.
    """
    owner_id, user = _owner(principal), me(principal)
    attempts.check(user.username)
    _refuse(wrong_password(new, user.username, user.email, field="new_password"))
    with db.transaction(principal) as tx:
        found = repo.password(tx, user.username)
    stored = found.one()
    if not passwords.matches(stored.password_hash, current):
        attempts.failed(user.username)
        raise WrongCredentials
    new_hash = passwords.hashed(new)
    with db.transaction(principal) as tx:
        repo.set_password(tx, owner_id, new_hash)
        repo.end_families(tx)


def create_key(principal: db.Principal, name: str, key: idempotency.Key | None = None) -> NewKey:
    """Makes an API key; what is answered here is shown this once. Raises BadInput."""
    if not 1 <= len(name.strip()) <= MAX_KEY_NAME_CHARS or "\0" in name:
        _refuse([("name", f"1 to {MAX_KEY_NAME_CHARS} characters")])
    owner_id = _owner(principal)
    secret, prefix, secret_hash = auth.new_api_key()
    with db.transaction(principal) as tx:
        entered = idempotency.enter(tx, owner_id, key)
        if (earlier := idempotency.settled(tx, owner_id, key, entered)) is not None:
            return _unsealed(earlier)
        stored = repo.add_key(tx, owner_id, name.strip(), prefix, secret_hash).one()
        made = NewKey(stored.api_key_id, stored.name, stored.prefix, stored.created_at, secret)
        if key is not None:
            idempotency.finish(tx, owner_id, key, _sealed(made))
    return made


def keys(principal: db.Principal, cursor: str | None = None, limit: int = 50) -> pages.Page[ApiKey]:
    """The caller's API keys, the newest first, also the revoked ones. Raises BadInput for an unknown cursor."""
    position = pages.decode(cursor, 1)
    before = None if position is None else _number(position[0])
    owner_id = _owner(principal)
    with db.transaction(principal) as tx:
        found = repo.keys(tx, owner_id, before, limit + 1)
    return pages.page(found.all(), limit, lambda one: [one.api_key_id])


def revoke_key(principal: db.Principal, api_key_id: int) -> ApiKey:
    """Revokes an API key: it is refused from now on. Raises NotFound."""
    owner_id = _owner(principal)
    with db.transaction(principal) as tx:
        found = repo.revoke_key(tx, owner_id, api_key_id)
    revoked = found.first()
    if revoked is None:
        raise NotFound(what="API key", id=api_key_id)
    return revoked


def _owner(principal: db.Principal) -> int:
    if principal.user_id is None:
        raise Unauthenticated(reason="nobody is signed in")
    return principal.user_id


def _refuse(wrong: Wrong) -> None:
    if wrong:
        reason = "; ".join(f"{path}: {message}" for path, message in wrong)
        raise BadInput(reason=reason, fields=[FieldError(path, message) for path, message in wrong])


def _number(value: object) -> int:
    if type(value) is int:
        return value
    raise BadInput(reason="unknown cursor", fields=[FieldError("cursor", "take it from next_cursor of a page")])


def _new_token() -> tuple[str, repo.Token]:
    token, token_hash = auth.new_refresh_token()
    return token, repo.Token(ids.uuid7(), token_hash)


def _refresh_expiry() -> datetime:
    return clock.now() + timedelta(days=settings().refresh_token_days)


def _tokens(user_id: int, family_id: uuid.UUID, refresh_token: str) -> Tokens:
    seconds = settings().access_token_minutes * 60
    return Tokens(auth.access_token(user_id, family_id), refresh_token, seconds)


def _sign_up(tx: db.Transaction, new: NewUser) -> User:
    password_hash = passwords.hashed(new.password)
    made = repo.sign_up(tx, new.username, new.email, new.full_name, password_hash, new.roles).one()
    if made.user_id is None:
        raise Forbidden(reason="only an admin makes users")
    roles = [role for role in ROLES if role in new.roles]
    return User(made.user_id, new.username, new.email, new.full_name, roles, clock.now())


@contextmanager
def _taken(new: NewUser) -> Iterator[None]:
    """Tells which of the two unique things somebody has already."""
    import psycopg.errors

    try:
        yield
    except psycopg.errors.UniqueViolation as error:
        if error.diag.constraint_name == "users_email_key":
            raise EmailTaken(email=new.email) from None
        raise UsernameTaken(username=new.username) from None


def _kept(user: User) -> dict[str, Any]:
    return {**asdict(user), "created_at": user.created_at.isoformat()}


def _user(kept: dict[str, Any]) -> User:
    return User(**{**kept, "created_at": datetime.fromisoformat(kept["created_at"])})


def _sealed(made: NewKey) -> dict[str, Any]:
    """The answer as it may lie in the database for a day: the key itself only under the master key."""
    sealed = base64.b64encode(secrets.encrypt(made.key)).decode()
    return {**asdict(made), "created_at": made.created_at.isoformat(), "key": sealed}


def _unsealed(kept: dict[str, Any]) -> NewKey:
    key = secrets.decrypt(base64.b64decode(kept["key"]))
    return NewKey(**{**kept, "created_at": datetime.fromisoformat(kept["created_at"]), "key": key})

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
    Link,
    NewKey,
    NewUser,
    Tokens,
    User,
    Wrong,
    wrong_password,
    wrong_user,
)
from anima.kernel import auth, clock, db, idempotency, ids, pages, secrets, telemetry
from anima.kernel.config import settings
from anima.kernel.errors import AnimaError, BadInput, Conflict, FieldError, Forbidden, NotFound, Unauthenticated

__all__ = ["ApiKey", "Link", "NewKey", "NewUser", "Tokens", "User"]

FIRST_ADMIN = "admin"
LINK_HOURS = 72
WELCOME = "/console/welcome"
OPERATOR = db.Principal(user_id=None, login="admin")


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


class UserNotFound(NotFound):
    """There is no user {login}."""

    slug = "user-not-found"


class LinkNotValid(AnimaError):
    """This link is unknown, used, replaced by a newer one, or expired; ask for a new one."""

    status = 410
    slug = "link-not-valid"


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


def users(principal: db.Principal, cursor: str | None = None, limit: int = 50) -> pages.Page[User]:
    """Everybody, the newest first; for an admin. Raises Forbidden, and BadInput for an unknown cursor."""
    auth.require(principal, "admin")
    position = pages.decode(cursor, 1)
    with db.transaction(OPERATOR) as tx:
        found = repo.users(tx, None if position is None else _number(position[0]), limit + 1)
    return pages.page(found.all(), limit, lambda one: [one.user_id])


def change_password(
    principal: db.Principal, current: str, new: str, keep: uuid.UUID | None = None, field: str = "new_password"
) -> None:
    """Sets a new password and ends every sign-in, except the one to `keep`; API keys stay.

    Raises WrongCredentials, TooManyAttempts, BadInput (which names the field).
    """
    owner_id, user = _owner(principal), me(principal)
    attempts.check(user.username)
    _refuse(wrong_password(new, user.username, user.email, field=field))
    confirm(principal, current)
    new_hash = passwords.hashed(new)
    with db.transaction(principal) as tx:
        repo.set_password(tx, owner_id, new_hash)
        if keep is None:
            repo.end_families(tx)
        else:
            repo.end_other_families(tx, keep)


def confirm(principal: db.Principal, password: str) -> int:
    """Makes sure that who calls knows the password, and answers their id. Raises WrongCredentials, TooManyAttempts."""
    user = me(principal)
    attempts.check(user.username)
    with db.transaction(principal) as tx:
        found = repo.password(tx, user.username)
    stored = found.first()
    if not passwords.matches(None if stored is None else stored.password_hash, password):
        attempts.failed(user.username)
        raise WrongCredentials
    return user.user_id


def first_admin_link(base_url: str, *, request: str | None = None) -> str | None:
    """Makes the user `admin`, whose only way in is the link answered here; nothing once an admin has a password.

    Called again before that, it answers a new link and voids the one before; the same link where the same `request`
    (an id that nobody else chooses) comes again. Works under the operators' login (anima_admin), for whoever deploys.
    Raises UsernameTaken where somebody who is no admin has that name.
    """
    secret, link_hash = auth.new_link(request)
    with _taken(NewUser(FIRST_ADMIN, "")), db.transaction(OPERATOR) as tx:
        made = repo.first_admin(tx, FIRST_ADMIN, link_hash, _link_expiry()).one().made
    return _link_url(base_url, secret) if made else None


def sign_in_link(login: str, base_url: str) -> Link:
    """A link for a user name or e-mail address, which voids the one before; for whoever runs the place.

    Works under the operators' login (anima_admin): who holds it may get in anyway. Raises UserNotFound.
    """
    secret, link_hash = auth.new_link()
    expires_at = _link_expiry()
    with db.transaction(OPERATOR) as tx:
        found = None if "\0" in login else repo.operator_link(tx, login, link_hash, expires_at).one().username
    if found is None:
        raise UserNotFound(login=login)
    telemetry.info("identity.link_made", by="operator")
    return Link(_link_url(base_url, secret), expires_at)


def make_link(principal: db.Principal, user_id: int, base_url: str) -> Link:
    """A link for somebody, made by an admin; it voids the one before. Raises UserNotFound."""
    secret, link_hash = auth.new_link()
    expires_at = _link_expiry()
    with db.transaction(principal) as tx:
        made = repo.make_link(tx, user_id, link_hash, expires_at)
    if made.one().username is None:
        raise UserNotFound(login=user_id)
    telemetry.info("identity.link_made", by="admin")
    return Link(_link_url(base_url, secret), expires_at)


def use_link(link: str, password: str, address: str | None = None) -> Tokens:
    """Sets the password of whom the link is for, ends their sign-ins, and signs in. The link is used up by it.

    A password that is refused uses nothing up. Raises LinkNotValid, BadInput, and TooManyAttempts after too many
    wrong links from one network address.
    """
    attempt = f"link from {address}"
    attempts.check(attempt)
    link_hash = auth.hash_link(link)
    with db.transaction(auth.NOBODY) as tx:
        found = repo.link(tx, link_hash)
    holder = found.first()
    if holder is None:
        attempts.failed(attempt)
        raise LinkNotValid
    _refuse(wrong_password(password, holder.username, holder.email))
    password_hash = passwords.hashed(password)
    family_id, (refresh_token, token) = ids.uuid7(), _new_token()
    with db.transaction(auth.NOBODY) as tx:
        used = repo.use_link(tx, link_hash, password_hash, family_id, token, _refresh_expiry())
    user_id = used.one().user_id
    if user_id is None:
        raise LinkNotValid
    attempts.succeeded(holder.username)
    return _tokens(user_id, family_id, refresh_token)


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


def _link_expiry() -> datetime:
    return clock.now() + timedelta(hours=LINK_HOURS)


def _link_url(base_url: str, secret: str) -> str:
    """The secret stands behind the #: a browser keeps that part to itself, so no log has it."""
    return f"{base_url.rstrip('/')}{WELCOME}#{secret}"


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

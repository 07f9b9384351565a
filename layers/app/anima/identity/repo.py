"""SQL of identity. What happens before anybody is known goes through the functions of the gate (`auth_…`)."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import LiteralString

from anima.identity.model import ApiKey, User
from anima.kernel import db


@dataclass(frozen=True, slots=True)
class StoredPassword:
    """The hash that a password is checked against."""

    user_id: int
    password_hash: str


@dataclass(frozen=True, slots=True)
class Family:
    """Whose refresh token was exchanged, and the family of both."""

    user_id: int
    family_id: uuid.UUID


@dataclass(frozen=True, slots=True)
class Made:
    """The id of a new user; nothing where the caller may not make one."""

    user_id: int | None


@dataclass(frozen=True, slots=True)
class Named:
    """The name of the user that a link was made for; nothing where there is none, or the caller may not."""

    username: str | None


@dataclass(frozen=True, slots=True)
class FirstAdmin:
    """Whether a link was made: not once an admin has a password."""

    made: bool


@dataclass(frozen=True, slots=True)
class LinkHolder:
    """Whose link it is."""

    user_id: int
    username: str
    email: str | None


PASSWORD = db.Query(
    StoredPassword,
    """
    select user_id, password_hash
    from auth_password(%(login)s)
    """,
)

BEGIN_FAMILY = db.Command(
    """
    select auth_begin_family(%(owner_id)s, %(token_id)s, %(family_id)s, %(token_hash)s, %(expires_at)s)
    """
)

ROTATE = db.Query(
    Family,
    """
    select user_id, family_id
    from auth_rotate(%(token_hash)s, %(new_token_id)s, %(new_token_hash)s, %(expires_at)s)
    """,
)

REVOKE = db.Command("select auth_revoke(%(token_hash)s)")

END_FAMILIES = db.Command("select auth_end_families()")

SIGN_UP = db.Query(
    Made,
    """
    select auth_sign_up(
        %(username)s, %(email)s, %(full_name)s, %(password_hash)s, %(roles)s::text[]
    ) as user_id
    """,
)

_USER: LiteralString = """
    select u.user_id, u.username::text as username, u.email::text as email, u.full_name,
        array(
            select r.role_name from user_roles ur join roles r using (role_id)
            where ur.user_id = u.user_id order by r.role_id
        ) as roles,
        u.created_at
    from users u
"""

USER = db.Query(
    User,
    _USER
    + """
    where u.user_id = %(owner_id)s
    """,
)

USERS = db.Query(
    User,
    _USER
    + """
    where %(before)s::bigint is null or u.user_id < %(before)s
    order by u.user_id desc
    limit %(limit)s
    """,
)

SET_PASSWORD = db.Command(
    """
    update users set password_hash = %(password_hash)s where user_id = %(owner_id)s
    """
)

END_OTHER_FAMILIES = db.Command("select auth_end_families(%(kept_family_id)s)")

MAKE_LINK = db.Query(
    Named,
    """
    select auth_make_link(%(user_id)s, %(link_hash)s, %(expires_at)s) as username
    """,
)

OPERATOR_LINK = db.Query(
    Named,
    """
    select auth_operator_link(%(login)s, %(link_hash)s, %(expires_at)s) as username
    """,
)

FIRST_ADMIN = db.Query(
    FirstAdmin,
    """
    select auth_first_admin(%(username)s, %(link_hash)s, %(expires_at)s) as made
    """,
)

LINK = db.Query(
    LinkHolder,
    """
    select user_id, username, email
    from auth_link(%(link_hash)s)
    """,
)

USE_LINK = db.Query(
    Made,
    """
    select auth_use_link(
        %(link_hash)s, %(password_hash)s, %(token_id)s, %(family_id)s, %(token_hash)s, %(expires_at)s
    ) as user_id
    """,
)

ADD_KEY = db.Query(
    ApiKey,
    """
    insert into api_keys (user_id, key_name, key_prefix, key_secret)
    values (%(owner_id)s, %(name)s, %(prefix)s, %(secret)s)
    returning api_key_id, key_name as name, key_prefix as prefix, created_at, revoked_at
    """,
)

KEYS = db.Query(
    ApiKey,
    """
    select api_key_id, key_name as name, key_prefix as prefix, created_at, revoked_at
    from api_keys
    where user_id = %(owner_id)s and (%(before)s::bigint is null or api_key_id < %(before)s)
    order by api_key_id desc
    limit %(limit)s
    """,
)

REVOKE_KEY = db.Query(
    ApiKey,
    """
    update api_keys set revoked_at = coalesce(revoked_at, now())
    where user_id = %(owner_id)s and api_key_id = %(api_key_id)s
    returning api_key_id, key_name as name, key_prefix as prefix, created_at, revoked_at
    """,
)


def password(tx: db.Transaction, login: str) -> db.Pending[StoredPassword]:
    """The stored hash of a user name or e-mail address."""
    return tx.fetch(PASSWORD, login=login)


def begin_family(tx: db.Transaction, owner_id: int, family_id: uuid.UUID, token: Token, expires_at: datetime) -> None:
    """Stores the first refresh token of a new sign-in."""
    tx.execute(
        BEGIN_FAMILY,
        owner_id=owner_id,
        token_id=token.token_id,
        family_id=family_id,
        token_hash=token.token_hash,
        expires_at=expires_at,
    )


@dataclass(frozen=True, slots=True)
class Token:
    """What is stored of a refresh token."""

    token_id: uuid.UUID
    token_hash: bytes


def rotate(tx: db.Transaction, token_hash: bytes, new: Token, expires_at: datetime) -> db.Pending[Family]:
    """Exchanges a refresh token; no row where it is not valid (any more)."""
    return tx.fetch(
        ROTATE,
        token_hash=token_hash,
        new_token_id=new.token_id,
        new_token_hash=new.token_hash,
        expires_at=expires_at,
    )


def revoke(tx: db.Transaction, token_hash: bytes) -> None:
    """Ends the family of a refresh token, if there is one."""
    tx.execute(REVOKE, token_hash=token_hash)


def end_families(tx: db.Transaction) -> None:
    """Ends every sign-in of the tenant."""
    tx.execute(END_FAMILIES)


def sign_up(
    tx: db.Transaction,
    username: str,
    email: str | None,
    full_name: str | None,
    password_hash: str,
    roles: Sequence[str],
) -> db.Pending[Made]:
    """Makes a user, if the tenant is an admin or nobody is there yet."""
    return tx.fetch(
        SIGN_UP,
        username=username,
        email=email,
        full_name=full_name,
        password_hash=password_hash,
        roles=list(roles),
    )


def user(tx: db.Transaction, owner_id: int) -> db.Pending[User]:
    """The tenant as a user."""
    return tx.fetch(USER, owner_id=owner_id)


def users(tx: db.Transaction, before: int | None, limit: int) -> db.Pending[User]:
    """Users, the newest first: all of them under the operators' login, under any other the tenant alone."""
    return tx.fetch(USERS, before=before, limit=limit)


def set_password(tx: db.Transaction, owner_id: int, password_hash: str) -> None:
    """Stores a new hash of the tenant's password."""
    tx.execute(SET_PASSWORD, owner_id=owner_id, password_hash=password_hash)


def end_other_families(tx: db.Transaction, kept: uuid.UUID) -> None:
    """Ends every sign-in of the tenant but one."""
    tx.execute(END_OTHER_FAMILIES, kept_family_id=kept)


def make_link(tx: db.Transaction, user_id: int, link_hash: bytes, expires_at: datetime) -> db.Pending[Named]:
    """Stores a link for somebody, if the tenant is an admin."""
    return tx.fetch(MAKE_LINK, user_id=user_id, link_hash=link_hash, expires_at=expires_at)


def operator_link(tx: db.Transaction, login: str, link_hash: bytes, expires_at: datetime) -> db.Pending[Named]:
    """Stores a link for a user name or e-mail address; under the login of the operators only."""
    return tx.fetch(OPERATOR_LINK, login=login, link_hash=link_hash, expires_at=expires_at)


def first_admin(tx: db.Transaction, username: str, link_hash: bytes, expires_at: datetime) -> db.Pending[FirstAdmin]:
    """Makes the first admin with a link, if no admin has a password yet; under the login of the operators only."""
    return tx.fetch(FIRST_ADMIN, username=username, link_hash=link_hash, expires_at=expires_at)


def link(tx: db.Transaction, link_hash: bytes) -> db.Pending[LinkHolder]:
    """Whose link it is; no row where it is not good (any more)."""
    return tx.fetch(LINK, link_hash=link_hash)


def use_link(
    tx: db.Transaction, link_hash: bytes, password_hash: str, family_id: uuid.UUID, token: Token, expires_at: datetime
) -> db.Pending[Made]:
    """Uses a link up for a password and a sign-in; nobody where it is not good (any more)."""
    return tx.fetch(
        USE_LINK,
        link_hash=link_hash,
        password_hash=password_hash,
        family_id=family_id,
        token_id=token.token_id,
        token_hash=token.token_hash,
        expires_at=expires_at,
    )


def add_key(tx: db.Transaction, owner_id: int, name: str, prefix: str, secret: bytes) -> db.Pending[ApiKey]:
    """Stores a new API key by its hash."""
    return tx.fetch(ADD_KEY, owner_id=owner_id, name=name, prefix=prefix, secret=secret)


def keys(tx: db.Transaction, owner_id: int, before: int | None, limit: int) -> db.Pending[ApiKey]:
    """API keys, the newest first, also the revoked ones."""
    return tx.fetch(KEYS, owner_id=owner_id, before=before, limit=limit)


def revoke_key(tx: db.Transaction, owner_id: int, api_key_id: int) -> db.Pending[ApiKey]:
    """Revokes an API key; no row where it is not the tenant's."""
    return tx.fetch(REVOKE_KEY, owner_id=owner_id, api_key_id=api_key_id)

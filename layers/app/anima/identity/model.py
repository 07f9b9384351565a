"""What identity speaks of, and the rules for names and passwords."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime

ROLES = ("admin", "operator", "researcher", "viewer")
MIN_PASSWORD_CHARS = 8
MAX_PASSWORD_CHARS = 1000
MAX_FULL_NAME_CHARS = 200
MAX_KEY_NAME_CHARS = 100
# The same rules as the checks of the table.
_USERNAME = re.compile(r"[^\W_]([^\W_]|[._-]){0,63}")
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+")
_COMMON = frozenset(
    "password password1 password123 passw0rd 12345678 123456789 1234567890 qwertyui qwertyuiop qwerty123 "
    "11111111 00000000 iloveyou letmein1 admin123 administrator welcome1 sunshine changeme abcd1234".split()
)

Wrong = list[tuple[str, str]]
"""Pairs of a field and what is accepted there."""


@dataclass(frozen=True, slots=True)
class NewUser:
    """A user to be made."""

    username: str
    password: str
    email: str | None = None
    full_name: str | None = None
    roles: tuple[str, ...] = ("viewer",)


@dataclass(frozen=True, slots=True)
class User:
    """A user, with the roles that hold now."""

    user_id: int
    username: str
    email: str | None
    full_name: str | None
    roles: list[str]
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Tokens:
    """What a sign-in or a refresh gives; `expires_in` is the life of the access token in seconds."""

    access_token: str
    refresh_token: str
    expires_in: int
    token_type: str = "bearer"  # noqa: S105


@dataclass(frozen=True, slots=True)
class Link:
    """A one-time link with which somebody sets a password and is signed in."""

    url: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class ApiKey:
    """An API key as it can be listed: what is visible of it, never the key."""

    api_key_id: int
    name: str
    prefix: str
    created_at: datetime
    revoked_at: datetime | None


@dataclass(frozen=True, slots=True)
class NewKey:
    """A key just made; the only time that it is shown."""

    api_key_id: int
    name: str
    prefix: str
    created_at: datetime
    key: str


def wrong_password(password: str, username: str, email: str | None = None, field: str = "password") -> Wrong:
    """What speaks against a new password; empty if nothing does."""
    folded = password.casefold()
    if not MIN_PASSWORD_CHARS <= len(password) <= MAX_PASSWORD_CHARS:
        return [(field, f"{MIN_PASSWORD_CHARS} to {MAX_PASSWORD_CHARS} characters")]
    if folded in _COMMON or len(set(folded)) < 4:
        return [(field, "a password that is not among the first ones anybody tries")]
    if folded in {username.casefold(), (email or "").casefold(), username.casefold()[::-1]}:
        return [(field, "a password other than the name or the e-mail address")]
    return []


def wrong_user(user: NewUser) -> Wrong:
    """What speaks against a new user; empty if nothing does."""
    wrong: Wrong = []
    if not _USERNAME.fullmatch(user.username):
        wrong.append(("username", "1 to 64 letters, digits, '.', '_' or '-', a letter or digit first"))
    if user.email is not None and (len(user.email) > 254 or not _EMAIL.fullmatch(user.email)):
        wrong.append(("email", "an e-mail address"))
    if user.full_name is not None and (len(user.full_name) > MAX_FULL_NAME_CHARS or "\0" in user.full_name):
        wrong.append(("full_name", f"at most {MAX_FULL_NAME_CHARS} characters"))
    if unknown := sorted(set(user.roles) - set(ROLES)):
        wrong.append(("roles", f"any of {', '.join(ROLES)}; not {', '.join(unknown)}"))
    return wrong + wrong_password(user.password, user.username, user.email)

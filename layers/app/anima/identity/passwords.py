"""Password hashes: argon2id with the parameters of RFC 9106's second recommendation (64 MiB, 3 passes)."""

from __future__ import annotations

import secrets as random
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from argon2 import PasswordHasher

NONE = "!"
"""What is stored for somebody who has no password yet: no password is right."""

_in_use: PasswordHasher | None = None


def _hasher() -> PasswordHasher:
    global _in_use
    if _in_use is None:
        from argon2 import PasswordHasher

        _in_use = PasswordHasher()
    return _in_use


@contextmanager
def use(hasher: PasswordHasher) -> Iterator[None]:
    """Hashes with other parameters for as long as the block lasts."""
    global _in_use
    before, _in_use = _in_use, hasher
    try:
        yield
    finally:
        _in_use = before


@lru_cache(maxsize=4)
def _nobodys(hasher: PasswordHasher) -> str:
    return hasher.hash(random.token_urlsafe())


def hashed(password: str) -> str:
    """The hash of a new password, with its salt and parameters in it."""
    return _hasher().hash(password)


def matches(stored: str | None, password: str) -> bool:
    """Whether a password is right. Nobody (nothing stored) and one without any take the same work."""
    from argon2.exceptions import InvalidHashError, VerificationError

    hasher = _hasher()
    known = None if stored == NONE else stored
    try:
        return hasher.verify(known or _nobodys(hasher), password) and known is not None
    except (VerificationError, InvalidHashError):
        return False


def outdated(stored: str) -> bool:
    """Whether a hash was made with other parameters than those of today."""
    return _hasher().check_needs_rehash(stored)


def invented() -> str:
    """A random password that can be read aloud: three groups of five, 75 bits."""
    alphabet = "abcdefghijkmnpqrstuvwxyz23456789"
    return "-".join("".join(random.choice(alphabet) for _ in range(5)) for _ in range(3))

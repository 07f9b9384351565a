"""The first start: a first user, a first avatar, and a key for the command line of this machine.

Each step looks whether it was done, so that a start that was killed between two of them is finished by the next.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from anima.avatars import service as avatars
from anima.identity import service as identity
from anima.kernel import auth, db
from anima.kernel.config import settings
from anima.kernel.errors import Unauthenticated
from anima.operations.running import write_private

FIRST_USER = "admin"
FIRST_AVATAR = "luna"
_ROLES = ["admin", "operator", "researcher", "viewer"]


@dataclass(frozen=True, slots=True)
class FirstUser:
    """The first user and the password, which is shown this once."""

    username: str
    password: str


def key_file() -> Path:
    """Where the command line of this machine finds its key."""
    return settings().data_dir / "cli.json"


def _untold_file() -> Path:
    """Holds the first password until it was told."""
    return settings().data_dir / "first-user.json"


def ensure() -> None:
    """Makes the first user, with avatar and key, if nobody is there."""
    _sign_up()
    found = user_id()
    if found is not None and not _key_holds():
        _equip(db.Principal(found, frozenset(_ROLES)))


def untold() -> FirstUser | None:
    """The first user, as long as nobody was told the password."""
    try:
        kept = json.loads(_untold_file().read_text())
        return FirstUser(str(kept["username"]), str(kept["password"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def told() -> None:
    """The password was shown: it is kept nowhere from now on."""
    _untold_file().unlink(missing_ok=True)


def user_id() -> int | None:
    """The first user, if there is one of that name."""
    return identity.user_id_of(FIRST_USER)


def _sign_up() -> None:
    """The password is written down before it counts, so that no crash can make a user whose password nobody knows."""
    mine = untold() or FirstUser(FIRST_USER, identity.invented_password())
    if user_id() is not None:
        return
    write_private(_untold_file(), {"username": mine.username, "password": mine.password})
    if identity.first_user(mine.username, _ROLES, mine.password) is None:  # others are there already
        told()


def _key_holds() -> bool:
    """Whether the command line's key is there, and one of this database."""
    try:
        auth.authenticate(str(json.loads(key_file().read_text())["key"]))
    except (OSError, ValueError, KeyError, TypeError, Unauthenticated):
        return False
    return True


def _equip(principal: db.Principal) -> None:
    if not avatars.list_avatars(principal, cursor=None, limit=1).items:
        avatars.create(principal, avatars.NewAvatar(name="Luna", personality=FIRST_AVATAR))
    key = identity.create_key(principal, "command line of this machine")
    write_private(key_file(), {"username": FIRST_USER, "key": key.key})

"""The master key, and what is derived from it: passwords of logins, hashes of keys, encryption at rest."""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
from functools import lru_cache
from pathlib import Path

from anima.kernel.config import settings
from anima.kernel.errors import AnimaError


class BadCiphertext(AnimaError):
    """A stored secret cannot be read with the present master key."""

    slug = "bad-ciphertext"


def _key_file(path: Path) -> bytes:
    """Reads the key file; makes it first, whole or not at all, readable by its owner only."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_name(f".{path.name}.{os.getpid()}")
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(base64.urlsafe_b64encode(os.urandom(32)))
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(draft, path)
        except FileExistsError:
            pass
        finally:
            draft.unlink()
    return path.read_bytes().strip()


@lru_cache(maxsize=1)
def master_key() -> bytes:
    """The master key: SECRET_KEY, else the key file in the data folder."""
    configured = settings().secret_key
    if configured is not None:
        return configured.get_secret_value().encode()
    return _key_file(settings().data_dir / "secret.key")


def derive(purpose: str) -> bytes:
    """A key of 32 bytes for one purpose (HMAC-SHA256 of the purpose under the master key)."""
    return hmac.new(master_key(), purpose.encode(), hashlib.sha256).digest()


def login_password(login: str) -> str:
    """The password of one of our database logins."""
    return base64.urlsafe_b64encode(derive(f"database-login:{login}")).decode().rstrip("=")


def keyed_hash(purpose: str, secret: str) -> bytes:
    """A hash that the database alone does not let anybody reverse or forge."""
    return hmac.new(derive(purpose), secret.encode(), hashlib.sha256).digest()


def encrypt(plain: str) -> bytes:
    """Encrypts a secret for the database (Fernet: AES-128-CBC with HMAC-SHA256)."""
    from cryptography.fernet import Fernet

    return Fernet(base64.urlsafe_b64encode(derive("secrets-at-rest"))).encrypt(plain.encode())


def decrypt(cipher: bytes) -> str:
    """Reads what `encrypt` wrote; raises BadCiphertext under another key."""
    from cryptography.fernet import Fernet, InvalidToken

    try:
        return Fernet(base64.urlsafe_b64encode(derive("secrets-at-rest"))).decrypt(cipher).decode()
    except InvalidToken:
        raise BadCiphertext from None

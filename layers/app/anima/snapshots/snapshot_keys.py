"""The key that an installation signs its snapshots with (Ed25519, RFC 8032), derived from its master key."""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from anima.kernel import secrets

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

ALGORITHM = "Ed25519"
_CONTEXT = b"anima-snapshot-1\n"
"""Stands before what is signed, so that a signature of something else never passes for one of a snapshot."""


def own() -> str:
    """The fingerprint of this installation: the first 32 hexadecimal digits of the SHA-256 of its public key."""
    return fingerprint(_public(_key()))


def fingerprint(public: bytes) -> str:
    """The fingerprint of a public key (its 32 raw bytes)."""
    return hashlib.sha256(public).hexdigest()[:32]


def sign(digest: bytes) -> dict[str, str]:
    """The signature of a digest, with all that is needed to check it."""
    key = _key()
    public = _public(key)
    return {
        "algorithm": ALGORITHM,
        "fingerprint": fingerprint(public),
        "public_key": base64.b64encode(public).decode(),
        "value": base64.b64encode(key.sign(_CONTEXT + digest)).decode(),
    }


def verified(signature: Mapping[str, Any], digest: bytes) -> str | None:
    """The fingerprint of whoever signed this digest; nothing where the signature is not good."""
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    try:
        public = base64.b64decode(signature["public_key"], validate=True)
        value = base64.b64decode(signature["value"], validate=True)
        Ed25519PublicKey.from_public_bytes(public).verify(value, _CONTEXT + digest)
    except (InvalidSignature, KeyError, TypeError, ValueError, binascii.Error):
        return None
    good = signature.get("algorithm") == ALGORITHM and signature.get("fingerprint") == fingerprint(public)
    return fingerprint(public) if good else None


def _key() -> Ed25519PrivateKey:
    return _made(secrets.derive("snapshots"))


@lru_cache(maxsize=2)
def _made(seed: bytes) -> Ed25519PrivateKey:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    return Ed25519PrivateKey.from_private_bytes(seed)


def _public(key: Ed25519PrivateKey) -> bytes:
    return key.public_key().public_bytes_raw()

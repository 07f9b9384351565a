"""What of a repository is nobody's business: files that hold secrets, and secrets in files that hold other things."""

from __future__ import annotations

import fnmatch
import re

_FILES = (
    *(".env*", "*.env", "*.pem", "*.key", "*.p12", "*.pfx", "*.jks", "*.keystore", "*.kdbx", "*.asc", "*.gpg", "*.ppk"),
    *("id_rsa*", "id_dsa*", "id_ecdsa*", "id_ed25519*", "*.tfstate*", "*.tfvars*", ".netrc", "_netrc", ".npmrc"),
    *(".pypirc", ".htpasswd", "htpasswd", ".pgpass", "*.ovpn", "*.p8", "*.der", "*.crt", "kubeconfig*", ".dockercfg"),
    *("*.token", "*service-account*.json"),
)
_NAMED = ("*credential*", "*secret*", "*password*", "*passwd*")
# What is called like that and is data holds them; what is a program only deals with them.
_DATA = frozenset("json yaml yml toml ini cfg conf txt xml properties csv md env".split())
_PRIVATE_KEY = re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY")
# Every repetition has an end: a line of one letter must not take minutes.
_ASSIGNED = re.compile(
    r"(?P<name>[\w.-]{0,64}(?:passw(?:or)?d|passphrase|secret|token|api[_-]?key|access[_-]?key|private[_-]?key|credential)"
    r"[\w.-]{0,64}[\"']?\s{0,64}(?:[:=]|=>)\s{0,64})(?P<value>[\"'][^\"'\n]{4,}[\"']|(?![\w.]{0,200}\(|None\b|null\b|str\b)[^\s\"',;(){}]{8,})",
    re.IGNORECASE,
)
_KNOWN = re.compile(
    r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b|\bsk-[A-Za-z0-9_-]{16,}|\bgh[pousr]_[A-Za-z0-9]{20,}|\bxox[abpr]-[A-Za-z0-9-]{10,}"
    r"|\beyJ[A-Za-z0-9_-]{10,4000}\.[A-Za-z0-9_-]{10,4000}\.[A-Za-z0-9_-]+|://[^/\s:@]+:(?P<password>[^/\s:@]{3,})@"
)


def is_secret_file(name: str) -> bool:
    """Whether a file is left alone for its name."""
    lowered = name.lower()
    if any(fnmatch.fnmatchcase(lowered, pattern) for pattern in _FILES):
        return True
    ending = lowered.rpartition(".")[2] if "." in lowered else ""
    is_data = not ending or ending in _DATA
    return is_data and any(fnmatch.fnmatchcase(lowered, pattern) for pattern in _NAMED)


def holds_private_key(text: str) -> bool:
    """Whether a file is left alone for what it holds."""
    return _PRIVATE_KEY.search(text) is not None


def without_secrets(text: str) -> str:
    """A text with what looks like a secret taken out."""
    text = _ASSIGNED.sub(lambda found: f"{found['name']}…", text)
    return _KNOWN.sub("…", text)

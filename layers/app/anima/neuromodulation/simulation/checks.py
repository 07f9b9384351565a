"""What words, paths, hosts and addresses of a simulation file may be; each returns what it was given, or ValueError."""

from __future__ import annotations

import ipaddress
import re
from pathlib import PurePosixPath
from urllib.parse import SplitResult, urlsplit

_ENVIRONMENT = re.compile(r"(?:[A-Za-z_][\w.]*:)?(?:[\w-]+/)?[\w:.-]+")
_LABEL = re.compile(r"(?!-)[A-Za-z0-9-]{1,63}(?<!-)")
_NAME = re.compile(r"[a-z][a-z0-9_]{0,31}")


def printable(text: str) -> str:
    """Words without control characters."""
    if any(ord(each) < 32 or 0xD800 <= ord(each) < 0xE000 for each in text):
        raise ValueError("holds a control character; words on one line are accepted")
    return text


def a_name(text: str) -> str:
    """What a modulator or a target may be called."""
    if not _NAME.fullmatch(text):
        raise ValueError("is no name; a lower-case letter, then letters, digits and _, 32 at most, are accepted")
    return text


def an_environment(text: str) -> str:
    """A Gymnasium id."""
    if not _ENVIRONMENT.fullmatch(text):
        raise ValueError("is no id of Gymnasium; accepted is Name-v0, namespace/Name-v0 or module:Name-v0")
    return text


def a_folder(text: str) -> str:
    """A path that stays below the folder of the run."""
    path = PurePosixPath(printable(text))
    if path.is_absolute() or ".." in path.parts or "\\" in text or ":" in text or path == PurePosixPath():
        raise ValueError("leaves the folder of the run; a relative path without .. is accepted")
    return text


def a_host(text: str) -> str:
    """An address or the name of a host."""
    try:
        ipaddress.ip_address(text)
    except ValueError:
        if not all(_LABEL.fullmatch(label) for label in text.split(".")):
            raise ValueError("is no host; an IP address or a name such as localhost is accepted") from None
    return text


def a_url(text: str) -> str:
    """An address of HTTP, without a password in it."""
    parts = _split(printable(text))
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.username or parts.password:
        raise ValueError("is no address; http:// or https:// and a host, without a password, is accepted")
    return text


def an_origin(text: str) -> str:
    """Scheme, host and port, nothing else."""
    parts = _split(printable(text))
    rest = parts.path or parts.query or parts.fragment or parts.username
    if parts.scheme not in ("http", "https") or not parts.hostname or rest:
        raise ValueError("is no origin; scheme://host:port is accepted")
    return text


def _split(text: str) -> SplitResult:
    try:
        split = urlsplit(text)
        _ = split.port  # out of range: ValueError
    except ValueError:
        raise ValueError("is no address; http:// or https:// and a host is accepted") from None
    return split

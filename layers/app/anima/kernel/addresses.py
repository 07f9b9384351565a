"""Which addresses of other machines may be called: those of the public internet, and hosts that settings name.

A name is looked up once, and whoever calls connects to an address that was checked: a name that answers otherwise the
next time (DNS rebinding) changes nothing.
"""

from __future__ import annotations

import ipaddress
import re
import socket
import threading
from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit

from anima.kernel.config import settings
from anima.kernel.errors import BadInput, Unavailable

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

LOOKUP_SECONDS = 5.0
_PORTS = {"http": 80, "https": 443}
_STRANGE = re.compile(r"[\x00-\x20\x7f\\]")
_NAME = re.compile(r"(?!-)[a-z0-9_-]{1,63}(\.[a-z0-9_-]{1,63})*")
# Public by their numbers, but a cloud's own: Azure's agent of virtual machines.
_METADATA = frozenset({ipaddress.ip_address("168.63.129.16")})
_NAT64 = ipaddress.ip_network("64:ff9b::/96")
# Tunnels and old forms that carry an IPv4 address within; nobody publishes a service under them.
_CARRIERS = tuple(
    map(
        ipaddress.ip_network,
        ("::/96", "64:ff9b:1::/48", "2001::/32", "2002::/16", "fec0::/10", "3fff::/20", "5f00::/16"),
    )
)


class BadAddress(BadInput):
    """This is no address that can be called: {reason}."""

    slug = "bad-address"
    quoted = ("reason",)


class PrivateAddress(BadInput):
    """{host} is not an address of the public internet, and ANIMA_PRIVATE_HOSTS does not make an exception of it."""

    slug = "private-address"
    quoted = ("host",)


class UnknownHost(Unavailable):
    """The name {host} leads to no address."""

    slug = "unknown-host-name"
    quoted = ("host",)


@dataclass(frozen=True, slots=True)
class Checked:
    """A URL that may be called, and the address of its host that was checked.

    Connect to `address` and `port`; `host` is the name for TLS and for the Host header.
    """

    url: str
    scheme: str
    host: str
    port: int
    address: str

    @property
    def pinned(self) -> str:
        """The URL with the checked address in place of the name."""
        return urlsplit(self.url)._replace(netloc=f"{_bracketed(self.address)}:{self.port}").geturl()

    @property
    def host_header(self) -> str:
        """What the Host header says, as for the URL itself."""
        host = _bracketed(self.host)
        return host if self.port == _PORTS.get(self.scheme) else f"{host}:{self.port}"


def check_public(
    url: str, schemes: tuple[str, ...] = ("http", "https"), port: int | None = None, *, anywhere: bool = False
) -> Checked:
    """The URL with an address of its host to connect to.

    Every address that the name has must be public, else none is given; `port` is for schemes without a usual one.
    `anywhere`: an admin lets this one lie in a network of one's own; at a cloud's own addresses it still may not.
    Raises BadAddress, PrivateAddress, UnknownHost.
    """
    parts = _split(url, schemes)
    host = _ascii(parts.hostname or "")
    number = _port(parts) or port or _PORTS.get(parts.scheme)
    if number is None:
        raise BadAddress(reason="it names no port")
    found = _looked_up(host, number)
    fits = _is_of_a_network if anywhere else is_public
    if not _is_allowed(host, number) and not all(map(fits, found)):
        raise PrivateAddress(host=host)
    return Checked(url, parts.scheme, host, number, str(found[0]))


def check_form(url: str, schemes: tuple[str, ...] = ("http", "https")) -> None:
    """Whether a URL is one that may be looked up; nothing is looked up yet. Raises BadAddress, PrivateAddress."""
    parts = _split(url, schemes)
    host = _ascii(parts.hostname or "")
    _port(parts)
    try:
        literal = ipaddress.ip_address(host)
    except ValueError:
        return
    if not is_public(literal) and not _is_allowed(host, parts.port or _PORTS.get(parts.scheme)):
        raise PrivateAddress(host=host)


def is_public(address: Address) -> bool:
    """Whether an address is one of the public internet, whatever form it comes in."""
    inner = _inner(address)
    if inner is not None:
        return is_public(inner)
    if address in _METADATA or any(address in net for net in _CARRIERS if net.version == address.version):
        return False
    return address.is_global and not (address.is_multicast or address.is_reserved or address.is_unspecified)


def _is_of_a_network(address: Address) -> bool:
    """Whether an address is public or of a network of one's own: none that a cloud keeps for itself."""
    inner = _inner(address) or address
    return inner not in _METADATA and not (inner.is_link_local or inner.is_multicast or inner.is_unspecified)


def _is_allowed(host: str, port: int | None) -> bool:
    """Whether the settings say that a host may be called wherever it is."""
    allowed = {each.strip().lower() for each in settings().private_hosts}
    return bool({host, f"{_bracketed(host)}:{port}"} & allowed)


def _inner(address: Address) -> ipaddress.IPv4Address | None:
    """The IPv4 address that an IPv6 one stands for: mapped, or by NAT64."""
    if isinstance(address, ipaddress.IPv4Address):
        return None
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    return ipaddress.IPv4Address(int(address) & 0xFFFF_FFFF) if address in _NAT64 else None


def _split(url: str, schemes: tuple[str, ...]) -> SplitResult:
    if len(url) > 4000 or _STRANGE.search(url):
        raise BadAddress(reason="an address has at most 4000 characters, no spaces and no backslashes")
    try:
        parts = urlsplit(url)
        named = bool(parts.hostname)
    except ValueError:
        raise BadAddress(reason="it cannot be read") from None
    if parts.scheme not in schemes:
        raise BadAddress(reason=f"it begins with {' or '.join(f'{each}://' for each in schemes)}")
    if not named:
        raise BadAddress(reason="it names no host")
    if parts.username is not None or parts.password is not None:
        raise BadAddress(reason="it holds a name or a password")
    return parts


def _port(parts: SplitResult) -> int | None:
    try:
        number = parts.port
    except ValueError:
        raise BadAddress(reason="its port is none") from None
    if number == 0:
        raise BadAddress(reason="its port is none")
    return number


def _ascii(host: str) -> str:
    """The host as names are looked up: an address as it is, else letters of ASCII."""
    if "%" in host:
        raise BadAddress(reason="its host is none")
    try:
        return str(ipaddress.ip_address(host))
    except ValueError:
        pass
    try:
        name = (host.lower() if host.isascii() else host.encode("idna").decode()).removesuffix(".")
    except UnicodeError:
        name = ""
    if len(name) > 253 or not _NAME.fullmatch(name):
        raise BadAddress(reason="its host is none")
    return name


def _looked_up(host: str, port: int) -> list[Address]:
    """The addresses of a name, waited for so long only: the system's own patience has no limit that one can set."""
    found: list[Address] = []

    def look() -> None:
        try:
            infos = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError):
            return
        found.extend(ipaddress.ip_address(str(info[4][0]).partition("%")[0]) for info in infos)

    thread = threading.Thread(target=look, name="lookup", daemon=True)
    thread.start()
    thread.join(LOOKUP_SECONDS)
    answered = list(found)
    if not answered:
        raise UnknownHost(what="The host", host=host)
    return answered


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host

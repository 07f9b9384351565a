"""URLs of Postgres: read, changed in one part, recognised as a pooler's, made safe for the way to another machine."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, replace
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit

from anima.kernel.config import settings
from anima.kernel.errors import AnimaError

# Ports on which PgBouncer (its default) and Supavisor (transaction mode) listen.
_POOLER_PORTS = frozenset({6432, 6543})
_LOCAL = re.compile(r"|[/@][^,]*|localhost|127(\.\d{1,3}){3}|::1", re.IGNORECASE)
# Where systems keep the authorities that they trust: Debian, Red Hat and Amazon Linux, SUSE, macOS and Alpine.
_AUTHORITIES = (
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
)
_STRAY = ("PGHOSTADDR", "PGHOST")
# A server that vanished without a word is noticed in seconds; by itself TCP would wait for it a quarter of an hour.
_LIMITS = {"connect_timeout": "10", "keepalives_idle": "10", "keepalives_interval": "5", "keepalives_count": "3"}
_LIMITS["tcp_user_timeout"] = "15000"  # milliseconds


class BadDatabaseUrl(AnimaError):
    """The database URL is not of the form postgresql://user:password@host:port/name: {reason}."""

    slug = "bad-database-url"


class UnverifiedDatabase(AnimaError):
    """The database at {host} is on another machine, and sslmode={mode} would not verify that it is the one:
    take it out of the URL, or set ANIMA_DATABASE_TLS=url if its network is your own.
    """

    slug = "unverified-database"


@dataclass(frozen=True, slots=True)
class DatabaseUrl:
    """The parts of a URL, decoded; `str()` gives the URL back."""

    user: str | None
    password: str | None
    host: str | None
    port: int | None
    dbname: str | None
    options: tuple[tuple[str, str], ...] = ()

    def __str__(self) -> str:
        """The URL with every part encoded as libpq reads it."""
        login = "" if self.user is None else quote(self.user, safe="")
        if self.password is not None:
            login += ":" + quote(self.password, safe="")
        # An IPv6 address keeps its brackets, the path of a socket becomes %2F….
        host = self.host or ""
        place = f"[{host}]" if ":" in host else quote(host, safe="")
        if self.port is not None:
            place += f":{self.port}"
        at = "@" if login else ""
        path = "" if self.dbname is None else "/" + quote(self.dbname, safe="")
        query = "?" + urlencode(self.options, quote_via=quote) if self.options else ""
        return f"postgresql://{login}{at}{place}{path}{query}"

    def __repr__(self) -> str:
        """Without the password: it must not reach a log."""
        return f"DatabaseUrl({str(replace(self, password=None, options=()))!r})"

    @property
    def where(self) -> str:
        """Host, port and database, for messages."""
        return f"{self.host or 'localhost'}:{self.port or 5432}/{self.dbname or ''}"


def _host(netloc: str) -> str | None:
    """The host as written: `urlsplit().hostname` is in lower case, but the path of a socket has case."""
    place = netloc.rpartition("@")[2]
    if "," in place:
        raise BadDatabaseUrl(reason="more than one host")
    host = place[1:].partition("]")[0] if place.startswith("[") else place.partition(":")[0]
    return unquote(host) or None


def parse(url: str) -> DatabaseUrl:
    """Reads a URL; raises BadDatabaseUrl (which never repeats the URL: it holds a password)."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise BadDatabaseUrl(reason="host or port cannot be read") from None
    if parts.scheme not in {"postgres", "postgresql"}:
        raise BadDatabaseUrl(reason="it does not begin with postgresql://")
    return DatabaseUrl(
        user=None if parts.username is None else unquote(parts.username),
        password=None if parts.password is None else unquote(parts.password),
        host=_host(parts.netloc),
        port=port,
        dbname=unquote(parts.path[1:]) or None,
        options=tuple(parse_qsl(parts.query, keep_blank_values=True)),
    )


def with_login(url: str, user: str, password: str | None) -> str:
    """The same database under another login."""
    return str(replace(parse(url), user=user, password=password))


def with_database(url: str, dbname: str) -> str:
    """Another database of the same server, under the same login."""
    return str(replace(parse(url), dbname=dbname))


def with_address(url: str, host: str, port: int | None = None) -> str:
    """The same database and login at another address (a proxy, a pooler, a branch)."""
    return str(replace(parse(url), host=host, port=port))


def is_pooled(url: str) -> bool:
    """Whether the URL leads to a pooler: a `-pooler` host (Neon), its usual port, or `pgbouncer=true`."""
    parts = parse(url)
    first_label = (parts.host or "").split(".")[0]
    named = first_label.endswith("-pooler") or first_label == "pgbouncer"
    return named or parts.port in _POOLER_PORTS or ("pgbouncer", "true") in parts.options


def hidden(url: str) -> str:
    """The URL for a log: without password and options."""
    return str(replace(parse(url), password=None, options=()))


def is_local(url: str) -> bool:
    """Whether the URL leads to this machine: by a socket, or by the loopback interface."""
    parts = parse(url)
    given = dict(parts.options)
    # As libpq chooses: an address before a name, the query before the place, a service before the environment.
    host = given.get("hostaddr") or given.get("host") or parts.host
    service = given.get("service") or os.environ.get("PGSERVICE")  # its file may name any place
    stray = "elsewhere" if service else next((os.environ[name] for name in _STRAY if os.environ.get(name)), "")
    return _LOCAL.fullmatch(host or stray) is not None


def for_libpq(url: str) -> str:
    """The URL as psycopg, pg_dump and pg_restore are given it: what is on another machine is verified by TLS.

    The authorities are those of the system, or the URL's own sslrootcert. `require` and `verify-ca` are raised to
    `verify-full`. Raises BadDatabaseUrl; UnverifiedDatabase where the URL asks for less and no setting allows it.
    """
    parts = parse(url)
    # Options of other drivers. libpq reads `ssl=true` as `sslmode=require`, and so takes back what was asked before.
    options = _LIMITS | {name: value for name, value in parts.options if name not in {"pgbouncer", "ssl"}}
    if parts.host or options.get("host"):
        options.setdefault("hostaddr", "")  # else one of the environment or of a service would go before the host
    if not is_local(url) and not (options.get("sslmode") and settings().database_tls == "url"):
        mode = options.get("sslmode", "verify-full")
        if mode not in {"require", "verify-ca", "verify-full"}:
            raise UnverifiedDatabase(host=parts.host, mode=mode)
        options |= {"sslmode": "verify-full", "gssencmode": "disable"}
        options.setdefault("sslrootcert", "system")
    if options.get("sslrootcert") == "system":
        options["sslrootcert"] = authorities()
    return str(replace(parts, options=tuple(options.items())))


def authorities() -> str:
    """The file of the certificates that this system trusts. The libpq in wheels looks for `system` where nothing is."""
    for file in (os.environ.get("SSL_CERT_FILE", ""), *_AUTHORITIES):
        if os.path.isfile(file):
            return file
    import certifi

    return certifi.where()

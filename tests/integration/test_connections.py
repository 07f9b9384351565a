"""Connections as they are made and kept: verified by TLS, as many as allowed, good when they are handed out."""

from __future__ import annotations

import ast
import contextlib
import datetime
import ipaddress
import ssl
import struct
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from socketserver import BaseRequestHandler, ThreadingTCPServer
from typing import Any

import psycopg
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from anima.kernel import auth, connections, db
from anima.kernel.connections import Pool
from anima.kernel.errors import DatabaseUnavailable
from anima.kernel.postgres import urls
from fixtures.api import Person
from fixtures.proxy import Proxy

HOST = "127.0.0.1"


def certified(folder: Path, name: str, address: str) -> ssl.SSLContext:
    """A server's certificate for an address, by an authority of its own, which lies in `name`.pem."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(address))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem, private = folder / f"{name}.pem", folder / f"{name}.key"
    pem.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    private.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem, private)
    return context


class Front(BaseRequestHandler):
    """Speaks TLS before a Postgres, and says whether it was asked to."""

    context: ssl.SSLContext
    target: Proxy

    def handle(self) -> None:
        import socket

        first = self.request.recv(8)
        if struct.unpack("!ii", first)[1] != 80877103:
            return
        self.request.sendall(b"S")
        with contextlib.suppress(OSError):
            inner = self.context.wrap_socket(self.request, server_side=True)
            server = socket.create_connection((HOST, self.target.port))
            threading.Thread(target=_copied, args=(server, inner), daemon=True).start()
            _copied(inner, server)


def _copied(source: Any, sink: Any) -> None:
    import socket

    with contextlib.suppress(OSError):
        while data := source.recv(65_536):
            sink.sendall(data)
        sink.shutdown(socket.SHUT_RDWR)


@contextlib.contextmanager
def encrypted(context: ssl.SSLContext, proxy: Proxy) -> Iterator[int]:
    handler = type("Handler", (Front,), {"context": context, "target": proxy})
    with ThreadingTCPServer((HOST, 0), handler) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield int(server.server_address[1])
        server.shutdown()


def as_if_elsewhere(database: Any, port: int) -> str:
    """The URL of the app's login with the options that a database on another machine gets."""
    elsewhere = urls.parse(urls.for_libpq("postgresql://ep-blue-1.neon.tech/d?sslmode=require"))
    login = urls.parse(database.app_url)
    return str(replace(login, port=port, options=elsewhere.options))


def test_a_server_that_the_system_trusts_is_spoken_to(
    database: Any, proxy: Proxy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    context = certified(tmp_path, "trusted", HOST)
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "trusted.pem"))
    with encrypted(context, proxy) as port, connections.dial(as_if_elsewhere(database, port)) as connection:
        assert connection.pgconn.ssl_in_use
        assert connection.execute("select current_user").fetchone() == ("anima_app",)


@pytest.mark.parametrize(("trusted", "address"), [("another", HOST), ("shown", "127.0.0.2")])
def test_a_server_that_nobody_vouches_for_is_not(
    database: Any,
    proxy: Proxy,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    trusted: str,
    address: str,
) -> None:
    """One of a strange authority, and one whose certificate is for another address."""
    certified(tmp_path, "another", HOST)
    context = certified(tmp_path, "shown", address)
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / f"{trusted}.pem"))
    with encrypted(context, proxy) as port, pytest.raises(psycopg.OperationalError, match="certificate"):
        connections.dial(as_if_elsewhere(database, port))
    assert proxy.tries <= 1
    assert proxy.open == 0


def test_a_server_without_tls_is_not_spoken_to_in_clear(database: Any, proxy: Proxy) -> None:
    with pytest.raises(psycopg.OperationalError, match="does not support SSL"):
        connections.dial(as_if_elsewhere(database, proxy.port))
    assert proxy.tries == 1, "it is final"


def test_an_unverified_database_elsewhere_is_never_dialled(database: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    dialled: list[object] = []
    monkeypatch.setattr(psycopg, "connect", lambda *given, **_: dialled.append(given))
    with pytest.raises(urls.UnverifiedDatabase):
        connections.dial("postgresql://o:secret@db.example/d?sslmode=disable")
    assert not dialled


def test_nobody_in_the_house_connects_another_way() -> None:
    """Every connection of the house is dialled, or made to a URL that is fit for libpq; the launcher's own is local."""
    house = Path(urls.__file__).parents[2]
    ways = ("psycopg.connect", "Connection.connect")
    found = [
        (path.name, ast.unparse(node.args[0]))
        for path in sorted(house.rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and ast.unparse(node.func).endswith(ways)
    ]
    assert ("connections.py", "target") in found
    strange = [(name, url) for name, url in found if not url.startswith("for_libpq(") and name != "postmaster.py"]
    assert strange == [("connections.py", "target")]


@pytest.fixture
def pool(database: Any, proxy: Proxy) -> Iterator[Pool]:
    made = Pool(lambda: proxy.url(database.app_url), 2)
    yield made
    made.close()


def test_the_connection_used_last_is_used_again(pool: Pool, proxy: Proxy) -> None:
    one, two = pool.get(), pool.get()
    assert pool.get_stats() == {"pool_max": 2, "pool_size": 2, "pool_available": 0, "requests_waiting": 0}
    pool.put(two)
    pool.put(one)
    assert pool.get() is one
    assert pool.get_stats()["pool_available"] == 1
    assert proxy.connections == 2


def test_when_all_are_lent_one_waits_until_patience_ends(pool: Pool) -> None:
    one, _two = pool.get(), pool.get()
    with connections.patient(0.05) as left:
        with pytest.raises(DatabaseUnavailable):
            pool.get()
        assert left.left == 0
    threading.Timer(0.05, pool.put, [one]).start()
    assert pool.get() is one


def test_what_broke_or_was_left_in_the_middle_is_not_handed_on(pool: Pool, proxy: Proxy) -> None:
    broken = pool.get()
    proxy.cut()
    with pytest.raises(psycopg.OperationalError):
        broken.execute("select 1")
    pool.put(broken)
    open_transaction = pool.get()
    open_transaction.execute("begin")
    pool.put(open_transaction)
    assert open_transaction.closed
    again = pool.get()
    assert again.execute("select 1").fetchone() == (1,)
    pool.put(again)


def test_what_was_idle_for_long_is_made_anew(pool: Pool, monkeypatch: pytest.MonkeyPatch) -> None:
    old = pool.get()
    pool.put(old)
    monkeypatch.setattr(connections, "_IDLE_SECONDS", -1.0)
    assert pool.get() is not old
    assert old.closed


def test_a_pool_that_was_closed_closes_what_comes_back(pool: Pool) -> None:
    lent, idle = pool.get(), pool.get()
    pool.put(idle)
    pool.close()
    assert idle.closed
    assert not lent.closed
    pool.put(lent)
    assert lent.closed


def test_a_place_is_free_again_when_nobody_could_connect(pool: Pool, proxy: Proxy) -> None:
    proxy.refuse(100, "28P01", 'password authentication failed for user "anima_app"')
    for _ in range(3):
        with pytest.raises(psycopg.OperationalError, match="authentication failed"):
            pool.get()
    assert proxy.tries == 3, "a wrong password is not tried again"
    proxy.refuse(0)
    for connection in (pool.get(), pool.get()):
        pool.put(connection)
    assert pool.get_stats()["pool_size"] == 2


def test_the_caller_of_a_house_with_a_wrong_password_hears_503(
    database: Any, alice: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    from anima.kernel import config

    monkeypatch.setenv("ANIMA_APP_DATABASE_URL", urls.with_login(database.app_url, "anima_app", "wrong"))
    db.close_pools()
    config.settings.cache_clear()
    try:
        answer = alice.http.get("/api/v1/users/me")
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "2")
        assert "wrong" not in answer.text
        with pytest.raises(DatabaseUnavailable), db.transaction(auth.NOBODY):
            pass
    finally:
        db.close_pools()
        monkeypatch.undo()
        config.settings.cache_clear()

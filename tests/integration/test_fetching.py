"""What is fetched from the web, from where it is not, and what a hostile server cannot do."""

from __future__ import annotations

import datetime
import gzip
import hashlib
import ipaddress
import socket
import ssl
from collections.abc import Callable
from pathlib import Path

import pytest

from anima.kernel import addresses
from anima.kernel.config import settings
from anima.kernel.errors import AnimaError, TooLarge
from anima.vendors import web as vendor
from anima.vendors.web.errors import NotFetched, NotReached
from fixtures.hostile_web import Web, moved, said, start

LIMIT = 100_000


def fetch(url: str, path: Path, seconds: float = 5.0) -> vendor.Fetched:
    return vendor.fetch(url, path, max_bytes=LIMIT, seconds=seconds)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "fetched"


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> dict[str, list[str]]:
    """What names lead to; each look-up takes the first, and leaves the last."""
    known: dict[str, list[str]] = {}
    real = socket.getaddrinfo

    def looked_up(host: str, port: int, *args: object, **more: object) -> object:
        if host not in known:
            return real(host, port, *args, **more)  # type: ignore[arg-type]
        found = known[host]
        address = found.pop(0) if len(found) > 1 else found[0]
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        return [(family, socket.SOCK_STREAM, 6, "", (address, port))]

    monkeypatch.setattr(socket, "getaddrinfo", looked_up)
    return known


def test_a_file_is_fetched_with_its_name_and_its_hash(web: Web, path: Path) -> None:
    body = b"Breakfast is served from seven to ten."
    web.paths["/house/rules.md"] = said(body, "Content-Type: text/markdown; charset=utf-8")
    found = fetch(web.url("/house/rules.md#breakfast"), path)
    assert path.read_bytes() == body
    assert (found.name, found.media_type, found.size) == ("rules.md", "text/markdown", len(body))
    assert found.sha256 == hashlib.sha256(body).hexdigest()
    assert f"Host: {web.host}\r\n" in web.asked[0]
    assert "accept-encoding: identity" in web.asked[0].lower()


@pytest.mark.parametrize(
    ("header", "name"),
    [
        ('attachment; filename="../../etc/passwd"', "passwd"),
        ("attachment; filename*=UTF-8''na%C3%AFve%20paper.pdf", "naïve paper.pdf"),
        ("attachment; filename=plain.txt", "plain.txt"),
        ('inline; filename="C:\\temp\\a.txt"', "a.txt"),
        ("attachment", "x"),
    ],
)
def test_a_file_is_called_what_the_server_says(web: Web, path: Path, header: str, name: str) -> None:
    web.paths["/x"] = said(b"text", f"Content-Disposition: {header}")
    assert fetch(web.url("/x"), path).name == name


def test_an_address_beyond_ascii_is_sent_in_ascii(web: Web, path: Path) -> None:
    web.paths["/caf%C3%A9%20menu?q=%C3%A9"] = said(b"soup")
    fetch(web.url("/café%20menu?q=é"), path)
    assert path.read_bytes() == b"soup"


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1/",
        "http://127.1/",
        "http://2130706433/",
        "http://0x7f000001/",
        "http://0177.0.0.1/",
        "http://0/",
        "http://localhost/",
        "http://LOCALHOST./",
        "http://10.0.0.1/",
        "http://172.16.3.4/",
        "http://192.168.1.1/",
        "http://100.64.0.1/",
        "http://100.100.100.200/",
        "http://169.254.169.254/latest/meta-data",
        "http://168.63.129.16/",
        "http://224.0.0.1/",
        "http://255.255.255.255/",
        "http://[::1]/",
        "http://[::]/",
        "http://[fe80::1]/",
        "http://[fd00:ec2::254]/",
        "http://[::ffff:127.0.0.1]/",
        "http://[::ffff:a9fe:a9fe]/",
        "http://[64:ff9b::7f00:1]/",
        "http://[64:ff9b:1::a00:1]/",
        "http://[2002:7f00:1::]/",
        "http://[::127.0.0.1]/",
        "http://１２７.0.0.1/",
    ],
)
def test_what_is_not_public_is_not_called(url: str, path: Path) -> None:
    with pytest.raises(addresses.PrivateAddress):
        fetch(url, path)
    assert not path.exists()


@pytest.mark.parametrize(
    "url",
    [
        "file:///etc/passwd",
        "ftp://example.org/",
        "gopher://127.0.0.1:70/",
        "http://",
        "http:///x",
        "//example.org/x",
        "http://user:secret@example.org/",
        "http://127.0.0.1\\@example.org/",
        "http://example.org:0/",
        "http://example.org:99999/",
        "http://exa mple.org/",
        "http://example.org/\r\nX: y",
        "http://[fe80::1%25eth0]/",
        "http://[::1/",
        "http://" + "a" * 5000,
    ],
)
def test_what_is_no_address_is_refused(url: str) -> None:
    with pytest.raises(addresses.BadAddress):
        addresses.check_public(url)


def test_public_addresses_pass(names: dict[str, list[str]]) -> None:
    names["example.org"] = ["93.184.216.34"]
    checked = addresses.check_public("https://example.org:8443/a?b#c")
    assert (checked.host, checked.port, checked.address) == ("example.org", 8443, "93.184.216.34")
    assert checked.pinned == "https://93.184.216.34:8443/a?b#c"
    assert checked.host_header == "example.org:8443"
    assert addresses.check_public("http://[2606:4700::1111]/").host_header == "[2606:4700::1111]"
    assert addresses.is_public(ipaddress.ip_address("64:ff9b::808:808"))


def test_a_name_that_leads_inside_is_refused_however_it_is_mixed(monkeypatch: pytest.MonkeyPatch) -> None:
    both = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (each, 80)) for each in ("93.184.216.34", "10.0.0.7")]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_args, **_more: both)
    with pytest.raises(addresses.PrivateAddress):
        addresses.check_public("http://example.org/")


def test_a_name_that_leads_nowhere_is_told(names: dict[str, list[str]], monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_args: object, **_more: object) -> object:
        raise socket.gaierror("no such name")

    monkeypatch.setattr(socket, "getaddrinfo", fails)
    with pytest.raises(addresses.UnknownHost):
        addresses.check_public("http://nowhere.example/")


def test_a_name_that_changes_after_the_check_changes_nothing(
    web: Web, path: Path, names: dict[str, list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first look-up leads to the server, every later one elsewhere; the one that was checked is called."""
    monkeypatch.setenv("ANIMA_PRIVATE_HOSTS", '["rebound.test"]')
    settings.cache_clear()
    names["rebound.test"] = ["127.0.0.1", "203.0.113.9"]
    web.paths["/"] = said(b"the right one")
    fetch(f"http://rebound.test:{web.port}/", path)
    assert path.read_bytes() == b"the right one"
    assert f"Host: rebound.test:{web.port}\r\n" in web.asked[0]


@pytest.mark.parametrize(
    "target", ["http://localhost:{port}/", "http://169.254.169.254/", "http://[::1]:{port}/", "file:///etc/passwd"]
)
def test_a_redirection_is_checked_like_the_first_address(web: Web, path: Path, target: str) -> None:
    web.paths["/"] = moved(target.format(port=web.port))
    with pytest.raises((addresses.PrivateAddress, addresses.BadAddress)):
        fetch(web.url(), path)
    assert len(web.asked) == 1


def test_a_few_redirections_are_followed(web: Web, path: Path) -> None:
    for number in range(vendor.REDIRECTS):
        web.paths[f"/{number}"] = moved(f"{number + 1}" if number % 2 else web.url(f"/{number + 1}"), "307 Moved")
    web.paths[f"/{vendor.REDIRECTS}"] = said(b"here")
    found = fetch(web.url("/0"), path)
    assert (path.read_bytes(), found.url) == (b"here", web.url(f"/{vendor.REDIRECTS}"))


def test_redirections_without_end_are_given_up(web: Web, path: Path) -> None:
    web.paths["/"] = moved("/")
    with pytest.raises(NotFetched, match="more than 5 times"):
        fetch(web.url(), path)
    assert len(web.asked) == vendor.REDIRECTS + 1


def endless(_web: Web) -> Callable[[socket.socket], None]:
    def talk(client: socket.socket) -> None:
        client.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        while True:
            client.sendall(b"10000\r\n" + b"x" * 0x10000 + b"\r\n")

    return talk


def bomb(_web: Web) -> Callable[[socket.socket], None]:
    return said(gzip.compress(bytes(50_000_000)), "Content-Encoding: gzip")


@pytest.mark.parametrize(
    ("talk", "error"),
    [
        (endless, TooLarge),
        (bomb, TooLarge),
        (lambda _web: said(b"x", length=LIMIT + 1), TooLarge),
        (lambda _web: said(b"short", length=500), NotReached),
        (lambda _web: said(gzip.compress(b"x" * 5000)[:-20], "Content-Encoding: gzip"), NotFetched),
        (lambda _web: said(b"not gzip", "Content-Encoding: gzip"), NotFetched),
        (lambda _web: said(b"x", "Content-Encoding: br"), NotFetched),
        (lambda _web: said(b"x", "Content-Type: application/x-msdownload"), NotFetched),
        (lambda _web: said(b"x", status="403 Forbidden"), NotFetched),
        (lambda _web: said(b"x", status="503 Later"), NotReached),
        (lambda _web: lambda client: client.sendall(b"220 mail.example.org ESMTP\r\n"), NotReached),
        (lambda _web: lambda client: client.sendall(b"HTTP/1.1 200 OK\r\nX: " + b"y" * 2_000_000), NotReached),
        (lambda _web: lambda client: None, NotReached),
    ],
)
def test_what_a_server_does_wrong_is_told(
    web: Web, path: Path, talk: Callable[[Web], Callable[[socket.socket], None]], error: type[AnimaError]
) -> None:
    web.paths["/"] = talk(web)
    with pytest.raises(error):
        fetch(web.url(), path)
    assert not path.exists() or path.stat().st_size <= LIMIT


def test_what_was_packed_without_being_asked_is_unpacked(web: Web, path: Path) -> None:
    web.paths["/"] = said(gzip.compress(b"long " * 1000), "Content-Encoding: gzip")
    fetch(web.url(), path)
    assert path.read_bytes() == b"long " * 1000


@pytest.mark.parametrize("where", ["head", "body", "nothing"])
def test_a_server_that_drips_is_left_in_time(web: Web, path: Path, where: str) -> None:
    web.paths["/"] = {
        "head": web.drip(b"X", head=b"HTTP/1.1 200 OK\r\nX-Slow: "),
        "body": web.drip(b"x", head=b"HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n"),
        "nothing": lambda _client: web.stopped.wait(30) and None,
    }[where]
    with pytest.raises(NotReached, match="longer than"):  # the server would go on for ever
        fetch(web.url(), path, seconds=0.6)


def test_nobody_listens(path: Path, web: Web, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    monkeypatch.setenv("ANIMA_PRIVATE_HOSTS", '["127.0.0.1"]')
    settings.cache_clear()
    with pytest.raises(NotReached):
        fetch(f"http://127.0.0.1:{port}/", path)


def certificate(folder: Path, name: str) -> Path:
    """A key with a certificate of its own for a name."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    called = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(called)
        .issuer_name(called)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = folder / "server.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.write_bytes(private + made.public_bytes(serialization.Encoding.PEM))
    return path


def test_tls_goes_by_the_name_though_the_address_is_pinned(
    path: Path, tmp_path: Path, names: dict[str, list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    pem = certificate(tmp_path, "right.test")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    served, listener = start(context)
    monkeypatch.setenv("SSL_CERT_FILE", str(pem))
    monkeypatch.setenv("ANIMA_PRIVATE_HOSTS", '["right.test", "wrong.test"]')
    settings.cache_clear()
    vendor._ssl_context.cache_clear()
    names.update({"right.test": ["127.0.0.1", "203.0.113.9"], "wrong.test": ["127.0.0.1"]})
    served.paths["/"] = said(b"secret")
    try:
        fetch(f"https://right.test:{served.port}/", path)
        assert path.read_bytes() == b"secret"
        with pytest.raises(NotFetched, match="certificate"):
            fetch(f"https://wrong.test:{served.port}/", path)
    finally:
        served.stopped.set()
        listener.close()
        monkeypatch.undo()
        settings.cache_clear()
        vendor._ssl_context.cache_clear()

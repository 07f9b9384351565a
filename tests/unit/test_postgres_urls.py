"""URLs of Postgres: what they say is kept, the password is not shown, poolers are known."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest
from psycopg.pq import PGconn

from anima.kernel.postgres import urls
from anima.kernel.postgres.urls import BadDatabaseUrl


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://owner:secret@db.example:5433/anima?sslmode=require&channel_binding=require",
        "postgresql://owner@[::1]:5432/anima",
        "postgresql://owner:p%40ss%2Fw%3Ard@h/a%20b",
        "postgresql://%2Fvar%2FRun%2Fpg/anima",
        "postgresql://h",
    ],
)
def test_a_url_comes_back_as_it_was(url: str) -> None:
    assert str(urls.parse(url)) == url


def test_another_login_or_database_changes_nothing_else() -> None:
    url = "postgres://owner:old@ep-blue-1.neon.tech/anima?sslmode=require"

    assert urls.with_login(url, "anima_app", "p@ss") == (
        "postgresql://anima_app:p%40ss@ep-blue-1.neon.tech/anima?sslmode=require"
    )
    assert urls.parse(urls.with_database(url, "branch")).dbname == "branch"
    assert urls.with_address(url, "127.0.0.1", 7) == "postgresql://owner:old@127.0.0.1:7/anima?sslmode=require"


@pytest.mark.parametrize(
    ("url", "pooled"),
    [
        ("postgresql://o@ep-blue-1-pooler.eu.neon.tech/anima", True),
        ("postgresql://o@ep-blue-1.eu.neon.tech/anima", False),
        ("postgresql://o@127.0.0.1:6432/anima", True),
        ("postgresql://o@h/anima?pgbouncer=true", True),
        ("postgresql://o@my-pooler-less.example/anima", False),
    ],
)
def test_poolers_are_known(url: str, pooled: bool) -> None:
    assert urls.is_pooled(url) is pooled


def test_a_password_is_never_shown() -> None:
    url = "postgresql://owner:secret@h/anima?password=secret"

    assert urls.hidden(url) == "postgresql://owner@h/anima"
    assert "secret" not in repr(urls.parse(url))
    assert urls.parse(url).where == "h:5432/anima"


@pytest.mark.parametrize(
    "url",
    [
        "",
        "host=h password=secret",
        "mysql://o:secret@h/d",
        "postgresql://o:secret@h:port/d",
        "postgresql://a:secret@b,c/d",
    ],
)
def test_what_is_no_url_is_refused_without_repeating_it(url: str) -> None:
    with pytest.raises(BadDatabaseUrl) as refused:
        urls.parse(url)
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize(
    ("url", "local"),
    [
        ("postgresql://o@127.0.0.1:5432/d", True),
        ("postgresql://o@127.8.9.1/d", True),
        ("postgresql://o@LOCALHOST/d", True),
        ("postgresql://o@[::1]/d", True),
        ("postgresql://%2Fvar%2Frun/d", True),
        ("postgresql:///d", True),
        ("postgresql:///d?host=/var/run", True),
        ("postgresql://o@ep-blue-1.neon.tech/d", False),
        ("postgresql://o@10.0.0.7/d", False),
        ("postgresql://o@127.0.0.1.example.org/d", False),
        ("postgresql://o@localhost.example.org/d", False),
        ("postgresql://o@localhost/d?host=db.example", False),
        ("postgresql://o@localhost/d?hostaddr=10.0.0.7", False),
        ("postgresql:///d?service=elsewhere", False),
        ("postgresql:///d?service=localhost", False),
        ("postgresql:///d?host=/run/postgresql,db.example", False),
        ("postgresql://%2Frun%2Cdb.example/d", False),
        ("postgresql:///d?hostaddr=127.0.0.1,10.0.0.9", False),
    ],
)
def test_what_is_on_this_machine_is_known(url: str, local: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("PGHOST", "PGHOSTADDR", "PGSERVICE"):
        monkeypatch.delenv(name, raising=False)
    assert urls.is_local(url) is local


def test_a_stray_host_of_the_environment_is_not_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGHOST", "db.example")
    assert not urls.is_local("postgresql:///d")
    assert urls.is_local("postgresql://localhost/d")


@pytest.mark.parametrize("name", ["PGHOST", "PGHOSTADDR"])
def test_a_service_of_the_environment_goes_before_its_host(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, "127.0.0.1")
    assert urls.is_local("postgresql:///d")
    monkeypatch.setenv("PGSERVICE", "localhost")
    assert not urls.is_local("postgresql:///d")


def asked(url: str) -> dict[str, str]:
    """What libpq itself makes of a URL, its environment and its services."""
    connection = PGconn.connect_start(urls.for_libpq(url).encode())
    found = {one.keyword.decode(): (one.val or b"").decode() for one in connection.info}
    connection.finish()
    return found


def test_an_address_elsewhere_does_not_go_before_a_host_of_this_machine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    services = tmp_path / "services"
    services.write_text("[elsewhere]\nhostaddr=10.0.0.9\n")
    monkeypatch.setenv("PGSERVICEFILE", str(services))
    for url in ("postgresql://localhost:1/d", "postgresql:///d?host=localhost&port=1"):
        assert asked(url)["hostaddr"] == ""
        monkeypatch.setenv("PGHOSTADDR", "10.0.0.9")
        assert asked(url)["hostaddr"] == ""
        monkeypatch.delenv("PGHOSTADDR")
        monkeypatch.setenv("PGSERVICE", "elsewhere")
        assert asked(url)["hostaddr"] == ""
        monkeypatch.delenv("PGSERVICE")


@pytest.mark.parametrize("query", ["sslmode=verify-full&ssl=true", "ssl=true", "ssl=true&sslmode=require"])
def test_an_option_of_another_driver_takes_back_nothing(query: str) -> None:
    assert asked(f"postgresql://o@192.0.2.1/d?{query}")["sslmode"] == "verify-full"


def options(url: str) -> dict[str, str]:
    return dict(urls.parse(urls.for_libpq(url)).options)


@pytest.fixture
def authorities(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Whom this system trusts."""
    file = tmp_path / "authorities.pem"
    file.touch()
    monkeypatch.setenv("SSL_CERT_FILE", str(file))
    return str(file)


@pytest.mark.parametrize("asked", ["", "?sslmode=require", "?sslmode=verify-ca", "?sslrootcert=system"])
def test_another_machine_is_verified_whatever_was_pasted(authorities: str, asked: str) -> None:
    given = options(f"postgresql://o:secret@ep-blue-1.neon.tech/d{asked}")
    assert given["sslmode"] == "verify-full"
    assert given["sslrootcert"] == authorities
    assert given["gssencmode"] == "disable"
    assert int(given["connect_timeout"]) == 10


def test_authorities_of_ones_own_are_kept() -> None:
    given = options("postgresql://o@db.example/d?sslrootcert=/our/ca.pem&connect_timeout=3")
    assert (given["sslmode"], given["sslrootcert"], given["connect_timeout"]) == ("verify-full", "/our/ca.pem", "3")


@pytest.mark.parametrize("mode", ["disable", "allow", "prefer", "nonsense"])
def test_less_than_verified_is_refused(mode: str) -> None:
    with pytest.raises(urls.UnverifiedDatabase, match=mode) as refused:
        urls.for_libpq(f"postgresql://o:secret@db.example/d?sslmode={mode}")
    assert "secret" not in str(refused.value)
    assert "ANIMA_DATABASE_TLS" in str(refused.value)


def test_a_network_of_ones_own_may_be_trusted_by_setting_and_url_together(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(urls, "settings", lambda: SimpleNamespace(database_tls="url"))
    assert options("postgresql://o@postgres/d?sslmode=disable")["sslmode"] == "disable"
    assert options("postgresql://o@postgres/d?sslmode=require")["sslmode"] == "require"
    assert options("postgresql://o@postgres/d")["sslmode"] == "verify-full"


def test_this_machine_is_asked_as_the_url_says() -> None:
    given = options("postgresql://o@127.0.0.1:5432/d?sslmode=disable&pgbouncer=true")
    assert given["sslmode"] == "disable"
    assert not {"pgbouncer", "sslrootcert"} & set(given)


def test_a_server_that_vanished_is_noticed() -> None:
    given = options("postgresql://o@db.example/d?tcp_user_timeout=20000")
    assert given["tcp_user_timeout"] == "20000"
    assert given["connect_timeout"] == "10"
    assert {"keepalives_idle", "keepalives_interval", "keepalives_count"} <= set(given)


def test_authorities_are_found_on_this_system(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SSL_CERT_FILE", raising=False)
    assert "BEGIN CERTIFICATE" in Path(urls.authorities()).read_text(encoding="utf-8")
    monkeypatch.setattr(urls, "_AUTHORITIES", ())
    assert "BEGIN CERTIFICATE" in Path(urls.authorities()).read_text(encoding="utf-8")

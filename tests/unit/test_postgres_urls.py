"""URLs of Postgres: what they say is kept, the password is not shown, poolers are known."""

from __future__ import annotations

import pytest

from anima.kernel.postgres import urls
from anima.kernel.postgres.errors import BadDatabaseUrl


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

"""The kernel without a database: ids, pages, secrets, settings, errors, keys of calls that come twice."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
import threading
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from anima.kernel import auth, clock, config, db, http, idempotency, ids, pages, secrets, telemetry
from anima.kernel.errors import AnimaError, BadInput, FieldError, Forbidden, TooLarge, Unauthenticated


class TestIds:
    def test_they_are_version_7_and_grow(self) -> None:
        made = [ids.uuid7() for _ in range(10_000)]
        assert made == sorted(made)
        assert len(set(made)) == len(made)
        assert {(one.version, one.variant) for one in made} == {(7, uuid.RFC_4122)}

    def test_they_hold_the_time(self) -> None:
        before = datetime.now(UTC)
        millis = ids.uuid7().int >> 80
        assert abs(millis / 1000 - before.timestamp()) < 60

    def test_threads_share_no_id(self) -> None:
        made: list[uuid.UUID] = []
        threads = [threading.Thread(target=lambda: made.extend(ids.uuid7() for _ in range(2_000))) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(set(made)) == 8_000


class TestPages:
    def test_a_cursor_comes_back_as_it_was(self) -> None:
        for position in ([1], ["2026-01-31T12:00:00+00:00", 7], ["ü/+=", None]):
            cursor = pages.encode(position)
            assert pages.decode(cursor, len(position)) == position
            assert cursor.replace("-", "").replace("_", "").isalnum()
        assert pages.decode(None, 1) is None

    @pytest.mark.parametrize("cursor", ["", "!", "AAAA", "é", pages.encode([1, 2]), "eyJ9", "W" * 400])
    def test_what_no_page_gave_is_refused(self, cursor: str) -> None:
        with pytest.raises(BadInput) as refused:
            pages.decode(cursor, 1)
        assert [one.path for one in refused.value.fields] == ["cursor"]

    def test_a_page_ends_where_the_list_ends(self) -> None:
        full = pages.page([1, 2, 3], 2, lambda one: [one])
        assert (full.items, pages.decode(full.next_cursor, 1)) == ([1, 2], [2])
        last = pages.page([1, 2], 2, lambda one: [one])
        assert (last.items, last.next_cursor) == ([1, 2], None)
        assert pages.page([], 2, lambda one: [one]).next_cursor is None


@pytest.fixture
def forget() -> Iterator[None]:
    """Settings and master key are read anew in the test, and again after it."""

    def clear() -> None:
        config.settings.cache_clear()
        secrets.master_key.cache_clear()

    clear()
    yield
    clear()


class TestSecrets:
    def test_what_is_encrypted_can_be_read_and_does_not_show(self) -> None:
        sealed = secrets.encrypt("sk-secret ü")
        assert b"secret" not in sealed
        assert sealed != secrets.encrypt("sk-secret ü")
        assert secrets.decrypt(sealed) == "sk-secret ü"

    def test_another_master_key_reads_nothing(self, forget: None, monkeypatch: pytest.MonkeyPatch) -> None:
        sealed, hashed, password = secrets.encrypt("x"), auth.hash_api_key("k"), secrets.login_password("a")
        monkeypatch.setenv("SECRET_KEY", "another one")
        config.settings.cache_clear()
        secrets.master_key.cache_clear()
        with pytest.raises(secrets.BadCiphertext):
            secrets.decrypt(sealed)
        assert auth.hash_api_key("k") != hashed
        assert secrets.login_password("a") != password

    def test_a_purpose_has_its_own_key(self) -> None:
        assert len({secrets.derive("a"), secrets.derive("b"), secrets.keyed_hash("a", "b")}) == 3

    def test_the_key_file_is_made_once_for_its_owner_only(
        self, forget: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        monkeypatch.delenv("SECRET_KEY")
        monkeypatch.setenv("ANIMA_DATA_DIR", str(tmp_path / "new"))
        first = secrets.master_key()
        secrets.master_key.cache_clear()
        assert secrets.master_key() == first
        file = tmp_path / "new" / "secret.key"
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        assert [one.name for one in file.parent.iterdir()] == ["secret.key"]

    def test_processes_that_start_together_agree_on_the_key(self, tmp_path: Path) -> None:
        program = "from anima.kernel import secrets; print(secrets.master_key().decode())"
        environment = {**os.environ, "ANIMA_DATA_DIR": str(tmp_path / "new")}
        environment.pop("SECRET_KEY")
        started = [
            subprocess.Popen([sys.executable, "-c", program], env=environment, stdout=subprocess.PIPE) for _ in range(3)
        ]
        keys = {one.communicate()[0] for one in started}
        assert len(keys) == 1
        assert len(keys.pop().strip()) == 44


class TestIdempotencyKeys:
    def test_none_without_a_header(self) -> None:
        assert idempotency.read_key(None, "POST /x", {}) is None

    def test_the_same_call_has_the_same_fingerprint(self) -> None:
        first = idempotency.read_key("k", "POST /x", {"a": 1, "b": [datetime(2026, 1, 1, tzinfo=UTC)]})
        again = idempotency.read_key("k", "POST /x", {"b": [datetime(2026, 1, 1, tzinfo=UTC)], "a": 1})
        assert first == again

    def test_another_call_has_another(self) -> None:
        calls = [("POST /x", {"a": 1}), ("POST /y", {"a": 1}), ("POST /x", {"a": 2}), ("POST /x", {"a": "1"})]
        prints = [key.fingerprint for call in calls if (key := idempotency.read_key("k", *call)) is not None]
        assert len(set(prints)) == 4

    @pytest.mark.parametrize("value", ["", "k" * 256])
    def test_a_key_that_cannot_be_kept_is_refused(self, value: str) -> None:
        with pytest.raises(BadInput):
            idempotency.read_key(value, "POST /x", {})


class TestSettings:
    def test_a_name_of_nobody_is_named(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("ANIMA_PROT", "1")
        with pytest.raises(config.BadSettings, match="ANIMA_PROT"):
            config.load()

    def test_an_unknown_name_in_the_file_counts_too(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        (tmp_path / ".env").write_text("ANIMA_PROT=1\n")
        monkeypatch.chdir(tmp_path)
        monkeypatch.setitem(config.Settings.model_config, "env_file", ".env")
        with pytest.raises(config.BadSettings, match="ANIMA_PROT"):
            config.load()

    def test_a_list_that_is_no_json_is_named_and_not_shown(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("ANIMA_PRIVATE_HOSTS", "a-secret-by-mistake")
        with pytest.raises(config.BadSettings, match=r"private_hosts.*JSON") as refused:
            config.load()
        assert "a-secret-by-mistake" not in str(refused.value)

    def test_an_invalid_value_is_named_and_not_shown(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("ANIMA_PORT", "a-secret-by-mistake")
        with pytest.raises(config.BadSettings, match=r"(?i)port") as refused:
            config.load()
        assert "a-secret-by-mistake" not in str(refused.value)

    def test_a_stray_database_url_is_not_taken(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.delenv("ANIMA_DATABASE_URL", raising=False)
        monkeypatch.setenv("DATABASE_URL", "postgres://somebody@else/db")
        assert config.load().database_url is None

    def test_secrets_do_not_show(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("OPENAI_API_KEY", "sk-very-secret")
        monkeypatch.setenv("ANIMA_DATABASE_URL", "postgres://owner:hunter2@db/anima")
        shown = repr(config.load())
        assert "sk-very-secret" not in shown
        assert "hunter2" not in shown

    def test_every_setting_says_what_it_is(self) -> None:
        assert all(field.description for field in config.Settings.model_fields.values())


class TestErrors:
    def test_the_docstring_is_the_message(self) -> None:
        error = TooLarge(what="body", size="2 MB", limit="1 MB")
        assert error.detail == "The body is too large: 2 MB where at most 1 MB is accepted."

    def test_values_with_braces_stay_as_they_are(self) -> None:
        assert "{0} {x}" in BadInput(reason="{0} {x}").detail

    def test_every_error_of_the_kernel_has_a_slug_of_its_own_and_fits_http(self) -> None:
        kinds = [kind for kind in _below(AnimaError) if kind.__module__.startswith("anima.kernel")]
        slugs = [kind.slug for kind in kinds]
        assert len(slugs) == len(set(slugs)), sorted(slugs)
        assert all(400 <= kind.status <= 599 for kind in kinds)


def _below(kind: type[AnimaError]) -> Iterator[type[AnimaError]]:
    for one in kind.__subclasses__():
        yield one
        yield from _below(one)


class TestAuth:
    def test_an_api_key_shows_its_beginning_only(self) -> None:
        key, prefix, hashed = auth.new_api_key()
        assert key.startswith(prefix)
        assert prefix.startswith("anima_")
        assert len(key) - len(prefix) >= 32
        assert hashed == auth.hash_api_key(key)
        assert key.encode() not in hashed

    def test_an_access_token_says_who_until_it_expires(self) -> None:
        family = uuid.uuid4()
        start = datetime.now(UTC)
        with clock.use(clock.SimulatedClock(start)):
            token = auth.access_token(7, family)
        assert auth._claims(token) == (7, family)
        with clock.use(clock.SimulatedClock(start - timedelta(hours=1))):
            old = auth.access_token(7, family)
        with pytest.raises(Unauthenticated, match="expired"):
            auth._claims(old)

    def test_a_role_is_required(self) -> None:
        viewer = db.Principal(1, frozenset({"viewer"}))
        auth.require(viewer, "admin", "viewer")
        with pytest.raises(Forbidden, match="admin or operator"):
            auth.require(viewer, "admin", "operator")

    @pytest.mark.parametrize(
        ("header", "credential"), [(None, None), ("Bearer k", "k"), ("bearer  k ", "k"), ("BEARER a b", "a b")]
    )
    def test_a_bearer_header_is_read(self, header: str | None, credential: str | None) -> None:
        assert http.bearer(header) == credential

    @pytest.mark.parametrize("header", ["", "Bearer", "Bearer  ", "Basic abc", "k"])
    def test_another_header_is_refused(self, header: str) -> None:
        with pytest.raises(Unauthenticated):
            http.bearer(header)


class TestLogs:
    @pytest.fixture(autouse=True)
    def usual_level(self) -> None:
        telemetry.configure("info")

    def test_a_line_is_one_json_object_with_the_request_in_it(self, capsys: pytest.CaptureFixture[str]) -> None:
        token = telemetry.request_id.set("r-1")
        telemetry.info("thing.happened", count=2, where=Path("x\ny"))
        telemetry.request_id.reset(token)
        (line,) = capsys.readouterr().err.splitlines()
        entry = json.loads(line)
        assert (entry["event"], entry["level"], entry["count"]) == ("thing.happened", "info", 2)
        assert entry["request_id"] == "r-1"
        assert datetime.fromisoformat(entry["time"]).tzinfo is not None

    def test_the_text_of_a_strange_error_stays_out(self, capsys: pytest.CaptureFixture[str]) -> None:
        for error in (ValueError("what somebody wrote"), BadInput(reason="ours", fields=[FieldError("a", "b")])):
            try:
                raise error
            except Exception as caught:
                telemetry.error("thing.failed", caught)
        strange, ours = map(json.loads, capsys.readouterr().err.splitlines())
        assert "what somebody wrote" not in json.dumps(strange)
        assert strange["error"] == "ValueError"
        assert "test_kernel.py" in strange["at"]
        assert "ours" in ours["detail"]


def test_a_vector_is_written_as_postgres_reads_it() -> None:
    assert db.vector_text([1, 0.5, -1e-7]) == "[1.0,0.5,-1e-07]"

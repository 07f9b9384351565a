"""What a profile's models need: fetched by the digest that their publisher states, checked, said where it fails."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from anima.cli.main import main
from anima.gateway import profiles, provision_service
from anima.operations import models
from anima.vendors import assets
from anima.vendors.assets import publisher as publisher_source
from fixtures.api import MakeUser, Person
from fixtures.publisher import Publisher
from fixtures.stub_llm import StubLLM, failure

Setting = Callable[[str, str], None]
DATA = b"GGUF" + bytes(range(256)) * 400
DIGEST = hashlib.sha256(DATA).hexdigest()
FILE = "/someone/small-instruct/resolve/main/small-instruct.gguf"
NAME = "small-instruct"


@pytest.fixture
def home(setting: Setting, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A model folder of its own, and patience for a test."""
    setting("ANIMA_MODEL_DIR", str(tmp_path / "models"))
    monkeypatch.setattr(publisher_source, "PATIENCE_SECONDS", 0.5)
    monkeypatch.setattr(publisher_source, "_silent_hosts", {})
    return tmp_path / "models"


@pytest.fixture
def published(publisher: Publisher) -> Publisher:
    """A publisher of one model, who states its digest."""
    publisher.files[FILE] = DATA
    publisher.states[FILE] = DIGEST
    return publisher


@pytest.fixture
def profile(setting: Setting, tmp_path: Path) -> Callable[..., None]:
    """Makes a profile of these roles the active one."""

    def made(**roles: Any) -> None:
        path = tmp_path / f"llm-{time.monotonic_ns()}.json"
        path.write_text(json.dumps({"profiles": {"mine": roles}}))
        setting("LLM_MODELS_CONFIG_PATH", str(path))

    return made


@pytest.fixture(autouse=True)
def nothing_provisioned() -> Iterator[None]:
    provision_service._work.clear()
    yield
    if provision_service._work:
        provision_service._work[-1].over.wait(20)
    provision_service._work.clear()


def local(published: Publisher, **more: Any) -> dict[str, Any]:
    return {"provider": "local", "model": NAME, "download": {"url": published.url + FILE, **more}}


def provisioned(*roles: str, force: bool = False) -> dict[str, tuple[str, str | None]]:
    found = provision_service.provision(roles, assets.Silent(), force=force)
    return {item.role: (item.state, item.reason) for item in found}


def test_a_model_comes_from_its_publisher_by_the_digest_that_it_states_and_is_recorded(
    home: Path, published: Publisher, profile: Callable[..., None]
) -> None:
    profile(general=local(published, licence="Apache-2.0"))
    assert provisioned() == {"general": ("fetched", None)}
    known = assets.asset(NAME)
    assert (known.sha256, known.size, known.licence) == (DIGEST, len(DATA), "Apache-2.0")
    assert assets.path_of(NAME).read_bytes() == DATA
    published.states[FILE] = "0" * 64  # what is recorded holds: nobody is asked again
    asked = len(published.asked)
    assert provisioned("general") == {"general": ("present", None)}
    assert len(published.asked) == asked


def test_bytes_of_another_digest_are_not_kept(home: Path, published: Publisher, profile: Callable[..., None]) -> None:
    published.states[FILE] = "0" * 64
    profile(general=local(published))
    state, reason = provisioned()["general"]
    assert state == "failed"
    assert "do not match" in str(reason)
    assert assets.recorded(NAME) is None
    assert not list(home.rglob("*.gguf"))


def test_a_publisher_who_states_no_digest_is_not_believed(
    home: Path, published: Publisher, profile: Callable[..., None]
) -> None:
    published.states.clear()
    profile(general=local(published))
    assert provisioned()["general"] == (
        "failed",
        f"The model file {NAME} could not be fetched from any source: publisher {published.url + FILE}: "
        "it does not state the file's sha256.",
    )
    profile(general=local(published, sha256=DIGEST))  # one's own does
    assert provisioned() == {"general": ("fetched", None)}


def test_force_fetches_anew_and_what_was_there_stays_until_it_is_whole(
    home: Path, published: Publisher, profile: Callable[..., None]
) -> None:
    profile(general=local(published))
    provisioned()
    published.files[FILE] = newer = DATA + b"more"
    assert provisioned(force=True)["general"][0] == "failed"  # stated and sent do not agree
    assert assets.path_of(NAME).read_bytes() == DATA
    published.states[FILE] = hashlib.sha256(newer).hexdigest()
    assert provisioned(force=True) == {"general": ("fetched", None)}
    assert assets.path_of(NAME).read_bytes() == newer
    assert assets.asset(NAME).sha256 == published.states[FILE]


def test_a_download_that_breaks_off_goes_on_where_it_was(
    home: Path, published: Publisher, profile: Callable[..., None]
) -> None:
    published.breaks_after = 60_000
    profile(general=local(published))
    assert provisioned() == {"general": ("fetched", None)}
    assert any(wanted for path, wanted in published.asked if path == FILE)


def test_keys_and_names_of_others_are_checked(
    home: Path, stub_llm: StubLLM, setting: Setting, profile: Callable[..., None]
) -> None:
    setting("ANIMA_VLLM_URL", stub_llm.url)
    setting("ANIMA_VLLM_API_KEY", "k-1")
    profile(
        general={"provider": "vllm", "model": "stub-1"},
        coding={"provider": "anthropic", "model": "claude"},
        vision={"provider": "vllm", "model": "another"},
        dead={"provider": "vllm", "model": "x", "endpoint": "http://127.0.0.1:9/v1"},
    )
    found = provisioned()
    assert found["general"] == ("checked", None)
    assert found["coding"] == ("missing_key", "set ANTHROPIC_API_KEY")
    assert found["vision"] == ("failed", "its server has no model another")
    assert found["dead"][0] == "failed"


def test_over_http_an_admin_has_it_done_and_everybody_sees_how_far_it_is(
    home: Path, published: Publisher, profile: Callable[..., None], alice: Person, make_user: MakeUser
) -> None:
    profile(general=local(published))
    waiting = alice.http.get("/api/v1/models/provision").json()
    assert [item["state"] for item in waiting["items"]] == ["waiting"]
    assert alice.http.post("/api/v1/models/provision", json={"roles": ["general"]}).status_code == 403
    admin = make_user("admin")
    assert admin.http.post("/api/v1/models/provision", json={"roles": ["painting"]}).status_code == 422
    begun = admin.http.post("/api/v1/models/provision", json={"roles": ["general"], "force": True})
    assert begun.status_code in (200, 202)
    assert provision_service._work[-1].over.wait(20)
    after = alice.http.get("/api/v1/models/provision").json()
    assert after["state"] == "done"
    (item,) = after["items"]
    assert (item["state"], item["sha256"], item["done_bytes"]) == ("fetched", DIGEST, len(DATA))


def test_what_takes_long_goes_on_after_the_answer_and_a_second_call_is_told_of_it(
    home: Path,
    published: Publisher,
    profile: Callable[..., None],
    make_user: MakeUser,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(provision_service, "_SOON_SECONDS", 0.05)
    monkeypatch.setattr(publisher_source, "PATIENCE_SECONDS", 10.0)
    published.stalls_after = 1000
    profile(general=local(published))
    admin = make_user("admin")
    answers = [admin.http.post("/api/v1/models/provision", json={}) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [202, 202]
    assert answers[0].headers["location"] == "/api/v1/models/provision"
    assert answers[1].json()["state"] == "running"
    published.stalls_after = None
    published.over.set()
    assert provision_service._work[-1].over.wait(20)
    assert admin.http.get("/api/v1/models/provision").json()["items"][0]["state"] == "fetched"


def typed(*words: str) -> Any:
    """The exit code of a command."""
    with pytest.raises(SystemExit) as end:
        main(list(words))
    return end.value.code


def test_from_the_command_line_with_json_and_an_exit_code(
    home: Path, published: Publisher, profile: Callable[..., None], capsys: pytest.CaptureFixture[str]
) -> None:
    profile(general=local(published), coding={"provider": "groq", "model": "x"})
    assert typed("provision", "--roles", "general", "--json") == 0
    assert json.loads(capsys.readouterr().out)[0]["state"] == "fetched"
    assert typed("provision", "--roles", "general", "coding", "--json") == 1
    assert [row["state"] for row in json.loads(capsys.readouterr().out)] == ["present", "missing_key"]


def test_the_profile_companion_is_there_and_its_model_is_the_one_that_runs_here(setting: Setting) -> None:
    entry = profiles.ready()["companion"]["general"]
    assert isinstance(entry.download, profiles.Download)
    assert entry.download.sha256 is None  # its publisher states it
    setting("LLM_MODELS_PROFILE", "companion")
    assert models.name() == entry.model
    assert models.answers_locally()


def test_a_start_fetches_what_a_profile_says_only_where_it_may(
    home: Path,
    published: Publisher,
    profile: Callable[..., None],
    setting: Setting,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(assets, "ensure_embedder", lambda progress: None)
    profile(general=local(published))
    assert models.fetch(assets.Silent()) is None
    setting("LLM_MODELS_AUTO_DOWNLOAD", "true")
    path = models.fetch(assets.Silent())
    assert path is not None
    assert path.read_bytes() == DATA
    setting("LLM_MODELS_AUTO_DOWNLOAD", "false")
    assert models.fetch(assets.Silent()) == path  # it is here


def test_a_server_that_fails_does_not_hinder_the_other_roles(
    home: Path, published: Publisher, stub_llm: StubLLM, profile: Callable[..., None]
) -> None:
    stub_llm.always(lambda _: failure(503))
    profile(
        coding={"provider": "vllm", "model": "x", "endpoint": "http://127.0.0.1:9/v1"},
        general=local(published),
    )
    assert {role: state for role, (state, _) in provisioned().items()} == {"coding": "failed", "general": "fetched"}

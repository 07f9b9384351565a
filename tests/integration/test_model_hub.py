"""Models by their name on a hub: fetched whole at one commit, or not at all."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from anima.kernel.config import settings
from anima.kernel.errors import AnimaError, BadInput
from anima.registry import export_service, import_service, service
from anima.registry.errors import BadModelFile
from anima.vendors import hub
from anima.vendors.hub import FetchStopped, HubLies, HubUnavailable, UnknownOnHub
from fixtures import model_folders
from fixtures.hub_double import COMMIT, HubDouble
from fixtures.tensors import Keeper


@pytest.fixture
def published(hub_double: HubDouble, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> HubDouble:
    """A small Llama in two files, with weights for another framework beside them."""
    from huggingface_hub import file_download

    folder = model_folders.llama(tmp_path / "published", shards=2)
    (folder / "pytorch_model.bin").write_bytes(os.urandom(2000))
    hub_double.serve(folder)
    (folder / "pytorch_model.bin").unlink()
    monkeypatch.setenv("ANIMA_DATA_DIR", str(tmp_path / "data"))
    settings.cache_clear()
    monkeypatch.setattr(file_download.time, "sleep", lambda _seconds: None)
    return hub_double


def left(tmp_path: Path) -> list[Path]:
    """Files that fetching has left."""
    return [path for path in (tmp_path / "data" / "hub").rglob("*") if path.is_file() and path.suffix != ".lock"]


def test_a_model_comes_by_its_name_and_goes_out_as_it_was(keeper: Keeper, published: HubDouble, tmp_path: Path) -> None:
    told: list[tuple[int, int]] = []
    model = import_service.import_hub(
        keeper.principal, "org/tiny", endpoint=published.url, progress=lambda *step: told.append(step)
    )
    assert (str(model), model.architecture["family"]) == ("org/tiny@1", "llama")
    assert model.derivation == {"kind": "import", "from": "hub", "repository": "org/tiny", "commit": COMMIT}
    assert "pytorch_model.bin" not in published.fetched()
    assert told[0][0] <= told[-1][0] == told[-1][1]
    out = export_service.export(keeper.principal, "org/tiny", tmp_path / "out")
    assert model_folders.contents(out) == model_folders.contents(tmp_path / "published")
    assert not left(tmp_path), "what was fetched is removed"


@pytest.mark.parametrize("revision", ["main", "v1", COMMIT])
def test_a_revision_may_be_a_branch_a_tag_or_a_commit(keeper: Keeper, published: HubDouble, revision: str) -> None:
    model = import_service.import_hub(keeper.principal, f"hub:org/tiny@{revision}", "mine", endpoint=published.url)
    assert (model.name, model.derivation["commit"]) == ("mine", COMMIT)


def test_the_hub_of_the_environment_is_asked(
    keeper: Keeper, published: HubDouble, monkeypatch: pytest.MonkeyPatch
) -> None:
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "ENDPOINT", published.url)
    monkeypatch.setattr(
        constants, "HUGGINGFACE_CO_URL_TEMPLATE", published.url + "/{repo_id}/resolve/{revision}/{filename}"
    )
    assert import_service.import_hub(keeper.principal, "org/tiny").version == 1


def test_a_token_is_shown_where_it_is_given_and_the_machines_own_is_not_shown_elsewhere(
    keeper: Keeper, published: HubDouble, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_of_the_machine")
    import_service.import_hub(keeper.principal, "org/tiny", endpoint=published.url)
    assert {shown for _, _, shown in published.asked} == {None}
    published.token = "hf_secret"
    with pytest.raises(UnknownOnHub):
        import_service.import_hub(keeper.principal, "org/tiny", endpoint=published.url)
    assert (
        import_service.import_hub(keeper.principal, "org/tiny", endpoint=published.url, token="hf_secret").version == 2
    )


@pytest.mark.parametrize("address", ["org/other", "tiny", "org/tiny@v9"])
def test_what_the_hub_does_not_know(keeper: Keeper, published: HubDouble, address: str) -> None:
    with pytest.raises(UnknownOnHub):
        import_service.import_hub(keeper.principal, address, endpoint=published.url)


@pytest.mark.parametrize(
    "address", ["", "a/b/c", "../etc", "org/../x", "org/tiny@", "org/tiny@a b", "http://x/y", "org/tiny?x", "-a/b"]
)
def test_what_is_no_address(address: str) -> None:
    with pytest.raises(BadInput):
        hub.parse(address)


def _broken(published: HubDouble) -> None:
    published.breaks.add("model-00002-of-00002.safetensors")


def _failing(published: HubDouble) -> None:
    published.status = 400


def _climbing(published: HubDouble) -> None:
    published.lists.append("../../escaped.json")


def _absolute(published: HubDouble) -> None:
    published.lists.append("/tmp/escaped.json")


def _promising(published: HubDouble) -> None:
    published.lists.append("generation_config.json")


def _swapping(published: HubDouble) -> None:
    published.swaps.add("model-00001-of-00002.safetensors")


def _lying(published: HubDouble) -> None:
    published.files["model-00001-of-00002.safetensors"] = b"\xff" * 100


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        (_broken, AnimaError),
        (_failing, HubUnavailable),
        (_climbing, HubLies),
        (_absolute, HubLies),
        (_promising, AnimaError),
        (_swapping, BadModelFile),
        (_lying, BadModelFile),
    ],
    ids=lambda one: one.__name__,
)
def test_what_goes_wrong_leaves_nothing(
    keeper: Keeper, published: HubDouble, tmp_path: Path, fault: object, told: type[AnimaError]
) -> None:
    assert callable(fault)
    fault(published)
    with pytest.raises(told):
        import_service.import_hub(keeper.principal, "org/tiny", endpoint=published.url)
    assert service.models(keeper.principal).items == []
    assert not [path for path in tmp_path.rglob("escaped.json")]


def test_a_hub_that_is_not_there(keeper: Keeper) -> None:
    with pytest.raises(HubUnavailable):
        import_service.import_hub(keeper.principal, "org/tiny", endpoint="http://127.0.0.1:9")


def test_fetching_can_be_stopped(keeper: Keeper, published: HubDouble) -> None:
    with pytest.raises(FetchStopped):
        import_service.import_hub(keeper.principal, "org/tiny", endpoint=published.url, stop=lambda: True)


def test_what_was_cut_is_gone_on_with(keeper: Keeper, published: HubDouble, tmp_path: Path) -> None:
    cut = "model-00002-of-00002.safetensors"
    published.breaks.add(cut)
    with pytest.raises(HubUnavailable):
        import_service.import_hub(keeper.principal, "org/tiny", endpoint=published.url)
    before = published.fetched()
    published.breaks.clear()
    published.asked.clear()
    model = import_service.import_hub(keeper.principal, "org/tiny", endpoint=published.url)
    assert (model.version, left(tmp_path)) == (1, [])
    assert cut in published.fetched() < before
    out = export_service.export(keeper.principal, model, tmp_path / "out")
    assert model_folders.contents(out) == model_folders.contents(tmp_path / "published")


def test_one_of_several_models_of_a_repository(
    keeper: Keeper, hub_double: HubDouble, tiny_gguf: Path, tmp_path: Path
) -> None:
    hub_double.files = {f"tiny-{kind}.gguf": tiny_gguf.read_bytes() for kind in ("q4", "q8")} | {"README.md": b"#"}
    model = import_service.import_hub(
        keeper.principal, "org/tiny", endpoint=hub_double.url, files=["*q4*"], compression="compressed"
    )
    assert hub_double.fetched() == {"tiny-q4.gguf"}
    out = export_service.export(keeper.principal, model, tmp_path / "out.gguf")
    assert (out / "tiny-q4.gguf").read_bytes() == tiny_gguf.read_bytes()
    with pytest.raises(UnknownOnHub):
        import_service.import_hub(keeper.principal, "org/tiny", endpoint=hub_double.url, files=["*q5*"])

"""What `make test-cloud` weighs: a function with all its layers, and the workers' part of the layer of packages."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import yaml
from scripts import cloud

MIB = 1024**2


def layer(name: str) -> dict[str, object]:
    return {"Type": "AWS::Serverless::LayerVersion", "Properties": {"ContentUri": name}}


def function(name: str, *layers: object) -> dict[str, object]:
    return {"Type": "AWS::Serverless::Function", "Properties": {"CodeUri": name, "Layers": list(layers)}}


TEMPLATE = {
    "Globals": {"Function": {"Layers": [{"Ref": "DepsLayer"}]}},
    "Resources": {
        "DepsLayer": layer("DepsLayer"),
        "EmbedderLayer": layer("EmbedderLayer"),
        "OutboxFunction": {"Type": "AWS::Serverless::Function", "Properties": {"CodeUri": "OutboxFunction"}},
        "ChatFunction": function("ChatFunction", {"Ref": "EmbedderLayer"}),
        "ChatStreamFunction": function("ChatStreamFunction", {"Ref": "EmbedderLayer"}, {"Fn::Sub": "arn:of:others"}),
        "Key": {"Type": "AWS::Serverless::Application", "Properties": {"Location": "infra/key.yaml"}},
    },
}


@pytest.fixture
def built(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What `sam build` leaves: packages of 50 MiB for all and 9 for the doors, an embedder of 150, functions of 1."""
    (tmp_path / "template.yaml").write_text(yaml.safe_dump(TEMPLATE))
    sizes = {"DepsLayer/python/psycopg": 50, "DepsLayer/python/fastapi": 9, "EmbedderLayer/models": 150}
    for place, size in {**sizes, "OutboxFunction": 1, "ChatFunction": 1, "ChatStreamFunction": 1}.items():
        grow(tmp_path / place, size)
    monkeypatch.setattr(cloud, "BUILT", tmp_path)
    monkeypatch.setattr(cloud, "FIGURES", tmp_path / "figures.json")
    return tmp_path


def grow(folder: Path, mebibytes: int) -> None:
    """A file of that length, which takes no room."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "content").touch()
    os.truncate(folder / "content", mebibytes * MIB)


def test_a_function_weighs_what_its_layers_weigh_and_room_is_kept_for_those_of_others(built: Path) -> None:
    weighed = cloud.weights()
    others = cloud.KEPT_FREE // MIB
    whole = {name: size // MIB for name, size in weighed["whole_functions_unzipped"].items()}
    assert whole == {"OutboxFunction": 60, "ChatFunction": 210, "ChatStreamFunction": 210 + others}
    assert weighed["largest_function_unzipped"] == (210 + others) * MIB
    assert weighed["deps_unzipped_of_workers"] == 50 * MIB
    cloud.check_weights(weighed)


@pytest.mark.parametrize(
    ("place", "mebibytes", "said"),
    [
        ("EmbedderLayer/models", 181, "allows 262,144,000 bytes, but there are: ChatStreamFunction 263,192,576$"),
        ("EmbedderLayer/models", 191, "there are: ChatFunction 263,192,576, ChatStreamFunction 273,678,336$"),
        ("ChatFunction", 42, "there are: ChatFunction 263,192,576$"),
        ("DepsLayer/python/psycopg", 58, "workers' part of DepsLayer has 60,817,408 bytes; 60,000,000 are the most"),
    ],
)
def test_too_much_is_refused(place: str, mebibytes: int, said: str, built: Path) -> None:
    grow(built / place, mebibytes)
    with pytest.raises(cloud.TooHeavy, match=said):
        cloud.check_weights(cloud.weights())


def test_a_build_that_is_too_heavy_fails_and_says_so(
    built: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """`sam build` itself is left out: the folder has what it would leave."""
    grow(built / "DepsLayer/python/psycopg", 58)
    monkeypatch.setattr(cloud, "stamp", lambda _source: None)
    monkeypatch.setattr(cloud, "ensure", lambda name: f"/nowhere/{name}")
    monkeypatch.setattr(cloud, "run", lambda *_, **__: None)
    monkeypatch.setattr(cloud.shutil, "rmtree", lambda *_, **__: None)
    monkeypatch.setattr(cloud.sys, "argv", ["cloud", "build"])

    assert cloud.main() == 1
    assert "failed: the workers' part of DepsLayer has" in capsys.readouterr().out
    assert "deps_unzipped_of_workers" in cloud.FIGURES.read_text(), "the figures are there to be looked at"

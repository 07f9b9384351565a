"""The layers are built for what the template names, from what the locks and the catalogue of models pin."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
LAYERS = ROOT / "layers"


def test_the_weights_are_those_of_the_catalogue() -> None:
    catalogue = json.loads((LAYERS / "app/anima/vendors/assets/assets.json").read_text())["assets"]
    pinned = {each["file"]: each["sha256"] for each in catalogue if each["file"].startswith("all-MiniLM-L6-v2/")}
    lines = (LAYERS / "embedder/weights.sha256").read_text().splitlines()
    assert {name: digest for digest, name in (line.split() for line in lines)} == pinned


@pytest.mark.parametrize("layer", ["deps", "app", "embedder", "tensors"])
def test_a_layer_is_for_the_runtime_of_the_template(layer: str) -> None:
    template, recipe = (ROOT / "template.yaml").read_text(), (LAYERS / layer / "Makefile").read_text()
    assert set(re.findall(r"python(3\.\d+)", template)) == set(re.findall(r"LAYER_PYTHON \?= (\S+)", recipe))
    named = re.findall(r"Architectures: \[(\w+)\]", template)
    assert set(re.findall(r"LAYER_ARCHITECTURE \?= (\S+)", recipe)) <= set(named) == {"arm64"}


def test_no_package_is_in_two_layers_nor_in_the_runtime() -> None:
    names = [
        re.split(r"[=<>]", line)[0]
        for layer in ("deps", "embedder", "tensors")
        for line in (LAYERS / layer / "requirements.txt").read_text().splitlines()
        if line[:1].isalnum()
    ]
    assert len(set(names) & {"numpy", "onnxruntime", "tokenizers", "blake3", "xxhash"}) == 5
    once = {name for name in names if names.count(name) == 1}
    assert set(names) - once <= {"numpy"}, "numpy has a version for each Python"
    assert not set(names) & {"boto3", "botocore", "urllib3", "huggingface-hub", "obstore", "zstandard"}

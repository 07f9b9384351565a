"""The model database over HTTP: versions, slices of tensors, checkpoints as files, runs from elsewhere, caches."""

from __future__ import annotations

import io
import json
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.numpy

from anima import registry
from anima.inference import attention_service, metrics_service, sessions_service
from anima.inference.attention_model import Recorded
from anima.inference.session_model import Measured
from anima.kernel import config
from fixtures.api import Person

API = "/api/v1"
MODELS = f"{API}/registry/models"


@pytest.fixture
def model(alice: Person) -> dict[str, Any]:
    """A small model of Alice's with weights."""
    made = registry.example(alice.principal, "tiny")
    found: dict[str, Any] = alice.http.get(f"{MODELS}/{made.model.model_id}").json()
    return found


def weights(seed: int = 0) -> dict[str, Any]:
    random = np.random.default_rng(seed)
    return {
        "layer.weight": random.standard_normal((8, 16), dtype=np.float32),
        "layer.bias": random.standard_normal(16, dtype=np.float32),
        "empty": np.zeros((0, 4), dtype=np.float16),
    }


def bring(person: Person, model_id: str, content: bytes, step: int = 1) -> Any:
    return person.http.post(
        f"{MODELS}/{model_id}/checkpoints",
        params={"step": step},
        content=content,
        headers={"Content-Type": "application/octet-stream"},
    )


def everything(person: Person, path: str, limit: int = 3) -> list[dict[str, Any]]:
    """A list, in pages of few."""
    rows: list[dict[str, Any]] = []
    cursor = None
    while True:
        page = person.http.get(path, params={"limit": limit, **({"cursor": cursor} if cursor else {})}).json()
        rows += page["items"]
        cursor = page["next_cursor"]
        if cursor is None:
            return rows


def test_a_model_is_told_with_all_that_it_consists_of(alice: Person, bob: Person, model: dict[str, Any]) -> None:
    place = f"{MODELS}/{model['model_id']}"
    assert (model["name"], model["version"]) == ("tiny", 1)
    parts = everything(alice, f"{place}/weights")
    assert sum(int(np.prod(one["shape"])) for one in parts) == model["parameters"]
    assert [one["tensor_id"] for one in everything(alice, f"{place}/tensors")] == [one["tensor_id"] for one in parts]
    layers = everything(alice, f"{place}/layers")
    assert [one["layer_index"] for one in layers] == sorted(one["layer_index"] for one in layers)
    assert {"embedding", "attention", "feedforward", "normalization"} <= {one["type"] for one in layers}
    heads = everything(alice, f"{place}/heads")
    assert {one["head_dim"] for one in heads} == {16}
    assert alice.http.get(f"{place}/lineage").json()["ancestors"] == []
    assert [one["model_id"] for one in everything(alice, MODELS)] == [model["model_id"]]
    assert bob.http.get(place).status_code == 404
    assert bob.http.get(f"{API}/registry/tensors/{parts[0]['tensor_id']}/data").status_code == 404
    assert bob.http.get(MODELS).json()["items"] == []


def test_the_state_of_a_model_goes_only_where_it_can(alice: Person) -> None:
    made = alice.http.post(MODELS, json={"name": "net", "type": "other"}).json()
    place = f"{MODELS}/{made['model_id']}"
    assert made["status"] == "initialized"
    refused = alice.http.patch(place, json={"status": "deployed"})
    assert (refused.status_code, refused.json()["type"].rsplit("/", 1)[-1]) == (409, "wrong-status")
    assert [alice.http.patch(place, json={"status": one}).json()["status"] for one in ("training", "trained")] == [
        "training",
        "trained",
    ]
    second = alice.http.post(MODELS, json={"name": "net", "type": "other", "parent_id": made["model_id"]}).json()
    assert (second["version"], second["parent_id"]) == (2, made["model_id"])
    for status in ("training", "trained"):
        alice.http.patch(f"{MODELS}/{second['model_id']}", json={"status": status})
    for one in (made, second):
        assert alice.http.post(f"{MODELS}/{one['model_id']}/deploy").json()["status"] == "deployed"
    assert alice.http.get(place).json()["status"] == "trained"
    assert alice.http.delete(f"{MODELS}/{second['model_id']}").status_code == 409
    assert alice.http.post(f"{MODELS}/{second['model_id']}/rollback").json()["model_id"] == made["model_id"]
    history = everything(alice, f"{place}/deployments", limit=1)
    assert [one["version"] for one in history] == [1, 2, 1]
    assert alice.http.delete(f"{MODELS}/{second['model_id']}").status_code == 204
    assert [one["model_id"] for one in alice.http.get(MODELS).json()["items"]] == [made["model_id"]]


def test_a_tensor_comes_whole_or_in_slices_and_its_type_is_said(
    alice: Person, model: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    row = next(
        one
        for one in everything(alice, f"{MODELS}/{model['model_id']}/weights")
        if one["category"] == "token_embedding"
    )
    place = f"{API}/registry/tensors/{row['tensor_id']}"
    with registry.open(alice.principal, "tiny") as opened:
        known = np.array(opened[row["name"]])
    whole = alice.http.get(f"{place}/data")
    assert whole.headers["x-tensor-dtype"] == row["dtype"] == "float32"
    assert int(whole.headers["content-length"]) == len(whole.content)
    assert np.array_equal(np.load(io.BytesIO(whole.content)), known)
    assert alice.http.get(f"{place}/data", params={"format": "raw"}).content == known.tobytes()
    part = alice.http.get(f"{place}/data", params={"slice": "2:5,-3"})
    assert part.headers["x-tensor-shape"] == "3"
    assert np.array_equal(np.load(io.BytesIO(part.content)), known[2:5, -3])
    assert np.load(io.BytesIO(alice.http.get(f"{place}/data", params={"slice": "9:9"}).content)).shape == (
        0,
        known.shape[1],
    )
    for wrong in ("x", "1:2:3", "0,0,0", "100000", "1.5", ":,"):
        refused = alice.http.get(f"{place}/data", params={"slice": wrong})
        assert (refused.status_code, refused.json()["errors"][0]["path"]) == (422, "slice"), wrong
    monkeypatch.setenv("ANIMA_MAX_SLICE_BYTES", "1000")
    config.settings.cache_clear()
    assert alice.http.get(f"{place}/data", params={"slice": ":"}).status_code == 413
    assert len(alice.http.get(f"{place}/data").content) > 1000
    config.settings.cache_clear()


def test_a_checkpoint_is_brought_as_a_file_and_given_back(alice: Person, model: dict[str, Any]) -> None:
    sent = safetensors.numpy.save(weights())
    first = bring(alice, model["model_id"], sent)
    assert first.status_code == 201, first.text
    one = first.json()
    assert (one["step"], one["kind"], one["run_id"]) == (1, "weights", None)
    assert bring(alice, model["model_id"], sent).json()["checkpoint_id"] == one["checkpoint_id"]
    other = safetensors.numpy.save(weights(1))
    assert bring(alice, model["model_id"], other).status_code == 409
    two = bring(alice, model["model_id"], other, step=2).json()
    place = f"{API}/registry/checkpoints/{one['checkpoint_id']}"
    given = alice.http.get(f"{place}/file")
    assert int(given.headers["content-length"]) == len(given.content)
    back = safetensors.numpy.load(given.content)
    for name, array in weights().items():
        assert back[name].dtype == array.dtype
        assert np.array_equal(back[name], array), name
    names = [row["name"] for row in everything(alice, f"{place}/tensors", limit=1)]
    assert sorted(names) == sorted(weights())
    compared = alice.http.get(f"{place}/compare", params={"with": two["checkpoint_id"]}).json()
    assert compared["counts"] == {"same": 1, "changed": 2}
    assert {row["name"] for row in compared["differences"]} == {"layer.weight", "layer.bias"}
    assert (
        len(
            alice.http.get(f"{place}/compare", params={"with": two["checkpoint_id"], "same": True}).json()[
                "differences"
            ]
        )
        == 3
    )
    promoted = alice.http.post(f"{place}/promote", json={"name": "grown"}).json()
    assert (promoted["name"], promoted["parameters"]) == ("grown", 8 * 16 + 16)
    assert [row["step"] for row in everything(alice, f"{MODELS}/{model['model_id']}/checkpoints", 1)] == [2, 1]
    assert alice.http.delete(place).status_code == 204
    assert alice.http.get(place).status_code == 404


def lying(change: Callable[[dict[str, Any]], None]) -> bytes:
    """A safetensors file whose header was changed."""
    whole = safetensors.numpy.save(weights())
    length = int.from_bytes(whole[:8], "little")
    header = json.loads(whole[8 : 8 + length])
    change(header)
    text = json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + whole[8 + length :]


def put(name: str, field: str, value: Any) -> Callable[[dict[str, Any]], None]:
    return lambda header: header[name].update({field: value})


LIES = {
    "cut": safetensors.numpy.save(weights())[:-7],
    "longer": safetensors.numpy.save(weights()) + b"more",
    "nothing": b"",
    "no header": b"\x00" * 64,
    "huge header": (2**62).to_bytes(8, "little") + b"{}",
    "shape": lying(put("layer.weight", "shape", [9, 16])),
    "absurd shape": lying(put("layer.weight", "shape", [2**40, 2**40])),
    "negative": lying(put("layer.weight", "shape", [-8, -16])),
    "dtype": lying(put("layer.weight", "dtype", "F17")),
    "overlap": lying(put("layer.weight", "data_offsets", [0, 512])),
    "outside": lying(put("layer.bias", "data_offsets", [10**9, 10**9 + 64])),
    "gguf": b"GGUF\x03\x00\x00\x00" + b"\x00" * 56,
}


@pytest.mark.parametrize("lie", LIES)
def test_a_file_that_lies_is_refused_and_leaves_nothing(lie: str, alice: Person) -> None:
    made = alice.http.post(MODELS, json={"name": "net"}).json()
    refused = bring(alice, made["model_id"], LIES[lie])
    assert (refused.status_code, refused.headers["content-type"]) == (422, "application/problem+json"), refused.text
    assert alice.http.get(f"{MODELS}/{made['model_id']}/checkpoints").json()["items"] == []
    spool = config.settings().data_dir / "spool"
    assert not list(spool.iterdir())


def test_what_is_too_large_is_refused_before_it_is_read(
    alice: Person, model: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ANIMA_MAX_CHECKPOINT_BYTES", "100")
    config.settings.cache_clear()
    assert bring(alice, model["model_id"], safetensors.numpy.save(weights())).status_code == 413
    config.settings.cache_clear()
    assert bring(alice, "00000000-0000-7000-8000-000000000000", b"x").status_code == 404


def test_a_run_from_elsewhere_is_begun_measured_and_ended(alice: Person, bob: Person, model: dict[str, Any]) -> None:
    runs = f"{API}/registry/runs"
    run = alice.http.post(runs, json={"name": "warm", "model_id": model["model_id"], "total_epochs": 2}).json()
    place = f"{runs}/{run['run_id']}"
    assert run["status"] == "pending"
    values = [
        {
            "step": step,
            "name": "loss",
            "value": 4.0 / (step + 1),
            "at": f"2026-11-22T10:{step // 60:02}:{step % 60:02}Z",
        }
        for step in range(200)
    ]
    for _ in range(2):  # sent twice, it is entered once
        assert alice.http.post(f"{place}/metrics", json={"values": values}).status_code == 201
    odd = '{"values": [{"step": 3, "name": "norm", "value": NaN}, {"step": 4, "name": "norm", "value": 2.0}]}'
    sent = alice.http.post(f"{place}/metrics", content=odd, headers={"Content-Type": "application/json"})
    assert sent.status_code == 201, sent.text
    found = alice.http.get(f"{place}/metrics", params={"points": 10}).json()["series"]
    loss = next(one for one in found if one["name"] == "loss")
    assert loss["values"] == 200
    assert len(loss["buckets"]) == 10
    assert loss["buckets"][0]["maximum"] == 4.0
    assert loss["buckets"][-1]["last_step"] == 199
    assert next(one for one in found if one["name"] == "norm")["values"] == 2
    only = alice.http.get(f"{place}/metrics", params={"name": "norm", "scope": "train"}).json()["series"]
    assert [one["name"] for one in only] == ["norm"]
    assert bob.http.post(f"{place}/metrics", json={"values": values[:1]}).status_code == 404
    assert alice.http.patch(place, json={"status": "running"}).json()["started_at"] is not None
    ended = alice.http.patch(place, json={"status": "failed", "error": "the loss was no number"}).json()
    assert (ended["status"], ended["error"]) == ("failed", "the loss was no number")
    assert ended["ended_at"] is not None
    assert alice.http.patch(place, json={"status": "running"}).status_code == 409
    assert [one["run_id"] for one in alice.http.get(runs, params={"status": "failed"}).json()["items"]] == [
        run["run_id"]
    ]
    assert alice.http.get(runs, params={"model_id": model["model_id"]}).json()["items"][0]["run_id"] == run["run_id"]
    assert alice.http.delete(place).status_code == 204
    assert alice.http.get(place).status_code == 404


def test_a_small_model_is_compressed_at_once_and_a_large_one_is_not(
    alice: Person, model: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    place = f"{MODELS}/{model['model_id']}"
    made = alice.http.post(f"{place}/quantize", json={"bits": 8})
    assert made.status_code == 201, made.text
    version = made.json()["model"]
    assert (version["name"], version["parent_id"]) == ("tiny", model["model_id"])
    assert version["n_bytes"] < model["n_bytes"] / 2
    lost = everything(alice, f"{MODELS}/{version['model_id']}/deviations")
    assert lost == made.json()["deviations"]
    assert all(0 <= one["relative"] < 0.02 for one in lost)
    odd = alice.http.post(f"{place}/prune", json={"method": "heads", "share": 0.5, "scope": "global"})
    assert (odd.status_code, "magnitude only" in odd.text) == (422, True)
    pruned = alice.http.post(f"{place}/prune", json={"method": "magnitude", "share": 0.5}).json()
    assert all(one["zeros"] * 2 >= one["size"] - 1 for one in pruned["deviations"] if one["zeros"])
    kin = alice.http.get(f"{place}/lineage").json()["descendants"]
    assert {one["version"] for one in kin} == {2, 3}
    monkeypatch.setenv("ANIMA_MAX_SLICE_BYTES", "1000")
    config.settings.cache_clear()
    assert alice.http.post(f"{place}/quantize", json={}).status_code == 413
    config.settings.cache_clear()


def test_files_of_language_models_are_for_admins(admin: Person, alice: Person, owner_conn: Any) -> None:
    row = owner_conn.execute("select model_id from llm_models where provider = 'local' limit 1").fetchone()
    place = f"{API}/models/{row[0]}/artifacts"
    body = {"uri": "s3://models/tiny.gguf", "checksum": "sha256:" + "0" * 64, "default": True}
    assert alice.http.post(place, json=body).status_code == 403
    made = admin.http.post(place, json=body)
    assert made.status_code == 201, made.text
    number = made.json()["artifact_id"]
    assert made.json()["is_default"]
    other = admin.http.post(place, json={**body, "uri": "file:///b.gguf", "default": False}).json()
    admin.http.post(f"{place}/{other['artifact_id']}/default")
    assert {one["artifact_id"]: one["is_default"] for one in admin.http.get(place).json()["items"]} == {
        number: False,
        other["artifact_id"]: True,
    }
    for one in (number, other["artifact_id"]):
        assert admin.http.delete(f"{place}/{one}").status_code == 204
    assert admin.http.get(place).json()["items"] == []
    assert admin.http.post(place, json={**body, "checksum": "md5:1"}).status_code == 422
    assert admin.http.get(f"{API}/models/99999999/artifacts").status_code == 404


def test_what_inference_keeps_and_attended_to_is_told(alice: Person, bob: Person, model: dict[str, Any]) -> None:
    caches = {one["kind"]: one for one in alice.http.get(f"{API}/inference/caches").json()["caches"]}
    assert set(caches) == {"embeddings", "activations", "kv", "slots"}
    model_id = uuid.UUID(model["model_id"])
    session = sessions_service.begin(alice.principal, model_id, temperature=0.5)
    metrics_service.record(alice.principal, session.inference_id, [Measured(20.0, tokens=8), Measured(40.0, tokens=8)])
    heads = np.tril(np.ones((2, 3, 3), dtype=np.float32))
    heads /= heads.sum(axis=-1, keepdims=True)
    recorded = [Recorded(["a", "b", "c"], {0: heads, 1: heads})]
    attention_service.record(alice.principal, model_id, recorded, inference_id=session.inference_id)
    listed = alice.http.get(f"{API}/inference/sessions", params={"model_id": model["model_id"]}).json()["items"]
    assert [(one["model"], one["temperature"], one["request_count"]) for one in listed] == [("tiny@1", 0.5, 2)]
    place = f"{API}/inference/sessions/{listed[0]['inference_id']}"
    assert alice.http.get(place).json() == listed[0]
    measured = alice.http.get(f"{place}/metrics").json()["buckets"]
    assert sum(one["tokens"] for one in measured) == 16
    attention = f"{API}/inference/attention/{model['model_id']}"
    assert [one["tokens"] for one in everything(alice, f"{attention}/inputs")] == [["a", "b", "c"]]
    assert [(one["layer"], one["head"]) for one in everything(alice, attention, 1)] == [(0, 0), (0, 1), (1, 0), (1, 1)]
    one = alice.http.get(attention, params={"layer": 1, "head": 0}).json()["items"][0]
    matrix = np.load(io.BytesIO(alice.http.get(f"{API}/registry/tensors/{one['tensor_id']}/data").content))
    assert np.allclose(matrix, heads[0])
    assert bob.http.get(place).status_code == 404
    assert bob.http.get(attention).json().get("items", []) == []


def test_a_gigabyte_would_not_lie_in_memory(alice: Person, tmp_path: Path) -> None:
    """What is streamed comes in pieces: the pieces of an answer are never larger than a chunk."""
    made = alice.http.post(MODELS, json={"name": "wide"}).json()
    big = {"weight": np.arange(5_000_000, dtype=np.float32)}
    one = bring(alice, made["model_id"], safetensors.numpy.save(big)).json()
    with alice.http.stream("GET", f"{API}/registry/checkpoints/{one['checkpoint_id']}/file") as answer:
        sizes = [len(piece) for piece in answer.iter_raw()]
    assert sum(sizes) > 20_000_000
    assert max(sizes) <= 8 << 20

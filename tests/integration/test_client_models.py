"""The client and the model database: a model is looked at, trained from elsewhere, its checkpoints sent and taken."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import safetensors.numpy

from anima import registry
from anima.client import Anima, AsyncAnima, BadInput, Conflict, Forbidden, NotFound
from fixtures.api import Person
from fixtures.coroutines import awaited


@pytest.fixture
def anima(listening: str, alice: Person) -> Iterator[Anima]:
    """Alice's client."""
    with Anima(listening, key=alice.key) as client:
        yield client


def test_a_model_and_its_parts_are_read(anima: Anima, alice: Person) -> None:
    registry.example(alice.principal, "tiny")
    (model,) = anima.list_registered_models(name="tiny").all()
    assert anima.get_registered_model(model.model_id) == model
    weights = anima.list_weights(model.model_id).all()
    assert sum(int(np.prod(one.shape)) for one in weights) == model.parameters
    assert [one.tensor_id for one in anima.list_model_tensors(model.model_id)] == [one.tensor_id for one in weights]
    assert len(anima.list_heads(model.model_id).all()) == 8
    assert {one.type for one in anima.list_layers(model.model_id)} > {"attention", "feedforward"}
    assert [one.path for one in anima.list_model_files(model.model_id).all()] == ["config.json"]
    tensor = anima.get_tensor(weights[0].tensor_id)
    part = np.load(io.BytesIO(anima.get_tensor_data(tensor.tensor_id, part="0:2,:")))
    assert part.shape == (2, tensor.shape[1])
    made = anima.quantize_model(model.model_id, bits=4)
    assert anima.list_deviations(made.model.model_id).all() == list(made.deviations)
    assert anima.prune_model(model.model_id, 0.25).model.version == 3
    assert len(anima.get_lineage(model.model_id).descendants) == 2
    anima.delete_registered_model(made.model.model_id)
    with pytest.raises(NotFound):
        anima.get_registered_model(made.model.model_id)


def test_a_model_is_trained_elsewhere_and_deployed(anima: Anima, tmp_path: Path) -> None:
    model = anima.create_registered_model("net", type="other", architecture={"layers": 1})
    run = anima.start_run("warm", model_id=model.model_id, total_epochs=1)
    assert anima.set_run_status(run.run_id, "running").status == "running"
    values = [{"step": step, "name": "loss", "value": 1 / (step + 1)} for step in range(50)]
    assert anima.send_run_metrics(run.run_id, values).written == 50
    (loss,) = anima.get_run_metrics(run.run_id, "loss", points=5).series
    assert (loss.values, len(loss.buckets), loss.buckets[0].maximum) == (50, 5, 1.0)
    sent = {"w": np.arange(6, dtype=np.float32).reshape(2, 3)}
    (tmp_path / "one.safetensors").write_bytes(safetensors.numpy.save(sent))
    one = anima.upload_checkpoint(model.model_id, tmp_path / "one.safetensors", step=1)
    two = anima.upload_checkpoint(model.model_id, safetensors.numpy.save({"w": sent["w"] + 1}), step=2)
    assert [each.step for each in anima.list_checkpoints(model.model_id)] == [2, 1]
    assert anima.list_run_checkpoints(run.run_id).all() == []
    assert [each.name for each in anima.list_checkpoint_tensors(one.checkpoint_id)] == ["w"]
    assert np.array_equal(safetensors.numpy.load(anima.get_checkpoint_file(two.checkpoint_id))["w"], sent["w"] + 1)
    (changed,) = anima.compare_checkpoints(one.checkpoint_id, two.checkpoint_id).differences
    assert (changed.state, changed.max_abs, changed.share_changed) == ("changed", 1.0, 1.0)
    grown = anima.promote_checkpoint(two.checkpoint_id)
    assert (grown.version, grown.status) == (2, "trained")
    assert anima.deploy_model(grown.model_id).status == "deployed"
    assert [each.version for each in anima.list_deployments(model.model_id)] == [2]
    with pytest.raises(Conflict):
        anima.roll_back_model(grown.model_id)
    with pytest.raises(Conflict):
        anima.set_model_status(model.model_id, "deployed")
    with pytest.raises(BadInput):
        anima.upload_checkpoint(model.model_id, b"nothing of the kind", step=3)
    with pytest.raises(BadInput):
        anima.set_best_checkpoint(one.checkpoint_id)
    anima.delete_checkpoint(one.checkpoint_id)
    anima.set_run_status(run.run_id, "completed")
    anima.delete_run(run.run_id)
    assert anima.list_runs().all() == []


def test_what_is_for_admins_is_refused_to_others(anima: Anima, listening: str, admin: Person) -> None:
    with Anima(listening, key=admin.key) as chief:
        place = next(one.model_id for one in chief.list_models() if one.model_id is not None)
        made = chief.add_artifact(place, "s3://models/a.gguf", "sha256:" + "1" * 64)
        assert chief.set_default_artifact(place, made.artifact_id).is_default
        with pytest.raises(Forbidden):
            anima.list_artifacts(place).all()
        chief.remove_artifact(place, made.artifact_id)
        assert chief.list_artifacts(place).all() == []


def test_caches_and_attention_are_told_in_both_colours(listening: str, alice: Person) -> None:
    made = registry.example(alice.principal, "tiny")

    async def asked() -> None:
        async with AsyncAnima(listening, key=alice.key) as client:
            assert {one.kind for one in (await client.get_inference_caches()).caches} >= {"embeddings", "kv"}
            assert [one async for one in client.list_attention(made.model.model_id)] == []
            assert [one async for one in client.list_attention_inputs(made.model.model_id)] == []
            assert [one async for one in client.list_inference_sessions()] == []

    awaited(asked())

"""Versions of models, what each can become, deployment and roll back, and what the views say of them."""

from __future__ import annotations

import uuid
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import psycopg
import pytest

from anima import registry
from anima.kernel import db
from anima.kernel.errors import BadInput, NotFound
from anima.registry import artifacts_service, example_service, export_service, import_service, parts_service, service
from anima.registry.errors import IsDeployed, NothingToRollBack, WrongStatus
from anima.registry.model import NEXT, Model
from anima.tensors import service as tensors_service
from anima.tensors.model import given
from fixtures import model_folders
from fixtures.tensors import Keeper, Sound


def trained(keeper: Keeper, name: str = "m") -> Model:
    model = service.create(keeper.principal, name, "decoder", {"family": "llama"})
    service.set_status(keeper.principal, model, "training")
    return service.set_status(keeper.principal, model, "trained")


def test_versions_of_a_name(keeper: Keeper, another_keeper: Keeper) -> None:
    me = keeper.principal
    first, second = (service.create(me, "m", "encoder", {"layers": n}) for n in (1, 2))
    assert (str(first), str(second)) == ("m@1", "m@2")
    assert service.create(another_keeper.principal, "m", "encoder", {}).version == 1
    assert service.get(me, "m") == service.get(me, "m@2") == service.get(me, str(second.model_id))
    assert service.get(me, first.model_id).architecture == {"layers": 1}
    for unknown in ("m@3", "n", uuid.uuid4(), "a\0b"):
        with pytest.raises(NotFound):
            service.get(me, unknown)
    with pytest.raises(NotFound):
        service.get(another_keeper.principal, first.model_id)
    with pytest.raises(NotFound):
        service.create(another_keeper.principal, "child", "encoder", {}, parent_id=first.model_id)
    with pytest.raises(BadInput):
        service.create(me, "m", "perceptron", {})
    for words in ({"a": float("nan")}, {"a": {1, 2}}, {"a": "x\0y"}, {"\ud800": 1}):
        with pytest.raises(BadInput):
            service.create(me, "m", "encoder", words)


def test_models_are_listed_in_pages_newest_first(keeper: Keeper) -> None:
    me = keeper.principal
    made = [service.create(me, f"m{n % 2}", "other", {}) for n in range(5)]
    first = service.models(me, limit=2)
    second = service.models(me, first.next_cursor, 2)
    third = service.models(me, second.next_cursor, 2)
    listed = [*first.items, *second.items, *third.items]
    assert [one.model_id for one in listed] == [one.model_id for one in reversed(made)]
    assert third.next_cursor is None
    assert [one.version for one in service.models(me, name="m0").items] == [3, 2, 1]
    assert service.models(me, status="trained").items == []
    for cursor in ("nonsense", "WzEsMl0", "WyIyMDI2LTAxLTAxIiwgIngiXQ"):
        with pytest.raises(BadInput):
            service.models(me, cursor)
    with pytest.raises(BadInput):
        service.models(me, status="lost")


@pytest.mark.parametrize("begin", NEXT)
@pytest.mark.parametrize("end", NEXT)
def test_a_status_moves_along_its_machine_only(
    keeper: Keeper, owner_conn: psycopg.Connection[Any], begin: str, end: str
) -> None:
    model = service.create(keeper.principal, "m", "other", {})
    owner_conn.execute("update models set status = %s where model_id = %s", (begin, model.model_id))
    if end in NEXT[begin] or begin == end == "deployed":
        assert service.set_status(keeper.principal, model, end).status == end
    else:
        with pytest.raises(WrongStatus, match=begin):
            service.set_status(keeper.principal, model, end)
        assert service.get(keeper.principal, model.model_id).status == begin


def test_deployed_and_rolled_back_step_by_step(keeper: Keeper) -> None:
    me = keeper.principal
    one, two, three = (trained(keeper) for _ in range(3))
    with pytest.raises(NothingToRollBack):
        service.roll_back(me, "m")
    for model in (one, two, three):
        assert service.deploy(me, model).status == "deployed"
    assert service.deploy(me, three).status == "deployed"
    assert [item.status for item in service.models(me).items] == ["deployed", "trained", "trained"]
    assert service.roll_back(me, "m").version == 2
    assert service.roll_back(me, "m").version == 1
    with pytest.raises(NothingToRollBack):
        service.roll_back(me, "m")
    service.deploy(me, three)
    assert service.roll_back(me, "m").version == 1
    told = [(item.number, item.version, item.previous_number) for item in service.deployments(me, "m").items]
    assert told == [(7, 1, None), (6, 3, 5), (5, 1, None), (4, 2, 1), (3, 3, 2), (2, 2, 1), (1, 1, None)]
    page = service.deployments(me, "m", limit=3)
    assert [item.number for item in service.deployments(me, "m", page.next_cursor, 3).items] == [4, 3, 2]


def test_what_is_deployed_is_not_deleted_and_what_is_in_training_is_not_deployed(keeper: Keeper) -> None:
    me = keeper.principal
    model = trained(keeper)
    service.deploy(me, model)
    with pytest.raises(IsDeployed):
        service.delete(me, model)
    other = service.create(me, "m", "other", {})
    with pytest.raises(WrongStatus):
        service.deploy(me, other)
    assert service.set_status(me, model, "trained").status == "trained"
    service.delete(me, model)
    with pytest.raises(NotFound):
        service.get(me, model.model_id)


def test_a_roll_back_to_what_is_trained_again_is_refused(keeper: Keeper) -> None:
    me = keeper.principal
    one, two = trained(keeper), trained(keeper)
    service.deploy(me, one)
    service.deploy(me, two)
    service.set_status(me, one, "training")
    with pytest.raises(WrongStatus):
        service.roll_back(me, "m")
    assert service.get(me, two.model_id).status == "deployed"
    service.delete(me, one)
    with pytest.raises(NothingToRollBack):
        service.roll_back(me, "m")


def test_a_deleted_model_gives_its_room_back(keeper: Keeper, sound: Sound, tmp_path: Path) -> None:
    me = keeper.principal
    one = import_service.import_folder(me, model_folders.llama(tmp_path / "a", seed=1))
    two = import_service.import_folder(me, model_folders.llama(tmp_path / "b", seed=2))
    service.delete(me, one)
    collected = tensors_service.collect(me, timedelta(0))
    assert collected.tensors >= len(model_folders.llama_shapes()) - 5  # norms and files are of both
    sound(keeper)
    out = export_service.export(me, two, tmp_path / "out")
    assert model_folders.contents(out) == model_folders.contents(tmp_path / "b")


def test_layers_heads_weights_and_files_in_pages(keeper: Keeper, tmp_path: Path) -> None:
    me = keeper.principal
    model = import_service.import_folder(me, model_folders.gpt2(tmp_path / "gpt2"))
    layers = parts_service.layers(me, model, limit=200).items
    assert sum(one.parameters for one in layers) == model.parameters
    page = parts_service.layers(me, model, limit=4)
    assert [one.layer_index for one in parts_service.layers(me, model, page.next_cursor, 4).items] == [4, 5, 6, 7]
    heads = parts_service.heads(me, model, limit=5)
    rest = parts_service.heads(me, model, heads.next_cursor, 5)
    assert [(one.layer_index, one.head_index) for one in [*heads.items, *rest.items]] == [
        (3, 0), (3, 1), (3, 2), (3, 3), (7, 0), (7, 1), (7, 2), (7, 3)
    ]  # fmt: skip
    weights = {one.weight_id: one for one in parts_service.weights(me, model, limit=200).items}
    assert weights[heads.items[0].q_weight_id].name == "h.0.attn.c_attn.weight"  # type: ignore[index]
    paths = [one.path for one in parts_service.files(me, model).items]
    assert paths == ["README.md", "config.json", "model.safetensors", "notes/empty.txt", "tokenizer.json"]
    first = parts_service.files(me, model, limit=2)
    assert [one.path for one in parts_service.files(me, model, first.next_cursor, 2).items] == paths[2:4]
    for listed in (parts_service.layers, parts_service.heads, parts_service.weights, parts_service.files):
        with pytest.raises(BadInput):
            listed(me, model, "WyJ4Il0")


def test_what_is_trained_and_where_gradients_lie(keeper: Keeper, tmp_path: Path) -> None:
    me = keeper.principal
    model = import_service.import_folder(me, model_folders.gpt2(tmp_path / "gpt2"))
    masks = 2 * 24 * 24
    assert model.parameters - model.trainable_parameters == masks
    assert parts_service.set_trainable(me, model, "h.0.*", False) == 12
    assert parts_service.set_trainable(me, model, "*", True) == 28  # a mask stays one
    frozen = parts_service.set_trainable(me, model, "wte.*", False)
    assert (frozen, service.get(me, model.model_id).trainable_parameters) == (
        1, model.trainable_parameters - 16 * len(model_folders.WORDS)
    )  # fmt: skip
    saved = tensors_service.save(
        me, [given("gradient", np.ones(16, np.float32)), given("wrong", np.ones(3, np.float32))], lambda _, kept: kept
    )
    assert parts_service.set_gradients(me, model, {"ln_f.bias": saved.tensors["gradient"]}) == 1
    weights = {one.name: one for one in parts_service.all_weights(me, model)}
    assert weights["ln_f.bias"].gradient_tensor_id == saved.tensors["gradient"].tensor_id
    for name, ref in (("ln_f.bias", "wrong"), ("unknown", "gradient")):
        with pytest.raises(BadInput):
            parts_service.set_gradients(me, model, {name: saved.tensors[ref]})


def test_a_version_that_was_made_here_comes_out_as_a_folder(keeper: Keeper, tmp_path: Path) -> None:
    """As a quantised or pruned model: other weights, the configuration and tokenizer of its parent."""
    from safetensors.numpy import load_file

    me = keeper.principal
    parent = import_service.import_folder(me, model_folders.gpt2(tmp_path / "parent"))
    with registry.open(me, parent) as opened:
        halves = {name: opened[name].astype(np.float16) for name in opened}
        structure = opened.structure

    def commit(tx: db.Transaction, saved: Any) -> Model:
        new = service.create_in(
            tx,
            keeper.owner_id,
            parent.name,
            parent.type,
            parent.architecture,
            parent_id=parent.model_id,
            status="trained",
        )
        parts_service.enter(tx, keeper.owner_id, new.model_id, saved.tensors, structure)
        parts_service.carry_files(tx, keeper.owner_id, parent.model_id, new.model_id, leave_out=["README.md"])
        return new

    new = tensors_service.save(me, [given(name, one) for name, one in halves.items()], commit)
    assert (new.version, new.parent_id) == (2, parent.model_id)
    out = export_service.export(me, "parent", tmp_path / "out")
    read = load_file(out / "model.safetensors")
    assert all(np.array_equal(read[name], one) for name, one in halves.items())
    kept = {path.name for path in out.rglob("*") if path.is_file()}
    assert kept == {"config.json", "tokenizer.json", "empty.txt", "model.safetensors"}
    again = import_service.import_folder(me, out, "again")
    assert again.architecture == parent.architecture


def test_the_view_and_the_function_as_a_person_asks_them(
    keeper: Keeper, another_keeper: Keeper, tmp_path: Path, database: Any
) -> None:
    model = import_service.import_folder(keeper.principal, model_folders.llama(tmp_path / "mine"))
    expected = sum(int(np.prod(shape)) for shape in model_folders.llama_shapes().values())
    with psycopg.connect(database.app_url) as connection:
        connection.execute("select set_config('anima.user_id', %s, false)", (str(keeper.owner_id),))
        row = connection.execute(
            "select name, version, type, status, family, layer_count, attention_layers, feedforward_layers,"
            " normalization_layers, head_count, weight_count, parameter_count, n_bytes from v_model_architecture"
        ).fetchall()
        assert row == [("mine", 1, "decoder", "trained", "llama", 11, 2, 2, 5, 8, 21, expected, 2 * expected)]
        total = connection.execute("select * from calculate_model_parameters(%s)", (model.model_id,)).fetchone()
        assert total == (expected, expected)
        assert connection.execute("select * from get_latest_checkpoint(%s)", (model.model_id,)).fetchall() == []
        connection.execute("select set_config('anima.user_id', %s, false)", (str(another_keeper.owner_id),))
        assert connection.execute("select * from v_model_architecture").fetchall() == []
        stranger = connection.execute("select * from calculate_model_parameters(%s)", (model.model_id,)).fetchone()
        assert stranger == (0, 0)


def test_the_latest_checkpoint_as_a_person_asks_for_it(keeper: Keeper, database: Any) -> None:
    model = trained(keeper)
    with psycopg.connect(database.app_url) as connection:
        connection.execute("select set_config('anima.user_id', %s, false)", (str(keeper.owner_id),))
        for step in (10, 30, 20):
            connection.execute(
                "insert into model_checkpoints"
                " (checkpoint_id, owner_id, model_id, kind, step, n_bytes, new_bytes, created_at)"
                " values (gen_random_uuid(), %s, %s, 'weights', %s, 0, 0, '2026-01-01')",
                (keeper.owner_id, model.model_id, step),
            )
        assert connection.execute("select step from get_latest_checkpoint(%s)", (model.model_id,)).fetchall() == [(30,)]


def test_the_example_makes_a_model_and_reads_the_views(keeper: Keeper) -> None:
    first, second = registry.example(keeper.principal), registry.example(keeper.principal)
    assert (str(first.model), str(second.model)) == ("example@1", "example@2")
    arrays = example_service.weights()
    assert first.parameters.total == first.architecture.parameter_count == sum(one.size for one in arrays.values())
    assert (first.architecture.layer_count, first.architecture.head_count) == (10, 8)
    assert np.array_equal(first.embedding, arrays["model.embed_tokens.weight"])


def test_files_of_language_models_are_an_admins(keeper: Keeper, owner_conn: psycopg.Connection[Any]) -> None:
    name = f"served-{keeper.owner_id}"
    row = owner_conn.execute(
        "insert into llm_models (provider, model_name, model_version, max_context_len) values ('local', %s, '1', 4096)"
        " returning model_id",
        (name,),
    ).fetchone()
    assert row is not None
    llm, admin = row[0], db.Principal(keeper.owner_id, frozenset({"admin"}))
    digest = "sha256:" + "ab" * 32
    first = artifacts_service.add_artifact(admin, llm, "s3://models/a.gguf", digest, default=True)
    again = artifacts_service.add_artifact(admin, llm, "s3://models/a.gguf", digest)
    second = artifacts_service.add_artifact(admin, llm, "file:///models/b.gguf", "blake3:" + "cd" * 32)
    assert (first, again.artifact_id) == (again, first.artifact_id)
    assert [one.uri for one in artifacts_service.artifacts(admin, llm, limit=1).items] == ["file:///models/b.gguf"]
    assert artifacts_service.set_default(admin, llm, second.artifact_id).is_default
    defaults = {one.artifact_id: one.is_default for one in artifacts_service.artifacts(admin, llm).items}
    assert defaults == {first.artifact_id: False, second.artifact_id: True}
    artifacts_service.remove_artifact(admin, llm, second.artifact_id)
    assert owner_conn.execute("select default_artifact_id from llm_models where model_id = %s", (llm,)).fetchone() == (
        None,
    )
    with pytest.raises(NotFound):
        artifacts_service.remove_artifact(admin, llm, second.artifact_id)
    with pytest.raises(NotFound):
        artifacts_service.artifacts(admin, 2**40)
    for uri, checksum in (("no address", digest), ("s3://x", "sha256:short")):
        with pytest.raises(BadInput):
            artifacts_service.add_artifact(admin, llm, uri, checksum)
    with pytest.raises(Exception, match="only an admin"):
        artifacts_service.artifacts(keeper.principal, llm)

"""Models go in as the files that they come in, and come out bit for bit; what lies is refused, and nothing kept."""

from __future__ import annotations

import json
import os
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import psycopg
import pytest
from safetensors.numpy import load_file, save_file

from anima.kernel.errors import BadInput
from anima.registry import export_service, import_service, parts_service, service
from anima.registry.errors import BadModelFile, BadModelFolder, DamagedExport, ExportExists, ExportFailed, Stopped
from anima.tensors import service as tensors_service
from anima.tensors.errors import SaveStopped
from fixtures import model_folders
from fixtures.tensors import Keeper, Sound


def test_a_folder_goes_in_and_out_bit_for_bit(keeper: Keeper, sound: Sound, tmp_path: Path) -> None:
    folder = model_folders.llama(tmp_path / "tiny-llama")
    told: list[tuple[int, int]] = []

    model = import_service.import_folder(keeper.principal, folder, progress=lambda *step: told.append(step))

    assert (model.name, model.version, model.type, model.status) == ("tiny-llama", 1, "decoder", "trained")
    assert model.architecture["family"] == "llama"
    assert model.derivation == {"kind": "import", "from": "folder"}
    assert told[-1][0] == told[-1][1] > 0
    out = export_service.export(keeper.principal, model, tmp_path / "out" / "again")
    assert model_folders.contents(out) == model_folders.contents(folder)
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["again"]
    sound(keeper)


def test_a_folder_of_several_files_with_their_index(keeper: Keeper, tmp_path: Path) -> None:
    folder = model_folders.gpt2(tmp_path / "sharded", shards=3)
    model = import_service.import_folder(keeper.principal, folder, "mine")
    weights = parts_service.all_weights(keeper.principal, model)
    assert len(weights) == len(model_folders.gpt2_shapes())
    out = export_service.export(keeper.principal, "mine", tmp_path / "out")
    assert model_folders.contents(out) == model_folders.contents(folder)


def test_a_folder_with_one_file_comes_out_as_a_folder_and_what_holds_no_weights_is_told(
    keeper: Keeper, tmp_path: Path
) -> None:
    folder = tmp_path / "bare"
    folder.mkdir()
    save_file({"x": np.ones(4, np.float32)}, folder / "model.safetensors")
    model = import_service.import_folder(keeper.principal, folder)
    out = export_service.export(keeper.principal, model, tmp_path / "out")
    assert model_folders.contents(out) == model_folders.contents(folder)
    for name, reason in (
        ("config.json", "name the folder"),
        ("old.PT", "convert it"),
        ("nowhere.gguf", "no such file"),
    ):
        if name != "nowhere.gguf":
            (tmp_path / name).write_bytes(b"{}")
        with pytest.raises(BadModelFolder, match=reason):
            import_service.import_file(keeper.principal, tmp_path / name)


def test_the_same_model_twice_is_two_versions_and_takes_no_room(keeper: Keeper, tmp_path: Path) -> None:
    folder = model_folders.gpt2(tmp_path / "twice")
    import_service.import_folder(keeper.principal, folder)
    before = tensors_service.usage(keeper.principal)
    second = import_service.import_folder(keeper.principal, folder)
    after = tensors_service.usage(keeper.principal)
    assert second.version == 2
    assert (before.tensors, before.stored_bytes) == (after.tensors, after.stored_bytes)


def test_a_file_of_gguf_goes_in_and_out(keeper: Keeper, tiny_gguf: Path, tmp_path: Path) -> None:
    model = import_service.import_file(keeper.principal, tiny_gguf)
    assert (model.name, model.architecture["family"], model.architecture["heads"]) == ("tiny", "llama", 2)
    assert model.parameters == 2 * 32 * 259 + 4 * 32 * 32 + 3 * 32 * 64 + 3 * 32
    out = export_service.export(keeper.principal, model, tmp_path / "out.gguf")
    assert out.read_bytes() == tiny_gguf.read_bytes()
    into = export_service.export(keeper.principal, model, tmp_path)
    assert into.name == "tiny.gguf"
    assert into.read_bytes() == tiny_gguf.read_bytes()


def test_block_types_of_gguf_keep_their_bytes_and_their_shape(keeper: Keeper, tmp_path: Path) -> None:
    gguf = pytest.importorskip("gguf")
    writer = gguf.GGUFWriter(tmp_path / "blocks.gguf", "llama")
    for number, kind in enumerate(("Q8_0", "Q4_0", "F16")):
        values = np.random.default_rng(number).normal(size=(6, 64)).astype(np.float32)
        type_ = gguf.GGMLQuantizationType[kind]
        writer.add_tensor(f"t{number}.weight", gguf.quants.quantize(values, type_), raw_dtype=type_)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()

    model = import_service.import_file(keeper.principal, tmp_path / "blocks.gguf")

    weights = {one.name: one for one in parts_service.all_weights(keeper.principal, model)}
    assert {name: (one.dtype, one.shape) for name, one in weights.items()} == {
        "t0.weight": ("ggml:Q8_0", [6, 64]),
        "t1.weight": ("ggml:Q4_0", [6, 64]),
        "t2.weight": ("float16", [6, 64]),
    }
    assert model.parameters == 3 * 6 * 64
    out = export_service.export(keeper.principal, model, tmp_path / "out.gguf")
    assert out.read_bytes() == (tmp_path / "blocks.gguf").read_bytes()


def test_other_weights_beside_are_kept_as_they_are(keeper: Keeper, tmp_path: Path) -> None:
    folder = model_folders.gpt2(tmp_path / "beside")
    (folder / "pytorch_model.bin").write_bytes(os.urandom(5000))
    (folder / "2_Dense").mkdir()
    save_file({"linear.weight": np.ones((2, 2), np.float32)}, folder / "2_Dense" / "model.safetensors")
    (folder / ".git").mkdir()
    (folder / ".git" / "HEAD").write_text("ref")
    model = import_service.import_folder(keeper.principal, folder)
    names = {one.name for one in parts_service.all_weights(keeper.principal, model)}
    assert names == set(model_folders.gpt2_shapes())
    out = export_service.export(keeper.principal, model, tmp_path / "out")
    (folder / ".git" / "HEAD").unlink()
    assert model_folders.contents(out) == model_folders.contents(folder)


def test_an_export_overwrites_nothing_and_leaves_nothing_when_it_is_stopped(keeper: Keeper, tmp_path: Path) -> None:
    model = import_service.import_folder(keeper.principal, model_folders.gpt2(tmp_path / "in"))
    place = tmp_path / "out"
    place.mkdir()
    (place / "kept.txt").write_text("mine")
    with pytest.raises(ExportExists):
        export_service.export(keeper.principal, model, place)
    steps = iter([False, False, True])
    with pytest.raises(Stopped):
        export_service.export(keeper.principal, model, tmp_path / "other", stop=lambda: next(steps))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in", "out"]
    assert model_folders.contents(place).keys() == {"kept.txt"}


def test_a_place_that_cannot_be_written_and_a_model_without_weights(keeper: Keeper, tmp_path: Path) -> None:
    model = import_service.import_folder(keeper.principal, model_folders.gpt2(tmp_path / "in"))
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(ExportFailed):
        export_service.export(keeper.principal, model, tmp_path / "file" / "out")
    empty = service.create(keeper.principal, "empty", "other", {})
    with pytest.raises(BadInput):
        export_service.export(keeper.principal, empty, tmp_path / "out")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "in"]


def test_an_export_that_would_be_another_file_is_refused(
    keeper: Keeper, tmp_path: Path, owner_conn: psycopg.Connection[Any]
) -> None:
    model = import_service.import_folder(keeper.principal, model_folders.gpt2(tmp_path / "in"))
    owner_conn.execute(
        "update model_files set sha256 = sha256(sha256) where model_id = %s and path = 'config.json'", (model.model_id,)
    )
    with pytest.raises(DamagedExport, match=r"config\.json"):
        export_service.export(keeper.principal, model, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_paths_in_the_database_lead_nowhere_else(
    keeper: Keeper, tmp_path: Path, owner_conn: psycopg.Connection[Any]
) -> None:
    model = import_service.import_folder(keeper.principal, model_folders.gpt2(tmp_path / "in"))
    owner_conn.execute(
        "update model_files set path = '../../escaped.md' where model_id = %s and path = 'README.md'", (model.model_id,)
    )
    with pytest.raises(BadModelFolder):
        export_service.export(keeper.principal, model, tmp_path / "deep" / "out")
    assert not list(tmp_path.rglob("escaped.md"))


def test_a_stopped_import_leaves_nothing(keeper: Keeper, tmp_path: Path) -> None:
    folder = model_folders.gpt2(tmp_path / "stopped")
    with pytest.raises(SaveStopped):
        import_service.import_folder(keeper.principal, folder, stop=lambda: True)
    assert service.models(keeper.principal).items == []
    assert tensors_service.usage(keeper.principal).tensors == 0


def test_a_file_that_changes_while_it_is_read_is_refused(keeper: Keeper, tmp_path: Path) -> None:
    folder = model_folders.gpt2(tmp_path / "changing")

    def touched(_done: int, _total: int) -> None:
        (folder / "README.md").write_text("something else")

    with pytest.raises(BadModelFile, match="changed"):
        import_service.import_folder(keeper.principal, folder, progress=touched)
    assert service.models(keeper.principal).items == []


def _header(said: Any, data: bytes = b"") -> bytes:
    text = said if isinstance(said, bytes) else json.dumps(said).encode()
    return struct.pack("<Q", len(text)) + text + data


def _one(**changed: Any) -> dict[str, Any]:
    return {"w": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8], **changed}}


LIES: dict[str, Callable[[], bytes]] = {
    "empty": lambda: b"",
    "truncated": lambda: _header(_one(), b"1234"),
    "too long": lambda: _header(_one(), b"12345678more"),
    "huge header": lambda: struct.pack("<Q", 2**60) + b"{}",
    "no object": lambda: _header([1, 2]),
    "no json": lambda: _header(b"{nonsense"),
    "deep": lambda: _header(b"[" * 100_000),
    "twice": lambda: _header(
        b'{"w":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},' * 1
        + b'"w":{"dtype":"U8","shape":[1],"data_offsets":[1,2]}}',
        b"ab",
    ),
    "unknown dtype": lambda: _header(_one(dtype="Q9"), b"12345678"),
    "size lies": lambda: _header(_one(shape=[3]), b"12345678"),
    "negative": lambda: _header(_one(shape=[-2]), b"12345678"),
    "absurd shape": lambda: _header(_one(shape=[2**62, 2**62]), b"12345678"),
    "no shape": lambda: _header(_one(shape="2"), b"12345678"),
    "many dimensions": lambda: _header(_one(shape=[1] * 40 + [2]), b"12345678"),
    "outside": lambda: _header(_one(data_offsets=[8, 16]), b"12345678"),
    "overlapping": lambda: _header({**_one(), "v": {"dtype": "F32", "shape": [2], "data_offsets": [4, 12]}}, b"x" * 12),
    "hole": lambda: _header({**_one(), "v": {"dtype": "F32", "shape": [2], "data_offsets": [12, 20]}}, b"x" * 20),
    "name of nothing": lambda: _header({"": _one()["w"]}, b"12345678"),
    "name with a zero": lambda: _header({"a\0b": _one()["w"]}, b"12345678"),
    "half a character": lambda: _header(b'{"\\ud800":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}', b"12345678"),
}


@pytest.mark.parametrize("lie", LIES)
def test_a_file_that_lies_is_refused_and_nothing_is_kept(keeper: Keeper, tmp_path: Path, lie: str) -> None:
    folder = model_folders.gpt2(tmp_path / "lying")
    (folder / "model.safetensors").write_bytes(LIES[lie]())
    with pytest.raises((BadModelFile, BadModelFolder)):
        import_service.import_folder(keeper.principal, folder)
    assert service.models(keeper.principal).items == []
    assert tensors_service.usage(keeper.principal).tensors == 0


def _link_out(folder: Path) -> None:
    (folder / "secret.txt").symlink_to("/etc/hostname")


def _link_up(folder: Path) -> None:
    (folder.parent / "outside.txt").write_text("not yours")
    (folder / "notes" / "up.txt").symlink_to("../../outside.txt")


def _link_nowhere(folder: Path) -> None:
    (folder / "gone.txt").symlink_to("nothing")


def _pipe(folder: Path) -> None:
    os.mkfifo(folder / "pipe")


def _no_config(folder: Path) -> None:
    (folder / "config.json").write_text("[]")


def _index_outside(folder: Path) -> None:
    (folder / "model.safetensors.index.json").write_text(json.dumps({"weight_map": {"w": "../../etc/passwd"}}))


def _index_lies(folder: Path) -> None:
    (folder / "model.safetensors.index.json").write_text(json.dumps({"weight_map": {"other": "model.safetensors"}}))


def _control(folder: Path) -> None:
    (folder / "new\nline").write_text("x")


def _only_pickle(folder: Path) -> None:
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")


def _several(folder: Path) -> None:
    (folder / "model.safetensors").rename(folder / "a.safetensors")
    save_file({"w": np.ones(1, np.float32)}, folder / "b.safetensors")


def _part_missing(folder: Path) -> None:
    (folder / "model.safetensors").rename(folder / "model-00001-of-00002.safetensors")


def _twice_in_parts(folder: Path) -> None:
    for number in (1, 2):
        save_file({"w": np.ones(1, np.float32)}, folder / f"model-0000{number}-of-00002.safetensors")
    (folder / "model.safetensors").unlink()


TRICKS = [
    _link_out, _link_up, _link_nowhere, _pipe, _no_config, _index_outside, _index_lies, _control, _only_pickle,
    _several, _part_missing, _twice_in_parts,
]  # fmt: skip


@pytest.mark.parametrize("trick", TRICKS, ids=lambda one: one.__name__)
def test_a_folder_that_tricks_is_refused(keeper: Keeper, tmp_path: Path, trick: Callable[[Path], None]) -> None:
    folder = model_folders.gpt2(tmp_path / "tricky")
    trick(folder)
    with pytest.raises((BadModelFile, BadModelFolder)):
        import_service.import_folder(keeper.principal, folder)
    assert service.models(keeper.principal).items == []


def test_a_snapshot_of_the_hubs_cache_may_link_to_its_blobs(keeper: Keeper, tmp_path: Path) -> None:
    cache = tmp_path / "models--org--name"
    plain = model_folders.gpt2(tmp_path / "plain")
    snapshot = cache / "snapshots" / "0123abc"
    (cache / "blobs").mkdir(parents=True)
    snapshot.mkdir(parents=True)
    for number, path in enumerate(sorted(one for one in plain.iterdir() if one.is_file())):
        (cache / "blobs" / str(number)).write_bytes(path.read_bytes())
        (snapshot / path.name).symlink_to(f"../../blobs/{number}")
    model = import_service.import_folder(keeper.principal, snapshot, "cached")
    out = export_service.export(keeper.principal, model, tmp_path / "out")
    assert load_file(out / "model.safetensors").keys() == model_folders.gpt2_shapes().keys()


def test_names_that_a_model_cannot_have(keeper: Keeper, tmp_path: Path) -> None:
    folder = model_folders.gpt2(tmp_path / "named")
    for name in ("x@3", "", " x", "a\nb", "x" * 201, "00000000-0000-7000-8003-000000000001"):
        with pytest.raises(BadInput):
            import_service.import_folder(keeper.principal, folder, name or " ")


def test_weights_that_are_called_like_files_do_no_harm(keeper: Keeper, tmp_path: Path) -> None:
    folder = tmp_path / "sly"
    folder.mkdir()
    save_file({"file:config.json": np.arange(4, dtype=np.uint8)}, folder / "model.safetensors")
    (folder / "config.json").write_text('{"model_type": "sly"}')
    model = import_service.import_folder(keeper.principal, folder)
    out = export_service.export(keeper.principal, model, tmp_path / "out")
    assert model_folders.contents(out) == model_folders.contents(folder)

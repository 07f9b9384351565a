"""Files, numbers, names and neighbours that mean harm to models, runs and tensors: a typed error, or no harm at all."""

from __future__ import annotations

import errno
import io
import json
import math
import threading
import uuid
from concurrent.futures import ThreadPoolExecutor, wait
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import psycopg
import pytest
import safetensors.numpy

from anima import registry
from anima.cli import output
from anima.inference import metrics_service as inference_metrics
from anima.inference import sessions_service
from anima.inference.errors import BadMeasurement
from anima.inference.session_model import Measured
from anima.kernel import db
from anima.kernel.config import settings
from anima.kernel.errors import BadInput, NotFound, Unavailable
from anima.registry import (
    checkpoint_service,
    compress_service,
    export_service,
    import_service,
    metrics_service,
    run_reading_service,
    run_remote_service,
    run_service,
    service,
)
from anima.registry.errors import BadModelFile, NothingToRollBack
from anima.registry.metrics_model import Value
from anima.registry.run_errors import CheckpointNotFound, RunNotFound
from anima.tensors import commit_service, save_service
from anima.tensors import service as tensors
from anima.tensors.errors import BadTensor, DamagedChunk, TensorMissing, Unreadable
from anima.tensors.model import CHUNK_BYTES, Given, Saved
from anima.vendors.blobs import NoRoom
from fixtures.api import Person
from fixtures.tensors import Keeper, Sound

API = "/api/v1"
MODELS = f"{API}/registry/models"
WEIGHTS = {"w": np.ones(4, np.float32)}
SHARED = np.random.default_rng(7).standard_normal((200, 100), np.float32)
HALF = "a\ud800b"


def noise(n: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal(n, np.float32)


def new_model(person: Person, **more: Any) -> str:
    made = person.http.post(MODELS, json={"name": f"m{uuid.uuid4().hex}", **more})
    assert made.status_code == 201, made.text
    return str(made.json()["model_id"])


def new_run(person: Person) -> str:
    return str(person.http.post(f"{API}/registry/runs", json={"name": "x"}).json()["run_id"])


def promoted(person: Person, model_id: str, content: bytes) -> Any:
    """A version made of a file that was sent."""
    headers = {"Content-Type": "application/octet-stream"}
    path = f"{MODELS}/{model_id}/checkpoints"
    came = person.http.post(path, params={"step": 1}, content=content, headers=headers)
    assert came.status_code == 201, came.text
    return person.http.post(f"{API}/registry/checkpoints/{came.json()['checkpoint_id']}/promote", json={})


def header_of(entries: dict[str, Any]) -> bytes:
    text = json.dumps(entries).encode()
    return len(text).to_bytes(8, "little") + text


# What a chunk is known by


def test_the_row_of_another_chunk_is_not_taken_for_this_one(
    keeper: Keeper, owner_conn: psycopg.Connection[Any]
) -> None:
    """Place and quick checksum of one chunk are written over those of another: every byte is one that was saved."""
    saved = keeper.save({"right": noise(CHUNK_BYTES // 4), "wrong": noise(CHUNK_BYTES // 4, 1)})
    right, wrong = (
        owner_conn.execute("select checksum from tensor_data where tensor_id = %s", (ref.tensor_id,)).fetchone()
        for ref in saved.tensors.values()
    )
    assert right is not None
    assert wrong is not None
    owner_conn.execute(
        """
        update tensor_chunks c set quick_checksum = o.quick_checksum, pack_id = o.pack_id, pack_offset = o.pack_offset
        from tensor_chunks o
        where c.owner_id = %s and c.checksum = %s and o.owner_id = c.owner_id and o.checksum = %s
        """,
        (keeper.owner_id, right[0], wrong[0]),
    )
    ref = saved.tensors["right"]
    for read in (
        lambda: tensors.read(keeper.principal, [ref]),
        lambda: tensors.read_slice(keeper.principal, ref, (slice(0, 3),)),
        lambda: tensors.open_mapped(keeper.principal, ref),
        lambda: list(tensors.chunks(keeper.principal, ref)),
    ):
        with pytest.raises(DamagedChunk):
            read()
    assert [bad.tensor.name for bad in tensors.verify(keeper.principal)] == ["right"]


@pytest.mark.parametrize("column", ["stored_bytes", "n_bytes"])
def test_sizes_that_lie_take_no_memory(keeper: Keeper, owner_conn: psycopg.Connection[Any], column: str) -> None:
    saved = keeper.save({"w": np.zeros(CHUNK_BYTES // 4, np.float32)}, "compressed")
    statement = {
        "stored_bytes": "update tensor_chunks set stored_bytes = 2147483647 where owner_id = %s",
        "n_bytes": "update tensor_chunks set n_bytes = 2147483647 where owner_id = %s",
    }[column]
    owner_conn.execute(statement, (keeper.owner_id,))
    with pytest.raises(Unreadable):
        tensors.read(keeper.principal, list(saved.tensors.values()))
    assert [bad.chunk_index for bad in tensors.verify(keeper.principal)] == [0]


def test_many_chunks_against_one_base_that_went_meanwhile(
    keeper: Keeper, monkeypatch: pytest.MonkeyPatch, sound: Sound
) -> None:
    """All of them are found at once, and written again."""
    monkeypatch.setattr(save_service, "_GROUP_BYTES", 1)
    base = noise(20_000)
    ref = keeper.save({"w": base}).tensors["w"]
    keeper.drop()
    arrays = {f"w{number}": base.copy() for number in range(7)}
    for number, array in enumerate(arrays.values()):
        array[number] += 1
    commits, commit = [], commit_service.commit

    def counted(*args: Any) -> Any:
        commits.append(args)
        return commit(*args)

    def late() -> np.ndarray:
        tensors.collect(keeper.principal, timedelta(0))
        return noise(500, 1)

    monkeypatch.setattr(commit_service, "commit", counted)
    given = [Given(name, "float32", array.shape, array, ref) for name, array in arrays.items()]
    given.append(Given("late", "float32", (500,), late))
    model_id = uuid.uuid4()
    saved = tensors.save(
        keeper.principal, given, lambda tx, saved: refers(keeper, tx, saved, model_id), compression="delta"
    )
    assert len(commits) == 2
    read = tensors.read(keeper.principal, list(saved.tensors.values()))
    assert all((read[name] == array).all() for name, array in arrays.items())
    sound(keeper)


def refers(keeper: Keeper, tx: db.Transaction, saved: Saved, model_id: uuid.UUID) -> Saved:
    keeper.enter(tx, saved, model_id)
    return saved


# What is given


@pytest.mark.parametrize(
    "given",
    [
        Given(HALF, "float32", (1,), b"1234"),
        Given("a\0", "float32", (1,), b"1234"),
        Given(None, "float32", (1,), b"1234"),  # type: ignore[arg-type]
        Given("a", "ggml:\0", (1,), b"1"),
        Given("a", "ggml:" + HALF, (1,), b"1"),
        Given("a", "ggml:", (1,), b"1"),
        Given("a", "float32", (1,), "1234"),  # type: ignore[arg-type]
        Given("a", "float32", (1,), lambda: None),  # type: ignore[arg-type,return-value]
        Given("a", "float32", (1,), np.ones(1, np.int32)),
        Given("a", "float32", (1,), np.array([object()])),
        Given("a", "float32", (2**49, 2**49, 0), b""),
        Given("a", "float32", (0, 2**62), b""),
    ],
    ids=lambda given: f"{given.name!a} {given.dtype!a} {given.shape}",
)
def test_what_is_no_tensor_is_refused(keeper: Keeper, given: Given) -> None:
    with pytest.raises(BadTensor):
        tensors.save(keeper.principal, [given], lambda _tx, _saved: None)
    assert tensors.usage(keeper.principal).tensors == 0


def test_a_shape_without_numbers_breaks_no_page(keeper: Keeper, tmp_path: Path) -> None:
    """Its sides multiplied have more than 64 bits: what counts parameters in the database could not be asked again."""
    path = tmp_path / "m.safetensors"
    path.write_bytes(header_of({"a": {"dtype": "F32", "shape": [2**49, 2**49, 0], "data_offsets": [0, 0]}}))
    with pytest.raises(BadTensor):
        import_service.import_file(keeper.principal, path)
    path.write_bytes(header_of({"a": {"dtype": "F32", "shape": [2**24, 0, 2**20], "data_offsets": [0, 0]}}))
    assert import_service.import_file(keeper.principal, path).parameters == 0
    assert [one.parameters for one in service.models(keeper.principal).items] == [0]


def test_heads_that_cost_nothing_are_not_believed(alice: Person) -> None:
    """A file of a few kilobytes says that each of its layers has a hundred thousand heads, of no numbers."""
    words = {"heads": 100_000, "key_value_heads": 100_000, "head_dim": 1, "family": "llama"}
    nothing = {"dtype": "F32", "shape": [100_000, 0], "data_offsets": [0, 0]}
    names = [f"layers.{layer}.self_attn.{part}_proj.weight" for layer in range(4) for part in "qkv"]
    made = promoted(alice, new_model(alice, architecture=words), header_of(dict.fromkeys(names, nothing)))
    assert made.status_code == 201
    assert alice.http.get(f"{MODELS}/{made.json()['model_id']}/heads").json()["items"] == []


def test_a_weight_called_like_the_metadata_is_in_no_file(keeper: Keeper, tmp_path: Path) -> None:
    with run_service.begin(keeper.principal, "x") as run:
        checkpoint = run.save({"__metadata__": np.ones(3)}, step=1, wait=True).wait()
    made = checkpoint_service.promote(keeper.principal, checkpoint.checkpoint_id, "odd")
    with pytest.raises(BadModelFile):
        export_service.export(keeper.principal, made, tmp_path / "out")
    assert list(tmp_path.glob("*.draft")) == []


# What people say of models and runs


def nested(depth: int) -> Any:
    value: Any = 1
    for _ in range(depth):
        value = [value]
    return value


@pytest.mark.parametrize("field", ["architecture", "configuration", "dataset"])
@pytest.mark.parametrize(
    "said",
    [nested(800), nested(65), "\0", {"\0": 1}, math.nan, math.inf],
    ids=["800", "65", "nul", "key", "nan", "inf"],
)
def test_json_that_cannot_come_back_is_not_kept(alice: Person, field: str, said: Any) -> None:
    path = MODELS if field == "architecture" else f"{API}/registry/runs"
    body = json.dumps({"name": "x", field: {"a": said}})
    refused = alice.http.post(path, content=body, headers={"Content-Type": "application/json"})
    assert refused.status_code == 422, refused.text
    assert alice.http.get(path).json()["items"] == []


@pytest.mark.parametrize(
    "said",
    [
        "x",
        {},
        {"tensors": 5},
        {"tensors": {"a": 1}, "bits": "q", "group_size": -5, "symmetric": 3, "scales": "zz"},
        {
            "tensors": {"layer": {"dtype": "float32", "shape": [2**20, 2**20]}},
            "bits": 8,
            "group_size": 64,
            "symmetric": True,
            "scales": "float16",
        },
    ],
)
def test_an_architecture_of_ones_own_words_is_only_words(alice: Person, said: Any) -> None:
    words = {"quantization": said, "heads": "x", "family": ["gpt2"], "head_dim": -1, "layers": {}}
    weights = {
        "layer.quantized": np.ones((4, 4), np.int8),
        "layer.scales": np.ones((4, 1), np.float16),
        "h.0.attn.c_attn.weight": noise(16 * 48).reshape(16, 48),
        "h.0.attn.c_proj.weight": noise(16 * 16).reshape(16, 16),
    }
    made = promoted(alice, new_model(alice, architecture=words), safetensors.numpy.save(weights)).json()
    for path, body in (("quantize", {}), ("prune", {"share": 0.5}), ("prune", {"method": "heads", "share": 0.5})):
        answer = alice.http.post(f"{MODELS}/{made['model_id']}/{path}", json=body)
        assert answer.status_code in (201, 422), answer.text
    with registry.open(alice.principal, uuid.UUID(made["model_id"])) as opened:
        assert "h.0.attn.c_attn.weight" in set(opened.keys())
    with pytest.raises(BadInput):
        compress_service.dequantize(alice.principal, made["model_id"])


@pytest.mark.parametrize("name", ["", "\0", HALF, "x" * 201])
def test_names_that_are_none(keeper: Keeper, name: str) -> None:
    me = keeper.principal
    with pytest.raises(BadInput):
        service.create(me, name, "other", {})
    for begin in (run_service.begin, run_remote_service.begin):
        with pytest.raises(BadInput):
            begin(me, name)
    with pytest.raises(NotFound):
        service.get(me, name)
    with pytest.raises(NothingToRollBack):
        service.roll_back(me, name)
    assert service.models(me, name=name).items == []


# Runs


@pytest.mark.parametrize(
    "wrong",
    [
        {"step": -1},
        {"step": 2**70},
        {"step": 1.5},
        {"step": True},
        {"epoch": math.nan},
        {"epoch": -1.0},
        {"kind": "bogus"},
        {"metrics": {"a\0": 1}},
        {"metrics": {HALF: 1}},
        {"metrics": {5: 1}},
        {"metrics": {"loss": 10**400}},
        {"metrics": {"loss": "much"}},
    ],
    ids=str,
)
def test_a_checkpoint_that_cannot_be_kept_is_refused_at_once(keeper: Keeper, wrong: dict[str, Any]) -> None:
    with run_service.begin(keeper.principal, "x") as run:
        with pytest.raises(BadInput):
            run.save(WEIGHTS, **{"step": 1, **wrong})
        assert run.save(WEIGHTS, step=1, metrics={"loss": math.nan}, wait=True).wait().step == 1


@pytest.mark.parametrize("epochs", [-1, 0, math.nan, math.inf])
def test_a_run_of_no_epochs(keeper: Keeper, epochs: float) -> None:
    with pytest.raises(BadInput):
        run_service.begin(keeper.principal, "x", total_epochs=epochs)


@pytest.mark.parametrize("said", ["a\0b", HALF, "x" * 100_000], ids=["nul", "half", "long"])
def test_what_the_trainer_raised_is_what_is_raised(keeper: Keeper, said: str) -> None:
    run = run_service.begin(keeper.principal, "x")
    with pytest.raises(ValueError, match="^" + said[:1]), run:
        raise ValueError(said)
    kept = run_reading_service.session(keeper.principal, run.session_id)
    assert (kept.status, (kept.error or "")[:13]) == ("failed", f"ValueError: {said[0]}")


def test_the_model_of_a_run_may_be_deleted_while_it_trains(keeper: Keeper, sound: Sound) -> None:
    me = keeper.principal
    model = service.create(me, "a", "other", {})
    with run_service.begin(me, "x", model_id=model.model_id) as run:
        assert run.save(WEIGHTS, step=1, wait=True).wait().model_id == model.model_id
        service.delete(me, model)
        run.log(2, loss=1.0)
        assert run.save({"w": noise(4)}, step=2, wait=True).wait().model_id is None
    assert run_reading_service.session(me, run.session_id).status == "completed"
    sound(keeper)


@pytest.mark.parametrize(
    ("values", "mean"),
    [
        ([(0, 1.0), (2**63 - 1, 2.0)], 1.5),
        ([(1, 1e200), (2, 1.0)], 5e199),
        ([(1, 1.5e308), (2, 1.5e308)], 1.5e308),
        ([(1, -1e308), (2, 1e308), (3, math.inf)], 0.0),
        ([(1, 1e-300), (2, 3e-300)], 2e-300),
        ([(1, math.nan)], None),
    ],
)
def test_losses_that_explode_can_be_looked_at(
    alice: Person, values: list[tuple[int, float]], mean: float | None
) -> None:
    """Squares of them, and steps so far apart, have no room in the numbers that a database counts with."""
    run = new_run(alice)
    metrics_service.write(alice.principal, uuid.UUID(run), [Value(step, "loss", value) for step, value in values])
    told = alice.http.get(f"{API}/registry/runs/{run}/metrics", params={"points": 1})
    assert told.status_code == 200, told.text
    [bucket] = told.json()["series"][0]["buckets"]
    assert bucket["values"] == len(values)
    assert bucket["mean"] == (None if mean is None else pytest.approx(mean, rel=1e-12))
    assert len(alice.http.get(f"{API}/registry/runs/{run}/metrics").json()["series"][0]["buckets"]) == len(values)


def test_measurements_of_inference_can_be_added_up(keeper: Keeper) -> None:
    me = keeper.principal
    inference = sessions_service.begin(me, service.create(me, "a", "other", {}).model_id)
    for wrong in ({"tokens": 2**62}, {"cache_hits": 2**62}, {"cache_misses": 2**62}):
        with pytest.raises(BadMeasurement):
            inference_metrics.record(me, inference.inference_id, [Measured(1.0, **wrong)])
    most = Measured(9e18, 9e18, 9e18, 2**63 - 1, 2**40 - 1, 2**40 - 1, 2**40 - 1)
    inference_metrics.record(me, inference.inference_id, [most] * 10)
    assert sum(one.requests for one in inference_metrics.read(me, inference.inference_id, points=1)) == 10


# Neighbours


def test_nothing_of_another_person_s_can_be_named(keeper: Keeper, another_keeper: Keeper) -> None:
    me, other = keeper.principal, another_keeper.principal
    theirs = service.create(other, "theirs", "other", {})
    with run_service.begin(other, "x", model_id=theirs.model_id) as run:
        checkpoint = run.save(WEIGHTS, step=1, wait=True).wait()
    [part] = [one for one in checkpoint_service.tensors(other, checkpoint.checkpoint_id) if one.role == "weight"]
    with db.transaction(me) as tx, pytest.raises(TensorMissing):
        tensors.hold(tx, keeper.owner_id, [part.ref.tensor_id])
    for read in (tensors.read_all, lambda who, refs: list(tensors.all_chunks(who, refs))):
        with pytest.raises(TensorMissing):
            read(me, [part.ref])
    with pytest.raises(CheckpointNotFound):
        checkpoint_service.promote(me, checkpoint.checkpoint_id, "mine")
    with pytest.raises(CheckpointNotFound):
        checkpoint_service.set_best(me, checkpoint.checkpoint_id)
    with pytest.raises(RunNotFound):
        run_service.attach(me, run.session_id)
    with pytest.raises(NotFound):
        run_service.begin(me, "x", model_id=theirs.model_id)
    with pytest.raises(NotFound):
        service.create(me, "mine", "other", {}, parent_id=theirs.model_id)
    mine = run_service.begin(me, "mine")
    with mine, pytest.raises(CheckpointNotFound):
        mine.resume(checkpoint_id=checkpoint.checkpoint_id)
    saved = keeper.save({"w": noise(5000)}, "delta", {"w": part.ref})
    assert (tensors.read(me, list(saved.tensors.values()))["w"] == noise(5000)).all()


def trains(keeper: Keeper, number: int, folder: Path) -> None:
    """Makes versions of checkpoints, and deletes what they came from; nothing of it is so much that it needs a pack."""
    me = keeper.principal
    for turn in range(3):
        with run_service.begin(me, f"run {number}", keep=run_service.Keep(last=1)) as run:
            for step in (1, 2):
                own = noise(400, number * 10 + turn) * step
                run.save({"shared": SHARED, "own": own.reshape(20, 20)}, step=step)
            run.flush()
            [last] = checkpoint_service.checkpoints(me, session_id=run.session_id).items
        made = checkpoint_service.promote(me, last.checkpoint_id, f"model {number}")
        run_remote_service.delete(me, run.session_id)
        smaller = compress_service.prune(me, made, sparsity=0.5) if turn == 1 else made
        export_service.export(me, smaller, folder / f"{number} {turn}")
        if smaller is not made:
            service.delete(me, made)


def test_promoted_deleted_and_collected_at_once(keeper: Keeper, sound: Sound, tmp_path: Path) -> None:
    """Whatever a version refers to is there, although others collect all the time, without any grace."""
    over = threading.Event()

    def collects() -> None:
        while not over.is_set():
            tensors.collect(keeper.principal, timedelta(0))

    with ThreadPoolExecutor(3) as pool:
        collecting = pool.submit(collects)
        training = [pool.submit(trains, keeper, number, tmp_path) for number in range(2)]
        wait(training)
        over.set()
        for each in (*training, collecting):
            each.result()
    sound(keeper)
    models = service.models(keeper.principal, limit=200).items
    assert len(models) == 6
    for model in models:
        with registry.open(keeper.principal, model) as opened:
            assert (opened["shared"] == SHARED).mean() >= 0.5


def test_many_small_tensors_are_asked_for_together(
    alice: Person, monkeypatch: pytest.MonkeyPatch, packs_folder: Path, tmp_path: Path
) -> None:
    weights = {f"layers.{number}.w": np.full((2, 2), number, np.float32) for number in range(450)}
    content = safetensors.numpy.save(weights)
    made = promoted(alice, new_model(alice), content).json()
    [checkpoint] = alice.http.get(f"{MODELS}/{made['parent_id']}/checkpoints").json()["items"]
    transactions = []
    transaction = db.transaction

    def counted(*args: Any, **more: Any) -> Any:
        transactions.append(args)
        return transaction(*args, **more)

    monkeypatch.setattr(db, "transaction", counted)
    file = alice.http.get(f"{API}/registry/checkpoints/{checkpoint['checkpoint_id']}/file")
    back = safetensors.numpy.load(file.content)
    assert all((back[name] == array).all() for name, array in weights.items())
    assert len(transactions) < 40
    transactions.clear()
    assert tensors.verify(alice.principal) == []
    assert len(transactions) < 40
    transactions.clear()
    out = export_service.export(alice.principal, made["model_id"], tmp_path / "out")
    exported = safetensors.numpy.load_file(out / "model.safetensors")
    assert all((exported[name] == array).all() for name, array in weights.items())
    assert len(transactions) < 40


def test_a_disk_that_is_full_while_a_checkpoint_comes(alice: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    class Full(io.BytesIO):
        def write(self, _data: Any) -> int:
            raise OSError(errno.ENOSPC, "no room")

    model, opened = new_model(alice), Path.open

    def full(self: Path, *args: Any, **more: Any) -> Any:
        return Full() if self.name == "checkpoint.safetensors" and args == ("wb",) else opened(self, *args, **more)

    monkeypatch.setattr(Path, "open", full)
    path = f"{MODELS}/{model}/checkpoints"
    answer = alice.http.post(path, params={"step": 1}, content=safetensors.numpy.save(WEIGHTS))
    assert answer.status_code == NoRoom.status, answer.text
    monkeypatch.undo()
    assert alice.http.get(path).json()["items"] == []
    assert list((settings().data_dir / "spool").iterdir()) == []


def test_names_of_weights_command_no_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    evil = "h.0.\x1b]0;owned\x07\x1b[2J\u202e.weight"
    output.print_rows([{"name": evil, "all": [evil]}], ["name", "all"], as_json=False, empty="")
    told = capsys.readouterr().out
    assert "owned" in told
    assert not {"\x1b", "\x07", "\u202e"} & set(told)
    assert output.tame("\N{FAMILY}\u200d\n\tété") == "\N{FAMILY}\u200d\n\tété"


def test_a_file_that_cannot_be_removed_is_said(
    keeper: Keeper, packs_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever closed their account waits for another try; nothing goes round for ever."""
    keeper.save({"w": noise(1 << 19)})
    monkeypatch.setattr("shutil.rmtree", lambda *_args, **_more: None)
    with pytest.raises(Unavailable):
        keeper.packs.delete_owner(keeper.owner_id)
    monkeypatch.undo()
    keeper.packs.delete_owner(keeper.owner_id)
    assert not (packs_folder / str(keeper.owner_id)).exists()

"""What `parameters` knows of the statements of the model database: rooms tensors, registry and inference."""

from __future__ import annotations

import hashlib
import uuid
from typing import Any

from psycopg.types.json import Jsonb

Place = tuple[str, str]

KNOWN, NEW = hashlib.sha256(b"known").digest(), hashlib.sha256(b"new").digest()
WRITER = uuid.UUID("00000000-0000-7000-8000-000000000003")

_TABLES: dict[str, Place] = {
    "pack": ("tensor_packs", "pack_id"),
    "tensor": ("tensor_data", "tensor_id"),
    "model": ("models", "model_id"),
    "deployment": ("model_deployments", "deployment_id"),
    "layer": ("transformer_layers", "layer_id"),
    "weight": ("model_weights", "weight_id"),
    "head": ("attention_heads", "head_id"),
    "training": ("training_sessions", "session_id"),
    "checkpoint": ("model_checkpoints", "checkpoint_id"),
    "inference": ("inference_sessions", "session_id"),
    "kv": ("kv_cache", "kv_id"),
    "pattern": ("attention_patterns", "pattern_id"),
    "job": ("training_jobs", "job_id"),
}
ROWS: dict[str, Place] = {f"{name}_id{many}": place for name, place in _TABLES.items() for many in ("", "s")} | {
    "from_pack_id": _TABLES["pack"],
    "parent_id": _TABLES["model"],
    "replaced_id": _TABLES["model"],
    "momenta": _TABLES["tensor"],
    "variances": _TABLES["tensor"],
}
# In these rooms the same name means something else than elsewhere.
IN_ROOM: dict[tuple[str, str], Place] = {
    ("registry", "session_id"): _TABLES["training"],
    ("registry", "session_ids"): _TABLES["training"],
    ("registry", "run_id"): _TABLES["training"],
    ("training", "run_id"): _TABLES["training"],
    ("inference", "session_id"): _TABLES["inference"],
    ("inference", "session_ids"): _TABLES["inference"],
}
OTHERWISE: dict[tuple[str, str], tuple[str, str, int]] = {
    ("registry.checkpoint_write_repo.ADD", "parent_id"): (*_TABLES["checkpoint"], 0),
    ("registry.checkpoint_write_repo.UNMARK", "checkpoint_id"): (*_TABLES["checkpoint"], 1),
    ("registry.lineage_repo.ANCESTORS", "model_id"): (*_TABLES["model"], 1),
    ("registry.parts_repo.CARRY_FILES", "model_id"): (*_TABLES["model"], 1),
}
# Which of model_database.NAMED a statement waits for.
NAMED: dict[tuple[str, str], str] = {
    **{(f"tensors.save_repo.{name}_PACKS", "pack_ids"): "silent pack" for name in ("TOUCH", "SEAL", "GIVE_UP")},
    ("tensors.save_repo.FORGET_PACKS", "pack_ids"): "dead pack",
    ("tensors.collect_repo.FREE_TENSORS", "tensor_ids"): "free tensor",
    ("registry.checkpoint_write_repo.MARK", "checkpoint_id"): "checkpoint of no run",
    ("training.gpu_repo.TAKE", "job_id"): "queued job",
    ("training.repo.REMOVE", "job_id"): "completed job",
}
MADE = {
    ("tensors.save_repo.BEGIN_PACK", "pack_id"),
    ("tensors.save_repo.ADD_TENSORS", "tensor_ids"),
    ("registry.repo.ADD", "model_id"),
    ("registry.repo.ADD_DEPLOYMENT", "deployment_id"),
    ("registry.run_repo.ADD", "session_id"),
    ("registry.checkpoint_write_repo.ADD", "checkpoint_id"),
    ("training.repo.ADD", "job_id"),
}
_TENSOR, _LAYER, _WEIGHT = ((*_TABLES[name], 0) for name in ("tensor", "layer", "weight"))
INSIDE: dict[tuple[str, str], dict[str, tuple[str, str, int]]] = {
    ("registry.parts_repo.ADD_WEIGHTS", "rows"): {"layer_id": _LAYER, "tensor_id": _TENSOR},
    ("registry.parts_repo.ADD_HEADS", "rows"): {"layer_id": _LAYER, **dict.fromkeys("qkvo", _WEIGHT)},
    ("registry.parts_repo.ADD_FILES", "rows"): {"literal": _TENSOR},
    ("registry.parts_repo.SET_GRADIENT", "rows"): {"tensor_id": _TENSOR},
}
FRESH = {
    *("writer", "metric_id", "llm_model_id", "artifact_id", "since", "until"),
    *("new_session", "after_session", "new_metrics", "new_patterns", "new_ranges", "new_slot"),
}
NUMBERS = {
    *("n_bytes", "new_bytes", "stored_bytes", "saved_bytes", "memory_bytes", "most_bytes", "pack_offset", "offset"),
    *("step", "steps", "first_step", "last_step", "shape", "shapes", "tokens", "request_count", "buckets"),
    *("of", "attempt", "attempts", "after"),
    *("memories", "hits", "misses", "saved", "least", "offsets"),
}
_VECTOR = "[" + ",".join(["0.05"] * 384) + "]"
# What a name stands for in all statements of a room.
OF_ROOM: dict[tuple[str, str], Any] = {
    **{
        ("tensors", name): value
        for name, value in {
            "checksums": [KNOWN],
            "quick_checksums": [bytes(16)],
            **{"bases": [None], "depths": [0], "data": [None], "codecs": ["raw"], "names": ["x"]},
            **{"shapes": ["{1}"], "dtypes": ["float32"], "storages": ["inline"], "compression": "raw"},
        }.items()
    },
    **{
        ("inference", name): value
        for name, value in {
            **{"input_hash": KNOWN, "prompt_hash": KNOWN, "input_hashes": [KNOWN]},
            **{"model": "weights:known", "dtype": "float32", "shapes": ["{1}"]},
            **{"seq_end": 2, "most_bytes": 0, "most": 0},
        }.items()
    },
    **{
        ("registry", name): value
        for name, value in {
            **{"writer": WRITER, "status": "running", "state": Jsonb({}), "type": "decoder", "metric": "x"},
            **{"roles": ["weight"], "scopes": ["train"], "values": [0.5], "strategies": ["recompute"]},
            **{"hyperparameters": [Jsonb({})], "vector": _VECTOR, "vectors": [_VECTOR], "is_best": False},
            "checksum": "sha256:" + "0" * 64,
        }.items()
    },
    ("registry", "most"): 10,
    **{
        ("training", name): value
        for name, value in {
            **{"kind": "simulation", "backend": "local", "status": "running", "statuses": ["running"], "wanted": "run"},
            **{"source": "api", "attempt": 1, "most": 1, "gpus": 9, "processes": 9, "most_attempts": 3, "lines": ["x"]},
            "after": 0,
        }.items()
    },
}
_ROW = {"name": "new", "position": 9, "configuration": {}}
SPECIAL: dict[tuple[str, str], Any] = {
    ("tensors.save_repo.ADD_CHUNKS", "checksums"): [NEW],
    ("tensors.save_repo.ADD_TENSORS", "checksums"): [NEW],
    ("tensors.save_repo.ADD_CHUNKS_OF", "indexes"): [1],
    ("registry.checkpoint_repo.AT_STEP", "kind"): "full",
    ("registry.checkpoint_repo.BROUGHT", "step"): 3,
    ("registry.checkpoint_write_repo.ADD", "kind"): "full",
    ("registry.checkpoint_write_repo.ADD", "step"): 9,
    ("registry.checkpoint_write_repo.ADD_ENTRIES", "roles"): ["state"],
    ("registry.checkpoint_write_repo.ADD_OPTIMIZER", "parameters"): ["new"],
    ("registry.metrics_repo.FORGET_AFTER", "step"): 0,
    **{(f"registry.vocabulary_repo.{name}", "kind"): "token" for name in ("ADD", "KEPT", "NEAREST", "TOKEN", "FORGET")},
    ("registry.vocabulary_repo.ADD", "positions"): [9],
    ("registry.repo.ADD", "status"): "initialized",
    ("registry.repo.PUT_STATUS", "status"): "trained",
    ("registry.repo.MODELS", "status"): None,
    ("registry.parts_repo.ADD_LAYERS", "rows"): Jsonb(
        [{**_ROW, "layer_id": str(uuid.uuid4()), "layer_index": 9, "type": "other"}]
    ),
    ("registry.parts_repo.ADD_WEIGHTS", "rows"): Jsonb(
        [{**_ROW, "weight_id": str(uuid.uuid4()), "category": "other", "trainable": True}]
    ),
    ("registry.parts_repo.ADD_HEADS", "rows"): Jsonb(
        [{**_ROW, "head_id": str(uuid.uuid4()), "head_index": 9, "head_dim": 1}]
    ),
    ("registry.parts_repo.ADD_FILES", "rows"): Jsonb(
        [{"path": "new", "position": 9, "format": "literal", "n_bytes": 4, "sha256": "0" * 64, "segments": []}]
    ),
    ("registry.parts_repo.SET_GRADIENT", "rows"): Jsonb([{"name": "x"}]),
    **{(f"inference.layers_repo.{name}", "layer"): "x" for name in ("FOUND", "KEEP", "FORGET")},
}

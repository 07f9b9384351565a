"""A small model, made from nothing: its tensors, layers and heads, and what the views say of it. A way in."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from anima.kernel import db
from anima.registry import architectures_model, parts_service, service, views_repo
from anima.registry.heads_model import TensorShape
from anima.registry.model import Model
from anima.registry.views_repo import Architecture, Parameters
from anima.tensors import service as tensors_service
from anima.tensors.model import Given, Saved, given

if TYPE_CHECKING:
    from numpy.typing import NDArray

CONFIG: dict[str, Any] = {
    "model_type": "llama",
    "architectures": ["LlamaForCausalLM"],
    "hidden_size": 64,
    "intermediate_size": 128,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "vocab_size": 128,
    "max_position_embeddings": 64,
    "rms_norm_eps": 1e-5,
    "rope_theta": 10000.0,
    "hidden_act": "silu",
    "tie_word_embeddings": True,
}
"""The architecture of the example, as its config.json says it."""
_CONFIG_TENSOR = "file:config.json"


@dataclass(frozen=True, slots=True)
class Example:
    """The model that was made, what calculate_model_parameters and v_model_architecture say, and one of its tensors."""

    model: Model
    parameters: Parameters
    architecture: Architecture
    embedding: NDArray[Any]


def weights(seed: int = 0) -> dict[str, NDArray[Any]]:
    """The weights of a small Llama with random numbers, by name; the same for one seed."""
    import numpy as np

    hidden, inner, rows = CONFIG["hidden_size"], CONFIG["intermediate_size"], CONFIG["vocab_size"]
    shared = hidden * CONFIG["num_key_value_heads"] // CONFIG["num_attention_heads"]
    shapes: dict[str, tuple[int, ...]] = {"model.embed_tokens.weight": (rows, hidden)}
    for block in range(CONFIG["num_hidden_layers"]):
        at = f"model.layers.{block}"
        shapes |= {f"{at}.input_layernorm.weight": (hidden,), f"{at}.post_attention_layernorm.weight": (hidden,)}
        shapes |= {f"{at}.self_attn.q_proj.weight": (hidden, hidden)}
        shapes |= {f"{at}.self_attn.{part}_proj.weight": (shared, hidden) for part in "kv"}
        shapes |= {f"{at}.self_attn.o_proj.weight": (hidden, hidden)}
        shapes |= {f"{at}.mlp.{part}_proj.weight": (inner, hidden) for part in ("gate", "up")}
        shapes |= {f"{at}.mlp.down_proj.weight": (hidden, inner)}
    shapes["model.norm.weight"] = (hidden,)
    chance = np.random.default_rng(seed)
    return {
        name: np.ones(shape, np.float32) if len(shape) == 1 else chance.normal(0, 0.02, shape).astype(np.float32)
        for name, shape in shapes.items()
    }


def example(principal: db.Principal, name: str = "example") -> Example:
    """Makes the next version of a small model, saves its tensors, and reads it back through the views."""
    arrays = weights()
    shapes = [TensorShape(one, array.dtype.name, array.shape) for one, array in arrays.items()]
    structure = architectures_model.structure(shapes, config=CONFIG)
    owner_id = service.owner(principal)
    config = json.dumps(CONFIG, indent=2).encode()

    def commit(tx: db.Transaction, saved: Saved) -> Model:
        new = service.create_in(tx, owner_id, name, structure.type, structure.architecture)
        parts_service.enter(tx, owner_id, new.model_id, saved.tensors, structure)
        digest = hashlib.sha256(config).digest()
        parts_service.put_file(tx, owner_id, new.model_id, "config.json", saved.tensors[_CONFIG_TENSOR], digest)
        return new

    tensors = [given(one, array) for one, array in arrays.items()]
    new = tensors_service.save(principal, [*tensors, Given(_CONFIG_TENSOR, "uint8", (len(config),), config)], commit)
    with db.transaction(principal) as tx:
        parameters = views_repo.parameters(tx, new.model_id)
        architecture = views_repo.architecture(tx, owner_id, new.model_id)
    embedding = parts_service.all_weights(principal, new)[0].tensor
    return Example(
        service.get(principal, new.model_id),
        parameters.one(),
        architecture.one(),
        tensors_service.read_all(principal, [embedding])[0],
    )

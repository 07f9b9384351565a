"""Transformers that write on, in torch: GPT-2, and the family of Llama (Mistral, Qwen 2 and 3), from their own files.

Inputs of a batch are padded on the left; `positions` counts the tokens of each input from 0 on. Attention is torch's
fused one, so that what is attended to can be caught. Sources: Radford 2019, Touvron 2023 (arXiv 2302.13971), Su 2021
(arXiv 2104.09864) for rotary positions, Ainslie 2023 (arXiv 2305.13245) for shared keys; names as in the files.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

Pair = tuple[Tensor, Tensor]
LLAMAS = ("llama", "mistral", "qwen2", "qwen3")
FAMILIES = ("gpt2", *LLAMAS)
_ACTIVATIONS = {
    "gelu_new": lambda x: functional.gelu(x, approximate="tanh"),
    "gelu_pytorch_tanh": lambda x: functional.gelu(x, approximate="tanh"),
    "gelu": functional.gelu,
    "relu": functional.relu,
    "silu": functional.silu,
}


class UnknownArchitecture(ValueError):
    """The model is of a kind, or has a setting, that is not computed here."""


class Cache:
    """Keys and values of what was read so far, by layer: (inputs, heads, positions, head_dim)."""

    def __init__(self) -> None:
        self.layers: list[Pair] = []

    def grown(self, layer: int, keys: Tensor, values: Tensor) -> Pair:
        """Keys and values of all positions, with those of the new ones behind."""
        if layer == len(self.layers):
            self.layers.append((keys, values))
        else:
            before = self.layers[layer]
            self.layers[layer] = (torch.cat([before[0], keys], 2), torch.cat([before[1], values], 2))
        return self.layers[layer]

    def keep(self, rows: Tensor) -> None:
        """Goes on with some of the inputs only."""
        self.layers = [(keys[rows], values[rows]) for keys, values in self.layers]


class Gpt2Attention(nn.Module):
    """Queries, keys and values from one matrix, whose input comes first in the files."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.c_attn, self.c_proj = Turned(width, 3 * width), Turned(width, width)

    def forward(self, x: Tensor, mask: Tensor, cache: Cache, layer: int) -> Tensor:
        """x (inputs, new, width), mask (inputs, 1, new, all)."""
        q, k, v = (one.unflatten(-1, (self.heads, -1)).transpose(1, 2) for one in self.c_attn(x).chunk(3, -1))
        k, v = cache.grown(layer, k, v)
        seen = functional.scaled_dot_product_attention(q, k, v, attn_mask=mask)
        return self.c_proj(seen.transpose(1, 2).flatten(2))


class Turned(nn.Module):
    """x @ weight + bias, weight (in, out)."""

    def __init__(self, n_in: int, n_out: int) -> None:
        super().__init__()
        self.weight, self.bias = nn.Parameter(torch.empty(n_in, n_out)), nn.Parameter(torch.empty(n_out))

    def forward(self, x: Tensor) -> Tensor:
        """(…, in) to (…, out)."""
        return x @ self.weight + self.bias


class Gpt2Block(nn.Module):
    """Attention and feedforward, each after a norm."""

    def __init__(self, config: Mapping[str, Any]) -> None:
        super().__init__()
        width, eps = config["n_embd"], config.get("layer_norm_epsilon", 1e-5)
        self.ln_1, self.ln_2 = nn.LayerNorm(width, eps), nn.LayerNorm(width, eps)
        self.attn = Gpt2Attention(width, config["n_head"])
        inner = config.get("n_inner") or 4 * width
        self.mlp = nn.ModuleDict({"c_fc": Turned(width, inner), "c_proj": Turned(inner, width)})
        self._act = _activation(config.get("activation_function", "gelu_new"))

    def forward(self, x: Tensor, mask: Tensor, cache: Cache, layer: int) -> Tensor:
        """What the block makes of x."""
        x = x + self.attn(self.ln_1(x), mask, cache, layer)
        return x + self.mlp["c_proj"](self._act(self.mlp["c_fc"](self.ln_2(x))))


class Gpt2(nn.Module):
    """Logits of the next token; positions are learnt."""

    def __init__(self, config: Mapping[str, Any]) -> None:
        super().__init__()
        width, words = config["n_embd"], config["vocab_size"]
        if config.get("scale_attn_by_inverse_layer_idx") or not config.get("scale_attn_weights", True):
            raise UnknownArchitecture("attention that is scaled otherwise")
        self.longest: int = config.get("n_positions", 1024)
        self.wte, self.wpe = nn.Embedding(words, width), nn.Embedding(self.longest, width)
        self.h = nn.ModuleList(Gpt2Block(config) for _ in range(config["n_layer"]))
        self.ln_f = nn.LayerNorm(width, config.get("layer_norm_epsilon", 1e-5))
        self.lm_head = nn.Linear(width, words, bias=False)
        self.tied: bool = config.get("tie_word_embeddings", True)
        self.cache_numbers = 2 * config["n_layer"] * width

    def forward(self, words: Tensor, positions: Tensor, mask: Tensor, cache: Cache) -> Tensor:
        """(inputs, new) to (inputs, new, vocabulary)."""
        x = self.wte(words) + self.wpe(positions)
        for layer, block in enumerate(self.h):
            x = block(x, mask, cache, layer)
        return self.lm_head(self.ln_f(x))


class RmsNorm(nn.Module):
    """x by its root mean square, in float32 (Zhang 2019, arXiv 1910.07467)."""

    def __init__(self, width: int, eps: float) -> None:
        super().__init__()
        self.weight, self.eps = nn.Parameter(torch.ones(width)), eps

    def forward(self, x: Tensor) -> Tensor:
        """Of the last dimension."""
        wide = x.float()
        return self.weight * (wide * torch.rsqrt(wide.square().mean(-1, keepdim=True) + self.eps)).to(x.dtype)


class LlamaAttention(nn.Module):
    """Queries in more heads than keys and values, turned by their positions."""

    def __init__(self, config: Mapping[str, Any]) -> None:
        super().__init__()
        width, heads, kind = config["hidden_size"], config["num_attention_heads"], config["model_type"]
        shared = config.get("num_key_value_heads") or heads
        self.dim: int = config.get("head_dim") or width // heads
        bias = kind == "qwen2" or bool(config.get("attention_bias"))
        self.q_proj = nn.Linear(width, heads * self.dim, bias=bias)
        self.k_proj, self.v_proj = (nn.Linear(width, shared * self.dim, bias=bias) for _ in range(2))
        self.o_proj = nn.Linear(heads * self.dim, width, bias=kind != "qwen2" and bias)
        eps = config.get("rms_norm_eps", 1e-6)
        if kind == "qwen3":
            self.q_norm, self.k_norm = RmsNorm(self.dim, eps), RmsNorm(self.dim, eps)
        self.normed = kind == "qwen3"

    def forward(self, x: Tensor, turn: Pair, mask: Tensor, cache: Cache, layer: int) -> Tensor:
        """x (inputs, new, width), turn cos and sin of the new positions, mask (inputs, 1, new, all)."""
        q, k, v = (one(x).unflatten(-1, (-1, self.dim)) for one in (self.q_proj, self.k_proj, self.v_proj))
        if self.normed:
            q, k = self.q_norm(q), self.k_norm(k)
        q, k = turned(q.transpose(1, 2), turn), turned(k.transpose(1, 2), turn)
        k, v = cache.grown(layer, k, v.transpose(1, 2))
        seen = functional.scaled_dot_product_attention(q, k, v, attn_mask=mask, enable_gqa=True)
        return self.o_proj(seen.transpose(1, 2).flatten(2))


def turned(x: Tensor, turn: Pair) -> Tensor:
    """x (inputs, heads, new, dim) by the angles of its positions; halves of dim are the two axes."""
    cos, sin = turn
    low, high = x.chunk(2, -1)
    return x * cos + torch.cat([-high, low], -1) * sin


class LlamaBlock(nn.Module):
    """Attention and a gated feedforward, each after a norm."""

    def __init__(self, config: Mapping[str, Any]) -> None:
        super().__init__()
        width, inner, eps = config["hidden_size"], config["intermediate_size"], config.get("rms_norm_eps", 1e-6)
        self.input_layernorm, self.post_attention_layernorm = RmsNorm(width, eps), RmsNorm(width, eps)
        self.self_attn = LlamaAttention(config)
        bias = bool(config.get("mlp_bias"))
        self.mlp = nn.ModuleDict(
            {
                "gate_proj": nn.Linear(width, inner, bias=bias),
                "up_proj": nn.Linear(width, inner, bias=bias),
                "down_proj": nn.Linear(inner, width, bias=bias),
            }
        )
        self._act = _activation(config.get("hidden_act", "silu"))

    def forward(self, x: Tensor, turn: Pair, mask: Tensor, cache: Cache, layer: int) -> Tensor:
        """What the block makes of x."""
        x = x + self.self_attn(self.input_layernorm(x), turn, mask, cache, layer)
        y = self.post_attention_layernorm(x)
        return x + self.mlp["down_proj"](self._act(self.mlp["gate_proj"](y)) * self.mlp["up_proj"](y))


class Llama(nn.Module):
    """Logits of the next token; positions turn queries and keys."""

    def __init__(self, config: Mapping[str, Any]) -> None:
        super().__init__()
        width, words = config["hidden_size"], config["vocab_size"]
        self.longest: int = config.get("max_position_embeddings", 2048)
        window = config.get("sliding_window") if config.get("use_sliding_window", True) else None
        if window:  # what lies further back would not be seen
            self.longest = min(self.longest, int(window))
        inner = nn.ModuleDict({"embed_tokens": nn.Embedding(words, width)})
        inner["layers"] = nn.ModuleList(LlamaBlock(config) for _ in range(config["num_hidden_layers"]))
        inner["norm"] = RmsNorm(width, config.get("rms_norm_eps", 1e-6))
        self.model = inner
        self.lm_head = nn.Linear(width, words, bias=False)
        self.tied: bool = config.get("tie_word_embeddings", False)
        heads = config["num_attention_heads"]
        self.dim: int = config.get("head_dim") or width // heads
        self.cache_numbers = 2 * config["num_hidden_layers"] * self.dim * (config.get("num_key_value_heads") or heads)
        self.frequencies = frequencies(config, self.dim)

    def forward(self, words: Tensor, positions: Tensor, mask: Tensor, cache: Cache) -> Tensor:
        """(inputs, new) to (inputs, new, vocabulary)."""
        x = self.model["embed_tokens"](words)
        angles = positions[:, None, :, None].float() * self.frequencies.to(x.device)
        angles = torch.cat([angles, angles], -1)
        turn = angles.cos().to(x.dtype), angles.sin().to(x.dtype)
        for layer, block in enumerate(self.model["layers"]):
            x = block(x, turn, mask, cache, layer)
        return self.lm_head(self.model["norm"](x))


def frequencies(config: Mapping[str, Any], dim: int) -> Tensor:
    """How fast each pair of numbers turns by position, with Llama 3's stretching. Raises UnknownArchitecture."""
    rope = config.get("rope_parameters") or config.get("rope_scaling") or {}
    base = float(rope.get("rope_theta") or config.get("rope_theta") or 10_000.0)
    plain = base ** -(torch.arange(0, dim, 2, dtype=torch.float32) / dim)
    kind = rope.get("rope_type") or rope.get("type") or "default"
    if kind == "default":
        return plain
    factor = float(rope.get("factor", 1.0))
    if kind == "linear":
        return plain / factor
    if kind != "llama3":
        raise UnknownArchitecture(f"rotary positions of the kind {str(kind)[:40]}")
    low, high = float(rope["low_freq_factor"]), float(rope["high_freq_factor"])
    turns = rope["original_max_position_embeddings"] * plain / (2 * math.pi)
    smooth = ((turns - low) / (high - low)).clamp(0, 1)
    return plain * (smooth + (1 - smooth) / factor)


def _activation(name: str) -> Any:
    if name not in _ACTIVATIONS:
        raise UnknownArchitecture(f"the activation {str(name)[:40]}")
    return _ACTIVATIONS[name]


def built(config: Mapping[str, Any], weights: Mapping[str, Tensor]) -> Any:
    """The module of a config.json with its weights in it, in evaluation. Raises UnknownArchitecture."""
    kind = config.get("model_type")
    if kind not in FAMILIES:
        raise UnknownArchitecture(f"models of the type {str(kind)[:40]}; known are {', '.join(FAMILIES)}")
    try:
        with torch.device("meta"):
            module = Gpt2(config) if kind == "gpt2" else Llama(config)
    except (KeyError, TypeError) as error:
        raise UnknownArchitecture(f"a config.json without a usable {error}") from None
    if kind != "gpt2":
        module.frequencies = frequencies(config, module.dim)
    names = {_plain(name, kind): tensor for name, tensor in weights.items() if not _left_out(name)}
    embedding = "wte.weight" if kind == "gpt2" else "model.embed_tokens.weight"
    if embedding in names and (module.tied or "lm_head.weight" not in names):
        names["lm_head.weight"] = names[embedding]
    try:
        module.load_state_dict(names, strict=True, assign=True)
    except RuntimeError as error:
        raise UnknownArchitecture(f"weights that do not fit: {str(error)[:300]}") from None
    return module.eval().requires_grad_(False)


def _plain(name: str, kind: str) -> str:
    """Files name the weights with or without what the model lies in."""
    if kind == "gpt2":
        return name.removeprefix("transformer.")
    return name if name.startswith(("model.", "lm_head.")) else f"model.{name}"


def _left_out(name: str) -> bool:
    """Buffers that old files carry: masks, and the frequencies of rotary positions."""
    return name.endswith((".attn.bias", ".attn.masked_bias", "rotary_emb.inv_freq"))

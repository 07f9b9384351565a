"""What config.json, or the keys of a GGUF file, say of a model, in the registry's words. Pure.

What does not fit (a text where a number should be) is left out.

Words: family, layers, heads, key_value_heads, head_dim, hidden, feedforward, vocabulary, positions, activation,
normalization_epsilon, rotary_base, tied_embeddings, experts, classes, dtype, quantization, source.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from anima.registry import compress_model

_DECODERS: Final = (
    "gpt2 gpt_neo gpt_neox gptj llama mistral mixtral qwen2 qwen2_moe qwen3 qwen3_moe phi phi3 gemma gemma2 "
    "gemma3_text falcon bloom mpt opt olmo olmo2 stablelm starcoder2 cohere deepseek_v2 deepseek_v3 "
    "smollm3 granite gpt_oss"
).split()
_ENCODERS: Final = (
    "bert roberta distilbert xlm-roberta albert electra deberta deberta-v2 mpnet modernbert nomic_bert "
    "camembert vit clip"
).split()
_BOTH: Final = "t5 mt5 bart mbart pegasus marian whisper m2m_100 encoder-decoder".split()

# Our word: the names that config.json gives it, the first that is there counts.
_NUMBERS: Final = {
    "layers": ("num_hidden_layers", "n_layer", "num_layers", "n_layers"),
    "heads": ("num_attention_heads", "n_head", "num_heads", "n_heads"),
    "key_value_heads": ("num_key_value_heads", "num_kv_heads", "n_head_kv"),
    "head_dim": ("head_dim", "d_kv"),
    "hidden": ("hidden_size", "n_embd", "d_model", "dim"),
    "feedforward": ("intermediate_size", "n_inner", "d_ff", "ffn_dim", "hidden_dim", "ffn_hidden_size"),
    "vocabulary": ("vocab_size",),
    "positions": ("max_position_embeddings", "n_positions", "n_ctx", "max_seq_len"),
    "experts": ("num_local_experts", "num_experts", "n_routed_experts"),
    "decoder_layers": ("decoder_layers", "num_decoder_layers"),
    "encoder_layers": ("encoder_layers",),
}
_FRACTIONS: Final = {
    "normalization_epsilon": ("rms_norm_eps", "layer_norm_eps", "layer_norm_epsilon", "norm_eps"),
    "rotary_base": ("rope_theta",),
}
_TEXTS: Final = {
    "activation": ("hidden_act", "activation_function", "activation", "hidden_activation"),
    "dtype": ("torch_dtype", "dtype"),
}
_GGUF: Final = {
    "layers": "block_count",
    "hidden": "embedding_length",
    "feedforward": "feed_forward_length",
    "heads": "attention.head_count",
    "key_value_heads": "attention.head_count_kv",
    "head_dim": "attention.key_length",
    "positions": "context_length",
    "experts": "expert_count",
    "vocabulary": "vocab_size",
}
MOST = 10_000_000


def whole(value: object) -> int | None:
    """A number of things that a model can have, or None."""
    return value if type(value) is int and 0 < value <= MOST else None


def _fraction(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if 0 < value < 1e12 else None


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and 0 < len(value) <= 100 and value.isprintable() else None


def _first(config: Mapping[str, Any], names: tuple[str, ...], read: Any) -> Any:
    found = (read(config.get(name)) for name in names)
    return next((value for value in found if value is not None), None)


def from_config(config: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    """Type and architecture of a model with this config.json."""
    text = config.get("text_config")
    inner: Mapping[str, Any] = {**config, **text} if isinstance(text, dict) else config
    family = _text(config.get("model_type"))
    said: dict[str, Any] = {"family": family or "unknown", "source": "config.json"}
    said |= {word: _first(inner, names, whole) for word, names in _NUMBERS.items()}
    said |= {word: _first(inner, names, _fraction) for word, names in _FRACTIONS.items()}
    said |= {word: _first(inner, names, _text) for word, names in _TEXTS.items()}
    said["tied_embeddings"] = tied if isinstance(tied := inner.get("tie_word_embeddings"), bool) else None
    classes = config.get("architectures")
    if isinstance(classes, list) and all(_text(one) for one in classes):
        said["classes"] = classes[:10]
    said["quantization"] = compress_model.from_config(config)
    return _type(family or "", config), _completed(said)


def from_gguf(keys: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    """Type and architecture of a model with these keys of a GGUF file."""
    family = _text(keys.get("general.architecture")) or "unknown"
    said: dict[str, Any] = {"family": family, "source": "gguf"}
    for word, key in _GGUF.items():
        value = keys.get(f"{family}.{key}")
        # Some families give one number for each block; those of the first stand for all.
        said[word] = whole(value[0] if isinstance(value, list) and value else value)
    tokens = keys.get("tokenizer.ggml.tokens")
    if said["vocabulary"] is None and isinstance(tokens, list):
        said["vocabulary"] = whole(len(tokens))
    epsilon = ("attention.layer_norm_rms_epsilon", "attention.layer_norm_epsilon")
    said["normalization_epsilon"] = _first(keys, tuple(f"{family}.{one}" for one in epsilon), _fraction)
    said["rotary_base"] = _fraction(keys.get(f"{family}.rope.freq_base"))
    said["title"] = _text(keys.get("general.name"))
    kind = "encoder" if "bert" in family else "encoder-decoder" if family == "t5" else "decoder"
    return kind, _completed(said)


def _completed(said: dict[str, Any]) -> dict[str, Any]:
    heads, hidden = said.get("heads"), said.get("hidden")
    if heads and hidden and not said.get("head_dim") and hidden % heads == 0:
        said["head_dim"] = hidden // heads
    if heads and not said.get("key_value_heads"):
        said["key_value_heads"] = heads
    if said["family"] == "gpt2" and hidden and not said.get("feedforward"):
        said["feedforward"] = 4 * hidden
    return {word: value for word, value in said.items() if value is not None}


def _type(family: str, config: Mapping[str, Any]) -> str:
    if config.get("is_encoder_decoder") is True or family in _BOTH:
        return "encoder-decoder"
    classes = str(config.get("architectures"))
    if family in _DECODERS or "ForCausalLM" in classes or "LMHeadModel" in classes:
        return "decoder"
    if family in _ENCODERS or "ForMaskedLM" in classes or "ForSequenceClassification" in classes:
        return "encoder"
    return "other"

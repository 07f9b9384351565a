"""What a weight is (its block, layer and category), told by its name as the common families give it. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Final

CATEGORIES: Final = (
    "token_embedding",
    "position_embedding",
    "segment_embedding",
    "attention_query",
    "attention_key",
    "attention_value",
    "attention_query_key_value",
    "attention_output",
    "feedforward_gate",
    "feedforward_up",
    "feedforward_down",
    "feedforward_router",
    "normalization",
    "output_head",
    "pooler",
    "convolution",
    "recurrent",
    "scale",
    "zero_point",
    "buffer",
    "other",
)

_BLOCK = re.compile(r"(?:^|\.)(?:h|layers?|blocks?|blk|resblocks)\.(\d{1,6})\.")
_BUFFER = re.compile(
    r"(rotary_emb\.inv_freq|position_ids|masked_bias|attn\.bias|attention\.bias|running_mean|running_var"
    r"|num_batches_tracked|rope_freqs\.weight|token_type_ids)$"
)
_NOT_BUFFER = re.compile(r"attn\.bias$")  # GPT-2's mask has four dimensions, a true bias one

_NORM = re.compile(
    r"(norm|ln_?\d*|ln_[a-z]+|layer_?norm\w*|sa_layer_norm|lnorm|rms\w*)(\.(weight|bias|gamma|beta|scale))?$"
)
_ATTENTION = re.compile(r"(attn|attention|selfattention|encdecattention|self_att|\bmixer\b)")

# Inside an attention, ordered: the last part of the module's name.
_PROJECTIONS: Final[tuple[tuple[re.Pattern[str], str], ...]] = (
    (
        re.compile(r"(^|[._])(c_attn|query_key_value|qkv_proj|attn_qkv|qkv|wqkv|w_pack|in_proj)(_weight|_bias)?$"),
        "attention_query_key_value",
    ),
    (re.compile(r"(^|[._])(q_proj|query|q_lin|attn_q|wq|to_q|q)$"), "attention_query"),
    (re.compile(r"(^|[._])(k_proj|key|k_lin|attn_k|wk|to_k|k)$"), "attention_key"),
    (re.compile(r"(^|[._])(v_proj|value|v_lin|attn_v|wv|to_v|v)$"), "attention_value"),
    (
        re.compile(r"(^|[._])(o_proj|out_proj|c_proj|out_lin|attn_output|wo|to_out(\.0)?|dense|proj|o)$"),
        "attention_output",
    ),
)
_FEEDFORWARD: Final[tuple[tuple[re.Pattern[str], str], ...]] = (
    (re.compile(r"(^|[._])(ffn_gate_inp|router|block_sparse_moe\.gate|mlp\.gate)$"), "feedforward_router"),
    (re.compile(r"(^|[._])(gate_proj|ffn_gate(_exps|_shexp)?|w1|wi_0|gate_up_proj)$"), "feedforward_gate"),
    (
        re.compile(
            r"(^|[._])(up_proj|c_fc|fc1|fc_in|dense_h_to_4h|intermediate\.dense|lin1|linear1|w3|wi|wi_1"
            r"|ffn_up(_exps|_shexp)?)$"
        ),
        "feedforward_up",
    ),
    (
        re.compile(
            r"(^|[._])(down_proj|mlp\.c_proj|fc2|fc_out|dense_4h_to_h|output\.dense|lin2|linear2|w2|wo"
            r"|ffn_down(_exps|_shexp)?)$"
        ),
        "feedforward_down",
    ),
)
_OUTSIDE: Final[tuple[tuple[re.Pattern[str], str], ...]] = (
    (re.compile(r"(token_type_embeddings|token_types|segment_embeddings?)$"), "segment_embedding"),
    (re.compile(r"(wpe|position_embeddings?|embed_positions|position_embd|pos_embed(ding)?)$"), "position_embedding"),
    (
        re.compile(r"(wte|embed_tokens|word_embeddings|token_embd|tok_embeddings|embed_in|shared|token_embedding)$"),
        "token_embedding",
    ),
    (re.compile(r"(^|\.)(lm_head|embed_out|classifier|score|qa_outputs|output|head|decoder)(\.\w+)?$"), "output_head"),
    (re.compile(r"(^|\.)cls\."), "output_head"),
    (re.compile(r"(^|\.)pooler(\.|$)"), "pooler"),
)
_RECURRENT = re.compile(r"(weight|bias)_(ih|hh)_l\d|(^|[._.])(lstm|gru|rnn)([._]|$)")
_CONVOLUTION = re.compile(r"(^|[._])(conv\w*|patch_embed\w*)([._]|$)")
_PARAMETER = re.compile(r"[._](weight|bias|gamma|beta|scales?|qweight|quantized|zero_points?)$")
# What a quantised weight of ours lies in (compress_model), behind the name of the weight.
_PART = re.compile(r"\.(quantized|scales|zero_points)$")
_FF_ROOT = re.compile(r"^(.*?(?:mlp|ffn|feed_forward|feedforward|densereludense|block_sparse_moe|moe))(?:[._]|$)", re.I)
_ATTENTION_ROOT = re.compile(r"^(.*?(?:attn|attention))", re.I)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a weight belongs: its category, the kind and name of its layer, and the block of a transformer.

    `stack` is the row of blocks (there may be several: encoder and decoder, text and picture). `rank` orders the layers
    of a block; without one, those of negative rank stand before all blocks, the others behind.
    """

    category: str
    layer_type: str
    layer_name: str
    block: int | None
    stack: str
    rank: float


def place(name: str, dimensions: int) -> Place:
    """Where the weight of this name, with so many dimensions, belongs."""
    if part := _PART.search(name):
        of = place(name[: part.start()], dimensions)
        return of if part[1] == "quantized" else replace(of, category=part[1].removesuffix("s"))
    found = _BLOCK.search(name)
    if found is None:
        return _outside(name, dimensions)
    prefix, rest = name[: found.end() - 1], name[found.end() :]
    return _nested(rest, _inside(name, prefix, rest, int(found[1]), name[: found.start(1) - 1], dimensions))


def module(name: str) -> str:
    """The module that a parameter belongs to: its name without ".weight" and the like."""
    return _PARAMETER.sub("", name) or name


def _nested(rest: str, found: Place) -> Place:
    """T5 numbers the parts of a block: each is a norm and what follows it."""
    part = re.match(r"layer\.(\d)\.", rest)
    if part is None:
        return found
    return replace(found, rank=int(part[1]) + (0.0 if found.layer_type == "normalization" else 0.5))


def is_buffer(name: str, dimensions: int) -> bool:
    """Whether it is a constant that a model carries along: a mask, positions, running statistics."""
    if _NOT_BUFFER.search(name):
        return dimensions == 4
    return _BUFFER.search(name) is not None


def _inside(name: str, prefix: str, rest: str, block: int, stack: str, dimensions: int) -> Place:
    lowered, part = rest.lower(), module(rest).lower()

    def at(category: str, kind: str, layer: str, rank: float) -> Place:
        return Place(category, kind, layer, block, stack, rank)

    if is_buffer(name, dimensions):
        return at("buffer", "attention", _attention_layer(prefix, rest), _attention_rank(lowered))
    attention = _ATTENTION.search(lowered) is not None
    if _NORM.search(lowered):
        # Norms of queries and keys belong to the attention itself.
        if attention and re.search(r"(^|[._])(q|k)_?norm|inner_attn_ln|sub_norm", lowered):
            return at("normalization", "attention", _attention_layer(prefix, rest), _attention_rank(lowered))
        return at("normalization", "normalization", f"{prefix}.{module(rest)}", _norm_rank(part))
    if not attention and (category := _matched(_FEEDFORWARD, part)):
        return at(category, "feedforward", _feedforward_layer(prefix, rest), 3.0)
    if category := _matched(_PROJECTIONS, part):
        return at(category, "attention", _attention_layer(prefix, rest), _attention_rank(lowered))
    if attention:
        return at("other", "attention", _attention_layer(prefix, rest), _attention_rank(lowered))
    kind, category = _by_shape(rest, dimensions)
    return at(category, kind, f"{prefix}.{module(rest)}", 5.0)


def _attention_layer(prefix: str, rest: str) -> str:
    found = _ATTENTION_ROOT.match(rest)
    if found is None:
        return f"{prefix}.attention"
    end = found.end()
    # "self_attn.q_proj" -> "self_attn"; "attn_q" (GGUF) -> "attn"; "EncDecAttention.q" -> "EncDecAttention".
    return f"{prefix}.{rest[:end]}"


def _feedforward_layer(prefix: str, rest: str) -> str:
    found = _FF_ROOT.match(rest)
    return f"{prefix}.{found[1]}" if found else f"{prefix}.feedforward"


def _attention_rank(lowered: str) -> float:
    return 2.6 if re.search(r"encdec|cross_?att|encoder_attn", lowered) else 1.0


def _norm_rank(part: str) -> float:
    """Where a norm stands: 0 before the attention, 2 behind it, 2.8 before and 4 behind the feedforward."""
    if re.search(
        r"(attention\.output\.layernorm|sa_layer_norm|post_attn|post_attention_norm|post_attention_layernorm)", part
    ):
        return 2.0
    if re.search(r"^(output\.layernorm|output_layer_norm|layer_output_norm|post_feedforward|post_ffw_norm)", part):
        return 4.0
    if re.search(r"(ln_2|norm2|ln2|ffn_norm|pre_feedforward|final_layer_norm|layernorm_after|mlp_norm)", part):
        return 2.8
    if re.search(r"encoder_attn", part):
        return 2.7
    return (
        0.0
        if re.search(r"(ln_1|norm1|ln1|input_layernorm|attn_norm|attn_layer_norm|layernorm_before|norm$)", part)
        else 2.8
    )


def _matched(table: tuple[tuple[re.Pattern[str], str], ...], part: str) -> str | None:
    return next((category for pattern, category in table if pattern.search(part)), None)


def _outside(name: str, dimensions: int) -> Place:
    lowered, part = name.lower(), module(name).lower()

    def at(category: str, kind: str, rank: float) -> Place:
        return Place(category, kind, module(name), None, "", rank)

    if is_buffer(name, dimensions):
        return at("buffer", "other", 0.0)
    embedded = ("embed" in lowered or "embd" in lowered) and "embed_out" not in lowered
    if _NORM.search(lowered) and not lowered.startswith("cls."):
        return at("normalization", "normalization", -1.0 if embedded else 10.0)
    category = _matched(_OUTSIDE, part)
    if category is not None and category.endswith("_embedding"):
        order = ("token_embedding", "position_embedding", "segment_embedding")
        return at(category, "embedding", -9.0 + order.index(category))
    if category is not None and not embedded:
        return at(category, "output", 11.0 if category == "output_head" else 10.5)
    if _RECURRENT.search(lowered):
        return at("recurrent", "recurrent", 0.0)
    if (category := _matched(_FEEDFORWARD, part)) is not None:
        return at(category, "feedforward", 0.0)
    if embedded and dimensions == 2 and lowered.endswith("embeddings.weight"):
        return at("token_embedding", "embedding", -9.0)
    kind, category = _by_shape(name, dimensions)
    return at(category, kind, -2.0 if embedded else 0.0)


def _by_shape(name: str, dimensions: int) -> tuple[str, str]:
    """Kind of layer and category of what no name tells."""
    if _RECURRENT.search(name.lower()):
        return "recurrent", "recurrent"
    if dimensions >= 3 and _CONVOLUTION.search(name.lower()):
        return "convolution", "convolution"
    return "other", "other"

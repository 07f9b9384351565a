"""The pieces of a vocabulary, read from the files that tokenizers come in. Pure."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

FILES = ("tokenizer.json", "vocab.json", "vocab.txt")
"""Where pieces are looked for, the first that is there counts."""
MOST = 4_000_000


def pieces(path: str, content: bytes) -> dict[int, str]:
    """The pieces of a file of `FILES`, by their number; none where it is not what it should be."""
    try:
        if path == "vocab.txt":
            # Lines end as those of files do: U+2028 and its like are pieces themselves.
            lines = io.StringIO(content.decode("utf-8"), newline=None)
            return dict(enumerate(line.removesuffix("\n") for line in lines))
        said = json.loads(content)
    except (ValueError, RecursionError):
        return {}
    return _checked(said) if path == "vocab.json" else _of_tokenizer(said)


def of_gguf(keys: Mapping[str, Any]) -> dict[int, str]:
    """The pieces that a GGUF file carries."""
    tokens = keys.get("tokenizer.ggml.tokens")
    return {number: str(one) for number, one in enumerate(tokens)} if isinstance(tokens, list) else {}


def _of_tokenizer(said: Any) -> dict[int, str]:
    if not isinstance(said, dict) or not isinstance(said.get("model"), dict):
        return {}
    vocabulary = said["model"].get("vocab")
    found = _of_list(vocabulary) if isinstance(vocabulary, list) else _checked(vocabulary)
    added = said.get("added_tokens")
    for one in added if isinstance(added, list) else []:
        if isinstance(one, dict) and isinstance(one.get("content"), str):
            found |= _checked({one["content"]: one.get("id")})
    return found


def _of_list(vocabulary: Sequence[Any]) -> dict[int, str]:
    """Unigram: pairs of a piece and its probability."""
    return {
        number: one[0]
        for number, one in enumerate(vocabulary)
        if isinstance(one, list) and one and isinstance(one[0], str)
    }


def _checked(vocabulary: Any) -> dict[int, str]:
    if not isinstance(vocabulary, dict):
        return {}
    return {number: piece for piece, number in vocabulary.items() if type(number) is int and 0 <= number < MOST}


def numbers_of(text: str, known: Mapping[int, str], encode: Callable[[str], list[int]] | None) -> list[int]:
    """The numbers of the pieces of a text: one where it is a piece itself (also as the beginning of a word), else as
    the tokenizer cuts it; none where that is not known.
    """
    wanted = (text, "\u0120" + text, "\u2581" + text)
    for form in wanted:
        for number, piece in known.items():
            if piece == form:
                return [number]
    return encode(text) if encode is not None else []

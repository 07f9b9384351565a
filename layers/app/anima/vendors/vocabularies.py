"""Cutting texts to the pieces of a vocabulary, as the tokenizer of a model does it."""

from __future__ import annotations

from collections.abc import Callable


def cutter(content: bytes) -> Callable[[str], list[int]] | None:
    """A function from a text to the numbers of its pieces, from a tokenizer.json; None where it cannot be read."""
    try:
        from tokenizers import Tokenizer

        tokenizer = Tokenizer.from_buffer(content)
    except Exception:  # plain exceptions for what cannot be read; or the library is not installed
        return None
    return lambda text: [int(one) for one in tokenizer.encode(text, add_special_tokens=False).ids]

"""Embeddings for clients of OpenAI's protocol: the vectors by which this installation itself finds things."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from typing import Any

from anima.kernel import db
from anima.kernel.errors import BadInput, FieldError, TooLarge
from anima.memory import index_service
from anima.openai_api.bodies import EmbeddingsBody
from anima.openai_api.errors import NoSuchModel, NotHere
from anima.vendors import embeddings

NAME = "anima-embedding"
"""What the model is called here, whichever it is."""
_MOST_TEXTS = 2048
_BATCH = 64


class TooManyTokens(TooLarge):
    """A text of {tokens} tokens is too long for the embedding model, which reads {limit} at once."""

    status = 400
    slug = "context-too-long"


def serving(caller: db.Principal) -> embeddings.Embedder:
    """The model that the database is searched by."""
    with db.transaction(caller) as tx:
        name = index_service.serving(tx)
    return embeddings.embedder(name)


def is_meant(model: str, embedder: embeddings.Embedder) -> bool:
    """Whether a name is that of the embedding model that serves here: ours for it, its own, or that without digest."""
    return model in (NAME, embedder.name, embedder.name.partition("@")[0])


def embedded(embedder: embeddings.Embedder, body: EmbeddingsBody) -> dict[str, Any]:
    """The vectors of texts. Raises NoSuchModel, BadInput, NotHere, TooManyTokens."""
    if not is_meant(body.model, embedder):
        raise NoSuchModel(model=body.model)
    if body.dimensions not in (None, embedder.dimension):
        raise NotHere(reason=f"vectors have {embedder.dimension} dimensions", fields=[FieldError("dimensions", "none")])
    texts = _texts(body)
    tokens = embedder.count_tokens(texts)
    if max(tokens) > embedder.max_tokens:
        wrong = FieldError("input", f"texts of at most {embedder.max_tokens} tokens")
        raise TooManyTokens(tokens=max(tokens), limit=embedder.max_tokens, fields=[wrong])
    rows = [row for at in range(0, len(texts), _BATCH) for row in embedder.embed(texts[at : at + _BATCH])]
    shown = [_shown(place, row, as_text=body.encoding_format == "base64") for place, row in enumerate(rows)]
    used = {"prompt_tokens": sum(tokens), "total_tokens": sum(tokens)}
    return {"object": "list", "data": shown, "model": body.model, "usage": used}


def _texts(body: EmbeddingsBody) -> Sequence[str]:
    texts = [body.input] if isinstance(body.input, str) else body.input
    if any(not isinstance(each, str) for each in texts):
        raise NotHere(reason="tokens as input; send texts", fields=[FieldError("input", "a text, or texts")])
    if not 1 <= len(texts) <= _MOST_TEXTS or not all(map(_is_text, texts)):
        wrong = FieldError("input", f"1 to {_MOST_TEXTS} texts that are not empty, without lone surrogates")
        raise BadInput(reason="there is nothing to embed, or too much", fields=[wrong])
    return texts


def _is_text(text: str) -> bool:
    return bool(text) and not any("\ud800" <= character <= "\udfff" for character in text)


def _shown(place: int, row: Any, *, as_text: bool) -> dict[str, Any]:
    """A vector as numbers, or as the base64 of little-endian 32-bit floats."""
    vector = base64.b64encode(row.astype("<f4").tobytes()).decode() if as_text else row.tolist()
    return {"object": "embedding", "index": place, "embedding": vector}

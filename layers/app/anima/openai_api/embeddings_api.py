"""Embeddings over OpenAI's protocol."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter

from anima.kernel import http
from anima.openai_api import embedding
from anima.openai_api.bodies import EmbeddingsBody
from anima.openai_api.documented import answers, errors

router = APIRouter()

_VECTORS = {
    "object": "list",
    "data": [{"object": "embedding", "index": 0, "embedding": [0.021, -0.104, 0.067]}],
    "model": "anima-embedding",
    "usage": {"prompt_tokens": 6, "total_tokens": 6},
}


@router.post("/embeddings", summary="Embed texts", responses={**answers(_VECTORS), **errors(400, 404)})
def create_embeddings(caller: http.Caller, body: EmbeddingsBody) -> dict[str, Any]:
    """The vectors of texts, by the model that this installation itself searches by (`anima-embedding`)."""
    return embedding.embedded(embedding.serving(caller), body)

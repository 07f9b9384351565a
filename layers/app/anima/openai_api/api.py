"""All of /v1: models, chat completions, responses, embeddings."""

from __future__ import annotations

from fastapi import APIRouter

from anima.openai_api import chat_api, embeddings_api, models_api, responses_api
from anima.openai_api.errors import ROOT

router = APIRouter(prefix=ROOT, tags=["openai"])
for _part in (models_api, chat_api, responses_api, embeddings_api):
    router.include_router(_part.router)

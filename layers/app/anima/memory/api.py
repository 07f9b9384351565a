"""HTTP of memory: what an avatar keeps of its owner, by noun."""

from __future__ import annotations

from fastapi import APIRouter

from anima.memory import changes_api, entities_api, episodes_api, facts_api, search_api

router = APIRouter()
for _noun in (facts_api, episodes_api, entities_api, changes_api):
    router.include_router(_noun.router)
search_router = search_api.search_router

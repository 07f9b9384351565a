"""The apps: chat (turns), retrieve (search), manage (the rest and the console); at home all of them as one."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from fastapi import APIRouter, Depends, FastAPI

from anima.app import errors, health, once, openapi
from anima.app.limits import BodyLimit
from anima.app.origin import OwnPagesOnly
from anima.app.replays import Replays
from anima.app.requests import Requests
from anima.kernel import watch
from anima.kernel.http import API
from anima.operations import wake
from anima.vendors.cache import cache
from anima.vendors.embeddings import question

PARTS = frozenset({"chat", "retrieve", "manage"})
_THREADS = 256
"""A turn holds a thread while its model thinks; with the usual 40, as many slow turns would silence everything else."""


def _chat() -> list[APIRouter]:
    from anima.chat import api as chat
    from anima.chat import ask_api as asking
    from anima.chat import log_api as log
    from anima.chat import tools_api, wiring
    from anima.conversations import api as conversations

    wiring.wire()
    return [chat.router, tools_api.router, log.router, asking.router, conversations.router]


def _retrieve() -> list[APIRouter]:
    from anima.knowledge import search_api as knowledge
    from anima.memory import api as memory

    return [knowledge.search_router, memory.search_router]


def _manage() -> list[APIRouter]:
    from anima.avatars import api as avatars
    from anima.avatars import cards_api as cards
    from anima.avatars import pictures_api as pictures
    from anima.avatars import versions_api as versions
    from anima.curiosity import api as curiosity
    from anima.emotions import api as emotions
    from anima.gateway import api as gateway
    from anima.gateway import budgets_api, experiments_api, prompts_api, provision_api
    from anima.identity import api as identity
    from anima.memory import api as memory
    from anima.memory import sleep_api as sleeping
    from anima.operations import health_api, settings_api
    from anima.personality import api as personality
    from anima.plugins import api as plugins
    from anima.relationships import api as relationships
    from anima.safety import api as safety
    from anima.snapshots import erase_api as erasing
    from anima.snapshots import export_api as exporting
    from anima.snapshots import snapshot_api as snapshots
    from anima.snapshots import transcripts_api as transcripts
    from anima.style import api as style
    from anima.training import api as jobs

    _know_providers()
    rooms = (
        identity,
        avatars,
        versions,
        pictures,
        cards,
        personality,
        *_of_documents(),
        memory,
        sleeping,
        curiosity,
        transcripts,
        erasing,
        exporting,
        snapshots,
        relationships,
        emotions,
        style,
        safety,
        plugins,
        settings_api,
        gateway,
        budgets_api,
        provision_api,
        prompts_api,
        experiments_api,
        health_api,
        *_of_models(),
        jobs,
    )
    return [room.router for room in rooms]


def _of_models() -> list[Any]:
    from anima.inference import api as inference
    from anima.registry import api as registry
    from anima.registry import artifacts_api, checkpoints_api, compress_api, runs_api, structure_api, tensors_api

    return [registry, structure_api, tensors_api, compress_api, runs_api, checkpoints_api, artifacts_api, inference]


def _of_documents() -> list[Any]:
    from anima.knowledge import documents_api as documents
    from anima.knowledge import ingest_api as ingestion
    from anima.knowledge import publish_api as publishing
    from anima.knowledge import search_api as searching
    from anima.knowledge import stores_api as stores
    from anima.knowledge import summary_api as summaries
    from anima.knowledge import uploads_api as uploads

    return [documents, uploads, searching, ingestion, stores, publishing, summaries]


def _know_providers() -> None:
    """Says whom the egress of an avatar can name: who serves models, who is asked about gaps, and other programs."""
    from anima.avatars import service as avatars
    from anima.curiosity import sources_service as sources
    from anima.gateway import catalogue_service
    from anima.memory import notes_service as notes

    avatars.know_providers(lambda: [*catalogue_service.providers(), sources.PROVIDER, notes.PROGRAM])


_ROUTERS: dict[str, Callable[[], list[APIRouter]]] = {
    "chat": _chat,
    "retrieve": _retrieve,
    "manage": _manage,
}


def build(parts: set[str] | frozenset[str], *, guarded: bool = False) -> FastAPI:
    """An app of some parts; `guarded` refuses strange hosts and origins, as a server at home must."""
    watch.start()
    question.keep_in(cache())
    if not guarded:
        wake.wire()
    app = FastAPI(
        title="Anima",
        docs_url=None,
        redoc_url=None,
        openapi_url="/openapi.json",
        redirect_slashes=False,
        lifespan=_with_talks if guarded else _with_threads,
        generate_unique_id_function=openapi.operation_id,
    )
    app.include_router(health.router)
    if guarded:
        _mount_metrics(app)
        _mount_socket(app)
    for part in sorted(parts):
        for router in _ROUTERS[part]():
            app.include_router(router, prefix=API, dependencies=[Depends(once.enter)])
    if "chat" in parts:
        _mount_doors(app)
    if "manage" in parts:
        _mount_console(app)
    errors.install(app)
    openapi.install(app)
    once.install(app)
    app.add_middleware(once.Once)
    app.add_middleware(Replays)
    app.add_middleware(BodyLimit)
    if guarded:
        app.add_middleware(OwnPagesOnly)
    app.add_middleware(Requests)
    return app


@asynccontextmanager
async def _with_threads(_app: FastAPI) -> AsyncIterator[None]:
    from anyio import to_thread

    to_thread.current_default_thread_limiter().total_tokens = _THREADS
    yield


@asynccontextmanager
async def _with_talks(app: FastAPI) -> AsyncIterator[None]:
    """Ends what is being said over WebSocket when the server stops, so that it is kept."""
    from anyio import to_thread

    from anima.socket import talk

    async with _with_threads(app):
        yield
        await to_thread.run_sync(talk.leave_all)


def _mount_metrics(app: FastAPI) -> None:
    from anima.app import metrics

    metrics.prometheus()
    app.include_router(metrics.router)


def _mount_socket(app: FastAPI) -> None:
    from anima.socket import api as socket

    socket.mount(app)


def _mount_doors(app: FastAPI) -> None:
    """What other programs speak, at the root: the protocols say where."""
    from anima.mcp_api import api as mcp
    from anima.openai_api import api as openai

    app.include_router(openai.router)
    app.include_router(mcp.router)


def _mount_console(app: FastAPI) -> None:
    from anima.console import api as console

    console.mount(app)


def chat_app() -> FastAPI:
    """Turns, sessions and feedback."""
    return build({"chat"})


def retrieve_app() -> FastAPI:
    """Search and recall: the light path."""
    return build({"retrieve"})


def manage_app() -> FastAPI:
    """Everything else, and the console."""
    return build({"manage"})


def local() -> FastAPI:
    """All of it, for the server of one's own machine."""
    return build(PARTS, guarded=True)

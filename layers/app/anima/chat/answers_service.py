"""The answer to a request as it was stored; a turn whose call comes again is answered with it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from anima.chat import answers_repo, tools_repo
from anima.chat import exchange as exchanges
from anima.chat.answers_repo import KeptAnswer
from anima.chat.model import Answer, Citation
from anima.chat.tools_repo import Waiting
from anima.kernel import db
from anima.kernel.errors import NotFound


class RequestNotFound(NotFound):
    """There is no request {request_id} of yours."""

    slug = "request-not-found"


def answer_to(principal: db.Principal, request_id: int) -> Answer:
    """The answer to a request. Raises RequestNotFound."""
    owner_id = principal.user_id
    assert owner_id is not None, "what is kept is somebody's"
    with db.transaction(principal) as tx:
        found = answers_repo.kept_answer(tx, owner_id, request_id=request_id)
        citations = answers_repo.kept_citations(tx, owner_id, request_id=request_id)
        open_one = tools_repo.waiting(tx, owner_id, request_id)
    kept, waits = found.first(), open_one.first()
    if kept is not None:
        return as_answer(kept, citations.all())
    if waits is None or waits.kept is None:
        raise RequestNotFound(request_id=request_id)
    return as_waiting(waits, waits.kept)


def as_waiting(turn: Waiting, kept: Mapping[str, Any]) -> Answer:
    """What a turn has said that waits for its person: it is no message yet."""
    exchange = exchanges.of_json(kept["exchange"])
    return Answer(
        session_id=turn.session_id,
        message_id=None,
        parent_message_id=turn.message_id,
        response_id=None,
        request_id=turn.request_id,
        content="".join(kept["tokens"]),
        finish="approval",
        citations=[],
        memories=[],
        affect={},
        model={"provider": turn.provider, "name": turn.model_name},
        usage=kept["usage"],
        timings={},
        created_at=turn.created_at,
        media_refs=exchange.files,
        tools=exchange.shown(),
    )


def as_answer(kept: KeptAnswer, citations: list[Citation]) -> Answer:
    """An answer as it was given, put together from what is stored."""
    return Answer(
        session_id=kept.session_id,
        message_id=kept.message_id,
        parent_message_id=kept.parent_message_id,
        response_id=kept.response_id,
        request_id=kept.request_id,
        content=kept.content["text"],
        finish=kept.content.get("finish", "stop"),
        citations=citations,
        memories=kept.memories,
        affect=kept.affect,
        model={"provider": kept.provider, "name": kept.model_name},
        usage=kept.usage,
        timings=kept.timings,
        created_at=kept.created_at,
        media_refs=kept.content.get("media_refs", []),
        egress=kept.content.get("egress"),
        safety=kept.content.get("safety"),
        tools=kept.content.get("tools", []),
    )

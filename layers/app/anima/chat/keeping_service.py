"""How a turn ends with an answer: its second transaction stores it with all that belongs to it, and what follows."""

from __future__ import annotations

from typing import Any

from anima.chat import closing_service, repo
from anima.chat.citations import cite
from anima.chat.entering_service import TOP_HITS, Answered
from anima.chat.model import Answer, plain
from anima.chat.said import Said
from anima.chat.scene import Recalled, Scene
from anima.emotions import feeling_service as emotions
from anima.gateway import experiments_service as experiments
from anima.gateway import service as gateway
from anima.kernel import clock, db, telemetry
from anima.knowledge import service as knowledge
from anima.memory import service as memory
from anima.safety import service as safety


def remember(scene: Scene, recalled: Recalled, said: Said, *, again: bool = False) -> Answer:
    """Stores the answer with all that belongs to it, and what must follow it; once, even if it is told to `again`."""
    prompt, turn = said.composed(), scene.turn
    content, citations, invented = cite(said.text.removesuffix(said.appended), said.cited())
    content += said.appended
    beside: dict[str, Any] = {"egress": scene.sight.told(), "safety": recalled.warned(scene, said)}
    beside |= {"tools": said.exchange.shown(), "media_refs": said.exchange.files}
    if (lost := said.dropped + invented) and not again:
        telemetry.count("citations.invented", lost, of="turn")
    shown: dict[str, Any] = {
        "usage": {**said.counted(), **_cost(said), **({"invented_citations": lost} if lost else {})},
        "memories": [plain(one) for one in [*prompt.memories, *prompt.hints]],
        "affect": recalled.affect(scene),
        "timings": {**turn.timings, "total": turn.elapsed()},
    }
    answer = {"text": content, "finish": said.finish, **beside}
    end = _stored(scene, recalled, said, answer, {"citations": citations, **shown}, again=again)
    return Answer(
        session_id=scene.session_id,
        message_id=end.message_id,
        parent_message_id=scene.message_id,
        response_id=end.response_id,
        request_id=scene.request_id,
        content=content,
        finish=said.finish,
        citations=citations,
        model=scene.told_model(said.by),
        created_at=end.created_at,
        **beside,
        **shown,
    )


def _stored(
    scene: Scene, recalled: Recalled, said: Said, answer: dict[str, Any], shown: dict[str, Any], *, again: bool
) -> repo.Stored:
    """The second transaction. Raises Answered where it came through before."""
    prompt, turn, avatar = said.composed(), scene.turn, scene.context.avatar
    with db.transaction(turn.principal) as tx:
        stored = repo.stored_answer(
            tx,
            turn.owner_id,
            session_id=scene.session_id,
            request_id=scene.request_id,
            avatar_id=avatar.avatar_id if avatar else None,
            parent_message_id=scene.message_id,
            content=answer["text"],
            tokens=said.tokens if turn.request.stream else (),
            token_estimate=prompt.tokens,
            at=max(scene.at, clock.now()),
            kept=scene.sight.route.kept,
            media_ids=[one["media_id"] for one in said.exchange.files],
            model=_other(scene, said),
            answer=answer,
            prompt=said.sent(),
            parameters={"sections": prompt.sections, "gate": recalled.decision(scene).kind, **recalled.bearing(scene)},
            **shown,
        )
        if again and stored.first() is None:
            raise Answered(scene.request_id)
        _keep_the_rest(tx, scene, recalled, said)
        closing_service.settle_key(tx, scene, said)
        closing_service.announce(tx, scene)
        closing_service.note_spend(tx, scene, said)
    return stored.one()


def _cost(said: Said) -> dict[str, float]:
    """What the answer cost in US dollars, where that is known of all who answered."""
    costs = [gateway.cost(by, used) for by, used in said.in_all().items()]
    known = [one for one in costs if one is not None]
    return {"cost": float(sum(known))} if known and len(known) == len(costs) else {}


def _other(scene: Scene, said: Said) -> tuple[str, str, str, str | None, int] | None:
    """Who answered in the place of the model that was asked."""
    if said.by is None or said.by == scene.model.id or (model := gateway.resolve(said.by)) is None:
        return None
    return model.provider, model.name, model.version, model.endpoint, model.context_len


def _keep_the_rest(tx: db.Transaction, scene: Scene, recalled: Recalled, said: Said) -> None:
    """What is felt, and what care leaves; but for a private session, the log of the search, and that episodes were
    recalled.
    """
    turn, private, avatar = scene.turn, scene.context.session.private, scene.context.avatar
    guard, verdict = recalled.guarded.guard(), recalled.verdict(scene)
    safety.store(tx, turn.owner_id, guard, verdict, said.watch, scene.at, private=private)
    if scene.is_on("moods"):
        emotions.store(
            tx,
            turn.owner_id,
            avatar.avatar_id if avatar else None,
            scene.session_id,
            recalled.feeling(scene),
            message_id=scene.message_id,
            private=private,
        )
    if private:
        return
    if scene.variant:
        cost = _cost(said).get("cost")
        harmed = bool(said.watch and said.watch.replaced)
        experiments.answered(tx, turn.owner_id, scene.variant, ms=turn.elapsed(), cost=cost, harmed=harmed)
    knowledge.log_retrieval(
        tx,
        turn.owner_id,
        turn.question,
        recalled.hits.hits(),
        request_id=scene.request_id,
        top_k=TOP_HITS,
        latency_ms=turn.timings["load"],
    )
    memory.reinforce(tx, turn.owner_id, said.composed().memories)
    if recalled.beside and (aside := recalled.decision(scene).aside):
        recalled.beside.told(tx, aside)

"""The turn: load, recall, compose, ask, remember. And what was cut in the middle of it, closed.

Two transactions: the first stores what was said and reads what the turn needs, the second stores what came of it.
While the model speaks, no connection is held.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Generator, Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

from anima.chat import answers_service, closing_service, further, repo, sight_service, speaking
from anima.chat.citations import cite
from anima.chat.model import Answer, Finished, Started, Token, TurnEvent, TurnRequest, plain, shortened
from anima.chat.scene import Recalled, Said, Scene, Turn
from anima.conversations import turn_service as conversations
from anima.emotions import feeling_service as emotions
from anima.gateway import service as gateway
from anima.kernel import clock, connections, db, idempotency, outbox, telemetry
from anima.kernel.config import settings
from anima.kernel.errors import BadInput, DatabaseUnavailable, FieldError, TooLarge
from anima.kernel.idempotency import Key
from anima.kernel.telemetry import measured
from anima.knowledge import service as knowledge
from anima.memory import service as memory
from anima.relationships import service as relationships
from anima.safety import service as safety
from anima.style import service as style
from anima.vendors.embeddings import question as questions

INSTANCE = uuid.uuid4()
"""This process: requests that it leaves pending when it dies are known by it."""

_TOP_MEMORIES = 8
_TOP_HITS = 8
_GRACE = timedelta(seconds=60)
_TITLE_CHARS = 60


class _Answered(Exception):
    """An earlier call with the same key got its answer."""

    def __init__(self, request_id: int) -> None:
        self.request_id = request_id


class _Begun(Exception):
    """An earlier call with the same key stored the message, and got no answer."""

    def __init__(self, session_id: int, message_id: int) -> None:
        self.session_id, self.message_id = session_id, message_id


def reply(principal: db.Principal, request: TurnRequest, key: Key | None = None) -> Generator[TurnEvent, None, None]:
    """One turn, as it happens: Started, Tokens, Finished. Closing it early stops the model and keeps what was said.

    Raises BadInput, TooLarge, NotFound, Conflict, or an error of `anima.vendors.llm.errors`: then the message is
    kept, the request is `failed`, and the same key may be used again.
    """
    turn = listen(principal, request, key)
    try:
        scene, recalled = _entered(turn)
    except _Answered as earlier:
        yield from _once_more(principal, earlier.request_id)
        return
    said = Said()
    try:
        yield Started(scene.session_id, scene.message_id, scene.request_id)
        said.prompt = speaking.composed(scene, recalled)
        yield from speaking.speak(scene, recalled, said)
        answer = _kept(scene, recalled, said)
    except GeneratorExit:
        _left(scene, recalled, said)
        raise
    except Exception as error:
        closing_service.close(scene, said, "failed", error)
        raise
    yield Finished(answer)


def listen(principal: db.Principal, request: TurnRequest, key: Key | None) -> Turn:
    """Takes a turn on: checks what was said, and embeds it. Raises BadInput, TooLarge, MessageNotFound."""
    assert principal.user_id is not None, "a turn is somebody's"
    stored = None if request.answers is None else conversations.to_answer(principal, request.answers)
    if stored is not None:
        request = replace(request, message=stored.content)
    _check(request)
    deadline = time.monotonic() + settings().turn_deadline_seconds - connections.waited()
    timings: dict[str, float] = {}
    with measured(timings, "embed"):
        question = questions.ask(request.message, tenant=principal.user_id)
    turn = Turn(principal, principal.user_id, request, key, question, deadline, timings)
    return turn.resumed(stored.session_id, stored.message_id, again=stored.answered) if stored else turn


def load(tx: db.Transaction, turn: Turn) -> Scene:
    """First look: the session with its avatar and its branch; enters message and request behind it."""
    entered = idempotency.enter(tx, turn.owner_id, turn.key, _lifetime())
    pending = conversations.begin_turn_context(
        tx,
        turn.owner_id,
        session_id=turn.request.session_id,
        avatar=turn.request.avatar,
        title=shortened(turn.request.message, _TITLE_CHARS),
        parent_message_id=turn.request.parent_message_id,
        media_ids=turn.request.media,
        edits=turn.request.edits if turn.message_id is None else None,
    )
    noted = idempotency.noted(turn.key, entered)
    answered = idempotency.settled(tx, turn.owner_id, turn.key, entered, _lifetime())
    if answered is not None:
        raise _Answered(answered["request_id"])
    if noted is not None and turn.message_id is None:
        raise _Begun(noted["session_id"], noted["message_id"])
    context = pending.get()
    chosen = gateway.choose(turn.request.model, context.avatar.model if context.avatar else None)
    sight = sight_service.of(tx, turn.owner_id, context.avatar, chosen, turn.request.message, turn.before(context))
    model, at = sight.route.model, max([clock.now(), *(past.created_at for past in context.history[-1:])])
    opened = repo.opened_turn(
        tx,
        turn.owner_id,
        session_id=context.session.session_id,
        parent_message_id=context.parent_message_id,
        message_id=turn.message_id,
        content=turn.request.message,
        media_ids=turn.request.media,
        model=(model.provider, model.name, model.version, model.endpoint, model.context_len) if model else None,
        parameters={
            **(model or chosen).params,
            "idempotency_key": turn.key.key if turn.key else None,
            "turn": turn.turn_id,
        },
        instance=INSTANCE,
        lifetime=_lifetime(),
        key=turn.key.key if turn.key else None,
        at=at,
        edits=turn.request.edits,
        kept=sight.route.kept,
    )
    repo.close_expired(tx, turn.owner_id, context.session.session_id)
    conversations.announce_media(tx, turn.owner_id, context.session, turn.request.media)
    return Scene(turn, context, model or chosen, sight, opened, at)


def recall(tx: db.Transaction, scene: Scene) -> Recalled:
    """What may answer, and how the two stand with each other: asked for here, there when the transaction is over."""
    owner_id, question, avatar = scene.turn.owner_id, scene.turn.question, scene.context.avatar
    felt = emotions.begin(tx, owner_id, avatar.avatar_id if avatar else None, scene.session_id)
    guarded = safety.begin(tx, owner_id)
    hits = knowledge.begin_search(tx, owner_id, question, _TOP_HITS)
    if avatar is None:
        return Recalled(felt, guarded, hits)
    affinity = relationships.affinity(tx, owner_id, avatar.avatar_id, avatar.personality_name)
    memories = memory.begin_recall(
        tx,
        owner_id,
        avatar.avatar_id,
        question,
        exclude=[scene.turn.message_id] if scene.turn.message_id else [],
        top_k=_TOP_MEMORIES,
        names=[avatar.name],
        kinds=scene.recalled_kinds(),
        tokens=scene.model.context_len // 4,
    )
    open_talk = scene.is_on("curiosity") and not scene.context.session.private
    beside = further.begin(
        tx,
        owner_id,
        avatar.avatar_id,
        question,
        hints=scene.recalled_kinds() if scene.is_on("hints") else (),
        asides=open_talk,
    )
    written = style.begin(tx, owner_id) if scene.is_on("style") else None
    return Recalled(felt, guarded, hits, affinity, memories, beside, written)


def remember(scene: Scene, recalled: Recalled, said: Said, *, again: bool = False) -> Answer:
    """Stores the answer with all that belongs to it, and what must follow it; once, even if it is told to `again`."""
    prompt, turn, avatar = said.composed(), scene.turn, scene.context.avatar
    content, citations, invented = cite(said.text.removesuffix(said.appended), said.cited(prompt.passages))
    content += said.appended
    beside: dict[str, Any] = {"egress": scene.sight.told(), "safety": recalled.warned(scene, said)}
    if (lost := said.dropped + invented) and not again:
        telemetry.count("citations.invented", lost, of="turn")
    shown: dict[str, Any] = {
        "usage": {**said.counted(prompt), **({"invented_citations": lost} if lost else {})},
        "memories": [plain(one) for one in [*prompt.memories, *prompt.hints]],
        "affect": recalled.affect(scene),
        "timings": {**turn.timings, "total": turn.elapsed()},
    }
    with db.transaction(turn.principal) as tx:
        stored = repo.stored_answer(
            tx,
            turn.owner_id,
            session_id=scene.session_id,
            request_id=scene.request_id,
            avatar_id=avatar.avatar_id if avatar else None,
            parent_message_id=scene.message_id,
            content=content,
            citations=citations,
            tokens=said.tokens if turn.request.stream else (),
            token_estimate=prompt.tokens,
            at=max(scene.at, clock.now()),
            kept=scene.sight.route.kept,
            answer={"text": content, "media_refs": [], "finish": said.finish, **beside},
            prompt=prompt.messages,
            parameters={"sections": prompt.sections, "gate": recalled.decision(scene).kind, **recalled.bearing(scene)},
            **shown,
        )
        if again and stored.first() is None:
            raise _Answered(scene.request_id)
        _keep_the_rest(tx, scene, recalled, said)
        closing_service.settle_key(tx, scene, said)
        closing_service.announce(tx, scene)
    end = stored.one()
    return Answer(
        session_id=scene.session_id,
        message_id=end.message_id,
        parent_message_id=scene.message_id,
        response_id=end.response_id,
        request_id=scene.request_id,
        content=content,
        finish=said.finish,
        citations=citations,
        model=scene.told_model(),
        created_at=end.created_at,
        **beside,
        **shown,
    )


def _check(request: TurnRequest) -> None:
    message = request.message
    if request.edits is not None and request.parent_message_id is not None:
        wrong = FieldError("parent_message_id", "left out: a message that replaces another follows what that one did")
        raise BadInput(reason="a message either replaces another or follows one", fields=[wrong])
    if not message.strip():
        raise BadInput(reason="there is no message", fields=[FieldError("message", "a text that is not empty")])
    limit = settings().max_message_chars
    if len(message) > limit:
        raise TooLarge(what="message", size=f"{len(message)} characters", limit=limit)
    if "\x00" in message or any("\ud800" <= character <= "\udfff" for character in message):
        wrong = FieldError("message", "text without NUL characters and lone surrogates")
        raise BadInput(reason="the message holds a character that text cannot hold", fields=[wrong])


def _lifetime() -> timedelta:
    return timedelta(seconds=settings().turn_deadline_seconds) + _GRACE


def _entered(turn: Turn) -> tuple[Scene, Recalled]:
    """The first transaction, taken up again where an earlier call with the same key has stored the message."""
    outbox.expect()
    try:
        with measured(turn.timings, "load"), db.transaction(turn.principal) as tx:
            scene = load(tx, turn)
            recalled = recall(tx, scene)
        if not scene.context.session.private:  # of a private one nothing is kept, not even how it reads as a vector
            questions.keep(turn.question, turn.owner_id)
        return scene, recalled
    except _Begun as earlier:
        return _entered(turn.resumed(earlier.session_id, earlier.message_id))
    except DatabaseUnavailable:
        closing_service.give_up(turn)
        raise


def _kept(scene: Scene, recalled: Recalled, said: Said) -> Answer:
    """The answer, stored; the model is not asked again because the database went away meanwhile."""
    try:
        return remember(scene, recalled, said)
    except DatabaseUnavailable:
        telemetry.count("db.retries")
    try:
        return remember(scene, recalled, said, again=True)
    except _Answered:
        return answers_service.answer_to(scene.turn.principal, scene.request_id)


def _once_more(principal: db.Principal, request_id: int) -> Iterator[TurnEvent]:
    """The answer that was given before."""
    answer = answers_service.answer_to(principal, request_id)
    yield Started(answer.session_id or 0, answer.parent_message_id or 0, request_id)
    yield Token(0, answer.content)
    yield Finished(answer)


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
    knowledge.log_retrieval(
        tx,
        turn.owner_id,
        turn.question,
        recalled.hits.hits(),
        request_id=scene.request_id,
        top_k=_TOP_HITS,
        latency_ms=turn.timings["load"],
    )
    memory.reinforce(tx, turn.owner_id, said.composed().memories)
    if recalled.beside and (aside := recalled.decision(scene).aside):
        recalled.beside.told(tx, aside)


def _left(scene: Scene, recalled: Recalled, said: Said) -> None:
    """The caller went away: what was said until then is kept."""
    if not said.text.strip():
        closing_service.close(scene, said, "interrupted", None)
        return
    said.finish = "stopped"
    try:
        remember(scene, recalled, said)
    except Exception as error:  # nobody is there to be told
        telemetry.error("turn.left", error, turn=scene.request_id)

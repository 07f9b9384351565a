"""The turn: load, recall, compose, ask, remember. And what was cut in the middle of it, closed.

Two transactions: the first stores what was said and reads what the turn needs, the second stores what came of it.
While the model speaks, no connection is held.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterator
from dataclasses import replace

from anima.chat import answers_service, closing_service, replay, speaking
from anima.chat.entering_service import INSTANCE, Answered, Begun, load, recall
from anima.chat.keeping_service import remember
from anima.chat.model import Answer, Finished, Started, Token, TurnEvent, TurnRequest
from anima.chat.said import Said
from anima.chat.scene import Recalled, Scene, Turn
from anima.conversations import turn_service as conversations
from anima.kernel import connections, db, outbox, telemetry
from anima.kernel.config import settings
from anima.kernel.errors import BadInput, DatabaseUnavailable, FieldError, TooLarge
from anima.kernel.idempotency import Key
from anima.kernel.telemetry import measured
from anima.vendors.embeddings import question as questions

__all__ = ["INSTANCE", "enter", "listen", "once_more", "play", "reply"]

Before = Callable[[Scene, Recalled, Said], Iterator[TurnEvent]]
"""What happens in a turn before the model is asked."""


def reply(principal: db.Principal, request: TurnRequest, key: Key | None = None) -> Generator[TurnEvent, None, None]:
    """One turn, as it happens: Started, Tokens and what tools do, Finished. Closing it early stops the model and keeps
    what was said. Where a tool has to be approved first, the answer's `finish` is "approval": the turn waits, and
    `approvals_service` goes on with it.

    Raises BadInput, TooLarge, NotFound, Conflict, BudgetExceeded, or an error of `anima.vendors.llm.errors`: then the
    message is kept, the request is `failed`, and the same key may be used again.
    """
    turn = listen(principal, request, key)
    try:
        scene, recalled = enter(turn)
    except Answered as earlier:
        yield from once_more(principal, earlier.request_id)
        return
    yield from play(scene, recalled, Said())


def play(
    scene: Scene, recalled: Recalled, said: Said, before: Before | None = None
) -> Generator[TurnEvent, None, None]:
    """A turn that was entered, to its end. `before` is done before the model is asked."""
    try:
        speaking.check_budget(scene, recalled)
        yield Started(scene.session_id, scene.message_id, scene.request_id)
        said.prompt = speaking.composed(scene, recalled, said)
        said.straightened()
        if before is not None:
            yield from before(scene, recalled, said)
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


def _check(request: TurnRequest) -> None:
    message = request.message
    if request.history is not None:
        replay.check(request.history, stored=request.session_id or request.parent_message_id or request.edits)
    if request.edits is not None and request.parent_message_id is not None:
        wrong = FieldError("parent_message_id", "left out: a message that replaces another follows what that one did")
        raise BadInput(reason="a message either replaces another or follows one", fields=[wrong])
    if not message.strip():
        raise BadInput(reason="there is no message", fields=[FieldError("message", "a text that is not empty")])
    limit = settings().max_message_chars
    if len(message) > limit:
        raise TooLarge(what="message", size=f"{len(message)} characters", limit=limit)
    if not replay.storable(message):
        wrong = FieldError("message", "text without NUL characters and lone surrogates")
        raise BadInput(reason="the message holds a character that text cannot hold", fields=[wrong])


def enter(turn: Turn) -> tuple[Scene, Recalled]:
    """The first transaction, taken up again where an earlier call with the same key has stored the message."""
    outbox.expect()
    try:
        with measured(turn.timings, "load"), db.transaction(turn.principal) as tx:
            scene = load(tx, turn)
            recalled = recall(tx, scene)
        if not scene.context.session.private:  # of a private one nothing is kept, not even how it reads as a vector
            questions.keep(turn.question, turn.owner_id)
        return scene, recalled
    except Begun as earlier:
        return enter(turn.resumed(earlier.session_id, earlier.message_id))
    except DatabaseUnavailable:
        closing_service.give_up(turn)
        raise


def _kept(scene: Scene, recalled: Recalled, said: Said) -> Answer:
    """The answer, stored; the model is not asked again because the database went away meanwhile. That of a turn that
    waits is kept already.
    """
    if said.finish == "approval":
        return answers_service.answer_to(scene.turn.principal, scene.request_id)
    try:
        return remember(scene, recalled, said)
    except DatabaseUnavailable:
        telemetry.count("db.retries")
    try:
        return remember(scene, recalled, said, again=True)
    except Answered:
        return answers_service.answer_to(scene.turn.principal, scene.request_id)


def once_more(principal: db.Principal, request_id: int) -> Iterator[TurnEvent]:
    """The answer that was given before."""
    answer = answers_service.answer_to(principal, request_id)
    yield Started(answer.session_id or 0, answer.parent_message_id or 0, request_id)
    yield Token(0, answer.content)
    yield Finished(answer)


def _left(scene: Scene, recalled: Recalled, said: Said) -> None:
    """The caller went away: what was said until then is kept, and a turn that waits for its person goes on waiting."""
    if said.waits:
        return
    if not said.text.strip():
        closing_service.close(scene, said, "interrupted", None)
        return
    said.finish = "stopped"
    try:
        remember(scene, recalled, said)
    except Exception as error:  # nobody is there to be told
        telemetry.error("turn.left", error, turn=scene.request_id)

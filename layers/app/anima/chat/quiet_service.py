"""Sums up a session when it has been quiet, and writes that to analysis, where it is found again with its sources.

At most one event a session is under way, and only of one that is worth it. It comes a few minutes after the last turn,
while the database is still awake: a summary wakes nobody. Of a private session nothing is written.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import datetime, timedelta

from anima.chat import quiet_repo
from anima.chat.quiet_repo import Silence, Utterance
from anima.gateway import service as gateway
from anima.gateway.model import Model
from anima.kernel import clock, db, outbox, telemetry
from anima.kernel.errors import AnimaError
from anima.kernel.outbox import Event
from anima.knowledge import extractive, summary_plan, summary_prompts

TOPIC = "session.quiet"
DELETED = "session.deleted"
QUIET = timedelta(minutes=4)
LEAST_MESSAGES = 6
_MOST_MESSAGES = 400
_SENTENCES = 6
_MOST_CHARS = 24_000
_CALL_SECONDS = 90.0
_TITLE_CHARS = 80
_TASK = "Tell in at most five sentences what they talked about, what was told of facts, what was decided or left open."


def expect(owner: db.Principal, owner_id: int, session_id: int) -> None:
    """After a turn: has somebody look later whether its session is quiet, unless somebody does."""
    with db.transaction(owner) as tx:
        if quiet_repo.expected(tx, owner_id, session_id, LEAST_MESSAGES).first() is not None:
            _later(tx, owner_id, session_id, None)


def look(event: Event) -> None:
    """Sums up a session that is quiet; looks again later at one that is not. Done twice, it is the same."""
    session_id = int(event.payload["session_id"])
    with db.transaction(event.owner) as tx:
        state = quiet_repo.silence(tx, event.owner_id, session_id, QUIET).first()
        if state is not None and not state.is_quiet and state.newest is not None and not state.private:
            _later(tx, event.owner_id, session_id, state.newest_at)
            return
        quiet_repo.resting(tx, event.owner_id, session_id)
        said = quiet_repo.utterances(tx, event.owner_id, session_id, _MOST_MESSAGES)
    if state is None:  # deleted, perhaps while somebody summed it up who died before he could look
        forget(event)
        return
    if state.private or state.newest is None or state.newest == state.summed_up:
        return
    _sum_up(event, state, said.all(), state.newest)


def forget(event: Event) -> None:
    """A session was deleted: what was written of it goes too."""
    from anima.knowledge import analysis_service  # with all of intake: not carried along by every reflection

    analysis_service.forget_session(event.owner, int(event.payload["session_id"]))


def _later(tx: db.Transaction, owner_id: int, session_id: int, last: datetime | None) -> None:
    due = (last or clock.now()) + QUIET
    outbox.emit(tx, TOPIC, f"session:{session_id}", owner_id, {"session_id": session_id}, not_before=due)


def _sum_up(event: Event, state: Silence, said: Sequence[Utterance], newest: int) -> None:
    from anima.knowledge import analysis_service

    text = _told(state, said)
    document_id = _written(event, state, said, text, newest) if text else None
    if state.document_id is not None and state.document_id != document_id:
        analysis_service.forget(event.owner, state.document_id)
    with db.transaction(event.owner) as tx:
        noted = quiet_repo.kept(tx, event.owner_id, state.session_id, newest, document_id)
    if noted.first() is None and document_id is not None:  # the session was deleted meanwhile
        analysis_service.forget(event.owner, document_id)


def _told(state: Silence, said: Sequence[Utterance]) -> str:
    """The summary: by the avatar's model where it is fit for it, else by the sentences that say most."""
    spoken = [one for one in said if one.role == "user"]
    if len(spoken) < 2:
        return ""
    try:
        model = gateway.choose(None, state.avatar_model)
        if not summary_plan.is_small(model):
            return _by_model(model, state, said)
    except AnimaError as error:
        telemetry.warning("session.no_model", reason=error.slug)
    who = {one.message_id: _speaker(state, one.role) for one in said}
    found = extractive.sentences((one.message_id, one.content) for one in said)
    chosen = extractive.in_order(extractive.choose(found, _SENTENCES, title=state.title or ""))
    return "\n".join(f"- {who[one.chunk_id]}: {one.text}" for one in chosen)


def _by_model(model: Model, state: Silence, said: Sequence[Utterance]) -> str:
    lines = [f"{_speaker(state, one.role)}: {' '.join(one.content.split())}" for one in said]
    prompt = summary_prompts.whole(_title(state), "\n".join(lines)[-_MOST_CHARS:], _TASK)
    done = gateway.complete(
        model,
        prompt,
        max_tokens=summary_plan.NOTES_TOKENS,
        deadline=time.monotonic() + _CALL_SECONDS,
        params=model.sampled(0.2),
    )
    return done.text.strip()


def _speaker(state: Silence, role: str) -> str:
    return "The person" if role == "user" else state.avatar_name or "The assistant"


def _title(state: Silence) -> str:
    about = f": {state.title[:_TITLE_CHARS]}" if state.title else ""
    who = f" with {state.avatar_name}" if state.avatar_name else ""
    return f"Session of {state.started_at:%Y-%m-%d}{who}{about}"


def _written(event: Event, state: Silence, said: Sequence[Utterance], text: str, newest: int) -> int:
    from anima.knowledge import analysis_service

    ids = [one.message_id for one in said]
    place = {"session_id": state.session_id, "first_message_id": ids[0], "last_message_id": ids[-1]}
    return analysis_service.write(
        event.owner,
        f"session:{state.session_id}:{newest}",
        _title(state),
        text,
        [analysis_service.Source("session", state.title or f"Session {state.session_id}", place)],
        kind="session",
        about={"session_id": state.session_id, "message_ids": ids},
    )

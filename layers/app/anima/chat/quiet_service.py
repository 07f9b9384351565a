"""Sums up a session when it has been quiet, and writes that to analysis, where it is found again with its sources.

At most one event a session is under way, and only of one that is worth it. It comes a few minutes after the last turn,
while the database is still awake: a summary wakes nobody. Of a private session nothing is written. Long sessions that
went on are also summed up anew while their avatar sleeps.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from anima.chat import quiet_repo, repo, traces_service
from anima.chat.quiet_repo import Silence, Utterance
from anima.curiosity import research_service
from anima.gateway import service as gateway
from anima.gateway.model import Model, limited
from anima.kernel import clock, db, outbox, telemetry
from anima.kernel.errors import AnimaError
from anima.kernel.outbox import Event
from anima.knowledge import extractive, summary_plan, summary_prompts
from anima.memory import consolidation_service, egress_service, sensitivity
from anima.memory.sleep_service import Refreshed

TOPIC = "session.quiet"
DELETED = "session.deleted"
QUIET = timedelta(minutes=4)
LEAST_MESSAGES = 6
_MOST_MESSAGES = 400
_MOST_PAGES = 25
_SENTENCES_A_PAGE = 12
_LONG = 40
_MOST_LOOKED, _MOST_REFRESHED = 200, 5
_CHARS_A_TOKEN = 3
_LEAST_TOKENS = 1_000
_SENTENCES = 6
_MOST_CHARS = 24_000
_CALL_SECONDS = 90.0
_TITLE_CHARS = 80
_TASK = "Tell in at most five sentences what they talked about, what was told of facts, what was decided or left open."


def expect(tx: db.Transaction, owner_id: int, session_id: int) -> None:
    """After a turn: has somebody look later whether its session is quiet, unless somebody does."""
    if quiet_repo.expected(tx, owner_id, session_id, LEAST_MESSAGES).first() is not None:
        _later(tx, owner_id, session_id, None)


def look(event: Event) -> None:
    """Sums up a session that is quiet; looks again later at one that is not. Done twice, it is the same."""
    session_id = int(event.payload["session_id"])
    with db.transaction(event.owner) as tx:
        state = quiet_repo.silence(tx, event.owner_id, session_id, QUIET, clock.now()).first()
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
    _sum_up(event.owner, event.owner_id, state, said.all(), state.newest)


def refresh(owner: db.Principal, owner_id: int, avatar_id: uuid.UUID, until: float, tokens: int) -> Refreshed:
    """Sums up long sessions of an avatar that went on, the newest first, while time (monotonic) and tokens last.

    Without tokens for a model the sentences that say most are taken.
    """
    with db.transaction(owner) as tx:
        found = quiet_repo.stale(
            tx,
            owner_id,
            avatar_id,
            least=_LONG,
            most_looked=_MOST_LOOKED,
            limit=_MOST_REFRESHED,
            quiet=QUIET,
            at=clock.now(),
        )
    done = Refreshed()
    for each in found.all():
        if time.monotonic() >= until:
            break
        with db.transaction(owner) as tx:
            state = quiet_repo.silence(tx, owner_id, each.session_id, QUIET, clock.now()).first()
            said = quiet_repo.utterances(tx, owner_id, each.session_id, _MOST_MESSAGES)
        if state is None or state.private or state.newest is None or state.newest == state.summed_up:
            continue
        used = _sum_up(owner, owner_id, state, said.all(), state.newest, tokens - done.tokens)
        done = Refreshed(done.sessions + 1, done.tokens + used)
    return done


def forget(event: Event) -> None:
    """A session was deleted: what was written of it goes too, and what was made of it and others is embedded anew."""
    from anima.knowledge import analysis_service  # with all of intake: not carried along by every reflection

    analysis_service.forget_session(event.owner, int(event.payload["session_id"]))
    research_service.forget_session(event.owner, int(event.payload["session_id"]))
    traces_service.forget_session(event.owner, event.owner_id, int(event.payload["session_id"]))
    consolidation_service.mend(event.owner, event.owner_id)


def _later(tx: db.Transaction, owner_id: int, session_id: int, last: datetime | None) -> None:
    due = (last or clock.now()) + QUIET
    outbox.emit(tx, TOPIC, f"session:{session_id}", owner_id, {"session_id": session_id}, not_before=due)


def _sum_up(
    owner: db.Principal,
    owner_id: int,
    state: Silence,
    said: Sequence[Utterance],
    newest: int,
    tokens: int | None = None,
) -> int:
    """Writes the summary of a session; answers the tokens that a model took for it (at most `tokens`)."""
    from anima.knowledge import analysis_service

    told = [*_earlier(owner, owner_id, state, said), *said]
    text, used = _told(owner, owner_id, state, told, tokens)
    document_id = _written(owner, state, told, text, newest) if text else None
    if state.document_id is not None and state.document_id != document_id:
        analysis_service.forget(owner, state.document_id)
    with db.transaction(owner) as tx:
        noted = quiet_repo.kept(tx, owner_id, state.session_id, newest, document_id)
    if noted.first() is None and document_id is not None:  # the session was deleted meanwhile
        analysis_service.forget(owner, document_id)
    return used


def _earlier(owner: db.Principal, owner_id: int, state: Silence, said: Sequence[Utterance]) -> list[Utterance]:
    """What says most of a long session before its last part, page by page: no more of it is held than a page."""
    telling: list[Utterance] = []
    page = said
    for _ in range(_MOST_PAGES):
        if len(page) < _MOST_MESSAGES:
            break
        with db.transaction(owner) as tx:
            found = quiet_repo.utterances(tx, owner_id, state.session_id, _MOST_MESSAGES, page[0].message_id)
        page = found.all()
        by_id = {one.message_id: one for one in page}
        sentences = extractive.sentences((one.message_id, one.content) for one in page)
        chosen = extractive.in_order(extractive.choose(sentences, _SENTENCES_A_PAGE, title=state.title or ""))
        telling = [*(replace(by_id[one.chunk_id], content=one.text) for one in chosen), *telling]
    return telling


def _told(
    owner: db.Principal, owner_id: int, state: Silence, said: Sequence[Utterance], tokens: int | None
) -> tuple[str, int]:
    """The summary: by the avatar's model where it is fit for it and may be asked, else the sentences that say most."""
    spoken = [one for one in said if one.role == "user"]
    if len(spoken) < 2:
        return "", 0
    try:
        model = _reader(owner, owner_id, state, said)
        if model is not None and not summary_plan.is_small(model) and (tokens is None or tokens >= _LEAST_TOKENS):
            with gateway.charged(gateway.Account(owner, owner_id, state.avatar_id, "summary")):
                return _by_model(model, state, said, tokens)
    except AnimaError as error:
        telemetry.warning("session.no_model", reason=error.slug)
    who = {one.message_id: _speaker(state, one.role) for one in said}
    found = extractive.sentences((one.message_id, one.content) for one in said)
    chosen = extractive.in_order(extractive.choose(found, _SENTENCES, title=state.title or ""))
    return "\n".join(f"- {who[one.chunk_id]}: {one.text}" for one in chosen), 0


def _reader(owner: db.Principal, owner_id: int, state: Silence, said: Sequence[Utterance]) -> Model | None:
    """The model that may read all that was said; none where the avatar's egress lets none."""
    rules = state.egress or {}
    about: frozenset[str] = frozenset()
    if state.avatar_id is not None and (among := limited(rules)):
        with db.transaction(owner) as tx:
            drawn = repo.marked(tx, owner_id, state.avatar_id, sorted(among), sensitivity.keys_of(among))
        ids = {one.message_id for one in said}
        about = about.union(
            *(sensitivity.of_fact(one.key, one.category) for one in drawn.all() if one.message_id in ids)
        )
    return egress_service.reader(state.avatar_model, rules, [state.title or "", *(one.content for one in said)], about)


def _by_model(model: Model, state: Silence, said: Sequence[Utterance], tokens: int | None) -> tuple[str, int]:
    lines = [f"{_speaker(state, one.role)}: {' '.join(one.content.split())}" for one in said]
    most = _MOST_CHARS
    if tokens is not None:
        most = min(most, (tokens - summary_plan.NOTES_TOKENS) * _CHARS_A_TOKEN)
    prompt = summary_prompts.whole(_title(state), "\n".join(lines)[-most:], _TASK)
    done = gateway.complete(
        model,
        prompt,
        max_tokens=summary_plan.NOTES_TOKENS,
        deadline=time.monotonic() + _CALL_SECONDS,
        params=model.sampled(0.2),
    )
    counted = done.usage.prompt_tokens + done.usage.completion_tokens if done.usage else most // _CHARS_A_TOKEN
    return done.text.strip(), counted


def _speaker(state: Silence, role: str) -> str:
    return "The person" if role == "user" else state.avatar_name or "The assistant"


def _title(state: Silence) -> str:
    about = f": {state.title[:_TITLE_CHARS]}" if state.title else ""
    who = f" with {state.avatar_name}" if state.avatar_name else ""
    return f"Session of {state.started_at:%Y-%m-%d}{who}{about}"


def _written(owner: db.Principal, state: Silence, said: Sequence[Utterance], text: str, newest: int) -> int:
    from anima.knowledge import analysis_service

    ids = [one.message_id for one in said]
    place = {"session_id": state.session_id, "first_message_id": ids[0], "last_message_id": ids[-1]}
    return analysis_service.write(
        owner,
        f"session:{state.session_id}:{newest}",
        _title(state),
        text,
        [analysis_service.Source("session", state.title or f"Session {state.session_id}", place)],
        kind="session",
        about={"session_id": state.session_id, "message_ids": ids},
    )

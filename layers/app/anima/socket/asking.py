"""What a frame of a client asks for, done by the rooms below: the same for every way a connection is held."""

from __future__ import annotations

import uuid
from collections.abc import Generator

from anima.avatars import service as avatars
from anima.chat import retold_service
from anima.chat import service as turns
from anima.chat.model import Finished, Token, TurnEvent, TurnRequest
from anima.chat.retold_service import Missed
from anima.conversations import service as conversations
from anima.emotions import state_service as feelings
from anima.kernel import db, idempotency
from anima.kernel.config import settings
from anima.socket.errors import NotJoined, Unanswered
from anima.socket.incoming import Decide, Join, Message
from anima.socket.joined import Joined
from anima.socket.line import Line
from anima.socket.outgoing import END, Entry, frame, number, place, told
from anima.socket.talk import Felt, Talk


def join(principal: db.Principal, asked: Join) -> Joined:
    """Finds the session, or the avatar of a new one. Raises SessionNotFound, AvatarNotFound."""
    if asked.session_id is not None:
        session = conversations.get_session(principal, asked.session_id)
        return Joined(session.session_id, session.avatar_id, session.avatar_name, session.private)
    if asked.private:
        made = conversations.create_session(principal, avatar=asked.avatar_id, private=True)
        return Joined(made.session_id, made.avatar_id, made.avatar_name, True)
    if asked.avatar_id is not None:
        avatar = avatars.get(principal, asked.avatar_id)
        return Joined(None, avatar.avatar_id, avatar.name, False)
    first = next(iter(avatars.list_avatars(principal, cursor=None, limit=1).items), None)
    return Joined(None, first.avatar_id if first else None, first.name if first else None, False)


def enter(principal: db.Principal, line: Line, talk: Talk, joined: Joined, after: int | None) -> None:
    """Lets a line hear a talk from where it left off; says first whether what it missed is still known."""
    cursor, again, resumed = talk.begin_of_answer(), list[str](), None if after is None else False
    answering = talk.answering is not None
    if after is not None and joined.session_id is not None:
        if (known := talk.place_after(after)) is not None:
            cursor, resumed = known, True
        elif (stored := retold_service.missed(principal, joined.session_id, *place(after))) is not None:
            again, resumed = retold(stored, after), True
            answering = answering or any(turn.open for turn in stored)
    line.put(welcome(joined, answering=answering, resumed=resumed))
    for one in again:
        line.put(one)
    line.follow(talk, cursor)


def welcome(joined: Joined, *, answering: bool, resumed: bool | None) -> str:
    """The frame that answers a join."""
    return frame(
        "joined",
        session_id=joined.session_id,
        avatar_id=joined.avatar_id,
        name=joined.name,
        private=joined.private,
        answering=answering,
        resumed=resumed,
    )


def retold(turns_missed: list[Missed], after: int) -> list[str]:
    """The frames that followed a number, from what is stored of the turns."""
    request_id, position = place(after)
    news = [turn for turn in turns_missed if position < END or turn.request_id != request_id]
    return list(told(each for turn in news for each in _entries(turn)))


def _entries(turn: Missed) -> list[Entry]:
    entries = []
    for event in turn.events:
        position = 1 + event.index if isinstance(event, Token) else END if isinstance(event, Finished) else 0
        entries.append(Entry(number(turn.request_id, position), event, turn.request_id))
    if turn.failed is not None:
        failed = Unanswered(was=turn.failed)
        entries.append(Entry(number(turn.request_id, END), failed, turn.request_id))
    return entries


def say(principal: db.Principal, line: Line, joined: Joined | None, said: Message) -> None:
    """Has a message answered; the line hears it, also where it is being answered already.

    Raises NotJoined, StillAnswering, Busy.
    """
    talk = line.talk
    if joined is None or talk is None:
        raise NotJoined(reason="there was none")
    session_id = talk.session_id
    request = TurnRequest(
        said.content,
        session_id,
        said.parent_message_id,
        joined.avatar_id if session_id is None else None,
        said.model,
        stream=True,
        media=said.media,
        edits=said.edit_message_id,
        client="socket",
    )
    key = _key(said, joined)
    talk.answer(lambda: turns.reply(principal, request, key), said.id, _felt(principal, joined.avatar_id))


def decide(principal: db.Principal, line: Line, joined: Joined | None, decided: Decide) -> None:
    """Goes on with a turn of this talk that waits; one of another would lead it there.

    Raises NotJoined, StillAnswering, Busy.
    """
    talk = line.talk
    if joined is None or talk is None:
        raise NotJoined(reason="there was none")
    how = {"approve": decided.approve, "always": decided.always, "stream": True}
    session_id = talk.session_id or 0

    def events() -> Generator[TurnEvent, None, None]:
        from anima.chat import approvals_service

        return approvals_service.go_on(principal, decided.invocation_id, **how, session_id=session_id)

    talk.answer(events, felt=_felt(principal, joined.avatar_id), before=END // 2)


def _key(said: Message, joined: Joined) -> idempotency.Key | None:
    """The client's name for a message makes it one that is answered once."""
    asked = {**said.model_dump(mode="json"), "avatar_id": str(joined.avatar_id)}
    return idempotency.read_key(None if said.id is None else f"ws:{said.id}", "socket message", asked)


def _felt(principal: db.Principal, avatar_id: uuid.UUID | None) -> Felt:
    """What is told of the avatar after an answer."""

    def felt() -> str | None:
        if avatar_id is None or not settings().ws_enable_events:
            return None
        return state(principal, avatar_id)

    return felt


def state(principal: db.Principal, avatar_id: uuid.UUID | None) -> str:
    """How the avatar feels, as a frame. Raises NotJoined where there is none, AvatarNotFound."""
    if avatar_id is None:
        raise NotJoined(reason="no avatar takes part")
    now = feelings.of_avatar(principal, avatar_id)
    return frame(
        "state",
        avatar_id=avatar_id,
        mood=now.mood,
        intensity=round(now.intensity, 3),
        valence=now.emotions.valence,
        arousal=now.emotions.arousal,
        emotions=dict(now.emotions.words),
        attention=round(now.attention, 3),
        concentrations={name: round(value, 3) for name, value in now.concentrations.items()},
        as_of=now.as_of.isoformat(),
    )

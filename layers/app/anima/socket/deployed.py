"""A frame of a deployed connection: the function that takes a message gives its answer, and posts it to who listens.

The gateway gives up on a function after 29 s, and the function goes on; nobody needs its answer. Who listens is looked
up anew each second: a connection that is gone falls away, one that came back goes on where it left off.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from anima.kernel import db, telemetry
from anima.kernel.errors import AnimaError, Unauthenticated, Unavailable
from anima.socket import connections
from anima.socket.desk import Desk
from anima.socket.errors import Expired
from anima.socket.joined import Joined
from anima.socket.line import UNAUTHENTICATED, Line
from anima.socket.repo import Caller
from anima.socket.talk import Talk
from anima.vendors import sockets

BATCH_SECONDS = 0.15
"""Tokens that come within this time are posted together."""
LOOK_SECONDS = 1.0
"""How often is looked who listens."""


@dataclass(frozen=True, slots=True)
class Place:
    """A connection, and the address under which frames are posted to it."""

    endpoint: str
    connection_id: str

    @classmethod
    def of(cls, context: Mapping[str, Any]) -> Place:
        """Where an event came from."""
        host, stage = str(context["domainName"]), str(context["stage"])
        own_path = host.endswith(".amazonaws.com") or ".execute-api." in host  # a domain of one's own maps to the stage
        return cls(f"https://{host}/{stage}" if own_path else f"https://{host}", str(context["connectionId"]))


class Remote:
    """A connection that is posted to."""

    def __init__(self, place: Place, bell: threading.Event) -> None:
        self.place = place
        self.line = Line(bell.set)
        self.gone = False

    def send(self) -> None:
        """Posts what can be sent now; one that is gone is forgotten, and hears no more."""
        for frame in self.line.ready():
            if not self._posted(frame):
                self._forget()
                return
        if self.line.closing is not None:
            self.gone = True
            self.line.leave()
            self._close()

    def _forget(self) -> None:
        self.gone = True
        self.line.leave()
        telemetry.count("socket.connections", outcome="gone")
        try:
            connections.closed(self.place.connection_id)
        except AnimaError as error:  # it goes by its time
            telemetry.error("socket.forget", error)

    def _posted(self, frame: str) -> bool:
        try:
            return sockets.post(self.place.endpoint, self.place.connection_id, frame)
        except Unavailable as error:  # it comes back, and goes on by number
            telemetry.error("socket.post", error)
            return False

    def _close(self) -> None:
        try:
            sockets.close(self.place.endpoint, self.place.connection_id)
        except Unavailable as error:
            telemetry.error("socket.close", error)


class _RemoteDesk(Desk):
    """Takes a frame; what it changes is kept, for the next one comes to another process."""

    def __init__(self, remote: Remote, principal: db.Principal, joined: Joined | None) -> None:
        super().__init__(remote.line, principal.user_id, lambda: principal, joined)
        self._principal, self._id = principal, remote.place.connection_id

    def talk(self, principal: db.Principal, where: Joined) -> Talk:
        """One of its own: the answer that is being given is posted by the function that gives it."""
        return Talk(principal, where.session_id)

    def on_join(self, where: Joined, after: int | None) -> None:
        connections.joined(self._principal, self._id, where, after)

    def on_leave(self) -> None:
        connections.left(self._principal, self._id)

    def on_stop(self) -> None:
        connections.stopped(self._principal, self._id)


def take(place: Place, text: str | None) -> None:
    """Does what a frame asks for. Raises nothing: whatever is wrong is posted."""
    bell = threading.Event()
    remote = Remote(place, bell)
    try:
        _take(remote, text, bell)
    except AnimaError as error:
        telemetry.error("socket.frame", error)
        remote.line.leave()
        remote.line.fail(error)
        remote.send()


def _take(remote: Remote, text: str | None, bell: threading.Event) -> None:
    caller = connections.caller(remote.place.connection_id)
    if caller is None or not caller.good:
        _refuse(remote, caller)
        return
    principal = db.Principal(caller.user_id, frozenset(caller.roles))
    joined = Joined(caller.session_id, caller.avatar_id, None, False) if caller.joined else None
    desk = _RemoteDesk(remote, principal, joined)
    if joined is not None:
        _take_part(remote.line, principal, joined)
    talk = remote.line.talk
    desk.take(text)
    if talk is not None and talk.begun and remote.line.talk is talk:
        Delivery(principal, talk, remote, joined, bell).run()
    remote.send()
    remote.line.leave()


def _take_part(line: Line, principal: db.Principal, joined: Joined) -> None:
    """Has a connection take part where it joined in an earlier event; it hears what happens from now on."""
    talk = Talk(principal, joined.session_id)
    line.follow(talk, talk.ends)


def _refuse(remote: Remote, caller: Caller | None) -> None:
    """Ends a connection whose credential holds no longer, or of which nothing is known."""
    expired = Expired(reason="the access token has expired, or the key was revoked")
    unknown = Unauthenticated(reason="of this connection nothing is known; connect anew")
    remote.line.fail(unknown if caller is None else expired, code=UNAUTHENTICATED)
    remote.send()
    connections.closed(remote.place.connection_id)


class Delivery:
    """An answer on its way to those who listen, from its beginning to its end."""

    def __init__(
        self, principal: db.Principal, talk: Talk, first: Remote, joined: Joined | None, bell: threading.Event
    ) -> None:
        self.principal, self.talk, self.bell = principal, talk, bell
        self.remotes = {first.place.connection_id: first}
        self._endpoint, self._first = first.place.endpoint, first.place.connection_id
        self._joined = joined
        self._looked = time.monotonic()

    def run(self) -> None:
        """Posts until the answer is over and everybody has it."""
        while not self.talk.idle.is_set():
            self.bell.wait(LOOK_SECONDS)
            self.bell.clear()
            self._send()
            if time.monotonic() - self._looked >= LOOK_SECONDS:
                self._look()
            time.sleep(BATCH_SECONDS)
        self._look()  # who came back while the last words were said waits for them
        self._send()
        for remote in self.remotes.values():
            remote.line.leave()

    def _send(self) -> None:
        for remote in list(self.remotes.values()):
            remote.send()
            if remote.gone:
                del self.remotes[remote.place.connection_id]

    def _enter(self) -> None:
        """A session that began with this message is where the connection takes part from now on."""
        session_id, joined = self.talk.session_id, self._joined
        if joined is None or joined.session_id is not None or session_id is None:
            return
        self._joined = Joined(session_id, joined.avatar_id, joined.name, joined.private)
        connections.joined(self.principal, self._first, self._joined, None)

    def _look(self) -> None:
        """Who listens now, and whether anybody has the answer end."""
        self._looked = time.monotonic()
        if self.talk.session_id is None:
            return
        try:
            self._enter()
            listening = connections.listening(self.principal, self.talk.session_id)
        except AnimaError as error:  # the answer goes on; they are looked for again
            telemetry.error("socket.look", error)
            return
        now = self.talk.answering
        if now is not None and any(one.stops == now.request_id for one in listening if one.stops is not None):
            self.talk.stop()
        for one in listening:
            if one.connection_id not in self.remotes:
                self._admit(one.connection_id, one.resume_after)
        here = {one.connection_id for one in listening}
        for gone in [name for name in self.remotes if name not in here]:
            self.remotes.pop(gone).line.leave()

    def _admit(self, connection_id: str, after: int | None) -> None:
        remote = Remote(Place(self._endpoint, connection_id), self.bell)
        known = None if after is None else self.talk.place_after(after)
        remote.line.follow(self.talk, self.talk.begin_of_answer() if known is None else known)
        self.remotes[connection_id] = remote

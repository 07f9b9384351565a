"""What is done with a frame, the same whatever holds the connection: in a thread at home, in a function deployed."""

from __future__ import annotations

from collections.abc import Callable

from anima.kernel import db, telemetry
from anima.kernel.errors import AnimaError, Unauthenticated
from anima.socket import asking, incoming, joined, outgoing
from anima.socket.errors import typed
from anima.socket.incoming import Decide, GetState, Join, Leave, Message, Ping, Stop
from anima.socket.joined import Joined
from anima.socket.line import POLICY, Line
from anima.socket.talk import Talk, followed

MOST_STRIKES = 20
"""So many frames in a row that cannot be taken end a connection."""


class Desk:
    """Takes the frames of one connection, one after the other. What is wrong with one is told over its line."""

    def __init__(
        self, line: Line, user_id: int | None, authenticate: Callable[[], db.Principal], where: Joined | None = None
    ) -> None:
        self.line, self.joined = line, where
        self.strikes = 0
        self._user_id, self._authenticate = user_id, authenticate

    def take(self, text: str | None) -> None:
        """Does what a frame asks for; None stands for one that was binary."""
        frame = self._read(text)
        if frame is None:
            return
        of = frame.id if isinstance(frame, Message) else None
        try:
            self._do(frame)
        except Unauthenticated as error:  # the end, after the answer that is being given
            self.line.expire(error)
        except Exception as error:
            known = typed(error)
            if known is not error or known.status >= 500:
                telemetry.error("socket.frame", error)
            self.line.fail(known, of=of)

    def talk(self, principal: db.Principal, where: Joined) -> Talk:
        """The conversation to take part in."""
        return followed(principal, where.session_id, self.line)

    def on_join(self, where: Joined, after: int | None) -> None:
        """Is told before a session is entered."""

    def on_leave(self) -> None:
        """Is told when the session is left."""

    def on_stop(self) -> None:
        """Ends the answer that is being given."""
        if self.line.talk is not None:
            self.line.talk.stop()

    def _read(self, text: str | None) -> incoming.Frame | None:
        try:
            joined.count(self._user_id)
            frame = incoming.read(text)
        except AnimaError as error:
            self.strikes += 1
            self.line.fail(error, code=POLICY if self.strikes >= MOST_STRIKES else None)
            return None
        self.strikes = 0
        return frame

    def _do(self, frame: incoming.Frame) -> None:
        """The credential is looked at each time that the database is asked, as over HTTP."""
        if isinstance(frame, Ping):
            self.line.put(outgoing.frame("pong"))
        elif isinstance(frame, Stop):
            self.on_stop()
        elif isinstance(frame, Leave):
            self._leave()
        elif isinstance(frame, Join):
            self._join(self._authenticate(), frame)
        elif isinstance(frame, GetState):
            avatar_id = self.joined.avatar_id if self.joined else None
            self.line.put(asking.state(self._authenticate(), avatar_id))
        elif isinstance(frame, Decide):
            asking.decide(self._authenticate(), self.line, self.joined, frame)
        else:
            asking.say(self._authenticate(), self.line, self.joined, frame)

    def _leave(self) -> None:
        self.line.leave(at_once=True)
        self.on_leave()
        self.joined = None
        self.line.put(outgoing.frame("left"))

    def _join(self, principal: db.Principal, frame: Join) -> None:
        where = asking.join(principal, frame)
        self.on_join(where, frame.after)
        self.line.leave()
        asking.enter(principal, self.line, self.talk(principal, where), where, frame.after)
        self.joined = where

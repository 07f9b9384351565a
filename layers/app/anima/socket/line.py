"""One connection, as the door sees it that sends: frames that wait, and how far its conversation was heard."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable

from anima.kernel.errors import AnimaError
from anima.socket.errors import TooSlow
from anima.socket.outgoing import refused, told
from anima.socket.talk import Talk

NORMAL, POLICY, LATER = 1000, 1008, 1013
UNAUTHENTICATED, TOO_MANY = 4401, 4429
_MOST_WAITING = 256
"""Frames of its own that wait for a client which sends and does not read."""


class Line:
    """What is sent over a connection next. `wake` is called from any thread when there is something."""

    def __init__(self, wake: Callable[[], None]) -> None:
        self.wake = wake
        self.talk: Talk | None = None
        self.cursor = 0
        self.closing: int | None = None
        """The code with which the connection ends once everything was sent."""
        self.expired: AnimaError | None = None
        """Why the connection ends when the answer is over that is being given."""
        self._waiting: deque[str] = deque()
        self._lock = threading.Lock()

    def put(self, frame: str) -> None:
        """Sends a frame of its own: one that is no part of an answer."""
        with self._lock:
            if len(self._waiting) < _MOST_WAITING:
                self._waiting.append(frame)
            elif self.closing is None:
                self.closing = POLICY
        self.wake()

    def fail(self, error: AnimaError, *, code: int | None = None, of: str | None = None) -> None:
        """Tells an error; with a code the connection ends with it."""
        self.put(refused(error, closes=code is not None, of=of))
        if code is not None:
            self.closing = code

    def expire(self, error: AnimaError) -> None:
        """Ends the connection, after the answer that is being given."""
        self.expired = error
        self.wake()

    def follow(self, talk: Talk, cursor: int) -> None:
        """Hears a conversation from a place on, and no other one."""
        if self.talk is not None and self.talk is not talk:
            self.talk.leave(self)
        self.talk, self.cursor = talk, cursor
        talk.follow(self)
        self.wake()

    def leave(self, *, at_once: bool = False) -> None:
        """Hears no conversation any more."""
        talk, self.talk = self.talk, None
        if talk is not None:
            talk.leave(self, at_once=at_once)

    def ready(self) -> list[str]:
        """The frames that can be sent now."""
        with self._lock:
            frames = list(self._waiting)
            self._waiting.clear()
        frames += self._heard()
        talk = self.talk
        if self.expired is not None and self.closing is None and self._at_rest(talk):
            frames.append(refused(self.expired, closes=True))
            self.closing = UNAUTHENTICATED
        return frames

    @property
    def pending(self) -> bool:
        """Whether there is anything to send now."""
        talk = self.talk
        return bool(self._waiting) or (talk is not None and talk.ends > self.cursor)

    def _at_rest(self, talk: Talk | None) -> bool:
        return talk is None or (talk.answering is None and talk.ends <= self.cursor)

    def _heard(self) -> list[str]:
        talk = self.talk
        if talk is None or self.closing is not None:
            return []
        if self.cursor < talk.begins:
            self.closing = LATER
            return [refused(TooSlow(), closes=True)]
        entries = talk.since(self.cursor)
        self.cursor += len(entries)
        return list(told(entries))

"""One conversation as those hear it who take part: what happens in its answers, kept in order for a while.

An answer is given once, whoever listens: a line that lost its connection takes it up again at the number that it saw
last. When the last one goes away, the answer goes on for some seconds, and then ends; what was said is kept.
"""

from __future__ import annotations

import contextvars
import threading
import time
from collections import deque
from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING

from anima.chat import answers_service
from anima.chat.frames import play
from anima.chat.model import Finished, Started, Token, TurnEvent
from anima.kernel import db, telemetry
from anima.kernel.errors import AnimaError, NotFound
from anima.socket.errors import Busy, Interrupted, StillAnswering, typed
from anima.socket.outgoing import END, Entry, number, place

if TYPE_CHECKING:
    from anima.socket.line import Line

GRACE_SECONDS = 10.0
"""How long an answer goes on that nobody listens to."""
_AFTERWARDS_SECONDS = 5.0
"""So long a message waits at most for what is done once the answer before it was told."""
MOST_ENTRIES = 20_000
"""Of older answers that much is kept to be taken up again; a whole answer is never cut."""
MOST_ANSWERS = 256
"""How many answers one process gives at once: a thread each."""

Felt = Callable[[], str | None]
"""How the avatar feels after an answer, as a frame; nothing where that is not told."""

_running = threading.BoundedSemaphore(MOST_ANSWERS)
_lock = threading.RLock()
"""One for all talks: what is done under it takes microseconds."""
_talks: dict[tuple[int | None, int], Talk] = {}
"""Those that somebody follows, or in which an answer is being given, by person and session."""


def followed(principal: db.Principal, session_id: int | None, line: Line) -> Talk:
    """The conversation of a session in this process, a new one where there is none yet; the line takes part in it."""
    with _lock:
        found = None if session_id is None else _talks.get((principal.user_id, session_id))
        talk = found or Talk(principal, session_id)
        talk.follow(line)
        return talk


def open_talks() -> int:
    """How many conversations this process keeps."""
    return len(_talks)


def leave_all(seconds: float = 2.0) -> None:
    """Ends every answer that is being given: the server stops. What is stored within these seconds is kept."""
    with _lock:
        talks = list(_talks.values())
    for talk in talks:
        talk.stop()
    until = time.monotonic() + seconds
    for talk in talks:
        talk.idle.wait(max(0.0, until - time.monotonic()))


@dataclass(slots=True)
class Answering:
    """The answer that is being given."""

    of: str | None
    felt: Felt
    gone: threading.Event = field(default_factory=threading.Event)
    request_id: int | None = None
    position: int = 0
    before: int = 0
    """Up to where the answer was told before it waited for an approval."""
    over: bool = False
    answered: bool = False


class Talk:
    """A conversation of one person; several lines may follow it, and any thread may call it."""

    def __init__(self, principal: db.Principal, session_id: int | None = None) -> None:
        self.principal, self.session_id = principal, session_id
        self.answering: Answering | None = None
        self.begins = 0
        """The place of the oldest entry that is kept."""
        self._entries: deque[Entry] = deque()
        self._lines: set[Line] = set()
        self._timer: threading.Timer | None = None
        self.idle = threading.Event()
        self.idle.set()

    @property
    def ends(self) -> int:
        """The place of the entry that comes next."""
        return self.begins + len(self._entries)

    @property
    def begun(self) -> bool:
        """Whether an answer is being given, or was."""
        return self.answering is not None or self.ends > 0

    def since(self, cursor: int) -> list[Entry]:
        """What happened from a place on."""
        with _lock:
            return list(islice(self._entries, max(0, cursor - self.begins), None))

    def answer(
        self,
        events: Callable[[], Generator[TurnEvent, None, None]],
        of: str | None = None,
        felt: Felt = lambda: None,
        before: int = 0,
    ) -> bool:
        """Has an answer given; False where that very message is being answered. Raises StillAnswering, Busy.

        One that goes on where another process left it has its numbers from `before` on. Of one whose end was told
        already, the rest is waited for: who heard it may say the next thing at once.
        """
        if (earlier := self.answering) is not None and earlier.over:
            self.idle.wait(_AFTERWARDS_SECONDS)
        with _lock:
            if self.answering is not None:
                if of is None or self.answering.of != of:
                    raise StillAnswering
                return False
            if not _running.acquire(blocking=False):
                raise Busy(what="This server", retry_after=5)
            self.answering = now = Answering(of, felt, before=before)
            self.idle.clear()
            self._trim()
        contextvars.copy_context().run(play, events(), lambda event: self._hear(now, event), now.gone)
        return True

    def stop(self) -> None:
        """Ends the answer that is being given, at the next thing that happens in it."""
        if (now := self.answering) is not None:
            now.gone.set()

    def follow(self, line: Line) -> None:
        """Lets a line hear what happens from now on."""
        with _lock:
            self._lines.add(line)
            self._remember()
            if self._timer is not None:
                self._timer.cancel()
                self._timer = None

    def leave(self, line: Line, *, at_once: bool = False) -> None:
        """A line hears no more; the last one leaves the answer to its grace, or ends it."""
        with _lock:
            self._lines.discard(line)
            if self._lines:
                return
            if self.answering is None:
                self._forget()
            elif at_once:
                self.stop()
            elif self._timer is None:
                self._timer = threading.Timer(GRACE_SECONDS, self._left)
                self._timer.daemon = True
                self._timer.start()

    def begin_of_answer(self) -> int:
        """The place where the answer begins that is being given; the end where none is."""
        with _lock:
            now = self.answering
            at = None if now is None or now.request_id is None else self._place_of(now.request_id)
            return self.ends if at is None else at

    def place_after(self, n: int) -> int | None:
        """The place of what follows a number; nothing where its answer is not among what is kept.

        What was told between two tokens has the number of the one before, and is told again.
        """
        request_id, position = place(n)
        with _lock:
            begins = self._place_of(request_id)
            if begins is None:
                return None
            for at, entry in enumerate(islice(self._entries, begins - self.begins, None), begins):
                again = entry.n == n and position != END and not isinstance(entry.event, Started | Token)
                if again or (entry.n is not None and entry.n > n):
                    return at
            return self.ends

    def _told_of(self, request_id: int) -> int | None:
        """How far an answer was told that goes on; nothing of one that begins, or is told once more."""
        told = [entry.n for entry in self._entries if entry.request_id == request_id and entry.n is not None]
        position = place(told[-1])[1] if told else END
        return None if position == END else position + 1

    def _remember(self) -> None:
        """From now on it is found by its session."""
        if self.session_id is not None:
            _talks.setdefault((self.principal.user_id, self.session_id), self)

    def _forget(self) -> None:
        key = (self.principal.user_id, self.session_id or 0)
        if _talks.get(key) is self:
            del _talks[key]

    def _place_of(self, request_id: int) -> int | None:
        begun = (at for at, entry in enumerate(self._entries) if entry.request_id == request_id)
        at = next(begun, None)
        return None if at is None else at + self.begins

    def _left(self) -> None:
        with _lock:
            if not self._lines:
                self.stop()

    def _hear(self, now: Answering, event: TurnEvent | Exception | None) -> None:
        """What the thread of an answer tells."""
        if event is not None:
            self._add(now, event if not isinstance(event, Exception) else _logged(event))
            return
        try:
            if not now.over:
                self._add(now, self._kept(now))
            if now.answered and (felt := now.felt()) is not None:
                self._append(Entry(None, felt))
        except Exception as error:  # whatever it is, the next answer must be possible
            telemetry.error("socket.end", error)
        finally:
            self._end()

    def _kept(self, now: Answering) -> Finished | AnimaError:
        """What is stored of an answer that was stopped."""
        try:
            if now.request_id is not None:
                return Finished(answers_service.answer_to(self.principal, now.request_id))
        except NotFound:
            pass
        return Interrupted()

    def _end(self) -> None:
        with _lock:
            self.answering = None
            _running.release()
            lines = list(self._lines)
            if not lines:
                self._forget()
        self.idle.set()
        for line in lines:
            line.wake()

    def _add(self, now: Answering, event: TurnEvent | AnimaError) -> None:
        if isinstance(event, Started):
            now.request_id, self.session_id = event.request_id, event.session_id or self.session_id
            now.before = now.position = self._told_of(event.request_id) or now.before
            with _lock:
                self._remember()
        elif isinstance(event, Token):
            now.position = now.before + event.index + 1
        elif isinstance(event, Finished) and event.answer.finish == "approval":
            now.over = True  # it waits, and goes on under the same request: this is not its end
        elif isinstance(event, Finished | AnimaError):
            now.position, now.over, now.answered = END, True, isinstance(event, Finished)
        n = None if now.request_id is None else number(now.request_id, now.position)
        of = now.of if isinstance(event, Started | Finished | AnimaError) else None
        self._append(Entry(n, event, now.request_id, of))

    def _append(self, entry: Entry) -> None:
        with _lock:
            self._entries.append(entry)
            lines = list(self._lines)
        for line in lines:
            line.wake()

    def _trim(self) -> None:
        """Lets go of what is oldest; only between two answers."""
        while len(self._entries) > MOST_ENTRIES:
            self._entries.popleft()
            self.begins += 1


def _logged(error: Exception) -> AnimaError:
    known = typed(error)
    if known is not error or known.status >= 500:
        telemetry.error("socket.turn", error)
    return known

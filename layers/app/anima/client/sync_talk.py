"""A talk over a WebSocket: said and heard over one line, which is taken up again where it breaks."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import suppress
from types import TracebackType
from typing import TYPE_CHECKING, Any, Unpack

from anima.client.calls.talk import TurnOptions
from anima.client.frames import Joined, Responded, State, Talk, TalkEvent, sent
from anima.client.lines import Reconnections, failed_handshake, headers
from anima.kernel.errors import AnimaError

if TYPE_CHECKING:
    from websockets.sync.client import ClientConnection

    from anima.client.sync_client import Anima


class TalkLine:
    """A talk that is joined; use it in a `with`. `talk.session_id` says which session it has become."""

    def __init__(self, anima: Anima, url: str, talk: Talk) -> None:
        self.talk = talk
        self._anima, self._url = anima, url
        self._line: ClientConnection | None = None

    def say(self, content: str, **options: Unpack[TurnOptions]) -> Iterator[TalkEvent]:
        """Says something and tells what happens until it is answered; the last event is the answer."""
        self._send(self.talk.message(content, options))
        for event in self.events():
            yield event
            if isinstance(event, Responded):
                return

    def events(self) -> Iterator[TalkEvent]:
        """All that happens, without an end; a line that breaks is taken up again. Raises what an error frame tells."""
        while True:
            event = self._next()
            if event is not None:
                yield event

    def stop(self) -> None:
        """Ends the running answer; what was said is kept. Also from another thread."""
        self._send(sent({"type": "stop"}))

    def state(self) -> State:
        """How the avatar is now; between answers."""
        self._send(sent({"type": "get_state"}))
        return next(event for event in self.events() if isinstance(event, State))

    def close(self) -> None:
        """Leaves: a running answer is stopped."""
        line, self._line = self._line, None
        if line is not None:
            from websockets.exceptions import ConnectionClosed

            with suppress(ConnectionClosed):
                line.send(sent({"type": "leave"}))
            line.close()

    def __enter__(self) -> TalkLine:
        self._connect(Reconnections(self._anima.retries))
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def _next(self) -> TalkEvent | None:
        from websockets.exceptions import ConnectionClosed

        try:
            return self.talk.heard(self._open().recv())
        except ConnectionClosed as closed:
            self._line = None
            tries = Reconnections(self._anima.retries)
            time.sleep(tries.after_close(closed, self._url))
            return self._connect(tries)

    def _send(self, frame: str) -> None:
        """Sends a frame; where the line has broken, whoever listens takes it up and says again what waits."""
        from websockets.exceptions import ConnectionClosed

        with suppress(ConnectionClosed):
            self._open().send(frame)

    def _open(self) -> ClientConnection:
        if self._line is None:
            self._connect(Reconnections(self._anima.retries))
        assert self._line is not None
        return self._line

    def _connect(self, tries: Reconnections) -> Joined | None:
        """Opens the line and joins, after as many attempts as are allowed; says again what was not answered."""
        while True:
            bearer = self._anima.bearer()
            try:
                line = self._handshake(bearer)
                line.send(self.talk.join())
                event = self.talk.heard(line.recv())
                if isinstance(event, Joined) and not event.answering and (frame := self.talk.again()):
                    line.send(frame)
                self._line = line
                return event if isinstance(event, Joined) else None
            except AnimaError:
                raise
            except Exception as error:
                failed = failed_handshake(error, self._url)
                if tries.may_renew(failed) and self._anima.renewed(bearer):
                    continue
                time.sleep(tries.after(failed))

    def _handshake(self, bearer: str | None) -> Any:
        from websockets.sync.client import connect

        return connect(self._url, additional_headers=headers(bearer), max_size=1 << 20, open_timeout=10)

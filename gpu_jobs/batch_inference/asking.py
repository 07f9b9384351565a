"""Chat models behind the OpenAI protocol, asked by threads: whole answers, connections that are kept, patience.

A request that failed in a way that passes (429, 5xx, no connection) is sent again after a growing, scattered pause, and
not before the moment that the server named; while a server wants to be left alone, no thread asks it.
"""

from __future__ import annotations

import http.client
import json
import os
import random
import ssl
import threading
import time
import urllib.request
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from anima.inference.batch_file import Batch, ChatParameters, LocalEngine, OpenAIEngine
from anima.kernel.config import is_local, settings
from anima.vendors import secrets_manager
from anima.vendors.llm import errors, providers
from anima.vendors.llm.local_found import FoundServer

from .engines import STOPPED, Answer, EngineDown, Outcome, Stop, Surroundings, now
from .lines import Fault, Line

_FIRST_PAUSE, _LONGEST_PAUSE = 0.5, 30.0
_CONNECT_SECONDS = 15.0
_MOST_ANSWER_BYTES = 64 << 20
_IN_A_ROW = 32
"""So many lines given up, and none answered in between: it is not the lines."""
_OWN_HOST = "api.openai.com"
_LOCAL_SLOTS = 2
_FATAL = (errors.ModelAuthFailed, errors.ModelMissing)


class Unreachable(OSError):
    """There is nobody at the address: no line is to blame for that."""


class Overlong(ValueError):
    """More bytes than an answer may have."""


@dataclass(slots=True)
class Place:
    """A server and how it is asked. `owned` is one that this job started."""

    base_url: str
    model: str
    provider: str
    api_key: str | None = field(default=None, repr=False)
    owned: Any = None


def place_of(batch: Batch, around: Surroundings) -> Place:
    """Where the model of a batch is asked. Raises EngineDown, LocalModelFailed, SecretNotUsable."""
    engine = batch.engine
    if isinstance(engine, LocalEngine):
        return _local(engine, around)
    assert isinstance(engine, OpenAIEngine)
    if engine.base_url is None:
        if not providers.is_placed(engine.provider) or providers.known(engine.provider).protocol != "openai":
            raise EngineDown(engine=engine.provider, reason="no address of the OpenAI protocol is known for it")
        known = providers.endpoint(engine.provider)
        return Place(known.base_url, engine.model, engine.provider, known.api_key)
    key = None
    if engine.key_secret is not None:
        key = secrets_manager.read(engine.key_secret.arn, engine.key_secret.name)
    elif engine.key_variable is not None:
        key = os.environ.get(engine.key_variable)
        if not key:
            raise EngineDown(engine=engine.model, reason=f"the environment has no {engine.key_variable}")
    return Place(engine.base_url.rstrip("/"), engine.model, engine.provider, key)


def _local(engine: LocalEngine, around: Surroundings) -> Place:
    """The model of this machine: the server that runs, else one of the job's own."""
    from anima.vendors import assets
    from anima.vendors.llm.local_server import LocalServer

    name = engine.model or settings().local_model
    found = FoundServer.find(settings().data_dir / "run")
    if found is not None and found.model == name:
        return Place(found.url, found.model, "local", found.api_key)
    if not assets.is_present(name):
        raise EngineDown(engine=name, reason="its weights are not here; `anima provision` fetches them")
    started = LocalServer.start(assets.path_of(name), around.folder / "work" / "run", name=name)
    return Place(started.url, started.model, "local", started.api_key, started)


class Asking:
    """The engine of chat models."""

    def __init__(self, batch: Batch, place: Place, stop: Stop) -> None:
        parameters = batch.settings
        assert isinstance(parameters, ChatParameters)
        self.name, self.version, self.at_once = place.model, f"{place.provider} {place.base_url}", 1
        self.workers = batch.concurrency if place.provider != "local" else min(batch.concurrency, _LOCAL_SLOTS)
        if place.provider == "local":
            self.version = f"local {place.model}"  # its port is another one each time
        self._batch, self._place, self._stop = batch, place, stop
        self._fields = _fields(place, parameters)
        self._most_bytes = min(_MOST_ANSWER_BYTES, batch.most_memory_bytes // (2 * self.workers))
        self._mine = threading.local()
        self._lock = threading.Lock()
        self._not_before = 0.0
        self._given_up = 0

    def answer(self, lines: Sequence[Line]) -> list[Outcome]:
        """One line, one request, and again while that may help."""
        return [self._answer(line) for line in lines]

    def close(self) -> None:
        """Ends the server, if it is the job's own."""
        if self._place.owned is not None:
            self._place.owned.stop()

    def _answer(self, line: Line) -> Outcome:
        body = json.dumps({"model": self._place.model, "messages": line.messages, **self._fields}).encode()
        begun, failure = now(), None
        for attempt in range(1, self._batch.attempts + 1):
            if self._held_up():
                return STOPPED
            try:
                answer = self._asked(body, begun)
            except errors.Failed as failed:
                failure = failed
            else:
                self._given_up = 0
                return answer
            if not failure.passes or not self._patient(failure, attempt):
                break
        assert failure is not None
        return self._gave_up(failure)

    def _held_up(self) -> bool:
        """Waits until the server may be asked; whether the job is to end."""
        while (left := self._not_before - time.monotonic()) > 0:
            if self._stop.wait(left):
                return True
        return self._stop.asked()

    def _patient(self, failure: errors.Failed, attempt: int) -> bool:
        """Waits before the next attempt, where there is one; False where this is not worth it."""
        asked = failure.wait or 0.0
        if attempt >= self._batch.attempts or asked > self._batch.longest_wait_seconds:
            return False
        if asked:
            with self._lock:
                self._not_before = max(self._not_before, time.monotonic() + asked)
        pause = min(_FIRST_PAUSE * 2 ** (attempt - 1), _LONGEST_PAUSE) * random.uniform(0.5, 1.5)  # noqa: S311
        self._stop.wait(pause)
        return True

    def _gave_up(self, failure: errors.Failed) -> Outcome:
        error = failure.error
        reason = error.detail
        if self._place.api_key:
            reason = reason.replace(self._place.api_key, "[key]")
        with self._lock:
            self._given_up += failure.passes
            lasting = self._given_up >= max(_IN_A_ROW, 2 * self.workers)
        unreached = isinstance(failure.__cause__, Unreachable)
        if isinstance(error, _FATAL) or lasting or unreached or _no_money(failure):
            raise EngineDown(engine=self._place.model, reason=reason) from None
        return Fault(error.slug, reason)

    def _asked(self, body: bytes, begun: float) -> Answer:
        """One attempt. Raises Failed."""
        until = time.monotonic() + self._batch.seconds
        try:
            status, headers, said = self._sent(body, until)
        except TimeoutError:
            self._hang_up()
            raise errors.Failed(errors.ModelTimeout(model=self._place.model)) from None
        except Overlong as error:
            self._hang_up()
            raise errors.Failed(errors.MalformedAnswer(model=self._place.model, reason=str(error))) from None
        except (OSError, http.client.HTTPException) as error:
            self._hang_up()
            raise errors.unreached(self._place.model) from error
        if status != 200:
            raise errors.refused(self._place.model, errors.refusal(status, _json(said), headers))
        return self._read(said, now() - begun)

    def _sent(self, body: bytes, until: float) -> tuple[int, dict[str, str], bytes]:
        fresh = not hasattr(self._mine, "line")
        if fresh:
            self._mine.line = _Line(self._place)
        try:
            return self._mine.line.post(body, until, self._most_bytes)
        except (ConnectionError, http.client.RemoteDisconnected, http.client.CannotSendRequest):
            if fresh:
                raise
            self._hang_up()  # a kept connection may have been closed meanwhile: that is no failure
            self._mine.line = _Line(self._place)
            return self._mine.line.post(body, until, self._most_bytes)

    def _hang_up(self) -> None:
        if hasattr(self._mine, "line"):
            self._mine.line.close()
            del self._mine.line

    def _read(self, said: bytes, seconds: float) -> Answer:
        answer = _json(said)
        try:
            choice, usage = answer["choices"][0], answer.get("usage") or {}
            message = choice["message"]
            fields: dict[str, Any] = {"text": _text(message.get("content")), "finish": choice.get("finish_reason")}
            if message.get("tool_calls"):
                fields["tool_calls"] = message["tool_calls"]
            tokens = int(usage.get("prompt_tokens") or 0), int(usage.get("completion_tokens") or 0)
        except (KeyError, IndexError, TypeError, AttributeError, ValueError, OverflowError):
            reason = "it is not of the protocol"
            raise errors.Failed(errors.MalformedAnswer(model=self._place.model, reason=reason), passes=True) from None
        return Answer(fields, *tokens, seconds)


def _fields(place: Place, parameters: ChatParameters) -> dict[str, Any]:
    """The fields of every request, under the names that this server knows."""
    takes = providers.known(place.provider)
    given = {name: value for name, value in parameters.model_dump().items() if value is not None and name != "n"}
    if urlsplit(place.base_url).hostname == _OWN_HOST:
        longest = "max_completion_tokens"
    else:
        longest = takes.longest if place.provider != "openai" else "max_tokens"
    names = {"max_tokens": longest, "seed": takes.seed}
    return {names.get(name, name): value for name, value in given.items()} | {"stream": False}


def _no_money(failure: errors.Failed) -> bool:
    return isinstance(failure.error, errors.ModelQuotaExceeded) and not failure.passes


def _text(content: Any) -> str:
    if isinstance(content, list):
        return "".join(str(part.get("text", "")) for part in content if part.get("type") == "text")
    return str(content or "")


def _json(said: bytes) -> Any:
    try:
        return json.loads(said, parse_constant=lambda _name: None)  # NaN and Infinity, which are no JSON
    except (ValueError, RecursionError):
        return None


class _Line:
    """One kept connection to a server, by way of a proxy where the environment names one."""

    def __init__(self, place: Place) -> None:
        parts = urlsplit(place.base_url)
        host, port = parts.hostname or "", parts.port
        self._path = f"{parts.path.rstrip('/')}/chat/completions"
        self._headers = {"Content-Type": "application/json", "Accept": "application/json"}
        self._headers["Authorization"] = f"Bearer {place.api_key or 'none'}"
        through = None if is_local(place.base_url) or urllib.request.proxy_bypass(host) else _proxy(parts.scheme)
        if parts.scheme == "https":
            self._line: http.client.HTTPConnection = http.client.HTTPSConnection(
                *(through or (host, port)), context=_tls()
            )
            if through:
                self._line.set_tunnel(host, port or 443)
            return
        self._line = http.client.HTTPConnection(*(through or (host, port)))
        if through:
            self._path = f"http://{parts.netloc}{self._path}"

    def post(self, body: bytes, until: float, most: int) -> tuple[int, dict[str, str], bytes]:
        """Status, headers (in lower case), body. Raises TimeoutError, OSError, HTTPException."""
        socket = self._connected(until)
        socket.settimeout(_left(until))
        self._line.request("POST", self._path, body, self._headers)
        answer = self._line.getresponse()
        whole = bytearray()
        while piece := answer.read1(1 << 16):
            whole += piece
            if len(whole) > most:
                raise Overlong(f"more than {most} bytes")
            socket.settimeout(_left(until))
        answer.close()  # also one that was read to its end keeps the connection until it is closed
        return answer.status, {name.lower(): value for name, value in answer.getheaders()}, bytes(whole)

    def close(self) -> None:
        """Ends the connection."""
        self._line.close()

    def _connected(self, until: float) -> Any:
        """The socket. Raises Unreachable."""
        if self._line.sock is None:
            self._line.timeout = min(_left(until), _CONNECT_SECONDS)
            try:
                self._line.connect()
            except OSError as error:
                raise Unreachable(str(error)) from error
        return self._line.sock


def _left(until: float) -> float:
    """Seconds until a moment. Raises TimeoutError where none are left."""
    left = until - time.monotonic()
    if left <= 0:
        raise TimeoutError
    return left


def _proxy(scheme: str) -> tuple[str, int] | None:
    found = urllib.request.getproxies().get(scheme)
    if not found:
        return None
    parts = urlsplit(found if "://" in found else f"http://{found}")
    return parts.hostname or "", parts.port or 8080


_contexts: list[ssl.SSLContext] = []


def _tls() -> ssl.SSLContext:
    """One context for all connections: to make one takes longer than a request."""
    if not _contexts:
        _contexts.append(ssl.create_default_context())
    return _contexts[0]

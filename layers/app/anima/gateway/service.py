"""The call of a language model: one way for all, with who answers in whose place, and what was counted."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any, TypedDict, Unpack

from anima.gateway import breaker, local_service, servers_service
from anima.gateway.choice_service import (
    ModelNotConfigured,
    NoModel,
    UnknownModel,
    accepted,
    chain,
    choose,
    configured,
    default,
    is_available,
    local,
    resolve,
    seeing,
)
from anima.gateway.local_service import keep_beginnings
from anima.gateway.model import Model, estimate_messages, estimate_tokens
from anima.gateway.spend_service import (
    Account,
    BudgetExceeded,
    PendingBudget,
    begin_budget,
    charged,
    cost,
    note_spend,
    open_account,
)
from anima.kernel import remaining, telemetry
from anima.kernel.config import settings
from anima.kernel.errors import AnimaError
from anima.vendors.llm import client
from anima.vendors.llm.calls import Call, Completion, Delta, Endpoint, Message, Tool, ToolChoice, Usage, words
from anima.vendors.llm.errors import (
    MalformedAnswer,
    ModelAuthFailed,
    ModelError,
    ModelMissing,
    ModelQuotaExceeded,
    ModelTimeout,
    ModelUnavailable,
    NoModelAnswered,
)

__all__ = [
    "BREAKER",
    "Account",
    "BudgetExceeded",
    "ModelNotConfigured",
    "NoModel",
    "Options",
    "PendingBudget",
    "UnknownModel",
    "accepted",
    "always",
    "begin_budget",
    "charged",
    "choose",
    "complete",
    "configured",
    "cost",
    "default",
    "expect",
    "is_available",
    "keep_beginnings",
    "local",
    "note_spend",
    "resolve",
    "seeing",
    "stream",
]

BREAKER = breaker.Breaker()
"""Of this process."""

_BRIDGED = (ModelUnavailable, ModelTimeout, ModelAuthFailed, ModelQuotaExceeded, MalformedAnswer)
_FAILING = (ModelUnavailable, ModelTimeout)
"""What speaks against an endpoint, and not only against a key or a request."""
_LEAST_PATIENCE_SECONDS = 10.0
"""One that had less time for its first word is not held to be out of order."""
_MOST_PATIENCE_SECONDS = 60.0


def always(_: Model) -> bool:
    """Every model may read it."""
    return True


@lru_cache(maxsize=1)
def expect() -> None:
    """A model is asked soon: what that needs is loaded meanwhile, once a process."""
    threading.Thread(target=client.load, name="model", daemon=True).start()


@dataclass(frozen=True, slots=True)
class _Asked:
    """What is asked, whoever answers."""

    messages: Sequence[Message]
    max_tokens: int
    deadline: float
    response_format: Mapping[str, Any] | None
    params: Mapping[str, Any]
    fixed: int
    tools: Sequence[Tool]
    tool_choice: ToolChoice
    cache_key: str | None

    def call(self, model: Model, first_by: float | None) -> Call:
        """The call of one model. Raises ModelUnavailable where it does not run."""
        by = self.deadline if first_by is None else first_by
        return Call(
            _endpoint(model, self.messages[: self.fixed], self.cache_key, by),
            model.name,
            self.messages,
            self.max_tokens,
            self.deadline,
            {**model.params, **model.taking(self.params)},
            self.response_format,
            self.tools if model.tools else (),
            self.tool_choice,
            self.cache_key,
            self.fixed,
            first_by=first_by,
        )


def stream(
    model: Model,
    messages: Sequence[Message],
    *,
    max_tokens: int,
    deadline: float,
    response_format: Mapping[str, Any] | None = None,
    params: Mapping[str, Any] | None = None,
    fixed: int = 0,
    tools: Sequence[Tool] = (),
    tool_choice: ToolChoice = "auto",
    cache_key: str | None = None,
    permitted: Callable[[Model], bool] = always,
    role: str | None = None,
    adapted: Callable[[Model], Sequence[Message]] | None = None,
) -> Generator[Delta, None, None]:
    """The answer piece by piece, by the model or by who stands in for it; the first piece says who (`by`). Closing the
    generator stops it.

    `deadline` is a moment of time.monotonic(), sooner where the function that runs this ends before; `params` go over
    the model's own; the first `fixed` messages are the same for many calls and hold nothing personal: what was read of
    them is kept, under `cache_key`. One of the fallbacks (the model's, else those of `role`) is asked where the one
    before gave no word, if it is `permitted` to read this and if it fits its window; `adapted` gives the messages for
    it. Models that call no tools get none.
    Raises the errors of `anima.vendors.llm.errors`: the model's own, or NoModelAnswered with those of all.
    """
    deadline = remaining.least(deadline)
    asked = _Asked(messages, max_tokens, deadline, response_format, params or {}, fixed, tools, tool_choice, cache_key)
    row, failures = chain(model, role, permitted), list[ModelError]()
    for place, one in enumerate(row):
        others, said = len(row) - place - 1, list[Delta]()
        try:
            mine = _fitted(one, asked, adapted) if place else asked
            with closing(_guarded(one, mine, _first_by(one, deadline, others))) as deltas:
                yield from _spoken(one, deltas, said, others)
            return
        except _BRIDGED as error:
            if said or (isinstance(error, ModelTimeout) and time.monotonic() >= deadline):
                raise
            failures.append(error)
    raise failures[0] if len(failures) == 1 else NoModelAnswered(failures)


def _spoken(model: Model, deltas: Iterator[Delta], said: list[Delta], others: int) -> Iterator[Delta]:
    """What goes out, beginning with who says it; from the first piece that does on it stands in `said`.

    Where others could answer, that is a word or a call, and who has none to say is passed over (MalformedAnswer).
    """
    held: list[Delta] = []
    for delta in deltas:
        if said:
            yield delta
            continue
        held.append(delta)
        if delta.text or delta.tool_calls or delta.finish == "content_filter" or not others:
            said.append(delta)
            yield replace(held[0], by=model.id)
            yield from held[1:]
    if others and not said:
        raise MalformedAnswer(model=model.id, reason="it says nothing")


def _first_by(model: Model, deadline: float, others: int) -> float | None:
    """Until when the first word must have come where others could answer instead: they are left their share of time."""
    if not others:
        return None
    now = time.monotonic()
    patience = model.patience or min(_MOST_PATIENCE_SECONDS, (deadline - now) / (others + 1))
    return min(deadline, now + patience)


def _fitted(model: Model, asked: _Asked, adapted: Callable[[Model], Sequence[Message]] | None) -> _Asked:
    """What a stand-in is asked. Raises ModelUnavailable where it cannot read so much."""
    if adapted is not None:
        messages = adapted(model)
        same = list(messages[: asked.fixed]) == list(asked.messages[: asked.fixed])
        return replace(asked, messages=messages, fixed=asked.fixed if same else 0)
    size = estimate_messages([words(message["content"]) for message in asked.messages])
    if size + asked.max_tokens > model.context_len:
        raise ModelUnavailable(
            model=model.name, reason=f"it reads {model.context_len} tokens at once, which is too few"
        )
    return asked


def _guarded(model: Model, asked: _Asked, first_by: float | None) -> Generator[Delta, None, None]:
    """The answer of one model, unless its endpoint is left alone for having failed again and again."""
    place = model.endpoint or model.provider
    wait = BREAKER.wait(place)
    if wait > 0:
        reason = f"it failed again and again, and is asked again in {wait:.0f} s"
        raise ModelUnavailable(model=model.name, reason=reason, retry_after=max(1, round(wait)))
    begun, heard = time.monotonic(), False
    try:
        with closing(_told(model, asked, first_by)) as deltas:
            for delta in deltas:
                if not heard:
                    BREAKER.answered(place)
                heard = True
                yield delta
    except _FAILING as error:
        hasty = isinstance(error, ModelTimeout) and time.monotonic() - begun < _LEAST_PATIENCE_SECONDS
        if model.endpoint is not None and not hasty and not isinstance(error, ModelMissing):
            BREAKER.failed(place)
        raise


def _told(model: Model, asked: _Asked, first_by: float | None) -> Generator[Delta, None, None]:
    """The answer of one model; the local one is looked for once more where it has died."""
    with _measured(model, asked.messages) as heard:
        for last in (False, True):
            begun = False
            try:
                with closing(client.stream(asked.call(model, first_by))) as deltas:
                    for delta in deltas:
                        begun = True
                        heard(delta)
                        yield delta
                return
            except ModelUnavailable:
                if model.provider != "local" or model.endpoint is not None:
                    raise
                local_service.died()
                if begun or last:
                    raise


@dataclass(slots=True)
class _Heard:
    """What the pieces of an answer tell of it."""

    about: dict[str, str]
    begun: float
    said: list[str] = field(default_factory=list)
    counted: Usage | None = None

    def __call__(self, delta: Delta) -> None:
        if delta.text:
            if not self.said:
                telemetry.observe("llm.first_token", time.perf_counter() - self.begun, "s", **self.about)
            self.said.append(delta.text)
        if delta.usage:
            self.counted = delta.usage
            for kind in ("prompt", "completion", "cached"):
                telemetry.count("llm.tokens", getattr(delta.usage, f"{kind}_tokens"), kind=kind, **self.about)


@contextmanager
def _measured(model: Model, messages: Sequence[Message]) -> Iterator[_Heard]:
    """Counts a call, and what its pieces tell of it; the tokens of one that is stopped early are estimated."""
    about = {"provider": model.provider, "model": model.name}
    heard = _Heard(about, time.perf_counter())
    telemetry.count("llm.calls", **about)
    try:
        with telemetry.span("llm", **about):
            yield heard
    except GeneratorExit:
        if heard.counted is None:  # it was stopped before the server said what it counted
            asked = estimate_messages([words(message["content"]) for message in messages])
            telemetry.count("llm.tokens", asked, kind="prompt", **about)
            telemetry.count("llm.tokens", estimate_tokens("".join(heard.said)), kind="completion", **about)
        raise
    except AnimaError as error:
        telemetry.count("llm.errors", error=error.slug, **about)
        raise
    finally:
        telemetry.observe("llm.latency", time.perf_counter() - heard.begun, "s", **about)


class Options(TypedDict, total=False):
    """What `complete` hands on to `stream`."""

    response_format: Mapping[str, Any] | None
    params: Mapping[str, Any] | None
    fixed: int
    tools: Sequence[Tool]
    tool_choice: ToolChoice
    cache_key: str | None
    permitted: Callable[[Model], bool]
    role: str | None
    adapted: Callable[[Model], Sequence[Message]] | None


def complete(
    model: Model,
    messages: Sequence[Message],
    *,
    max_tokens: int,
    deadline: float | None = None,
    account: Account | None = None,
    **more: Unpack[Options],
) -> Completion:
    """The whole answer; takes and raises what `stream` does. Without a deadline that of a turn holds.

    With an account its budget is checked before (BudgetExceeded), and what was used is noted after.
    """
    limit = deadline if deadline is not None else time.monotonic() + settings().turn_deadline_seconds
    with open_account(account) as note:
        done = client.joined(stream(model, messages, max_tokens=max_tokens, deadline=limit, **more))
        note(done.by or model.id, done.usage or _estimated(messages, done))
    return done


def _estimated(messages: Sequence[Message], done: Completion) -> Usage:
    """What it may have been, where the server did not count."""
    return Usage(estimate_messages([words(message["content"]) for message in messages]), estimate_tokens(done.text))


def _endpoint(model: Model, fixed: Sequence[Message], cache_key: str | None, deadline: float) -> Endpoint:
    if model.endpoint is None:
        return local_service.endpoint(model, fixed, cache_key, deadline)
    return servers_service.endpoint(model)

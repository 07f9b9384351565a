"""How an operation is written once and called in both colours: descriptors that give a method to each client.

`@operation("GET", "/sessions/{session_id}", Session)` stands over a function that only says what is given; on `Anima`
it is a method that answers, on `AsyncAnima` one that is awaited. `@listing` gives a list that is read page by page,
`@steps` a method that makes several calls, `@watching` samples while somebody listens. What an operation is can be
read off it (a test holds it against the service's own description).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from functools import update_wrapper
from typing import Any, Concatenate, Generic, ParamSpec, TypeVar, overload

from anima.client.call import Call, Given, Steps, filled
from anima.client.pages import AsyncPages, Pages
from anima.client.streams import AsyncTurnStream, TurnStream
from anima.client.watched import AsyncSamples, Samples

P = ParamSpec("P")
T = TypeVar("T")
Runs = TypeVar("Runs")


class Caller(ABC):
    """A client whose methods answer."""

    @abstractmethod
    def run(self, steps: Steps[T]) -> T:
        """Makes the calls of an operation and answers what came of them."""

    @abstractmethod
    def stream(self, call: Call) -> TurnStream:
        """A stream that is opened when it is entered or iterated."""

    @abstractmethod
    def watch(self, call: Call) -> Samples:
        """Samples that are asked for when they are iterated."""


class AsyncCaller(ABC):
    """A client whose methods are awaited."""

    @abstractmethod
    async def run(self, steps: Steps[T]) -> T:
        """Makes the calls of an operation and answers what came of them."""

    @abstractmethod
    def stream(self, call: Call) -> AsyncTurnStream:
        """A stream that is opened when it is entered or iterated."""

    @abstractmethod
    def watch(self, call: Call) -> AsyncSamples:
        """Samples that are asked for when they are iterated."""


class Script(Generic[P, T]):
    """An operation of one call or of several."""

    def __init__(self, made: Callable[Concatenate[Any, P], Steps[T]]) -> None:
        self._made = made
        self.__doc__ = made.__doc__

    def steps(self, *args: P.args, **kwargs: P.kwargs) -> Steps[T]:
        """Its calls, to be made as a part of another operation: `yield from`."""
        return self._made(None, *args, **kwargs)

    @overload
    def __get__(self, client: None, owner: object) -> Script[P, T]: ...
    @overload
    def __get__(self, client: Caller, owner: object) -> Callable[P, T]: ...
    @overload
    def __get__(self, client: AsyncCaller, owner: object) -> Callable[P, Coroutine[Any, Any, T]]: ...
    def __get__(self, client: Any, owner: object) -> Any:
        if client is None:
            return self

        def method(*args: P.args, **kwargs: P.kwargs) -> Any:
            return client.run(self.steps(*args, **kwargs))

        return update_wrapper(method, self._made)


class Operation(Script[P, T]):
    """An operation of one call: method and route, what it answers, and whether it is `keyed`."""

    def __init__(self, route: Route, describe: Callable[Concatenate[Any, P], Given]) -> None:
        def made(_self: Any, /, *args: P.args, **kwargs: P.kwargs) -> Steps[T]:
            answer: T = yield route.call(describe(None, *args, **kwargs))
            return answer

        made.__doc__, made.__name__ = describe.__doc__, describe.__name__
        super().__init__(made)
        self.route, self.describe = route, describe


class Listing(Generic[P, T]):
    """An operation that answers a list, page by page."""

    def __init__(self, route: Route, describe: Callable[Concatenate[Any, P], Given]) -> None:
        self.route, self.describe = route, describe
        self.__doc__ = describe.__doc__

    def all_of(self, *args: P.args, **kwargs: P.kwargs) -> Steps[list[T]]:
        """All items, as a part of another operation."""
        return Pages[T].steps(self.route.call, self.describe(None, *args, **kwargs))

    @overload
    def __get__(self, client: None, owner: object) -> Listing[P, T]: ...
    @overload
    def __get__(self, client: Caller, owner: object) -> Callable[P, Pages[T]]: ...
    @overload
    def __get__(self, client: AsyncCaller, owner: object) -> Callable[P, AsyncPages[T]]: ...
    def __get__(self, client: Any, owner: object) -> Any:
        if client is None:
            return self
        kind: Any = Pages if isinstance(client, Caller) else AsyncPages

        def method(*args: P.args, **kwargs: P.kwargs) -> Any:
            return kind(client.run, self.route.call, self.describe(None, *args, **kwargs))

        return update_wrapper(method, self.describe)


class Streaming(Generic[P]):
    """An operation whose answer is heard while it comes."""

    def __init__(self, route: Route, describe: Callable[Concatenate[Any, P], Given]) -> None:
        self.route, self.describe = route, describe
        self.__doc__ = describe.__doc__

    @overload
    def __get__(self, client: None, owner: object) -> Streaming[P]: ...
    @overload
    def __get__(self, client: Caller, owner: object) -> Callable[P, TurnStream]: ...
    @overload
    def __get__(self, client: AsyncCaller, owner: object) -> Callable[P, AsyncTurnStream]: ...
    def __get__(self, client: Any, owner: object) -> Any:
        if client is None:
            return self

        def method(*args: P.args, **kwargs: P.kwargs) -> Any:
            return client.stream(self.route.call(self.describe(None, *args, **kwargs)))

        return update_wrapper(method, self.describe)


class Watching(Operation[P, None]):
    """An operation whose answer is samples, while somebody listens."""

    @overload  # type: ignore[override]
    def __get__(self, client: None, owner: object) -> Watching[P]: ...
    @overload
    def __get__(self, client: Caller, owner: object) -> Callable[P, Samples]: ...
    @overload
    def __get__(self, client: AsyncCaller, owner: object) -> Callable[P, AsyncSamples]: ...
    def __get__(self, client: Any, owner: object) -> Any:
        if client is None:
            return self

        def method(*args: P.args, **kwargs: P.kwargs) -> Any:
            return client.watch(self.route.call(self.describe(None, *args, **kwargs)))

        return update_wrapper(method, self.describe)


@dataclass(frozen=True, slots=True)
class Route:
    """Where an operation goes: the method, the path with its names in braces, what it answers; see `Call`."""

    method: str
    path: str
    answer: Any
    keyed: bool
    harmless: bool = False
    open: bool = False

    def call(self, given: Given) -> Call:
        """The call with what was given."""
        place = filled(self.path, given.at)
        return Call(self.method, place, self.answer, given, keyed=self.keyed, harmless=self.harmless, open=self.open)


@overload
def operation(
    method: str, path: str, answer: type[T], *, harmless: bool = False, open: bool = False
) -> Callable[[Callable[Concatenate[Any, P], Given]], Operation[P, T]]: ...
@overload
def operation(
    method: str, path: str, answer: None = None, *, harmless: bool = False, open: bool = False
) -> Callable[[Callable[Concatenate[Any, P], Given]], Operation[P, None]]: ...
def operation(method: str, path: str, answer: Any = None, *, harmless: bool = False, open: bool = False) -> Any:
    """An operation of one call. It goes out with an Idempotency-Key, unless it is `harmless` twice, or `open`."""
    keyed = method != "GET" and not harmless and not open
    route = Route(method, path, answer, keyed, harmless, open)
    return lambda describe: Operation(route, describe)


def listing(path: str, item: type[T]) -> Callable[[Callable[Concatenate[Any, P], Given]], Listing[P, T]]:
    """An operation that reads a list of these."""
    route = Route("GET", path, item, keyed=False)
    return lambda describe: Listing(route, describe)


def streaming(method: str, path: str) -> Callable[[Callable[Concatenate[Any, P], Given]], Streaming[P]]:
    """An operation that is heard as server-sent events; it goes out with an Idempotency-Key."""
    route = Route(method, path, None, keyed=True)
    return lambda describe: Streaming(route, describe)


def watching(path: str) -> Callable[[Callable[Concatenate[Any, P], Given]], Watching[P]]:
    """An operation whose samples are heard as server-sent events."""
    route = Route("GET", path, None, keyed=False)
    return lambda describe: Watching(route, describe)


def steps(made: Callable[Concatenate[Any, P], Steps[T]]) -> Script[P, T]:
    """An operation of several calls."""
    return Script(made)

"""Lists that are read page by page: iterated as a whole, or a page at a time by its cursor."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any, Generic, TypeVar

from anima.client.call import Call, Given, Steps

T = TypeVar("T")

MOST = 200
"""The largest page that the service gives."""


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """Some items of a list, and the cursor of the next ones (none: this is the end)."""

    items: tuple[T, ...]
    next_cursor: str | None


@dataclass(frozen=True, slots=True)
class Sheet:
    """How the answer of a list is read: as a page of these."""

    item: Any


def page_steps(make: Callable[[Given], Call], given: Given, limit: int | None, cursor: str | None) -> Steps[Page[Any]]:
    """One page."""
    window = {name: value for name, value in (("limit", limit), ("cursor", cursor)) if value is not None}
    call = make(replace(given, query={**given.query, **window}))
    page: Page[Any] = yield replace(call, answer=Sheet(call.answer))
    return page


class Pages(Generic[T]):
    """A list of the service; iterating asks for the next page when it is needed."""

    def __init__(self, run: Callable[[Any], Any], make: Callable[[Given], Call], given: Given) -> None:
        self._run, self._make, self._given = run, make, given

    def page(self, limit: int | None = None, cursor: str | None = None) -> Page[T]:
        """One page: the first, or the one that this cursor names."""
        page: Page[T] = self._run(page_steps(self._make, self._given, limit, cursor))
        return page

    def __iter__(self) -> Iterator[T]:
        page = self.page()
        yield from page.items
        while page.next_cursor is not None:
            page = self.page(cursor=page.next_cursor)
            yield from page.items

    def all(self) -> list[T]:
        """All items, in as few calls as there can be."""
        items: list[T] = self._run(self.steps(self._make, self._given))
        return items

    @staticmethod
    def steps(make: Callable[[Given], Call], given: Given) -> Steps[list[Any]]:
        """All items, page after page."""
        items: list[Any] = []
        cursor: str | None = None
        while True:
            page = yield from page_steps(make, given, MOST, cursor)
            items += page.items
            cursor = page.next_cursor
            if cursor is None:
                return items


class AsyncPages(Generic[T]):
    """A list of the service, for `async for`; or a page at a time."""

    def __init__(self, run: Callable[[Any], Awaitable[Any]], make: Callable[[Given], Call], given: Given) -> None:
        self._run, self._make, self._given = run, make, given

    async def page(self, limit: int | None = None, cursor: str | None = None) -> Page[T]:
        """One page: the first, or the one that this cursor names."""
        page: Page[T] = await self._run(page_steps(self._make, self._given, limit, cursor))
        return page

    async def __aiter__(self) -> AsyncIterator[T]:
        page = await self.page()
        for item in page.items:
            yield item
        while page.next_cursor is not None:
            page = await self.page(cursor=page.next_cursor)
            for item in page.items:
                yield item

    async def all(self) -> list[T]:
        """All items, in as few calls as there can be."""
        items: list[T] = await self._run(Pages.steps(self._make, self._given))
        return items

"""How a download tells a person where it is: not at all, in plain lines, or with a bar."""

from __future__ import annotations

import sys
from types import TracebackType
from typing import TYPE_CHECKING, Protocol, Self, TextIO

if TYPE_CHECKING:
    from rich.progress import Progress as RichProgress
    from rich.progress import TaskID

_MEGABYTE = 1_000_000


class Progress(Protocol):
    """Hears from a download, always in the thread that asked for it."""

    def update(self, name: str, done: int, total: int | None) -> None:
        """`done` of `total` bytes of an asset are here (total None: not known)."""

    def note(self, message: str) -> None:
        """Something that a person should know, such as a source that was passed over."""


class Silent:
    """Says nothing."""

    def update(self, name: str, done: int, total: int | None) -> None:
        """Nothing is shown."""

    def note(self, message: str) -> None:
        """Nothing is shown."""


class Lines:
    """One plain line for every tenth of a file; a context manager, so that it can stand where a bar would."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream or sys.stderr
        self._tenths: dict[str, int] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        return

    def update(self, name: str, done: int, total: int | None) -> None:
        """Writes a line when another tenth (100 MB where the size is unknown) is here."""
        tenth = done * 10 // total if total else done // (100 * _MEGABYTE)
        if self._tenths.get(name) != tenth:
            self._tenths[name] = tenth
            of_all = f" of {total / _MEGABYTE:.0f}" if total else ""
            self._say(f"{name}: {done / _MEGABYTE:.0f}{of_all} MB")

    def note(self, message: str) -> None:
        """Writes the message on a line."""
        self._say(message)

    def _say(self, line: str) -> None:
        print(line, file=self._stream, flush=True)


class Bar:
    """A bar for each file, as a context manager, on a terminal."""

    def __init__(self) -> None:
        from rich import progress
        from rich.console import Console

        self._bars: RichProgress = progress.Progress(
            progress.TextColumn("{task.description}"),
            progress.BarColumn(),
            progress.DownloadColumn(),
            progress.TransferSpeedColumn(),
            progress.TimeRemainingColumn(),
            console=Console(stderr=True),
        )
        self._tasks: dict[str, TaskID] = {}

    def __enter__(self) -> Self:
        self._bars.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bars.stop()

    def update(self, name: str, done: int, total: int | None) -> None:
        """Moves the file's bar."""
        if name not in self._tasks:
            self._tasks[name] = self._bars.add_task(name, total=total)
        self._bars.update(self._tasks[name], completed=done, total=total)

    def note(self, message: str) -> None:
        """Prints the message above the bars."""
        self._bars.console.print(message, markup=False, highlight=False)


def console_progress() -> Bar | Lines:
    """What suits standard error, to be used in a `with` block: bars on a terminal, else lines."""
    return Bar() if sys.stderr.isatty() else Lines()

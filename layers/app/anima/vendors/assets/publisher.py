"""A file from its publisher over HTTP: resumed where it broke off, given up when nothing comes."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

from anima.vendors.assets.entries import Asset
from anima.vendors.assets.progress import Progress
from anima.vendors.assets.source import SourceFailed, check_space

PATIENCE_SECONDS = 5.0
_RECONNECTS = 10
_REMEMBER_SECONDS = 120.0
_QUEUED_CHUNKS = 64

_silent_hosts: dict[str, float] = {}


class _Lost(SourceFailed):
    """The connection broke off or fell silent; what came so far is kept."""


class _Download:
    """One request, read by a thread of its own.

    The thread is what bounds every wait alike: name look-up, connecting, redirects, the first byte and each
    later one. After PATIENCE_SECONDS without any of them the reader gives up, and the thread ends by itself.
    """

    def __init__(self, url: str, headers: dict[str, str]) -> None:
        self._items: queue.Queue[Any] = queue.Queue(_QUEUED_CHUNKS)
        self._stopped = threading.Event()
        thread = threading.Thread(target=self._pump, args=(url, headers), name="asset-download", daemon=True)
        thread.start()
        self.status, self.headers = self._next()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stopped.set()

    def chunks(self) -> Iterator[bytes]:
        """The body, as it comes; raises _Lost when it breaks off."""
        while (chunk := self._next()) is not None:
            yield chunk

    def _next(self) -> Any:
        try:
            item = self._items.get(timeout=PATIENCE_SECONDS)
        except queue.Empty:
            self._stopped.set()
            raise _Lost(f"no answer for {PATIENCE_SECONDS:g} s") from None
        if isinstance(item, Exception):
            raise _Lost(f"{type(item).__name__}: {item}")
        return item

    def _put(self, item: Any) -> None:
        while not self._stopped.is_set():
            try:
                self._items.put(item, timeout=1)
                return
            except queue.Full:
                continue

    def _pump(self, url: str, headers: dict[str, str]) -> None:
        import httpx

        try:
            with httpx.stream(
                "GET", url, headers=headers, follow_redirects=True, timeout=2 * PATIENCE_SECONDS
            ) as response:
                self._put((response.status_code, response.headers))
                for chunk in response.iter_raw():
                    if self._stopped.is_set():
                        return
                    self._put(chunk)
            self._put(None)
        except Exception as error:  # whatever went wrong is the reader's to report
            self._put(error)


def _size(part: Path) -> int:
    return part.stat().st_size if part.exists() else 0


def _content_length(headers: Any) -> int | None:
    length = str(headers.get("content-length", ""))
    return int(length) if length.isdigit() else None


def _opened(download: _Download, start: int) -> int:
    """The offset at which the answer's body begins; raises SourceFailed for an answer that is none."""
    if download.status == 200:
        return 0
    if download.status == 206 and str(download.headers.get("content-range", "")).startswith(f"bytes {start}-"):
        return start
    raise SourceFailed(f"it answered with status {download.status}")


def _expected(asset: Asset, download: _Download, offset: int, part: Path) -> int | None:
    """How long the whole file is; raises SourceFailed when that is not the asset's size, or does not fit."""
    length = _content_length(download.headers)
    total = None if length is None else offset + length
    if asset.size is not None and total is not None and total != asset.size:
        raise SourceFailed(f"it offers {total:,} bytes where {asset.size:,} are expected")
    total = total if asset.size is None else asset.size
    check_space(part.parent, (total or 0) - offset)
    return total


def _receive(asset: Asset, download: _Download, part: Path, offset: int, progress: Progress) -> None:
    total = _expected(asset, download, offset, part)
    done = offset
    with part.open("ab" if offset else "wb") as file:
        for chunk in download.chunks():
            done += len(chunk)
            if total is not None and done > total:
                raise SourceFailed(f"it sent more than the {total:,} bytes that are expected")
            file.write(chunk)
            progress.update(asset.name, done, total)
    if total is not None and done < total:
        raise _Lost(f"it closed the connection after {done:,} of {total:,} bytes")


def _request(asset: Asset, part: Path, progress: Progress) -> None:
    start = _size(part)
    headers = {"accept-encoding": "identity"} | ({"range": f"bytes={start}-"} if start else {})
    with _Download(asset.url, headers) as download:
        if start and download.status not in (200, 206):
            part.unlink()  # the publisher cannot go on from here: begin anew
            raise _Lost(f"it answered with status {download.status}")
        _receive(asset, download, part, _opened(download, start), progress)


def _host(asset: Asset) -> str:
    return urlsplit(asset.url).netloc


def fetch(asset: Asset, part: Path, progress: Progress) -> None:
    """Downloads an asset into `part`, going on from what lies there.

    A connection that breaks off is taken up again as long as each try brings something. Raises SourceFailed;
    a host that did not answer is not asked again for two minutes.
    """
    host = _host(asset)
    if time.monotonic() - _silent_hosts.get(host, -_REMEMBER_SECONDS) < _REMEMBER_SECONDS:
        raise SourceFailed(f"{host} did not answer a moment ago")
    if asset.size is not None and _size(part) > asset.size:
        part.unlink()
    for attempt in range(_RECONNECTS):
        before = _size(part)
        if before and before == asset.size:
            break
        try:
            _request(asset, part, progress)
            break
        except _Lost as lost:
            if _size(part) == before or attempt == _RECONNECTS - 1:
                _silent_hosts[host] = time.monotonic()
                raise SourceFailed(str(lost)) from None

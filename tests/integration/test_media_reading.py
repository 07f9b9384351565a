"""What is in pictures, scans and recordings, read by the real models; and what is said of those that hold nothing."""

from __future__ import annotations

import hashlib
import io
import socket
import struct
import threading
import time
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from anima.kernel import config, outbox
from anima.vendors import assets
from anima.vendors.assets import entries
from anima.vendors.assets import publisher as publisher_source
from anima.vendors.llm.client import Call, Endpoint, complete
from anima.vendors.readers import (
    Block,
    Item,
    Place,
    Progress,
    TooMuch,
    UnknownMedium,
    Unread,
    Unreadable,
    image,
    media,
    medium_of,
    read_apart,
    scan,
    sound,
    track,
    vision,
    whisper,
)
from fixtures.api import Person
from fixtures.pictures import ENGLISH, FRENCH, as_bytes, film, picture, samples_of, scanned, sound_file
from fixtures.publisher import Publisher
from fixtures.stub_llm import StubLLM

Drain = Callable[[], list[outbox.Event]]
NOTICE = ("Harbour dues for 1887", "Barges pay four shillings")


def blocks(items: Sequence[Item]) -> list[Block]:
    return [item for item in items if isinstance(item, Block)]


def unread(items: Sequence[Item]) -> list[Unread]:
    return [item for item in items if isinstance(item, Unread)]


def text_of(items: Sequence[Item]) -> str:
    return " ".join(block.text for block in blocks(items))


def kept(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path


def read_whole(path: Path) -> list[Item]:
    """As the pipeline reads: the medium by content, in a process apart."""
    return list(read_apart(path, medium_of(path)))


# From a file to an answer


def send(person: Person, name: str, content: bytes) -> int:
    answer = person.http.post("/api/v1/documents", files={"file": (name, content)})
    assert answer.status_code == 202, answer.text
    return int(answer.json()["document_id"])


def state(person: Person, document_id: int) -> dict[str, Any]:
    found: dict[str, Any] = person.http.get(f"/api/v1/documents/{document_id}").json()
    return found


def best(person: Person, query: str) -> dict[str, Any]:
    answer = person.http.post("/api/v1/search", json={"query": query, "mode": "words"}).json()
    found: dict[str, Any] = answer["hits"][0]
    return found


@pytest.mark.model
def test_a_photo_a_scan_and_a_film_are_brought_and_found_by_what_they_say(
    alice: Person, drain_outbox: Drain, fast_embedder: object, whisper_weights: None, tmp_path: Path
) -> None:
    photo = send(alice, "notice.txt", as_bytes(picture(*NOTICE), "JPEG"))  # its name lies
    scan_id = send(
        alice, "scan.pdf", scanned(tmp_path / "scan.pdf", [picture(), picture("The keeper is Ines")]).read_bytes()
    )
    film_id = send(alice, "talk.mp4", film(tmp_path / "talk.mp4", samples_of()).read_bytes())
    drain_outbox()
    for document_id in (photo, scan_id, film_id):
        assert state(alice, document_id)["state"] == "done", state(alice, document_id)
    assert "four shillings" in best(alice, "barges")["text"]
    keeper = best(alice, "keeper")
    assert (keeper["document_id"], keeper["location"]["page"]) == (scan_id, 2)
    whale = best(alice, "whale")
    assert whale["document_id"] == film_id
    assert whale["location"]["second_end"] > 9


def test_a_film_without_sound_ends_unsearchable_and_says_why(
    alice: Person, drain_outbox: Drain, fast_embedder: object, tmp_path: Path
) -> None:
    document_id = send(alice, "mute.mp4", film(tmp_path / "mute.mp4", None).read_bytes())
    drain_outbox()
    found = state(alice, document_id)
    assert found["state"] == "unsearchable"
    assert sound.NO_TRACK in found["reason"]


# Pictures


@pytest.fixture
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*given: object) -> None:
        raise AssertionError("something asked the network")

    monkeypatch.setattr(socket.socket, "connect", refused)
    monkeypatch.setattr(socket, "getaddrinfo", refused)


def test_text_in_a_picture_is_read_without_any_network(tmp_path: Path, no_network: None) -> None:
    found = list(image.read(kept(tmp_path / "notice", as_bytes(picture(*NOTICE)))))
    assert text_of(found) == " ".join(NOTICE)
    assert found[-1] == Progress(1, 1, "pages")


@pytest.mark.parametrize(("kind", "options"), [("JPEG", {"quality": 70}), ("WEBP", {"quality": 70})])
def test_other_formats_are_read_alike(kind: str, options: dict[str, Any]) -> None:
    found = image.read_image(as_bytes(picture(*NOTICE), kind, **options), Place(page=7))
    assert text_of(found) == " ".join(NOTICE)
    assert {block.place for block in found} == {Place(page=7)}


def test_a_photo_is_turned_as_its_camera_says() -> None:
    from PIL import Image

    turned = picture(*NOTICE).transpose(Image.Transpose.ROTATE_90)
    exif = Image.Exif()
    exif[0x0112] = 6
    assert "Harbour dues" in text_of(image.read_image(as_bytes(turned, "JPEG", exif=exif)))


def test_black_letters_on_nothing_are_read_on_white() -> None:
    from PIL import Image, ImageOps

    letters = Image.new("RGBA", (640, 320), (0, 0, 0, 0))
    letters.paste((0, 0, 0, 255), (0, 0), ImageOps.invert(picture(*NOTICE).convert("L")))
    assert "Harbour dues" in text_of(image.read_image(as_bytes(letters)))


def test_pages_of_a_fax_are_told_apart_and_the_empty_one_is_named(tmp_path: Path) -> None:
    pages = [picture("First page here"), picture(), picture("Third page here")]
    data = as_bytes(pages[0], "TIFF", save_all=True, append_images=pages[1:])
    found = list(image.read(kept(tmp_path / "fax", data)))
    assert [(block.text, block.place.page) for block in blocks(found)] == [
        ("First page here", 1),
        ("Third page here", 3),
    ]
    assert unread(found) == [Unread("page 2", image.NO_TEXT)]
    assert [item.done for item in found if isinstance(item, Progress)] == [1, 2, 3]


def test_a_long_screenshot_is_read_in_pieces_that_cut_no_line() -> None:
    lines = [f"Entry {number} of the log" for number in range(30)]
    long = picture(*lines, size=(500, 9000), letters=200)
    strips = list(image._strips(long))
    assert sum(strip.height for strip in strips) == 9000
    assert len(strips) > 1
    for strip in strips[:-1]:
        assert strip.crop((0, strip.height - 1, strip.width, strip.height)).getextrema() == ((255, 255),) * 3


def test_a_picture_without_text_is_unread_and_no_mistake(tmp_path: Path) -> None:
    assert unread(list(image.read(kept(tmp_path / "grey", as_bytes(picture()))))) == [Unread("image", image.NO_TEXT)]


def bomb() -> bytes:
    """A PNG of a few bytes that says it has 60,000 x 60,000 pixels."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = chunk(b"IHDR", struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")


@pytest.mark.parametrize(
    ("data", "error"),
    [
        (as_bytes(picture(*NOTICE))[:2000], Unreadable),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", UnknownMedium),
        (b"no picture at all", UnknownMedium),
        (bomb(), TooMuch),
    ],
    ids=["cut", "postscript", "text", "bomb"],
)
def test_a_bad_picture_is_refused_with_its_reason(tmp_path: Path, data: bytes, error: type[Exception]) -> None:
    with pytest.raises(error):
        list(image.read(kept(tmp_path / "bad", data)))


def test_without_the_packages_it_is_said_that_nothing_reads_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(image, "installed", lambda *_: False)
    monkeypatch.setattr(sound, "installed", lambda *_: False)
    monkeypatch.setattr(scan, "installed", lambda *_: False)
    path = kept(tmp_path / "notice", as_bytes(picture(*NOTICE)))
    with pytest.raises(media.MediaUnavailable, match="images and scanned pages"):
        list(image.read(path))
    with pytest.raises(media.MediaUnavailable, match="audio and video"):
        list(sound.read(ENGLISH))
    with scan.Scan(scanned(tmp_path / "scan.pdf", [picture(*NOTICE)])) as pages:
        assert list(pages.read_page(1)) == [Unread("page 1", scan.NO_READER)]


# Scans


def test_scanned_pages_are_read_the_blank_one_passed_over_the_photo_named(tmp_path: Path) -> None:
    photo = picture()
    photo.paste((90, 120, 60), (100, 80, 500, 250))
    pdf = scanned(tmp_path / "scan.pdf", [picture(*NOTICE), picture(), photo])
    found = read_whole(pdf)
    assert [(block.text, block.place.page) for block in blocks(found)] == [(" ".join(NOTICE), 1)]
    assert unread(found) == [Unread("page 3", image.NO_TEXT)]
    assert [item.done for item in found if isinstance(item, Progress)][-1] == 3


def test_only_so_many_scans_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scan, "MAX_PAGES", 1)
    with scan.Scan(scanned(tmp_path / "scan.pdf", [picture("One page"), picture("Two pages")])) as pages:
        assert text_of(list(pages.read_page(1, ("Chapter",)))) == "One page"
        assert list(pages.read_page(2)) == [Unread("page 2", scan.TOO_MANY)]


def test_a_page_that_is_not_there_is_unread(tmp_path: Path) -> None:
    with scan.Scan(scanned(tmp_path / "scan.pdf", [picture("One page")])) as pages:
        (item,) = pages.read_page(9)
    assert isinstance(item, Unread)
    assert "damaged" in item.reason


# Sound


@pytest.mark.model
def test_speech_is_read_with_its_seconds(whisper_weights: None) -> None:
    found = read_whole(ENGLISH)
    first, *_, last = blocks(found)
    assert "museum opens" in first.text
    assert first.place.second == 0
    whale = next(block for block in blocks(found) if "whale" in block.text)
    assert whale.place.second is not None
    assert 8 < whale.place.second < 11
    assert last.place.second_end is not None
    assert last.place.second_end <= 16.3
    assert not unread(found)
    assert found[-1] == Progress(16, 16, "seconds")


@pytest.mark.model
@pytest.mark.parametrize("name", ["talk.mp4", "talk.mkv"])
def test_the_sound_track_of_a_video_is_read(whisper_weights: None, tmp_path: Path, name: str) -> None:
    found = read_whole(film(tmp_path / name, samples_of()))
    assert "museum is closed" in text_of(found)
    assert "blue whale" in text_of(found)


@pytest.mark.model
def test_a_language_that_the_model_does_not_know_is_not_made_up(whisper_weights: None) -> None:
    found = list(sound.read(FRENCH))
    assert not blocks(found)
    assert [item.reason for item in unread(found)] == [sound.NOT_UNDERSTOOD]


@pytest.mark.model
@pytest.mark.parametrize("kind", ["silence", "noise", "tone"])
def test_sound_without_speech_is_unread_and_nothing_is_made_up(
    whisper_weights: None, tmp_path: Path, kind: str
) -> None:
    seconds = np.arange(4 * 16_000) / 16_000
    random = np.random.default_rng(7)
    waves = {
        "silence": 0 * seconds,
        "noise": random.normal(0, 4000, len(seconds)),
        "tone": 9000 * np.sin(2764 * seconds),
    }
    found = list(sound.read(sound_file(tmp_path / "quiet.wav", waves[kind])))
    assert not blocks(found)
    assert unread(found) == [Unread("sound", sound.NO_SPEECH)]


@pytest.mark.model
def test_what_comes_before_the_start_is_not_read_again(whisper_weights: None) -> None:
    found = list(sound.read(ENGLISH, start=8.0))
    assert "museum" not in text_of(found)
    assert "blue whale" in text_of(found)
    assert 8 < (blocks(found)[0].place.second or 0) < 11


@pytest.mark.model
def test_a_long_recording_is_read_window_by_window_with_true_seconds(
    whisper_weights: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(track, "_WINDOW_SECONDS", 20)
    monkeypatch.setattr(track, "_SEARCHED_SECONDS", 10)
    twice = sound_file(tmp_path / "twice.flac", np.concatenate([samples_of(), samples_of()]), "flac")
    found = list(sound.read(twice))
    museums = [block.place.second for block in blocks(found) if "museum opens" in block.text]
    assert len(museums) == 2
    assert museums[1] == pytest.approx(16.2, abs=1.0)


def test_a_video_without_sound_is_unread(tmp_path: Path) -> None:
    assert list(sound.read(film(tmp_path / "mute.mp4", None))) == [Unread("sound", sound.NO_TRACK)]


def test_windows_hold_all_sound_once_and_end_where_it_is_quiet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(track, "_WINDOW_SECONDS", 20)
    monkeypatch.setattr(track, "_SEARCHED_SECONDS", 10)
    seconds = np.arange(65 * 16_000) / 16_000
    loud = 8000 * np.sin(2764 * seconds) * (seconds % 7 < 6)  # every seventh second is silent
    opened = track.open_track(sound_file(tmp_path / "bars.wav", loud))
    assert opened is not None
    with closing(opened):
        windows = list(opened.windows())
    assert sum(len(window.samples) for window in windows) == len(loud)
    assert max(len(window.samples) for window in windows) < 21 * 16_000
    assert len(windows) > 3
    assert all(6 < window.end % 7 < 7 for window in windows[:-1])
    assert windows[-1].end == pytest.approx(65)


def playlist(path: Path) -> Path:
    return kept(path, f"#EXTM3U\n#EXTINF:16,\nfile://{ENGLISH}\n#EXT-X-ENDLIST\n".encode())


def test_a_playlist_opens_nothing_else(tmp_path: Path) -> None:
    with pytest.raises(Unreadable):
        list(sound.read(playlist(tmp_path / "list.m3u8")))
    listed = kept(tmp_path / "list.ffconcat", f"ffconcat version 1.0\nfile '{ENGLISH}'\n".encode())
    with pytest.raises(Unreadable):
        list(sound.read(listed))


def test_noise_that_calls_itself_sound_is_refused(tmp_path: Path) -> None:
    noise = np.random.default_rng(1).bytes(50_000)
    with pytest.raises(Unreadable):
        list(sound.read(kept(tmp_path / "song.mp3", b"RIFF\0\0\0\0WAVE" + noise)))


@pytest.mark.model
def test_of_a_recording_that_breaks_off_the_beginning_is_read(whisper_weights: None, tmp_path: Path) -> None:
    whole = sound_file(tmp_path / "whole.flac", samples_of(), "flac").read_bytes()
    middle = len(whole) // 2
    broken = whole[:middle] + bytes(len(whole) - middle)
    found = list(sound.read(kept(tmp_path / "broken.flac", broken)))
    assert "museum opens" in text_of(found)
    assert sound.DAMAGED in {item.reason for item in unread(found)}


def test_a_recording_of_days_is_refused_before_it_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(track, "MAX_SECONDS", 10)
    with pytest.raises(TooMuch, match="long"):
        list(sound.read(ENGLISH))


# The weights


@pytest.fixture
def toy_weights(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, publisher: Publisher) -> Iterator[bytes]:
    """A model of one file, offered by a publisher of ours and by nobody else."""
    data = np.random.default_rng(3).bytes(600_000)
    monkeypatch.setenv("ANIMA_MODEL_DIR", str(tmp_path / "models"))
    monkeypatch.setattr(publisher_source, "PATIENCE_SECONDS", 0.3)
    toy = entries.Asset(
        "toy",
        "toy/model.bin",
        f"{publisher.url}/toy",
        len(data),
        hashlib.sha256(data).hexdigest(),
        "MIT",
        "ctranslate2",
    )
    monkeypatch.setattr(entries, "built_in", lambda: {"toy": toy})
    monkeypatch.setattr(entries, "_mirrors", list)
    monkeypatch.setattr(whisper, "ASSETS", ("toy",))
    config.settings.cache_clear()
    yield data
    monkeypatch.undo()
    config.settings.cache_clear()


def test_weights_are_fetched_when_first_needed_and_told_in_bytes(toy_weights: bytes, publisher: Publisher) -> None:
    publisher.files["/toy"] = toy_weights
    told = list(whisper.prepare())
    assert told[-1] == Progress(len(toy_weights), len(toy_weights), "bytes")
    assert assets.path_of("toy").read_bytes() == toy_weights
    assert list(whisper.prepare()) == []


def test_weights_that_cannot_be_had_are_an_error_that_says_why(toy_weights: bytes, publisher: Publisher) -> None:
    publisher.status = 503
    with pytest.raises(assets.AssetUnavailable, match="503"):
        list(read_apart(ENGLISH, medium_of(ENGLISH)))


def test_a_download_that_nobody_waits_for_ends(toy_weights: bytes, publisher: Publisher) -> None:
    publisher.files["/toy"] = toy_weights
    publisher.breaks_after = 100_000
    waiting = whisper.prepare()
    assert isinstance(next(waiting), Progress)
    waiting.close()  # type: ignore[attr-defined]
    deadline = time.monotonic() + 10
    while any(each.name == "whisper-weights" for each in threading.enumerate()):
        assert time.monotonic() < deadline
        time.sleep(0.01)


@pytest.mark.model
def test_another_model_is_taken_where_the_settings_name_its_folder(
    whisper_weights: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("ANIMA_WHISPER_MODEL", str(tmp_path / "mine"))
    config.settings.cache_clear()
    with pytest.raises(config.BadSettings, match=r"mine holds no model\.bin"):
        list(read_apart(ENGLISH, medium_of(ENGLISH)))
    (tmp_path / "mine").symlink_to(assets.path_of(whisper.ASSETS[0]).parent)
    assert "blue whale" in text_of(read_whole(ENGLISH))
    assert whisper.folder() == tmp_path / "mine"
    monkeypatch.undo()
    config.settings.cache_clear()


# What a picture shows


def test_a_model_that_sees_is_given_the_picture_and_asked_for_words(stub_llm: StubLLM, tmp_path: Path) -> None:
    stub_llm.script("A grey\nharbour   with two boats.")
    path = kept(tmp_path / "photo", as_bytes(picture(size=(3000, 1500)), "JPEG"))
    png = vision.png_of(path)
    endpoint = Endpoint(stub_llm.url)

    def ask(messages: Sequence[dict[str, Any]]) -> str:
        call = Call(endpoint, "sees", messages, max_tokens=300, deadline=time.monotonic() + 30)  # type: ignore[arg-type]
        return complete(call).text

    assert vision.describe(png, ask) == "A grey harbour with two boats."
    words, shown = stub_llm.chats[-1].messages[0]["content"]
    assert words["type"] == "text"
    assert shown["image_url"]["url"].startswith("data:image/png;base64,")
    from PIL import Image

    with Image.open(io.BytesIO(png)) as sent:
        assert (sent.format, sent.size) == ("PNG", (1024, 512))


def test_a_description_without_end_is_cut_at_a_word() -> None:
    said = vision.describe(b"png", lambda _: "word " * 5000)
    assert len(said) <= vision.MAX_CHARS
    assert said.endswith("word")

"""The lines of a file that a job writes and cuts: read as they come, none twice and none left out."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from gpu_jobs.simulate.live_samples import Samples
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from anima.vendors import job_lines
from anima.vendors.job_lines import JobLines


class Written:
    """A file of numbered lines, written as a run writes its samples; the last may be there in part only."""

    def __init__(self, path: Path) -> None:
        self.path, self.lines, self._rest = path, list[bytes](), b""

    def write(self, count: int, held_back: int = 0) -> None:
        """Adds lines, but for so many bytes of the last, which come the next time."""
        numbers = range(len(self.lines), len(self.lines) + count)
        self.lines += [b"%d" % number + b"." * (number % 40) for number in numbers]
        new = self._rest + b"".join(self.lines[number] + b"\n" for number in numbers)
        now = max(0, len(new) - held_back)
        self._rest = new[now:]
        with self.path.open("ab") as file:
            file.write(new[:now])

    def cut(self, share: float) -> None:
        """Gives up the older part, by another file in its place."""
        held = self.path.read_bytes() if self.path.exists() else b""
        if b"\n" in held[int(len(held) * share) :]:
            draft = self.path.with_suffix(".draft")
            draft.write_bytes(held[held.index(b"\n", int(len(held) * share)) + 1 :])
            draft.replace(self.path)


WRITTEN = st.tuples(st.just("write"), st.integers(0, 60), st.integers(0, 9))
LIFE = st.lists(st.one_of(WRITTEN, st.just(("look",)), st.tuples(st.just("cut"), st.floats(0.0, 0.95))), max_size=25)


@pytest.mark.parametrize(("read", "known"), [(64, 64), (1 << 20, 1 << 12)])
def test_no_line_is_lost_or_repeated_however_the_file_is_cut(
    monkeypatch: pytest.MonkeyPatch, read: int, known: int
) -> None:
    monkeypatch.setattr(job_lines, "_MOST_READ", read)
    monkeypatch.setattr(job_lines, "_KNOWN", known)

    @settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
    @given(life=LIFE)
    def lived(life: list[tuple[object, ...]]) -> None:
        with tempfile.TemporaryDirectory() as folder:
            written = Written(Path(folder, "live.jsonl"))
            reader, found = JobLines(written.path), list[bytes]()
            for what, *how in [*life, ("write", 1, 0), ("look",)]:
                if what == "look":
                    found += reader.new()
                else:
                    if what == "cut":  # one that looks ten times a second has read what is cut off
                        found += reader.new()
                    getattr(written, str(what))(*how)
            assert found == written.lines

    lived()


def test_what_was_cut_before_it_was_read_is_all_that_is_missing(tmp_path: Path) -> None:
    written = Written(tmp_path / "live.jsonl")
    reader = JobLines(written.path)
    assert list(reader.new()) == []
    written.write(10)
    assert list(reader.new()) == written.lines
    written.write(100)
    written.cut(0.9)
    left = written.path.read_bytes().splitlines()
    assert list(reader.new()) == left == written.lines[-len(left) :]


def test_the_end_of_a_long_file_is_read_at_first_and_then_every_line(tmp_path: Path) -> None:
    written = Written(tmp_path / "live.jsonl")
    written.write(500, 3)
    reader = JobLines(written.path, most_at_first=300)
    first = list(reader.new())
    assert 3 < len(first) < 30
    assert first == written.lines[499 - len(first) : 499]
    written.write(200)
    written.cut(0.5)
    assert list(reader.new()) == written.lines[499:]


def test_lines_that_repeat_themselves_are_told_apart_by_those_before(tmp_path: Path) -> None:
    path = tmp_path / "live.jsonl"
    path.write_text("a\nb\nsame\nsame\nc\nsame\n")
    reader = JobLines(path)
    assert len(list(reader.new())) == 6
    (tmp_path / "draft").write_text("same\nc\nsame\nd\nsame\n")
    (tmp_path / "draft").replace(path)
    assert list(reader.new()) == [b"d", b"same"]
    (tmp_path / "draft").write_text("of another run\n")
    (tmp_path / "draft").replace(path)
    assert list(reader.new()) == [b"of another run"]


def test_a_line_without_end_holds_nobody_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(job_lines, "_MOST_READ", 16)
    path = tmp_path / "live.jsonl"
    path.write_bytes(b"x" * 100 + b'\n{"step": 1}\n')
    assert list(JobLines(path).new())[-1] == b'{"step": 1}'
    path.write_bytes(b"x" * 100)
    tail = JobLines(path, most_at_first=10)
    assert list(tail.new()) == []
    with path.open("ab") as file:
        file.write(b"\n1\n2\n")
    assert list(tail.new()) == [b"1", b"2"]


def test_samples_keep_their_numbers_where_the_file_is_cut(tmp_path: Path) -> None:
    written = Written(tmp_path / "live.jsonl")
    samples = Samples(written.path)
    written.write(20)
    assert [number for number, _ in samples.after(0)] == list(range(1, 21))
    written.cut(0.5)
    written.write(5)
    assert samples.after(20) == list(enumerate(written.lines[20:], 21))

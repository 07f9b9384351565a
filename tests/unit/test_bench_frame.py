"""The frame of the benches: whose ratio is above 1, in which order sides run, what the file holds."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.bench import frame


def test_a_ratio_above_one_means_that_anima_is_better() -> None:
    bench = frame.Bench("story")
    assert bench.figure("latency", 2.0, "ms", peer="them", peer_value=6.0).ratio == 3.0
    assert bench.figure("throughput", 30.0, "MB/s", peer="them", peer_value=10.0, more_is_better=True).ratio == 3.0
    assert bench.figure("sql_round_trips", 4, "waits", peer="limit", peer_value=4).ratio == 1.0
    assert bench.figure("alone", 1.0, "ms").ratio is None


def test_sides_alternate_and_the_first_round_does_not_count() -> None:
    calls: list[str] = []

    def side(name: str) -> float:
        calls.append(name)
        return float(len(calls))

    sides = frame.Bench("story").alternate(ours=lambda: side("ours"), theirs=lambda: side("theirs"))
    assert calls == ["ours", "theirs", "ours", "theirs", "theirs", "ours", *calls[6:]]
    assert len(sides["ours"].values) == len(sides["theirs"].values) == 5
    assert sides["ours"].values == (3.0, 6.0, 7.0, 10.0, 11.0)
    assert (sides["ours"].median, sides["ours"].spread) == (7.0, (3.0, 11.0))


def test_the_file_names_machine_versions_load_and_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(frame, "ROOT", tmp_path)
    monkeypatch.setattr(frame, "OUTPUT", tmp_path / "build" / "bench")
    bench = frame.Bench("story")
    bench.figure("latency", frame.Sample((1.0, 2.0, 3.0)), "ms", peer="them", peer_value=4.0)
    assert bench.data("none.json") is None
    written = json.loads((tmp_path / bench.write()).read_text())
    assert {"name", "machine", "versions", "load", "command", "figures"} <= set(written)
    assert written["command"] == "make bench ONLY=story"
    row = {"figure": "latency", "value": 2.0, "unit": "ms", "peer": "them", "peer_value": 4.0, "ratio": 2.0}
    assert written["figures"] == [{**row, "spread": [1.0, 3.0]}]
    assert "none.json is not in BENCH_DATA" in bench.table()

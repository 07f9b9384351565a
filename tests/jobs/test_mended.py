"""What was found in the trainer by attacking it: it stays mended."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from gpu_jobs.simulate import telling
from gpu_jobs.simulate.failures import FolderInUse, NoRoom
from gpu_jobs.simulate.keeper import FolderKeeper
from gpu_jobs.simulate.telling import Telling

from anima.kernel.errors import BadInput
from anima.neuromodulation.simulation import read_object

PRIVATE = ("http://127.0.0.1:9/told", "http://10.1.2.3/told", "http://169.254.169.254/latest", "http://[::1]:9/told")


def asking(url: str) -> Any:
    """A file that names a plugin and a store of knowledge at an address."""
    plugin = {"name": "judge", "config": {"url": url, "timeout_seconds": 0.2}}
    return read_object({"plugins": [plugin], "knowledge_base": {"stores": ["physics"], "url": url}})


@pytest.mark.parametrize("url", PRIVATE)
def test_a_run_of_somebody_else_reaches_no_private_address(tmp_path: Path, url: str) -> None:
    run = Telling(asking(url), tmp_path, 0, own=False)
    run.tell(1, {"return_mean": 1.0})
    run.close()
    log = (tmp_path / "run.log").read_text()
    assert "the stores of knowledge did not answer" in log
    assert "a plugin did not answer plugin=judge" in log
    with pytest.raises(BadInput):
        telling.posted(url, {}, 0.2, own=False)


@pytest.mark.parametrize("own", [True, False])
def test_the_key_of_whoever_runs_this_place_goes_with_their_own_runs_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, own: bool
) -> None:
    given: list[Any] = []

    def posted(_url: str, _body: Any, _timeout: float, *, own: bool, key: str | None = None) -> str:
        given.append((own, key))
        return '{"hits": []}'

    monkeypatch.setattr(telling, "posted", posted)
    monkeypatch.setenv("ANIMA_URL", "https://anima.example")
    monkeypatch.setenv("ANIMA_API_KEY", "a-key")
    Telling(asking("https://anima.example"), tmp_path, 0, own=own).close()
    assert given == [(own, "a-key" if own else None)]


def test_half_a_checkpoint_takes_no_room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    keeper = FolderKeeper(tmp_path)
    keeper.save(1, {"steps": 1})

    def full(file: Any, **_: Any) -> None:
        file.write(b"half")
        raise OSError(errno.ENOSPC, "no space")

    monkeypatch.setattr(np, "savez", full)
    with pytest.raises(NoRoom):
        keeper.save(2, {"steps": 2})
    left = [path.name for path in (tmp_path / "checkpoints").glob("step-*")]
    assert left == ["step-000000000001.npz"]


def test_a_copy_of_a_trainer_that_outlives_it_holds_no_folder(tmp_path: Path) -> None:
    """An environment that forks a helper: after a kill -9 of the trainer, the folder would be in use for ever."""
    script = "import os, sys, time; from pathlib import Path; from gpu_jobs.simulate.keeper import FolderKeeper\n"
    script += "kept = FolderKeeper(Path(sys.argv[1]))\nif not (n := os.fork()): time.sleep(600)\nprint(n, flush=True)\n"
    script += "time.sleep(600)"
    paths = os.pathsep.join(filter(None, sys.path))
    trainer = subprocess.Popen(
        [sys.executable, "-c", script, str(tmp_path)],
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": paths},
        text=True,
    )
    assert trainer.stdout is not None
    copy = int(trainer.stdout.readline())
    try:
        with pytest.raises(FolderInUse):
            FolderKeeper(tmp_path)
        trainer.kill()
        trainer.wait()
        FolderKeeper(tmp_path).finish("completed")
    finally:
        os.kill(copy, signal.SIGKILL)
        trainer.stdout.close()


def test_a_run_goes_on_though_a_crash_of_the_machine_has_damaged_its_files(tmp_path: Path) -> None:
    keeper = FolderKeeper(tmp_path)
    for step in (1, 2):
        keeper.save(step, {"steps": step})
        keeper.log(step, value=1.0)
    keeper.finish("failed")
    newest = tmp_path / "checkpoints" / "step-000000000002.npz"
    whole = newest.read_bytes()
    place = whole.index(b"PK\x01\x02")  # of an entry in the directory of the archive
    for at, wrong in ((6, 99), (8, 1), (10, 7)):  # its version, that it is encrypted, how it is compressed
        newest.write_bytes(whole[: place + at] + bytes([wrong]) + whole[place + at + 1 :])
        with (tmp_path / "metrics.jsonl").open("ab") as metrics:
            metrics.write(bytes(8) + b"\n\xff\n{}\n7\n")
        again = FolderKeeper(tmp_path)
        assert (again.resume_step, again.load()) == (1, {"steps": 1})
        again.finish("failed")
        assert (tmp_path / "metrics.jsonl").read_text().count("\n") == 1

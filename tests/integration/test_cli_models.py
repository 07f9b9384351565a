"""`anima model` as a person types it: no server runs, and every command works on the database itself."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.numpy

from anima import registry
from anima.registry import service
from fixtures import model_folders
from fixtures.api import Person
from fixtures.house import House


@pytest.fixture
def here(tmp_path: Path, database: Any, alice: Person) -> House:
    """A machine of Alice's whose database is that of the tests."""
    return House(tmp_path, {"ANIMA_DATABASE_URL": database.owner_url, "ANIMA_API_KEY": alice.key})


def test_a_model_goes_in_is_looked_at_and_comes_out_bit_for_bit(here: House) -> None:
    folder = model_folders.gpt2(here.folder / "gpt", shards=2)
    assert here.say("model", "list").startswith("no models; `anima model import PATH`")
    made = here.json("model", "import", str(folder))
    assert (made["name"], made["version"], made["status"]) == ("gpt", 1, "trained")
    shown = here.say("model", "show", "gpt")
    assert f"{made['parameters']:,} parameters" in shown
    assert "0-1  2 alike" in shown
    assert max(map(len, shown.splitlines())) <= 80
    whole = here.say("model", "show", "gpt@1", "--whole")
    assert len(whole.splitlines()) > len(shown.splitlines())
    told = here.json("model", "show", made["model_id"])
    assert sum(int(np.prod(one["shape"])) for one in told["weights"]) == made["parameters"]
    out = here.folder / "out"
    here.say("model", "export", "gpt", str(out))
    assert model_folders.contents(out) == model_folders.contents(folder)
    refused = here.run("model", "export", "gpt", str(out))
    assert (refused.returncode, refused.stderr.startswith("error: ")) == (1, True)
    assert "is there already" in refused.stderr
    near = here.json("model", "nearest", "gpt", "king", "--k", "3")
    assert (near[0]["token"], len(near)) == ("king", 3)
    assert here.run("model", "show", "gpt@7").returncode == 1
    assert "There is no model nobody of yours." in here.run("model", "show", "nobody").stderr


def test_what_is_no_model_is_refused_and_nothing_is_entered(here: House) -> None:
    cut = here.folder / "cut.safetensors"
    cut.write_bytes(safetensors.numpy.save({"x": np.ones(64, dtype=np.float32)})[:-5])
    pickled = here.folder / "old.bin"
    pickled.write_bytes(b"\x80\x02}q\x00.")
    told = {wrong: here.run("model", "import", str(wrong)).stderr for wrong in (pickled, here.folder / "nowhere", "")}
    assert "convert it to safetensors" in told[pickled]
    assert "there is no such file or folder" in told[here.folder / "nowhere"]
    assert "say what is to be imported" in told[""]
    for wrong in (str(cut), str(here.folder / "nowhere"), str(here.folder)):
        done = here.run("model", "import", wrong, "--name", "x")
        assert (done.returncode, done.stderr[:7]) == (1, "error: "), done
        assert "Traceback" not in done.stderr
    assert here.json("model", "list") == []
    assert here.run("model", "import").returncode == 2


def test_versions_are_made_compared_deployed_and_taken_back(here: House) -> None:
    here.say("model", "import", str(model_folders.gpt2(here.folder / "gpt")))
    small = here.json("model", "quantize", "gpt", "--bits", "4", "--group-size", "16")
    assert small["model"]["version"] == 2
    assert small["deviations"]
    whole = here.json("model", "show", "gpt@1")["parameters"]
    assert f"{whole:,} parameters" in here.say("model", "show", "gpt@2")  # as many, though packed
    said = here.say("model", "prune", "gpt@1", "--share", "0.5")
    assert said.startswith("gpt@3  trained")
    assert "relative" in said
    assert here.run("model", "prune", "gpt@1", "--share", "1.5").returncode == 1
    assert here.run("model", "prune", "gpt@1", "--share", "0.5", "--method", "luck").returncode == 2
    assert here.run("model", "prune", "gpt@1", "--share", "0.5", "--method", "heads", "--keep", "*").returncode == 2
    compared = here.json("model", "checkpoint", "diff", "gpt@1", "gpt@3")
    assert compared["counts"]["changed"] == len(compared["differences"])
    assert "the same" in here.say("model", "checkpoint", "diff", "gpt@1", "gpt@1")
    lineage = here.say("model", "lineage", "gpt@1")
    assert "<- this one" in lineage
    assert "gpt@2" in lineage
    assert "gpt@3" in lineage
    for version in ("gpt@1", "gpt@3"):
        here.say("model", "deploy", version)
    assert here.json("model", "rollback", "gpt")["version"] == 1
    assert [one["version"] for one in here.json("model", "deployments", "gpt")] == [1, 3, 1]
    refused = here.run("model", "delete", "gpt@1", "--yes")
    assert "is deployed" in refused.stderr
    here.say("model", "delete", "gpt@3", "--yes")
    assert [one["version"] for one in here.json("model", "list", "--name", "gpt")] == [2, 1]
    assert here.run("model", "delete", "gpt@2").returncode == 1  # nobody answered


def test_damage_is_named_and_what_nobody_needs_is_collected(here: House) -> None:
    path = here.folder / "big.safetensors"
    path.write_bytes(safetensors.numpy.save({"x": np.random.default_rng(0).random(1_000_000, dtype=np.float32)}))
    here.say("model", "import", str(path))
    assert here.say("model", "verify", "big").strip() == "every chunk is whole"
    assert here.json("model", "usage")["n_bytes"] >= 4_000_000
    (pack,) = (here.data_dir / "tensors").rglob("*.pack")
    content = bytearray(pack.read_bytes())
    content[2_000_000] ^= 1
    pack.chmod(0o600)
    pack.write_bytes(content)
    done = here.run("model", "verify")
    assert done.returncode == 1
    assert done.stdout.splitlines()[1].split()[:2] == ["x", "0"]
    out = here.folder / "out"
    failed = here.run("model", "export", "big", str(out))
    assert failed.returncode == 1
    assert "amaged" in failed.stderr
    assert not list(out.rglob("*.safetensors")) if out.exists() else True
    here.say("model", "delete", "big", "--yes")
    gone = here.json("model", "collect", "--grace", "0")
    assert gone["tensors"] >= 1
    assert here.json("model", "usage")["n_bytes"] == 0


def test_a_run_is_looked_at_and_its_checkpoints_are_used(here: House, alice: Person) -> None:
    model = service.create(alice.principal, "net", "other", {})
    run = registry.runs.begin(alice.principal, "warm", model_id=model.model_id)
    weights = {"layer.weight": np.zeros((4, 4), dtype=np.float32), "layer.bias": np.zeros(4, dtype=np.float32)}
    saved = []
    for step in (1, 2, 3):
        run.log(step, loss=3.0 / step, norm=math.nan)
        weights["layer.weight"] += 1
        saved.append(run.save(weights, step=step, metrics={"loss": 3.0 / step}, rng=False, wait=True).wait())
    run.finish()
    assert here.json("model", "runs", "net")[0]["status"] == "completed"
    assert here.say("model", "metrics", "warm") == here.say("model", "metrics", str(run.session_id))
    assert "There is no training run cold of yours" in here.run("model", "metrics", "cold").stderr
    told = here.say("model", "metrics", str(run.session_id))
    assert "loss" in told
    assert "█" in told
    assert here.json("model", "metrics", str(run.session_id), "--name", "loss")[0]["values"] == 3
    assert here.json("model", "metrics", str(run.session_id), "--name", "norm")[0]["last"] is None
    listed = here.json("model", "checkpoint", "list", "--run", str(run.session_id))
    assert [(one["step"], one["run_id"]) for one in listed] == [(step, str(run.session_id)) for step in (3, 2, 1)]
    first, last = listed[-1]["checkpoint_id"], listed[0]["checkpoint_id"]
    compared = here.json("model", "checkpoint", "diff", first, last, "--all")
    assert {one["name"]: one["state"] for one in compared["differences"]} == {
        "layer.weight": "changed",
        "layer.bias": "same",
    }
    by_loss = here.json("model", "checkpoint", "best", "--run", str(run.session_id), "--metric", "loss")
    assert by_loss["checkpoint_id"] == last
    nowhere = here.run("model", "checkpoint", "best", "--run", "warm", "--metric", "accuracy")
    assert (nowhere.returncode, nowhere.stdout) == (1, "")
    assert "no checkpoint was saved with the metric accuracy" in nowhere.stderr
    assert here.json("model", "checkpoint", "best", "--set", first)["is_best"]
    assert here.json("model", "checkpoint", "best", "--run", str(run.session_id))["checkpoint_id"] == first
    assert here.json("model", "checkpoint", "show", last)["tensors"]
    file = here.folder / "net.safetensors"
    here.say("model", "checkpoint", "export", last, str(file))
    assert np.array_equal(safetensors.numpy.load_file(file)["layer.weight"], np.full((4, 4), 3, dtype=np.float32))
    assert here.run("model", "checkpoint", "export", last, str(file)).returncode == 1
    promoted = here.json("model", "checkpoint", "promote", last)
    assert (promoted["name"], promoted["version"], promoted["parameters"]) == ("net", 2, 20)
    here.say("model", "checkpoint", "delete", first, "--yes")
    assert "is no id" in here.run("model", "checkpoint", "show", "first").stderr
    assert here.run("model", "checkpoint", "list").returncode == 1


def test_an_example_is_made_and_a_key_of_elsewhere_is_told(here: House) -> None:
    made = here.json("model", "example")
    assert made["name"] == "example"
    assert [one["path"] for one in here.json("model", "show", "example")["files"]] == ["config.json"]
    assert here.json("model", "status", "example", "training")["status"] == "training"
    stranger = here.run("model", "list", ANIMA_API_KEY="anima_of-another-place")
    assert stranger.returncode == 1
    assert "ANIMA_DATABASE_URL" in stranger.stderr
    here.settings = {name: value for name, value in here.settings.items() if name != "ANIMA_API_KEY"}
    assert "run `anima up` once" in here.run("model", "list").stderr

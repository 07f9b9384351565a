"""`anima ask`, `anima review` and `anima summarise` as a person types them, against a server that runs."""

from __future__ import annotations

from pathlib import Path

import pytest

from fixtures.house import House
from fixtures.stub_llm import StubLLM

pytestmark = pytest.mark.model
TEXT = "The notice period of the Heron contract is three months.\n\nThe rent is due on the first of each month.\n"


@pytest.fixture(scope="module")
def contract(up: House, tmp_path_factory: pytest.TempPathFactory) -> int:
    """A document that was brought in."""
    path = tmp_path_factory.mktemp("files") / "heron.txt"
    path.write_text(TEXT)
    (row,) = up.json("ingest", str(path))
    assert row["state"] == "done"
    return int(row["document_id"])


def test_an_answer_names_its_source(up: House, contract: int, stub_llm: StubLLM) -> None:
    stub_llm.script("The notice period is three months.")
    said = up.say("ask", "What does the Heron contract say about the notice period?")
    assert said.startswith("The notice period is three months [1].\n  [1] heron.txt")


def test_a_document_is_summed_up_with_its_cost_told_before(up: House, contract: int, stub_llm: StubLLM) -> None:
    told = up.json("summarise", str(contract), "--estimate")
    assert (told["mode"], told["calls"]) == ("one_piece", 1)
    stub_llm.script("The rent is due on the first of each month.")
    done = up.run("summarise", str(contract), "--sentences", "1")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("The rent is due on the first of each month [1].")
    assert "1 call: about" in done.stderr
    own = up.say("summarise", str(contract), "--mode", "extractive", "--sentences", "1")
    assert own.split(" [1]")[0] in TEXT
    assert up.run("summarise", "999999").returncode == 1


def test_a_review_fails_where_something_is_grave(up: House, tmp_path: Path) -> None:
    bad, good = tmp_path / "bad.py", tmp_path / "good.py"
    bad.write_text("x = 1\nsubprocess.run(cmd, shell=True)\n")
    good.write_text("x = 1\n")
    done = up.run("review", str(bad), "--focus", "security")
    assert done.returncode == 1
    assert done.stdout.startswith("bad.py:2: high (security): ")
    assert up.run("review", str(good)).returncode == 0
    assert up.run("review", str(tmp_path / "none.py")).returncode == 1

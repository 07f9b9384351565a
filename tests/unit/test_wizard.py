"""The wizard and the other commands of personalities, as a person types them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from anima import personality as personalities
from anima.cli import editing, wizard
from anima.cli.main import main
from anima.cli.wizard_words import QUESTIONS
from anima.kernel.errors import BadInput
from anima.personality import cards


class Typist:
    """Somebody who types these lines, and what they were shown."""

    def __init__(self, *lines: str) -> None:
        self._lines: Iterator[str] = iter(lines)
        self.shown: list[str] = []

    def ask(self, prompt: str) -> str:
        self.shown.append(prompt)
        try:
            return next(self._lines)
        except StopIteration:
            raise EOFError from None

    def made(self, language: str = "English", start: dict[str, Any] | None = None) -> dict[str, Any]:
        return wizard.asked(self.ask, self.shown.append, language, start)


def enters(count: int) -> list[str]:
    return [""] * count


def test_a_name_is_enough() -> None:
    made = Typist("Mo", *enters(len(QUESTIONS) - 1)).made()
    assert made["persona"] == {"language": "English", "name": "Mo", "emojis": "none"}
    assert made["hierarchical_config"]["relationship_levels"][0]["name"] == "stranger"
    assert personalities.errors(made) == []


def test_each_answer_becomes_a_part() -> None:
    answers = ["Mo", "You are a robot.", "dry", "5", "1", "quiet", "4", "", "sarcastic", "3", "2", "tea, chess"]
    made = Typist(*answers[:5], "1", *answers[6:], "Never lie.; Never shout.", "1", "2", "4").made()
    assert made["persona"]["tone"] == "dry"
    assert made["persona"]["limits"] == ["Never lie.", "Never shout."]
    assert made["big_five"] == {
        "openness": 0.9,
        "conscientiousness": 0.1,
        "extraversion": 0.1,
        "agreeableness": 0.7,
        "neuroticism": 0.5,
    }
    assert (made["humour_style"], made["love_language"], made["attachment_style"]) == ("sarcastic", "time", "secure")
    assert made["interests"] == ["tea", "chess"]
    assert (made["advanced_parameters"]["verbosity"], made["persona"]["emojis"]) == ("brief", "few")
    levels = made["hierarchical_config"]["relationship_levels"]
    assert [level["affinity_range"] for level in levels] == [[0, 35], [35, 65], [65, 90], [90, 100]]


def test_one_can_go_back_and_see_examples() -> None:
    typist = Typist("<", "Mo", "?", "<", "Mia", *enters(len(QUESTIONS) - 1))
    assert typist.made()["persona"]["name"] == "Mia"
    assert any("lighthouse" in one for one in typist.shown)
    assert any(one == "[Mo] > " for one in typist.shown)


def test_what_does_not_fit_is_asked_again() -> None:
    typist = Typist("", "x" * 101, "Mo", *enters(2), "6", "0", "many", "3", *enters(len(QUESTIONS) - 4))
    assert typist.made()["persona"]["name"] == "Mo"
    assert sum("a number from 1 to 5" in one for one in typist.shown) == 3
    assert any(one == "(it needs one)" for one in typist.shown)
    assert any("100 characters" in one for one in typist.shown)


def test_the_questions_are_asked_in_french_too() -> None:
    typist = Typist("Zoé", *enters(len(QUESTIONS) - 1))
    made = typist.made("French")
    assert made["persona"]["language"] == "French"
    assert made["hierarchical_config"]["relationship_levels"][0]["name"] == "inconnu"
    assert any("Comment s'appelle" in one for one in typist.shown)


def test_one_may_begin_from_another() -> None:
    luna = personalities.load_ready("luna")
    same = Typist(*enters(len(QUESTIONS))).made(start=luna)
    assert same["moods"] == luna["moods"]
    assert same["persona"]["description"] == luna["persona"]["description"]
    assert same["hierarchical_config"] == luna["hierarchical_config"]
    plain = Typist("Mo", *["-"] * 2, *enters(len(QUESTIONS) - 4), "1").made(start=luna)
    assert "tone" not in plain["persona"]
    assert "hierarchical_config" not in plain


def test_answers_that_end_too_soon_make_nothing() -> None:
    with pytest.raises(BadInput, match="answers ended"):
        Typist("Mo").made()


# The commands


def run(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    """What a command prints, and how it ends."""
    code = 0
    try:
        main(["personality", *words])
    except SystemExit as end:
        code = int(end.code or 0)
    out, err = capsys.readouterr()
    return code, out, err


def test_validate_tells_line_and_column(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    file = tmp_path / "mia.json"
    file.write_text('{\n  "persona": {\n    "name": "Mia",\n    "colour": "red"\n  }\n}')
    code, out, err = run(capsys, "validate", str(file))
    assert (code, out) == (1, "")
    assert err.startswith(f"{file}:4:5: persona.colour: ")
    code, out, _ = run(capsys, "validate", str(file), "--json")
    assert code == 1
    assert json.loads(out)["errors"][0]["line"] == 4
    file.write_text('{"persona": {"name": "Mia"}}')
    assert run(capsys, "validate", str(file)) == (0, "valid\n", "")
    assert run(capsys, "validate", "luna") == (0, "valid\n", "")


def test_a_card_is_taken_wherever_a_personality_is(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    card = tmp_path / "rook.png"
    card.write_bytes(cards.file(personalities.load_ready("rook"), "png"))
    assert run(capsys, "validate", str(card)) == (0, "valid (a character card)\n", "")
    code, out, _ = run(capsys, "diff", "rook", str(card))
    assert code == 0
    assert {line.partition(":")[0] for line in out.splitlines()} == {"$schema", "source"}
    assert run(capsys, "compile", str(card))[1].startswith("You are Rook.")
    card.write_bytes(card.read_bytes()[:-9])
    code, _, err = run(capsys, "compile", str(card))
    assert code == 1
    assert "damaged" in err


def test_compile_with_mood_and_emotions(capsys: pytest.CaptureFixture[str]) -> None:
    _, out, _ = run(capsys, "compile", "luna", "--affinity", "80", "--mood", "cheerful:0.9", "--emotion", "joy:0.9")
    assert "close friend" in out
    assert "very cheerful" in out
    assert "joy" in out
    _, out, _ = run(capsys, "compile", "luna", "--json", "--name", "Selene")
    assert json.loads(out)["conduct"]["max_sentences"]
    assert "Selene" in json.loads(out)["system"]
    for wrong in ("cheerful:2", ":0.3", "cheerful:x", "cherful"):
        assert run(capsys, "compile", "luna", "--mood", wrong)[0] == 1
    assert "cheerful, tender" in run(capsys, "compile", "luna", "--mood", "cherful")[2]


def test_random_is_the_same_for_the_same_seed(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    first, second = (run(capsys, "random", "--seed", "7")[1] for _ in range(2))
    assert first == second
    file = tmp_path / "new.json"
    assert run(capsys, "random", "--french", "--out", str(file))[0] == 0
    made = json.loads(file.read_text())
    assert made["persona"]["language"] == "français"
    assert personalities.errors(made) == []


def test_schema_list_and_difference(capsys: pytest.CaptureFixture[str]) -> None:
    assert json.loads(run(capsys, "schema")[1]) == personalities.SCHEMA
    assert [one["name"] for one in json.loads(run(capsys, "list", "--json")[1])] == personalities.ready()
    assert run(capsys, "diff", "luna", "luna")[1] == "they say the same\n"
    assert "persona.name" in run(capsys, "diff", "luna", "rook")[1]


def test_a_source_that_is_none_is_told(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    for source in ("nobody", str(tmp_path), str(tmp_path / "gone.json")):
        code, _, err = run(capsys, "compile", source)
        assert code == 1
        assert err.startswith("error: ")


def test_the_wizard_at_the_command_line(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    lines = iter(["Mo", *enters(len(QUESTIONS) - 1)])
    monkeypatch.setattr("builtins.input", lambda: next(lines))
    file = tmp_path / "mo.json"
    code, out, err = run(capsys, "wizard", "--out", str(file))
    assert (code, out) == (0, "")
    assert "You are Mo." in err
    assert json.loads(file.read_text())["persona"]["name"] == "Mo"
    assert run(capsys, "wizard", "--out", str(file))[0] == 1  # nothing is overwritten


def test_a_personality_in_an_editor(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    editor = tmp_path / "editor.sh"
    editor.write_text('#!/bin/sh\nsed -i "s/warm/dry/" "$1"\n')
    editor.chmod(0o700)
    monkeypatch.setenv("VISUAL", str(editor))
    luna = personalities.load_ready("luna")
    assert editing.edited(luna)["persona"]["tone"] == luna["persona"]["tone"].replace("warm", "dry")
    editor.write_text("#!/bin/sh\nexit 3\n")
    with pytest.raises(editing.EditorFailed):
        editing.edited(luna)
    editor.write_text("#!/bin/sh\nexit 0\n")
    with pytest.raises(BadInput, match="nothing was changed"):
        editing.edited(luna)
    monkeypatch.setenv("VISUAL", str(tmp_path / "gone"))
    with pytest.raises(editing.EditorFailed):
        editing.edited(luna)

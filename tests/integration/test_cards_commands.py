"""`anima avatar` as a person types it: avatars of files and cards, edited, brought back, and taken out."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from anima import personality as personalities
from anima.cli import connection
from anima.cli.main import main
from anima.personality import cards, png
from fixtures.api import Person


class Terminal:
    """Runs commands against the app in this process."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys

    def run(self, *words: str) -> tuple[int, str, str]:
        code = 0
        try:
            main(["avatar", *words])
        except SystemExit as end:
            code = int(end.code or 0)
        out, err = self._capsys.readouterr()
        return code, out, err

    def good(self, *words: str) -> str:
        code, out, err = self.run(*words)
        assert code == 0, err
        return out

    def json(self, *words: str) -> Any:
        return json.loads(self.good(*words, "--json"))


@pytest.fixture
def terminal(alice: Person, app: Any, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Terminal:
    """A command line whose server is here, with Alice's key."""

    @contextmanager
    def connected() -> Iterator[TestClient]:
        headers = {"Authorization": f"Bearer {alice.key}"}
        yield TestClient(app, base_url="http://localhost/api/v1", headers=headers)

    monkeypatch.setattr(connection, "connected", connected)
    return Terminal(capsys)


def test_an_avatar_of_a_file_a_name_or_a_card(terminal: Terminal, alice: Person, tmp_path: Path) -> None:
    file = tmp_path / "mia.json"
    file.write_text(json.dumps({"persona": {"name": "Mia"}}))
    picture = tmp_path / "mia.png"
    picture.write_bytes(png.drawn("Mia", 8, 8))
    made = terminal.json("create", "Mia", "--personality", str(file), "--picture", str(picture), "--bio", "Digs")
    assert made["personality_name"] == "mia"
    kept = alice.http.get(f"/api/v1/avatars/{made['avatar_id']}/picture")
    assert kept.content == picture.read_bytes()
    assert alice.http.get("/api/v1/avatars/Mia").json()["bio"] == "Digs"
    assert terminal.json("create", "Rook", "--personality", "rook")["personality_name"] == "rook"
    card = tmp_path / "rook.png"
    terminal.good("card", "Rook", str(card))
    again = terminal.json("create", "Rook again", "--personality", str(card))
    assert (again["name"], again["personality_name"]) == ("Rook again", "rook")
    file.write_text('{"persona": {\n"colour": 1}}')
    code, _, err = terminal.run("create", "Nobody", "--personality", str(file))
    assert code == 1
    assert "line 2, column" in err
    assert "Nobody" not in terminal.good("list")


def test_cards_of_other_programs(terminal: Terminal, tmp_path: Path) -> None:
    good, bad = tmp_path / "aria.json", tmp_path / "bad.png"
    good.write_text(json.dumps({"spec": "chara_card_v2", "spec_version": "2.0", "data": {"name": "Aria"}}))
    bad.write_bytes(png.drawn("x", 4, 4))
    looked = terminal.run("import", "--dry-run", str(good))
    assert looked[0] == 0
    assert "Aria" not in terminal.good("list")
    code, out, _ = terminal.run("import", str(good), str(bad))
    assert code == 1
    assert "Aria" in out
    assert "holds no character" in out
    assert "Aria" in terminal.good("list")
    boxed = tmp_path / "aria.charx"
    terminal.good("card", "Aria", str(boxed))
    assert cards.read(boxed.read_bytes()).form == "v3"
    assert terminal.run("card", "Aria", str(boxed))[0] == 1  # it is there
    terminal.good("card", "Aria", str(boxed), "--force")
    assert terminal.run("card", "Aria", str(tmp_path / "aria.txt"))[0] == 1
    older = tmp_path / "older.json"
    terminal.good("card", "Aria", str(older), "--version", "v2")
    assert json.loads(older.read_text())["data"]["name"] == "Aria"


def test_edited_compared_and_brought_back(terminal: Terminal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    terminal.good("create", "Luna")
    editor = tmp_path / "editor.sh"
    editor.write_text('#!/bin/sh\nsed -i "s/warm/dry/" "$1"\n')
    editor.chmod(0o700)
    monkeypatch.setenv("VISUAL", str(editor))
    assert "version 2" in terminal.good("edit", "Luna")
    assert "version 3" in terminal.good("edit", "luna", "--personality", "rook", "--rename", "Lu")
    assert [one["version"] for one in terminal.json("versions", "Lu")] == [3, 2, 1]
    assert "persona.name" in terminal.good("difference", "Lu", "1")
    assert "dry" in terminal.good("difference", "Lu", "1", "--to", "2")
    assert "as version 4" in terminal.good("restore", "Lu", "1")
    assert terminal.good("difference", "Lu", "1") == "they say the same\n"
    assert terminal.json("show", "Lu")["personality"] == personalities.load_ready("luna")
    assert terminal.run("restore", "Lu", "9")[0] == 1


def test_a_lorebook_at_the_command_line(terminal: Terminal, tmp_path: Path) -> None:
    terminal.good("create", "Mo")
    file = tmp_path / "book.json"
    book = {"entries": [{"keys": ["reef"], "content": "Old."}, {"keys": ["x"], "content": ""}]}
    file.write_text(json.dumps(book))
    assert terminal.good("lorebook", "Mo", str(file)) == "1 entries\n"
    assert json.loads(terminal.good("lorebook", "Mo"))["data"] == book

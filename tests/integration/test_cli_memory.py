"""`anima memory` as a person types it: past conversations in, what is known of them, and every change taken back."""

from __future__ import annotations

import json
import zipfile
from typing import Any

import pytest

from fixtures import exports
from fixtures.house import House

pytestmark = pytest.mark.model

TALKS = exports.chatgpt(
    ["I live in Oslo", "A fine city."],
    ["I hate olives", "Noted."],
    ["I passed my driving test today! I am so happy and proud.", "Congratulations!"],
)


@pytest.fixture(scope="module")
def brought(up: House) -> dict[str, Any]:
    file = up.folder / "conversations.json"
    file.write_text(json.dumps(TALKS))
    [made] = up.json("memory", "import", "luna", str(file), "--proposals", "0")
    assert isinstance(made, dict)
    return made


def facts(up: House, *more: str) -> dict[str, dict[str, Any]]:
    return {fact["value"]: fact for fact in up.json("memory", "show", "luna", *more)["facts"]}


def test_an_export_is_brought_and_shown(up: House, brought: dict[str, Any]) -> None:
    assert (brought["state"], brought["origin"], brought["sessions"], brought["messages"]) == ("done", "chatgpt", 3, 6)
    listed = up.json("memory", "transcripts", "luna")
    assert [one["document_id"] for one in listed] == [brought["document_id"]]
    shown = up.say("memory", "show", "luna")
    assert "olives" in shown
    assert "2023-11-1" in shown, "since when it is known"
    assert "message " in shown
    told = up.json("memory", "show", "luna", "--category", facts(up)["olives"]["category"])
    assert "olives" in {fact["value"] for fact in told["facts"]}
    assert "Oslo" not in {fact["value"] for fact in told["facts"]}


def test_the_same_export_again_is_the_same_one(up: House, brought: dict[str, Any]) -> None:
    again = up.json("memory", "import", "luna", str(up.folder / "conversations.json"))
    assert [one["document_id"] for one in again] == [brought["document_id"]]


def test_an_avatar_goes_into_a_file_and_comes_out_of_it(up: House, brought: dict[str, Any]) -> None:
    file = up.folder / "luna.json"
    done = up.json("memory", "export", "luna", str(file))
    assert done["size_bytes"] == file.stat().st_size
    assert file.stat().st_mode & 0o077 == 0
    tried = up.json("memory", "import", str(file), "--name", "Selene", "--dry-run")
    assert tried["created"]
    assert tried["avatar_id"] is None
    told = up.say("memory", "import", str(file), "--name", "Selene")
    assert "Selene: made anew" in told
    assert "facts" in told
    known = {fact["value"] for fact in up.json("memory", "show", "selene")["facts"]}
    assert {"Oslo", "olives"} <= known
    again = up.json("memory", "import", "selene", str(file))
    assert not any(one["added"] or one["changed"] for one in again["parts"].values())
    archive = up.folder / "luna.zip"
    up.say("memory", "export", "luna", str(archive), "--media")
    assert "merged" in up.say("memory", "import", str(archive), "--into", "selene")
    file.write_bytes(file.read_bytes()[:-2000])
    cut = up.run("memory", "import", str(file))
    assert cut.returncode == 1
    assert "cut short" in cut.stderr
    assert up.run("memory", "import", str(up.folder / "conversations.json")).returncode == 1
    up.say("avatar", "delete", "selene", "--yes")


def test_a_file_that_is_none_fails_and_says_why(up: House, brought: dict[str, Any]) -> None:
    story = up.folder / "story.txt"
    story.write_text("Once there was a lake.\nNobody spoke.\n")
    empty = up.folder / "empty.json"
    empty.write_text("")
    done = up.run("memory", "import", "luna", str(story), str(empty), str(up.folder / "none.zip"), "--json")
    assert done.returncode == 1
    reasons = [one["reason"] for one in json.loads(done.stdout)]
    assert "who speaks" in reasons[0]
    assert "is empty" in reasons[1]
    assert "none.zip" in reasons[2]


def test_a_chat_without_its_owner_says_who_speaks(up: House, brought: dict[str, Any]) -> None:
    chat = up.folder / "summer.txt"
    chat.write_text("Sam Keller: I collect stamps\nNora Lindqvist: fine\nSam Keller: see you\n")
    done = up.run("memory", "import", "luna", str(chat), "--proposals", "0")
    assert done.returncode == 0
    assert "nobody in it was recognised as you" in done.stderr
    assert "say who with --me, speakers: Sam Keller (2), Nora Lindqvist (1)" in done.stderr
    assert "Nora Lindqvist (1)" in up.run("memory", "transcripts", "luna").stderr
    refused = up.run("memory", "import", "luna", str(chat), "--me", "Zoe", "--json")
    assert refused.returncode == 1
    assert "there are: Sam Keller, Nora Lindqvist" in json.loads(refused.stdout)[0]["reason"]
    done = up.run("memory", "import", "luna", str(chat), "--me", "Nora", "--proposals", "0", "--json")
    assert json.loads(done.stdout)[0]["me"] == ["Nora Lindqvist"]
    assert "recognised" not in done.stderr
    up.say("document", "delete", str(json.loads(done.stdout)[0]["document_id"]), "--yes")


def test_what_was_said_is_found(up: House, brought: dict[str, Any]) -> None:
    hits = up.json("memory", "search", "luna", "driving test", "--kind", "message", "--top", "3")
    assert "driving test" in hits[0]["text"]
    assert hits[0]["source"]["date"].startswith("2023-11-16")
    assert "driving test" in up.say("memory", "search", "luna", "driving test")
    only = str(brought["document_id"])
    assert up.json("memory", "search", "luna", "olives", "--transcript", only)


def test_a_fact_is_corrected_pinned_forgotten_and_all_of_it_undone(up: House, brought: dict[str, Any]) -> None:
    assert up.say("memory", "correct", "luna", "Oslo", "Bergen") == "corrected\n"
    assert "Bergen" in facts(up)
    assert "Oslo" in facts(up, "--history")
    assert up.say("memory", "undo", "luna").startswith("undone: correct")
    assert "Oslo" in facts(up)
    assert "Bergen" not in facts(up)
    change = up.json("memory", "pin", "luna", "olives")["change_id"]
    assert facts(up)["olives"]["pinned"] is True
    assert up.json("memory", "undo", "luna", change)["change_id"] == change
    assert facts(up)["olives"]["pinned"] is False
    assert up.say("memory", "forget", "luna", "olives") == "forgotten\n"
    assert "olives" not in facts(up)
    up.say("memory", "undo", "luna")
    assert "olives" in facts(up)
    up.say("memory", "forget", "luna", "olives", "--now")
    assert "olives" not in facts(up)
    refused = up.run("memory", "undo", "luna")
    assert refused.returncode == 1
    assert "nothing to undo" in refused.stderr


def test_an_episode_shows_its_strength(up: House, brought: dict[str, Any]) -> None:
    [episode] = up.json("memory", "show", "luna")["episodes"]
    assert 0 < episode["strength"] <= 1
    assert episode["origin"] == "imported"
    assert "strength" in up.say("memory", "show", "luna")


def test_it_sleeps_and_has_no_open_questions(up: House, brought: dict[str, Any]) -> None:
    slept = up.json("memory", "sleep", "luna")
    assert slept["state"] == "awake"
    assert slept["steps"]
    again = up.say("memory", "sleep", "luna")
    assert "done" in again
    assert " 0 " not in again, "what came to nothing is not counted"
    assert "into," not in again
    assert up.json("memory", "gaps", "luna") == []
    assert "no open questions" in up.say("memory", "gaps", "luna")


def test_everything_is_taken_along_in_one_file(up: House, brought: dict[str, Any]) -> None:
    place = up.folder / "mine.zip"
    assert up.say("memory", "export", "--out", str(place)).strip() == str(place)
    assert place.stat().st_mode & 0o077 == 0
    with zipfile.ZipFile(place) as archive:
        assert b"I hate olives" in archive.read("messages.ndjson")
        assert b"Oslo" in archive.read("facts.ndjson")
    refused = up.run("memory", "export", "--out", str(up.folder / "nowhere" / "mine.zip"))
    assert refused.returncode == 1
    assert "cannot be written" in refused.stderr


def test_an_account_is_closed_by_its_password_only(up: House) -> None:
    refused = up.run("user", "delete", "--password", "not the password", "--yes")
    assert refused.returncode == 1
    assert "password is wrong" in refused.stderr


def test_what_was_brought_is_taken_back_with_its_document(up: House, brought: dict[str, Any]) -> None:
    up.say("document", "delete", str(brought["document_id"]), "--yes")
    assert up.json("memory", "transcripts", "luna")[-1]["document_id"] != brought["document_id"]
    assert up.json("memory", "show", "luna") == {"facts": [], "episodes": []}


def test_all_memory_is_erased(up: House) -> None:
    assert set(up.json("memory", "erase", "--yes")) == {"facts", "episodes", "messages"}
    assert up.json("memory", "show", "luna") == {"facts": [], "episodes": []}

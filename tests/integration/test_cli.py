"""The command line as a person types it, against a server that runs: words, tables, exit status."""

from __future__ import annotations

import json
import re
from importlib.metadata import version
from pathlib import Path
from typing import Any

import psycopg
import pytest

from fixtures import files
from fixtures.house import House, wait_for
from fixtures.stub_llm import Reply, StubLLM

pytestmark = pytest.mark.model


def test_status_says_where_it_runs(up: House) -> None:
    told = up.json("status")
    assert (told["state"], told["url"]) == ("running", up.url)
    assert up.url in up.say("status")


def test_status_of_a_place_where_nothing_runs(up: House, tmp_path: Path) -> None:
    done = up.run("status", ANIMA_DATA_DIR=str(tmp_path / "elsewhere"))
    assert done.returncode == 1
    assert "stopped" in done.stdout


def test_settings_are_listed_without_secrets(up: House) -> None:
    rows = {row["name"]: row for row in up.json("settings")}
    assert rows["ANIMA_DATA_DIR"]["value"] == str(up.data_dir)
    assert rows["OPENAI_API_KEY"]["description"]
    assert "a-key-of-the-stub" not in json.dumps(rows)


def test_a_turn_is_printed_as_it_comes(up: House, stub_llm: StubLLM) -> None:
    stub_llm.script("Olives it is. I will remember that.")
    done = up.run("chat", "luna", "I hate olives")
    assert (done.returncode, done.stdout, done.stderr) == (0, "Olives it is. I will remember that.\n", "")


def test_a_turn_as_json(up: House, stub_llm: StubLLM) -> None:
    stub_llm.script("Good morning.")
    answer = up.json("chat", "LUNA", "Good morning")
    assert answer["content"] == "Good morning."
    assert answer["usage"]["total_tokens"] > 0


def test_a_conversation_stays_in_one_session(up: House, stub_llm: StubLLM) -> None:
    stub_llm.script("Hello.", "You said hello.")
    done = up.run("chat", "luna", stdin="hello\nwhat did I say?\n\nnever sent\n")
    assert done.returncode == 0
    assert "Hello." in done.stdout
    assert "You said hello." in done.stdout
    with up.http() as client:
        session = client.get("/sessions", params={"limit": 1}).json()["items"][0]["session_id"]
        told = [one["content"] for one in client.get(f"/sessions/{session}/messages").json()["items"]]
    assert told == ["hello", "Hello.", "what did I say?", "You said hello."]


def test_a_turn_that_fails_does_not_end_a_conversation(up: House, stub_llm: StubLLM) -> None:
    stub_llm.script(Reply(status=401, code="invalid_api_key", message="Incorrect API key provided."), "Here I am.")
    done = up.run("chat", "luna", stdin="hello\nhello again\n")
    assert done.returncode == 0
    assert "error: " in done.stderr
    assert "Here I am." in done.stdout


def test_a_turn_goes_on_in_a_session(up: House, stub_llm: StubLLM) -> None:
    stub_llm.script("One.", "Two.")
    first = up.json("chat", "luna", "one")
    assert up.json("chat", "luna", "two", "--session", str(first["session_id"]))["session_id"] == first["session_id"]


def test_a_model_that_fails_is_an_error_of_one_line(up: House, stub_llm: StubLLM) -> None:
    stub_llm.always(lambda _: Reply(status=401, code="invalid_api_key", message="Incorrect API key provided."))
    done = up.run("chat", "luna", "are you there?")
    assert done.returncode == 1
    assert re.fullmatch(r"error: .*key.*\n", done.stderr), done.stderr


@pytest.mark.parametrize(
    ("arguments", "status", "said"),
    [
        (["chat", "nobody", "hello"], 1, "there are: Luna"),
        (["chat", "luna", "  "], 1, "there is no message"),
        (["chat", "luna", "hello", "--session", "987654"], 1, "987654"),
        (["chat", "luna", "hello", "--model", "made-up"], 1, "gpt-6-luna"),
        (["ingest", "there-is-no-such-file.txt"], 1, "there-is-no-such-file.txt"),
        (["search", "olives", "--top", "0"], 2, "--top"),
        (["chat"], 2, "avatar"),
        (["personality", "validate", "nobody"], 1, "nobody"),
        (["memory", "forget", "luna", "987654"], 1, "987654"),
        (["user", "revoke", "987654"], 1, "987654"),
    ],
)
def test_what_is_wrong_is_said_in_a_line(up: House, arguments: list[str], status: int, said: str) -> None:
    done = up.run(*arguments)
    assert done.returncode == status, done.stdout + done.stderr
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_a_file_is_brought_in_found_and_cited(up: House, stub_llm: StubLLM) -> None:
    note = up.folder / "harbour.txt"
    note.write_text("The harbour crane is greased with seal fat every second Tuesday.")
    assert "done" in up.say("ingest", str(note))
    again = up.json("ingest", str(note))
    assert [one["state"] for one in again] == ["done"]
    assert "harbour.txt" in up.say("search", "What is the crane greased with?")
    stub_llm.script("The crane is greased with seal fat.")
    told = up.say("chat", "luna", "What is the harbour crane greased with?")
    assert told.startswith("The crane is greased with seal fat.")
    assert "[1] harbour.txt" in told


def test_a_folder_with_a_poisoned_file_says_which_failed(up: House) -> None:
    folder = up.folder / "notes"
    folder.mkdir()
    (folder / "good.md").write_text("# Tides\n\nThe tide turns at noon.")
    (folder / "bad.pdf").write_bytes(b"%PDF-1.7 and nothing that a PDF has")
    done = up.run("ingest", str(folder), "--json")
    assert done.returncode == 1
    states = {one["title"]: one["state"] for one in json.loads(done.stdout)}
    assert states == {"bad.pdf": "failed", "good.md": "done"}


def test_any_file_comes_in_and_what_could_not_be_read_is_named(up: House) -> None:
    folder = up.folder / "mixed"
    (folder / ".git").mkdir(parents=True)
    (folder / ".git" / "config").write_text("[core] not a document")
    (folder / "report.docx").write_bytes(files.docx())
    (folder / "slides.pptx").write_bytes(files.pptx())
    (folder / "noise.bin").write_bytes(bytes(range(256)) * 8)
    (folder / "empty.txt").write_bytes(b"")
    (folder / "log.txt").write_bytes(b"The winch of berth nine is greased in May.\n" + b" " * 4_100_000)
    done = up.run("ingest", str(folder), "http://127.0.0.1:9/secret", "--json")
    assert done.returncode == 1
    states = {one["title"]: one["state"] for one in json.loads(done.stdout)}
    assert states == {
        "empty.txt": "failed",
        "log.txt": "done",
        "noise.bin": "unsearchable",
        "report.docx": "done",
        "slides.pptx": "done",
        "http://127.0.0.1:9/secret": "failed",
    }
    assert "noise.bin is kept, but cannot be searched" in done.stderr
    refused = next(one for one in json.loads(done.stdout) if one["title"].startswith("http"))
    assert "not an address of the public internet" in refused["reason"]
    found = up.say("search", "When is the winch of berth nine greased?", "--why", "--purpose", "context")
    assert "log.txt  line" in found
    assert "it holds winch, berth, nine, greased" in found
    assert "plan:" in up.say("search", "winch", "--explain")
    assert "(context)" in up.say("search", "lighthouse", "--purpose", "context", "--purpose", "findings")


def test_documents_are_listed_shown_tried_again_and_deleted(up: House) -> None:
    note = up.folder / "shed.md"
    note.write_text("# Shed\n\nThe shed is painted blue.")
    document_id = str(up.json("ingest", str(note), "--purpose", "findings")[0]["document_id"])
    assert [str(one["document_id"]) for one in up.json("document", "list", "--purpose", "findings")] == [document_id]
    shown = up.say("document", "show", document_id, "--passages")
    assert "shed.md" in shown
    assert "The shed is painted blue." in shown
    again = up.run("document", "retry", document_id)
    assert again.returncode == 1
    assert "the document is done" in again.stderr
    assert "is deleted" in up.say("document", "delete", document_id, "--yes")
    assert "there is none" in up.say("document", "list", "--purpose", "findings")


def test_what_was_said_becomes_memory_and_can_be_forgotten(up: House, stub_llm: StubLLM) -> None:
    stub_llm.script("Nice.")
    up.say("chat", "luna", "My name is Diego and I hate olives.")

    def facts() -> list[dict[str, Any]]:
        return [fact for fact in up.json("memory", "show", "luna")["facts"] if "olive" in json.dumps(fact)]

    fact = wait_for(facts)[0]
    assert "olives" in up.say("memory", "show", "luna")
    assert fact["value"] == "olives"
    assert up.say("memory", "forget", "luna", "OLIVES") == "forgotten\n"
    assert facts() == []


def test_avatars_come_and_go(up: House) -> None:
    made = up.json("avatar", "create", "Nyx", "--personality", "rook")
    assert made["name"] == "Nyx"
    assert {row["name"] for row in up.json("avatar", "list")} >= {"Luna", "Nyx"}
    assert "Nyx" in up.say("avatar", "show", "nyx")
    assert up.run("avatar", "create", "nyx").returncode == 1
    assert up.run("avatar", "delete", "nyx", stdin="n\n").returncode == 1
    assert "Nyx" in up.say("avatar", "list")
    up.say("avatar", "delete", "nyx", "--yes")
    assert "Nyx" not in up.say("avatar", "list")


def test_people_and_their_keys(up: House) -> None:
    made = up.json("user", "create", "ada", "--password", "a long enough one")
    assert made["username"] == "ada"
    assert up.run("user", "create", "ada", "--password", "a long enough one").returncode == 1
    key = up.json("user", "key", "of a script")
    assert key["key"].startswith("anima_")
    assert up.run("avatar", "list", ANIMA_API_KEY=key["key"]).returncode == 0
    up.say("user", "revoke", str(key["api_key_id"]))
    refused = up.run("avatar", "list", ANIMA_API_KEY=key["key"])
    assert refused.returncode == 1
    assert "revoked" in refused.stderr


def test_a_lost_password_is_replaced_by_a_link(up: House) -> None:
    up.say("user", "create", "grace", "--password", "a long enough one", "--email", "grace@example.org")
    grace = next(one for one in up.json("user", "list") if one["username"] == "grace")
    assert grace["roles"] == ["viewer"]
    everybody = up.say("user", "list")
    assert "grace@example.org" in everybody
    assert "admin, operator, researcher, viewer" in everybody
    url = up.json("user", "link", "Grace@Example.org")["url"]
    assert url.startswith(f"{up.url}/console/welcome#")
    said = up.run("user", "link", "grace")
    assert (said.returncode, said.stderr) == (0, "")
    newer = said.stdout.strip()
    as_admin = {"ANIMA_API_KEY": up.json("user", "key", "of an admin")["key"]}
    asked = up.run("user", "link", "grace", **as_admin)
    assert asked.returncode == 0, asked.stderr
    links = [url, newer, asked.stdout.strip()]
    assert len(set(links)) == 3
    with up.http() as client:
        bodies = [{"link": link.partition("#")[2], "password": "a new long one"} for link in links]
        assert [client.post("/password", json=body).status_code for body in bodies] == [410, 410, 200]
    for settings in ({}, as_admin):
        unknown = up.run("user", "link", "nobody", **settings)
        assert (unknown.returncode, unknown.stderr) == (1, "error: There is no user nobody.\n")


def test_ones_own_password_is_changed(up: House) -> None:
    up.say("user", "create", "alan", "--password", "a long enough one")
    with up.http() as client:
        form = {"username": "alan", "password": "a long enough one"}
        token = client.post("/token", data=form).json()["access_token"]
        as_alan = {"ANIMA_API_KEY": token}
        done = up.run("user", "password", "--current", "not it", "--new", "another long one", **as_alan)
        assert (done.returncode, done.stderr) == (1, "error: The user name or the password is wrong.\n")
        changed = up.run("user", "password", "--current", "a long enough one", "--new", "another long one", **as_alan)
        assert changed.returncode == 0, changed.stderr
        assert client.post("/token", data=form).status_code == 401
        assert client.post("/token", data={**form, "password": "another long one"}).status_code == 200


def test_it_says_its_version(up: House) -> None:
    assert up.say("--version") == f"anima {version('anima')}\n"


def test_personalities_need_no_server(up: House, tmp_path: Path) -> None:
    elsewhere = str(tmp_path / "elsewhere")
    assert "luna" in up.run("personality", "list", ANIMA_DATA_DIR=elsewhere).stdout
    compiled = up.run("personality", "compile", "luna", "--affinity", "90", ANIMA_DATA_DIR=elsewhere).stdout
    assert "Luna" in compiled
    assert up.run("personality", "validate", "luna", ANIMA_DATA_DIR=elsewhere).stdout == "valid\n"
    broken = tmp_path / "broken.json"
    broken.write_text('{"persona": {"name": 7}}')
    refused = up.run("personality", "validate", str(broken), ANIMA_DATA_DIR=elsewhere)
    assert refused.returncode == 1
    assert "persona.name" in refused.stderr
    assert not (tmp_path / "elsewhere").exists()


def test_the_schema_is_the_newest(up: House) -> None:
    assert all(row["state"] == "applied" for row in up.json("db", "status"))
    assert up.json("db", "migrate") == []
    assert "is what the migrations make" in up.say("db", "check")


def test_the_url_of_the_database_opens_it(up: House) -> None:
    with psycopg.connect(up.say("db", "url").strip()) as conn:
        assert conn.execute("select current_user").fetchone() == ("anima_owner",)


def test_a_command_starts_what_it_needs_and_down_ends_it(up: House, stub_llm: StubLLM, tmp_path: Path) -> None:
    there = {"ANIMA_DATA_DIR": str(tmp_path / "other")}
    stub_llm.script("I am up.")
    done = up.run("chat", "luna", "are you up?", **there)
    assert (done.returncode, done.stdout) == (0, "I am up.\n"), done.stderr
    assert "in the background" in done.stderr
    assert "running" in up.run("status", **there).stdout
    assert up.run("down", **there).stdout == "stopped\n"
    assert up.run("down", **there).stdout == "nothing runs here\n"


def test_a_server_that_cannot_start_says_why(up: House, tmp_path: Path) -> None:
    port = up.url.rpartition(":")[2]
    done = up.run("avatar", "list", ANIMA_DATA_DIR=str(tmp_path / "other"), ANIMA_PORT=port)
    assert done.returncode == 1
    assert f"port {port}" in done.stderr

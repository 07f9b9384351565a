"""The batch job from outside: a process of its own, a model behind HTTP, a folder; killed, starved, lied to."""

from __future__ import annotations

import json
import os
import resource
import signal
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from gpu_jobs.batch_inference import asking, lines
from gpu_jobs.batch_inference.journal import BrokenJournal, FolderInUse, Journal, OtherInput, key_of_line, locked
from gpu_jobs.batch_inference.table import Table, key_of
from hypothesis import given, settings
from hypothesis import strategies as st

from anima.inference import batch_file
from anima.kernel import config
from anima.vendors.llm import errors
from fixtures import stub_llm as served
from fixtures.stub_llm import StubLLM

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = ROOT / "gpu_jobs" / "batch_inference" / "batch_inference.py"
THREADS = 4
KEY = "sk-of-nobody-else"


def as_text(value: Any) -> str:
    """As SageMaker hands a hyper-parameter on."""
    return value if isinstance(value, str) else json.dumps(value)


@dataclass
class Job:
    """A job's folder, and the process that works there."""

    folder: Path
    given: dict[str, Any]
    process: subprocess.Popen[str] | None = None

    def begin(self, limit: int | None = None, **environment: str) -> subprocess.Popen[str]:
        """Starts the script; `limit` is the largest file that it may write."""
        path = self.folder / "input" / "config" / "hyperparameters.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps({name: as_text(value) for name, value in self.given.items()}))
        self.process = subprocess.Popen(
            [sys.executable, str(SCRIPT)],
            env={**os.environ, "ANIMA_JOB_DIR": str(self.folder), "BATCH_KEY": KEY, **environment},
            stdout=subprocess.PIPE,
            text=True,
            preexec_fn=None if limit is None else lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit)),
        )
        return self.process

    def run(self, limit: int | None = None, **environment: str) -> tuple[int, list[dict[str, Any]]]:
        """Its exit code, and what it told."""
        told, _ = self.begin(limit, **environment).communicate(timeout=60)
        assert self.process is not None
        return self.process.returncode, [json.loads(line) for line in told.splitlines()]

    def put(self, rows: list[Any]) -> None:
        """The input: values, or lines as they are."""
        raw = [row if isinstance(row, bytes) else json.dumps(row).encode() for row in rows]
        path = self.folder / "input" / "data" / "prompts.jsonl"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"".join(row + b"\n" for row in raw))

    def rows(self) -> list[dict[str, Any]]:
        """The result."""
        path = self.folder / "model" / "answers.jsonl"
        return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]

    def failure(self) -> str:
        return (self.folder / "output" / "failure").read_text()


@pytest.fixture
def job(tmp_path: Path, stub_llm: StubLLM) -> Job:
    engine = {"kind": "openai", "model": "stub-1", "base_url": stub_llm.url, "key_variable": "BATCH_KEY"}
    given = {"engine": engine, "input": "prompts.jsonl", "parameters": {"temperature": 0}, "concurrency": THREADS}
    return Job(tmp_path / "job", given)


def counting(stub: StubLLM, act: Callable[[int], None]) -> None:
    """Calls `act` with the number of each request, before it is answered."""
    seen, lock = [0], threading.Lock()

    def answer(_body: Any) -> None:
        with lock:
            seen[0] += 1
            act(seen[0])

    stub.always(answer)


# The story


def test_killed_and_stopped_it_answers_each_line_once_and_in_order(job: Job, stub_llm: StubLLM) -> None:
    asked = [f"What is {number % 42}?" for number in range(60)]  # 18 of them are repeats
    job.put([{"id": f"line {number}", "prompt": prompt} for number, prompt in enumerate(asked)])

    def doomed(code: int) -> Callable[[int], None]:
        def act(number: int) -> None:
            if number == 14:
                assert job.process is not None
                job.process.send_signal(code)

        return act

    counting(stub_llm, doomed(signal.SIGKILL))
    assert job.run()[0] == -signal.SIGKILL
    first = len(stub_llm.chats)
    kept = b"".join(path.read_bytes() for path in sorted((job.folder / "checkpoints").glob("*.part")))
    assert kept.count(b"\n") >= first - THREADS - 1, "what was acknowledged is kept, but for what was under way"
    assert not (job.folder / "model").exists()

    counting(stub_llm, doomed(signal.SIGTERM))
    code, told = job.run()
    assert code == 143
    assert 0 < told[-1]["step"] < 60
    asked_twice = len(stub_llm.chats)

    stub_llm.always(lambda _body: None)
    code, told = job.run()
    assert code == 0
    requests = Counter(one.messages[0]["content"] for one in stub_llm.chats)
    assert set(requests) == set(asked)
    assert sum(requests.values()) <= 42 + THREADS, "nothing that was acknowledged is asked again"
    assert asked_twice <= 42 + THREADS

    rows = job.rows()
    assert [row["id"] for row in rows] == [f"line {number}" for number in range(60)]
    assert [row["text"] for row in rows] == [f'You said "{prompt}".' for prompt in asked]
    assert [row["id"] for row in rows if row.get("cached")] == [f"line {number}" for number in range(42, 60)]
    saved = sum(row["prompt_tokens"] + row["completion_tokens"] for row in rows if row.get("cached"))
    last = told[-1]
    assert {name: last[name] for name in ("step", "of", "failed", "cache_hits", "cache_saved_tokens")} == {
        "step": 60,
        "of": 60,
        "failed": 0,
        "cache_hits": 18,
        "cache_saved_tokens": saved,
    }
    result = json.loads((job.folder / "model" / "result.json").read_text())
    assert result["prompt_tokens"] == sum(row["prompt_tokens"] for row in rows if not row.get("cached"))
    assert {one.headers["authorization"] for one in stub_llm.chats} == {f"Bearer {KEY}"}
    files = [path.read_bytes() for path in job.folder.rglob("*") if path.is_file()]
    assert not any(KEY.encode() in content for content in files)

    before = len(stub_llm.chats)
    assert job.run()[0] == 0, "started once more it has nothing to do"
    assert len(stub_llm.chats) == before
    assert job.rows() == rows
    (job.folder / "model" / "answers.jsonl").unlink()
    assert job.run()[0] == 1
    assert job.failure().startswith("output-gone")


def test_what_a_server_asks_for_is_given_and_bad_lines_are_rows(job: Job, stub_llm: StubLLM) -> None:
    """429, 500, a broken connection and a refusal; and lines that are none."""
    long = {"id": "long", "prompt": "x" * 3000}
    hostile = [
        {"id": 1, "prompt": "One?"},
        b"",
        b"no json",
        b"\xff\xfe",
        b"[" * 1900,
        {"prompt": "Nobody?"},
        {"id": "both", "prompt": "a", "text": "b"},
        {"id": "role", "messages": [{"role": "king", "content": "a"}]},
        {"id": "1", "prompt": "One?"},
        {"id": 1, "prompt": "Another?"},
        long,
        {"id": "\ud800", "prompt": "Half\ud800?"},
        {"id": "refused", "prompt": "refuse me"},
        {"id": 2, "messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Two?"}]},
    ]
    job.put(hostile)
    stub_llm.script(
        served.failure(429, retry_after=1), served.failure(500), served.Reply("", cut_after=0), served.Reply("One.")
    )
    stub_llm.always(lambda body: served.failure(400) if "refuse" in str(body["messages"]) else None)
    job.given |= {"longest_line_bytes": 2000, "concurrency": 1, "most_failures": 9}
    code, told = job.run()
    assert code == 0, job.failure()
    rows = job.rows()
    assert [(row["id"], row.get("error", {}).get("slug")) for row in rows] == [
        (1, None),
        (None, "bad-line"),
        (None, "bad-line"),
        (None, "bad-line"),
        (None, "no-id"),
        ("both", "bad-line"),
        ("role", "bad-line"),
        (None, "duplicate-id"),
        (None, "line-too-long"),
        ("\ud800", None),
        ("refused", "model-refused"),
        (2, None),
    ]
    assert rows[0]["text"] == "One."
    assert "line 1," in rows[7]["error"]["reason"]
    assert rows[7]["line"] == 10
    assert told[-1]["failed"] == 9
    assert stub_llm.chats[-1].messages == hostile[-1]["messages"]  # type: ignore[index]

    other = Job(job.folder.parent / "strict", {**job.given, "most_failures": 2})
    other.put(hostile)
    assert other.run()[0] == 1
    assert other.failure().startswith("too-many-failures: 3 lines")


def test_a_disk_that_fills_up_ends_the_job_and_room_lets_it_go_on(job: Job, stub_llm: StubLLM) -> None:
    job.put([{"id": number, "prompt": f"{number} " + "word " * 400} for number in range(60)])
    code, _ = job.run(limit=100_000)
    assert code == 1
    part = job.folder / "checkpoints" / "answers-00000.part"
    assert job.failure().strip() == f"disk: File too large ({part})"
    assert not (job.folder / "model" / "answers.jsonl").exists()
    assert job.run()[0] == 0
    assert [row["id"] for row in job.rows()] == list(range(60))
    assert len(stub_llm.chats) <= 60 + 5 * THREADS


def test_a_folder_that_is_anothers_stays_as_it_is(job: Job) -> None:
    """The input, too: the other one reads it while it goes on."""
    del job.given["input"]
    job.given["lines"] = [{"id": 1, "prompt": "Name a sea."}]
    source = job.folder / "work" / "input"
    source.parent.mkdir(parents=True)
    source.write_text("what the other one reads")
    with closing(locked(job.folder / "checkpoints")):
        code, told = job.run()
    assert code == 1
    reason = f"folder-in-use: Another process is at work in {job.folder / 'checkpoints'}."
    assert told == [{"failed": reason}]
    assert source.read_text() == "what the other one reads"
    assert not (job.folder / "output").exists()
    assert job.run()[0] == 0


def test_what_is_anothers_is_not_touched(job: Job, stub_llm: StubLLM, tmp_path: Path) -> None:
    """A result that is there, checkpoints of another input, a server that is gone or wants another key."""
    job.put([{"id": 1, "prompt": "One?"}])
    taken = tmp_path / "answers.jsonl"
    taken.write_text("of somebody else")
    job.given["output"] = taken.as_uri()
    assert job.run()[0] == 1
    assert job.failure().startswith("output-taken")
    assert taken.read_text() == "of somebody else"
    job.put([{"id": 1, "prompt": "Two?"}])
    assert job.run()[0] == 1
    assert job.failure().startswith("checkpoint-of-another")
    assert stub_llm.chats == []

    elsewhere = Job(tmp_path / "elsewhere", {**job.given, "output": str(tmp_path / "mine.jsonl"), "attempts": 1})
    elsewhere.put([{"id": 1, "prompt": "One?"}])
    stub_llm.api_key = "another"
    assert elsewhere.run()[0] == 1
    assert "engine-down: The engine stub-1 cannot be used" in elsewhere.failure()
    assert not (tmp_path / "mine.jsonl").exists()
    stub_llm.api_key = KEY
    assert elsewhere.run()[0] == 0, "no line was given up for a key that was wrong"
    assert json.loads((tmp_path / "mine.jsonl").read_text())["text"] == 'You said "One?".'


@pytest.mark.parametrize("usage", ["1e999", '"9"', "[7]", "-3", "NaN"])
def test_whatever_a_server_says_it_used_is_an_answer_or_none(usage: str) -> None:
    said = f'{{"choices": [{{"message": {{"content": "x"}}}}], "usage": {{"prompt_tokens": {usage}}}}}'
    with suppress(errors.Failed):
        answer = asking.Asking._read(SimpleNamespace(_place=SimpleNamespace(model="m")), said.encode(), 0.0)  # type: ignore[arg-type]
        assert type(answer.prompt_tokens) is int


# The configuration


def test_every_mistake_is_told_with_its_path(job: Job) -> None:
    wrong = {
        "engine": {"kind": "openai", "model": "", "base_url": "ftp://x", "key_variable": "SECRET_KEY"},
        "concurrency": 0,
        "parameters": {"temperature": 9, "stream": True, "n": 2},
        "colour": "blue",
    }
    job.given = wrong
    code, told = job.run()
    assert code == 2
    paths = ("engine.model", "engine.base_url", "engine.key_variable", "concurrency", "parameters.temperature")
    for path in (*paths, "parameters.stream", "parameters.n", "colour"):
        assert f"{path}: " in job.failure()
    assert told == [{"failed": job.failure().strip()}]


DEEP = json.loads("[" * 900 + "]" * 900)


@pytest.mark.parametrize(
    ("change", "path"),
    [
        ({"input": None}, "input"),
        ({"lines": [{"id": 1, "prompt": "x"}]}, "input"),
        ({"attention": True}, "attention"),
        ({"engine": {"kind": "transformer"}}, "engine.model"),
        ({"engine": {"kind": "transformer", "model": "a"}, "parameters": {"stop": [""]}}, "parameters.stop.0"),
        ({"engine": {"kind": "embeddings"}, "parameters": {"encoding": "x"}}, "parameters.encoding"),
        ({"engine": {"kind": "openai", "model": "m", "key_variable": "BATCH_KEY"}}, "engine.base_url"),
        ({"engine": {"kind": "abacus"}}, "engine"),
        ({"output": "s3://bucket/a.jsonl"}, "output"),
        ({"most_memory_bytes": 5}, "most_memory_bytes"),
        ({"input": None, "lines": [{"id": 1, "prompt": "x", "more": DEEP}]}, "lines"),
    ],
)
def test_values_are_checked_alone_and_together(change: dict[str, Any], path: str) -> None:
    whole = {"engine": {"kind": "local"}, "input": "a.jsonl", **change}
    with pytest.raises(batch_file.BatchInvalid) as told:
        batch_file.read(whole)
    assert [one.path for one in told.value.fields] == [path]


def test_from_outside_nobody_reads_files_of_the_machine_or_sends_its_keys() -> None:
    engine = {"kind": "openai", "model": "m", "base_url": "http://10.0.0.1/v1", "key_variable": "BATCH_KEY"}
    batch = batch_file.read({"engine": engine, "input": "/etc/passwd", "output": "local:documents/7"})
    wrong = [one.path for one in batch_file.from_outside(batch, 3)]
    assert wrong == ["input", "output", "engine.base_url", "engine.key_variable"]
    mine = {"engine": {"kind": "openai", "model": "m"}, "input": "local:batches/3/in", "output": "s3://b/batches/3/out"}
    assert batch_file.from_outside(batch_file.read(mine), 3) == []
    assert [one.path for one in batch_file.from_outside(batch_file.read(mine), 4)] == ["input", "output"]


# Texts to vectors


def test_texts_become_the_vectors_of_the_house(tmp_path: Path) -> None:
    """Out of the object store, and into it."""
    from anima.vendors.blobs import blobs
    from anima.vendors.embeddings import embedder

    texts = ["Harbour dues", "Barges pay four shillings", "Harbour dues"]
    rows = [{"id": number, "text": text} for number, text in enumerate(texts)]
    rows.append({"id": 9, "messages": [{"role": "user", "content": "x"}]})  # type: ignore[dict-item]
    source = blobs().put("batches/7/in", "".join(json.dumps(row) + "\n" for row in rows).encode())
    target = blobs().uri_of("batches/7/answers")
    job = Job(tmp_path / "job", {"engine": {"kind": "embeddings"}, "input": source, "output": target})
    code, told = job.run(ANIMA_MODEL_DIR=str(config.settings().model_dir))
    assert code == 0, job.failure()
    found = [json.loads(line) for line in blobs().get(target).splitlines()]
    wanted = embedder().embed(texts)
    assert [row["vector"] for row in found[:3]] == [pytest.approx(one.tolist(), abs=1e-6) for one in wanted]
    assert found[0]["vector"] == found[2]["vector"]
    assert found[3]["error"]["slug"] == "bad-line"
    assert (told[-1]["cache_hits"], told[-1]["failed"]) == (1, 1)
    blobs().delete_all("batches")


# Its parts


@settings(max_examples=8, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 3000), st.integers(-(2**63), 2**63 - 1)), max_size=2500))
def test_a_table_is_a_mapping(tmp_path_factory: pytest.TempPathFactory, pairs: list[tuple[int, int]]) -> None:
    table = Table(tmp_path_factory.mktemp("table") / "t")
    for number, value in pairs:
        table.put(key_of(str(number).encode()), value, -1)
    known = dict(pairs)
    assert len(table) == len(known)
    for number in range(0, 3001, 29):
        wanted = (known[number], -1) if number in known else None
        assert table.get(key_of(str(number).encode())) == wanted
    table.close()


IDENTITY = {"input": "a", "configuration": "b"}


def journal(folder: Path, **identity: str) -> Journal:
    return Journal.opened(folder / "checkpoints", folder / "work", {**IDENTITY, **identity})


def test_a_journal_that_is_cut_anywhere_keeps_the_rows_before(tmp_path: Path) -> None:
    before = journal(tmp_path)
    rows = {number: b'{"id":%d}' % number for number in (3, 1)}
    for number, row in rows.items():
        before.append(number, bytes([number]) * 16, "asked", (number, 10), row)
    before.close()
    path = tmp_path / "checkpoints" / "answers-00000.part"
    whole = path.read_bytes()
    for cut in range(len(whole) + 1):
        path.write_bytes(whole[:cut] + bytes(cut % 3))
        again = journal(tmp_path)
        left = whole[:cut].count(b"\n")
        numbers = list(rows)[:left]
        assert again.counted.done == left
        assert again.counted.prompt_tokens == sum(numbers)
        for number in numbers:
            place = again.lines.get(key_of_line(number))
            assert place is not None
            assert again.row(place) == rows[number]
            assert again.answers.get(bytes([number]) * 16) == place
        again.append(9, None, "error", (0, 0), b'{"id":9}')
        again.close()
        assert path.read_bytes().endswith(b'{"id":9}\n')
        assert path.read_bytes().count(b"\n") == left + 1


def test_a_journal_is_of_one_job_and_says_where_it_is_damaged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gpu_jobs.batch_inference.journal.PART_BYTES", 60)
    before = journal(tmp_path)
    for number in range(1, 6):
        before.append(number, None, "asked", (1, 1), b'{"id":%d}' % number)
    before.note()
    before.close()
    with pytest.raises(OtherInput):
        journal(tmp_path, input="other")
    again = journal(tmp_path)
    with pytest.raises(FolderInUse):
        journal(tmp_path)
    assert again.counted.done == 5
    assert len(list((tmp_path / "checkpoints").glob("*.part"))) > 1
    again.close()
    path = tmp_path / "checkpoints" / "answers-00000.part"
    path.write_bytes(path.read_bytes().replace(b'{"id":1}', b'["id":1}'))
    with pytest.raises(BrokenJournal, match="row 1 of answers-00000"):
        journal(tmp_path)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.binary(max_size=40), max_size=20))
def test_no_bytes_end_the_reading(tmp_path_factory: pytest.TempPathFactory, raw: list[bytes]) -> None:
    path = tmp_path_factory.getbasetemp() / "hostile.jsonl"
    path.write_bytes(b"\n".join(raw))
    found = list(lines.read(path, 64))
    _digest, filled, last = lines.measured(path)
    assert len(found) == filled
    assert all(0 < line.number <= last for line in found)
    assert all((line.fault is None) == (line.kind != "") for line in found)


def test_a_part_that_is_gone_is_told(tmp_path: Path) -> None:
    before = journal(tmp_path)
    before.append(1, None, "asked", (1, 1), b'{"id":1}')
    before.note()
    before.close()
    (tmp_path / "checkpoints" / "answers-00000.part").write_bytes(b"")
    with pytest.raises(BrokenJournal):
        journal(tmp_path)

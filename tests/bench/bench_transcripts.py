"""Import of past conversations: turns per second of the whole against the embedder alone; memory on large files.

The whole is what a worker does from the event to the end: reading, telling apart what is there, embedding, writing
sessions, messages, vectors and postings, and rules on everything that the owner said. The embedder alone gets all the
texts in the same batches.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
import uuid
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
from tests.bench import place
from tests.bench.frame import Bench

from anima.kernel import config, db
from anima.vendors import assets
from anima.vendors.embeddings import embedder

TURNS = 300
BATCH = 64
LARGE = 20_000
MILLION = 1_000_000
MOST_BYTES = 512 << 20


def run(bench: Bench) -> None:
    """Speed and memory."""
    assets.ensure_embedder(assets.Lines())
    with place.opened() as here:
        speed(bench)
        memory(bench, here)
    reading(bench)


def speed(bench: Bench) -> None:
    """The two sides in turn, on conversations of LoCoMo."""
    from anima.snapshots import transcripts_import_service

    service: Any = transcripts_import_service
    said = _locomo(bench)
    if said is None:
        return
    model, texts = embedder(), [turn["text"] for turn in said]
    found: list[float] = []
    extract = service.extract

    def ours() -> float:
        principal = place.person()
        content = json.dumps({"title": "talks", "turns": said}).encode()
        document_id = _brought(principal, content, said[0]["speaker"])
        begun = time.perf_counter()

        def extracting(*args: Any) -> None:
            found.append(len(texts) / (time.perf_counter() - begun))
            extract(*args)

        service.extract = extracting
        service.import_transcript(db.Principal(principal.user_id, login="worker"), principal.user_id or 0, document_id)
        return len(texts) / (time.perf_counter() - begun)

    def alone() -> float:
        begun = time.perf_counter()
        for start in range(0, len(texts), BATCH):
            model.embed(texts[start : start + BATCH])
        return len(texts) / (time.perf_counter() - begun)

    sides = bench.alternate(anima=ours, alone=alone)
    service.extract = extract
    whole, limit = sides["anima"], sides["alone"]
    bench.figure("turns_per_second", whole, "turns/s", peer="the embedder alone", peer_value=limit, more_is_better=True)
    until_found = sorted(found)[len(found) // 2]
    bench.figure("turns_per_second_until_found", until_found, "turns/s")
    share = until_found / limit.median
    bench.figure("share_of_embedder_limit", share, "", peer="goal", peer_value=0.8, more_is_better=True)
    bench.note(f"{len(texts)} turns of LoCoMo, {sum(map(len, texts)) // len(texts)} characters each; no model is asked")


def memory(bench: Bench, here: place.Place) -> None:
    """The whole with an embedder that costs nothing, on a large file and on one of a tenth of that."""
    small, large = _worked(here, LARGE // 10), _worked(here, LARGE)
    bench.figure(f"peak_memory_{LARGE}_turns", large[1], "bytes", peer="limit", peer_value=MOST_BYTES)
    bench.figure(f"peak_memory_{LARGE // 10}_turns", small[1], "bytes")
    bench.figure("turns_per_second_without_embedder", LARGE / large[0], "turns/s", more_is_better=True)


def reading(bench: Bench) -> None:
    """A file of a million turns becomes turns on disk, by the process that reads it."""
    import psutil

    from anima.vendors.readers.transcripts.apart import Summary, Wanted, read_apart

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "turns.json"
        _write(path, MILLION)
        wanted = Wanted(path, Path(folder) / "turns.db", None, None, ["me"], [], "Luna", datetime.now(UTC))
        begun, peak = time.perf_counter(), 0
        for item in read_apart(wanted):
            held = [child.memory_info().rss for child in psutil.Process().children()]
            peak = max([peak, *held])
            if isinstance(item, Summary) and item.counts["turns"] != MILLION:
                raise RuntimeError(f"it read {item.counts}")
        took = time.perf_counter() - begun
    bench.figure("million_turns_read", MILLION / took, "turns/s", more_is_better=True)
    bench.figure("peak_memory_million_turns_read", peak, "bytes", peer="limit", peer_value=MOST_BYTES)


def _locomo(bench: Bench) -> list[dict[str, Any]] | None:
    file = bench.data("locomo.json")
    if file is None:
        return None
    talk = json.loads(file.read_text(encoding="utf-8"))["conversations"][0]
    said: list[dict[str, Any]] = [
        {name: turn.get(name) for name in ("id", "session", "date", "speaker", "text")} for turn in talk["turns"]
    ]
    return said[:TURNS]


def _write(path: Path, turns: int) -> None:
    """A file of so many turns, a hundred a session, a minute after each other."""
    with path.open("w", encoding="utf-8") as file:
        file.write('{"title": "large", "turns": [')
        for number in range(turns):
            at = 1_500_000_000 + number * 60
            speaker = "me" if number % 2 else "Anna"
            text = f"On day {number // 1440} I saw boat {number % 997} by the harbour, and it was painted anew."
            given = {"id": number, "session": number // 100, "date": at, "speaker": speaker, "text": text}
            file.write(("," if number else "") + json.dumps(given))
        file.write("]}")


def _worked(here: place.Place, turns: int) -> tuple[float, int]:
    """Seconds and the peak of memory of a worker on a file of so many turns."""
    principal = place.person()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "turns.json"
        _write(path, turns)
        document_id = _brought(principal, path.read_bytes(), "me")
    program = str(Path(__file__).with_name("transcript_worker.py"))
    given = [sys.executable, program, str(principal.user_id), str(document_id)]
    environment = {**os.environ, **here.environment()}
    done = subprocess.run(given, env=environment, stdout=subprocess.PIPE, check=True, text=True)
    with _owner() as connection:
        row = connection.execute("select state, reason from documents where document_id = %s", [document_id]).fetchone()
    if row is None or row[0] != "done":
        raise RuntimeError(f"the transcript is {row}")
    seconds, peak = done.stdout.split()
    return float(seconds), int(peak)


def _brought(principal: db.Principal, content: bytes, me: str) -> int:
    """The document of a transcript that was just brought."""
    from anima.avatars import service as avatars
    from anima.avatars.model import NewAvatar
    from anima.snapshots import transcripts_service
    from anima.snapshots.transcripts_model import NewTranscript

    avatar = avatars.create(principal, NewAvatar(name=f"Luna {uuid.uuid4().hex[:8]}"), None)
    new = NewTranscript(content=content, me=[me], proposals=0)
    return transcripts_service.bring(principal, avatar.avatar_id, new).document_id


def _owner() -> psycopg.Connection[tuple[object, ...]]:
    url = config.settings().database_url
    assert url is not None
    return psycopg.connect(url.get_secret_value(), autocommit=True)

"""Values for the parameters of any statement: ids of somebody's rows by name, anything else by type.

A parameter that may hold an id and is unknown here is an error: teach it to `ROWS`, so that the tests of
tenancy try it with a stranger's id, or to `FRESH` or `NUMBERS` where it refers to nothing.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
from psycopg.types.json import Jsonb

from tenancy.statements import Statement
from tenancy.two_people import Owned

Place = tuple[str, str]

# Name of a parameter -> the table and column whose value it holds.
ROWS: dict[str, Place] = {
    "session_id": ("sessions", "session_id"),
    "message_id": ("messages", "message_id"),
    "parent_message_id": ("messages", "message_id"),
    "message_ids": ("messages", "message_id"),
    "exclude": ("messages", "message_id"),
    "media_id": ("media", "media_id"),
    "media_ids": ("media", "media_id"),
    "avatar_id": ("avatars", "avatar_id"),
    "request_id": ("llm_requests", "request_id"),
    "response_id": ("llm_responses", "response_id"),
    "upload_id": ("uploads", "upload_id"),
    "upload_ids": ("uploads", "upload_id"),
    "document_id": ("documents", "document_id"),
    "document_ids": ("documents", "document_id"),
    "chunk_id": ("chunks", "chunk_id"),
    "outside_ids": ("chunks", "chunk_id"),
    "chunk_ids": ("chunks", "chunk_id"),
    "result_ids": ("chunks", "chunk_id"),
    "store_id": ("vector_stores", "store_id"),
    "store_ids": ("vector_stores", "store_id"),
    "shared_id": ("vector_stores", "store_id"),
    "retrieval_id": ("retrieval_logs", "retrieval_id"),
    "summary_id": ("summaries", "summary_id"),
    "fact_id": ("user_facts", "id"),
    "fact_ids": ("user_facts", "id"),
    "old_ids": ("user_facts", "id"),
    "new_ids": ("user_facts", "id"),
    "ids": ("user_facts", "id"),
    "new_id": ("user_facts", "id"),
    "episode_id": ("episodes", "id"),
    "episode_ids": ("episodes", "id"),
    "event_id": ("outbox", "event_id"),
    "event_ids": ("outbox", "event_id"),
    "api_key_id": ("api_keys", "api_key_id"),
}
# Where the same name means something else, or a row in another state: the newest request is pending, the newest
# document is running.
OTHERWISE: dict[tuple[str, str], tuple[str, str, int]] = {
    ("knowledge.uploads_repo.REMOVED", "upload_id"): ("uploads", "upload_id", -1),
    # The store that lies elsewhere is the newest.
    **{
        (f"knowledge.{repo}.{name}", "store_id"): ("vector_stores", "store_id", -1)
        for repo, names in (
            ("outside_repo", ("OUTSIDE_STORE", "CONDITION", "ENCRYPT_KEY", "PUT_OFF", "FAILED", "REACHED", "SAY_WHY")),
            (
                "outside_vectors_repo",
                (
                    *("MODELS", "CLAIM_WAITING", "WRITTEN", "RELEASE", "LEFT", "WAITING_DOCUMENTS"),
                    *("GONE", "GONE_BUSY", "FORGOTTEN"),
                ),
            ),
            ("outside_drift_repo", ("KNOWN", "EXPECTED", "WRITE_AGAIN", "OTHER_MODEL", "RETIRE")),
        )
        for name in names
    },
    ("memory.episodes_repo.ADD_EPISODE", "new_id"): ("episodes", "id", 0),
    ("knowledge.index_repo.WRITE", "document_id"): ("documents", "document_id", -1),
    ("chat.repo.STORED_ANSWER", "request_id"): ("llm_requests", "request_id", -1),
    ("chat.repo.CLOSE_REQUEST", "request_id"): ("llm_requests", "request_id", -1),
    **{
        (f"knowledge.claim_repo.{name}", "document_id"): ("documents", "document_id", -1)
        for name in ("GIVE_UP", "CLAIM", "ADVANCE", "READ", "HAND_OVER", "FINISH", "END", "AT_WORK", "QUEUE")
    },
}
# Where an id is that of a row about to be made: one's own would be there already.
MADE = {
    ("memory.facts_repo.ADD", "ids"),
    ("memory.facts_repo.KEEP_OLD", "new_id"),
    ("memory.episodes_repo.ADD_EPISODE", "new_id"),
    ("kernel.outbox.ADD", "event_id"),
    ("avatars.repo.ADD", "avatar_id"),
    ("knowledge.uploads_repo.ADD", "upload_id"),
}
# Where a value has to be another one than elsewhere.
SPECIAL: dict[tuple[str, str], Any] = {
    ("knowledge.search_repo.LOG", "status"): "completed",
    ("memory.facts_repo.CORRECT", "status"): "confirmed",
    ("knowledge.claim_repo.CLAIM", "max_attempts"): 5,
    ("knowledge.claim_repo.END", "state"): "failed",
    ("avatars.repo.ADD", "name"): "another",
    ("kernel.delivery.MARK_HANDLED", "key"): "another",
    ("relationships.repo.BEGIN", "personality_name"): "another",
    ("memory.index_repo.SAID", "key"): "another",
    ("kernel.idempotency.FORGET", "key"): "running",
    ("kernel.idempotency.LAPSE", "key"): "running",
}
# Ids that refer to no row that somebody owns.
FRESH = {"external_ids", "instance", "kept_family_id", "turn_id"}
NUMBERS = {
    *("limit", "most", "n", "total_len", "size_bytes", "sizes", "candidates", "weighed", "most_terms", "most_missing"),
}
# Where a page of a list begins: beyond every row, so that all are on it.
POSITIONS = {"before", "before_id", "after", "after_id"}

VECTOR = "[" + ",".join(["0.05"] * 384) + "]"
SOON = datetime.now(UTC) + timedelta(days=1)
VALUES: dict[str, Any] = {
    "limit": 10,
    "candidates": 50,
    "weighed": 50,
    "vectors": [VECTOR],
    "embedding_model": "all-MiniLM-L6-v2",
    "key": "the-key",
    "keys": ["the-key"],
    "terms": ["word"],
    "kinds": ["message", "fact", "episode"],
    "purpose": "context",
    "purposes": ["context"],
    "role": "user",
    "visibility": "private",
    "personality_name": "luna",
    "state": "completed",
    "mode": "hybrid",
    "media_type": "text",
    "media_types": ["text"],
    "sha256": "c" * 64,
    "sha256s": ["c" * 64],
    "metric": "cosine",
    "sentiment": "neutral",
    "roles": ["viewer"],
    "values": ['"x"'],
    "external_ids": ["written", "gone"],
    "locations": ["{}"],
    "metadatas": ["{}"],
    "words": [0],
    "importance": 5.0,
    "dimension": 384,
    "statuses": ["confirmed"],
    "markers": [1],
    "expires_at": SOON,
    "milliseconds": "5000",
}
_BY_TYPE: dict[str, Callable[[], Any]] = {
    "text": lambda: "x",
    "varchar": lambda: "x",
    "citext": lambda: "luna",
    "bool": lambda: True,
    "int2": lambda: 1,
    "int4": lambda: 1,
    "int8": lambda: 1,
    "float4": lambda: 0.5,
    "float8": lambda: 0.5,
    "jsonb": lambda: Jsonb({}),
    "timestamptz": lambda: datetime.now(UTC),
    "interval": lambda: timedelta(minutes=5),
    "bytea": lambda: b"x",
    "uuid": uuid.uuid4,
    "vector": lambda: VECTOR,
}
_OUTERMOST: dict[str, tuple[Any, Any]] = {
    "int4": (-1, 2**31 - 1),
    "int8": (-1, 2**62),
    "uuid": (uuid.UUID(int=0), uuid.UUID(int=2**128 - 1)),
    "timestamptz": (datetime(1970, 1, 1, tzinfo=UTC), SOON),
}
NOBODYS_NUMBER, NOBODYS_UUID = 6_999_999, uuid.UUID(int=6_999_999)


class Untaught(AssertionError):
    """A parameter that may hold an id, and that nobody has explained."""


def types(connection: psycopg.Connection[Any], statement: Statement) -> dict[str, str]:
    """The type of each parameter, as the server infers it."""
    pgconn = connection.pgconn
    pgconn.prepare(b"", statement.numbered.encode())
    answer = pgconn.describe_prepared(b"")
    oids = [answer.param_type(number) for number in range(answer.nparams)]
    names = dict(connection.execute("select oid::bigint, typname from pg_type where oid = any(%s)", [oids]).fetchall())
    return {name: str(names[oid]) for name, oid in zip(statement.parameters, oids, strict=True)}


def is_row(name: str, type_: str, statement: Statement) -> bool:
    """Whether a parameter holds ids of rows. Raises Untaught where that cannot be told."""
    if name in ROWS:
        return True
    may_be = type_.removeprefix("_") in {"int8", "uuid"} or name.endswith(("_id", "_ids"))
    if may_be and name not in {"owner_id", "user_id", *FRESH, *NUMBERS, *POSITIONS}:
        raise Untaught(f"{statement}: what is %({name})s ({type_})? Teach it to tests/tenancy/parameters.py")
    return False


def row_value(name: str, type_: str, statement: Statement, whose: Owned | None, me: Owned) -> Any:
    """Somebody's id for a parameter, or one that nobody has; as an array where one is wanted."""
    place = str(statement), name
    value: Any
    if whose is None:
        value = NOBODYS_UUID if type_.endswith("uuid") else NOBODYS_NUMBER
    elif whose is me and place in MADE:
        value = uuid.uuid4()
    else:
        table, column, which = OTHERWISE.get(place, (*ROWS[name], 0))
        value = whose.ids[table, column][which]
    return [value] if type_.startswith("_") else value


def plain_value(name: str, type_: str, statement: Statement) -> Any:
    """A value for a parameter that refers to no row; none for one that only narrows what is found."""
    if (str(statement), name) in SPECIAL:
        return SPECIAL[str(statement), name]
    if re.search(rf"%\({name}\)s(::[a-z0-9 \[\]]+)? is null", statement.sql):
        return None
    if name in POSITIONS:
        lowest, highest = _OUTERMOST[type_]
        return highest if name.startswith("before") else lowest
    if name.startswith("most_"):
        return 100
    if name in VALUES:
        return VALUES[name] if type_.startswith("_") or not isinstance(VALUES[name], list) else VALUES[name][0]
    element = type_.removeprefix("_")
    value = _BY_TYPE[element]()
    return [value] if type_.startswith("_") else value

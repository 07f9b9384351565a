"""Values for the parameters of any statement: ids of somebody's rows by name, anything else by type.

A parameter that may hold an id and is unknown here is an error: teach it to `ROWS`, so that the tests of
tenancy try it with a stranger's id, or to `FRESH` or `NUMBERS` where it refers to nothing.
"""

from __future__ import annotations

import hashlib
import re
import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
from psycopg.types.json import Jsonb

from tenancy import model_parameters
from tenancy.statements import Statement
from tenancy.two_people import Owned

Place = tuple[str, str]

# Name of a parameter -> the table and column whose value it holds.
ROWS: dict[str, Place] = {
    "session_id": ("sessions", "session_id"),
    "session_ids": ("sessions", "session_id"),
    "message_id": ("messages", "message_id"),
    "parent_message_id": ("messages", "message_id"),
    "parent_message_ids": ("messages", "message_id"),
    "message_ids": ("messages", "message_id"),
    "exclude": ("messages", "message_id"),
    "media_id": ("media", "media_id"),
    "media_ids": ("media", "media_id"),
    "avatar_id": ("avatars", "avatar_id"),
    "avatar_ids": ("avatars", "avatar_id"),
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
    "related_ids": ("episodes", "id"),
    "event_id": ("outbox", "event_id"),
    "event_ids": ("outbox", "event_id"),
    "entity_id": ("entities", "entity_id"),
    "entity_ids": ("entities", "entity_id"),
    "change_id": ("memory_changes", "change_id"),
    "transcript_id": ("documents", "document_id"),
    "hides": ("messages", "message_id"),
    "edits": ("messages", "message_id"),
    "edit_message_id": ("messages", "message_id"),
    "answered": ("messages", "message_id"),
    "by": ("messages", "message_id"),
    "leaf": ("messages", "message_id"),
    "gap_id": ("curiosity_gaps", "gap_id"),
    "origin_id": ("snapshot_ids", "origin_id"),
    "gap_ids": ("curiosity_gaps", "gap_id"),
    "api_key_id": ("api_keys", "api_key_id"),
    "plugin_id": ("plugins", "plugin_id"),
    "invocation_id": ("plugin_invocations", "invocation_id"),
    "prompt_id": ("prompts", "prompt_id"),
    "connection": ("socket_connections", "connection_id"),
    **model_parameters.ROWS,
}
# Where the same name means something else, or a row in another state: the newest request is pending.
OTHERWISE: dict[tuple[str, str], tuple[str, str, int]] = {
    ("knowledge.uploads_repo.REMOVED", "upload_id"): ("uploads", "upload_id", -1),
    ("memory.replay_repo.ADD", "new_id"): ("episodes", "id", 0),
    ("chat.repo.STORED_ANSWER", "request_id"): ("llm_requests", "request_id", -1),
    ("chat.repo.CLOSE_REQUEST", "request_id"): ("llm_requests", "request_id", -1),
    ("chat.tools_repo.WAIT", "request_id"): ("llm_requests", "request_id", -1),
    ("chat.tools_repo.GO_ON", "request_id"): ("llm_requests", "request_id", -1),
    ("chat.ask_repo.ANSWERED", "request_id"): ("llm_requests", "request_id", -1),
    ("curiosity.look_repo.FOUND", "new_id"): ("curiosity_gaps", "gap_id", 0),
    ("snapshots.snapshot_search_repo.CLOTHE_FACTS", "fact_ids"): ("user_facts", "id", -1),
    **model_parameters.OTHERWISE,
}


def _named(what: str, parameter: str, repo: str, *statements: str) -> dict[tuple[str, str], str]:
    """A row that statements of a module want for a parameter, by what it is."""
    return {(f"{repo}.{name}", parameter): what for name in statements}


# Where the row has to be in a state of its own: which of tests/tenancy/states.py it is.
NAMED: dict[tuple[str, str], str] = {
    **_named(
        "outside store",
        "store_id",
        "knowledge.outside_repo",
        *("OUTSIDE_STORE", "CONDITION", "ENCRYPT_KEY", "PUT_OFF", "FAILED", "REACHED", "SAY_WHY"),
    ),
    **_named(
        "outside store",
        "store_id",
        "knowledge.outside_vectors_repo",
        *("MODELS", "CLAIM_WAITING", "WRITTEN", "RELEASE", "LEFT", "WAITING_DOCUMENTS"),
        *("GONE", "GONE_BUSY", "FORGOTTEN"),
    ),
    **_named(
        "outside store",
        "store_id",
        "knowledge.outside_drift_repo",
        *("KNOWN", "EXPECTED", "WRITE_AGAIN", "OTHER_MODEL", "RETIRE"),
    ),
    **_named("moving store", "store_id", "knowledge.outside_drift_repo", "END_MOVE"),
    **_named("outside store", "store_id", "knowledge.stores_repo", "RIVALS"),
    **_named(
        "store of the analysis",
        "store_id",
        "knowledge.stores_check_repo",
        "COMPARED",
        "DROP_EXTRA",
        "UNEMBEDDED",
        "FILL",
    ),
    **_named("chunk of the analysis", "chunk_ids", "knowledge.stores_check_repo", "FILL"),
    **_named("analysis", "document_id", "knowledge.digest_write_repo", "KEEP"),
    **_named("chunk of the analysis", "chunk_ids", "knowledge.digest_write_repo", "KEEP"),
    **_named("analysis", "document_id", "knowledge.index_repo", "DROP_WORDS"),
    **_named("running document", "document_id", "knowledge.index_repo", "WRITE"),
    **_named(
        "running document",
        "document_id",
        "knowledge.claim_repo",
        *("CLAIM", "ADVANCE", "READ", "HAND_OVER", "FINISH", "END", "AT_WORK"),
    ),
    **_named("exhausted document", "document_id", "knowledge.claim_repo", "GIVE_UP"),
    **_named("document at the reader", "document_id", "knowledge.claim_repo", "AT_READER"),
    **_named("failed document", "document_id", "knowledge.claim_repo", "QUEUE"),
    **_named("document to look at again", "document_id", "knowledge.fetch_repo", "AGAIN", "UNCHANGED", "EMPTIED"),
    **_named("running document", "document_id", "knowledge.fetch_repo", "TWIN", "WILL_LIE", "ENTER", "END_BY"),
    **_named("failed document", "document_ids", "knowledge.intake_repo", "QUEUE_AGAIN"),
    **_named("document to look at again", "document_ids", "knowledge.intake_repo", "FETCH_AGAIN"),
    **_named("unused medium", "media_id", "knowledge.documents_repo", "DELETE_MEDIUM"),
    **_named("open gap", "gap_id", "curiosity.turn_repo", "TOLD"),
    **_named("open gap", "gap_ids", "curiosity.look_repo", "FILLED"),
    **_named("researching gap", "gap_id", "curiosity.research_repo", "PUT_BACK", "ANSWERED", "IN_VAIN"),
    **_named("finding", "document_id", "curiosity.research_repo", "ANSWERED", "IN_USE"),
    **_named(
        "running transcript",
        "document_id",
        "snapshots.transcripts_repo",
        *("CLAIM", "AT_WORK", "ADVANCE", "END", "NOTE", "REMOVE", "NAME_CONTENT"),
    ),
    **_named(
        "running transcript",
        "document_id",
        "snapshots.transcripts_turns_repo",
        *("TAKEN", "TELLING_COUNT", "ADD_SESSIONS"),
    ),
    **_named("running transcript", "document_id", "snapshots.transcripts_extract_repo", "UNREAD", "OWN_COUNT"),
    **_named("running transcript", "document_id", "knowledge.documents_repo", "WRITTEN_OF"),
    **_named("exhausted transcript", "document_id", "snapshots.transcripts_repo", "GIVE_UP"),
    **_named("failed transcript", "document_id", "snapshots.transcripts_intake_repo", "THERE", "QUEUE_AGAIN"),
    **_named("ended summary", "summary_id", "knowledge.summary_repo", "DELETE"),
    **_named("running summary", "summary_id", "knowledge.summary_repo", "KEEP_PART", "FINISH", "END"),
    **_named("approved call", "invocation_id", "plugins.turn_repo", "CLAIM"),
    **_named("waiting call", "invocation_id", "plugins.turn_repo", "DECIDE"),
    **_named("new message", "message_ids", "memory.index_repo", "ADD_EMBEDDINGS", "ADD_POSTINGS"),
    **_named("other fact", "fact_id", "memory.facts_write_repo", "END_OTHERS"),
    **model_parameters.NAMED,
}
# What is published is everybody's: a stranger's id is that of a row that is not.
PUBLISHED: dict[str, str] = {"shared_id": "published store"}
PUBLISHED_IN: dict[tuple[str, str], str] = {
    ("knowledge.shared_repo.CHUNK", "chunk_id"): "published chunk",
    ("knowledge.search_repo.SEARCH_SHARED", "document_ids"): "shared document",
}
# Where an id is that of a row about to be made: one's own would be there already.
MADE = {
    ("curiosity.look_repo.FOUND", "new_id"),
    ("memory.facts_write_repo.KEEP_OLD", "new_id"),
    ("memory.changes_repo.ADD", "change_id"),
    ("memory.replay_repo.ADD", "new_id"),
    ("kernel.outbox.ADD", "event_id"),
    ("avatars.repo.ADD", "avatar_id"),
    ("knowledge.uploads_repo.ADD", "upload_id"),
    ("knowledge.uploads_repo.EXPECT", "upload_ids"),
    *model_parameters.MADE,
}


_INSIDE: dict[str, tuple[str, str, int]] = {
    "session": ("sessions", "session_id", 0),
    "parent": ("messages", "message_id", 0),
    "message": ("messages", "message_id", -1),
    "source": ("messages", "message_id", 0),
    "medium": ("media", "media_id", 0),
    "entity": ("entities", "entity_id", 0),
    "fact": ("user_facts", "id", -1),
    "id": ("user_facts", "id", 0),
    "successor": ("user_facts", "id", -1),
}
# Where ids stand inside the one row of a list: what they are in it, and which of somebody's rows they are.
INSIDE: dict[tuple[str, str], dict[str, tuple[str, str, int]]] = {
    **model_parameters.INSIDE,
    **{
        (f"snapshots.snapshot_{statement}", "rows"): {key: _INSIDE[key] for key in keys.split()}
        for statement, keys in {
            "talk_repo.CHANGE_SESSIONS": "session",
            "talk_repo.MOODS": "session",
            "talk_repo.ADD_MESSAGES": "session parent",
            "talk_repo.MARK_FOUND": "message",
            "talk_repo.ATTACH": "message medium",
            "write_repo.ENTITY_MENTIONS": "entity message",
            "write_repo.SUCCESSORS": "id successor",
            "write_repo.MENTIONS": "fact message",
            "write_repo.QUESTIONS": "message fact entity",
            "write_repo.FACTS": "session source entity",
            "write_repo.FELT": "session message",
            "write_repo.EPISODES": "session",
        }.items()
    },
}


def _rows(**row: Any) -> Jsonb:
    """One row as the text of a list."""
    return Jsonb([row])


VECTOR = "[" + ",".join(["0.05"] * 384) + "]"
MODEL = "all-MiniLM-L6-v2@85bb1de96885"
# Where a value has to be another one than elsewhere.
SPECIAL: dict[tuple[str, str], Any] = {
    ("snapshots.export_repo.PAGE", "after"): None,
    ("plugins.catalogue_repo.BY_NAME", "name"): "calculator",
    ("gateway.prompts_repo.CHOSEN", "versions"): [1],
    ("gateway.prompts_repo.LATEST", "after"): None,
    **{
        (f"gateway.{name}", "exp_id"): 7300001
        for name in (
            *("experiments_admin_repo.ONE", "experiments_admin_repo.END"),
            *("experiments_sums_repo.WATCHED", "experiments_sums_repo.SUMS"),
        )
    },
    ("gateway.budgets_repo.SET", "imposed"): False,
    ("gateway.budgets_repo.SET", "limits"): Jsonb([{"period": "month", "max_tokens": 1000}]),
    ("gateway.experiments_admin_repo.MAKE", "metric"): "liked",
    ("gateway.experiments_admin_repo.MAKE", "variants"): Jsonb([]),
    ("gateway.experiments_admin_repo.MAKE", "created_by"): None,
    ("gateway.prompts_repo.ADD", "created_by"): None,
    ("socket.repo.OPENED", "opened_family_id"): None,
    ("knowledge.search_repo.LOG", "status"): "completed",
    ("curiosity.research_repo.ANSWERED", "search_id"): uuid.UUID("00000000-0000-7000-8000-000000000001"),
    ("curiosity.research_repo.IN_VAIN", "search_id"): uuid.UUID("00000000-0000-7000-8000-000000000001"),
    ("curiosity.look_repo.FOUND", "kind"): "unknown",
    ("curiosity.look_repo.FOUND", "language"): "en",
    ("curiosity.turn_repo.ASIDES", "between"): 6,
    ("memory.hints_repo.STATEMENTS", "categories"): ["food"],
    ("memory.facts_write_repo.CORRECT", "status"): "confirmed",
    ("memory.facts_write_repo.CORRECT", "origin"): "corrected",
    ("memory.facts_write_repo.CORRECT", "key"): "another",
    ("memory.episodes_repo.CORRECT_EPISODE", "origin"): "corrected",
    ("memory.changes_repo.ADD", "kind"): "fact",
    ("memory.changes_repo.ADD", "action"): "correct",
    ("memory.changes_repo.EXPIRE", "now"): datetime.now(UTC) + timedelta(days=1000),
    ("memory.episodes_repo.EPISODES", "now"): datetime(2020, 1, 1, tzinfo=UTC),
    # Rows as one text; what they name besides is held by foreign keys.
    ("memory.lines_repo.WRITE", "rows"): _rows(
        id=str(uuid.uuid4()),
        **{"category": "food", "key": "fresh", "value": "x", "confidence": 0.5, "status": "confirmed", "evidence": "x"},
        **{name: "2026-01-05T09:30:00Z" for name in ("first_mentioned", "last_updated", "learned_at")},
        **{"mention_count": 1, "is_active": True, "origin": "said", "terms": "word"},
    ),
    ("memory.lines_repo.MENTION", "mentions"): Jsonb([]),
    ("memory.entities_repo.KEEP", "entities"): _rows(
        entity_id=str(uuid.uuid4()), kind="thing", name="x", folded="x", aliases=[], seen="2026-01-05T09:30:00Z"
    ),
    ("memory.episodes_repo.ADD_EPISODES", "episodes"): _rows(
        id=str(uuid.uuid4()),
        **{"type": "moment", "title": "x", "summary": "x", "importance": 5, "sentiment": "neutral", "message_ids": []},
        **{"at": "2026-01-05T09:30:00Z", "times_recalled": 0, "origin": "said", "fact_ids": [], "terms": "word"},
    ),
    # The ids that stand in these rows are of INSIDE.
    ("snapshots.snapshot_target_repo.CURIOSITY", "rows"): _rows(searches_a_day=3),
    ("snapshots.snapshot_talk_repo.ADD_SESSIONS", "rows"): _rows(
        session=7_300_000, title="x", started_at="2026-01-05T09:30:00Z", metadata={}
    ),
    ("snapshots.snapshot_talk_repo.CHANGE_SESSIONS", "rows"): _rows(title="x", ended_at="2099-01-05T09:30:00Z"),
    ("snapshots.snapshot_talk_repo.MOODS", "rows"): _rows(
        mood={"current_mood": "x", "mood_intensity": 1, "mood_started_at": "2099-01-05T09:30:00Z", "mood_history": []}
    ),
    ("snapshots.snapshot_talk_repo.ADD_MESSAGES", "rows"): _rows(
        **{"message": 7_400_000, "role": "user", "content": "x", "created_at": "2026-01-05T09:30:00Z", "metadata": {}},
        **{"by_person": True, "by_avatar": False, "found": True},
    ),
    ("snapshots.snapshot_talk_repo.MARK_FOUND", "rows"): _rows(found=True),
    ("snapshots.snapshot_talk_repo.ATTACH", "rows"): _rows(),
    ("snapshots.snapshot_talk_repo.MEDIA_THERE", "sha256s"): ["a" * 64],
    ("snapshots.snapshot_write_repo.ENTITY_MENTIONS", "rows"): _rows(old=True),
    ("snapshots.snapshot_write_repo.SUCCESSORS", "rows"): _rows(),
    ("snapshots.snapshot_write_repo.MENTIONS", "rows"): _rows(
        **{"old": True, "evidence": "x", "said_at": "2026-01-05T09:30:00Z", "confirmed": True, "changed": False},
        **{"gone": False, "place": 0},
    ),
    ("snapshots.snapshot_write_repo.QUESTIONS", "rows"): _rows(
        **{"id": str(uuid.uuid4()), "kind": "unknown", "subject": "", "question": "x", "folded": "x", "language": "en"},
        **{"score": 0.5, "state": "open", "to_research": False, "mention_count": 1, "looked_in": {}, "title": ""},
        **{"created_at": "2026-01-05T09:30:00Z", "last_seen": "2026-01-05T09:30:00Z"},
    ),
    ("snapshots.snapshot_target_repo.TARGET", "name"): None,
    ("snapshots.snapshot_target_repo.REMEMBER", "rows"): _rows(origin_id=str(uuid.uuid4()), id=str(uuid.uuid4())),
    ("snapshots.snapshot_target_repo.ADD_AVATAR", "rows"): _rows(
        **{"name": "from a snapshot", "bio": "", "personality_name": "x", "personality": {}, "visibility": "private"},
        **{"switches": {}, "egress": {}, "state": {}},
        **{"created_at": "2026-01-05T09:30:00Z", "updated_at": "2026-01-05T09:30:00Z"},
    ),
    ("snapshots.snapshot_target_repo.CHANGE_AVATAR", "rows"): _rows(
        **{"bio": "", "personality_name": "x", "personality": {}, "visibility": "private"},
        **{"switches": {}, "egress": {}, "state": {}, "updated_at": "2099-01-05T09:30:00Z"},
    ),
    ("snapshots.snapshot_target_repo.AFFINITY", "rows"): _rows(
        **{"personality_name": "fresh", "affinity_points": 1, "current_level": "x", "total_messages": 1},
        **{"positive_interactions": 0, "negative_interactions": 0, "recent_interactions": 0},
    ),
    ("snapshots.snapshot_target_repo.DROP_VERSIONS", "rows"): _rows(version=1),
    ("snapshots.snapshot_write_repo.ENTITIES", "rows"): _rows(
        **{"id": str(uuid.uuid4()), "kind": "thing", "name": "y", "folded": "y", "aliases": [], "mention_count": 1},
        **{"first_seen": "2026-01-05T09:30:00Z", "last_seen": "2026-01-05T09:30:00Z"},
    ),
    ("snapshots.snapshot_target_repo.VERSIONS", "rows"): _rows(
        version=99, personality_name="x", personality={}, created_at="2026-01-05T09:30:00Z"
    ),
    ("snapshots.snapshot_target_repo.PICTURE", "rows"): _rows(
        mime_type="image/png", picture="eA==", updated_at="2099-01-05T09:30:00Z"
    ),
    ("snapshots.snapshot_target_repo.FEELINGS", "rows"): _rows(
        concentrations=[1] * 6, baselines=[1] * 6, as_of="2099-01-05T09:30:00Z"
    ),
    ("snapshots.snapshot_talk_repo.ADD_MEDIA", "rows"): _rows(
        **{"storage_uri": "file:///nowhere/new", "media_type": "text", "mime_type": "text/plain", "size_bytes": 1},
        **{"checksum_sha256": "d" * 64, "created_at": "2026-01-05T09:30:00Z", "metadata": {}},
    ),
    ("snapshots.snapshot_write_repo.ENTITIES_THERE", "rows"): _rows(id=None, kind="person", folded="anna"),
    ("snapshots.snapshot_write_repo.FACTS", "rows"): _rows(
        **{"id": str(uuid.uuid4()), "category": "food", "key": "from a snapshot", "value": 1, "confidence": 0.5},
        **{"status": "confirmed", "evidence": "", "mention_count": 1, "tags": [], "context": "", "is_active": True},
        **{name: "2026-01-05T09:30:00Z" for name in ("first_mentioned", "last_updated", "learned_at")},
        **{"pinned": False, "origin": "said"},
    ),
    ("snapshots.snapshot_write_repo.EPISODES", "rows"): _rows(
        **{"id": str(uuid.uuid4()), "type": "moment", "title": "x", "summary": "x", "importance": 5, "tags": []},
        **{"sentiment": "neutral", "messages": [], "timestamp": "2026-01-05T09:30:00Z", "temporal_decay": 0.1},
        **{"times_recalled": 0, "pinned": False, "facts": [], "episodes": [], "metadata": {}, "origin": "said"},
    ),
    ("snapshots.snapshot_write_repo.FELT", "rows"): _rows(
        **{"id": str(uuid.uuid4()), "at": "2026-01-05T09:30:00Z", "valence": 0, "arousal": 0, "mood": "calm"},
        **{"mood_intensity": 0, "sentiment": 0, "concentrations": [1] * 6, "cause": "turn"},
    ),
    ("snapshots.snapshot_write_repo.END_EARLIER", "rows"): _rows(
        **{"id": str(uuid.uuid4()), "category": "food", "key": "the-key", "is_active": True},
        **{"learned_at": "2099-01-05T09:30:00Z", "last_updated": "2099-01-05T09:30:00Z"},
    ),
    **{(f"memory.changes_rows_repo.RESTORE_{name}", "rows"): Jsonb([]) for name in ("FACTS", "MENTIONS", "EPISODES")},
    ("knowledge.claim_repo.CLAIM", "max_attempts"): 5,
    # What there is much of goes as one text, of values with a blank between them.
    **{
        ("knowledge.index_repo.WRITE", name): value
        for name, value in (("vectors", VECTOR), ("term_indexes", "1"), ("terms", "word"), ("tfs", "1"), ("dls", "1"))
    },
    ("knowledge.claim_repo.END", "state"): "failed",
    ("snapshots.transcripts_turns_repo.ADD_SESSIONS", "new_session_ids"): [7_100_000],
    ("snapshots.transcripts_turns_repo.ADD_SESSIONS", "conversations"): [bytes(16)],
    ("snapshots.transcripts_turns_repo.KNOWN", "conversations"): [bytes(16)],
    ("snapshots.transcripts_turns_repo.ADD_MESSAGES", "new_message_ids"): [7_200_000],
    ("snapshots.transcripts_repo.END", "state"): "failed",
    **{(f"snapshots.transcripts_repo.{name}", "claims"): 7 for name in ("ADVANCE", "END", "NAME_CONTENT")},
    **{(f"snapshots.transcripts_repo.{name}", "max_attempts"): most for name, most in (("CLAIM", 5), ("GIVE_UP", 3))},
    ("knowledge.claim_repo.END", "claims"): 1,
    ("knowledge.claim_repo.FINISH", "claims"): 1,
    ("avatars.repo.ADD", "name"): "another",
    ("kernel.delivery.MARK_HANDLED", "key"): "another",
    ("relationships.repo.BEGIN", "personality_name"): "another",
    ("conversations.pins_repo.PINNED", "client_id"): "the-key",
    ("memory.index_repo.SAID", "key"): "another",
    ("kernel.idempotency.FORGET", "key"): "running",
    ("kernel.idempotency.LAPSE", "key"): "running",
    ("kernel.idempotency.RENEW", "key"): "expired",
    ("conversations.media_repo.KNOWN", "sha256"): "a" * 64,
    ("conversations.media_repo.KNOWN", "mime_type"): "text/plain",
    ("inference.cache_repo.FOUND", "model"): "the-model",
    ("inference.cache_repo.FOUND", "layer"): "sentence",
    ("inference.cache_repo.FOUND", "input_hashes"): [hashlib.sha256(b"known").digest()],
    ("inference.cache_repo.KEEP", "input_hashes"): [hashlib.sha256(b"new").digest()],
    ("inference.cache_repo.KEEP", "tensors"): b"\0" * 4,
    ("inference.cache_repo.KEEP", "n_bytes"): 4,
    **{
        (f"inference.{name}", parameter): hashlib.sha256(b"new").digest()
        for name, parameter in (
            *(("attention_repo.ADD", "input_hash"), ("kv_repo.ADD", "prompt_hash"), ("slots_repo.KEEP", "prompt_hash")),
        )
    },
    ("inference.layers_repo.FOUND", "input_hashes"): [hashlib.sha256(b"known").digest()],
    ("inference.layers_repo.KEEP", "input_hashes"): [hashlib.sha256(b"new").digest()],
    ("inference.layers_repo.KEEP", "shapes"): ["{1}"],
    ("inference.layers_repo.KEEP", "dtype"): "float32",
    ("inference.kv_repo.ADD", "seq_end"): 2,
    ("inference.kv_repo.EXPIRED", "at"): datetime.now(UTC) + timedelta(days=1000),
    ("inference.layers_repo.EXPIRED", "at"): datetime.now(UTC) + timedelta(days=1000),
    **{(f"inference.{name}", "layer"): "x" for name in ("layers_repo.FOUND", "layers_repo.FORGET")},
    ("inference.layers_repo.FORGET", "input_hashes"): [hashlib.sha256(b"known").digest()],
    ("knowledge.fetch_repo.TWIN", "sha256"): "b" * 64,
    ("knowledge.fetch_repo.END_BY", "state"): "failed",
    ("knowledge.outside_repo.SEARCHED", "purposes"): ["elsewhere"],
    ("knowledge.outside_repo.SEARCHED", "embedding_model"): MODEL,
    ("knowledge.publish_repo.NAMED", "store_name"): "shared",
    ("knowledge.retrieval_repo.PLAN", "model"): MODEL,
    ("knowledge.search_repo.SEARCH_SHARED", "purpose"): "nobody's",
    ("knowledge.stores_check_repo.FILL", "embedding_model"): MODEL,
    ("knowledge.summary_repo.PIECES", "first_index"): 0,
    ("knowledge.summary_repo.ADD", "how"): "extractive",
    ("knowledge.summary_repo.END", "ended"): "failed",
    ("knowledge.uploads_repo.WILL_LIE", "storage_uri"): "local:nowhere/0",
    ("memory.sleep_repo.HOLD", "holder"): uuid.UUID("00000000-0000-7000-8000-000000000002"),
    ("memory.forgetting_repo.DROP_FADED", "at"): datetime.now(UTC) + timedelta(days=1000),
    ("memory.index_repo.ADD_POSTINGS", "terms"): ["another"],
    ("emotions.repo.STORE_STATE", "sentiment"): 0.5,
    **{
        (f"plugins.{name}", "digest"): "d" * 64
        for name in ("turn_repo.BEGIN", "turn_repo.CLAIM", "turn_repo.ASK", "turn_repo.ALLOW", "catalogue_repo.PERMIT")
    },
    ("plugins.turn_repo.END", "state"): "done",
    ("plugins.turn_repo.DECIDE", "state"): "denied",
    ("plugins.catalogue_repo.ADD", "kind"): "mcp",
    ("plugins.catalogue_repo.ADD", "private_allowed"): False,
    ("operations.settings_repo.STORE", "values"): Jsonb({"safety.breaks": "everyone"}),
    **model_parameters.SPECIAL,
}
# Ids that refer to no row that somebody owns.
FRESH = {
    "exp_id",  # what runs is everybody's
    "created_by",
    "subject_id",
    "actor_id",
    "item_id",
    "client_id",  # what a client calls a session is its own
    "new_session_ids",
    "new_message_ids",
    "new_avatar_id",
    "until",
    "external_ids",
    "instance",
    "kept_family_id",
    "opened_family_id",
    "turn_id",
    "search_id",
    "feeling_id",
    "holder",
    "run_id",
    *model_parameters.FRESH,
}
NUMBERS = {
    *model_parameters.NUMBERS,
    "between",
    *("prompt_tokens", "completion_tokens", "cached_tokens"),
    *("limit", "most", "n", "total_len", "size_bytes", "sizes", "candidates", "weighed", "most_terms", "most_missing"),
}
# Where a page of a list begins: beyond every row, so that all are on it.
POSITIONS = {"before", "before_id", "after", "after_id"}

SOON = datetime.now(UTC) + timedelta(days=1)
VALUES: dict[str, Any] = {
    "limit": 10,
    "candidates": 50,
    "weighed": 50,
    "vectors": [VECTOR],
    "drives": [0.5] * 6,
    "baselines": [20.0, 10.0, 10.0, 20.0, 200.0, 2.0],
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
    "mime_type": "image/png",
    "media_types": ["text"],
    "sha256": "c" * 64,
    "content_sha256": "c" * 64,
    "sha256s": ["c" * 64],
    "metric": "cosine",
    "sentiment": "neutral",
    "country": "FR",
    "age": "minor",
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
    "date": lambda: datetime.now(UTC).date(),
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
    room = str(statement).split(".")[0]
    if name in ROWS or (room, name) in model_parameters.IN_ROOM or (str(statement), name) in INSIDE:
        return True
    may_be = type_.removeprefix("_") in {"int8", "uuid"} or name.endswith(("_id", "_ids"))
    if may_be and name not in {"owner_id", "user_id", *FRESH, *NUMBERS, *POSITIONS}:
        raise Untaught(f"{statement}: what is %({name})s ({type_})? Teach it to tests/tenancy/parameters.py")
    return False


def row_value(name: str, type_: str, statement: Statement, whose: Owned | None, me: Owned) -> Any:
    """Somebody's id for a parameter, or one that nobody has; as an array where one is wanted."""
    place = str(statement), name
    value: Any
    if place in INSIDE:
        return _holding(place, whose, me)
    if whose is None:
        value = NOBODYS_UUID if type_.endswith("uuid") else NOBODYS_NUMBER
        value = str(value) if type_ == "text" else value
    elif whose is me and place in MADE:
        value = uuid.uuid4()
    elif whose is me and (name in PUBLISHED or place in PUBLISHED_IN):
        value = me.named[PUBLISHED.get(name) or PUBLISHED_IN[place]]
    elif place in NAMED:
        value = whose.named[NAMED[place]]
    else:
        known = model_parameters.IN_ROOM.get((str(statement).split(".")[0], name)) or ROWS[name]
        table, column, which = OTHERWISE.get(place, (*known, 0))
        value = whose.ids[table, column][which]
    return [value] if type_.startswith("_") else value


def _holding(place: tuple[str, str], whose: Owned | None, me: Owned) -> Jsonb:
    """The one row of a list with somebody's ids in it, or with ids that nobody has."""
    ids: dict[str, Any] = {}
    for key, (table, column, which) in INSIDE[place].items():
        own = me.ids[table, column][which]
        nobodys = NOBODYS_NUMBER if isinstance(own, int) else NOBODYS_UUID
        one = nobodys if whose is None else whose.ids[table, column][which]
        ids[key] = one if isinstance(one, int) else str(one)
    return Jsonb([{**SPECIAL[place].obj[0], **ids}])


def plain_value(name: str, type_: str, statement: Statement) -> Any:
    """A value for a parameter that refers to no row; none for one that only narrows what is found."""
    if (str(statement), name) in SPECIAL:
        return SPECIAL[str(statement), name]
    if (of_room := (str(statement).split(".")[0], name)) in model_parameters.OF_ROOM:
        return model_parameters.OF_ROOM[of_room]
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

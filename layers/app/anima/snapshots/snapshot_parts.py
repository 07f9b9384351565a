"""What a snapshot is made of: its parts in the order of the file, their tables, and what is left out. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Link = Literal["session", "message", "messages", "item", "items", "mentions", "media", "lists", "said"]
"""How a field refers to other rows: by the place of a session or message in the file, or by the id of an item."""


@dataclass(frozen=True, slots=True)
class Part:
    """A list of rows in the file. `links`: the fields that refer to rows, which differ from one database to another."""

    name: str
    tables: tuple[str, ...]
    says: str
    links: tuple[tuple[str, Link], ...] = ()


_PARTS = (
    Part("avatar", ("avatars", "curiosity_minds"), "who the avatar is: one row"),
    Part("versions", ("avatar_versions",), "the personalities that it has had; the last is the present one"),
    Part("picture", ("avatar_pictures",), "its picture, in base64"),
    Part("feelings", ("avatar_feelings",), "what it felt when that last changed: one row"),
    Part("style", ("style_profiles",), "how its person writes, in numbers: one row"),
    Part("affinity", ("user_affinity",), "how close it and its person have become, by personality"),
    Part("media", ("media",), "files that came with messages; only where the snapshot has files", (("id", "media"),)),
    Part(
        "sessions",
        ("sessions", "session_participants", "session_moods"),
        "conversations with their moods; private ones never",
        (("id", "item"),),
    ),
    Part(
        "messages",
        ("messages", "message_media"),
        "what was said, by session in its order; `parent` and `edits` tell branches",
        (("session", "session"), ("parent", "message"), ("edits", "message"), ("media", "media")),
    ),
    Part(
        "entities",
        ("entities", "entity_mentions"),
        "whom and what the person has named",
        (("id", "item"), ("messages", "said")),
    ),
    Part(
        "facts",
        ("user_facts", "fact_mentions"),
        "what holds or held of the person, with both times and every mention",
        (
            *(("id", "item"), ("session", "session"), ("source", "message"), ("superseded_by", "item")),
            *(("entity", "item"), ("mentions", "mentions")),
        ),
    ),
    Part(
        "episodes",
        ("episodes",),
        "moments that the avatar remembers, with their strength",
        (
            *(("id", "item"), ("session", "session"), ("messages", "messages"), ("facts", "items")),
            *(("episodes", "items"), ("made_of", "lists")),
        ),
    ),
    Part(
        "felt",
        ("feelings_history",),
        "what each turn made it feel",
        (("id", "item"), ("session", "session"), ("message", "message")),
    ),
    Part(
        "questions",
        ("curiosity_gaps",),
        "what the avatar would like to know, and what it found",
        (("id", "item"), ("message", "message"), ("fact", "item"), ("entity", "item")),
    ),
)
PARTS: dict[str, Part] = {part.name: part for part in _PARTS}
"""By name, in the order of the file: what a row refers to stands before it, but for items among themselves."""

LEFT_OUT: dict[str, str] = {
    **dict.fromkeys(
        ("message_embeddings", "message_postings", "activation_cache"), "is made of what is here, again where it goes"
    ),
    "safety_people": "is what this installation protects its person by; it is decided anew where the snapshot goes",
    "snapshot_ids": "holds which id is which; the snapshot has the ids themselves",
    "memory_changes": "holds what can be undone within a day",
    "sleeps": "says when this installation puts the memory in order",
    "session_digests": "says up to where conversations were summed up here",
    **dict.fromkeys(("transcripts", "transcript_sessions"), "tells which files were brought here, not what they said"),
    **dict.fromkeys(
        ("llm_requests", "llm_responses", "llm_response_chunks", "feedback", "retrieval_logs", "response_citations"),
        "is the log of models that this installation asked",
    ),
    **dict.fromkeys(("llm_budgets", "llm_spend"), "tells what this installation spends on models"),
    **dict.fromkeys(
        ("plugins", "plugin_permissions", "plugin_invocations"),
        "tells which tools are used here; each allows anew",
    ),
    "shared_citations": "is the log of what answers cited here",
    "socket_connections": "says which connections are open here",
    "experiment_assignments": "tells what was tried here, and how it went",
    **dict.fromkeys(
        ("vector_stores", "documents", "chunks", "uploads", "embeddings", "outside_vectors", "postings", "lexicon"),
        "belongs to the person's library, which all avatars read",
    ),
    **dict.fromkeys(
        ("corpora", "document_digests", "summaries", "summary_parts", "prompts"),
        "belongs to the person's library, which all avatars read",
    ),
    **dict.fromkeys(
        ("models", "model_deployments", "transformer_layers", "attention_heads", "model_weights", "model_embeddings"),
        "belongs to the person's models; `anima model export` gives them as files",
    ),
    **dict.fromkeys(
        ("model_files", "gradient_checkpoints", "tensor_packs", "tensor_chunks", "tensor_metadata", "tensor_data"),
        "belongs to the person's models; `anima model export` gives them as files",
    ),
    **dict.fromkeys(
        ("training_sessions", "training_metrics", "model_checkpoints", "checkpoint_tensors", "optimizer_state"),
        "tells how the person's models were trained, not what the avatar knows",
    ),
    **dict.fromkeys(
        ("training_jobs", "gpu_sessions", "job_logs"), "tells which work this installation did for the person"
    ),
    **dict.fromkeys(
        ("inference_sessions", "inference_metrics", "attention_patterns", "kv_cache"),
        "is what inference measured and keeps here for the next time",
    ),
    **dict.fromkeys(
        ("users", "user_roles", "api_keys", "refresh_tokens", "sign_in_links", "idempotency_keys", "outbox"),
        "is the person's account, not what the avatar knows",
    ),
}
"""Tables of a person's that are in no snapshot, with the reason."""

COLUMNS_LEFT_OUT: dict[str, frozenset[str]] = {
    "avatar_versions": frozenset({"owner_id", "avatar_id"}),
    "avatar_pictures": frozenset({"owner_id", "avatar_id"}),
    "avatar_feelings": frozenset({"owner_id", "avatar_id"}),
    "feelings_history": frozenset({"owner_id", "avatar_id", "feeling_id", "session_id", "message_id"}),
    "style_profiles": frozenset({"owner_id", "enabled", "measured", "learns_after", "updated_at"}),
    "avatars": frozenset({"avatar_id", "owner_id", "remembers_after"}),
    "curiosity_minds": frozenset({"owner_id", "avatar_id", "day", "searches", "told_after"}),
    "user_affinity": frozenset({"user_id", "avatar_id"}),
    "media": frozenset({"media_id", "owner_id", "storage_uri"}),
    "sessions": frozenset({"session_id", "user_id", "avatar_id", "private", "client_id"}),
    "session_participants": frozenset(
        {"participant_id", "session_id", "owner_id", "user_id", "avatar_id", "joined_at"}
    ),
    "session_moods": frozenset({"session_id", "user_id"}),
    "messages": frozenset({"message_id", "session_id", "owner_id", "author_id", "avatar_id", "parent_message_id"}),
    "message_media": frozenset({"owner_id", "message_id", "media_id"}),
    "entities": frozenset({"entity_id", "owner_id"}),
    "entity_mentions": frozenset({"owner_id", "avatar_id", "entity_id", "message_id"}),
    "user_facts": frozenset(
        {
            *("id", "user_id", "avatar_id", "session_id", "source_message_id", "superseded_by", "entity_id", "terms"),
            *("embedding", "embedding_model", "next_embedding", "next_model"),
        }
    ),
    "fact_mentions": frozenset({"owner_id", "fact_id", "message_id"}),
    "episodes": frozenset(
        {
            *("id", "user_id", "avatar_id", "session_id", "context_messages", "related_facts", "related_episodes"),
            *("terms", "embedding", "embedding_model", "next_embedding", "next_model"),
        }
    ),
    "curiosity_gaps": frozenset(
        {*("gap_id", "owner_id", "avatar_id", "message_id", "fact_id", "entity_id", "document_id", "search_id")}
    ),
}
"""Columns of those tables that stand in no row under their own names: ids, which are links, and what is made anew."""

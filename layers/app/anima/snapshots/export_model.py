"""What an export holds: a file for each table, under a plain name, and what is left out, with the reason. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

FORMAT = 1


@dataclass(frozen=True, slots=True)
class Part:
    """A file of the export: its name without the ending, and what its lines are."""

    name: str
    says: str


PARTS: dict[str, Part] = {
    "users": Part("account", "who you are here"),
    "user_roles": Part("roles", "your roles, by their number"),
    "api_keys": Part("api_keys", "names and dates of your API keys; the keys themselves are stored nowhere"),
    "avatars": Part("avatars", "your avatars with their personalities, switches and rules"),
    "avatar_versions": Part("avatar_versions", "what their personalities have been"),
    "avatar_pictures": Part("avatar_pictures", "which of them have a picture; see pictures/, by avatar_id"),
    "sessions": Part("sessions", "your conversations"),
    "session_participants": Part("session_participants", "who took part in them"),
    "messages": Part("messages", "everything that was said; parent_message_id tells branches"),
    "media": Part("media", "files that came with messages or documents; see also files.ndjson"),
    "message_media": Part("message_media", "which file came with which message"),
    "session_moods": Part("moods", "the mood of avatars in each conversation"),
    "style_profiles": Part("style", "how you write, measured from your last messages, and what you corrected of it"),
    "avatar_feelings": Part("feelings", "what avatars felt last: concentrations, and since when"),
    "feelings_history": Part("feelings_history", "how what you said moved them; no words are in it"),
    "safety_people": Part("safety", "your country, whether you are of age, and when you talked last"),
    "user_affinity": Part("affinity", "how close you and an avatar have become"),
    "user_facts": Part("facts", "what avatars hold to be true of you: since when, until when, on what evidence"),
    "fact_mentions": Part("fact_mentions", "which messages told which fact, in which words"),
    "episodes": Part("episodes", "moments that avatars remember, with their strength"),
    "entities": Part("people_and_places", "whom and what you have named"),
    "entity_mentions": Part("people_and_places_mentions", "in which messages"),
    "memory_changes": Part("memory_changes", "what you changed of memory within a day, so that it can be undone"),
    "sleeps": Part("sleeps", "when avatars put their memory in order"),
    "curiosity_gaps": Part("open_questions", "what avatars would like to know, and what they found"),
    "curiosity_minds": Part("curiosity", "how much they may look"),
    "transcripts": Part("transcripts", "past conversations that you brought"),
    "transcript_sessions": Part("transcript_sessions", "which conversations came with them"),
    "vector_stores": Part("stores", "your stores of documents; keys of other engines are left out"),
    "documents": Part("documents", "your documents; their files lie under files/"),
    "chunks": Part("passages", "the passages into which they were cut"),
    "uploads": Part("uploads", "files that were on their way"),
    "document_digests": Part("document_digests", "the passages that say most of a document"),
    "summaries": Part("summaries", "summaries that you asked for"),
    "summary_parts": Part("summary_parts", "what they were made of"),
    "session_digests": Part("session_digests", "up to where conversations were summed up"),
    "prompts": Part("prompts", "your prompts"),
    "experiment_assignments": Part("experiments", "which variants you were given, with sums over answers and ratings"),
    "llm_budgets": Part("budgets", "how much may be spent on models for you"),
    "llm_spend": Part("spent", "what was spent on models for you, by day, model, avatar and purpose"),
    "plugins": Part("plugins", "servers of tools that you added; their tokens are left out"),
    "plugin_permissions": Part("plugin_permissions", "which tools your avatars may use"),
    "plugin_invocations": Part("tool_calls", "which tools were called for you, with what, and what they answered"),
    "llm_requests": Part("requests", "what models were asked for you"),
    "llm_responses": Part("answers", "what they answered, with the memories that went in"),
    "llm_response_chunks": Part("answer_pieces", "streamed pieces of recent answers"),
    "feedback": Part("feedback", "how you rated answers"),
    "retrieval_logs": Part("searches", "what was looked for in your documents"),
    "response_citations": Part("citations", "what answers cited of your documents"),
    "shared_citations": Part("shared_citations", "what they cited of documents that all share"),
    "models": Part("models", "your models and their versions: `anima model export` gives their files, bit for bit"),
    "model_deployments": Part("model_deployments", "when which of them was deployed"),
    "transformer_layers": Part("model_layers", "their layers"),
    "attention_heads": Part("model_heads", "their attention heads"),
    "model_weights": Part("model_weights", "their weights by name; see tensors.ndjson, by tensor_id"),
    "model_files": Part("model_files", "the files that they came in"),
    "gradient_checkpoints": Part("gradient_checkpoints", "which layers are computed again in training"),
    "tensor_metadata": Part("tensors", "names, shapes and types of tensors"),
    "training_sessions": Part("runs", "your runs of training"),
    "training_jobs": Part("jobs", "work in processes of their own that you asked for, and what came of it"),
    "gpu_sessions": Part("gpu_sessions", "which GPUs they had, and when"),
    "job_logs": Part("job_logs", "the last lines that they wrote"),
    "training_metrics": Part("run_metrics", "what they measured"),
    "model_checkpoints": Part("checkpoints", "their checkpoints"),
    "checkpoint_tensors": Part("checkpoint_tensors", "which tensors a checkpoint has"),
    "optimizer_state": Part("optimizer_state", "what the optimiser kept of each parameter"),
    "inference_sessions": Part("inference_sessions", "how your models were asked"),
    "inference_metrics": Part("inference_metrics", "how fast they answered"),
    "attention_patterns": Part("attention_patterns", "texts whose attention you had recorded"),
}

_HASHES = "holds secrets only"
_DERIVED = "is made of the texts that are here, for search"
_VALUES = "says where the values of tensors lie; `anima model export` gives them as the files that they came in"
LEFT_OUT: dict[str, str] = {
    "refresh_tokens": _HASHES,
    "sign_in_links": _HASHES,
    "idempotency_keys": "repeats answers of the last day, so that a call that comes twice is answered once",
    "snapshot_ids": "holds which id something has in snapshots",
    "outbox": "holds ids of work that is to be done",
    "socket_connections": "says over which open connections you talk, while they are open",
    "activation_cache": _DERIVED,
    "embeddings": _DERIVED,
    "outside_vectors": _DERIVED,
    "message_embeddings": _DERIVED,
    "message_postings": _DERIVED,
    "postings": _DERIVED,
    "lexicon": _DERIVED,
    "corpora": _DERIVED,
    "tensor_packs": _VALUES,
    "tensor_chunks": _VALUES,
    "tensor_data": _VALUES,
    "model_embeddings": "repeats rows of the models' own tensors, for search",
    "kv_cache": "repeats what a model makes of a text, so that it need not be made again soon",
}


def part_of(table: str) -> Part | None:
    """The file of a table; None where it is left out. A table that nobody has described comes under its own name."""
    if table in LEFT_OUT:
        return None
    return PARTS.get(table, Part(table, "rows of the table of this name"))


def readme(tables: Sequence[str], made_at: str) -> str:
    """README.txt: what is in the archive, and what is not."""
    parts = [(table, part) for table in tables if (part := part_of(table)) is not None]
    told = "\n".join(f"  {part.name + '.ndjson':36}{part.says} (table {table})" for table, part in parts)
    left = "\n".join(f"  {table:36}{LEFT_OUT[table]}" for table in tables if table in LEFT_OUT)
    return _README.format(format=FORMAT, made_at=made_at, told=told, left=left)


_README = """Everything that is kept of you here. Format {format}, made {made_at}.

Each file `*.ndjson` holds one table: UTF-8, one JSON object a line, its keys being the names of the columns. Times are
ISO 8601 with their offset. Ids ending in _id refer to the line with that id in another file: messages.session_id to
sessions.session_id, and so on. owner_id and user_id are your own number.

{told}
  {files:36}the files under files/: their path in this archive, of which row they are, name, type, size; where a file is
                                      not there any more, `path` is null and `missing` says why

Not in it:

  Passwords, keys, tokens, and keys of other engines: they are secrets, stored as hashes or encrypted.
  Vectors, word lists and other columns of bytes: they are made of the texts.
{left}

What was written while this archive was made may be in it or not.
""".replace("{files:36}", f"{'files.ndjson':36}")

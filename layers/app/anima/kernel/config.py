"""Settings of the service: read once from the environment and `.env` into one typed object."""

from __future__ import annotations

import os
from functools import lru_cache
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from pydantic import AliasChoices, Field, SecretStr, ValidationError
from pydantic_settings import SettingsConfigDict, SettingsError

from anima.kernel.config_providers import ProviderSettings
from anima.kernel.errors import AnimaError


class BadSettings(AnimaError):
    """The settings are not valid: {reason}."""

    slug = "bad-settings"


def _home(kind: Literal["data", "cache"]) -> Path:
    """Where this user's data or cache lies by the XDG rules; a system account keeps its data in /var/lib."""
    if kind == "data" and hasattr(os, "geteuid") and os.geteuid() == 0:
        return Path("/var/lib/anima")
    variable, default = {"data": ("XDG_DATA_HOME", ".local/share"), "cache": ("XDG_CACHE_HOME", ".cache")}[kind]
    return Path(os.environ.get(variable) or Path.home() / default) / "anima"


def _named(name: str) -> AliasChoices:
    return AliasChoices(name)


class Settings(ProviderSettings):
    """All settings; ours begin with ANIMA_, those of other products keep the names that users know."""

    model_config = SettingsConfigDict(
        env_prefix="ANIMA_",
        env_file=".env",
        env_ignore_empty=True,
        extra="ignore",
        frozen=True,
        hide_input_in_errors=True,
    )

    host: str = Field("127.0.0.1", description="Address that the local server listens on")
    port: int = Field(52929, ge=0, le=65535, description="Port of the local server; 0 takes a free one")
    public_url: str | None = Field(
        None, description="Address under which people reach the server, where it differs from host and port"
    )
    database_url: SecretStr | None = Field(
        None, description="Owner's URL of the Postgres to use; not set: the embedded one in the data folder"
    )
    database_direct_url: SecretStr | None = Field(
        None, description="Owner's URL that no pooler stands before, for migrations; not set: database_url"
    )
    app_database_url: SecretStr | None = Field(
        None, description="URL of the login anima_app; not set: made from database_url"
    )
    worker_database_url: SecretStr | None = Field(
        None, description="URL of the login anima_worker; not set: made from database_url"
    )
    admin_database_url: SecretStr | None = Field(
        None, description="URL of the login anima_admin; not set: made from database_url"
    )
    read_database_url: SecretStr | None = Field(
        None, description="URL of a read replica under the login anima_admin, for analytics; not set: admin's"
    )
    database_connections: int = Field(
        10, ge=1, le=100, description="Most connections of one process to the database, per login"
    )
    database_tls: Literal["verified", "url"] = Field(
        "verified",
        description="verified: every database on another machine shows its certificate; url: as its sslmode asks",
    )
    data_dir: Path = Field(
        default_factory=lambda: _home("data"),
        description="Folder of everything that must be kept: database, files, keys",
    )
    model_dir: Path = Field(
        default_factory=lambda: _home("cache") / "models",
        description="Folder of model weights; they can be fetched again",
    )
    sql_dir: Path | None = Field(None, description="Folder of migrations; not set: the one that came with this code")
    object_store_url: str | None = Field(
        None, description="Where files go: s3://bucket/prefix; not set: a folder in the data folder"
    )
    tensor_store_url: str | None = Field(
        None,
        description="Where the packs of tensors go: s3://, gs://, az:// or file://; not set: below object_store_url, "
        "else a folder in the data folder",
    )
    queue_urls: dict[str, str] = Field(
        default_factory=dict, description="SQS queue by topic (JSON); none: workers run in this process"
    )
    wake_schedule: str | None = Field(
        None, description="Group and prefix (group/name) of the one-shot schedules that wake the outbox; deployed only"
    )
    wake_target_arn: str | None = Field(None, description="ARN of the function that this schedule calls")
    wake_role_arn: str | None = Field(None, description="ARN of the role under which it is called")
    owner_secret_arn: str | None = Field(
        None, description="ARN of the secret whose JSON has owner_url; read by the function that migrates"
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field("info", description="Least level that is logged")
    stage: str = Field(
        "local", min_length=1, max_length=40, description="Name of this deployment, as metrics and traces tell it"
    )
    metrics_key: SecretStr | None = Field(
        None,
        description="Key that /metrics takes besides those of admins and operators; checked without the database",
    )
    turn_deadline_seconds: float = Field(
        300.0, gt=0, le=900, description="Longest that a turn may take; deployed behind a buffered API 28"
    )
    second_looks_per_hour: int = Field(
        30,
        ge=0,
        description="How often a process may ask a model how a message feels whose words do not tell; 0: never",
    )
    max_message_chars: int = Field(32_000, ge=1, description="Longest message that is accepted, in characters")
    max_document_bytes: int = Field(25_000_000, ge=1, description="Largest document that is accepted, in bytes")
    max_upload_bytes: int = Field(
        1_000_000_000, ge=1, description="Largest file that is accepted by an upload of its own, in bytes"
    )
    max_checkpoint_bytes: int = Field(
        20_000_000_000, ge=1, description="Largest checkpoint that is accepted over HTTP, in bytes"
    )
    max_slice_bytes: int = Field(
        64_000_000,
        ge=1,
        description="Largest slice of a tensor, and largest model to compress, over HTTP, in bytes",
    )
    activation_cache_bytes: int = Field(
        1 << 30, ge=0, description="How much is kept of what layers of models computed for a person, in bytes"
    )
    kv_cache_bytes: int = Field(
        2 << 30, ge=0, description="How much is kept of a person's keys and values of attention, in bytes"
    )
    prompt_cache_bytes: int = Field(
        512_000_000, ge=0, description="How much is kept of prompts of a person's that were read, in bytes"
    )
    training_backend: Literal["local", "container", "sagemaker", "batch"] = Field(
        "local", description="Where jobs of training run that name no place themselves"
    )
    training_gpus: int = Field(0, ge=0, le=1024, description="How many GPUs are lent to jobs, all in all")
    training_processes: int = Field(
        1, ge=0, le=1024, description="How many jobs run at a time on this machine, as children or containers"
    )
    training_jobs_per_person: int = Field(100, ge=1, le=10_000, description="Most jobs of a person that have not ended")
    training_image: str | None = Field(
        None, description="Image of the container in which jobs run, for containers and SageMaker"
    )
    training_role: str | None = Field(None, description="ARN of the role under which SageMaker runs jobs")
    training_machine: str | None = Field(
        None, description="ARN of the state machine that looks after jobs; not set: this process does"
    )
    training_secret_arn: str | None = Field(
        None,
        description="ARN of the secret whose JSON has the URLs of the database, read by jobs in SageMaker and Batch",
    )
    training_queue: str | None = Field(None, description="Job queue of AWS Batch")
    training_on_demand_queue: str | None = Field(
        None, description="Job queue of AWS Batch for jobs that ask for no spot capacity; not set: there are none"
    )
    training_definition: str | None = Field(None, description="Job definition of AWS Batch, which names the image")
    training_instance: str = Field("ml.g5.xlarge", description="Instances on which SageMaker runs jobs")
    training_subnets: list[str] = Field(
        default_factory=list, description="Subnets in which SageMaker runs jobs (JSON list); none: its own network"
    )
    training_security_groups: list[str] = Field(
        default_factory=list, description="Security groups of jobs in these subnets (JSON list)"
    )
    training_network: str = Field(
        "host", description="Network of a job's container, as docker and podman name it; host reaches the database here"
    )
    reader_job: str | None = Field(
        None, description="ARN of the state machine that reads images, scans and speech; not set: this process does"
    )
    whisper_model: Path | None = Field(
        None,
        description="Folder of another Whisper model in CTranslate2's format, as for other languages than English; "
        "not set: tiny.en, fetched when first needed",
    )
    private_hosts: list[str] = Field(
        default_factory=list,
        description="Hosts with private addresses that URLs of documents and stores may name (JSON list)",
    )
    embedding_model: str = Field(
        "all-minilm-l6-v2", description="Embedding model of a new database; `anima embeddings list` names them"
    )
    reranker_url: str | None = Field(
        None, description="Address of a reranker (POST /rerank of Cohere, Jina, TEI); not set: none"
    )
    reranker_key: SecretStr | None = Field(None, description="Key of the reranker")
    reranker_model: str | None = Field(None, description="Model that the reranker is asked for")
    rate_limit_max_tokens: int = Field(
        600,
        ge=0,
        description="How many calls over HTTP a person may make at once, unless the settings table says so; 0: any",
    )
    rate_limit_refill_seconds: int = Field(
        60, ge=1, description="After how many seconds as many may be made again, unless the settings table says so"
    )
    access_token_minutes: int = Field(15, ge=1, le=1440, description="How long an access token is valid")
    refresh_token_days: int = Field(30, ge=1, le=365, description="How long a refresh token is valid")
    api_key: SecretStr | None = Field(
        None, description="Key that the command line uses; not set: the one that the first start made"
    )
    url: str | None = Field(None, description="Where `anima.client` finds the service; not set: on this machine")
    local_model: str = Field(
        "qwen2.5-coder-1.5b-instruct", description="Local chat model, by its name in the catalogue"
    )
    local_llm: bool = Field(
        True,
        description="Whether `anima up` starts the local chat model; not set: where no other model is configured",
    )

    secret_key: SecretStr | None = Field(
        None,
        validation_alias=_named("SECRET_KEY"),
        description="Master key; not set: a key file in the data folder",
    )
    neon_api_key: SecretStr | None = Field(
        None, validation_alias=_named("NEON_API_KEY"), description="Key of Neon's API, for branches of the database"
    )
    neon_project_id: str | None = Field(
        None, validation_alias=_named("NEON_PROJECT_ID"), description="Neon project that the database belongs to"
    )
    neon_api_url: str = Field("https://console.neon.tech/api/v2", description="Address of Neon's API")
    open_telemetry_exporter: Literal["none", "console", "otlp"] = Field(
        "none",
        validation_alias=_named("OPEN_TELEMETRY_EXPORTER"),
        description="Where spans go; otlp: to OTEL_EXPORTER_OTLP_ENDPOINT (extra `telemetry`)",
    )
    openai_api_key: SecretStr | None = Field(
        None,
        validation_alias=_named("OPENAI_API_KEY"),
        description="Key of OpenAI; set: it answers by default",
    )
    openai_base_url: str | None = Field(
        None, validation_alias=_named("OPENAI_BASE_URL"), description="Another server of the OpenAI protocol"
    )
    openai_model: str = Field("gpt-6-luna", description="Model asked where only an OpenAI key is set")
    ollama_host: str | None = Field(
        None, validation_alias=_named("OLLAMA_HOST"), description="Address of an Ollama server"
    )
    ollama_model: str = Field("llama3.2", description="Model asked where only OLLAMA_HOST is set")
    pinecone_api_key: SecretStr | None = Field(
        None, validation_alias=_named("PINECONE_API_KEY"), description="Key of Pinecone, for stores without their own"
    )
    milvus_uri: str | None = Field(
        None, validation_alias=_named("MILVUS_URI"), description="Milvus server, for such stores"
    )
    qdrant_url: str | None = Field(
        None, validation_alias=_named("QDRANT_URL"), description="Qdrant server, for such stores"
    )
    weaviate_url: str | None = Field(
        None, validation_alias=_named("WEAVIATE_URL"), description="Weaviate server, for such stores"
    )
    rag_enabled: bool = Field(
        False, validation_alias=_named("RAG_ENABLED"), description="Whether /ask and /review look into repositories"
    )
    rag_service_url: str | None = Field(
        None, validation_alias=_named("RAG_SERVICE_URL"), description="Enrichment service that is asked, if any"
    )
    rag_repo_list: str = Field(
        "", validation_alias=_named("RAG_REPO_LIST"), description="Folders or names of repositories, by commas"
    )
    rag_max_results: int = Field(
        8, ge=1, le=100, validation_alias=_named("RAG_MAX_RESULTS"), description="Most references of an enrichment"
    )
    document_retrieval_url: str | None = Field(
        None,
        validation_alias=_named("DOCUMENT_RETRIEVAL_URL"),
        description="Service of further passages for /ask and curiosity, asked like /api/v1/search",
    )
    redis_url: SecretStr | None = Field(
        None,
        validation_alias=_named("REDIS_URL"),
        description="A server of the Redis protocol that processes share as a cache; nothing depends on it",
    )
    ws_allowed_origins: str = Field(
        "",
        validation_alias=_named("WS_ALLOWED_ORIGINS"),
        description="Origins of other sites' pages that may open a WebSocket, by commas, or *; its own always may",
    )
    ws_enable_events: bool = Field(
        True,
        validation_alias=_named("WS_ENABLE_EVENTS"),
        description="Whether a WebSocket tells what it was not asked for: how an avatar feels after an answer",
    )
    ws_rate_limit_max_tokens: int = Field(
        60,
        ge=0,
        validation_alias=_named("WS_RATE_LIMIT_MAX_TOKENS"),
        description="How many frames over WebSocket a person may send at once, "
        "unless the settings table says so; 0: any",
    )
    ws_rate_limit_refill_seconds: int = Field(
        60,
        ge=1,
        validation_alias=_named("WS_RATE_LIMIT_REFILL_SECONDS"),
        description="After how many seconds as many may be sent again, unless the settings table says so",
    )
    curiosity_searches_a_day: int = Field(
        20,
        ge=0,
        le=1000,
        description="Searches that an avatar makes of itself a day, where it has no number of its own",
    )
    training_pipeline_enabled: bool = Field(
        False,
        validation_alias=_named("TRAINING_PIPELINE_ENABLED"),
        description="Whether a job of training is begun again and again",
    )
    training_cycle_interval_seconds: int = Field(
        86_400,
        ge=60,
        validation_alias=_named("TRAINING_CYCLE_INTERVAL_SECONDS"),
        description="After how many seconds the next one is begun",
    )
    training_cycle_jitter_seconds: int = Field(
        600,
        ge=0,
        validation_alias=_named("TRAINING_CYCLE_JITTER_SECONDS"),
        description="By how many seconds at most it is begun later, by chance",
    )
    training_pipeline_user_id: int | None = Field(
        None, ge=1, validation_alias=_named("TRAINING_PIPELINE_USER_ID"), description="Whose jobs these are"
    )
    training_pipeline_version_prefix: str = Field(
        "pipeline",
        min_length=1,
        max_length=100,
        validation_alias=_named("TRAINING_PIPELINE_VERSION_PREFIX"),
        description="How their names begin, and so those of the models that come of them",
    )
    training_pipeline_simulation: str = Field(
        "cartpole",
        validation_alias=_named("TRAINING_PIPELINE_SIMULATION"),
        description="Which ready simulation file they run",
    )
    llm_models_config_path: Path | None = Field(
        None, validation_alias=_named("LLM_MODELS_CONFIG_PATH"), description="JSON file of LLM profiles"
    )
    llm_models_profile: str | None = Field(
        None, validation_alias=_named("LLM_MODELS_PROFILE"), description="Active profile of that file"
    )


def _given_names() -> set[str]:
    from dotenv import dotenv_values

    file = Settings.model_config.get("env_file")
    return set(os.environ) | set(dotenv_values(str(file)) if file else {})


def _unknown_names() -> list[str]:
    known = {f"ANIMA_{name.upper()}" for name in Settings.model_fields}
    ours = (name for name in _given_names() if name.upper().startswith("ANIMA_"))
    return sorted(name for name in ours if name.upper() not in known)


def load() -> Settings:
    """Reads the settings anew.

    Raises BadSettings for an invalid value and for a name beginning with ANIMA_ that is none of ours.
    """
    if unknown := _unknown_names():
        raise BadSettings(reason=f"unknown {', '.join(unknown)}; `anima settings` lists all names")
    try:
        return Settings()  # pyright: ignore[reportCallIssue]
    except ValidationError as error:
        wrong = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors())
        raise BadSettings(reason=wrong) from None
    except SettingsError as error:  # a list or a mapping that is no JSON; its text names the field, never the value
        raise BadSettings(reason=f'{error}; it is written as JSON, such as ["one", "two"]') from None


@lru_cache(maxsize=1)
def settings() -> Settings:
    """The settings of this process."""
    return load()


def use_database(owner_url: str) -> None:
    """Makes this process and its children use the database of `owner_url` (the embedded one, once it runs)."""
    os.environ["ANIMA_DATABASE_URL"] = owner_url
    settings.cache_clear()


def server_url(settings: Settings) -> str:
    """Where clients on this machine reach the local server."""
    return settings.public_url or f"http://{settings.host}:{settings.port}"


def is_local(url: str) -> bool:
    """Whether a URL points to this machine."""
    return (urlsplit(url).hostname or "") in {"127.0.0.1", "localhost", "::1"}

"""The configuration of a batch inference job: checked whole, each mistake told with its path.

`read` takes a mapping, its JSON, or SageMaker's hyper-parameters, where every value may be a text. The job reads it,
and so does whoever takes an order for one.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from anima.kernel.errors import BadInput, FieldError

MOST_INLINE = 10_000
KEY_VARIABLE = r"BATCH_KEY(_[A-Z0-9_]{1,60})?"
"""Variables that may hold a key: no other of the environment can be sent to an address that an order names."""
_RESERVED = ("messages", "model", "stream", "stream_options")
_BLOB_KEY = re.compile(r"[A-Za-z0-9_-]{1,200}(/[A-Za-z0-9_-]{1,200}){0,7}")
_BEGINNING = "Input should be "


class BatchInvalid(BadInput):
    """The configuration of the batch is not valid: {reason}."""

    slug = "batch-invalid"

    def __init__(self, errors: list[FieldError]) -> None:
        reason = "; ".join(f"{one.path}: {one.message}" for one in errors)
        super().__init__(reason=reason, fields=errors)


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True, allow_inf_nan=False)


class KeySecret(_Section):
    """A value of a secret of AWS Secrets Manager, which is a JSON object of texts."""

    arn: str = Field(pattern=r"^arn:[a-z-]+:secretsmanager:")
    name: str = Field(min_length=1, max_length=200)


class LocalEngine(_Section):
    """The chat model of this machine: the server that runs, else one that the job starts and ends."""

    kind: Literal["local"]
    model: str | None = Field(None, min_length=1, description="By its name in the catalogue; not set: the settings'")


class OpenAIEngine(_Section):
    """A server of the OpenAI protocol: a provider of the settings, with its key, or any address."""

    kind: Literal["openai"]
    model: str = Field(min_length=1)
    provider: str = Field("openai", min_length=1, description="A row of the table of providers; says what it takes")
    base_url: str | None = Field(None, pattern=r"^https?://[^/\s]+", description="With its /v1; not set: provider's")
    key_variable: str | None = Field(None, pattern=f"^{KEY_VARIABLE}$", description="Variable that holds the key")
    key_secret: KeySecret | None = None


class TransformerEngine(_Section):
    """A transformer of torch: a model of the registry ("name", "name@3", its id), or a folder of Hugging Face."""

    kind: Literal["transformer"]
    model: str | None = Field(None, min_length=1)
    folder: str | None = Field(None, min_length=1)
    device: str = Field("auto", pattern=r"^(auto|cpu|cuda(:\d+)?|mps)$")
    dtype: Literal["saved", "float32", "bfloat16", "float16"] = "saved"
    batch: int = Field(8, ge=1, le=1024, description="Lines that are read at once")


class EmbeddingsEngine(_Section):
    """An embedding model of the house, by its name; not set: the one of the settings."""

    kind: Literal["embeddings"]
    model: str | None = Field(None, min_length=1)
    batch: int = Field(64, ge=1, le=4096)


Engine = Annotated[
    LocalEngine | OpenAIEngine | TransformerEngine | EmbeddingsEngine,
    Field(discriminator="kind"),
]


class ChatParameters(BaseModel):
    """Fields of the request; those that are not named here go to the server as they are."""

    model_config = ConfigDict(extra="allow", frozen=True, hide_input_in_errors=True, allow_inf_nan=False)

    max_tokens: int = Field(512, ge=1, le=1_000_000)
    temperature: float | None = Field(None, ge=0, le=2)
    top_p: float | None = Field(None, gt=0, le=1)
    seed: int | None = None
    stop: str | list[str] | None = None
    n: Literal[1] = 1

    @property
    def deterministic(self) -> bool:
        """Whether the same prompt has the same answer, as far as a server can promise."""
        return self.temperature == 0 or self.seed is not None


class TransformerParameters(_Section):
    """How a transformer answers: `generate` writes on, `forward` reads only, and says how likely the text was."""

    mode: Literal["generate", "forward"] = "generate"
    max_tokens: int = Field(64, ge=1, le=1_000_000)
    temperature: float = Field(0.0, ge=0, le=10)
    top_k: int = Field(0, ge=0)
    top_p: float = Field(1.0, gt=0, le=1)
    seed: int = 0
    stop: list[Annotated[str, Field(min_length=1)]] = Field(default_factory=list)

    @property
    def deterministic(self) -> bool:
        """Always: what is drawn is drawn by the seed and the text."""
        return True


class EmbeddingsParameters(_Section):
    """How vectors are written: numbers, or base64 of little-endian float32; and whether the texts are questions."""

    encoding: Literal["float", "base64"] = "float"
    question: bool = False

    @property
    def deterministic(self) -> bool:
        """Always."""
        return True


Parameters = ChatParameters | TransformerParameters | EmbeddingsParameters
_PARAMETERS: dict[str, type[Parameters]] = {
    "local": ChatParameters,
    "openai": ChatParameters,
    "transformer": TransformerParameters,
    "embeddings": EmbeddingsParameters,
}


class Batch(_Section):
    """The whole configuration. `input` is a path, one below `input/data/`, or a URI; `lines` hold it themselves.

    A line is {"id", "prompt" | "messages" | "text"}. `output` not set: `model/answers.jsonl` of the job's folder.
    """

    engine: Engine
    input: str | None = Field(None, min_length=1)
    lines: list[dict[str, Any]] | None = Field(None, min_length=1, max_length=MOST_INLINE)
    output: str | None = Field(None, min_length=1)
    parameters: Annotated[dict[str, Any], Field(default_factory=dict)]
    concurrency: int = Field(8, ge=1, le=512, description="Requests under way at once")
    cache: bool = Field(True, description="What was answered is not asked again; only where answers are deterministic")
    cache_sampled: bool = Field(False, description="The same for answers that are drawn by lot")
    attention: bool = Field(False, description="Keep what the transformer attended to")
    most_memory_bytes: int = Field(256 << 20, ge=16 << 20, description="Of lines and answers on their way")
    longest_line_bytes: int = Field(1 << 20, ge=64)
    most_failures: int | None = Field(None, ge=0, description="More lines with errors end the job; not set: none do")
    attempts: int = Field(6, ge=1, le=20, description="How often a line is asked while it fails in ways that pass")
    seconds: float = Field(300.0, gt=0, le=86_400, description="Longest that an answer may take")
    longest_wait_seconds: float = Field(300.0, gt=0, le=86_400, description="Longest that a server may have us wait")

    @property
    def settings(self) -> Parameters:
        """The parameters as the engine's kind has them."""
        return _PARAMETERS[self.engine.kind].model_validate(self.parameters)

    @property
    def caches(self) -> bool:
        """Whether an answer stands for all lines of the same content."""
        return self.cache and (self.cache_sampled or self.settings.deterministic)

    def known_by(self) -> dict[str, Any]:
        """What answers depend on besides the lines, as plain JSON: the engine and its parameters, no keys."""
        hidden = {"key_variable", "key_secret", "batch", "device"}
        engine = {name: value for name, value in self.engine.model_dump().items() if name not in hidden}
        return {"engine": engine, "parameters": self.settings.model_dump()}


def read(given: str | bytes | Mapping[str, Any]) -> Batch:
    """The configuration. Raises BatchInvalid with every mistake."""
    whole = _unpacked(given)
    errors: list[FieldError] = []
    batch = None
    try:
        batch = Batch.model_validate(whole)
    except ValidationError as error:
        errors += _told(error, "")
    errors += _of_parameters(whole)
    if batch is not None and not errors:
        errors += _together(batch)
    if errors or batch is None:
        raise BatchInvalid(errors)
    return batch


def schema() -> dict[str, Any]:
    """The JSON Schema of the configuration, with the parameters of each kind of engine under `$defs`."""
    whole = Batch.model_json_schema()
    for model in (ChatParameters, TransformerParameters, EmbeddingsParameters):
        whole["$defs"][model.__name__] = model.model_json_schema()
    return whole


def from_outside(batch: Batch, owner_id: int) -> list[FieldError]:
    """What somebody may not ask of a machine that is not theirs: its files, its own network's secrets, its bucket.

    Files that they may name lie in the object store below `batches/<owner_id>/`.
    """
    mine = re.compile(rf"(local:|s3://[^/]+/(.+/)?)batches/{owner_id}/[A-Za-z0-9_/-]+")
    wrong = [
        FieldError(name, f"lines, or a file of the object store below batches/{owner_id}/")
        for name, value in (("input", batch.input), ("output", batch.output))
        if value is not None and not mine.fullmatch(value)
    ]
    engine = batch.engine
    if isinstance(engine, TransformerEngine) and engine.folder is not None:
        wrong.append(FieldError("engine.folder", "a model of the registry, as engine.model"))
    if isinstance(engine, OpenAIEngine):
        for name in ("base_url", "key_variable", "key_secret"):
            if getattr(engine, name) is not None:
                wrong.append(FieldError(f"engine.{name}", "only whoever runs this place names addresses and keys"))
    return wrong


def blob_key(uri: str) -> str | None:
    """The key in a URI of an object store (`s3://bucket/key`, `local:key`); None where it is none."""
    key = uri.removeprefix("s3://").partition("/")[2] if uri.startswith("s3://") else uri.removeprefix("local:")
    return key if _BLOB_KEY.fullmatch(key) else None


def _unpacked(given: str | bytes | Mapping[str, Any]) -> Any:
    """The mapping; of hyper-parameters, texts that stand for other values are read."""
    if isinstance(given, str | bytes):
        try:
            given = json.loads(given)
        except (ValueError, RecursionError):
            raise BatchInvalid([FieldError("", "a JSON object")]) from None
    if not isinstance(given, Mapping):
        raise BatchInvalid([FieldError("", "a JSON object")])
    if "batch" in given:
        return _unpacked(given["batch"])
    return {name: _value(name, value) for name, value in given.items()}


def _value(name: str, value: Any) -> Any:
    if not isinstance(value, str) or name in ("input", "output"):
        return value
    try:
        return json.loads(value)
    except (ValueError, RecursionError):
        return value


def _of_parameters(whole: Mapping[str, Any]) -> list[FieldError]:
    engine, given = whole.get("engine"), whole.get("parameters", {})
    kind = engine.get("kind") if isinstance(engine, Mapping) else None
    if not isinstance(kind, str) or kind not in _PARAMETERS or not isinstance(given, Mapping):
        return []
    model = _PARAMETERS[kind]
    errors = []
    if model is ChatParameters:
        errors = [FieldError(f"parameters.{name}", "the job fills it in") for name in _RESERVED if name in given]
    try:
        TypeAdapter(model).validate_python(dict(given))
    except ValidationError as error:
        errors += _told(error, "parameters")
    return errors


def _together(batch: Batch) -> list[FieldError]:
    """What is wrong with values that are right by themselves."""
    try:
        batch.model_dump(mode="json")
    except (ValueError, RecursionError):
        return [FieldError("lines", "values of JSON that are nested less deeply")]
    errors = []
    if (batch.input is None) == (batch.lines is None):
        errors.append(FieldError("input", "either input or lines, not both and not neither"))
    engine = batch.engine
    for name in ("input", "output"):
        uri = getattr(batch, name)
        if uri is not None and uri.startswith(("s3:", "local:")) and blob_key(uri) is None:
            errors.append(FieldError(name, "keys of the object store have letters, digits, '-', '_' and '/'"))
    if isinstance(engine, TransformerEngine) and (engine.model is None) == (engine.folder is None):
        errors.append(FieldError("engine.model", "either model or folder, not both and not neither"))
    if batch.attention and not (isinstance(engine, TransformerEngine) and engine.model is not None):
        errors.append(FieldError("attention", "only with a transformer of the registry (engine.model)"))
    if isinstance(engine, OpenAIEngine):
        errors += _of_key(engine)
    return errors


def _of_key(engine: OpenAIEngine) -> list[FieldError]:
    if engine.key_variable is not None and engine.key_secret is not None:
        return [FieldError("engine.key_secret", "either key_variable or key_secret")]
    if engine.base_url is None and (engine.key_variable or engine.key_secret):
        return [FieldError("engine.base_url", "a key of one's own goes to an address of one's own")]
    return []


def _told(error: ValidationError, start: str) -> list[FieldError]:
    found = []
    for one in error.errors():
        place = [str(part) for number, part in enumerate(one["loc"]) if number != 1 or part not in _PARAMETERS]
        found.append(FieldError(".".join(filter(None, [start, *place])), one["msg"].replace(_BEGINNING, "")))
    return found

"""Bodies that clients of OpenAI's protocol send. Fields that are not known are passed over, as its own servers do."""

from __future__ import annotations

import math
import re
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue, model_validator

from anima.kernel.errors import BadInput, FieldError

_UNSENDABLE = re.compile("[\x00\ud800-\udfff]")
_MAX_DEPTH = 100
_HELLO: list[JsonValue] = [{"role": "user", "content": "What do I hate?"}]
Model = Annotated[str, Field(min_length=1, max_length=300, description="`avatar:<name>`, or a configured model")]
Sampled = Annotated[
    float | None, Field(allow_inf_nan=False, description="For configured models; an avatar has its own")
]


class Sendable(BaseModel):
    """A body whose words and numbers can be sent on and kept; what cannot be is refused by its place."""

    @model_validator(mode="before")
    @classmethod
    def _can_be_sent(cls, given: Any) -> Any:
        if (place := unsendable(given)) is not None:
            wrong = FieldError(place, "text without NUL and lone surrogates, finite numbers, not nested too deeply")
            raise BadInput(reason="it holds what no JSON can tell", fields=[wrong])
        return given


def unsendable(value: object, place: str = "", depth: int = _MAX_DEPTH) -> str | None:
    """Where a value holds what cannot be sent on: text that is none, numbers without end, nested too deeply."""
    if isinstance(value, str):
        return place if _UNSENDABLE.search(value) else None
    if isinstance(value, float):
        return None if math.isfinite(value) else place
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    if depth == 0:
        return place if inner else None
    for name, one in inner:
        if _UNSENDABLE.search(str(name)):
            return place
        if (found := unsendable(one, f"{place}.{name}"[:200].lstrip("."), depth - 1)) is not None:
            return found
    return None


class ChatPart(BaseModel):
    """A piece of a message: words or a picture."""

    type: str
    text: str | None = None
    image_url: dict[str, Any] | str | None = None


class ChatFunction(BaseModel):
    """What a model may call, or has called."""

    name: Annotated[str, Field(min_length=1, max_length=200)]
    description: str | None = None
    parameters: dict[str, Any] | None = None
    arguments: str = ""


class ChatTool(BaseModel):
    """A tool of the client."""

    type: Literal["function"] = "function"
    function: ChatFunction


class ChatFunctionName(BaseModel):
    """The function that must be called, by its name."""

    name: str


class ChatToolChoice(BaseModel):
    """The tool that must be called."""

    function: ChatFunctionName


class ChatToolCall(BaseModel):
    """A call that a model made, as the client tells it."""

    id: str = ""
    function: ChatFunction


class ChatMessage(BaseModel):
    """A message of the conversation so far."""

    model_config = ConfigDict(json_schema_extra={"examples": _HELLO})

    role: Literal["system", "developer", "user", "assistant", "tool", "function"]
    content: str | list[ChatPart] | None = None
    tool_calls: list[ChatToolCall] | None = None
    tool_call_id: str | None = None


class ChatFormat(BaseModel):
    """The shape of an answer."""

    model_config = ConfigDict(extra="allow")

    type: str = "text"


class ResponseText(BaseModel):
    """How a response is written."""

    format: ChatFormat | None = None


class StreamOptions(BaseModel):
    """What a stream tells besides."""

    include_usage: bool | None = Field(False, description="One more chunk at the end, with what was used")


class Sampling(Sendable):
    """How a configured model draws its words; an avatar draws as its personality says."""

    temperature: Sampled = None
    top_p: Sampled = None
    presence_penalty: Sampled = None
    frequency_penalty: Sampled = None
    seed: int | None = None
    stop: str | list[str] | None = None

    def params(self) -> dict[str, Any]:
        """The fields that were sent, as a request of a model carries them."""
        return {name: value for name in Sampling.model_fields if (value := getattr(self, name)) is not None}


class ChatBody(Sampling):
    """A conversation to be gone on with."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"model": "avatar:luna", "messages": _HELLO}]})

    model: Model
    messages: Annotated[list[ChatMessage], Field(min_length=1, max_length=2000)]
    stream: bool | None = False
    stream_options: StreamOptions | None = None
    max_tokens: Annotated[int, Field(ge=1)] | None = None
    max_completion_tokens: Annotated[int, Field(ge=1)] | None = None
    n: int | None = Field(None, description="1; there is one answer")
    tools: list[ChatTool] | None = Field(None, description="For configured models; an avatar has its own")
    tool_choice: str | ChatToolChoice | None = None
    functions: list[Any] | None = None
    response_format: ChatFormat | None = Field(None, description="For configured models")
    logprobs: bool | None = None
    modalities: list[str] | None = None


class EmbeddingsBody(BaseModel):
    """Texts to be embedded."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"model": "anima-embedding", "input": "I hate olives"}]})

    model: Annotated[str, Field(min_length=1, max_length=300)]
    input: str | list[Any] = Field(description="A text, or up to 2,048 of them")
    encoding_format: Literal["float", "base64"] | None = "float"
    dimensions: int | None = Field(None, description="Those of the model, or left out")


class ConversationName(BaseModel):
    """A conversation by its id."""

    id: Annotated[str, Field(min_length=1, max_length=200)]


class ResponseItem(BaseModel):
    """A message of what is told to a response."""

    type: str | None = "message"
    role: Literal["system", "developer", "user", "assistant"] | None = None
    content: str | list[ChatPart] | None = None


class ResponseBody(Sendable):
    """What is to be answered."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"model": "avatar:luna", "input": "What do I hate?"}]})

    model: Model
    input: str | Annotated[list[ResponseItem], Field(min_length=1, max_length=2000)]
    instructions: str | None = Field(None, description="What the client tells as the system")
    previous_response_id: str | None = Field(None, description="The response to go on from")
    conversation: str | ConversationName | None = Field(None, description="Pins a session, like X-Conversation-Id")
    store: bool | None = Field(True, description="false: nothing is remembered, as in a private session")
    stream: bool | None = False
    tools: list[Any] | None = None
    tool_choice: Any = None
    text: ResponseText | None = None
    background: bool | None = None
    max_output_tokens: Annotated[int, Field(ge=1)] | None = None
    temperature: Sampled = None
    top_p: Sampled = None
    metadata: dict[str, Any] | None = None

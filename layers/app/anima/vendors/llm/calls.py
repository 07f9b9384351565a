"""What is asked of a chat model and what comes back, the same for every protocol that providers speak."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, NotRequired, TypedDict

from anima.vendors.llm.errors import ModelTimeout

Protocol = Literal["openai", "anthropic", "replicate", "bedrock"]
ToolChoice = Literal["auto", "none", "required"]
Content = str | Sequence[Mapping[str, Any]]
"""Words, or parts: {"type": "text", "text": …} and {"type": "image_url", "image_url": {"url": "data:image/png;…"}}."""

ATTEMPTS = 3


@dataclass(frozen=True, slots=True)
class Tool:
    """What a model may call: its name ([a-zA-Z0-9_-], at most 64), what it does, and a JSON schema of an object."""

    name: str
    description: str
    parameters: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A call that a model wrote; `arguments` are as it wrote them, which need not be JSON.

    `extra` is what the provider wants back with the call when the conversation goes on (signatures of thoughts):
    plain JSON values, to be handed on unread.
    """

    id: str
    name: str
    arguments: str
    extra: Mapping[str, Any] = field(default_factory=dict)


class Message(TypedDict):
    """A message of a prompt. One of the role `tool` answers the call that `tool_call_id` names."""

    role: Literal["system", "user", "assistant", "tool"]
    content: Content
    tool_calls: NotRequired[Sequence[ToolCall]]
    tool_call_id: NotRequired[str]


def words(content: Content) -> str:
    """The text of a message's content; its images are left out."""
    if isinstance(content, str):
        return content
    return "\n".join(str(part.get("text", "")) for part in content if part.get("type") == "text")


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A server of chat models: its address (where it speaks the OpenAI protocol with its /v1), its key, its protocol.

    `provider` is its name in the table of providers, which knows what it takes; `headers` go with every request;
    `region` is that of Amazon Bedrock, whose key is the role of this process.
    """

    base_url: str
    api_key: str | None = field(default=None, repr=False)
    protocol: Protocol = "openai"
    provider: str = ""
    headers: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    region: str | None = None


@dataclass(frozen=True, slots=True)
class Call:
    """What is asked of a model.

    `params` are further fields of the request: those of the protocol (temperature, seed …) and those that only
    some servers know (min_p, top_k, cache_prompt, id_slot). `deadline` is a moment of `time.monotonic()`; where
    nothing was said at the moment `first_by`, the call ends as at its deadline. The first `fixed` messages are the
    same in many calls, and `cache_key` names them: providers that cache prompts are told so. `attempts` is how often
    the endpoint is asked while it fails in ways that pass.
    """

    endpoint: Endpoint
    model: str
    messages: Sequence[Message]
    max_tokens: int
    deadline: float
    params: Mapping[str, Any] = field(default_factory=dict)
    response_format: Mapping[str, Any] | None = None
    tools: Sequence[Tool] = ()
    tool_choice: ToolChoice = "auto"
    cache_key: str | None = None
    fixed: int = 0
    attempts: int = ATTEMPTS
    first_by: float | None = None

    @property
    def until(self) -> float:
        """The moment at which the call has failed if nothing came."""
        return self.deadline if self.first_by is None else min(self.first_by, self.deadline)

    def left(self, *, begun: bool = True) -> float:
        """Seconds until the deadline, or (not `begun`) until something must have come; raises ModelTimeout where none
        are left.
        """
        seconds = (self.deadline if begun else self.until) - time.monotonic()
        if seconds <= 0:
            raise ModelTimeout(model=self.model)
        return seconds


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens as the server counted them; `cached` of the prompt's were not read anew."""

    prompt_tokens: int
    completion_tokens: int
    cached_tokens: int = 0

    def __add__(self, other: Usage) -> Usage:
        return Usage(
            self.prompt_tokens + other.prompt_tokens,
            self.completion_tokens + other.completion_tokens,
            self.cached_tokens + other.cached_tokens,
        )


@dataclass(frozen=True, slots=True)
class Delta:
    """A piece of an answer. The last ones carry why it ended (stop, length, tool_calls, content_filter), the whole
    calls of tools, and the usage. `by` is who answers (provider:name), told by the gateway in the first piece.
    """

    text: str = ""
    finish: str | None = None
    usage: Usage | None = None
    tool_calls: tuple[ToolCall, ...] = ()
    by: str | None = None


@dataclass(frozen=True, slots=True)
class Completion:
    """A whole answer; `usage` is None where the server did not count."""

    text: str
    finish: str
    usage: Usage | None
    tool_calls: tuple[ToolCall, ...] = ()
    by: str | None = None


def joined(deltas: Iterable[Delta]) -> Completion:
    """The pieces of an answer as a whole."""
    text: list[str] = []
    calls: list[ToolCall] = []
    finish, usage, by = "stop", None, None
    for delta in deltas:
        text.append(delta.text)
        calls.extend(delta.tool_calls)
        finish = delta.finish or finish
        usage = delta.usage or usage
        by = delta.by or by
    return Completion("".join(text), finish, usage, tuple(calls), by)

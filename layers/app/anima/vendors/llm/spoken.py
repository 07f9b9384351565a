"""Messages as protocols want them: words that pass for no control, the system's at the front, tools told in words."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from anima.kernel.errors import BadInput
from anima.vendors.llm.calls import Content, Message, words

# What servers read as the end of a message or the beginning of another one, wherever it stands: words of others
# would speak as the system with it.
_CONTROL = re.compile(
    r"<(?=[|\uff5c][^\s<>]{1,60}[|\uff5c]>|/?s>|<SYS>>|</SYS>>|(?:start|end)_of_turn>)|\[(?=/?INST\])", re.IGNORECASE
)
_DATA_URL = re.compile(r"data:(image/[a-z0-9.+-]+);base64,", re.IGNORECASE)
_UNSEEN = "[an image that this model cannot see]"


class BadImage(BadInput):
    """An image of a message is none: {reason}."""

    slug = "bad-image"


@dataclass(frozen=True, slots=True)
class Image:
    """An image of a message: its bytes and type, or only its address."""

    mime: str
    data: bytes
    url: str


def plain(text: str) -> str:
    """Words that are words alone: what servers would take for control is parted by a blank."""
    return _CONTROL.sub(lambda found: f"{found.group()} ", text)


def plain_content(content: Content, *, images: bool = True) -> str | list[dict[str, Any]]:
    """The content of a message with plain words; images become words where they are not seen."""
    if isinstance(content, str):
        return plain(content)
    parts = [_plain_part(part, images=images) for part in content]
    if all(part.get("type") == "text" for part in parts):
        return "\n".join(str(part["text"]) for part in parts)
    return parts


def _plain_part(part: Mapping[str, Any], *, images: bool) -> dict[str, Any]:
    if part.get("type") == "text":
        return {"type": "text", "text": plain(str(part.get("text", "")))}
    return dict(part) if images else {"type": "text", "text": _UNSEEN}


def image(part: Mapping[str, Any]) -> Image:
    """The image of a part `image_url`; raises BadImage where its data URL is none."""
    url = str(part["image_url"]["url"])
    found = _DATA_URL.match(url)
    if found is None:
        if url.startswith("data:"):
            raise BadImage(reason="its data URL holds no image in base64")
        return Image("", b"", url)
    try:
        data = base64.b64decode(url[found.end() :], validate=True)
    except binascii.Error:
        raise BadImage(reason="its base64 is none") from None
    return Image(found.group(1).lower(), data, url)


def words_of(content: Content) -> str:
    """The plain words of a content."""
    return plain(words(content))


def images_of(content: Content) -> list[Mapping[str, Any]]:
    """The image parts of a content."""
    return [] if isinstance(content, str) else [part for part in content if part.get("type") == "image_url"]


def untooled(messages: Sequence[Message]) -> list[Message]:
    """Messages for a model that is offered no tools: calls and their results are told in words."""
    told: list[Message] = []
    for message in messages:
        if message["role"] == "tool":
            told.append({"role": "user", "content": f"[result of the tool: {words(message['content'])}]"})
        elif calls := message.get("tool_calls"):
            asked = "\n".join(f"[asked the tool {call.name} with {call.arguments}]" for call in calls)
            told.append({"role": "assistant", "content": f"{words(message['content'])}\n{asked}".strip()})
        else:
            told.append(message)
    return told


def parted(messages: Sequence[Message]) -> tuple[list[str], list[Message]]:
    """The words of the system, and the other messages: for protocols that keep them apart."""
    systems = [plain(words(m["content"])) for m in messages if m["role"] == "system"]
    return [text for text in systems if text.strip()], [m for m in messages if m["role"] != "system"]


def turns(
    messages: Sequence[Message], blocks: Callable[[Message], list[dict[str, Any]]], nothing: Mapping[str, Any]
) -> list[dict[str, Any]]:
    """Messages as turns of user and assistant that alternate, begun by the user (with the block `nothing` where it was
    not); `blocks` makes what a turn holds of a message.
    """
    told: list[dict[str, Any]] = []
    for message in messages:
        role = "assistant" if message["role"] == "assistant" else "user"
        made = blocks(message)
        if made and told and told[-1]["role"] == role:
            told[-1]["content"].extend(made)
        elif made:
            told.append({"role": role, "content": made})
    if not told or told[0]["role"] == "assistant":
        told.insert(0, {"role": "user", "content": [dict(nothing)]})
    return told


def systems_first(messages: Sequence[Message]) -> list[Message]:
    """One system message at the front, and no other: for models whose templates know no second one."""
    systems, others = parted(messages)
    first: list[Message] = [{"role": "system", "content": "\n\n".join(systems)}] if systems else []
    return [*first, *others]


def schema_in_words(response_format: Mapping[str, Any]) -> str:
    """What a model is told of the shape of its answer where its protocol cannot say it."""
    import json

    schema = response_format.get("json_schema", {}).get("schema")
    shape = f" It conforms to this JSON schema: {json.dumps(schema)}" if schema else ""
    return f"Answer with one JSON object and nothing else: no words before or after it, no code fence.{shape}"

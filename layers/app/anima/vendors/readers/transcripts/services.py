"""Conversations as ChatGPT and Claude export them, one object each: the branch that was shown last becomes turns."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from anima.vendors.readers.transcripts.errors import UnknownVersion
from anima.vendors.readers.transcripts.model import TEXT_CHARS, LeftOut, Role, Said, identity, moment, named, storable

_SHOWN = {"text", "multimodal_text", "code"}
_CHATGPT: dict[str, Role] = {"user": "me", "assistant": "assistant"}
_CLAUDE: dict[str, Role] = {"human": "me", "user": "me", "assistant": "assistant"}


def service_of(conversation: Any) -> str | None:
    """Which service's a conversation is."""
    if isinstance(conversation, Mapping):
        if isinstance(conversation.get("mapping"), Mapping):
            return "chatgpt"
        if isinstance(conversation.get("chat_messages"), list):
            return "claude"
    return None


def turns(service: str, conversation: Any, place: int) -> Iterator[Said | LeftOut]:
    """The turns of a conversation, in order. Raises UnknownVersion where it is built otherwise than it should be."""
    if service_of(conversation) != service:
        names = ", ".join(map(str, list(conversation)[:8])) if isinstance(conversation, Mapping) else "none"
        raise UnknownVersion(reason=f"conversation {place} is none of {service}'s (it has: {named(names)})")
    try:
        yield from _chatgpt(conversation) if service == "chatgpt" else _claude(conversation)
    except (AttributeError, TypeError, ValueError, KeyError) as error:
        raise UnknownVersion(reason=f"conversation {place} cannot be understood ({type(error).__name__})") from error


def _chatgpt(conversation: Mapping[str, Any]) -> Iterator[Said | LeftOut]:
    key = identity(conversation.get("conversation_id") or conversation.get("id")) or _made_key(conversation)
    title, begun = named(conversation.get("title")), conversation.get("create_time")
    for node in _branch(conversation["mapping"], conversation.get("current_node")):
        message = node.get("message")
        role = _CHATGPT.get(message["author"]["role"]) if message else None
        if message is None or role is None:
            continue
        text = _chatgpt_text(message)
        if text:
            speaker = "user" if role == "me" else "ChatGPT"
            at = moment(message.get("create_time") or begun)
            yield Said(key, identity(message.get("id")), at, speaker, text, title, role)
        else:
            yield LeftOut("empty")


def _branch(nodes: Mapping[str, Any], leaf: Any) -> list[Mapping[str, Any]]:
    """The nodes from the root to the one that was shown last, whatever else was tried on the way."""
    if leaf not in nodes:
        leaf = max(nodes, key=lambda each: _when(nodes[each]), default=None)
    branch: list[Mapping[str, Any]] = []
    seen: set[Any] = set()
    while leaf in nodes and leaf not in seen:
        seen.add(leaf)
        branch.append(nodes[leaf])
        leaf = nodes[leaf].get("parent")
    return branch[::-1]


def _when(node: Mapping[str, Any]) -> float:
    at = moment((node.get("message") or {}).get("create_time"))
    return at.timestamp() if at else 0.0


def _chatgpt_text(message: Mapping[str, Any]) -> str:
    """What a message shows; empty for what goes to a tool, is thought, or is hidden."""
    content, metadata = message.get("content") or {}, message.get("metadata") or {}
    hidden = metadata.get("is_visually_hidden_from_conversation") or message.get("recipient", "all") != "all"
    if hidden or content.get("content_type") not in _SHOWN:
        return ""
    parts = content.get("parts") or [content.get("text")]
    return _joined(part if isinstance(part, str) else (part or {}).get("text") for part in parts)


def _claude(conversation: Mapping[str, Any]) -> Iterator[Said | LeftOut]:
    key = identity(conversation.get("uuid")) or _made_key(conversation)
    title, begun = named(conversation.get("name")), conversation.get("created_at")
    for message in _shown(conversation["chat_messages"], conversation.get("current_leaf_message_uuid")):
        role = _CLAUDE.get(str(message.get("sender")))
        text = _claude_text(message)
        if role is None or not text:
            yield LeftOut("empty")
            continue
        speaker = "user" if role == "me" else "Claude"
        yield Said(
            key, identity(message.get("uuid")), moment(message.get("created_at") or begun), speaker, text, title, role
        )


def _shown(messages: list[Mapping[str, Any]], leaf: Any) -> list[Mapping[str, Any]]:
    """The branch that was shown last where messages say what they follow, else all of them."""
    by_id = {str(each.get("uuid")): {**each, "parent": each.get("parent_message_uuid")} for each in messages}
    if len(by_id) != len(messages) or not any(each["parent"] in by_id for each in by_id.values()):
        return messages
    if leaf not in by_id:
        leaf = messages[-1].get("uuid")
    return _branch(by_id, leaf)


def _claude_text(message: Mapping[str, Any]) -> str:
    blocks = message.get("content")
    told = [each.get("text") for each in blocks if each.get("type") == "text"] if isinstance(blocks, list) else []
    return _joined(told) or _joined([message.get("text")])


def _joined(parts: Any) -> str:
    text = "\n\n".join(part.strip() for part in parts if isinstance(part, str) and part.strip())
    return storable(text)[:TEXT_CHARS].strip()


def _made_key(conversation: Mapping[str, Any]) -> str:
    begun = conversation.get("create_time") or conversation.get("created_at")
    return f"{named(conversation.get('title') or conversation.get('name'))} {begun}"

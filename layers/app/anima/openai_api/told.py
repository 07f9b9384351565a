"""What a client tells of its conversation, taken apart: the newest message, what went before it, pictures. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from anima.kernel.errors import BadInput, FieldError
from anima.openai_api.bodies import ChatMessage, ChatPart
from anima.openai_api.errors import NotHere

_TEXTS = ("text", "input_text", "output_text")
_PICTURES = ("image_url", "input_image")
_WORDLESS = "(a picture)"


@dataclass(frozen=True, slots=True)
class Told:
    """A conversation that ends with a message of the person: its words and pictures (data: URLs), and its past."""

    message: str
    pictures: tuple[str, ...]
    history: tuple[tuple[str, str], ...]

    @property
    def answer_before(self) -> str | None:
        """What was answered last before the newest message; none where nothing was."""
        return next((text for role, text in reversed(self.history) if role == "assistant"), None)

    @property
    def has_past(self) -> bool:
        """Whether more than the newest message was told."""
        return any(role != "system" for role, _ in self.history)


def told(messages: Sequence[ChatMessage]) -> Told:
    """The conversation. What stands as the system behind the newest message is part of what went before.

    Raises BadInput where the person said nothing last, NotHere for parts that are neither words nor pictures.
    """
    newest = max((place for place, each in enumerate(messages) if each.role == "user"), default=None)
    if newest is None or any(each.role == "assistant" for each in messages[newest + 1 :]):
        wrong = FieldError("messages", "the last of them that is not the system's is the user's")
        raise BadInput(reason="there is no message to answer", fields=[wrong])
    before = [each for place, each in enumerate(messages) if place != newest]
    history = tuple((_role(each.role), words(each)) for each in before if each.role not in ("tool", "function"))
    pictures = tuple(address(part) for part in _parts(messages[newest]) if part.type in _PICTURES)
    return Told(words(messages[newest]) or (_WORDLESS if pictures else ""), pictures, history)


def words(message: ChatMessage) -> str:
    """The text of a message. Raises NotHere for what is neither words nor a picture."""
    if isinstance(message.content, str):
        return message.content
    for part in _parts(message):
        if part.type not in (*_TEXTS, *_PICTURES, "refusal"):
            raise NotHere(reason=f"a part of the type {part.type}", fields=[FieldError("messages", "text, image_url")])
    return "\n".join(part.text for part in _parts(message) if part.type in _TEXTS and part.text)


def address(part: ChatPart) -> str:
    """Where the picture of a part lies."""
    given = part.image_url
    return given if isinstance(given, str) else str((given or {}).get("url", ""))


def _parts(message: ChatMessage) -> list[ChatPart]:
    return message.content if isinstance(message.content, list) else []


def _role(role: str) -> str:
    return "system" if role == "developer" else role

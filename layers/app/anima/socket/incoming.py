"""What a client may send: JSON objects, read strictly; what is none is refused by name, and nothing came of it."""

from __future__ import annotations

import uuid
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from anima.kernel.errors import BadInput, FieldError, TooLarge

MOST_BYTES = 128 * 1024
"""Of one message: as much as an API Gateway takes."""
LARGEST_MESSAGE = 2 * MOST_BYTES
"""What a server reads at all: what is larger than a frame may be is refused by name, up to this."""
_MAX_ID = 2**63 - 1
_MAX_NUMBER = 2**53 - 1
_SHOWN_FIELDS = 10

Id = Annotated[int, Field(gt=0, le=_MAX_ID)]


class _Frame(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class Join(_Frame):
    """Takes part in a session, or in a new one; `after` is the number that was seen last."""

    type: Literal["join"]
    session_id: Id | None = None
    avatar_id: uuid.UUID | None = None
    private: bool = False
    after: Annotated[int, Field(ge=0, le=_MAX_NUMBER)] | None = None


class Message(_Frame):
    """Says something; `id` is the client's own name for it, under which it is answered once."""

    type: Literal["message"]
    content: str
    id: str | None = Field(None, min_length=1, max_length=200, pattern="^[ -~]+$")
    media: tuple[Id, ...] = Field((), max_length=16)
    model: str | None = Field(None, max_length=200)
    parent_message_id: Id | None = None
    edit_message_id: Id | None = None


class Decide(_Frame):
    """Says whether a tool may be called that a turn waits with; `always`: not to be asked about it again."""

    type: Literal["decide"]
    invocation_id: Id
    approve: bool
    always: bool = False


class Stop(_Frame):
    """Ends the answer that is being given."""

    type: Literal["stop"]


class GetState(_Frame):
    """Asks how the avatar feels."""

    type: Literal["get_state"]


class Leave(_Frame):
    """Takes no part any more."""

    type: Literal["leave"]


class Ping(_Frame):
    """Asks whether anybody is there."""

    type: Literal["ping"]


Frame = Join | Message | Decide | Stop | GetState | Leave | Ping
_FRAMES: TypeAdapter[Frame] = TypeAdapter(Annotated[Frame, Field(discriminator="type")])


def read(text: str | None) -> Frame:
    """The frame in a message; None stands for one that was binary. Raises TooLarge, BadInput."""
    if text is None:
        raise BadInput(reason="a frame is text", fields=[FieldError("frame", "a JSON object, sent as text")])
    data = text.encode("utf-8", "replace")
    if len(data) > MOST_BYTES:
        raise TooLarge(what="frame", size=f"{len(data)} bytes", limit=MOST_BYTES)
    try:
        return _FRAMES.validate_json(data)
    except ValidationError as error:
        wrong = [_field(one["type"], one["loc"], one["msg"]) for one in error.errors(include_input=False)]
        fields = wrong[:_SHOWN_FIELDS]
        raise BadInput(reason="; ".join(f"{one.path}: {one.message}" for one in fields[:5]), fields=fields) from None


def _field(kind: str, place: tuple[int | str, ...], message: str) -> FieldError:
    """Where a frame is wrong; the kind of frame, which pydantic puts first, is no place in it."""
    if kind == "json_invalid":
        return FieldError("frame", "JSON; this is none")
    if kind in ("union_tag_invalid", "union_tag_not_found"):
        return FieldError("type", "join, message, decide, stop, get_state, leave or ping")
    path = ".".join(map(str, place[1:])) or "frame"
    return FieldError(path, "there is no such field" if kind == "extra_forbidden" else message)

"""Has the local model read what many prompts begin with, before they come: replies come sooner by that."""

from __future__ import annotations

from anima import personality
from anima.avatars import service as avatars
from anima.chat import compose
from anima.gateway import service as gateway
from anima.gateway import slots_service
from anima.kernel import db, telemetry
from anima.kernel.errors import AnimaError
from anima.memory.extraction import proposals
from anima.operations import first_use
from anima.operations.quiet import Quiet
from anima.vendors.llm import prefixes
from anima.vendors.llm.calls import words
from anima.vendors.llm.local_server import LocalServer

_MOST = 2
"""Each costs some 17 CPU seconds once, and 0.1 at every later start."""


def read_ahead(server: LocalServer, quiet: Quiet) -> None:
    """Makes the beginnings of the first user's prompts ready, and that of looking for facts in what was said.

    What was read before comes out of the store, what is read anew is kept there. What fails here is left to the turn.
    """
    slots_service.bring_back(server)
    try:
        for avatar in _avatars():
            whole = personality.parse(avatar.personality)
            parts = personality.compile_parts(whole, 0, None, name=avatar.name)
            beginning = [{"role": one["role"], "content": words(one["content"])} for one in compose.beginning(parts)]
            prefixes.keep(server, beginning, str(avatar.avatar_id))
            slots_service.take_over(db.Principal(avatar.owner_id, login="worker"), avatar.avatar_id)
        quiet.wait()
        prefixes.keep(server, proposals.prompt("")[:-1])
    except AnimaError as error:
        telemetry.error("personas.read_ahead", error)


def _avatars() -> list[avatars.Avatar]:
    user_id = first_use.user_id()
    if user_id is None:
        return []
    found = avatars.list_avatars(db.Principal(user_id), cursor=None, limit=_MOST).items
    return [one for one in found if gateway.choose(None, one.model).provider == "local"]

"""How a turn begins: its first transaction stores what was said and reads what the turn needs, in one round."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta

from anima.chat import further, repo, sight_service, tools_repo
from anima.chat.model import shortened
from anima.chat.scene import Recalled, Scene, Turn
from anima.conversations import turn_service as conversations
from anima.conversations.model import TurnContext
from anima.emotions import feeling_service as emotions
from anima.gateway import experiments_service as experiments
from anima.gateway import service as gateway
from anima.gateway.experiments_model import Variant
from anima.gateway.model import Model
from anima.kernel import clock, db, idempotency
from anima.kernel.config import settings
from anima.knowledge import service as knowledge
from anima.memory import service as memory
from anima.plugins import turn_service as plugins
from anima.relationships import service as relationships
from anima.safety import service as safety
from anima.style import service as style

INSTANCE = uuid.uuid4()
"""This process: requests that it leaves pending when it dies are known by it."""

TOP_HITS = 8
_TOP_MEMORIES = 8
_GRACE = timedelta(seconds=60)
_TITLE_CHARS = 60


class Answered(Exception):
    """An earlier call with the same key got its answer."""

    def __init__(self, request_id: int) -> None:
        self.request_id = request_id


class Begun(Exception):
    """An earlier call with the same key stored the message, and got no answer."""

    def __init__(self, session_id: int, message_id: int) -> None:
        self.session_id, self.message_id = session_id, message_id


class Elsewhere(Exception):
    """Another goes on with the turn that waited, or it is over."""


def load(tx: db.Transaction, turn: Turn) -> Scene:
    """First look: the session with its avatar and its branch; enters message and request behind it."""
    entered = idempotency.enter(tx, turn.owner_id, turn.key, lifetime())
    tried = experiments.begin(tx, turn.owner_id) if _may_try(turn) else None
    pending = conversations.begin_turn_context(
        tx,
        turn.owner_id,
        session_id=turn.request.session_id,
        avatar=turn.request.avatar,
        private=turn.request.history is not None,
        closed=turn.request.history is not None,
        title=shortened(turn.request.message, _TITLE_CHARS),
        parent_message_id=turn.request.parent_message_id,
        media_ids=turn.request.media,
        edits=turn.request.edits if turn.message_id is None else None,
        message_id=turn.message_id,
    )
    noted = idempotency.noted(turn.key, entered)
    answered = idempotency.settled(tx, turn.owner_id, turn.key, entered, lifetime())
    if answered is not None:
        raise Answered(answered["request_id"])
    if noted is not None and turn.message_id is None:
        raise Begun(noted["session_id"], noted["message_id"])
    context = pending.get()
    variant = tried.variant() if tried and not context.session.private else None
    chosen = _chosen(turn, context, variant)
    sight = sight_service.of(tx, turn.owner_id, context.avatar, chosen, turn.request.message, turn.before(context))
    model, at = sight.route.model, max([clock.now(), *(past.created_at for past in context.history[-1:])])
    opened = _opened(tx, turn, context, sight, chosen, variant, at)
    if turn.waited is not None and opened.first() is None:
        raise Elsewhere
    repo.close_expired(tx, turn.owner_id, context.session.session_id)
    conversations.announce_media(tx, turn.owner_id, context.session, turn.request.media)
    return Scene(turn, context, model or chosen, sight, opened, at, variant)


def _may_try(turn: Turn) -> bool:
    """Whether an experiment may choose what a turn does: not where somebody asked for a model, or tells the talk."""
    return turn.request.model is None and turn.request.history is None


def _chosen(turn: Turn, context: TurnContext, variant: Variant | None) -> Model:
    """The model that is to answer: the one asked for, the experiment's, the avatar's, or the first there is."""
    if variant is not None and variant.model is not None:
        return gateway.resolve(variant.model) or gateway.default(variant.model)
    return gateway.choose(turn.request.model, context.avatar.model if context.avatar else None)


def _opened(
    tx: db.Transaction,
    turn: Turn,
    context: TurnContext,
    sight: sight_service.Sight,
    chosen: Model,
    variant: Variant | None,
    at: datetime,
) -> db.Pending[repo.Opened]:
    """Message and request entered; or the request of a turn that waited taken up again."""
    if turn.waited is not None:
        return tools_repo.go_on(tx, turn.owner_id, turn.waited, INSTANCE, lifetime())
    model = sight.route.model
    return repo.opened_turn(
        tx,
        turn.owner_id,
        session_id=context.session.session_id,
        parent_message_id=context.parent_message_id,
        message_id=turn.message_id,
        content=turn.request.message,
        title=shortened(turn.request.message, _TITLE_CHARS),
        media_ids=turn.request.media,
        model=(model.provider, model.name, model.version, model.endpoint, model.context_len) if model else None,
        parameters={
            **(model or chosen).params,
            "idempotency_key": turn.key.key if turn.key else None,
            "turn": turn.turn_id,
            "client": turn.request.client,
            **({"experiment": variant.told()} if variant else {}),
        },
        instance=INSTANCE,
        lifetime=lifetime(),
        key=turn.key.key if turn.key else None,
        at=at,
        edits=turn.request.edits,
        kept=sight.route.kept,
        prompt_id=variant.prompt_id if variant else None,
    )


def recall(tx: db.Transaction, scene: Scene) -> Recalled:
    """What may answer, and how the two stand with each other: asked for here, there when the transaction is over."""
    owner_id, question, avatar = scene.turn.owner_id, scene.turn.question, scene.context.avatar
    felt = emotions.begin(tx, owner_id, avatar.avatar_id if avatar else None, scene.session_id)
    guarded = safety.begin(tx, owner_id)
    private = scene.context.session.private
    budget = gateway.begin_budget(tx, owner_id, avatar.avatar_id if avatar and not private else None)
    hits = knowledge.begin_search(tx, owner_id, question, TOP_HITS)
    if avatar is None:
        return Recalled(felt, guarded, hits, budget=budget)
    affinity = relationships.affinity(tx, owner_id, avatar.avatar_id, avatar.personality_name)
    memories = memory.begin_recall(
        tx,
        owner_id,
        avatar.avatar_id,
        question,
        exclude=[scene.turn.message_id] if scene.turn.message_id else [],
        top_k=_TOP_MEMORIES,
        names=[avatar.name],
        kinds=scene.recalled_kinds(),
        tokens=scene.model.context_len // 4,
    )
    open_talk = scene.is_on("curiosity") and not private
    beside = further.begin(
        tx,
        owner_id,
        avatar.avatar_id,
        question,
        hints=scene.recalled_kinds() if scene.is_on("hints") else (),
        asides=open_talk,
    )
    written = style.begin(tx, owner_id) if scene.is_on("style") else None
    tools = plugins.begin_tools(tx, owner_id, avatar.avatar_id) if scene.is_on("tools") else None
    return Recalled(felt, guarded, hits, affinity, memories, beside, written, tools, budget)


def lifetime() -> timedelta:
    """How long a turn may stay open: its deadline, and some time to be stored."""
    return timedelta(seconds=settings().turn_deadline_seconds) + _GRACE

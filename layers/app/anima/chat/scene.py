"""A turn while it goes on: what was asked, where it stands, what was recalled for it, and what is being said."""

from __future__ import annotations

import time
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from anima.chat import bearing, further, replay, repo
from anima.chat.gate import Decision, decide
from anima.chat.manner import Manner
from anima.chat.model import TurnRequest
from anima.chat.said import Said
from anima.chat.sight_service import Sight
from anima.chat.small_talk import Beginning
from anima.conversations.model import Past, TurnContext
from anima.emotions import feeling_service as emotions
from anima.emotions.feeling_service import Feeling
from anima.gateway import service as gateway
from anima.gateway.experiments_model import Variant
from anima.gateway.model import Model
from anima.kernel import db
from anima.kernel.idempotency import Key
from anima.kernel.terms import Question
from anima.knowledge.search_model import Hit
from anima.knowledge.service import PendingSearch
from anima.memory.model import Kind
from anima.memory.service import PendingRecall
from anima.personality.build import build
from anima.personality.compile import Compiled, compile_parts
from anima.personality.lore import called
from anima.personality.model import PLAIN, LoreEntry, Personality, StyleProfile
from anima.plugins import turn_service as plugins
from anima.plugins.model import OfferedTool
from anima.relationships import service as relationships
from anima.relationships.model import Affinity, Standing
from anima.safety import service as safety
from anima.safety.service import Verdict
from anima.style import service as style

_PASSAGES = {4096: 2, 16_384: 4}
_MOST_PASSAGES = 6
_SHARE_OF_LORE = 16
"""Lore may take one part in so many of what the model reads at once."""


@dataclass(frozen=True, slots=True)
class Turn:
    """What is asked, by whom, and until when (a moment of time.monotonic()). `message_id`: it is stored already;
    `again`: it was answered before. `waited`: the request of the same turn, which waited for the person.
    """

    principal: db.Principal
    owner_id: int
    request: TurnRequest
    key: Key | None
    question: Question
    deadline: float
    timings: dict[str, float]
    begun: float = field(default_factory=time.monotonic)
    message_id: int | None = None
    turn_id: str = field(default_factory=lambda: uuid.uuid4().hex)
    again: bool = False
    waited: int | None = None

    def elapsed(self) -> float:
        """Milliseconds since the turn was taken on."""
        return round((time.monotonic() - self.begun) * 1000, 3)

    def before(self, context: TurnContext) -> list[Past]:
        """What was said before the message that is to be answered; of a replay, what its client tells."""
        if self.request.history is not None:
            return replay.past(self.request.history)
        return [past for past in context.history if past.message_id != self.message_id]

    def resumed(self, session_id: int, message_id: int, *, again: bool = False) -> Turn:
        """The same turn, going on from its message as it is stored."""
        request = replace(self.request, session_id=session_id, parent_message_id=message_id)
        return replace(self, request=request, message_id=message_id, again=again)


@dataclass(slots=True)
class Scene:
    """Where a turn stands: its session, its avatar, the branch so far, the model that will answer, and what that one
    may see.
    """

    turn: Turn
    context: TurnContext
    model: Model
    sight: Sight
    opened: db.Pending[repo.Opened]
    at: datetime
    variant: Variant | None = None
    _history: list[Past] | None = None

    @property
    def session_id(self) -> int:
        """The session."""
        return self.context.session.session_id

    @property
    def message_id(self) -> int:
        """The person's message."""
        return self.opened.one().message_id

    @property
    def request_id(self) -> int:
        """The request to the model."""
        return self.opened.one().request_id

    @property
    def history(self) -> list[Past]:
        """What was said before and may be seen, oldest first, without the message that is to be answered."""
        if self._history is None:
            self._history = self.sight.history(self.turn.before(self.context))
        return self._history

    @property
    def own_words(self) -> list[str]:
        """What the person said before in this branch, oldest first; all of it, for it is read by code alone."""
        return [past.content for past in self.turn.before(self.context) if past.role == "user"]

    @property
    def replies(self) -> int:
        """How many the avatar has given before in this branch, as far as it was read."""
        return sum(past.role == "assistant" for past in self.history)

    def told_model(self, by: str | None = None) -> dict[str, Any]:
        """Who answers, or did (provider:name), as an answer tells it."""
        if by is not None:
            provider, _, name = by.partition(":")
            return {"provider": provider, "name": name}
        model = self.sight.route.model
        return {"provider": model.provider, "name": model.name} if model else {"provider": None, "name": None}

    def rules(self) -> Mapping[str, Any]:
        """Who may read which category."""
        return self.context.avatar.egress if self.context.avatar else {}

    def cache_key(self) -> str | None:
        """What names the beginning of the prompt, which stays the same."""
        return str(self.context.avatar.avatar_id) if self.context.avatar else None

    def params(self) -> dict[str, Any]:
        """What an experiment changes of how answers are drawn."""
        return dict(self.variant.params) if self.variant else {}

    def recalled_kinds(self) -> Sequence[Kind]:
        """The kinds of memory that the avatar's switches leave on."""
        names: dict[str, Kind] = {"facts": "fact", "episodes": "episode", "semantic_recall": "message"}
        return [kind for name, kind in names.items() if self.is_on(name)]

    def is_on(self, switch: str) -> bool:
        """Whether the avatar's switch is on, as it is until it is turned off."""
        if self.context.avatar is None:
            return True
        allowed = self.variant is None or self.variant.allows(switch)
        return allowed and bool(self.context.avatar.switches.get(switch, True))


@dataclass(slots=True)
class Recalled:
    """What the first transaction asked for; to be read after it."""

    felt: emotions.PendingFeeling
    guarded: safety.PendingGuard
    hits: PendingSearch
    affinity: db.Pending[Affinity] | None = None
    memories: PendingRecall | None = None
    beside: further.Beside | None = None
    style: db.Pending[style.StyleRow] | None = None
    tools: plugins.PendingTools | None = None
    budget: gateway.PendingBudget | None = None
    _personality: Personality | None = None
    _parts: Compiled | None = None
    _decision: Decision | None = None
    _feeling: Feeling | None = None
    _verdict: Verdict | None = None
    _lore: list[LoreEntry] | None = None

    def offered(self) -> list[OfferedTool]:
        """The tools that the avatar may use."""
        return self.tools.tools() if self.tools else []

    def personality(self, scene: Scene) -> Personality:
        """The avatar's personality; a plain one where nobody takes part."""
        if self._personality is None:
            avatar = scene.context.avatar
            whole = build(avatar.personality) if avatar else PLAIN
            self._personality = whole if scene.is_on("levels") else replace(whole, levels=())
        return self._personality

    def standing(self, scene: Scene) -> Standing:
        """How the two stand with each other now."""
        found = self.affinity.first() if self.affinity else None
        return relationships.present(found, self.personality(scene), scene.at)

    def verdict(self, scene: Scene) -> Verdict:
        """Whether somebody is in need, and what code answers then, with or without a model."""
        if self._verdict is None:
            turn, said = scene.turn, scene.own_words
            self._verdict = safety.before(
                self.guarded.guard(),
                turn.request.message,
                turn.question.language,
                scene.at,
                said,
                question=turn.question,
                country=turn.request.country,
            )
        return self._verdict

    def warned(self, scene: Scene, said: Said) -> dict[str, Any] | None:
        """What an answer shows of care; nothing where there is nothing to show."""
        return self.verdict(scene).as_json(said.watch.replaced if said.watch else None)

    def feeling(self, scene: Scene) -> Feeling:
        """What is felt, moved by what was just said; where moods are off, nothing in particular."""
        if self._feeling is None:
            whole, question = self.personality(scene), scene.turn.question
            if scene.is_on("moods"):
                self._feeling = emotions.felt(
                    self.felt.kept(),
                    whole,
                    scene.turn.request.message,
                    at=scene.at,
                    language=question.language,
                    before=scene.own_words,
                )
            else:
                self._feeling = emotions.still(whole, scene.at)
        return self._feeling

    def profile(self) -> StyleProfile | None:
        """How the person writes, where that is known and wanted."""
        return style.profile(self.style.first()) if self.style else None

    def parts(self, scene: Scene) -> Compiled:
        """The personality as a prompt."""
        if self._parts is None:
            feeling = self.feeling(scene) if scene.is_on("moods") else None
            self._parts = compile_parts(
                self.personality(scene),
                self.standing(scene).points,
                emotions.as_mood(feeling.mood) if feeling else None,
                emotions=feeling.emotions if feeling and scene.context.avatar else None,
                style=self.profile(),
                name=scene.context.avatar.name if scene.context.avatar else None,
            )
            if scene.variant and scene.variant.prompt:
                self._parts = replace(self._parts, system=f"{self._parts.system}\n\n{scene.variant.prompt}")
        return self._parts

    def manner(self, scene: Scene) -> Manner:
        """What of a reply goes out, as the avatar's conduct has it; without an avatar all of it."""
        if (avatar := scene.context.avatar) is None:
            return Manner()
        written = self.profile()
        return bearing.manner(
            self.parts(scene).conduct,
            self.decision(scene),
            scene.turn.question,
            language=(written.language if written else None) or self.personality(scene).persona.language,
            lot=f"{avatar.avatar_id} {scene.message_id}",
            replies=scene.replies,
            careful=self.verdict(scene).careful,
        )

    def beginning(self, scene: Scene) -> Beginning:
        """What a reply in small talk does not begin with."""
        avatar, verdict = scene.context.avatar, self.verdict(scene)
        calm = verdict.kind == "none" and not verdict.careful and not verdict.minor
        name = avatar.name if avatar else ""
        return bearing.beginning(self.decision(scene), scene.turn.question, name, calm=calm and avatar is not None)

    def bearing(self, scene: Scene) -> dict[str, Any]:
        """What conduct kept, and which lore was called up, as the log of the request tells it."""
        if scene.context.avatar is None or self.verdict(scene).instead is not None:
            return {}
        names = [one.name or ", ".join(one.keys) for one in self.lore(scene)]
        kept = bearing.shown(self.parts(scene).conduct, self.manner(scene))
        return {"conduct": kept, **({"lore": names} if names else {})}

    def lore(self, scene: Scene) -> list[LoreEntry]:
        """The background that the talk calls up."""
        if self._lore is None:
            texts = [*(past.content for past in scene.history), scene.turn.question.text]
            room = scene.model.context_len // _SHARE_OF_LORE
            told = replay.background(scene.turn.request.history, room)
            self._lore = called(self.personality(scene), texts, room, replies=scene.replies) + told
        return self._lore

    def decision(self, scene: Scene) -> Decision:
        """What the gate chose."""
        if self._decision is None and self.verdict(scene).instead is not None:
            self._decision = Decision("talk")  # code answers, from nothing that was recalled
        if self._decision is None:
            length = scene.model.context_len
            most = next((count for size, count in _PASSAGES.items() if length <= size), _MOST_PASSAGES)
            found = scene.sight.hits(self.hits.hits(self.feeling(scene).attention))
            self._decision = self._decided(scene, found, len(found) if self.hits.whole else most)
        return self._decision

    def _decided(self, scene: Scene, found: list[Hit], passages: int) -> Decision:
        """What the gate chooses; where nothing answers, of what a wider look finds. With what stands beside."""
        turn, question = scene.turn, scene.turn.question
        attention, weights = self.feeling(scene).attention, self.parts(scene).conduct.memory
        memories = scene.sight.memories(self.memories.memories(attention, weights) if self.memories else [])
        past = {past.message_id: past.content for past in scene.history if past.role == "user"}
        decision = decide(question, memories, found, past, passages=passages)
        decision = further.with_hints(
            decision, scene.sight.memories(self.beside.hints(memories) if self.beside else [])
        )
        if scene.is_on("curiosity") and scene.sight.route.model is not None:
            more = further.look(turn.principal, turn.owner_id, question, turn.deadline, decision, self.beside)
            if wider := scene.sight.hits(more):
                decision = decide(question, memories, [*found, *wider], past, passages=passages)
        aside = further.with_aside(decision, self.beside)
        of = getattr(aside.aside, "message_id", 0)
        hidden = any(scene.sight.hides(text, of) for text in (aside.told, *(one.text for one in aside.passages)))
        return decision if hidden and aside is not decision else aside

    def affect(self, scene: Scene) -> dict[str, Any]:
        """What is felt, with what was felt before, and the relationship, as an answer shows them."""
        standing = self.standing(scene)
        return {
            **emotions.shown(self.feeling(scene)),
            "level": standing.level,
            "affinity": round(standing.points, 2),
        }

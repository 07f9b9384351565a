"""A turn while it goes on: what was asked, where it stands, what was recalled for it, and what is being said."""

from __future__ import annotations

import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from anima.chat import further, repo
from anima.chat.compose import Prompt
from anima.chat.gate import Decision, decide
from anima.chat.model import Token, TurnRequest
from anima.chat.sight_service import Sight
from anima.conversations.model import Past, TurnContext
from anima.emotions import service as emotions
from anima.emotions.model import SessionMood
from anima.gateway.model import Model, estimate_tokens
from anima.kernel import db
from anima.kernel.idempotency import Key
from anima.kernel.terms import Question
from anima.knowledge.search_model import Hit
from anima.knowledge.service import PendingSearch
from anima.memory.model import Kind
from anima.memory.service import PendingRecall
from anima.personality.build import build
from anima.personality.compile import Compiled, compile_parts
from anima.personality.model import PLAIN, Personality
from anima.relationships import service as relationships
from anima.relationships.model import Affinity, Standing
from anima.vendors.llm.client import Delta, Usage

_PASSAGES = {4096: 2, 16_384: 4}
_MOST_PASSAGES = 6


@dataclass(frozen=True, slots=True)
class Turn:
    """What is asked, by whom, and until when (a moment of time.monotonic()). `message_id`: it is stored already;
    `again`: it was answered before.
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

    def elapsed(self) -> float:
        """Milliseconds since the turn was taken on."""
        return round((time.monotonic() - self.begun) * 1000, 3)

    def before(self, context: TurnContext) -> list[Past]:
        """What was said before the message that is to be answered."""
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

    def told_model(self) -> dict[str, Any]:
        """Who answers, as an answer tells it."""
        model = self.sight.route.model
        return {"provider": model.provider, "name": model.name} if model else {"provider": None, "name": None}

    def recalled_kinds(self) -> Sequence[Kind]:
        """The kinds of memory that the avatar's switches leave on."""
        names: dict[str, Kind] = {"facts": "fact", "episodes": "episode", "semantic_recall": "message"}
        return [kind for name, kind in names.items() if self.is_on(name)]

    def is_on(self, switch: str) -> bool:
        """Whether the avatar's switch is on, as it is until it is turned off."""
        return self.context.avatar is None or bool(self.context.avatar.switches.get(switch, True))


@dataclass(slots=True)
class Recalled:
    """What the first transaction asked for; to be read after it."""

    mood: db.Pending[SessionMood]
    hits: PendingSearch
    affinity: db.Pending[Affinity] | None = None
    memories: PendingRecall | None = None
    beside: further.Beside | None = None
    _personality: Personality | None = None
    _parts: Compiled | None = None
    _decision: Decision | None = None
    _feeling: SessionMood | None = None

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

    def feeling(self, scene: Scene) -> SessionMood:
        """The mood of the session, moved by what was just said; where moods are off, the usual one."""
        if self._feeling is None:
            said, whole = scene.turn.request.message, self.personality(scene)
            moved = scene.is_on("moods")
            self._feeling = emotions.felt(self.mood.first() if moved else None, whole, said if moved else "", scene.at)
        return self._feeling

    def parts(self, scene: Scene) -> Compiled:
        """The personality as a prompt."""
        if self._parts is None:
            name = scene.context.avatar.name if scene.context.avatar else None
            mood = emotions.as_mood(self.feeling(scene)) if scene.is_on("moods") else None
            points = self.standing(scene).points
            self._parts = compile_parts(self.personality(scene), points, mood, name=name)
        return self._parts

    def decision(self, scene: Scene) -> Decision:
        """What the gate chose."""
        if self._decision is None:
            length = scene.model.context_len
            most = next((count for size, count in _PASSAGES.items() if length <= size), _MOST_PASSAGES)
            found = scene.sight.hits(self.hits.hits())
            self._decision = self._decided(scene, found, len(found) if self.hits.whole else most)
        return self._decision

    def _decided(self, scene: Scene, found: list[Hit], passages: int) -> Decision:
        """What the gate chooses; where nothing answers, of what a wider look finds. With what stands beside."""
        turn, question = scene.turn, scene.turn.question
        memories = scene.sight.memories(self.memories.memories()) if self.memories else []
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
        """Mood and relationship, as an answer shows them."""
        feeling, standing = self.feeling(scene), self.standing(scene)
        return {
            "mood": feeling.current_mood,
            "intensity": round(feeling.mood_intensity, 3),
            "level": standing.level,
            "affinity": round(standing.points, 2),
        }


@dataclass(slots=True)
class Said:
    """What the model says, as it comes, and the prompt that made it say so; `dropped` marks were never offered."""

    prompt: Prompt | None = None
    tokens: list[str] = field(default_factory=list)
    finish: str = "stop"
    usage: Usage | None = None
    dropped: int = 0

    @property
    def text(self) -> str:
        """All of it."""
        return "".join(self.tokens)

    def composed(self) -> Prompt:
        """The prompt; it is there before anything is said."""
        assert self.prompt is not None
        return self.prompt

    def heard(self, delta: Delta) -> None:
        """Takes from a piece of the answer what is not text."""
        self.finish = delta.finish or self.finish
        self.usage = delta.usage or self.usage

    def token(self, text: str) -> Token:
        """The next piece of text."""
        self.tokens.append(text)
        return Token(len(self.tokens) - 1, text)

    def counted(self, prompt: Prompt) -> dict[str, Any]:
        """Tokens of prompt and answer: as the server counted them, else estimated, and then it says so."""
        if self.usage is None:
            spoken = estimate_tokens(self.text)
            total = prompt.tokens + spoken
            return {
                "prompt_tokens": prompt.tokens,
                "completion_tokens": spoken,
                "total_tokens": total,
                "estimated": True,
            }
        used = self.usage
        return {
            "prompt_tokens": used.prompt_tokens,
            "completion_tokens": used.completion_tokens,
            "total_tokens": used.prompt_tokens + used.completion_tokens,
            "cached_tokens": used.cached_tokens,
        }

"""What is being said in a turn, as it comes: the prompt, the words, calls of tools, who speaks, and what it took."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from anima.chat import exchange as exchanges
from anima.chat.citations import Strainer
from anima.chat.compose import Prompt
from anima.chat.exchange import Exchange
from anima.chat.model import Passage, Token
from anima.gateway.model import estimate_tokens
from anima.plugins import turn_service as plugins
from anima.plugins.model import OfferedTool
from anima.safety.service import Watch
from anima.vendors.llm.calls import Delta, Message, Usage


@dataclass(slots=True)
class Said:
    """What the model says, and the prompt that made it say so; `dropped` marks were never offered.

    `appended` is what code put behind it; `watch` is who listened for harm, where a model spoke. `by` is who answered,
    and `speaker` who does in the round that runs, whose first token is number `begun`. `spent` is what the rounds
    before it took, and `earlier` what was spent and noted before the turn waited, by who answered; `guessed`: not all
    of it was counted by a server. `waits`: where the turn stands is kept, and it waits for its person; `marks` are the
    passages of an earlier prompt.
    """

    prompt: Prompt | None = None
    tokens: list[str] = field(default_factory=list)
    finish: str = "stop"
    usage: Usage | None = None
    dropped: int = 0
    appended: str = ""
    watch: Watch | None = None
    exchange: Exchange = field(default_factory=Exchange)
    tools: Sequence[OfferedTool] = ()
    spent: dict[str, Usage] = field(default_factory=dict)
    earlier: dict[str, Usage] = field(default_factory=dict)
    guessed: bool = False
    by: str | None = None
    speaker: str | None = None
    begun: int = 0
    waits: bool = False
    marks: Mapping[str, int] | None = None

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
        if delta.by:
            self.by = self.speaker = delta.by

    def next_round(self) -> None:
        """What this round took is added to what those before it did."""
        self.spent, self.guessed = self.to_note(), self.guesses()
        self.speaker, self.usage, self.begun = None, None, len(self.tokens)

    def guesses(self) -> bool:
        """Whether some of what was spent is estimated."""
        return self.guessed or (self.speaker is not None and self.usage is None)

    def to_note(self) -> dict[str, Usage]:
        """What the rounds took that are not noted yet, by who answered: as the server counted it, else about."""
        return _together(self.spent, {self.speaker: self.usage or self._about()} if self.speaker else {})

    def in_all(self) -> dict[str, Usage]:
        """What all rounds took, those before the turn waited too, by who answered; empty where no model was asked."""
        return _together(self.earlier, self.to_note())

    def _about(self) -> Usage:
        """What the round that runs took, where nobody counted it."""
        words = "".join(self.tokens[self.begun :])
        return Usage(self.composed().tokens + self.exchange.tokens(), estimate_tokens(words))

    def straightened(self) -> None:
        """Words that were said before the turn waited keep the marks that stand for the same passages still."""
        if self.tokens and self.marks is not None:
            self.tokens = [_still(self.text, self.marks, self.passages())]
            self.begun = len(self.tokens)

    def token(self, text: str) -> Token:
        """The next piece of text."""
        self.tokens.append(text)
        return Token(len(self.tokens) - 1, text)

    def tool(self, name: str) -> OfferedTool | None:
        """The tool of this name, among those that are offered."""
        return plugins.find(self.tools, name)

    def passages(self) -> list[Passage]:
        """What is under a number: the passages of the prompt, and those that tools found."""
        return [*self.composed().passages, *self.exchange.passages]

    def cited(self) -> list[Passage]:
        """What may be cited: nothing where others' words took the place of the model's."""
        return [] if self.watch is None or self.watch.replaced else self.passages()

    def sent(self) -> list[dict[str, Any]]:
        """The messages that the model read, as the log keeps them."""
        messages: list[Message] = [*(self.prompt.messages if self.prompt else []), *self.exchange.messages()]
        return exchanges.logged(messages)

    def counted(self) -> dict[str, Any]:
        """Tokens of prompt and answer: as the server counted them, else estimated, and then it says so."""
        used = sum(self.in_all().values(), Usage(0, 0))
        total = {"total_tokens": used.prompt_tokens + used.completion_tokens}
        return {**asdict(used), **total, **({"estimated": True} if self.guesses() else {})}

    def kept(self) -> dict[str, Any]:
        """All that a turn needs to go on later with what it has said, as JSON."""
        return {
            "tokens": self.tokens,
            "dropped": self.dropped,
            "exchange": self.exchange.as_json(),
            "usage": self.counted(),
            "spent": {by: asdict(used) for by, used in self.in_all().items()},
            "marks": {str(one.marker): one.chunk_id for one in self.passages()},
            "by": self.by,
        }


def _still(text: str, marks: Mapping[str, int], passages: Sequence[Passage]) -> str:
    """Words that were said before without the marks that stand for another passage now, or for none."""
    same = {one.marker for one in passages if marks.get(str(one.marker), one.chunk_id) == one.chunk_id}
    strainer = Strainer(same)
    return strainer.feed(text) + strainer.rest()


def taken_up(kept: dict[str, Any]) -> Said:
    """What `kept` made, without its prompt, which is composed anew."""
    return Said(
        tokens=list(kept["tokens"]),
        dropped=kept["dropped"],
        exchange=exchanges.of_json(kept["exchange"]),
        earlier={by: Usage(**used) for by, used in kept["spent"].items()},
        guessed="estimated" in kept["usage"],
        by=kept["by"],
        marks=kept["marks"],
    )


def _together(one: Mapping[str, Usage], other: Mapping[str, Usage]) -> dict[str, Usage]:
    """Both, added where the same one answered."""
    none = Usage(0, 0)
    return {by: one.get(by, none) + other.get(by, none) for by in (*one, *other)}

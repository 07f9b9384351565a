"""What is said in a turn: the prompt, the model that is asked, and what of its words goes out.

What a model writes passes the marks of citations, in small talk how it begins, then the avatar's conduct, then safety,
which sees what would be shown; what code says itself passes none of them.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

from anima.chat import sight_service
from anima.chat.citations import Strainer
from anima.chat.compose import Prompt, compose
from anima.chat.manner import Manner
from anima.chat.model import Token
from anima.chat.scene import Recalled, Said, Scene
from anima.chat.small_talk import Beginning
from anima.gateway import service as gateway
from anima.gateway.model import answer_budget, prompt_budget
from anima.kernel.telemetry import measured
from anima.safety import service as safety
from anima.vendors.llm.client import Usage
from anima.vendors.llm.errors import ContextTooLong, MalformedAnswer, ModelRefused

_LEAST_ANSWER = 64
_MOST_CHARS_A_TOKEN = 16


def composed(scene: Scene, recalled: Recalled, share: float = 1.0) -> Prompt:
    """The prompt, in a share of the model's budget. Raises ContextTooLong where persona and question alone are too
    much for the model.
    """
    if scene.sight.route.model is None or recalled.verdict(scene).instead is not None:
        return Prompt([], 0, 0, {}, [], [])
    prompt = compose(
        recalled.parts(scene),
        scene.history,
        recalled.decision(scene),
        scene.turn.question,
        at=scene.at,
        budget=int(prompt_budget(scene.model.context_len) * share),
        lore=recalled.lore(scene),
        last=recalled.verdict(scene).told,
    )
    if prompt.tokens > scene.model.context_len - _LEAST_ANSWER:
        raise ContextTooLong(model=scene.model.id)
    return prompt


def speak(scene: Scene, recalled: Recalled, said: Said) -> Iterator[Token]:
    """What is said, piece by piece, by code or by the model, and what code puts behind it."""
    verdict = recalled.verdict(scene)
    if verdict.instead is not None:
        yield _by_code(said, verdict.instead)
    elif scene.sight.route.model is None:
        yield _by_code(said, sight_service.silent(scene.turn.question.language))
    else:
        yield from _by_model(scene, recalled, said)
    if verdict.append:
        said.appended = verdict.append
        yield said.token(verdict.append)


def _by_code(said: Said, text: str) -> Token:
    said.usage = Usage(0, 0)
    return said.token(text)


def _by_model(scene: Scene, recalled: Recalled, said: Said) -> Iterator[Token]:
    """What the model says; asked again with half the context where it was too long."""
    try:
        yield from _spoken(scene, recalled, said)
    except ContextTooLong:
        if said.tokens:
            raise
        said.prompt = composed(scene, recalled, share=0.5)
        yield from _spoken(scene, recalled, said)


class Lips:
    """What a model's words pass before they go out."""

    def __init__(self, strainer: Strainer, beginning: Beginning, manner: Manner, watch: safety.Watch) -> None:
        self.strainer, self.beginning, self.manner, self.watch = strainer, beginning, manner, watch

    @property
    def closed(self) -> bool:
        """Nothing that follows goes out any more."""
        return self.manner.done or self.watch.stopped

    def feed(self, text: str) -> str:
        """What goes out now."""
        return self.watch.feed(self.manner.feed(self.beginning.feed(self.strainer.feed(text))))

    def rest(self) -> str:
        """What was held back, at the end."""
        left = self.beginning.feed(self.strainer.rest()) + self.beginning.rest()
        ready = self.manner.feed(left) + self.manner.rest()
        return self.watch.feed(ready) + self.watch.rest()


def _spoken(scene: Scene, recalled: Recalled, said: Said) -> Iterator[Token]:
    prompt, timings = said.composed(), scene.turn.timings
    said.watch = safety.watch(recalled.verdict(scene), recalled.guarded.guard())
    strainer = Strainer({passage.marker for passage in prompt.passages})
    lips = Lips(strainer, recalled.beginning(scene), recalled.manner(scene), said.watch)
    sampling = recalled.parts(scene).sampling
    room = scene.model.context_len - prompt.tokens
    wanted = sampling.max_reply_tokens or answer_budget(scene.model.context_len)
    max_tokens = max(_LEAST_ANSWER, min(wanted, room))
    left = max_tokens * _MOST_CHARS_A_TOKEN  # for a server that does not heed the limit
    deltas = gateway.stream(
        scene.model,
        prompt.messages,
        max_tokens=max_tokens,
        deadline=scene.turn.deadline,
        params=scene.model.sampled(sampling.temperature, sampling.top_p),
        fixed=prompt.fixed,
    )
    with measured(timings, "model"), closing(deltas):
        for delta in deltas:
            said.heard(delta)
            if ready := lips.feed(delta.text):
                timings.setdefault("first_token", scene.turn.elapsed())
                yield said.token(ready)
            left -= len(delta.text)
            if left < 0:
                said.finish = "length"
            if left < 0 or lips.closed:
                break
        if ready := lips.rest():
            yield said.token(ready)
        said.dropped = lips.strainer.dropped
    if not said.text.strip():
        refused = said.finish == "content_filter"
        raise (ModelRefused if refused else MalformedAnswer)(model=scene.model.id, reason="it says nothing")

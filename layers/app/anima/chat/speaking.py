"""What is said in a turn: the prompt, the model that is asked, the tools that it calls, and what of its words goes out.

What a model writes passes `lips`; what code says itself does not.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import replace

from anima.chat import pictures_service as pictures
from anima.chat import sight_service, tool_loop
from anima.chat.citations import Strainer
from anima.chat.compose import Prompt, compose
from anima.chat.lips import Lips
from anima.chat.model import TurnEvent
from anima.chat.said import Said
from anima.chat.scene import Recalled, Scene
from anima.gateway import service as gateway
from anima.gateway.model import Model, answer_budget, barred, prompt_budget
from anima.kernel.telemetry import measured
from anima.safety import service as safety
from anima.vendors.llm.calls import Message, ToolCall
from anima.vendors.llm.errors import ContextTooLong, MalformedAnswer, ModelRefused

_ROLE = "general"
_PARTED = "\n\n"
_LEAST_ANSWER = 64
_MOST_CHARS_A_TOKEN = 16
_TOOLS_FIRST = "Where one of your tools can find it out, use that before you say that you do not know."
_HERE = {"en": "Here it is.", "fr": "Voici."}


def composed(scene: Scene, recalled: Recalled, said: Said, share: float = 1.0, model: Model | None = None) -> Prompt:
    """The prompt, in a share of the model's budget. Raises ContextTooLong where persona and question alone are too
    much for the model.
    """
    reader = model or scene.model
    if scene.sight.route.model is None or recalled.verdict(scene).instead is not None:
        return Prompt([], 0, 0, {}, [], [])
    decision, found = recalled.decision(scene), said.exchange.context(calls_tools=reader.tools)
    seen = len(pictures.seen(scene.context.media)) * pictures.TOKENS_A_PICTURE if reader.sees else 0
    prompt = compose(
        recalled.parts(scene),
        scene.history,
        replace(decision, kind="open") if found and decision.kind == "unknown" else decision,
        scene.turn.question,
        at=scene.at,
        budget=int((prompt_budget(reader.context_len) - seen) * share),
        lore=recalled.lore(scene),
        last="\n\n".join(filter(None, [*_beside(scene, recalled, reader, found), recalled.verdict(scene).told])),
    )
    if prompt.tokens + seen > reader.context_len - _LEAST_ANSWER:
        raise ContextTooLong(model=reader.id)
    return prompt


def _beside(scene: Scene, recalled: Recalled, model: Model, found: str) -> list[str]:
    """What of this turn alone stands behind everything else: files that it is not shown, and what tools gave."""
    told = pictures.told(scene.context.media, model.sees)
    could = model.tools and recalled.decision(scene).kind == "unknown" and recalled.offered()
    return ["" if scene.sight.hides(told) else told, found, _TOOLS_FIRST if could else ""]


def check_budget(scene: Scene, recalled: Recalled) -> None:
    """Raises BudgetExceeded where a model is to be asked and a budget is used up; what code says costs nothing."""
    asks = scene.sight.route.model is not None and recalled.verdict(scene).instead is None
    if asks and recalled.budget is not None:
        recalled.budget.check()


def speak(scene: Scene, recalled: Recalled, said: Said) -> Iterator[TurnEvent]:
    """What is said, piece by piece, by code or by the model, and what code puts behind it. Where the turn waits for the
    person `said.finish` is "approval".
    """
    verdict = recalled.verdict(scene)
    if verdict.instead is not None:
        yield said.token(verdict.instead)
    elif scene.sight.route.model is None:
        yield said.token(sight_service.silent(scene.turn.question.language))
    else:
        yield from _by_model(scene, recalled, said)
    if verdict.append and said.finish != "approval":
        said.appended = verdict.append
        yield said.token(verdict.append)


def _by_model(scene: Scene, recalled: Recalled, said: Said) -> Iterator[TurnEvent]:
    """What the model says; asked again with half the context where it was too long."""
    said.tools = recalled.offered()
    if (yield from tool_loop.recognised(scene, recalled, said)):
        yield from _waiting(scene, said)
        return
    if said.exchange.before:
        said.prompt = composed(scene, recalled, said)
    try:
        yield from _spoken(scene, recalled, said)
    except ContextTooLong:
        if said.tokens:
            raise
        said.prompt = composed(scene, recalled, said, share=0.5)
        yield from _spoken(scene, recalled, said)


def _waiting(scene: Scene, said: Said) -> Iterator[TurnEvent]:
    said.finish = "approval"
    yield from tool_loop.wait(scene, said)


def _spoken(scene: Scene, recalled: Recalled, said: Said) -> Iterator[TurnEvent]:
    """The model's words, round by round until it calls no more tools."""
    lips = _lips(scene, recalled, said)
    waits, between = False, ""
    while not waits:
        calls, words = yield from _round(scene, recalled, said, lips, between)
        if not calls or lips.closed:
            break
        waits = yield from tool_loop.made(scene, recalled, said, calls, words)
        lips.strainer.offered = _offered(said)
        between = _PARTED if words.strip() else between
        said.next_round()
    if ready := lips.rest():
        yield said.token(ready)
    said.dropped += lips.strainer.dropped
    if waits:
        yield from _waiting(scene, said)
        return
    said.finish = "stop" if said.finish == "tool_calls" else said.finish
    if not said.text.strip() and said.exchange.files:
        yield said.token(_HERE[scene.turn.question.language or "en"])
    if not said.text.strip():
        refused = said.finish == "content_filter"
        raise (ModelRefused if refused else MalformedAnswer)(model=scene.model.id, reason="it says nothing")


def _lips(scene: Scene, recalled: Recalled, said: Said) -> Lips:
    """What the words pass; those of a turn that waited are known to it."""
    watch = said.watch = safety.watch(recalled.verdict(scene), recalled.guarded.guard())
    before = _PARTED if said.text.strip() else ""
    watch.feed(said.text + before)
    return Lips(Strainer(_offered(said)), recalled.beginning(scene), recalled.manner(scene), watch, before)


def _offered(said: Said) -> set[int]:
    """The numbers that passages have."""
    return {one.marker for one in said.passages()}


def _round(
    scene: Scene, recalled: Recalled, said: Said, lips: Lips, between: str
) -> Generator[TurnEvent, None, tuple[Sequence[ToolCall], str]]:
    """One call of the model: what goes out of its words; answers the tools that it calls, and all of its words.

    `between` parts them from those of the round before.
    """
    timings, calls, words = scene.turn.timings, list[ToolCall](), list[str]()
    sampling = recalled.parts(scene).sampling
    wanted = sampling.max_reply_tokens or answer_budget(scene.model.context_len)
    max_tokens = max(_LEAST_ANSWER, min(wanted, _left(scene, said)))
    room = max_tokens * _MOST_CHARS_A_TOKEN  # for a server that does not heed the limit
    over = tool_loop.is_over(said)
    messages = _messages(scene, said, scene.model)
    deltas = gateway.stream(
        scene.model,
        messages,
        max_tokens=max_tokens,
        deadline=scene.turn.deadline,
        params={**scene.model.sampled(sampling.temperature, sampling.top_p), **scene.params()},
        fixed=said.composed().fixed,
        tools=tool_loop.as_tools(said.tools),
        tool_choice="none" if over else "auto",
        cache_key=scene.cache_key(),
        permitted=lambda model: barred(scene.rules(), model) <= scene.sight.route.barred,
        role=_ROLE,
        adapted=lambda model: _adapted(scene, recalled, said, model),
    )
    with measured(timings, "model"), closing(deltas):
        for delta in deltas:
            said.heard(delta)
            calls.extend(delta.tool_calls)
            words.append(delta.text)
            first, between = (between, "") if delta.text else ("", between)
            if ready := lips.feed(first + delta.text):
                timings.setdefault("first_token", scene.turn.elapsed())
                yield said.token(ready)
            room -= len(delta.text)
            if room < 0:
                said.finish = "length"
            if room < 0 or lips.closed:
                break
    return ([] if over else calls), "".join(words)


def _left(scene: Scene, said: Said) -> int:
    """How many tokens of the model's window are free for its answer."""
    return scene.model.context_len - said.composed().tokens - said.exchange.tokens()


def _messages(scene: Scene, said: Said, model: Model) -> list[Message]:
    """The prompt with its pictures, and what was done with tools since."""
    prompt = said.composed().messages
    shown = pictures.shown(prompt, scene.context.media) if model.sees and scene.context.media else list(prompt)
    return [*shown, *(said.exchange.messages() if model.tools else [])]


def _adapted(scene: Scene, recalled: Recalled, said: Said, model: Model) -> list[Message]:
    """What a model reads that stands in for the chosen one: composed anew for its window and for what it can do."""
    said.prompt = composed(scene, recalled, said, model=model)
    return _messages(scene, said, model)

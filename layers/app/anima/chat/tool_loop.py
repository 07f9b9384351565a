"""The calls of tools within a turn: which are offered, which are made, and which wait for the person.

Only what the model calls by its protocol is a call, or what code reads out of the person's own message: words of a
document, of a page or of a tool's result call nothing.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Generator, Iterator, Sequence
from datetime import timedelta
from typing import Any

from anima.chat import closing_service, replay, tools_repo
from anima.chat import exchange as exchanges
from anima.chat.exchange import MOST_CALLS, MOST_ROUNDS, Made, Round
from anima.chat.gate import clean
from anima.chat.model import (
    ApprovalNeeded,
    Passage,
    ToolEnded,
    ToolStarted,
    TurnEvent,
    TurnRequest,
    shortened,
)
from anima.chat.said import Said
from anima.chat.scene import Recalled, Scene
from anima.conversations import turn_service as conversations
from anima.gateway.model import answer_budget
from anima.kernel import db
from anima.kernel.telemetry import measured
from anima.knowledge.search_model import Hit
from anima.memory import sensitivity
from anima.plugins import turn_service as plugins
from anima.plugins.model import OfferedTool, ToolResult
from anima.safety import service as safety
from anima.vendors.llm.calls import Tool, ToolCall

_PATIENCE = timedelta(days=1)
"""So long a turn counts as waiting; after that it is closed, and goes on still where somebody decides."""
_EVENT_CHARS = 400
_LEAST_CHARS = 400
_CHARS_A_TOKEN = 3
_ADDRESS = re.compile(r"[a-z][a-z0-9+.-]*://\S+", re.IGNORECASE)
_AROUND = re.compile(r"[\"'<>\])}]")
"""What stands around an address in a text."""
_TOO_MANY = "No more calls can be made in this turn."
_UNKNOWN = "There is no tool of this name."
_GONE = "This tool may not be used any more."
_HIDDEN = "What it gave is kept from you by the person's own rules."
_NOT_SAFE = "This is not shown: it could do harm."
_KEPT_HERE = "The person keeps what this is about on their machine; this tool would send it elsewhere."


def as_tools(tools: Sequence[OfferedTool]) -> list[Tool]:
    """Tools as a model is told of them."""
    return [Tool(one.name, one.description, one.parameters) for one in tools]


def is_over(said: Said) -> bool:
    """Whether the model has to answer with what it has."""
    done = said.exchange
    return len(done.rounds) >= MOST_ROUNDS or len(done.calls) >= MOST_CALLS


def recognised(scene: Scene, recalled: Recalled, said: Said) -> Generator[TurnEvent, None, bool]:
    """For a model that calls no tools: the one call that the person's own words ask for, made before it speaks.

    Answers whether the turn waits for the person.
    """
    model = scene.sight.route.model
    if model is None or model.tools or said.exchange.rounds or not said.tools:
        return False
    wanted = plugins.recognised(scene.turn.request.message)
    tool = said.tool(wanted[0]) if wanted else None
    if wanted is None or tool is None:
        return False
    said.exchange.before = True
    call = ToolCall("call-0", tool.name, json.dumps(wanted[1], ensure_ascii=False))
    return (yield from made(scene, recalled, said, [call], ""))


def made(
    scene: Scene, recalled: Recalled, said: Said, calls: Sequence[ToolCall], words: str
) -> Generator[TurnEvent, None, bool]:
    """Makes the calls of one round, whose words were `words`; answers whether some of them wait for the person."""
    done = said.exchange
    left = max(0, MOST_CALLS - len(done.calls))
    this = Round(words, [])
    done.rounds.append(this)
    for number, call in enumerate(calls):
        tool = said.tool(call.name)
        one = Made(call, tool.plugin if tool else "", exchanges.read_arguments(call.arguments), "failed")
        this.made.append(one)
        wrong = _refused(scene, recalled, one, tool, number < left)
        if wrong or tool is None:
            one.error, one.text = wrong or ("unknown-tool", _UNKNOWN)
            yield from _told(one)
        elif _must_ask(scene, one, tool):
            yield from _ask_or_refuse(one, tool)
        else:
            yield from run(scene, recalled, said, one, tool)
    return bool(done.waiting)


def run(scene: Scene, recalled: Recalled, said: Said, one: Made, tool: OfferedTool) -> Iterator[TurnEvent]:
    """Makes one call, and takes what came of it."""
    avatar = scene.context.avatar
    assert avatar is not None, "tools are an avatar's"
    yield ToolStarted(one.invocation_id, one.plugin, one.call.name, one.arguments)
    with measured(scene.turn.timings, "tools"):
        result = plugins.call(
            scene.turn.principal,
            avatar.avatar_id,
            tool,
            one.call.arguments,
            session_id=scene.session_id,
            request_id=scene.request_id,
            deadline=min(scene.turn.deadline, time.monotonic() + tool.timeout),
            cited=_highest(said),
            private=scene.context.session.private,
            invocation_id=one.invocation_id,
        )
    _take(scene, recalled, said, one, result)
    yield from _ended(one)


def wait(scene: Scene, said: Said) -> list[ApprovalNeeded]:
    """Keeps where the turn stands, and asks the person; it goes on by `approvals_service`, whatever happens to us."""
    turn, avatar = scene.turn, scene.context.avatar
    assert avatar is not None, "tools are an avatar's"
    with db.transaction(turn.principal) as tx:
        asked = {
            number: plugins.ask(
                tx,
                turn.owner_id,
                avatar.avatar_id,
                tool,
                one.call.arguments,
                session_id=scene.session_id,
                request_id=scene.request_id,
            )
            for number, one in enumerate(said.exchange.waiting)
            if one.invocation_id is None and (tool := said.tool(one.call.name)) is not None
        }
        for number, one in enumerate(said.exchange.waiting):
            one.invocation_id = asked[number].invocation_id if number in asked else one.invocation_id
        kept = {**said.kept(), "request": asked_of(turn.request)}
        ids = [one.invocation_id for one in said.exchange.calls if one.invocation_id is not None]
        tools_repo.wait(tx, turn.owner_id, scene.request_id, kept=kept, prompt=said.sent(), ids=ids, patience=_PATIENCE)
        closing_service.settle_key(tx, scene, said)
        closing_service.note_spend(tx, scene, said)
    said.waits = True
    return [
        ApprovalNeeded(one.invocation_id or 0, one.plugin, one.call.name, one.arguments)
        for one in said.exchange.waiting
    ]


def asked_of(request: TurnRequest) -> dict[str, Any]:
    """What of a request a turn that goes on needs again."""
    told = {"model": request.model, "country": request.country, "client": request.client}
    return {**told, "history": None if request.history is None else replay.read(request.history)}


def decided(scene: Scene, recalled: Recalled, said: Said) -> Iterator[TurnEvent]:
    """Makes the calls that waited and were approved, in their order; those that were not are told so."""
    said.tools = recalled.offered()
    for one in said.exchange.waiting:
        tool = said.tool(one.call.name)
        if tool is not None:
            yield from run(scene, recalled, said, one, tool)
            continue
        one.state, one.error, one.text = "failed", "not-permitted", _GONE
        yield from _told(one)


def _refused(
    scene: Scene, recalled: Recalled, one: Made, tool: OfferedTool | None, has_room: bool
) -> tuple[str, str] | None:
    """Why a call is not even tried: a slug, and what the model is told."""
    if not has_room:
        return "too-many-calls", _TOO_MANY
    if tool is None:
        return "unknown-tool", _UNKNOWN
    if _harms(scene, recalled, one.call.arguments):
        one.arguments = None
        return "not-safe", _NOT_SAFE
    if tool.outside and scene.sight.limited:
        about = sensitivity.categories(one.call.arguments, scene.sight.among)
        if about or scene.sight.route.kept:
            return "kept-local", _KEPT_HERE
    return None


def _ask_or_refuse(one: Made, tool: OfferedTool) -> Iterator[TurnEvent]:
    """A call that the person is asked about; one that could not be made as it is written is not worth asking."""
    refused = plugins.refusal(tool, one.call.arguments)
    if refused is None:
        one.state = "waiting"
        return
    one.error, one.text = refused.error, refused.text
    yield from _told(one)


def _harms(scene: Scene, recalled: Recalled, text: str) -> bool:
    """Whether a text would do harm to this person, as it is shown to them."""
    watch = safety.watch(recalled.verdict(scene), recalled.guarded.guard())
    watch.feed(text)
    watch.rest()
    return watch.replaced in ("harm", "sexual")


def _must_ask(scene: Scene, one: Made, tool: OfferedTool) -> bool:
    """Whether the person decides: by the tool's rule, and always where it would go to an address they never wrote."""
    if tool.approval == "ask":
        return True
    if not tool.outside:
        return False
    own = _addresses(" ".join([*scene.own_words, scene.turn.request.message]))
    own |= {_comparable(_AROUND.split(address)[0]) for address in own}
    return not _addresses(" ".join(_strings(one.arguments))) <= own


def _addresses(text: str) -> set[str]:
    """The addresses in a text, with what stands behind them without a blank."""
    return {_comparable(found) for found in _ADDRESS.findall(text)}


def _comparable(address: str) -> str:
    return address.casefold().rstrip(".,;:!?)/")


def _strings(value: Any) -> Iterator[str]:
    """Every text in the arguments of a call, as the tool would read it: not as JSON may disguise it."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, (dict, list)):
        for one in [*value, *value.values()] if isinstance(value, dict) else value:
            yield from _strings(one)


def _take(scene: Scene, recalled: Recalled, said: Said, one: Made, result: ToolResult) -> None:
    """What came of a call, as far as the model may read it."""
    one.state = "done" if result.ok else "denied" if result.error == "denied" else "failed"
    one.error, one.media, one.latency_ms = result.error, result.media, result.latency_ms
    one.invocation_id = result.invocation_id or one.invocation_id
    room = _room(scene, said)
    one.text = exchanges.cut(result.text, room)
    if scene.sight.hides(result.text):
        one.text = _HIDDEN
    elif _harms(scene, recalled, one.text):
        one.text = _NOT_SAFE
    if result.hits:
        _take_hits(said, one, scene.sight.hits(result.hits), room)
    if result.media:
        said.exchange.files.extend(conversations.media_refs(scene.turn.principal, result.media))


def _take_hits(said: Said, one: Made, hits: Sequence[Hit], room: int) -> None:
    """Passages that a search found join those that may be cited; what is cut of them is cut at the end."""
    first = _highest(said) + 1
    cleaned = [(hit, text) for hit in hits if (text := clean(hit.text))]
    share = max(_LEAST_CHARS, room // max(1, len(cleaned)))
    found = [
        Passage(number, hit.chunk_id, hit.document_id, hit.title, hit.source_uri, hit.location, text[:share])
        for number, (hit, text) in enumerate(cleaned, first)
    ]
    said.exchange.passages.extend(found)
    one.markers = tuple(passage.marker for passage in found)
    if not found:
        one.text = "Nothing was found."


def _highest(said: Said) -> int:
    """The highest number that a passage has in this turn."""
    return max([one.marker for one in said.passages()], default=0)


def _room(scene: Scene, said: Said) -> int:
    """How many characters of a result the model's window holds beside all that it reads already, and its answer."""
    length = scene.model.context_len
    used = said.composed().tokens + sum(len(one.text) for one in said.exchange.calls) // _CHARS_A_TOKEN
    return max(_LEAST_CHARS, (length - used - answer_budget(length)) * _CHARS_A_TOKEN // 2)


def _told(one: Made) -> Iterator[TurnEvent]:
    yield ToolStarted(None, one.plugin, one.call.name, one.arguments)
    yield from _ended(one)


def _ended(one: Made) -> Iterator[TurnEvent]:
    text = shortened(one.text, _EVENT_CHARS)
    ok = one.state == "done"
    yield ToolEnded(one.call.name, ok, text, one.media, one.latency_ms, one.invocation_id, one.error)

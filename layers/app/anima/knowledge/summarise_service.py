"""Makes a summary: part by part, each kept, so that whoever takes over goes on behind the last one.

No transaction is open while a model speaks. A model that cannot be reached is asked again later; a worker that has
worked long hands on to the next, for deployed its time is limited.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from anima.gateway import service as gateway
from anima.gateway.model import Model
from anima.kernel import clock, db, telemetry
from anima.kernel.errors import AnimaError, Unavailable
from anima.kernel.terms import Language, terms
from anima.knowledge import extractive, summary_citations, summary_plan, summary_prompts, summary_repo, summary_service
from anima.knowledge.summary_citations import Cited, Marks
from anima.knowledge.summary_model import Part, Piece, Subject
from anima.knowledge.summary_repo import Claimed
from anima.vendors.llm.client import Message
from anima.vendors.llm.errors import MalformedAnswer, ModelQuotaExceeded, ModelTimeout

MOST_ATTEMPTS = 5
_KILLED = "making it stopped the worker each time"
_WAITS = [timedelta(seconds=seconds) for seconds in (5, 30, 120, 600)]
_CALL_SECONDS = 150.0
_SHIFT_SECONDS = 120.0
_CANDIDATES_A_PART = 40
_MOST_SENTENCES = 30
_LATER = (Unavailable, ModelTimeout, ModelQuotaExceeded)


class Stopped(Exception):
    """It was cancelled or deleted, or another worker has taken it over."""


@dataclass(slots=True)
class _Work:
    """A summary that is being made."""

    owner: db.Principal
    owner_id: int
    claimed: Claimed
    subject: Subject
    model: Model | None
    plan: list[Part]
    results: dict[tuple[int, int], dict[str, Any]]
    usage: dict[str, Any]

    @property
    def language(self) -> Language | None:
        return self.subject.language if self.subject.language in ("en", "fr") else None  # type: ignore[return-value]

    def pieces(self, first: int, end: int) -> list[Piece]:
        """Chunks of the document."""
        with db.transaction(self.owner) as tx:
            found = summary_repo.pieces(tx, self.owner_id, self.subject.document_id, first, end)
        return found.all()

    def below(self, part: Part) -> list[dict[str, Any]]:
        """What came of the parts that a part joins."""
        return [self.results[part.level - 1, number] for number in range(part.first, part.end)]


def make(owner: db.Principal, owner_id: int, summary_id: int) -> None:
    """Brings a summary to its end, or some way further. One that is ended, cancelled or gone is left alone."""
    work = _claim(owner, owner_id, summary_id)
    if work is None:
        return
    try:
        _work_on(work)
    except Stopped:
        telemetry.info("summary.stopped", summary_id=summary_id)
    except _LATER as error:
        tries = work.claimed.attempts - len(work.results)
        if tries >= MOST_ATTEMPTS:
            _end(work, "failed", error.detail)
        else:
            _put_off(work, error, _WAITS[max(0, min(tries, len(_WAITS)) - 1)])
    except AnimaError as error:
        _end(work, "failed", error.detail)


def _claim(owner: db.Principal, owner_id: int, summary_id: int) -> _Work | None:
    with db.transaction(owner) as tx:
        claimed = summary_repo.claim(tx, owner_id, summary_id, MOST_ATTEMPTS, _KILLED).first()
        if claimed is None or claimed.state != "running":
            return None
        subject = summary_repo.subject(tx, owner_id, claimed.document_id)
        sizes = summary_repo.sizes(tx, owner_id, claimed.document_id)
        results = summary_repo.results(tx, owner_id, summary_id)
    work = _Work(owner, owner_id, claimed, subject.one(), None, [], {}, dict(claimed.usage))
    try:
        work.model = gateway.choose(claimed.model, None) if claimed.model else None
    except AnimaError as error:  # it was configured when this was asked for
        _end(work, "failed", error.detail)
        return None
    how = claimed.mode
    work.plan = summary_plan.parts(how, sizes.all(), work.model)  # type: ignore[arg-type]
    work.results = {(one.level, one.part): one.result for one in results.all()}
    return work


def _work_on(work: _Work) -> None:
    until = time.monotonic() + _SHIFT_SECONDS
    for part in work.plan[:-1]:
        if (part.level, part.number) in work.results:
            continue
        if time.monotonic() > until:
            _hand_on(work)
            return
        _keep(work, part, _notes(work, part))
    cited = _whole(work, work.plan[-1])
    usage = {**work.usage, "invented_citations": cited.invented, "uncited_sentences": cited.uncited}
    if cited.invented:
        telemetry.count("citations.invented", cited.invented, of="summary")
    with db.transaction(work.owner) as tx:
        if summary_repo.finish(tx, work.owner_id, work.claimed, cited.text, cited.citations, usage).first() is None:
            raise Stopped


def _keep(work: _Work, part: Part, result: dict[str, Any]) -> None:
    with db.transaction(work.owner) as tx:
        kept = summary_repo.keep_part(tx, work.owner_id, work.claimed, part.level, part.number, result, work.usage)
    if kept.first() is None:
        raise Stopped
    work.results[part.level, part.number] = result


def _hand_on(work: _Work) -> None:
    """Lets another event go on, behind this one."""
    with db.transaction(work.owner) as tx:
        if summary_repo.end(tx, work.owner_id, work.claimed, "queued", None).first() is None:
            raise Stopped
        summary_service.announce(tx, work.owner_id, work.claimed.summary_id)


def _put_off(work: _Work, error: AnimaError, wait: timedelta) -> None:
    """Has it gone on with later, by an event of its own: how often that comes is not limited by workers that died."""
    telemetry.warning("summary.put_off", reason=error.for_logs, summary_id=work.claimed.summary_id)
    with db.transaction(work.owner) as tx:
        if summary_repo.end(tx, work.owner_id, work.claimed, "queued", error.detail).first() is not None:
            summary_service.announce(tx, work.owner_id, work.claimed.summary_id, clock.now() + wait)


def _end(work: _Work, state: str, reason: str) -> None:
    with db.transaction(work.owner) as tx:
        summary_repo.end(tx, work.owner_id, work.claimed, state, reason)


def _notes(work: _Work, part: Part) -> dict[str, Any]:
    """What a part that is not the last gives: sentences with their chunks, or a model's notes."""
    if work.model is None:
        pieces = work.pieces(part.first, part.end)
        found = _chosen(work, extractive.sentences((one.chunk_id, one.text) for one in pieces), _CANDIDATES_A_PART)
        return {"sentences": [[one.chunk_id, one.text] for one in extractive.in_order(found)]}
    title, asked = work.subject.title, work.claimed.instruction
    if part.level > 0:
        return {"text": _said(work, summary_prompts.condensed(title, _joined(work, part)), summary_plan.NOTES_TOKENS)}
    text = "\n\n".join(one.text for one in work.pieces(part.first, part.end))
    lowest = sum(one.level == 0 for one in work.plan)
    prompt = summary_prompts.part(title, text, part.number + 1, lowest, asked)
    return {"text": _said(work, prompt, summary_plan.NOTES_TOKENS)}


def _whole(work: _Work, part: Part) -> Cited:
    """What the last part gives: the summary with its citations."""
    if work.model is None:
        return _extract(work, part)
    claimed, title = work.claimed, work.subject.title
    wanted = summary_prompts.task(claimed.instruction, claimed.sentences, work.subject.language)
    every = work.pieces(0, 2**31 - 1)
    if part.level == 0:
        prompt = summary_prompts.whole(title, "\n\n".join(one.text for one in every), wanted)
    else:
        prompt = summary_prompts.joined(title, _joined(work, part), wanted)
    text = _said(work, prompt, summary_plan.ANSWER_TOKENS)
    if not claimed.instruction:
        text = "".join(summary_citations.sentences(text)[: claimed.sentences])
    return summary_citations.cite(text, every, work.subject.document_id, work.language)


def _joined(work: _Work, part: Part) -> str:
    notes = [str(one["text"]).strip() for one in work.below(part)]
    return "\n\n".join(one for one in notes if one and not summary_prompts.says_nothing(one)) or "nothing"


def _said(work: _Work, prompt: Sequence[Message], max_tokens: int) -> str:
    """A model's answer, its usage added to that of the summary."""
    assert work.model is not None
    done = gateway.complete(
        work.model,
        prompt,
        max_tokens=max_tokens,
        deadline=time.monotonic() + _CALL_SECONDS,
        params=work.model.sampled(0.2),
        account=gateway.Account(work.owner, work.owner_id, None, "summary"),
    )
    used = done.usage
    counted = (
        {"calls": 1}
        if used is None
        else {"calls": 1, "prompt_tokens": used.prompt_tokens, "completion_tokens": used.completion_tokens}
    )
    if not done.text.strip():
        raise MalformedAnswer(model=work.model.id, reason="it says nothing")
    work.usage = {**work.usage, **{name: work.usage.get(name, 0) + n for name, n in counted.items()}}
    return done.text


def _chosen(work: _Work, found: Sequence[extractive.Sentence], number: int) -> list[extractive.Sentence]:
    asked = terms(work.claimed.instruction, work.language) if work.claimed.instruction else ()
    return extractive.choose(found, number, title=work.subject.title, asked=asked, language=work.language)


def _extract(work: _Work, part: Part) -> Cited:
    """The sentences that say most, as they stand, each with its chunk."""
    listed = [pair for one in work.below(part) for pair in one["sentences"]]
    found = [extractive.Sentence(order, chunk_id, text) for order, (chunk_id, text) in enumerate(listed)]
    chosen = extractive.in_order(_chosen(work, found, min(work.claimed.sentences, _MOST_SENTENCES)))
    wanted = {one.chunk_id for one in chosen}
    pieces = {one.chunk_id: one for one in work.pieces(0, 2**31 - 1) if one.chunk_id in wanted}
    marks = Marks(work.subject.document_id)
    told = [summary_citations.marked(one.text, marks.of(pieces[one.chunk_id], one.text)) for one in chosen]
    return Cited(" ".join(told), marks.found, 0, 0)

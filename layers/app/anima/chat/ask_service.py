"""Answers to questions from documents, repositories and services, each statement with its source.

Code decides what answers, as in a turn: only that is put before the model, as quoted text. Where nothing answers a
question about documents, code says so, for a small model would invent.
"""

from __future__ import annotations

import time
import uuid
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from anima import personality
from anima.avatars import service as avatars
from anima.chat import ask_repo, ask_sources, enrich_service, sight_service, single_service
from anima.chat.ask_model import AskAnswer, AskRequest, Source
from anima.chat.citations import cite
from anima.chat.compose import Prompt, compose
from anima.chat.focus_model import AREAS
from anima.chat.gate import Decision, decide
from anima.chat.service import INSTANCE
from anima.chat.sight_service import Sight
from anima.conversations import turn_service as conversations
from anima.conversations.model import Partner, Past, TurnContext
from anima.curiosity.sources_service import PROVIDER
from anima.gateway import service as gateway
from anima.gateway.model import Model, answer_budget, estimate_tokens, limited, permits, prompt_budget
from anima.kernel import clock, db, idempotency, telemetry
from anima.kernel.config import settings
from anima.kernel.errors import BadInput, Conflict, FieldError, TooLarge
from anima.kernel.idempotency import Key
from anima.kernel.telemetry import measured
from anima.kernel.terms import Question
from anima.knowledge import service as knowledge
from anima.knowledge.search_model import Hit
from anima.personality import Compiled
from anima.safety import service as safety
from anima.vendors import enrichment
from anima.vendors.embeddings import question as questions
from anima.vendors.enrichment import Enrichment
from anima.vendors.llm.errors import ModelRefused

_TOP_HITS = 8
_HISTORY = 6
_SOURCES = {4096: 3, 16_384: 5}
_MOST_SOURCES = 8
_NOTHING = {
    "en": "I found nothing in your documents{where} that answers this.",
    "fr": "Je n'ai rien trouvé dans tes documents{where} qui réponde à cela.",
}
_WHERE = {"en": " or the repositories", "fr": " ni dans les dépôts"}


class MayNotBeRead(Conflict):
    """The avatar's egress keeps {categories} from {model}, and no model on this machine runs that may read it."""

    slug = "may-not-be-read"


@dataclass(slots=True)
class Inquiry:
    """A question while it is being answered."""

    principal: db.Principal
    owner_id: int
    request: AskRequest
    question: Question
    deadline: float
    model: Model
    parts: Compiled
    avatar: Partner | None = None
    sight: Sight = field(default_factory=Sight)
    may_leave: bool = True
    found: Enrichment = field(default_factory=lambda: Enrichment("disabled", [], 0.0, [], []))
    past: list[Past] = field(default_factory=list)
    context: TurnContext | None = None
    request_id: int = 0
    sources: list[Source] = field(default_factory=list)
    hits: list[Hit] = field(default_factory=list)
    whole: bool = False
    timings: dict[str, float] = field(default_factory=dict)
    usage: dict[str, Any] = field(default_factory=dict)
    prompt: Prompt | None = None
    guard: safety.Guard = field(default_factory=lambda: safety.Guard.of(None))
    verdict: safety.Verdict = field(default_factory=safety.Verdict)
    watch: safety.Watch | None = None


def ask(principal: db.Principal, request: AskRequest, key: Key | None = None) -> AskAnswer | dict[str, Any]:
    """The answer to a question; that of an earlier call with the same key as it was given, as JSON.

    Raises BadInput, TooLarge, NotFound, UnknownRepository, UnknownPurpose, UnknownModel, or an error of
    `anima.vendors.llm.errors`: then the request is kept as failed, and the key may be used again.
    """
    _check(request)
    owner_id = _owner(principal)
    return single_service.once(principal, owner_id, key, lambda: _answered(principal, owner_id, request, key))


def as_json(answer: AskAnswer) -> dict[str, Any]:
    """The answer as the API gives it."""
    return {**asdict(answer), "created_at": answer.created_at.isoformat()}


def _answered(principal: db.Principal, owner_id: int, request: AskRequest, key: Key | None) -> AskAnswer:
    begun = time.perf_counter()
    inquiry = _begun(principal, owner_id, request)
    _load(inquiry)
    try:
        content, grounds = _careful(inquiry) or _looked_up(inquiry)
        inquiry.timings["total"] = round((time.perf_counter() - begun) * 1000, 3)
        return _kept(inquiry, content, grounds, key)
    except Exception as error:
        sent = inquiry.prompt.messages if inquiry.prompt else None
        single_service.failed(principal, owner_id, inquiry.request_id, error, sent)
        raise


def _begun(principal: db.Principal, owner_id: int, request: AskRequest) -> Inquiry:
    """What is known before the database is asked: the question's vector, who answers."""
    timings: dict[str, float] = {}
    deadline = time.monotonic() + settings().turn_deadline_seconds
    with measured(timings, "embed"):
        question = questions.ask(request.question)
    avatar = avatars.get(principal, request.avatar_id) if request.avatar_id else None
    model = gateway.choose(request.model, avatar.model if avatar else None)
    whole = personality.parse(avatar.personality) if avatar else personality.PLAIN
    parts = personality.compile_parts(whole, 0.0, None, name=avatar.name if avatar else None)
    return Inquiry(principal, owner_id, request, question, deadline, model, parts, _partner(avatar), timings=timings)


def _partner(avatar: avatars.Avatar | None) -> Partner | None:
    if avatar is None:
        return None
    one = avatar
    return Partner(
        one.avatar_id, one.name, one.personality_name, one.personality, one.model, dict(one.switches), dict(one.egress)
    )


def _load(inquiry: Inquiry) -> None:
    """The transaction before the model is asked: session, passages, and the request that is entered."""
    request = inquiry.request
    with measured(inquiry.timings, "load"), db.transaction(inquiry.principal) as tx:
        pending = None
        if request.session_id is not None:
            pending = conversations.begin_turn_context(
                tx, inquiry.owner_id, session_id=request.session_id, history_limit=_HISTORY
            )
        search = knowledge.begin_search(tx, inquiry.owner_id, inquiry.question, _TOP_HITS, purpose=request.purpose)
        guarded = safety.begin(tx, inquiry.owner_id)
        inquiry.context = pending.get() if pending else None
        model = _seen(tx, inquiry)
        opened = ask_repo.opened_request(
            tx,
            inquiry.owner_id,
            purpose="ask",
            question=request.question,
            session_id=request.session_id,
            model=(model.provider, model.name, model.version, model.endpoint, model.context_len),
            parameters={"focus": list(request.focus), "repositories": request.repositories},
            instance=INSTANCE,
            lifetime=single_service.lifetime(),
        )
    inquiry.hits, inquiry.whole = inquiry.sight.hits(search.hits()), search.whole
    inquiry.request_id, inquiry.guard = opened.one().request_id, guarded.guard()


def _seen(tx: db.Transaction, inquiry: Inquiry) -> Model:
    """The model that may read the question, what of the rest it may see, and whether who is outside may be asked.

    Raises MayNotBeRead.
    """
    avatar = inquiry.avatar or (inquiry.context.avatar if inquiry.context else None)
    before = inquiry.context.history if inquiry.context else []
    asked = inquiry.request.question
    inquiry.sight = sight_service.of(tx, inquiry.owner_id, avatar, inquiry.model, asked, before)
    if (model := inquiry.sight.route.model) is None:
        raise MayNotBeRead(model=inquiry.model.id, categories=", ".join(inquiry.sight.route.kept))
    inquiry.model, inquiry.past = model, inquiry.sight.history(before)
    rules = avatar.egress if avatar else {}
    about = sight_service.asked_about(asked, before, inquiry.sight.marks, limited(rules))
    inquiry.may_leave = all(permits(rules, category, PROVIDER) for category in about)
    return model


def _careful(inquiry: Inquiry) -> tuple[str, str] | None:
    """What code answers to somebody in need, before anybody else hears of it."""
    said = [past.content for past in inquiry.context.history if past.role == "user"] if inquiry.context else []
    asked, language = inquiry.request.question, inquiry.question.language
    verdict = safety.before(inquiry.guard, asked, language, clock.now(), said, question=inquiry.question)
    inquiry.verdict = verdict
    return None if verdict.instead is None else (verdict.instead, "nothing")


def _looked_up(inquiry: Inquiry) -> tuple[str, str]:
    """The raw answer from all that was found, here and elsewhere, as far as it may be shown."""
    asked = inquiry.request
    with measured(inquiry.timings, "enrich"):
        inquiry.found = enrichment.look(asked.question, asked.repositories, further=True, outside=inquiry.may_leave)
    content, grounds = _content(inquiry)
    if inquiry.prompt is None:
        return content, grounds
    inquiry.watch = safety.watch(inquiry.verdict, inquiry.guard)
    return inquiry.watch.feed(content) + inquiry.watch.rest(), grounds


def _content(inquiry: Inquiry) -> tuple[str, str]:
    """The raw answer, and on what it rests: sources, session, general, nothing."""
    decision = _decided(inquiry)
    if decision.kind == "unknown":
        language = inquiry.question.language or "en"
        where = _WHERE[language] if inquiry.found.status in ("ok", "empty") else ""
        return _NOTHING[language].format(where=where), "nothing"
    said = _said(inquiry, decision)
    grounds = {"known": "sources", "said": "session"}.get(decision.kind, "general")
    return said, grounds


def _decided(inquiry: Inquiry) -> Decision:
    """What the gate lets through, of the documents and of what was found elsewhere, numbered."""
    before = {past.message_id: past.content for past in inquiry.past if past.role == "user"}
    usual = next((n for size, n in _SOURCES.items() if inquiry.model.context_len <= size), _MOST_SOURCES)
    most = max(usual, len(inquiry.hits)) if inquiry.whole else usual
    decision = decide(inquiry.question, [], inquiry.hits, before, passages=most)
    documents = [ask_sources.of_passage(one) for one in decision.passages]
    elsewhere = [one for one in ask_sources.elsewhere(inquiry.found) if ask_sources.may_answer(inquiry.question, one)]
    kept = max(most - len(elsewhere), (most + 1) // 2)
    chosen = [*documents[:kept], *elsewhere][:most]
    inquiry.sources = [replace(one, marker=number) for number, one in enumerate(chosen, 1)]
    if not inquiry.sources:
        return decision
    return Decision("known", [], [ask_sources.as_passage(one) for one in inquiry.sources])


def _said(inquiry: Inquiry, decision: Decision) -> str:
    model, parts = inquiry.model, inquiry.parts
    inquiry.prompt = compose(
        parts,
        inquiry.past,
        decision,
        replace(inquiry.question, text=_question(inquiry.request)),
        at=clock.now(),
        budget=prompt_budget(model.context_len) * 2,
    )
    with measured(inquiry.timings, "model"):
        done = gateway.complete(
            model,
            inquiry.prompt.messages,
            max_tokens=answer_budget(model.context_len),
            deadline=inquiry.deadline,
            params=model.sampled(parts.sampling.temperature, parts.sampling.top_p),
            fixed=inquiry.prompt.fixed,
            account=gateway.Account(inquiry.principal, inquiry.owner_id, _payer(inquiry), "ask"),
        )
    if not done.text.strip():
        raise ModelRefused(model=model.id, reason="it says nothing")
    spoken = done.usage.completion_tokens if done.usage else estimate_tokens(done.text)
    read = done.usage.prompt_tokens if done.usage else inquiry.prompt.tokens
    inquiry.usage = {"prompt_tokens": read, "completion_tokens": spoken, "total_tokens": read + spoken}
    return done.text


def _payer(inquiry: Inquiry) -> uuid.UUID | None:
    """The avatar whose budget it is on; none for a private session."""
    private = inquiry.context is not None and inquiry.context.session.private
    return inquiry.avatar.avatar_id if inquiry.avatar is not None and not private else None


def _question(request: AskRequest) -> str:
    if not request.focus:
        return request.question
    titles = ", ".join(AREAS[name].title.lower() for name in AREAS if name in request.focus)
    return f"{request.question}\n(Look above all at: {titles}.)"


def _kept(inquiry: Inquiry, content: str, grounds: str, key: Key | None) -> AskAnswer:
    """The answer with its citations, stored with all that belongs to it."""
    replaced = inquiry.watch.replaced if inquiry.watch else None
    passages = inquiry.prompt.passages if inquiry.prompt and not replaced else []
    text, citations, lost = cite(content, passages)
    if passages and not citations and inquiry.model.provider == "local":
        text, citations, _ = cite(ask_sources.quotation(inquiry.question, passages), passages)
    if lost:
        inquiry.usage["invented_citations"] = lost
        telemetry.count("citations.invented", lost, of="ask")
    shown = [ask_sources.shown(one, inquiry.sources) for one in citations]
    references = enrich_service.references(inquiry.found)
    enriched = enrich_service.as_json(inquiry.found)
    with db.transaction(inquiry.principal) as tx:
        stored = ask_repo.answered(
            tx,
            inquiry.owner_id,
            inquiry.request_id,
            citations=[one for one in citations if one.chunk_id > 0],
            token_estimate=inquiry.prompt.tokens if inquiry.prompt else 0,
            answer={"text": text, "finish": "stop", "grounds": grounds, "citations": [asdict(one) for one in shown]},
            usage=inquiry.usage,
            timings=inquiry.timings,
            prompt=inquiry.prompt.messages if inquiry.prompt else None,
            parameters={"grounds": grounds, "enrichment": enriched},
        )
        _log(tx, inquiry)
        private = bool(inquiry.context and inquiry.context.session.private)
        safety.store(tx, inquiry.owner_id, inquiry.guard, inquiry.verdict, inquiry.watch, clock.now(), private=private)
        end = stored.one()
        model = {"provider": inquiry.model.provider, "name": inquiry.model.name} if inquiry.prompt else None
        answer = AskAnswer(
            inquiry.request_id,
            end.response_id,
            inquiry.request.session_id,
            text,
            grounds,
            shown,
            references,
            enriched,
            model,
            inquiry.usage,
            inquiry.timings,
            end.created_at,
            inquiry.verdict.as_json(replaced),
        )
        idempotency.finish(tx, inquiry.owner_id, key, as_json(answer))
    return answer


def _log(tx: db.Transaction, inquiry: Inquiry) -> None:
    knowledge.log_retrieval(
        tx,
        inquiry.owner_id,
        inquiry.question,
        inquiry.hits,
        request_id=inquiry.request_id,
        top_k=_TOP_HITS,
        latency_ms=inquiry.timings["load"],
        purpose=inquiry.request.purpose,
    )


def _check(request: AskRequest) -> None:
    if not request.question.strip():
        raise BadInput(reason="there is no question", fields=[FieldError("question", "a text that is not empty")])
    limit = settings().max_message_chars
    if len(request.question) > limit:
        raise TooLarge(what="question", size=f"{len(request.question)} characters", limit=limit)
    enrichment.check(request.repositories)


def _owner(principal: db.Principal) -> int:
    assert principal.user_id is not None, "a question is somebody's"
    return principal.user_id

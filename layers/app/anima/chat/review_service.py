"""Reviews of code, diffs and documents: by rules always, by a model where one is fit for it, and written to analysis.

A finding of a model counts only where its quotation stands in what was reviewed; the others are refused and counted.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from anima.chat import ask_repo, enrich_service, review_prompts, review_rules, single_service
from anima.chat.enrich_service import RagContext
from anima.chat.focus_model import AreaName
from anima.chat.review_model import Finding, Review, SourceFile, of_diff, of_text
from anima.chat.service import INSTANCE
from anima.gateway import service as gateway
from anima.gateway.model import Model
from anima.gateway.service import NoModel
from anima.kernel import db, idempotency, telemetry
from anima.kernel.config import settings
from anima.kernel.errors import AnimaError, BadInput, FieldError
from anima.kernel.idempotency import Key
from anima.kernel.telemetry import measured
from anima.vendors.llm.errors import ModelError

_MOST_PARTS = 6
_MOST_CHUNKS = 400
_ANSWER_TOKENS = 1_200
_ORDER = {"high": 0, "medium": 1, "low": 2, "info": 3}

Subject = Literal["code", "diff", "files", "document"]


@dataclass(frozen=True, slots=True)
class ReviewRequest:
    """What is to be reviewed: one of code, diff, files (path, content) and a document; `private`: it is not written."""

    code: str | None = None
    diff: str | None = None
    files: tuple[tuple[str, str], ...] = ()
    document_id: int | None = None
    path: str = "code"
    question: str = ""
    focus_areas: tuple[AreaName, ...] = ()
    repositories: tuple[str, ...] | None = None
    model: str | None = None
    private: bool = False


@dataclass(slots=True)
class _Work:
    """A review that is being made."""

    principal: db.Principal
    owner_id: int
    request: ReviewRequest
    title: str
    files: list[SourceFile]
    rag: RagContext
    model: Model | None
    deadline: float
    request_id: int = 0
    findings: list[Finding] = field(default_factory=list)
    summary: str = ""
    refused: int = 0
    warnings: list[str] = field(default_factory=list)
    prompts: list[Any] = field(default_factory=list)
    usage: dict[str, Any] = field(default_factory=dict)
    timings: dict[str, float] = field(default_factory=dict)


def rag_context(principal: db.Principal, request: ReviewRequest, limit: int | None = None) -> RagContext:
    """The enrichment alone. Raises BadInput, NotFound, UnknownRepository."""
    files, _ = _read(principal, request)
    return enrich_service.context(files, request.question, request.focus_areas, request.repositories, limit)


def review(principal: db.Principal, request: ReviewRequest, key: Key | None = None) -> Review | dict[str, Any]:
    """Reviews, and writes the review to analysis; that of an earlier call with the same key as it was given, as JSON.

    A model that fails costs its findings only. Raises BadInput, NotFound, UnknownRepository, UnknownModel.
    """
    owner_id = principal.user_id
    assert owner_id is not None, "a review is somebody's"
    return single_service.once(principal, owner_id, key, lambda: _reviewed(principal, owner_id, request, key))


def as_json(made: Review) -> dict[str, Any]:
    """The review as the API gives it."""
    return {**asdict(made), "created_at": made.created_at.isoformat()}


def _reviewed(principal: db.Principal, owner_id: int, request: ReviewRequest, key: Key | None) -> Review:
    begun = time.perf_counter()
    timings: dict[str, float] = {}
    deadline = time.monotonic() + settings().turn_deadline_seconds
    files, title = _read(principal, request)
    with measured(timings, "enrich"):
        rag = enrich_service.context(files, request.question, request.focus_areas, request.repositories, None)
    work = _Work(principal, owner_id, request, title, files, rag, _model(request), deadline, timings=timings)
    _open(work)
    try:
        work.findings = review_rules.findings(files, [area.name for area in rag.focus_areas])
        if work.model is not None:
            _ask_model(work, work.model)
        work.timings["total"] = round((time.perf_counter() - begun) * 1000, 3)
        return _kept(work, key)
    except Exception as error:
        single_service.failed(principal, owner_id, work.request_id, error, None)
        raise


def _read(principal: db.Principal, request: ReviewRequest) -> tuple[list[SourceFile], str]:
    """What is reviewed, and a title for it."""
    if request.code is not None:
        return [of_text(request.path, request.code)], f"Review of {request.path}"
    if request.files:
        names = ", ".join(path for path, _ in request.files[:3])
        return [of_text(path, text) for path, text in request.files], f"Review of {names}"
    if request.document_id is not None:
        return _of_document(principal, request.document_id)
    files = of_diff(request.diff or "")
    if not files:
        wrong = FieldError("diff", "a unified diff that adds lines")
        raise BadInput(reason="the diff adds nothing, or is none", fields=[wrong])
    return files, f"Review of a change of {', '.join(file.path for file in files[:3])}"


def _of_document(principal: db.Principal, document_id: int) -> tuple[list[SourceFile], str]:
    from anima.knowledge import documents_service  # not carried along by every turn's process

    document = documents_service.get_document(principal, document_id)
    lines: dict[int, str] = {}
    cursor: str | None = None
    read = 0
    while read < _MOST_CHUNKS:
        page = documents_service.list_chunks(principal, document_id, 100, cursor)
        for chunk in page.items:
            first = int(chunk.location.get("line_start") or max(lines, default=0) + 1)
            for number, line in enumerate(chunk.text.splitlines(), first):
                lines.setdefault(number, line)
        read += len(page.items)
        if (cursor := page.next_cursor) is None:
            break
    return [SourceFile(document.title, tuple(sorted(lines.items())))], f"Review of {document.title}"


def _model(request: ReviewRequest) -> Model | None:
    """Who reviews; a small local model only where somebody asks for it, for it finds what is not there."""
    try:
        model = gateway.choose(request.model, None)
    except NoModel:
        return None
    return None if model.provider == "local" and request.model is None else model


def _open(work: _Work) -> None:
    model = work.model
    with db.transaction(work.principal) as tx:
        opened = ask_repo.opened_request(
            tx,
            work.owner_id,
            purpose="review",
            question=work.title,
            session_id=None,
            model=None
            if model is None
            else (model.provider, model.name, model.version, model.endpoint, model.context_len),
            parameters={"focus_areas": [area.name for area in work.rag.focus_areas]},
            instance=INSTANCE,
            lifetime=single_service.lifetime(),
        )
    work.request_id = opened.one().request_id


def _ask_model(work: _Work, model: Model) -> None:
    """Puts the text to the model, part by part; what fails is told, and the rest stands."""
    room = min(24_000, int(model.context_len * 0.6) - _ANSWER_TOKENS // 2)
    parts = review_prompts.parts(work.files, max(500, room))
    if len(parts) > _MOST_PARTS:
        work.warnings.append(f"only the first {_MOST_PARTS} of {len(parts)} parts were put to the model")
    summaries: list[str] = []
    for part in parts[:_MOST_PARTS]:
        try:
            summaries.append(_ask_about(work, model, part))
        except ModelError as error:
            work.warnings.append(error.detail)
            break
    work.summary = " ".join(one for one in summaries if one)
    if work.refused:
        telemetry.count("review.refused", work.refused)


def _ask_about(work: _Work, model: Model, part: Sequence[SourceFile]) -> str:
    prompt = review_prompts.prompt(part, work.rag.focus_areas, work.rag.enrichment.references)
    work.prompts.append(prompt)
    with measured(work.timings, "model"):
        done = gateway.complete(
            model,
            prompt,
            max_tokens=min(_ANSWER_TOKENS, model.context_len // 3),
            deadline=work.deadline,
            response_format=review_prompts.RESPONSE_FORMAT,
            params=model.sampled(0.0),
            account=gateway.Account(work.principal, work.owner_id, None, "review"),
        )
    if done.usage:
        for name in ("prompt_tokens", "completion_tokens"):
            work.usage[name] = work.usage.get(name, 0) + getattr(done.usage, name)
    told = review_prompts.read(done.text, part, work.rag.focus_areas)
    if told is None:
        work.warnings.append("the model's answer could not be read")
        return ""
    found, summary, refused = told
    known = {(one.path, one.line_start, one.focus_area) for one in work.findings}
    work.findings += [one for one in found if (one.path, one.line_start, one.focus_area) not in known]
    work.refused += refused
    return summary


def _kept(work: _Work, key: Key | None) -> Review:
    work.findings.sort(key=lambda one: (_ORDER[one.severity], one.path, one.line_start))
    summary = work.summary or _counted(work.findings)
    document_id = None if work.request.private else _written(work, summary)
    enriched = enrich_service.as_json(work.rag.enrichment)
    references = enrich_service.references(work.rag.enrichment)
    findings = [asdict(one) for one in work.findings]
    with db.transaction(work.principal) as tx:
        end = ask_repo.answered(
            tx,
            work.owner_id,
            work.request_id,
            citations=[],
            token_estimate=work.usage.get("prompt_tokens", 0),
            answer={"text": summary, "finish": "stop", "findings": findings, "document_id": document_id},
            usage=work.usage,
            timings=work.timings,
            prompt=work.prompts or None,
            parameters={"enrichment": enriched, "refused": work.refused},
        ).one()
        model = work.model
        made = Review(
            work.request_id,
            end.response_id,
            work.title,
            work.rag.focus_areas,
            work.findings,
            summary,
            work.refused,
            references,
            enriched,
            document_id,
            work.warnings,
            None if model is None else {"provider": model.provider, "name": model.name},
            work.usage,
            work.timings,
            end.created_at,
        )
        idempotency.finish(tx, work.owner_id, key, as_json(made))
    return made


def _counted(findings: Sequence[Finding]) -> str:
    if not findings:
        return "Nothing was found."
    by = {name: sum(one.severity == name for one in findings) for name in _ORDER}
    return "Found: " + ", ".join(f"{n} {name}" for name, n in by.items() if n) + "."


def _written(work: _Work, summary: str) -> int | None:
    """The document in which the review is found again; that it cannot be written does not undo the review."""
    from anima.knowledge import analysis_service
    from anima.knowledge.analysis_service import Source

    lines = [
        f"- {one.severity} ({one.focus_area}), {one.path} line {one.line_start}: {one.message} `{one.quote}`"
        for one in work.findings
    ]
    text = "\n".join([summary, "", *lines])
    sources = [Source("reviewed", file.path, {"lines": len(file.lines)}) for file in work.files]
    if work.request.document_id is not None:
        sources = [Source("document", work.files[0].path, {"document_id": work.request.document_id})]
    sources += [
        Source("repository", f"{one.repository}/{one.path}", {"line_start": one.line_start, "line_end": one.line_end})
        for one in work.rag.enrichment.references
    ]
    about = {"request_id": work.request_id, "focus_areas": [area.name for area in work.rag.focus_areas]}
    try:
        return analysis_service.write(
            work.principal, f"review:{work.request_id}", work.title, text, sources, kind="review", about=about
        )
    except AnimaError as error:
        work.warnings.append(f"the review was not written to analysis: {error.detail}")
        return None

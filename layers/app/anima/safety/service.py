"""Rules of safety in a turn: what a message asks for, what is answered by code, and what is kept of it (little)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from anima.kernel import db, telemetry
from anima.kernel.terms import Question, language_of
from anima.safety import detect, person, repo, wording
from anima.safety.model import NOTED, Guard, Kind, Replaced, Row
from anima.safety.resources import Help, of_country, words
from anima.safety.verdict import Verdict
from anima.safety.watch import Watch

__all__ = ["Guard", "PendingGuard", "Verdict", "Watch", "before", "begin", "store", "watch"]

_CAREFUL = 6  # messages of the person after which a crisis is not in every word any more
_LISTED = 4  # messages after which the whole list is told again


@dataclass(frozen=True, slots=True)
class PendingGuard:
    """A guard on its way; to be read after the transaction."""

    _row: db.Pending[Row]

    def guard(self) -> Guard:
        """Whom the turn is with."""
        return Guard.of(self._row.first())


def begin(tx: db.Transaction, owner_id: int) -> PendingGuard:
    """Asks for the guard of a person, as part of a transaction."""
    return PendingGuard(repo.guard(tx, owner_id))


def before(
    guard: Guard,
    text: str,
    language: str | None,
    at: datetime,
    recent: Sequence[str] = (),
    *,
    question: Question | None = None,
    country: str | None = None,
) -> Verdict:
    """The verdict on a message. Pure. `recent`: what the same person said before in this talk, oldest first.

    That somebody was in danger is read from there and kept nowhere.
    """
    spoken = _language(text, language or (question.language if question else None), recent)
    minor = guard.age == "minor" or (guard.age != "adult" and guard.settings.minors and _says_minor(text, recent))
    verdict = Verdict(
        language=spoken,
        minor=minor and guard.settings.minors,
        minor_found=minor and guard.age == "unknown",
        country=guard.country or country,
    )
    verdict = _in_danger(guard, verdict, text, recent, _vector(question, spoken))
    if verdict.kind in ("none", "concern"):
        verdict = _of_the_rest(guard, verdict, text)
    return _with_reminders(guard, verdict, at)


def watch(verdict: Verdict, guard: Guard) -> Watch:
    """Who listens to what a model says in a turn of this verdict."""
    return Watch(verdict, guard)


def store(
    tx: db.Transaction,
    owner_id: int,
    guard: Guard,
    verdict: Verdict,
    watch: Watch | None,
    at: datetime,
    *,
    private: bool = False,
) -> None:
    """Keeps what a turn leaves: counts that name nobody, and the person's own clock. Nothing is looked at.

    Of a private session nothing is kept but the counts and the clock: what was said of an age holds within it.
    """
    happened = _happened(verdict, watch.replaced if watch else None, private)
    if happened:
        repo.count(tx, at, happened, verdict.country)
    for kind in happened:
        telemetry.count("safety.events", kind=kind)
    found = verdict.minor_found and not private
    began, reminded = guard.began(at), at if verdict.break_due else None
    stale = guard.last_turn_at is None or not guard.last_turn_at <= at < guard.last_turn_at + NOTED
    if found or reminded or stale:
        repo.seen(tx, owner_id, minor=found, began_at=began, at=at, reminded_at=reminded)


def _happened(verdict: Verdict, replaced: Replaced | None, private: bool) -> list[str]:
    kinds: list[str] = [verdict.kind] if verdict.kind not in ("none", "concern") else []
    kinds += ["minor_found"] if verdict.minor_found and not private else []
    kinds += ["break"] if verdict.break_due else []
    return [*kinds, *([replaced] if replaced else [])]


def _language(text: str, language: str | None, recent: Sequence[str]) -> str:
    """The language to answer in: of the message, else of what was said before, else English."""
    known = language or next((found for one in reversed(recent[-4:]) if (found := language_of(one))), None)
    return known or language_of(text) or "en"


def _says_minor(text: str, recent: Sequence[str]) -> bool:
    return any(person.says_minor(one) for one in [*recent[-8:], text])


def _vector(question: Question | None, spoken: str) -> Sequence[float] | None:
    """The vector of a message, where it tells something: of the known model, which reads English alone."""
    known = question is not None and spoken == "en" and question.model == wording.model()
    return question.vector if question is not None and known else None


def _in_danger(
    guard: Guard, verdict: Verdict, text: str, recent: Sequence[str], vector: Sequence[float] | None
) -> Verdict:
    """What there is of danger, in this message and shortly before."""
    if not guard.settings.crisis:
        return verdict
    found = detect.detect(text, recent, vector)
    before = [detect.detect(one) for one in recent[-_CAREFUL:]]
    earlier = [one.kind for one in before]
    careful = found.kind in ("crisis", "crisis_other") or "crisis" in earlier or "crisis_other" in earlier
    kind: Kind = found.kind
    verdict = replace(
        verdict,
        kind=kind,
        careful=careful,
        acute=found.acute,
        evidence=found.evidence,
        help=of_country(verdict.country) if careful else None,
        told=_told(kind, earlier, verdict.language),
    )
    if kind in ("crisis", "crisis_other"):
        again = kind in earlier[-_LISTED:] and not found.acute
        return replace(verdict, instead=_protocol(verdict, again), listed=not again)
    if found.worry and not careful and not any(one.worry for one in before[-_LISTED:]):
        lines = of_country(verdict.country)
        gently = str(words(verdict.language)["worry"]).format(first=lines.first())
        return replace(verdict, append=f"\n\n{gently}", help=lines, listed=True)
    return verdict


def _told(kind: Kind, earlier: Sequence[str], language: str) -> str:
    said = words(language)
    if kind == "crisis" or "crisis" in earlier:
        return str(said["told_crisis"])
    if "crisis_other" in earlier:
        return str(said["told_other"])
    return str(said["told_concern"]) if kind == "concern" else ""


def _protocol(verdict: Verdict, again: bool) -> str:
    """The whole answer to somebody in danger, or to who fears for another; shorter where the lines were just told."""
    said, help_at = words(verdict.language), verdict.help or of_country(None)
    of_self = verdict.kind == "crisis"
    name = "acute" if of_self and verdict.acute else "crisis" if of_self else "crisis_other"
    if again:
        name = "crisis_again" if of_self else "other_again"
    return "\n\n".join(part.format(**_places(help_at, said)) for part in said[name])


def _places(help_at: Help, said: dict[str, str]) -> dict[str, str]:
    return {"resources": help_at.told(said), "emergency": help_at.call(said), "first": help_at.first()}


def _of_the_rest(guard: Guard, verdict: Verdict, text: str) -> Verdict:
    """What a minor asks for, and whether somebody doubts whom they talk with."""
    said = words(verdict.language)
    if verdict.minor and person.sexual(text):
        return replace(verdict, kind="minor_sexual", instead="\n\n".join(said["minor_sexual"]))
    told = [verdict.told, said["told_minor"] if verdict.minor else ""]
    if guard.settings.disclosure != "off" and person.doubts(text):
        kind: Kind = "ai_doubt" if verdict.kind == "none" else verdict.kind
        told.append(said["told_ai"])
        verdict = replace(verdict, kind=kind, disclose=True)
    return replace(verdict, told=" ".join(part for part in told if part))


def _with_reminders(guard: Guard, verdict: Verdict, at: datetime) -> Verdict:
    """What stands behind an answer: that it is time for a break, and where it is wanted that it is an AI."""
    said = words(verdict.language)
    if verdict.careful:
        return verdict  # nobody in danger is sent away
    if guard.break_due(at, verdict.minor):
        hours = max(1, round((at - guard.began(at)).total_seconds() / 3600))
        text = str(said["break"]).format(hours=hours)
        return replace(verdict, break_due=True, disclosed=True, append=f"{verdict.append}\n\n{text}")
    if guard.settings.disclosure == "always" and not guard.goes_on(at):
        return replace(verdict, disclosed=True, append=f"{verdict.append}\n\n{said['disclosure']}")
    return verdict

"""What a model writes, before it is shown: no sentence that would do harm, and what should be said is said. Pure."""

from __future__ import annotations

import re

from anima.safety import person
from anima.safety.model import Guard, Replaced
from anima.safety.normal import normal, unveiled
from anima.safety.resources import of_country, words
from anima.safety.verdict import Verdict

_END = re.compile(r"[.!?…]+[\"'”’»)\]*_]*(?=\s)|\n")
_MOST_HELD = 400  # characters; a model that ends no sentence is not held back for ever
# A sentence that holds none of these says nothing that is looked for; it goes out word by word.
_TELLING = re.compile(
    r"\b(?:kill|suicid|die|dead|death|jump|pill|rope|blade|hang|hurt|harm|cut|end (?:it|your)|do it|go ahead|"
    r"without you|"
    r"human|real|person|robot|bots?\b|machine|a\.?i\b|i['’]?a\b|program|flesh|man\b|woman\b|girl\b|guy\b|"
    r"tue|mourir|mort|crever|finir|saute|corde|lame|veines|humain|r[ée]el|personne|vrai|homme|femme|chair)"
    r"|(?:(?<![^\W_])[^\W\d_][ .\-]){3}|[a-z][0134@$!]+[a-z]",  # what is spelled out, or with digits in it
    re.IGNORECASE,
)
# Where a sentence begins like this it may still become a claim; it is held until it has ended.
_CLAIMING = re.compile(r"\W*(?:yes|no|of course|i['’]?m|i am|just|you|oui|non|bien s[ûu]r|je|tu|vas)\b", re.IGNORECASE)
_PLAINLY = re.compile(r"human|real|\bnot\b|humain|reel|vrai|chair|flesh|\bpas\b")
_DYING = re.compile(
    r"kill your ?self|suicide|end your life|take your (?:own )?life|te tuer|te suicider|"
    r"(?:hang|drown|shoot) your ?self|"
    r"(?:should|deserve|ought|go ahead|devrais|merites)\b[^|]*(?:hurt yourself|cut yourself|te faire du mal)"
)
_ENDED = re.compile(r"[.!?…][\"'”’»)\]*_`\s]*\Z")
_BREAKS = re.compile(r"\s+(?:(?:[-+•>#]+|\d{1,3}[.)])\s+)?")


class Watch:
    """Lets an answer through sentence by sentence; `stopped`: what follows is not wanted.

    Calm talk flows word by word as long as a sentence holds nothing that is looked for.
    """

    def __init__(self, verdict: Verdict, guard: Guard) -> None:
        self.verdict, self.guard = verdict, guard
        self.stopped = False
        self.replaced: Replaced | None = None
        self._strict = verdict.careful or verdict.minor or verdict.kind == "ai_doubt"
        self._held = ""
        self._begun = ""  # what of the present sentence went out already
        self._unended = ""  # lines before, where no sentence has ended yet
        self._said: list[str] = []

    def feed(self, text: str) -> str:
        """What may be shown now."""
        if self.stopped or not self.guard.settings.output:
            return "" if self.stopped else text
        self._held += text
        ready, at = list[str](), 0
        while not self.stopped and (end := self._next_end(at)):
            ready.append(self._checked(self._held[at:end]))
            at = end
        self._held = self._held[at:]
        return "".join(ready) if self.stopped else "".join([*ready, self._flowing()])

    def rest(self) -> str:
        """What is left, and at the end that it is an AI, where that was asked and was not said."""
        if not self.guard.settings.output:
            return self._owed()
        left = "" if self.stopped or not self._held else self._checked(self._held)
        self._held = ""
        return left + self._owed()

    def _next_end(self, at: int) -> int:
        """Where the sentence that begins at a place ends; 0 where it has not ended yet."""
        found = _END.search(self._held, at, at + _MOST_HELD + 1)
        if found is not None:
            return found.end()
        return at + _MOST_HELD if len(self._held) - at > _MOST_HELD else 0

    def _flowing(self) -> str:
        """Whole words of a calm sentence."""
        seen = unveiled(self._begun + self._held)
        if self._strict or _TELLING.search(seen) or _CLAIMING.match(seen):
            return ""
        cut = self._held.rfind(" ") + 1
        ready, self._held = self._held[:cut], self._held[cut:]
        self._begun += ready
        return ready + (self._checked("") if len(self._begun) > _MOST_HELD else "")

    def _checked(self, sentence: str) -> str:
        """A sentence that has ended, or what is said in its place."""
        whole, self._begun = self._begun + sentence, ""
        self._said.append(whole)
        wrong = self._wrong(whole, self._unended)
        self._unended = "" if _ENDED.search(whole) else f"{self._unended} {whole}"[-_MOST_HELD:]
        if wrong is None:
            return sentence
        said = words(self.verdict.language)
        before = sentence[: len(sentence) - len(sentence.lstrip())]
        self.replaced = self.replaced or wrong
        if wrong == "denied_ai":
            self._said.append(said["replaced_ai"])
            return f"{before}{said['replaced_ai']}" if self._once() else ""
        self.stopped = True
        help_at = self.verdict.help or of_country(self.verdict.country)
        name = "replaced_harm" if wrong == "harm" else "replaced_sexual"
        return before + str(said[name]).format(first=help_at.first(), emergency=help_at.call(said))

    def _once(self) -> bool:
        return self._said.count(str(words(self.verdict.language)["replaced_ai"])) == 1

    def _wrong(self, sentence: str, before: str) -> Replaced | None:
        """What is wrong with a sentence, by itself or as the end of lines before it."""
        seen = unveiled(sentence)
        whole = _BREAKS.sub(" ", unveiled(f"{before} {sentence}")) if before.strip() else seen
        found = self._harm(seen) or (self._harm(whole) if whole != seen else None)
        if found or self.guard.settings.disclosure == "off" or not self._looked_at(seen):
            return found
        asked = self.verdict.kind == "ai_doubt"
        claimed = person.denies_ai(seen) and (asked or _PLAINLY.search(seen.lower()) is not None)
        return "denied_ai" if claimed else None

    def _looked_at(self, seen: str) -> bool:
        return self._strict or bool(_TELLING.search(seen) or _CLAIMING.match(seen))

    def _harm(self, seen: str) -> Replaced | None:
        if self.verdict.minor and person.sexual_answer(seen):
            return "sexual"
        if self._looked_at(seen) and person.encourages(seen) and (self.verdict.careful or _DYING.search(normal(seen))):
            return "harm"
        return None

    def _owed(self) -> str:
        if not self.verdict.disclose or person.admits_ai(self._said):
            return ""
        return f"\n\n{words(self.verdict.language)['disclosure']}"

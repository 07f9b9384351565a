"""What code keeps in a reply while it comes: its length, its questions, its emojis and exclamation marks. Pure.

Read word by word, so that any splitting of the stream gives the same text; a sentence is held back only where it may be
a question too many, which is left out where nothing but questions follows it. Code, lists, tables, links and citations
are never cut; one of these that directly follows the last sentence goes along with it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

_LIMITS = {"none": 0, "few": 1}
# A word is a token, up to a length that no word has; where a script has no blanks, up to its full stop.
_TOKEN = re.compile(r"\s{1,200}|[^\s。！？]{1,200}[。！？]?|[。！？]")
_ENDS_ITSELF = "。！？"
_PICTURE = (
    r"(?:[\U0001F1E6-\U0001F1FF]{1,2}|[\U0001F000-\U0001F1E5\U0001F200-\U0001FAFF\u231A\u231B\u23E9-\u23F3\u23F8-\u23FA"
    r"\u2600-\u260F\u2613-\u2653\u2660-\u266C\u2670-\u2712\u2719-\u2775\u2795-\u2797\u27B0\u27BF\u2B1B\u2B1C\u2B50\u2B55]"
    r"[\uFE0E\uFE0F\u20E3\U0001F3FB-\U0001F3FF]*(?:\u200D[\u2190-\U0001FAFF][\uFE0F\U0001F3FB-\U0001F3FF]*)*)"
)
_EMOJI = re.compile(_PICTURE)
_CLOSERS = r"\"'”’»)\]*_`"
_MARKS = r"(?:\[\d{1,3}\])*"
_END = re.compile(rf"([.!?…。！？]+)([{_CLOSERS}]*(?:{_PICTURE})*{_MARKS}[.,;]?)\Z")
_TAIL = re.compile(rf"(?:[{_CLOSERS}.!?…。！？]|{_PICTURE}|\[\d{{1,3}}\])+")
_ABBREVIATION = re.compile(
    r"\W*(?:[A-HJ-Z]\.|(?:[^\W\d_]\.){2,}|(?:mr|mrs|ms|dr|prof|st|vs|cf|mme|mlle|approx|p|pp|fig|vol|av|env)\.)\W*",
    re.I,
)
_INITIAL = re.compile(r"\W*[a-hj-z]\.\W*")  # "option b." ends a sentence, "J. R. R. Tolkien" does not
_MARKER = re.compile(r"[-*+•|].*|\d{1,3}[.)]|[a-z]\)")
_BULLETS = frozenset("-*+•")
_FENCE = "```"
# Sentences that ask without a question mark, and questions that only sound like some.
_INVITES = re.compile(
    r"\b(?:let me know|feel free to|i['’]d love to hear|tell me (?:more|about|what|how)|dis[- ]moi|n['’]hésite pas"
    r"|fais[- ]moi savoir|raconte[- ]moi)\b",
    re.IGNORECASE,
)
_EXCLAIMS = re.compile(
    r"\W*(?:oh|ah|really|right|seriously|huh|no|you know|see|vraiment|ah bon|hein|non|sérieux|tu vois)\s*\?\W*", re.I
)
_POINTS = re.compile(r"[.,;:!?…)]+")
_LEAST_ITEMS = 2
_PROSE, _LIST, _CODE = "prose", "list", "code"


@dataclass(slots=True)
class Manner:
    """Lets a reply through within its limits (none: any number); emojis and exclamations are none, few or many.

    `items_count`: each item of a list is a sentence (of a list that begins, two go out in any case).
    `done`: nothing that follows will be shown, so the model may be stopped. `opening` begins the reply, `closing` is a
    question put behind one that has none.
    """

    most_sentences: int | None = None
    most_questions: int | None = None
    emojis: str = "many"
    exclamations: str = "many"
    lower_case: bool = False
    items_count: bool = False
    opening: str = ""
    closing: str = ""
    done: bool = False
    _held: str = ""
    _blank: str = ""
    _gone: bool = False
    _begun: bool = False
    _block: str = _PROSE
    _open: bool = False
    _end: str = ""
    _in_code: bool = False
    _withheld: bool = False
    _sentence: list[str] = field(default_factory=list)
    _asked: list[str] = field(default_factory=list)
    _out: list[str] = field(default_factory=list)
    _shown: bool = False
    _left_out: str = ""
    _sentences: int = 0
    _items: int = 0
    _questions: int = 0
    _pictures: int = 0
    _cries: int = 0

    def feed(self, text: str) -> str:
        """What can be shown now; the last word is held back until it is whole."""
        if self.done:
            return ""
        self._held += text
        at = 0
        for found in _TOKEN.finditer(self._held):
            if found.end() == len(self._held) and found[0][-1] not in _ENDS_ITSELF:
                break
            at = found.end()
            self._token(found[0])
        self._held = self._held[at:]
        return self._take()

    def rest(self) -> str:
        """What was held back, at the end; where all of it would be left out, the first of it."""
        if self._held:
            self._token(self._held)
        self._held = ""
        self._close()
        if not self._shown and (first := next(iter(self._asked), "") or self._left_out):
            self._show(first)
        elif self._may_close():
            self._show(f" {self.closing}")
        self.done = True
        return self._take()

    def _take(self) -> str:
        shown = "".join(self._out)
        self._out.clear()
        return shown

    def _may_close(self) -> bool:
        asked = self._questions or self._asked
        room = self.most_sentences is None or self._sentences < self.most_sentences
        return bool(self.closing and room) and not (asked or self.done or self._block != _PROSE or self._end == "")

    def _token(self, token: str) -> None:
        if self.done:
            return
        if token.isspace():
            blanks = (self._blank, token)
            self._blank = max(blanks, key=lambda blank: blank.count("\n")) if self._gone else "".join(blanks)
            return
        begins = not self._begun or "\n" in self._blank
        self._begun = True
        if self._block == _CODE or _FENCE in token:
            self._code(token)
            return
        if begins and not self._line(token):
            return
        word = token if self._in_code or "`" in token else self._dressed(token)
        self._gone = not word
        if word != token and _POINTS.fullmatch(word) and "\n" not in self._blank:
            self._blank = ""  # it stood before an emoji, or, in French, before an exclamation mark
        if word and self._block == _LIST:
            self._pass(word)
        elif word:
            self._prose(word)

    def _code(self, word: str) -> None:
        """Code is nobody's manner: it goes through as it is, with what stands before it."""
        self._pass(word)
        if word.count(_FENCE) % 2:
            self._block = _PROSE if self._block == _CODE else _CODE
            self._in_code = self._gone = False

    def _line(self, word: str) -> bool:
        """Whether there is room for the line that begins with this word: of a list, a table, a paragraph."""
        indented = len(self._blank.rpartition("\n")[2]) >= 2
        self._in_code = False
        marked = _MARKER.fullmatch(word) is not None and (word[0] not in _BULLETS or len(word) == 1)
        if marked and self.items_count and not self._item():
            return False
        if self._block == _LIST and indented:
            return True
        self._block = _LIST if marked else _PROSE
        if self._blank.count("\n") > 1 and self._open and not self._end and not self._leads_in:
            self._end = "."
        return True

    def _item(self) -> bool:
        """Whether there is room for one more item of a list."""
        if self._open:
            self._end = "." if self._end in ("", ":") else self._end
            self._close()
        if self.most_sentences is not None and self._sentences >= self.most_sentences and self._items >= _LEAST_ITEMS:
            self.done = True
        self._items += 1
        self._sentences += 1
        return not self.done

    @property
    def _leads_in(self) -> bool:
        return self._end == ":"

    def _pass(self, word: str) -> None:
        """Shows a word of what is never cut, and all that was held back before it."""
        if self._open:
            self._end = "." if self._end in ("", ":") else self._end
            self._close()
        self._answered()
        self._show(self._blank + word)
        self._blank = ""

    def _prose(self, word: str) -> None:
        tail = self._end in (".", "?") and _TAIL.fullmatch(word) is not None
        if self._end in (".", "?") and not tail and not self._goes_on(word):
            self._close()
        if not self._open:
            if self.most_sentences is not None and self._sentences >= self.most_sentences:
                self.done = True
                return
            self._open, self._end = True, ""
            self._withheld = self.most_questions is not None and self._questions >= self.most_questions
        self._in_code ^= bool(word.count("`") % 2)
        ends = "" if self._in_code else _ended(word)
        self._end = ("?" if "?" in (ends, self._end) else ".") if tail else ends
        text, self._blank = self._blank + word, ""
        self._sentence.append(text)
        if not self._withheld:
            self._show(text)

    def _goes_on(self, word: str) -> bool:
        """Whether a sentence that seemed to end goes on: behind an ellipsis or somebody's words."""
        last = self._sentence[-1] if self._sentence else ""
        return word[:1].islower() and last.endswith(("...", "…", '"', "”", "»"))

    def _close(self) -> None:
        """The sentence is over: shown, or held back as a question too many."""
        if not self._open:
            return
        text = "".join(self._sentence)
        self._sentence.clear()
        question = self._end == "?" and _EXCLAIMS.fullmatch(text) is None
        self._open = False
        if self._withheld:
            if question or _INVITES.search(text):
                self._asked.append(text)
                return
            self._answered()
            self._show(text)
        self._sentences += 1
        self._questions += question

    def _answered(self) -> None:
        """What was asked is followed by something that may answer it: it is shown after all, where both have room."""
        if self.most_sentences is not None and self._sentences + len(self._asked) >= self.most_sentences:
            self._asked.clear()
        for text in self._asked:
            self._show(text)
        self._sentences += len(self._asked)
        self._questions += len(self._asked)
        self._asked.clear()

    def _show(self, text: str) -> None:
        if not self._shown:
            text = self._opened(text.lstrip())
            self._shown = bool(text)
        self._out.append(text)

    def _opened(self, text: str) -> str:
        """The beginning of the reply, with its opening unless it begins so itself."""
        first = text.strip(".,!?… ").casefold()
        known = bool(first) and self.opening.casefold().startswith(first)
        return f"{self.opening} {text}" if self.opening and not known and self._block == _PROSE else text

    def _dressed(self, word: str) -> str:
        """A word with no more emojis and exclamation marks than there may be, and in the case that is wanted."""
        if "://" in word:
            return word
        if self.emojis in _LIMITS:
            word = _EMOJI.sub(self._picture, word)
        if self.exclamations in _LIMITS and "!" in word.replace("！", "!"):
            word = self._calmed(word)
        return word.lower() if self.lower_case else word

    def _picture(self, found: re.Match[str]) -> str:
        self._pictures += 1
        if self._pictures <= _LIMITS[self.emojis]:
            return found[0]
        self._left_out = self._left_out or found[0]
        around = found.string[found.start() - 1 : found.start()] + found.string[found.end() : found.end() + 1]
        return " " if len(around) == 2 and around.isalnum() else ""

    def _calmed(self, word: str) -> str:
        """The word with a full stop for an exclamation mark too many."""
        ends = _END.search(word)
        if ends is None or not set("!！") & set(ends[1]):
            return word
        self._cries += 1
        allowed = self._cries <= _LIMITS[self.exclamations]
        mark = "?" if set("?？") & set(ends[1]) else "!" if allowed else "."
        calm = word[: ends.start()] + mark + ends[2]
        return "" if calm == "." and self._end in (".", "?") else calm


def _ended(word: str) -> str:
    """How a word ends a sentence: "?", ".", ":" before what it leads in to, or not."""
    ends = _END.search(word)
    if ends is None:
        return ":" if word.endswith((":", "：")) else ""
    if set("?？") & set(ends[1]) and "://" not in word:
        return "?"
    if ends[1] == "." and _ABBREVIATION.fullmatch(word) and not _INITIAL.fullmatch(word):
        return ""
    return "."

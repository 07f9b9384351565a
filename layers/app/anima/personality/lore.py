"""Which entries of a lorebook a talk calls up: pure, bounded in time whatever a lorebook holds, and prepared once.

After "Lorebook" of character cards V2 and V3: keys are looked for as whole words (a plural counts), decorators at the
head of an entry's text ("@@scan_depth 2") refine when it is called and never reach the prompt.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from anima.personality.model import Lorebook, LoreEntry, Personality

MAX_CHARS = 40_000
"""So much of the end of a talk is looked at."""
_ROUNDS = 5
"""How often entries may call up further entries."""
_CHARS_A_TOKEN = 4
_MAX_SEARCHES = 10_000
"""Places of several words that are looked for in a talk; a lorebook that wants more of them finds no more."""
_WORD = re.compile(r"[^\W_\u0e00-\U0010ffff]+")
_MAX_PATTERNED = 50
"""Entries whose keys are patterns; further ones are never called up, so that no turn waits for them."""
_PLURALS = ("", "s", "es", "x")
_SPACED = "\u0e00"
"""Scripts below this letter part their words; in the others a key is looked for anywhere."""
_DECORATOR = re.compile(r"(@{2,3})([a-z_]+)[ \t]*(.*)", re.IGNORECASE)
_KNOWN = frozenset(
    "activate dont_activate activate_only_after activate_only_every scan_depth additional_keys exclude_keys "
    "ignore_on_max_context".split()
)
_NUMBERS = frozenset({"activate_only_after", "activate_only_every", "scan_depth"})


@dataclass(frozen=True, slots=True, eq=False)
class _Prepared:
    """An entry with its text clean, its keys as they are looked for, and what its decorators say."""

    entry: LoreEntry
    groups: tuple[tuple[str, ...], ...]
    excluded: tuple[str, ...]
    patterns: tuple[re.Pattern[str], ...]
    said: dict[str, str]

    def number(self, name: str) -> int | None:
        """The number that a decorator gives, if it is there."""
        return int(self.said[name]) if name in self.said else None


class _Talk:
    """What was said, in the ways in which entries look at it; each is made once."""

    def __init__(self, texts: Sequence[str], depth: int) -> None:
        self._texts, self._depth = texts, depth
        self._seen: dict[tuple[int, bool], _Text] = {}
        self._left = [_MAX_SEARCHES]
        self.told = ""

    def recall(self, told: str) -> None:
        """Entries that were called up are looked at too."""
        self.told = told[:MAX_CHARS]
        self._seen.clear()

    def text(self, depth: int | None, case_sensitive: bool) -> _Text:
        """The end of the talk, as many messages as asked for (None: as many as the lorebook says)."""
        wanted = self._depth if depth is None else depth
        key = (wanted, case_sensitive)
        if key not in self._seen:
            last = self._texts[max(0, len(self._texts) - wanted) :]
            whole = _folded("\n".join([self.told, *last])[-MAX_CHARS:], case_sensitive)
            self._seen[key] = _Text(whole, frozenset(_WORD.findall(whole)), self._left)
        return self._seen[key]


@dataclass(frozen=True, slots=True)
class _Text:
    """A text with the words in it; `left` is how many further places may be looked for in the whole talk."""

    whole: str
    words: frozenset[str]
    left: list[int]

    def has(self, key: str) -> bool:
        """Whether a word or several stand in it, perhaps in the plural."""
        parts = _WORD.findall(key)
        last = parts.pop() if parts and key.endswith(parts[-1]) else ""
        if last and not any(last + plural in self.words for plural in _PLURALS):
            return False
        if last == key:
            return True
        return all(part in self.words for part in parts) and self._holds(key)

    def _holds(self, key: str) -> bool:
        place = -1
        while self.left[0] > 0:
            self.left[0] -= 1
            place = self.whole.find(key, place + 1)
            if place < 0:
                return False
            if _stands(self.whole, key, place):
                return True
        return False


def called(
    personality: Personality, texts: Sequence[str], budget_tokens: int, *, replies: int | None = None
) -> list[LoreEntry]:
    """The entries that a talk calls up, in the order in which they go before the model; their texts are quotations.

    `texts` is what was said, the newest last; `replies` how often the avatar has answered (None: unknown). Together
    they have at most `budget_tokens` (of four characters each), and at most as many as the lorebook says.
    """
    book = personality.lorebook
    budget = min(budget_tokens, book.token_budget)
    if not book.entries or budget <= 0:
        return []
    prepared = _prepared(book)
    found = _found(prepared, book, texts, replies)
    return [one.entry for one in sorted(_fitting(found, budget), key=lambda one: one.entry.order)]


def _found(
    prepared: tuple[_Prepared, ...], book: Lorebook, texts: Sequence[str], replies: int | None
) -> list[_Prepared]:
    waiting = [one for one in prepared if _in_time(one, replies)]
    found: set[_Prepared] = set()
    talk = _Talk(texts, book.scan_depth)
    for _ in range(_ROUNDS):
        new = [one for one in waiting if one not in found and _is_called(one, talk)]
        found.update(new)
        if not new or not book.recursive:
            break
        talk.recall("\n".join(one.entry.content for one in new))
    return [one for one in prepared if one in found]


def _in_time(one: _Prepared, replies: int | None) -> bool:
    if replies is None:
        return True
    every = one.number("activate_only_every")
    return replies >= (one.number("activate_only_after") or 0) and (not every or replies % every == 0)


def _is_called(one: _Prepared, talk: _Talk) -> bool:
    if one.entry.constant or "activate" in one.said:
        return True
    depth = one.number("scan_depth")
    if one.patterns:
        from anima.personality import patterns

        return patterns.found(one.patterns, talk.text(depth, True).whole)
    text = talk.text(depth, one.entry.case_sensitive)
    if not one.groups or any(text.has(key) for key in one.excluded):
        return False
    return all(any(text.has(key) for key in group) for group in one.groups)


def _stands(text: str, key: str, place: int) -> bool:
    """Whether what stands at a place of a text is no part of another word."""
    begins = place == 0 or not (_joins(key[0]) and _joins(text[place - 1]))
    end = place + len(key)
    return begins and (not _joins(key[-1]) or any(_ends(text, end, plural) for plural in _PLURALS))


def _ends(text: str, end: int, plural: str) -> bool:
    after = end + len(plural)
    return text.startswith(plural, end) and (after >= len(text) or not _joins(text[after]))


def _joins(letter: str) -> bool:
    return letter.isalnum() and letter < _SPACED


def _fitting(found: list[_Prepared], budget: int) -> list[_Prepared]:
    """Those that have room: what may go first is looked at last."""
    ranked = sorted(
        found,
        key=lambda one: ("ignore_on_max_context" not in one.said, one.entry.priority, one.entry.order),
        reverse=True,
    )
    chosen: set[_Prepared] = set()
    for one in ranked:
        tokens = -(-len(one.entry.content) // _CHARS_A_TOKEN)
        if tokens <= budget:
            budget -= tokens
            chosen.add(one)
    return [one for one in found if one in chosen]


@lru_cache(maxsize=64)
def _prepared(book: Lorebook) -> tuple[_Prepared, ...]:
    patterned = {id(entry) for entry in [one for one in book.entries if one.use_regex][_MAX_PATTERNED:]}
    ready = (_prepare(entry) for entry in book.entries if entry.enabled and id(entry) not in patterned)
    return tuple(one for one in ready if one.entry.content and _can_be_called(one))


def _can_be_called(one: _Prepared) -> bool:
    return "activate" in one.said or "dont_activate" not in one.said


def _prepare(entry: LoreEntry) -> _Prepared:
    said, content = decorators(entry.content)
    folded = {
        name: tuple(_folded(key.strip(), entry.case_sensitive) for key in keys if key.strip())
        for name, keys in (
            ("keys", entry.keys),
            ("secondary", entry.secondary_keys),
            ("additional", said.get("additional_keys", "").split(",")),
            ("excluded", said.get("exclude_keys", "").split(",")),
        )
    }
    groups = tuple(folded[name] for name in ("keys", "secondary", "additional") if folded[name])
    found: tuple[re.Pattern[str], ...] = ()
    if entry.use_regex:
        from anima.personality import patterns

        groups, found = (), patterns.read(entry.keys)
    elif not folded["keys"]:
        groups = ()
    return _Prepared(replace(entry, content=content), groups, folded["excluded"], found, said)


def _folded(text: str, case_sensitive: bool) -> str:
    text = unicodedata.normalize("NFC", text)
    return text if case_sensitive else text.casefold()


def decorators(content: str) -> tuple[dict[str, str], str]:
    """What the decorators at the head of a text say (those that are known here, the first of a name), and the rest.

    One with three signs stands in for the one before it where that is not known.
    """
    said: dict[str, str] = {}
    lines = content.strip("\n").split("\n")
    settled = False
    while lines and (match := _DECORATOR.fullmatch(lines[0].strip())):
        signs, name, value = match[1], match[2].lower(), match[3].strip()
        lines.pop(0)
        if signs == "@@" or not settled:
            settled = name in _KNOWN and (name not in _NUMBERS or (value.isdecimal() and len(value) < 9))
            if settled:
                said.setdefault(name, value)
    return said, "\n".join(lines).strip("\n").strip()

"""Who is who among those that speak in past conversations: the owner, an assistant, somebody else."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping

from anima.vendors.readers.transcripts.model import Role

_MINE = {"user", "me", "you", "human", "myself", "moi", "vous", "ich", "yo", "io", "eu"}
_ASSISTANTS = {"assistant", "ai", "bot", "chatbot", "model", "chatgpt", "gpt", "claude", "gemini", "copilot"}


def folded(name: str) -> str:
    """A name as names are compared."""
    return re.sub(r"[\u200e\u200f\u202a-\u202e~]", "", name).strip().casefold()


def called(speakers: Iterable[str], names: Iterable[str]) -> set[str]:
    """The speakers with one of these names: as they are written, else for each name the only one that may be meant."""
    there, asked = list(speakers), list(names)
    exact = {folded(each) for each in asked}
    if found := {each for each in there if folded(each) in exact}:
        return found
    meant = ([each for each in there if _alike(_words(each), _words(name))] for name in asked)
    return {each[0] for each in meant if len(each) == 1}


def roles(
    counts: Mapping[str, int], me: Iterable[str], names: Iterable[str], avatar: str, counterpart: str | None
) -> dict[str, Role]:
    """Who each speaker is.

    `me` is what the owner says that they are called there, `names` what they are called here, `counterpart` whom the
    export says that they talk with. Nobody is the owner where nothing tells.
    """
    assistants = {each for each in counts if folded(each) in _ASSISTANTS | {folded(avatar)}}
    if mine := called(counts, me):
        assistants -= mine
    else:
        mine = _mine([each for each in counts if each not in assistants], list(names), counterpart)
    return {each: "me" if each in mine else "assistant" if each in assistants else "other" for each in counts}


def _mine(speakers: list[str], names: list[str], counterpart: str | None) -> set[str]:
    for known in ({folded(each) for each in names}, _MINE):
        if found := {each for each in speakers if folded(each) in known}:
            return found
    # "Anna Berg" is not the Anna Lind who signs in as anna: of a name in full all words count.
    full = [each for each in names if len(_words(each)) > 1]
    if len(found := called(speakers, full or names)) == 1:
        return found
    other = called(speakers, [counterpart]) if counterpart and len(speakers) == 2 else set()
    return set(speakers) - other if len(other) == 1 else set()


def _words(name: str) -> list[str]:
    """The words of a name, without accents."""
    bare = "".join(each for each in unicodedata.normalize("NFKD", name) if not unicodedata.combining(each))
    return re.findall(r"[^\W_]+", bare.casefold())


def _alike(one: list[str], other: list[str]) -> bool:
    """Whether two names may be one person's: "Nora" and "Nora Lindqvist", "Sam K." and "Sam Keller", in any order."""
    if not one or not other:
        return False
    if sorted(one) == sorted(other) or "".join(one) == "".join(other):
        return True
    shorter, longer = sorted((one, other), key=len)
    if shorter[0] != longer[0]:
        return False
    return all(word in longer or (len(word) == 1 and _begins(longer[1:], word)) for word in shorter[1:])


def _begins(words: list[str], letter: str) -> bool:
    return any(word.startswith(letter) for word in words)

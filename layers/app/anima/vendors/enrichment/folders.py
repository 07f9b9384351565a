"""Looks into folders of repositories: text files below the configured roots, ranked by the words of a question.

No link is followed, so nothing outside of a root is read; what is hidden, secret, binary or huge is left alone. Files
are opened below an open folder, so that one that is exchanged for a link meanwhile is not followed either.
"""

from __future__ import annotations

import math
import os
import re
import stat
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from anima.kernel.terms import fold, question_terms
from anima.vendors.enrichment.model import Reference
from anima.vendors.enrichment.secrets_kept import holds_private_key, is_secret_file, without_secrets

_MOST_FILES = 8_000
_MOST_FILE_BYTES = 400_000
_MOST_LINE_CHARS = 2_000
_BLOCK_LINES, _STEP_LINES = 24, 12
_MOST_BLOCKS_OF_FILES = 40
_EXCERPT_CHARS = 1_600
_A_FILE = 2  # references
_K1, _B = 1.2, 0.6
_LEAST_TERM = 3
_WORD = re.compile(r"[A-Z]?[a-zß-öø-ÿ]+|[A-Z]+(?![a-z])|\d+")
_NAME = re.compile(r"\w+")
_TOGETHER = re.compile(r"[a-z][A-Z_]|\w_\w")
_QUESTION_CHARS = 20_000
_SKIPPED = frozenset(
    "node_modules __pycache__ venv env dist build target vendor site-packages coverage htmlcov out obj".split()
)
_TEXT = frozenset(
    "py js ts tsx jsx mjs java kt go rs c h cc cpp hpp cs rb php swift scala sql sh bash ps1 r jl lua pl ex exs hs ml"
    " clj html css scss vue svelte md rst txt adoc tex json yaml yml toml ini cfg conf xml proto graphql tf gradle"
    " cmake ipynb dockerfile makefile".split()
)


@dataclass(frozen=True, slots=True)
class _File:
    repository: str
    path: str
    text: str
    lowered: str


def search(question: str, roots: Mapping[str, Path], most: int, until: float) -> list[Reference]:
    """The places that hold most of the question's words, best first; what is not read by `until` is left out."""
    asked = words_of(question)
    if not asked:
        return []
    files, read = [], 0
    for name, root in roots.items():
        for file in _files(name, root, until):
            read += 1
            if any(word in file.lowered for word in asked):
                files.append(file)
    return _ranked(files, asked, read, most, until)


def words_of(question: str) -> list[str]:
    """What is looked for: the stems of a question, and the parts of names that are written together."""
    stems = list(question_terms(question[:_QUESTION_CHARS]))
    names = [name for name in _NAME.findall(question[:_QUESTION_CHARS]) if _TOGETHER.search(name)]
    parts = [part.lower() for name in names for part in _WORD.findall(name)]
    return [word for word in dict.fromkeys([*stems, *parts]) if len(word) >= _LEAST_TERM][:60]


def _files(repository: str, root: Path, until: float) -> Iterator[_File]:
    """The text files of a repository; folders are gone through by their open descriptors, never through a link."""
    read = 0
    for folder, names, files, descriptor in os.fwalk(root, follow_symlinks=False):
        names[:] = sorted(name for name in names if not name.startswith(".") and name.lower() not in _SKIPPED)
        for name in sorted(files):
            if time.monotonic() > until or read >= _MOST_FILES:
                return
            if not _is_wanted(name) or (text := _text(name, descriptor)) is None:
                continue
            read += 1
            path = (Path(folder) / name).relative_to(root).as_posix()
            yield _File(repository, path, text, _plain(f"{path}\n{text}"))


def _plain(text: str) -> str:
    """A text as stems are written: without capitals and accents."""
    return text.lower() if text.isascii() else fold(text)


def _is_wanted(name: str) -> bool:
    ending = name.lower().rpartition(".")[2]
    return not name.startswith(".") and not is_secret_file(name) and ending in _TEXT


def _text(name: str, folder: int) -> str | None:
    """The text of a plain file; nothing for anything else, and for what is too large, binary or secret."""
    try:
        descriptor = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=folder)
    except OSError:
        return None
    with os.fdopen(descriptor, "rb") as file:
        about = os.fstat(descriptor)
        if not stat.S_ISREG(about.st_mode) or about.st_size > _MOST_FILE_BYTES:
            return None
        data = file.read(_MOST_FILE_BYTES)
    if b"\0" in data:
        return None
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        return None
    return None if holds_private_key(text) else text


@dataclass(frozen=True, slots=True)
class _Block:
    file: _File
    first: int
    lines: Sequence[str]
    counts: Mapping[str, int]
    length: int


def _ranked(files: Sequence[_File], asked: Sequence[str], read: int, most: int, until: float) -> list[Reference]:
    """BM25 over blocks of the files that hold most of the words."""
    rarity = {word: _rarity(sum(word in one.lowered for one in files), read) for word in asked}
    best = sorted(files, key=lambda one: (-sum(rarity[w] for w in asked if w in one.lowered), one.path))
    blocks: list[_Block] = []
    for file in best[:_MOST_BLOCKS_OF_FILES]:
        if time.monotonic() > until:
            break
        blocks += _blocks(file, asked)
    if not blocks:
        return []
    mean = sum(block.length for block in blocks) / len(blocks)
    scored = [(_score(block, rarity, mean), block) for block in blocks]
    possible = sum(rarity.values()) * (_K1 + 1)
    return _references(sorted(scored, key=lambda pair: -pair[0]), possible, most)


def _rarity(holders: int, read: int) -> float:
    return math.log(1 + (read - holders + 0.5) / (holders + 0.5)) if holders else 0.0


def _blocks(file: _File, asked: Sequence[str]) -> Iterator[_Block]:
    lines = file.text.split("\n")
    named = [word for word in asked if word in file.path.lower()]
    for first in range(0, max(1, len(lines) - _STEP_LINES), _STEP_LINES):
        part = lines[first : first + _BLOCK_LINES]
        lowered = _plain("\n".join(part))
        counts = {word: n for word in asked if (n := lowered.count(word))}
        if counts and max(map(len, part)) <= _MOST_LINE_CHARS:
            for word in named:
                counts[word] = counts.get(word, 0) + 1
            yield _Block(file, first + 1, part, counts, len(lowered))


def _score(block: _Block, rarity: Mapping[str, float], mean: float) -> float:
    long = _K1 * (1 - _B + _B * block.length / max(1.0, mean))
    return sum(rarity[word] * n * (_K1 + 1) / (n + long) for word, n in block.counts.items())


def _references(scored: Sequence[tuple[float, _Block]], possible: float, most: int) -> list[Reference]:
    """The best blocks, few of one file, and none that overlaps a better one."""
    found: list[Reference] = []
    for score, block in scored:
        same = [one for one in found if (one.repository, one.path) == (block.file.repository, block.file.path)]
        last = block.first + len(block.lines) - 1
        if len(same) >= _A_FILE or any(one.line_start <= last and block.first <= one.line_end for one in same):
            continue
        found.append(_reference(block, min(1.0, score / possible) if possible else 0.0))
        if len(found) == most:
            break
    return found


def _reference(block: _Block, score: float) -> Reference:
    lines = list(block.lines)
    first = block.first
    while len(lines) > 1 and not lines[0].strip():
        lines, first = lines[1:], first + 1
    while len(lines) > 1 and (not lines[-1].strip() or sum(map(len, lines)) + len(lines) > _EXCERPT_CHARS):
        lines.pop()
    held = ", ".join(sorted(block.counts, key=lambda word: -block.counts[word])[:6])
    excerpt = without_secrets("\n".join(lines))[:_EXCERPT_CHARS]
    where = block.file
    return Reference(
        where.repository, where.path, first, first + len(lines) - 1, excerpt, round(score, 4), f"it holds {held}"
    )

"""Summaries of whole documents, and answers to questions about all of one, as the room hands them around."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

Mode = Literal["one_piece", "map_reduce", "extractive"]
WantedMode = Literal["auto", "one_piece", "map_reduce", "extractive"]


@dataclass(frozen=True, slots=True)
class Wish:
    """What somebody wants of a document: a summary of some sentences, or an answer to `instruction`."""

    document_id: int
    instruction: str | None = None
    sentences: int = 3
    mode: WantedMode = "auto"
    model: str | None = None


@dataclass(frozen=True, slots=True)
class Estimate:
    """What it will cost: tokens read and written, calls of the model, and seconds where its pace is known.

    `money` is null: the catalogue knows no prices.
    """

    mode: Mode
    model: str | None
    tokens: int
    completion_tokens: int
    calls: int
    seconds: float | None
    money: float | None = None


@dataclass(frozen=True, slots=True)
class Summary:
    """A summary and how far it is; `citations` tell document, chunk and location of each number in the text."""

    summary_id: int
    document_id: int
    title: str
    instruction: str | None
    sentences: int
    mode: Mode
    model: str | None
    state: str
    parts_done: int
    parts_total: int
    estimate: dict[str, Any]
    text: str | None
    citations: list[dict[str, Any]]
    usage: dict[str, Any]
    reason: str | None
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class Subject:
    """The document of a summary."""

    document_id: int
    title: str
    source_uri: str | None
    state: str
    language: str | None


@dataclass(frozen=True, slots=True)
class Size:
    """How long a chunk is (bytes of UTF-8)."""

    chunk_index: int
    size: int


@dataclass(frozen=True, slots=True)
class Piece:
    """A chunk as it is read for a summary."""

    chunk_id: int
    chunk_index: int
    text: str
    location: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Part:
    """What one call has to read: the chunks from `first` to before `end`, or so many results of the level below."""

    level: int
    number: int
    first: int
    end: int

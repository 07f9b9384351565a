"""What avatars remember: facts, episodes, search, sleep, gaps, transcripts, and the way to forget it all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Literal
from uuid import UUID

from anima.client.call import UNSET, Given, Steps, Unset, changed, present
from anima.client.calls.avatars import avatar_of
from anima.client.files import read
from anima.client.operations import listing, operation, steps
from anima.client.results.memory import (
    Curiosity,
    Entity,
    Episode,
    Fact,
    Gap,
    MemoryChange,
    MemoryErased,
    MemoryHit,
    MemoryHits,
    MemoryUndone,
    Sleep,
    SleepAsked,
    Transcript,
    TranscriptQueued,
    WholeFact,
)

Id = UUID | str
Kind = Literal["fact", "episode", "message"]


def _of(avatar_id: Id, **more: object) -> Mapping[str, object]:
    return {"avatar_id": avatar_id, **more}


class Memory:
    """What avatars remember."""

    @listing("/avatars/{avatar_id}/facts", Fact)
    def list_facts(
        self,
        avatar_id: Id,
        *,
        category: str | None = None,
        q: str | None = None,
        history: bool = False,
        at: datetime | None = None,
    ) -> Given:
        """The facts that an avatar knows; with `history` those too that are no longer so, with `at` those of then."""
        return Given(_of(avatar_id), present(category=category, q=q, history=history, at=at))

    @steps
    def get_facts(self, session_id: int, category: str | None = None) -> Steps[list[Fact]]:
        """The facts that the avatar of a session knows."""
        avatar_id = yield from avatar_of(session_id)
        return (yield from Memory.list_facts.all_of(avatar_id, category=category))

    @operation("GET", "/avatars/{avatar_id}/facts/{fact_id}", WholeFact)
    def get_fact(self, avatar_id: Id, fact_id: Id) -> Given:
        """One fact, with what it was before and where it was said."""
        return Given(_of(avatar_id, fact_id=fact_id))

    @operation("PATCH", "/avatars/{avatar_id}/facts/{fact_id}", Fact)
    def correct_fact(
        self,
        avatar_id: Id,
        fact_id: Id,
        *,
        value: str | float | Unset = UNSET,
        key: str | Unset = UNSET,
        confirmed: bool | Unset = UNSET,
        pinned: bool | Unset = UNSET,
        tags: Sequence[str] | Unset = UNSET,
        context: str | Unset = UNSET,
        true_from: datetime | Unset | None = UNSET,
        true_until: datetime | Unset | None = UNSET,
    ) -> Given:
        """Corrects, confirms or pins a fact; it can be undone for a day."""
        said = changed(value=value, key=key, confirmed=confirmed, pinned=pinned, tags=tags, context=context)
        return Given(
            _of(avatar_id, fact_id=fact_id), body={**said, **changed(true_from=true_from, true_until=true_until)}
        )

    @operation("DELETE", "/avatars/{avatar_id}/facts/{fact_id}")
    def forget_fact(self, avatar_id: Id, fact_id: Id, *, now: bool = False) -> Given:
        """Forgets a fact; with `now` at once and without a way back."""
        return Given(_of(avatar_id, fact_id=fact_id), {"now": now})

    @listing("/avatars/{avatar_id}/episodes", Episode)
    def list_episodes(
        self,
        avatar_id: Id,
        *,
        type: str | None = None,
        min_importance: float | None = None,
        q: str | None = None,
    ) -> Given:
        """What an avatar has lived through with you, newest first."""
        return Given(_of(avatar_id), present(type=type, min_importance=min_importance, q=q))

    @steps
    def get_episodes(self, session_id: int, min_importance: float | None = None) -> Steps[list[Episode]]:
        """What the avatar of a session has lived through with you."""
        avatar_id = yield from avatar_of(session_id)
        return (yield from Memory.list_episodes.all_of(avatar_id, min_importance=min_importance))

    @operation("GET", "/avatars/{avatar_id}/episodes/{episode_id}", Episode)
    def get_episode(self, avatar_id: Id, episode_id: Id) -> Given:
        """One episode."""
        return Given(_of(avatar_id, episode_id=episode_id))

    @operation("PATCH", "/avatars/{avatar_id}/episodes/{episode_id}", Episode)
    def correct_episode(
        self,
        avatar_id: Id,
        episode_id: Id,
        *,
        title: str | Unset = UNSET,
        summary: str | Unset = UNSET,
        importance: float | Unset = UNSET,
        pinned: bool | Unset = UNSET,
        tags: Sequence[str] | Unset = UNSET,
    ) -> Given:
        """Corrects or pins an episode."""
        body = changed(title=title, summary=summary, importance=importance, pinned=pinned, tags=tags)
        return Given(_of(avatar_id, episode_id=episode_id), body=body)

    @operation("DELETE", "/avatars/{avatar_id}/episodes/{episode_id}")
    def forget_episode(self, avatar_id: Id, episode_id: Id, *, now: bool = False) -> Given:
        """Forgets an episode; with `now` at once and without a way back."""
        return Given(_of(avatar_id, episode_id=episode_id), {"now": now})

    @listing("/avatars/{avatar_id}/entities", Entity)
    def list_entities(self, avatar_id: Id, *, kind: str | None = None) -> Given:
        """The people, places and things that were spoken of."""
        return Given(_of(avatar_id), present(kind=kind))

    @listing("/avatars/{avatar_id}/memories/changes", MemoryChange)
    def list_memory_changes(self, avatar_id: Id) -> Given:
        """What you changed in its memory, newest first."""
        return Given(_of(avatar_id))

    @operation("POST", "/avatars/{avatar_id}/memories/changes/{change_id}/undo", MemoryUndone)
    def undo_memory_change(self, avatar_id: Id, change_id: Id) -> Given:
        """Takes a change back."""
        return Given(_of(avatar_id, change_id=change_id))

    @operation("POST", "/avatars/{avatar_id}/memories/search", MemoryHits, harmless=True)
    def search_avatar_memories(
        self,
        avatar_id: Id,
        query: str,
        *,
        top_k: int = 10,
        kinds: Sequence[Kind] = ("fact", "episode", "message"),
        session_id: int | None = None,
        at: datetime | None = None,
        transcript_id: int | None = None,
    ) -> Given:
        """What an avatar remembers of something, best first; of one session alone where that is given."""
        within = present(session_id=session_id, at=at, transcript_id=transcript_id)
        return Given(_of(avatar_id), body={"query": query, "top_k": top_k, "kinds": kinds, **within})

    @steps
    def search_memories(
        self, session_id: int, query: str, top_k: int = 10, kinds: Sequence[Kind] = ("fact", "episode", "message")
    ) -> Steps[tuple[MemoryHit, ...]]:
        """What the avatar of a session remembers of something, whenever it was said, best first."""
        avatar_id = yield from avatar_of(session_id)
        found = yield from Memory.search_avatar_memories.steps(avatar_id, query, top_k=top_k, kinds=kinds)
        return found.hits

    @operation("POST", "/avatars/{avatar_id}/sleep", SleepAsked)
    def fall_asleep(
        self, avatar_id: Id, *, acetylcholine: float = 0.5, seconds: float = 20.0, tokens: int = 4000
    ) -> Given:
        """Lets an avatar sleep, within these bounds; `get_sleep` says how far it is."""
        return Given(_of(avatar_id), body={"acetylcholine": acetylcholine, "seconds": seconds, "tokens": tokens})

    @operation("GET", "/avatars/{avatar_id}/sleep", Sleep)
    def get_sleep(self, avatar_id: Id) -> Given:
        """Its last sleep."""
        return Given(_of(avatar_id))

    @listing("/avatars/{avatar_id}/gaps", Gap)
    def list_gaps(self, avatar_id: Id, *, state: str | None = None, kind: str | None = None) -> Given:
        """What it would like to know."""
        return Given(_of(avatar_id), present(state=state, kind=kind))

    @operation("PATCH", "/avatars/{avatar_id}/gaps/{gap_id}", Gap)
    def change_gap(self, avatar_id: Id, gap_id: Id, state: Literal["dismissed", "open"]) -> Given:
        """Dismisses a question, or opens it again."""
        return Given(_of(avatar_id, gap_id=gap_id), body={"state": state})

    @operation("GET", "/avatars/{avatar_id}/curiosity", Curiosity)
    def get_curiosity(self, avatar_id: Id) -> Given:
        """How much it may look up by itself."""
        return Given(_of(avatar_id))

    @operation("PATCH", "/avatars/{avatar_id}/curiosity", Curiosity)
    def change_curiosity(self, avatar_id: Id, searches_a_day: int | None) -> Given:
        """How often a day it may look something up; None: as the service has it."""
        return Given(_of(avatar_id), body={"searches_a_day": searches_a_day})

    @operation("POST", "/avatars/{avatar_id}/transcripts", TranscriptQueued)
    def import_transcript(
        self,
        avatar_id: Id,
        *,
        turns: Sequence[Mapping[str, Any]] | None = None,
        text: str | None = None,
        export: Path | str | bytes | None = None,
        title: str | None = None,
    ) -> Given:
        """Past conversations: their turns, their text, or an export of a chat service."""
        if export is not None:
            name, content = read(export)
            form = {"title": title} if title else None
            return Given(_of(avatar_id), files={"file": (name, content, "application/octet-stream")}, form=form)
        return Given(_of(avatar_id), body=present(turns=turns, text=text, title=title))

    @listing("/avatars/{avatar_id}/transcripts", Transcript)
    def list_transcripts(self, avatar_id: Id) -> Given:
        """What was imported, and how far it is."""
        return Given(_of(avatar_id))

    @operation("DELETE", "/users/me/memory", MemoryErased)
    def erase_memory(self) -> Given:
        """Lets all your avatars forget all that they know of you. There is no way back."""
        return Given()

"""HTTP of personalities: which are ready, the schema, checking one, and the prompt that it becomes."""

from __future__ import annotations

import secrets
from dataclasses import asdict
from typing import Any, Literal

from fastapi import APIRouter

from anima import personality as personalities
from anima.kernel import http
from anima.personality import table
from anima.personality.bodies_api import (
    CompiledPrompt,
    Differences,
    Drawn,
    Effects,
    Ready,
    ToCompare,
    ToCompile,
    ToDraw,
    ToValidate,
    Verdict,
)
from anima.personality.compile import whole
from anima.personality.model import Mood

router = APIRouter(prefix="/personalities", tags=["personality"])


@router.get(
    "",
    summary="The personalities that come with the house",
    response_model=http.Items[Ready],
    responses={
        **http.example(
            {
                "items": [
                    {
                        "name": "luna",
                        "description": "You are an AI companion …",
                        "language": "English",
                        "personality": {"persona": {"name": "Luna"}},
                    }
                ],
                "next_cursor": None,
            }
        ),
        **http.problems(),
    },
)
def list_ready(_caller: http.Caller) -> dict[str, Any]:
    """All of them, with their JSON: a starting point for one's own."""
    return {"items": [_ready(name) for name in personalities.ready()]}


@router.get(
    "/schema",
    summary="The JSON Schema of a personality",
    responses={
        **http.example({"$schema": "https://json-schema.org/draft/2020-12/schema", "type": "object"}),
        **http.problems(public=True),
    },
)
def schema() -> dict[str, Any]:
    """For editors and generators."""
    return personalities.SCHEMA


@router.post(
    "/validate",
    summary="Check a personality",
    response_model=Verdict,
    responses={
        **http.example(
            {
                "valid": False,
                "errors": [{"path": "persona.name", "message": "is required", "line": 1, "column": 13}],
            },
        ),
        **http.problems(),
    },
)
def validate(_caller: http.Caller, body: ToValidate) -> dict[str, Any]:
    """Whether it is valid, and every error if it is not: its path, and of a text its line and its column."""
    wrong = _wrong(body)
    told = [one | {"path": _speakable(one["path"]), "message": _speakable(one["message"])} for one in wrong]
    return {"valid": not wrong, "errors": told}


def _wrong(body: ToValidate) -> list[dict[str, Any]]:
    if body.text is not None:
        return [asdict(one) for one in personalities.check_text(body.text)]
    assert body.personality is not None  # one of the two was sent
    return [asdict(one) for one in personalities.errors(_data(body.personality))]


@router.post(
    "/compile",
    summary="The prompt that a personality becomes",
    response_model=CompiledPrompt,
    responses={
        **http.example(
            {
                "prompt": "You are Luna. …",
                "system": "You are Luna. …",
                "state": "To you this person is: friend. …",
                "reminder": "Stay Luna: warm. …",
                "level": "friend",
                "sampling": {"temperature": 0.4, "max_reply_tokens": 160, "verbosity": "brief", "top_p": None},
                "conduct": {"max_sentences": 3, "max_questions": 1, "emojis": "none"},
                "greetings": [],
            }
        ),
        **http.problems(),
    },
)
def compile_(_caller: http.Caller, body: ToCompile) -> dict[str, Any]:
    """For an affinity, a mood, feelings and a person's way of writing; with what code keeps in each reply."""
    personality = personalities.parse(_data(body.personality))
    mood = Mood(body.mood.name, body.mood.intensity) if body.mood else None
    parts = personalities.compile_parts(
        personality,
        body.affinity,
        mood,
        emotions=body.emotions.felt() if body.emotions else None,
        style=body.style.profile() if body.style else None,
        name=body.name,
    )
    return {
        "prompt": whole(parts),
        "system": parts.system,
        "state": parts.state,
        "reminder": parts.reminder,
        "level": personalities.level_for(personality, body.affinity).name,
        "sampling": asdict(parts.sampling),
        "conduct": asdict(parts.conduct),
        "greetings": list(parts.greetings),
    }


@router.post(
    "/random",
    summary="A personality drawn at random",
    response_model=Drawn,
    responses={**http.example({"seed": 7, "personality": {"persona": {"name": "Edda"}}}), **http.problems()},
)
def draw(_caller: http.Caller, body: ToDraw) -> dict[str, Any]:
    """Always valid and of one piece; nothing is stored."""
    seed = secrets.randbelow(2**31) if body.seed is None else body.seed
    return {"seed": seed, "personality": personalities.random_personality(seed, body.language)}


@router.post(
    "/difference",
    summary="What differs between two personalities",
    response_model=Differences,
    responses={
        **http.example(
            {
                "changes": [
                    {
                        "path": "persona.tone",
                        "kind": "changed",
                        "before": "warm",
                        "after": "dry",
                        "told": 'persona.tone: "warm" → "dry"',
                    }
                ]
            }
        ),
        **http.problems(),
    },
)
def difference(_caller: http.Caller, body: ToCompare) -> dict[str, Any]:
    """Every path that is there on one side only, or says something else; both must be valid."""
    before, after = _data(body.before), _data(body.after)
    for data in (before, after):
        personalities.parse(data)
    return {"changes": [{**asdict(one), "told": str(one)} for one in personalities.difference(before, after)]}


@router.get(
    "/conduct",
    summary="What each value of a personality does",
    response_model=http.Items[Effects],
    responses={
        **http.example(
            {
                "items": [
                    {
                        "key": "big_five.extraversion",
                        "value": "1",
                        "conduct": {"sentences": 0.5, "questions": 0.8},
                        "prompt": "outgoing",
                        "openings": ["Oh!"],
                    }
                ],
                "next_cursor": None,
            }
        ),
        **http.problems(),
    },
)
def conduct(_caller: http.Caller, language: Literal["en", "fr"] = "en") -> dict[str, Any]:
    """The table by which code sets length, questions, emojis, sampling and memory; the words in a language."""
    return {"items": [asdict(row) for row in table.rows(language)]}


def _data(given: str | dict[str, Any]) -> dict[str, Any]:
    return personalities.load_ready(given) if isinstance(given, str) else given


def _speakable(text: str) -> str:
    """What was sent and is told back may hold what no answer can: lone surrogates."""
    return text.encode("utf-8", "replace").decode("utf-8")


def _ready(name: str) -> dict[str, Any]:
    data = personalities.load_ready(name)
    persona = personalities.parse(data).persona
    return {
        "name": name,
        "description": persona.description,
        "language": persona.language,
        "personality": data,
    }

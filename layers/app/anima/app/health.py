"""Whether the process lives, and whether it can work."""

from __future__ import annotations

from typing import Literal

from fastapi import APIRouter
from pydantic import BaseModel

from anima.kernel import auth, db, http

router = APIRouter(tags=["operation"])


class Health(BaseModel):
    """How it is."""

    status: Literal["ok", "ready"]


@router.get(
    "/healthz",
    summary="Whether the server lives",
    responses={**http.example({"status": "ok"}), **http.problems(public=True)},
)
def healthz() -> Health:
    """Asks nobody else."""
    return Health(status="ok")


@router.get(
    "/readyz",
    summary="Whether the server can work",
    responses={**http.example({"status": "ready"}), **http.problems(public=True)},
)
def readyz() -> Health:
    """Asks the database; 503 while it does not answer."""
    with db.transaction(auth.NOBODY):
        return Health(status="ready")

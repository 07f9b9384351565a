"""Whether the process lives, and whether it can work."""

from __future__ import annotations

from typing import Literal

from fastapi import APIRouter
from pydantic import BaseModel, Field

from anima.kernel import auth, db, http
from anima.kernel.postgres.schema_version import SCHEMA_VERSION

router = APIRouter(tags=["operation"])


class Health(BaseModel):
    """How it is."""

    status: Literal["ok", "ready"]
    schema_version: int = Field(description="The newest migration that this code knows")


@router.get(
    "/healthz",
    summary="Whether the server lives",
    responses={**http.example({"status": "ok", "schema_version": 8}), **http.problems(public=True)},
)
def healthz() -> Health:
    """Asks nobody else."""
    return Health(status="ok", schema_version=SCHEMA_VERSION)


@router.get(
    "/readyz",
    summary="Whether the server can work",
    responses={**http.example({"status": "ready", "schema_version": 8}), **http.problems(public=True)},
)
def readyz() -> Health:
    """Asks the database; 503 while it does not answer."""
    with db.transaction(auth.NOBODY):
        return Health(status="ready", schema_version=SCHEMA_VERSION)

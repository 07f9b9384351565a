"""Puts the console into an app: its page and files, signing in, one-time links, and the talk without JavaScript."""

from __future__ import annotations

from fastapi import FastAPI

from anima.console import plain_api, session_api, static_api, welcome_api


def mount(app: FastAPI) -> None:
    """Adds the routes of the console."""
    for part in (static_api, session_api, welcome_api, plain_api):
        app.include_router(part.router)

"""Turns, sessions and feedback over HTTP."""

from mangum import Mangum

from anima.app.main import TEXT_TYPES, chat_app

handler = Mangum(chat_app(), lifespan="off", text_mime_types=TEXT_TYPES)

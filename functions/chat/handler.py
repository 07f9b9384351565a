"""Turns, sessions and feedback over HTTP."""

from anima.app.gateway import behind_gateway
from anima.app.main import chat_app

handler = behind_gateway(chat_app())

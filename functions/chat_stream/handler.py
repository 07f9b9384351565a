"""The same turns, streamed: the app that Lambda Web Adapter speaks to on its port (see run.sh)."""

from anima.app.main import chat_app

app = chat_app()

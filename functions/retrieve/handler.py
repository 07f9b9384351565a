"""Search and recall over HTTP: the light path."""

from mangum import Mangum

from anima.app.main import TEXT_TYPES, retrieve_app

handler = Mangum(retrieve_app(), lifespan="off", text_mime_types=TEXT_TYPES)

"""Everything else over HTTP, and the console."""

from mangum import Mangum

from anima.app.main import TEXT_TYPES, manage_app

handler = Mangum(manage_app(), lifespan="off", text_mime_types=TEXT_TYPES)

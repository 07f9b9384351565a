"""Everything else over HTTP, and the console."""

from anima.app.gateway import behind_gateway
from anima.app.main import manage_app

handler = behind_gateway(manage_app())

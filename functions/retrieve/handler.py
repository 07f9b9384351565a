"""Search and recall over HTTP: the light path."""

from anima.app.gateway import behind_gateway
from anima.app.main import retrieve_app

handler = behind_gateway(retrieve_app())

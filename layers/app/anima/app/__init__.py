"""The HTTP door: the apps of chat, retrieve and manage, and all of them as one for the local server."""

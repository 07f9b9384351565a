"""The WebSocket API, for connections that the server writes to."""

"""The WebSocket door: frames in, frames out, the same on the server at home and on the deployed WebSocket API."""

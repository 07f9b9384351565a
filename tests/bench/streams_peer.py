"""The peer of the bench of streams: a FastAPI handler that answers, nothing else; it says its port and serves."""

import socket

import uvicorn
from fastapi import FastAPI

app = FastAPI()


@app.post("/say")
def say(body: dict[str, str]) -> dict[str, str]:
    """Gives back what was said."""
    return {"content": body["message"]}


if __name__ == "__main__":
    listener = socket.create_server(("127.0.0.1", 0))
    print(listener.getsockname()[1], flush=True)
    uvicorn.Server(uvicorn.Config(app, log_level="critical", access_log=False)).run(sockets=[listener])

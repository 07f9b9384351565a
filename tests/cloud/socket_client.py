"""As much of a WebSocket's client as opens a connection (RFC 6455, section 4)."""

from __future__ import annotations

import base64
import os
import socket
from urllib.parse import urlsplit


def handshake(cloud_url: str, socket_url: str, key: str) -> int:
    """Asks the deployed WebSocket API, at the host of this machine, to open; its status (101: it is open)."""
    cloud, wanted = urlsplit(cloud_url), urlsplit(socket_url)
    name = (wanted.hostname or "").partition(".")[0]
    lines = [
        f"GET {wanted.path} HTTP/1.1",
        f"Host: {name}.execute-api.localhost:{cloud.port}",
        "Upgrade: websocket",
        "Connection: Upgrade",
        f"Sec-WebSocket-Key: {base64.b64encode(os.urandom(16)).decode()}",
        "Sec-WebSocket-Version: 13",
        f"Authorization: Bearer {key}",
    ]
    with socket.create_connection((cloud.hostname or "127.0.0.1", cloud.port or 80), timeout=60) as connection:
        connection.sendall("\r\n".join([*lines, "", ""]).encode())
        return int(connection.recv(4096).split()[1])

"""A server of one tool that runs Python programs, to stand in a container or a function of its own.

    uvicorn server:app --host 0.0.0.0 --port 8080

The container is the boundary then: give it no network to anything, no volume, no role and no secret.
"""

from __future__ import annotations

import time

from mcp.server.mcpserver import MCPServer

from anima.vendors import sandbox

SECONDS = 10.0
server = MCPServer("python-runner")


@server.tool(description="Runs a short Python program; answers what it printed, and the value of its last line.")
def run_python(code: str) -> str:
    """Within the sandbox where the kernel has one, else within the limits of the container."""
    until = time.monotonic() + SECONDS
    try:
        ran = sandbox.run(code, until=until)
    except sandbox.NoSandbox:
        ran = sandbox.run(code, until=until, isolation="elsewhere")
    return ran.output if ran.ok else f"{ran.output}\n(ended by: {ran.ended_by})"


app = server.streamable_http_app(json_response=True, stateless_http=True)

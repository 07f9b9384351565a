"""Servers that speak the Model Context Protocol over HTTP: what tools they have, and calls of them."""

from anima.vendors.mcp.client import Answer, Listed, Server, call, tools
from anima.vendors.mcp.errors import ToolsChanged, Unreached, WrongServer

__all__ = ["Answer", "Listed", "Server", "ToolsChanged", "Unreached", "WrongServer", "call", "tools"]

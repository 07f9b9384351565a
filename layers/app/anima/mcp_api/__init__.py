"""The door for other agents: an avatar's memory as tools of the Model Context Protocol, at /mcp."""

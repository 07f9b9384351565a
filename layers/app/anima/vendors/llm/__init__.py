"""Chat models: the local one and how it is run, and the client of every OpenAI-protocol server."""

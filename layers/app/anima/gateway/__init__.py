"""Gateway: which language model answers, what the catalogue knows of it, and the call itself."""

"""Emotions: the mood of a session, moved by what is said, fading by itself."""

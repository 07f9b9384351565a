"""Avatars: somebody with a name and a personality, who belongs to a user."""

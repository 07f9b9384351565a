"""Relationships: how close an avatar is to a person."""

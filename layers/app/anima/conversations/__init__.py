"""Conversations: sessions, who takes part in them, what was said, and the media that came along."""

"""Readers of past conversations: what chat services export, and plain transcripts, become turns on disk."""

from anima.vendors.readers.transcripts.apart import Summary, read_apart
from anima.vendors.readers.transcripts.errors import NotATranscript, SpeakerUnknown, TranscriptDamaged, UnknownVersion
from anima.vendors.readers.transcripts.model import Said
from anima.vendors.readers.transcripts.opening import looks_like_one
from anima.vendors.readers.transcripts.spool import Conversation, Spoken, Spool
from anima.vendors.readers.transcripts.who import called

__all__ = [
    "Conversation",
    "NotATranscript",
    "Said",
    "SpeakerUnknown",
    "Spoken",
    "Spool",
    "Summary",
    "TranscriptDamaged",
    "UnknownVersion",
    "called",
    "looks_like_one",
    "read_apart",
]

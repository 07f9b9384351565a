"""Readers of files: what people bring in becomes blocks of text with their places. Which one reads goes by content."""

from anima.vendors.readers.apart import read_apart
from anima.vendors.readers.content import Medium, medium_of
from anima.vendors.readers.errors import TooMuch, UnknownMedium, Unreadable
from anima.vendors.readers.model import Block, Item, Limits, Place, Progress, Unread, from_json, to_json
from anima.vendors.readers.reading import needs_media, read

__all__ = [
    "Block",
    "Item",
    "Limits",
    "Medium",
    "Place",
    "Progress",
    "TooMuch",
    "UnknownMedium",
    "Unread",
    "Unreadable",
    "from_json",
    "medium_of",
    "needs_media",
    "read",
    "read_apart",
    "to_json",
]

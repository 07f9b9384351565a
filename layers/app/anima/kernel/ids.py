"""Identifiers made by the application: UUID version 7 (RFC 9562), ordered by the time they were made."""

from __future__ import annotations

import os
import threading
import time
import uuid

_lock = threading.Lock()
_last_millis = 0
_sequence = 0


def uuid7() -> uuid.UUID:
    """A UUID version 7: 48 bits of milliseconds, 12 of a sequence within one, 62 random; grows within a process."""
    global _last_millis, _sequence
    with _lock:
        millis = max(time.time_ns() // 1_000_000, _last_millis)
        _sequence = _sequence + 1 if millis == _last_millis else 0
        if _sequence > 0xFFF:
            millis, _sequence = millis + 1, 0
        _last_millis, sequence = millis, _sequence
    random_bits = int.from_bytes(os.urandom(8), "big") & ((1 << 62) - 1)
    return uuid.UUID(int=millis << 80 | 0x7 << 76 | sequence << 64 | 0b10 << 62 | random_bits)

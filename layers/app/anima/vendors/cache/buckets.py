"""Token buckets on a server of the Redis protocol, so that many processes count together (`anima.kernel.buckets`)."""

from __future__ import annotations

from collections.abc import Callable

from anima.kernel import secrets
from anima.kernel.buckets import Taker

# The moment at which a bucket is full, by the server's own clock, which is the same for all that ask.
SCRIPT = """
local clock = redis.call('time')
local now = tonumber(clock[1]) + tonumber(clock[2]) / 1000000
local capacity, refill = tonumber(ARGV[1]), tonumber(ARGV[2])
local full_at = math.max(tonumber(redis.call('get', KEYS[1]) or 0), now)
if full_at > now + 2 * refill then full_at = now end
full_at = full_at + refill / capacity
local wait = full_at - now - refill
if wait > 0.000001 then return string.format('%.6f', wait) end
redis.call('set', KEYS[1], string.format('%.6f', full_at), 'px', math.ceil((full_at - now) * 1000) + 1)
return '0'
"""
Evaluate = Callable[[str, str, list[str]], bytes | None]


def over(evaluate: Evaluate) -> Taker:
    """A taker over a store that runs scripts: `evaluate(script, key, arguments)`, None where it cannot be asked."""

    def take(key: str, capacity: int, refill_seconds: float) -> float | None:
        name = f"anima:bucket:{secrets.keyed_hash('bucket', key)[:16].hex()}"
        answer = evaluate(SCRIPT, name, [str(capacity), repr(float(refill_seconds))])
        return None if answer is None else float(answer)

    return take

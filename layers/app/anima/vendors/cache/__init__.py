"""What is kept so that it need not be made again: in this process, and on a server of the Redis protocol if one is set.

Nothing depends on it: what is not found is made. Keys say nothing (HMAC, of each tenant its own), values that leave the
process are encrypted, and all goes with its tenant, or by its time.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Protocol

from anima.kernel import buckets, secrets, telemetry
from anima.kernel.config import settings
from anima.vendors.cache.memory import Recent

_KEY_BYTES = 16


class Shared(Protocol):
    """A store that processes share. None of its calls raises, or takes more than some milliseconds."""

    def get(self, key: str) -> bytes | None: ...

    def put(self, key: str, value: bytes) -> None: ...

    def forget(self, prefix: str) -> bool: ...


class Cache:
    """A cache in front of a cache: this process's, then the shared one."""

    def __init__(self, shared: Shared | None = None, recent: Recent | None = None) -> None:
        self._recent = recent or Recent()
        self._shared = shared

    def get(self, tenant: int, kind: str, of: str) -> bytes | None:
        """What is kept of a tenant under a name, if anything."""
        key = key_of(tenant, kind, of)
        found = self._recent.get(key)
        if found is None and self._shared is not None:
            found = self._shared.get(key)
            if found is not None:
                self._recent.put(key, found)
        telemetry.count("cache.hits" if found is not None else "cache.misses", cache=kind)
        return found

    def put(self, tenant: int, kind: str, of: str, value: bytes) -> None:
        """Keeps a value for a while."""
        key = key_of(tenant, kind, of)
        self._recent.put(key, value)
        if self._shared is not None:
            self._shared.put(key, value)

    def forget(self, tenant: int) -> bool:
        """Lets go of all that is kept of a tenant; False where the shared store could not be asked."""
        prefix = prefix_of(tenant)
        self._recent.forget(prefix)
        return self._shared is None or self._shared.forget(prefix)


def prefix_of(tenant: int) -> str:
    """How the keys of a tenant begin."""
    return f"anima:{secrets.keyed_hash('cache-tenant', str(tenant))[:_KEY_BYTES].hex()}:"


def key_of(tenant: int, kind: str, of: str) -> str:
    """The key of a value: of each tenant another one, for the same name too."""
    return prefix_of(tenant) + secrets.keyed_hash(f"cache-key:{tenant}:{kind}", of)[:_KEY_BYTES].hex()


@lru_cache(maxsize=1)
def cache() -> Cache:
    """The cache of this process, as the settings have it; where others share it, token buckets are kept there, too."""
    url = settings().redis_url
    if url is None:
        return Cache()
    from anima.vendors.cache.buckets import over
    from anima.vendors.cache.over_redis import RedisCache

    server = RedisCache(url.get_secret_value())
    buckets.share(over(server.evaluate))
    return Cache(server)

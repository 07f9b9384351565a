"""What can be wrong with an engine that holds vectors: away, refusing the key, holding something else."""

from __future__ import annotations

from anima.kernel.errors import BadInput, Unavailable


class StoreUnavailable(Unavailable):
    """The vector engine at {place} cannot be reached at the moment ({reason}); it is tried again."""

    slug = "store-unavailable"
    quoted = ("place", "reason")


class StoreRefused(BadInput):
    """The vector engine at {place} refuses the key ({reason})."""

    slug = "store-refused"
    quoted = ("place", "reason")


class StoreMismatch(BadInput):
    """What the vector engine holds does not fit: {reason}."""

    slug = "store-mismatch"
    quoted = ("reason",)


class StoreFault(BadInput):
    """The vector engine at {place} does not take this: {reason}."""

    slug = "store-fault"
    quoted = ("place", "reason")


class UnknownProvider(BadInput):
    """There is no vector engine {provider}; there are {known}."""

    slug = "unknown-provider"
    quoted = ("provider",)


class ClientMissing(BadInput):
    """The client of {provider} is not installed: `.venv/bin/pip install -e '.[stores]'` where Anima lies brings it."""

    slug = "store-client-missing"


class NoEndpoint(BadInput):
    """A store on {provider} needs an address: give endpoint_url, or set {setting}."""

    slug = "store-without-address"

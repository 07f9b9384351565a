"""Neon's published REST API (version 2), as far as branches of one project need it."""

from anima.vendors.neon.client import Neon
from anima.vendors.neon.errors import (
    NeonBusy,
    NeonConflict,
    NeonError,
    NeonKeyRefused,
    NeonLimitReached,
    NeonNotFound,
    NeonOperationFailed,
    NeonRefused,
    NeonUnreachable,
)
from anima.vendors.neon.model import Branch, Database, Endpoint, Operation

__all__ = [
    "Branch",
    "Database",
    "Endpoint",
    "Neon",
    "NeonBusy",
    "NeonConflict",
    "NeonError",
    "NeonKeyRefused",
    "NeonLimitReached",
    "NeonNotFound",
    "NeonOperationFailed",
    "NeonRefused",
    "NeonUnreachable",
    "Operation",
]

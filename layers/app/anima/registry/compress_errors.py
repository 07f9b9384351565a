"""What cannot be compressed or restored, as typed errors."""

from __future__ import annotations

from anima.kernel.errors import BadInput


class NotCompressible(BadInput):
    """{model} cannot be compressed in this way: {reason}."""

    slug = "not-compressible"
    quoted = ("model", "reason")


class BadQuantization(BadInput):
    """The quantised weight {weight} cannot be read: {reason}."""

    slug = "bad-quantization"
    quoted = ("weight",)


class NotQuantized(BadInput):
    """{model} is not quantised."""

    slug = "not-quantized"
    quoted = ("model",)

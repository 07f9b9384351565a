"""What Neon's API answers when it does not do what it was asked: one class for each thing a person can act on."""

from __future__ import annotations

from anima.kernel.errors import AnimaError


class NeonError(AnimaError):
    """Neon did not do it: {reason}"""

    status = 502
    slug = "neon"


class NeonKeyRefused(NeonError):
    """Neon does not accept the key in NEON_API_KEY, or the key may not do this: {reason}"""

    slug = "neon-key-refused"


class NeonNotFound(NeonError):
    """Neon knows no such project, branch or compute (NEON_PROJECT_ID is {project}): {reason}"""

    slug = "neon-not-found"


class NeonConflict(NeonError):
    """This does not fit with what Neon has: {reason}"""

    status = 409
    slug = "neon-conflict"


class NeonLimitReached(NeonError):
    """The Neon project is over its limit ({code}): {reason} Delete branches that nobody needs, or change the plan."""

    status = 409
    slug = "neon-limit-reached"


class NeonRefused(NeonError):
    """Neon refused the request ({status_code}): {reason}"""

    slug = "neon-refused"


class NeonBusy(NeonError):
    """Neon is still busy after {seconds:.0f} s ({reason}); try again later."""

    status = 503
    slug = "neon-busy"


class NeonUnreachable(NeonError):
    """Neon's API at {url} does not answer: {reason}"""

    status = 503
    slug = "neon-unreachable"


class NeonOperationFailed(NeonError):
    """Neon began `{action}` and did not finish it: {reason}"""

    slug = "neon-operation-failed"

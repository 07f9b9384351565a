"""What can be wrong with a file that should hold past conversations."""

from __future__ import annotations

from anima.kernel.errors import BadInput


class NotATranscript(BadInput):
    """This is no transcript: {reason}.

    Exports of ChatGPT, Claude and WhatsApp are, and so are lines such as "Anna: hello", and turns in the form of ours.
    """

    slug = "not-a-transcript"


class UnknownVersion(BadInput):
    """The export is of a version that is not known: {reason}."""

    slug = "unknown-version"


class TranscriptDamaged(BadInput):
    """The transcript is damaged or cut short: {reason}. Nothing of it was taken in."""

    slug = "transcript-damaged"


class SpeakerUnknown(BadInput):
    """Nobody called {name} speaks in the transcript; there are: {speakers}."""

    slug = "speaker-unknown"


ERRORS = {each.slug: each for each in (NotATranscript, UnknownVersion, TranscriptDamaged, SpeakerUnknown)}

"""What a model's words pass before they go out: marks of citations, in small talk how it begins, the avatar's conduct,
then safety, which sees what would be shown. Pure.
"""

from __future__ import annotations

from anima.chat.citations import Strainer
from anima.chat.manner import Manner
from anima.chat.small_talk import Beginning
from anima.safety import service as safety


class Lips:
    """One reply on its way out, however many times the model speaks for it; `before` stands before its first words."""

    def __init__(
        self, strainer: Strainer, beginning: Beginning, manner: Manner, watch: safety.Watch, before: str = ""
    ) -> None:
        self.strainer, self.beginning, self.manner, self.watch = strainer, beginning, manner, watch
        self._before = before

    @property
    def closed(self) -> bool:
        """Nothing that follows goes out any more."""
        return self.manner.done or self.watch.stopped

    def feed(self, text: str) -> str:
        """What goes out now."""
        return self._out(self.watch.feed(self.manner.feed(self.beginning.feed(self.strainer.feed(text)))))

    def rest(self) -> str:
        """What was held back, at the end."""
        left = self.beginning.feed(self.strainer.rest()) + self.beginning.rest()
        ready = self.manner.feed(left) + self.manner.rest()
        return self._out(self.watch.feed(ready) + self.watch.rest())

    def _out(self, ready: str) -> str:
        if not ready:
            return ""
        before, self._before = self._before, ""
        return before + ready

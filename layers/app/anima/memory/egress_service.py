"""Which model may be asked about a person's words outside of a turn: what follows one, summaries, sleep, curiosity."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from anima.gateway import service as gateway
from anima.gateway.model import Model, limited, routed
from anima.memory import sensitivity


def reader(
    avatar_model: str | None, rules: Mapping[str, Any], texts: Iterable[str], about: Collection[str] = ()
) -> Model | None:
    """The avatar's model where its egress lets it read these texts, else the local one, else none. `about` are
    categories that are known of them besides what their words say.

    Raises ModelNotConfigured, NoModel, BadProfiles.
    """
    chosen = gateway.choose(None, avatar_model)
    if not (among := limited(rules)):
        return chosen
    known = frozenset(about).union(*(sensitivity.categories(text, among) for text in texts))
    return routed(chosen, gateway.local, rules, known).model

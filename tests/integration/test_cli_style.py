"""`anima style` as a person types it."""

from __future__ import annotations

import pytest

from fixtures.house import House

pytestmark = pytest.mark.model


def test_it_is_shown_corrected_switched_off_and_forgotten(up: House) -> None:
    shown = up.say("style", "show")
    assert "0 messages, not settled yet" in shown
    assert up.json("style", "set", "emoji", "none")["traits"]["emoji"]["value"] == "none"
    assert up.json("style", "set", "emoji", "auto")["traits"]["emoji"]["value"] is None
    up.say("style", "set", "length", "short")
    assert "no" in up.say("style", "off").splitlines()[0]
    assert up.json("style", "show")["enabled"] is False
    assert up.json("style", "on")["enabled"] is True
    refused = up.run("style", "set", "emoji", "lots")
    assert refused.returncode == 1
    assert "none" in refused.stderr
    up.say("style", "reset", "--yes")
    assert up.json("style", "show")["traits"]["length"]["corrected"] is None

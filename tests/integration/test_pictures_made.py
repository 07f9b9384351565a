"""Pictures by the images protocol: what is asked, what comes back, what goes wrong."""

from __future__ import annotations

import base64
import time

import pytest

from anima.kernel import config
from anima.vendors import images
from anima.vendors.llm import client
from anima.vendors.llm.calls import Endpoint
from anima.vendors.llm.errors import (
    MalformedAnswer,
    ModelAuthFailed,
    ModelError,
    ModelQuotaExceeded,
    ModelRefused,
    ModelTimeout,
    ModelUnavailable,
)
from fixtures.providers.images_dialect import png
from fixtures.providers.server import KEY, Answer, Double


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """The pause before a second attempt is short."""
    monkeypatch.setattr(client, "_FIRST_DELAY", 0.005)


def make(double: Double, seconds: float = 20.0) -> images.Picture:
    endpoint = Endpoint(double.url, KEY, provider="openai")
    return images.make(endpoint, "an-image-model", "A red square.", deadline=time.monotonic() + seconds)


def test_a_picture_is_made(pictures: Double, other_pictures: Double) -> None:
    for server in (pictures, other_pictures):
        made = make(server)
        assert (made.data, made.mime) == (png(), "image/png")
        assert server.chats[-1]["prompt"] == "A red square."


@pytest.mark.parametrize(
    ("answer", "error", "attempts"),
    [
        (Answer(fails="auth"), ModelAuthFailed, 1),
        (Answer(fails="busy"), ModelQuotaExceeded, 3),
        (Answer(fails="quota"), ModelQuotaExceeded, 1),
        (Answer(fails="refused"), ModelRefused, 1),
        (Answer(fails="server"), ModelUnavailable, 3),
        (Answer("nothing"), MalformedAnswer, 1),
        (Answer("!"), MalformedAnswer, 1),
        (Answer(base64.b64encode(b"<script>").decode()), MalformedAnswer, 1),
        (Answer("http://127.0.0.1:1/picture.png"), ModelUnavailable, 1),
    ],
)
def test_what_goes_wrong_is_typed(pictures: Double, answer: Answer, error: type[ModelError], attempts: int) -> None:
    pictures.always(answer)
    with pytest.raises(error):
        make(pictures)
    assert len(pictures.chats) == attempts


def test_a_failure_that_passes_is_not_seen(pictures: Double) -> None:
    pictures.script(Answer(fails="overloaded"), Answer(fails="busy", retry_after="0"))
    assert make(pictures).data == png()


def test_silence_ends_at_the_deadline(pictures: Double) -> None:
    pictures.script(Answer(hangs=True))
    with pytest.raises(ModelTimeout):
        make(pictures, seconds=0.2)


def test_another_protocol_makes_none() -> None:
    with pytest.raises(ModelUnavailable):
        images.make(Endpoint("http://127.0.0.1:1", KEY, "anthropic"), "m", "A square.")


def test_the_model_is_that_of_the_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    config.settings.cache_clear()
    assert images.configured() is None
    monkeypatch.setenv("ANIMA_IMAGE_MODEL", "openai:gpt-image-2.5-flare")
    monkeypatch.setenv("OPENAI_API_KEY", "sk-of-tests")
    config.settings.cache_clear()
    endpoint, model = images.configured() or pytest.fail("none")
    assert (endpoint.base_url, endpoint.api_key, model) == (
        "https://api.openai.com/v1",
        "sk-of-tests",
        "gpt-image-2.5-flare",
    )
    monkeypatch.undo()
    config.settings.cache_clear()

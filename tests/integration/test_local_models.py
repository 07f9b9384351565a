"""The real models that people get without a key: what the embedder finds near, and that the chat model talks."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import openai
import pytest

from anima.vendors.embeddings import Embedder
from anima.vendors.llm.local_server import LocalServer

pytestmark = pytest.mark.model


def likeness(embedder: Embedder, first: str, second: str) -> float:
    a, b = embedder.embed([first, second])
    return float(a @ b)


@pytest.mark.parametrize(
    ("question", "answer", "distractor"),
    [
        ("What food does he dislike?", "I hate olives.", "I love the sea in winter."),
        ("Where does she live?", "My flat is in the old town of Oslo.", "The train leaves at noon."),
        ("How do I reset my password?", "Choose a new passphrase in your account.", "The cake needs an hour."),
    ],
)
def test_answer_is_nearer_than_a_distractor(
    real_embedder: Embedder, question: str, answer: str, distractor: str
) -> None:
    near, far = likeness(real_embedder, question, answer), likeness(real_embedder, question, distractor)
    assert near > far + 0.1


def test_vectors_have_length_one_and_do_not_depend_on_their_batch(real_embedder: Embedder) -> None:
    texts = ["Hello, I am Diego.", "", "olives " * 600, "Übermut 你好 🙂", "a"]
    vectors = real_embedder.embed(texts)
    assert vectors.shape == (5, real_embedder.dimension) == (5, 384)
    assert vectors.dtype == np.float32
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    for row, text in enumerate(texts):
        assert np.allclose(real_embedder.embed([text])[0], vectors[row], atol=1e-5)
    assert real_embedder.embed([]).shape == (0, 384)


def test_tokens_are_counted_whole_and_read_up_to_the_limit(real_embedder: Embedder) -> None:
    assert real_embedder.count_tokens(["", "hello world", "olive " * 300]) == [2, 4, 302]
    fits = "olive " * (real_embedder.max_tokens - 2)
    assert np.array_equal(*real_embedder.embed([fits, fits + "and much more"]))
    assert real_embedder.count_tokens([]) == []


def test_threads_share_the_embedder(real_embedder: Embedder) -> None:
    texts = [f"Sentence number {n} about boats." for n in range(12)]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(lambda text: real_embedder.embed([text])[0], texts))
    assert np.allclose(np.array(together), real_embedder.embed(texts), atol=1e-5)
    assert real_embedder.name.startswith("all-MiniLM-L6-v2@")


def test_chat_model_streams_in_the_openai_protocol(local_llm: LocalServer) -> None:
    client = openai.OpenAI(base_url=local_llm.url, api_key=local_llm.api_key)
    messages: list[Any] = [
        {"role": "system", "content": "You are Luna. You answer in one short sentence."},
        {"role": "user", "content": "What is the capital of France?"},
    ]
    chunks = list(
        client.chat.completions.create(
            model=local_llm.model,
            messages=messages,
            max_tokens=24,
            temperature=0,
            stream=True,
            stream_options={"include_usage": True},
        )
    )
    said = [chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices]
    assert "Paris" in "".join(said)
    assert len(said) > 3
    assert chunks[-1].usage is not None
    assert 0 < chunks[-1].usage.completion_tokens <= 24


def test_chat_model_keeps_to_a_schema(local_llm: LocalServer) -> None:
    client = openai.OpenAI(base_url=local_llm.url, api_key=local_llm.api_key)
    schema = {
        "type": "object",
        "properties": {"key": {"enum": ["city", "dislikes"]}, "value": {"type": "string", "maxLength": 20}},
        "required": ["key", "value"],
        "additionalProperties": False,
    }
    answer = client.chat.completions.create(
        model=local_llm.model,
        messages=[{"role": "user", "content": 'Which fact is told by "I cannot stand olives"? Answer in JSON.'}],
        max_tokens=40,
        temperature=0,
        response_format={"type": "json_schema", "json_schema": {"name": "fact", "strict": True, "schema": schema}},
    )
    fact = json.loads(answer.choices[0].message.content or "")
    assert fact["key"] == "dislikes"
    assert "olive" in fact["value"].lower()

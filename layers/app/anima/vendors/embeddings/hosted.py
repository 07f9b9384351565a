"""Embedding models of a server that speaks the OpenAI protocol: OpenAI itself, or Ollama."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

from anima.kernel.config import settings
from anima.kernel.errors import Unavailable

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from anima.vendors.embeddings.profiles import Hosted

_BATCH = 96
_SECONDS = 60.0
_CHARS_A_TOKEN = 3


class EmbedderUnset(Unavailable):
    """The embedding model {model} wants {setting} to be set."""

    slug = "embedder-unset"


class WrongVectors(Unavailable):
    """The embedding model {model} answered with {got} where {wanted} was expected."""

    slug = "wrong-vectors"


class HostedEmbedder:
    """One model of a server; each call is one request for up to 96 texts. Raises EmbedderUnset, WrongVectors, and
    the errors of `anima.vendors.llm.errors`.
    """

    def __init__(self, profile: Hosted) -> None:
        self._profile = profile
        self.dimension, self.max_tokens = profile.dimension, profile.max_tokens

    @property
    def name(self) -> str:
        """The model's name and who runs it: a publisher's name stands for one model only."""
        return f"{self._profile.name}@{self._profile.provider}"

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Vectors of length 1, as the server gives them."""
        import numpy as np

        vectors = np.zeros((len(texts), self.dimension), dtype=np.float32)
        for start in range(0, len(texts), _BATCH):
            batch = [text or " " for text in texts[start : start + _BATCH]]
            vectors[start : start + len(batch)] = self._asked(batch)
        lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
        unit: NDArray[np.float32] = vectors / np.maximum(lengths, np.finfo(np.float32).tiny)
        return unit

    def embed_question(self, text: str) -> NDArray[np.float32]:
        """These models make no difference between questions and passages."""
        vector: NDArray[np.float32] = self.embed([text])[0]
        return vector

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """An upper estimate, for the server's tokenizer is not here: a token for every three characters."""
        return [len(text) // _CHARS_A_TOKEN + 2 for text in texts]

    @cached_property
    def _client(self) -> Any:
        from openai import OpenAI

        base_url, key = self._server()
        return OpenAI(base_url=base_url, api_key=key, timeout=_SECONDS, max_retries=3)

    def _server(self) -> tuple[str | None, str]:
        known = settings()
        if self._profile.provider == "ollama":
            if known.ollama_host is None:
                raise EmbedderUnset(what=self.name, model=self._profile.name, setting="OLLAMA_HOST")
            return f"{known.ollama_host.rstrip('/')}/v1", "ollama"
        if known.openai_api_key is None:
            raise EmbedderUnset(what=self.name, model=self._profile.name, setting="OPENAI_API_KEY")
        return known.openai_base_url, known.openai_api_key.get_secret_value()

    def _asked(self, texts: list[str]) -> NDArray[np.float32]:
        import numpy as np
        from openai import OpenAIError

        from anima.vendors.llm.errors import translated

        cut = [text[: self.max_tokens * _CHARS_A_TOKEN] for text in texts]
        try:
            answer = self._client.embeddings.create(model=self._profile.name, input=cut, encoding_format="float")
        except OpenAIError as error:
            raise translated(self._profile.name, error, late=False) from error
        rows = sorted(answer.data, key=lambda row: row.index)
        shapes = {len(row.embedding) for row in rows}
        if len(rows) != len(texts) or shapes != {self.dimension}:
            wanted = f"{len(texts)} vectors of {self.dimension} numbers"
            got = f"{len(rows)} vectors of {sorted(shapes)} numbers"
            raise WrongVectors(what=self.name, model=self._profile.name, got=got, wanted=wanted)
        return np.asarray([row.embedding for row in rows], dtype=np.float32)

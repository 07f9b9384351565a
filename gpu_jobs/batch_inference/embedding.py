"""Texts to vectors by the house's embedding models; where the database is reachable, by its cache of embeddings too."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from anima.inference.batch_file import Batch, EmbeddingsEngine, EmbeddingsParameters
from anima.kernel.errors import AnimaError
from anima.vendors.embeddings import Embedder, embedder

from .engines import Answer, EngineDown, Outcome, Surroundings, now
from .lines import Fault, Line

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class Embedding:
    """The engine of vectors: many lines at once, by one thread, for the model has threads of its own."""

    def __init__(self, batch: Batch, around: Surroundings) -> None:
        engine, parameters = batch.engine, batch.settings
        assert isinstance(engine, EmbeddingsEngine)
        assert isinstance(parameters, EmbeddingsParameters)
        self._model: Embedder = embedder(engine.model)
        self.name, self.version = self._model.name, self._model.name
        self.at_once, self.workers = engine.batch, 1
        self._parameters = parameters
        self._cache = None if parameters.question else around.owner_id

    def answer(self, lines: Sequence[Line]) -> list[Outcome]:
        """Vectors of texts and prompts; messages have none."""
        texts = [line.content if isinstance(line.content, str) else None for line in lines]
        asked = [text for text in texts if text is not None]
        begun = now()
        try:
            vectors = self._vectors(asked)
            tokens = self._model.count_tokens(asked)
        except AnimaError as error:
            raise EngineDown(engine=self.name, reason=error.detail) from error
        found = iter(zip(vectors, tokens, strict=True))
        seconds = (now() - begun) / max(len(asked), 1)
        return [
            Fault("bad-line", "messages have no vector; a text has")
            if text is None
            else self._answer(*next(found), seconds)
            for text in texts
        ]

    def close(self) -> None:
        """The model goes with the process."""

    def _vectors(self, texts: list[str]) -> NDArray[np.float32]:
        import numpy as np

        if not texts:
            return np.zeros((0, self._model.dimension), np.float32)
        if self._parameters.question:
            return np.stack([self._model.embed_question(text) for text in texts])
        if self._cache is not None:
            from anima.inference import cache_service
            from anima.kernel import db

            try:
                return cache_service.embed(db.Principal(self._cache, login="worker"), self._cache, self._model, texts)
            except AnimaError:
                self._cache = None  # without a database the model makes them all; what is wrong with it, it tells again
        return self._model.embed(texts)

    def _answer(self, vector: NDArray[np.float32], tokens: int, seconds: float) -> Answer:
        return Answer({"vector": self._written(vector)}, min(tokens, self._model.max_tokens), 0, seconds)

    def _written(self, vector: NDArray[np.float32]) -> Any:
        if self._parameters.encoding == "base64":
            return base64.b64encode(vector.astype("<f4").tobytes()).decode()
        return [float(str(number)) for number in vector]  # the shortest number that is this float32

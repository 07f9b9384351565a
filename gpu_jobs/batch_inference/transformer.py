"""A transformer of torch as an engine: a model of the registry, or a folder; lines are read and answered in batches.

What is drawn for a line is drawn by the seed and its own tokens, so it depends neither on its neighbours nor on when
the job was stopped.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from anima.inference.batch_file import Batch, TransformerEngine, TransformerParameters

from .engines import STOPPED, Answer, EngineDown, Outcome, Surroundings, now
from .lines import Fault, Line

if TYPE_CHECKING:
    import uuid

    from anima.kernel import db

_MOST_PATTERN_TOKENS = 4096


@dataclass(slots=True)
class Row:
    """A line on its way: the tokens that it has, how many of them are its own, and how it ended."""

    line: Line
    words: list[int]
    given: int
    most: int
    finish: str | None = None
    text: str = ""
    generator: Any = None
    fields: dict[str, Any] = field(default_factory=dict)


class Transformer:
    """The engine; one thread at a time computes with it."""

    def __init__(self, batch: Batch, around: Surroundings) -> None:
        import torch

        engine, parameters = batch.engine, batch.settings
        assert isinstance(engine, TransformerEngine)
        assert isinstance(parameters, TransformerParameters)
        self._torch, self._how, self._stop = torch, parameters, around.stop
        self._keeps, self._memory = batch.attention, batch.most_memory_bytes
        self._model_id: uuid.UUID | None = None
        self._principal: db.Principal | None = None
        folder = self._folder(engine, around)
        self.name = engine.model or Path(folder).name
        self.at_once, self.workers = engine.batch, 1
        self._device = _device(engine.device)
        self._module, self._ends = _loaded(folder, engine.dtype, self._device)
        self._words = _tokenizer(folder)
        self.version = str(self._model_id or _digest(folder))

    def answer(self, lines: Sequence[Line]) -> list[Outcome]:
        """Outcomes in order; lines that cannot be read by this model say why."""
        outcomes: dict[int, Outcome] = {}
        rows = []
        for line in lines:
            found = self._begun(line)
            if isinstance(found, Fault):
                outcomes[line.number] = found
            else:
                rows.append(found)
        begun = now()
        try:
            for some in self._fitting(rows):
                outcomes |= self._answered(some, begun)
        except self._torch.OutOfMemoryError:
            reason = "the device has no memory for so many lines at once; engine.batch says how many"
            raise EngineDown(engine=self.name, reason=reason) from None
        return [outcomes[line.number] for line in lines]

    def close(self) -> None:
        """The module goes with the process."""

    def _folder(self, engine: TransformerEngine, around: Surroundings) -> Path:
        if engine.folder is not None:
            return Path(engine.folder)
        from anima.kernel import db
        from anima.registry import export_service, service

        self._principal = db.Principal(around.owner("a model of the registry"))
        model = service.get(self._principal, engine.model or "")
        self._model_id = model.model_id
        target = around.folder / "work" / f"model-{model.model_id}"
        if not target.exists():
            target.parent.mkdir(parents=True, exist_ok=True)
            export_service.export(self._principal, model, target, stop=around.stop.asked)
        return target

    def _begun(self, line: Line) -> Row | Fault:
        if not isinstance(line.content, str):
            return Fault("bad-line", "this engine reads prompts and texts, no messages")
        words = self._words.encode(line.content).ids
        longest = self._module.longest
        if not words or len(words) > longest - (self._how.mode == "generate"):
            return Fault("context-too-long", f"it has {len(words)} tokens; the model reads 1 to {longest - 1}")
        most = 0 if self._how.mode == "forward" else min(self._how.max_tokens, longest - len(words))
        row = Row(line, words, len(words), most)
        if self._how.temperature > 0:
            told = hashlib.sha256(json.dumps([self._how.seed, words]).encode()).digest()
            row.generator = self._torch.Generator().manual_seed(int.from_bytes(told[:7], "little"))
        return row

    def _fitting(self, rows: list[Row]) -> Iterator[list[Row]]:
        """As many at once as keys and values of which fit into the memory that the job may have; at least one."""
        size = self._module.cache_numbers * next(self._module.parameters()).element_size()
        some: list[Row] = []
        for row in rows:
            longest = max(len(one.words) + one.most for one in (*some, row))
            if some and (len(some) + 1) * longest * size > self._memory:
                yield some
                some = []
            some.append(row)
        if some:
            yield some

    def _answered(self, rows: list[Row], begun: float) -> dict[int, Outcome]:
        with self._torch.inference_mode():
            whole = self._forward(rows) if self._how.mode == "forward" else self._generate(rows)
        if not whole:
            return dict.fromkeys((row.line.number for row in rows), STOPPED)
        if self._keeps:
            self._keep_attention(rows)
        seconds = (now() - begun) / len(rows)
        return {row.line.number: self._answer(row, seconds) for row in rows}

    def _answer(self, row: Row, seconds: float) -> Answer:
        if self._how.mode == "generate":
            row.fields = {"text": row.text, "finish": row.finish} | row.fields
        return Answer(row.fields, row.given, len(row.words) - row.given, seconds)

    def _generate(self, rows: list[Row]) -> bool:
        """Writes each row on until it ends; False where the job was asked to end meanwhile."""
        from .decoder import Cache

        cache, alive = Cache(), list(rows)
        words, positions, seen = self._padded(alive)
        while alive:
            if self._stop.asked():
                return False
            width = words.shape[1]
            mask = self._mask(seen, width)
            logits = self._module(words, positions, mask, cache)[:, -1].float()
            chosen = self._chosen(logits, alive)
            for row, word in zip(alive, chosen, strict=True):
                self._take(row, word)
            kept = [place for place, row in enumerate(alive) if row.finish is None]
            if len(kept) < len(alive):
                rest = self._torch.tensor(kept, device=self._device, dtype=self._torch.long)
                cache.keep(rest)
                seen, positions = seen[rest], positions[rest]
                alive = [alive[place] for place in kept]
            words = self._torch.tensor([[row.words[-1]] for row in alive], device=self._device)
            positions = positions[:, -1:] + 1
            seen = self._torch.cat([seen, self._torch.ones_like(seen[:, :1])], 1)
        return True

    def _padded(self, rows: list[Row]) -> tuple[Any, Any, Any]:
        """Words, positions, and which places hold a token: (rows, longest), padded on the left."""
        longest = max(len(row.words) for row in rows)
        empty = [longest - len(row.words) for row in rows]
        words = [[0] * n + row.words for n, row in zip(empty, rows, strict=True)]
        places = [[0] * n + list(range(len(row.words))) for n, row in zip(empty, rows, strict=True)]
        there = [[False] * n + [True] * len(row.words) for n, row in zip(empty, rows, strict=True)]
        return tuple(self._torch.tensor(one, device=self._device) for one in (words, places, there))

    def _mask(self, seen: Any, new: int) -> Any:
        """(rows, 1, new, all): each place sees the tokens up to itself; padding sees itself."""
        length = seen.shape[1]
        causal = self._torch.ones(new, length, dtype=self._torch.bool, device=seen.device).tril(length - new)
        own = self._torch.eye(length, dtype=self._torch.bool, device=seen.device)[length - new :]
        return ((causal & seen[:, None, :]) | own)[:, None]

    def _chosen(self, logits: Any, rows: list[Row]) -> list[int]:
        """The likeliest next word of each row, or one that is drawn."""
        how = self._how
        if how.temperature == 0:
            return logits.argmax(-1).tolist()
        ordered, places = (logits / how.temperature).sort(-1, descending=True)
        shares = ordered.softmax(-1)
        before = shares.cumsum(-1) - shares
        shares = shares.masked_fill(before >= how.top_p, 0.0)
        if how.top_k:
            shares[:, how.top_k :] = 0.0
        lots = self._torch.stack([self._torch.rand((), generator=row.generator) for row in rows]).to(shares.device)
        upto = shares.cumsum(-1)
        drawn = (upto < (lots * upto[:, -1])[:, None]).sum(-1, keepdim=True).clamp_max(shares.shape[-1] - 1)
        return places.gather(-1, drawn)[:, 0].tolist()

    def _take(self, row: Row, word: int) -> None:
        """Adds a word to a row, and ends it where the model, a stop or the length says so."""
        row.words.append(word)
        new = row.words[row.given :]
        if word in self._ends:
            row.text, row.finish = self._words.decode(new[:-1]), "stop"
            return
        if self._how.stop:
            row.text = self._words.decode(new)
            found = [place for stop in self._how.stop if (place := row.text.find(stop)) >= 0]
            if found:
                row.text, row.finish = row.text[: min(found)], "stop"
                return
        if len(new) >= row.most:
            row.text, row.finish = self._words.decode(new), "length"

    def _forward(self, rows: list[Row]) -> bool:
        """How likely each text was: the mean of -log p over its tokens behind the first, and their sum."""
        from .decoder import Cache

        words, positions, seen = self._padded(rows)
        logits = self._module(words, positions, self._mask(seen, words.shape[1]), Cache()).float()
        likely = logits[:, :-1].log_softmax(-1).gather(-1, words[:, 1:, None])[..., 0]
        for row, numbers in zip(rows, likely.cpu(), strict=True):
            own = numbers[len(numbers) - row.given + 1 :].double()
            total = float(own.sum()) if row.given > 1 else 0.0
            row.fields = {"loss": -total / (row.given - 1) if row.given > 1 else None, "log_likelihood": total}
        return True

    def _keep_attention(self, rows: list[Row]) -> None:
        """Keeps what the model attends to over each text and what it wrote, in one pass more."""
        from anima.inference import attention_model, torch_service

        from .decoder import Cache

        short = [row for row in rows if len(row.words) <= _MOST_PATTERN_TOKENS]
        if not short:
            return
        assert self._principal is not None
        assert self._model_id is not None
        words, positions, seen = self._padded(short)
        said = [[self._words.id_to_token(word) or str(word) for word in row.words] for row in short]
        torch_service.record_attention(
            self._principal,
            self._model_id,
            self._module,
            lambda: self._module(words, positions, self._mask(seen, words.shape[1]), Cache()),
            said,
            masks=seen.tolist(),
        )
        for row, tokens in zip(short, said, strict=True):
            row.fields["attention"] = attention_model.input_hash(tokens).hex()


def _device(wanted: str) -> str:
    import torch

    if wanted != "auto":
        return wanted
    return "cuda" if torch.cuda.is_available() else "cpu"


def _loaded(folder: Path, dtype: str, device: str) -> tuple[Any, frozenset[int]]:
    """The module of a folder, and the words at which it ends. Raises EngineDown."""
    import torch
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    from .decoder import UnknownArchitecture, built

    try:
        config = json.loads((folder / "config.json").read_text())
        weights = {}
        for path in sorted(folder.glob("*.safetensors")):
            weights |= load_file(path)
        if dtype != "saved":
            weights = {name: one.to(getattr(torch, dtype)) for name, one in weights.items()}
        module = built(config, weights).to(device)
    except (OSError, ValueError, SafetensorError, UnknownArchitecture) as error:
        raise EngineDown(engine=folder.name, reason=f"{type(error).__name__}: {error}") from error
    return module, _ends(folder, config)


def _ends(folder: Path, config: dict[str, Any]) -> frozenset[int]:
    given = config.get("eos_token_id")
    path = folder / "generation_config.json"
    if path.exists():
        given = json.loads(path.read_text()).get("eos_token_id", given)
    return frozenset(given if isinstance(given, list) else [] if given is None else [given])


def _tokenizer(folder: Path) -> Any:
    from tokenizers import Tokenizer

    if not (folder / "tokenizer.json").is_file():
        raise EngineDown(engine=folder.name, reason="it has no tokenizer.json")
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.no_padding()
    tokenizer.no_truncation()
    return tokenizer


def _digest(folder: Path) -> str:
    """What the files of a model are known by."""
    whole = hashlib.sha256()
    for path in sorted((*folder.glob("*.safetensors"), folder / "config.json", folder / "tokenizer.json")):
        with path.open("rb") as file:
            whole.update(path.name.encode() + hashlib.file_digest(file, "sha256").digest())
    return whole.hexdigest()

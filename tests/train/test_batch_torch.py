"""The batch job with a transformer of torch: answers as a transformer in numpy gives them, attention that is kept."""

from __future__ import annotations

import json
import subprocess
import sys
import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch
from gpu_jobs.batch_inference.decoder import Cache, UnknownArchitecture, built
from gpu_jobs.batch_inference.engines import Answer, EngineDown, Stop, Surroundings
from gpu_jobs.batch_inference.lines import Fault, Line
from gpu_jobs.batch_inference.transformer import Transformer as Engine
from safetensors.torch import save_file

from anima.inference import attention_service, batch_file, metrics_service, sessions_service
from anima.registry import import_service
from anima.registry import metrics_service as run_metrics
from fixtures import killed
from fixtures.model_folders import LLAMA, llama_shapes
from fixtures.tiny_transformer import BLOCKS, CONTEXT, HEADS, VOCABULARY, WIDTH, Transformer

if TYPE_CHECKING:
    from fixtures.tensors import Keeper

SCRIPT = Path(__file__).resolve().parents[2] / "gpu_jobs" / "batch_inference" / "batch_inference.py"
PROMPTS = ["w1 w2 w3", "w7", "w4 w4 w9 w60 w2", "w1 w2 w3"]


@pytest.fixture(scope="module")
def tiny() -> Transformer:
    torch.set_num_threads(1)
    return Transformer.of(5)


@pytest.fixture(scope="module")
def folder(tiny: Transformer, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The transformer in numpy as the files of a GPT-2: no biases, norms that only norm, a head of its own."""
    made = tmp_path_factory.mktemp("gpt2") / "tiny"
    made.mkdir()
    config = {"model_type": "gpt2", "n_embd": WIDTH, "n_head": HEADS, "n_layer": BLOCKS, "n_positions": CONTEXT}
    config |= {"vocab_size": VOCABULARY, "n_inner": 2 * WIDTH, "activation_function": "relu"}
    config |= {"tie_word_embeddings": False, "eos_token_id": 0}
    (made / "config.json").write_text(json.dumps(config))
    w = tiny.weights
    weights = {"wte.weight": w["tokens"], "wpe.weight": w["positions"], "lm_head.weight": w["head"].T}
    norms = ["ln_f"]
    for block in range(BLOCKS):
        at = f"h.{block}"
        norms += [f"{at}.ln_1", f"{at}.ln_2"]
        parts = {
            "attn.c_attn": np.concatenate([w[f"{block}.{one}"] for one in "qkv"], 1),
            "attn.c_proj": w[f"{block}.o"],
        }
        parts |= {"mlp.c_fc": w[f"{block}.up"], "mlp.c_proj": w[f"{block}.down"]}
        for name, one in parts.items():
            weights |= {f"{at}.{name}.weight": one, f"{at}.{name}.bias": np.zeros(one.shape[1], np.float32)}
    for norm in norms:
        weights |= {f"{norm}.weight": np.ones(WIDTH, np.float32), f"{norm}.bias": np.zeros(WIDTH, np.float32)}
    arrays = {name: torch.from_numpy(np.ascontiguousarray(one)) for name, one in weights.items()}
    save_file(arrays, made / "model.safetensors")
    write_tokenizer(made)
    return made


def write_tokenizer(folder: Path) -> None:
    from tokenizers import Tokenizer, models, pre_tokenizers

    words = {f"w{number}": number for number in range(VOCABULARY)}
    tokenizer = Tokenizer(models.WordLevel(words, unk_token="w0"))
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    tokenizer.save(str(folder / "tokenizer.json"))


def ids(text: str) -> list[int]:
    return [int(word[1:]) for word in text.split()]


def words(row: Sequence[int]) -> str:
    return " ".join(f"w{one}" for one in row)


def expected(tiny: Transformer, prompt: str, n: int) -> list[int]:
    """What the transformer in numpy writes on, up to the word that ends it."""
    new = tiny.generate(ids(prompt), n)[0][len(ids(prompt)) :]
    return new[: new.index(0)] if 0 in new else new


def engine(folder: Path, parameters: dict[str, Any], batch: int = 8, **more: Any) -> Engine:
    given = {"engine": {"kind": "transformer", "folder": str(folder), "batch": batch}, "input": "x", **more}
    return Engine(batch_file.read({**given, "parameters": parameters}), Surroundings(folder, None, Stop()))


def asked(*prompts: Any) -> list[Line]:
    return [
        Line(number, number, "prompt" if isinstance(one, str) else "messages", one, b"", 1)
        for number, one in enumerate(prompts, 1)
    ]


def test_the_job_answers_as_numpy_does_and_keeps_what_was_attended_to(
    keeper: Keeper, tiny: Transformer, folder: Path, tmp_path: Path
) -> None:
    model = import_service.import_folder(keeper.principal, folder, "tiny")
    run_id = uuid.uuid4()
    given = {
        "engine": {"kind": "transformer", "model": "tiny", "device": "cpu", "batch": 3},
        "lines": [{"id": number, "prompt": prompt} for number, prompt in enumerate(PROMPTS)],
        "parameters": {"max_tokens": 7},
        "attention": True,
    }
    environment = {
        **killed.surroundings(),
        "ANIMA_JOB_DIR": str(tmp_path / "job"),
        "ANIMA_JOB_CONFIG": json.dumps(given),
        "ANIMA_JOB_OWNER": str(keeper.owner_id),
        "ANIMA_JOB_RUN": str(run_id),
        "OMP_NUM_THREADS": "1",
    }
    done = subprocess.run([sys.executable, str(SCRIPT)], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    rows = [json.loads(line) for line in (tmp_path / "job" / "model" / "answers.jsonl").read_text().splitlines()]
    assert [row["id"] for row in rows] == [0, 1, 2, 3]
    assert [row["text"] for row in rows] == [words(expected(tiny, prompt, 7)) for prompt in PROMPTS]
    assert rows[3] == {**rows[0], "id": 3, "cached": True}
    assert not (tmp_path / "job" / "work").exists()

    for prompt, row in zip(PROMPTS, rows, strict=True):
        whole = tiny.generate(ids(prompt), row["completion_tokens"])[0]
        tiny.forward(whole)
        found = attention_service.patterns(keeper.principal, model.model_id, input_hash=row["attention"], limit=50)
        assert len(found.items) == BLOCKS * HEADS
        assert found.items[0].tokens == [f"w{one}" for one in whole]
        for one in found.items:
            kept = attention_service.weights(keeper.principal, one.pattern_id)
            assert np.allclose(kept, tiny.patterns[one.layer][one.head], atol=1e-5)

    told = {one.name: one.last for one in run_metrics.series(keeper.principal, run_id)}
    assert (told["cache_hits"], told["failed"], told["of"]) == (1.0, 0.0, 4.0)
    (session,) = sessions_service.sessions(keeper.principal, model_id=model.model_id).items
    assert session.ended_at is not None
    assert sum(one.requests for one in metrics_service.read(keeper.principal, session.inference_id)) == 3


@pytest.mark.parametrize("batch", [1, 3])
def test_batches_and_memory_change_no_answer(tiny: Transformer, folder: Path, batch: int) -> None:
    found = engine(folder, {"max_tokens": 9}, batch).answer(asked(*PROMPTS))
    assert [one.fields["text"] for one in found if isinstance(one, Answer)] == [
        words(expected(tiny, prompt, 9)) for prompt in PROMPTS
    ]
    narrow = engine(folder, {"max_tokens": 9}, 8)
    narrow._memory = 1
    assert [one.fields for one in narrow.answer(asked(*PROMPTS)) if isinstance(one, Answer)] == [
        one.fields for one in found if isinstance(one, Answer)
    ]


def test_what_is_drawn_depends_on_seed_and_text_alone(folder: Path) -> None:
    drawn = {"max_tokens": 12, "temperature": 1.5, "top_k": 20, "top_p": 0.9, "seed": 1}
    together = engine(folder, drawn).answer(asked(*PROMPTS))
    alone = [engine(folder, drawn).answer(asked(prompt))[0] for prompt in PROMPTS]
    assert [one.fields for one in together] == [one.fields for one in alone]  # type: ignore[union-attr]
    assert together[0].fields == together[3].fields  # type: ignore[union-attr]
    other = engine(folder, {**drawn, "seed": 2}).answer(asked(*PROMPTS))
    assert [one.fields for one in other] != [one.fields for one in together]  # type: ignore[union-attr]


def test_a_text_that_is_only_read_has_a_likelihood(tiny: Transformer, folder: Path) -> None:
    found = engine(folder, {"mode": "forward"}).answer(asked(*PROMPTS))
    for prompt, one in zip(PROMPTS, found, strict=True):
        assert isinstance(one, Answer)
        row = ids(prompt)
        sums = []
        for end in range(1, len(row)):
            logits = tiny.forward(row[:end])[0].astype(np.float64)
            sums.append(logits[row[end]] - np.log(np.exp(logits - logits.max()).sum()) - logits.max())
        assert one.fields["log_likelihood"] == pytest.approx(sum(sums), abs=1e-4)
        assert one.fields["loss"] == (pytest.approx(-np.mean(sums), abs=1e-4) if sums else None)


def test_what_a_model_cannot_read_is_told(folder: Path, tmp_path: Path) -> None:
    stops = engine(folder, {"max_tokens": 5, "stop": ["w"]})
    found = stops.answer(asked("w1 " * CONTEXT, [{"role": "user", "content": "w1"}], "w1"))
    assert [one.slug if isinstance(one, Fault) else one.fields["text"] for one in found] == [
        "context-too-long",
        "bad-line",
        "",
    ]
    stops._stop.event.set()
    assert [one.slug for one in stops.answer(asked("w1"))] == ["stopped"]  # type: ignore[union-attr]
    with pytest.raises(EngineDown, match=r"config\.json"):
        engine(tmp_path, {})
    (tmp_path / "config.json").write_text('{"model_type": "abacus"}')
    with pytest.raises(EngineDown, match="abacus"):
        engine(tmp_path, {})
    with pytest.raises(UnknownArchitecture, match="rotary"):
        built({**LLAMA, "rope_scaling": {"rope_type": "spiral"}}, {})


def test_a_llama_goes_on_from_its_cache_as_if_it_read_all_anew() -> None:
    torch.manual_seed(2)
    weights = {name: 0.3 * torch.randn(shape) for name, shape in llama_shapes().items()}
    model = built(LLAMA, weights)
    row = torch.tensor([[1, 5, 3, 9, 2, 7], [0, 0, 4, 4, 8, 1]])
    places = torch.tensor([[0, 1, 2, 3, 4, 5], [0, 0, 0, 1, 2, 3]])
    seen = torch.ones(6, 6, dtype=torch.bool).tril()[None, None].repeat(2, 1, 1, 1)
    seen[1, :, 2:, :2] = False
    whole = model(row, places, seen, Cache())
    cache = Cache()
    model(row[:, :4], places[:, :4], seen[:, :, :4, :4], cache)
    rest = model(row[:, 4:], places[:, 4:], seen[:, :, 4:], cache)
    assert torch.allclose(whole[:, 4:], rest, atol=1e-5)
    alone = model(row[1:, 2:], places[1:, 2:], seen[1:, :, 2:, 2:], Cache())
    assert torch.allclose(whole[1:, 2:], alone, atol=1e-5)

"""Inference state of a small transformer: sessions, what was measured, activations, keys and values, attention."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import timedelta
from typing import Any

import ml_dtypes
import numpy as np
import psycopg
import pytest

from anima.inference import (
    attention_service,
    caches_service,
    kv_service,
    layers_service,
    metrics_service,
    sessions_service,
    upkeep_service,
)
from anima.inference.attention_service import Recorded
from anima.inference.errors import (
    BadActivation,
    BadKv,
    BadMeasurement,
    BadPattern,
    KvGap,
    ModelMissing,
    PatternMissing,
    SessionEnded,
    SessionMissing,
)
from anima.inference.layers_service import Place, input_hash, weights_digest
from anima.inference.metrics_service import Measured
from anima.kernel import clock, ids, telemetry
from anima.kernel.errors import BadInput
from fixtures.tensors import Keeper
from fixtures.tiny_transformer import BLOCKS, HEADS, Transformer

Connection = psycopg.Connection[Any]
TOKENS = [5, 17, 3, 42, 8, 8, 1, 60, 23, 11]


@pytest.fixture
def model() -> Transformer:
    return Transformer.of(seed=9)


@pytest.fixture
def model_id(keeper: Keeper, owner_conn: Connection) -> uuid.UUID:
    return registered(keeper, owner_conn)


def registered(keeper: Keeper, connection: Connection) -> uuid.UUID:
    """A model of somebody's in the registry."""
    made = ids.uuid7()
    connection.execute(
        "insert into models (model_id, owner_id, name, version, type, created_at, updated_at) "
        "values (%s, %s, %s, 1, 'decoder', now(), now())",
        [made, keeper.owner_id, made.hex],
    )
    return made


@pytest.fixture
def inference_id(keeper: Keeper, model_id: uuid.UUID) -> uuid.UUID:
    return sessions_service.begin(keeper.principal, model_id, temperature=0.0).inference_id


@pytest.fixture
def counted() -> Iterator[dict[tuple[str, str], float]]:
    """What the caches' metrics have counted, by name and cache."""
    seen: dict[tuple[str, str], float] = {}

    def sink(name: str, value: float, labels: Mapping[str, str]) -> None:
        key = (name, labels.get("cache", ""))
        seen[key] = seen.get(key, 0) + value

    telemetry.sinks.append(sink)
    yield seen
    telemetry.sinks.remove(sink)


@pytest.fixture
def later() -> Iterator[Callable[[timedelta], None]]:
    """Lets time pass."""
    simulated = clock.SimulatedClock(clock.now())
    with clock.use(simulated):
        yield simulated.advance


def place_of(model: Transformer, block: int, dtype: str = "float32") -> Place:
    return Place(weights_digest(model.checksums()), f"block.{block}", dtype)


def counts(connection: Connection, keeper: Keeper, table: str) -> int:
    row = connection.execute(f"select count(*) from {table} where owner_id = %s", [keeper.owner_id]).fetchone()
    assert row is not None
    return int(row[0])


# Sessions and what is measured in them


def test_a_session_is_begun_listed_ended_and_deleted(
    keeper: Keeper, model_id: uuid.UUID, another_keeper: Keeper
) -> None:
    begun = [sessions_service.begin(keeper.principal, model_id, temperature=0.7, top_k=40, top_p=0.9) for _ in range(3)]
    assert begun[0].model.endswith("@1")
    first = sessions_service.sessions(keeper.principal, limit=2)
    rest = sessions_service.sessions(keeper.principal, first.next_cursor, 2, model_id=model_id)
    assert [one.inference_id for one in (*first.items, *rest.items)] == [one.inference_id for one in reversed(begun)]
    assert rest.next_cursor is None
    ended = sessions_service.end(keeper.principal, begun[0].inference_id)
    assert ended.ended_at is not None
    assert sessions_service.end(keeper.principal, begun[0].inference_id) == ended
    sessions_service.delete(keeper.principal, begun[0].inference_id)
    with pytest.raises(SessionMissing):
        sessions_service.session(keeper.principal, begun[0].inference_id)
    with pytest.raises(SessionMissing):
        sessions_service.session(another_keeper.principal, begun[1].inference_id)
    with pytest.raises(ModelMissing):
        sessions_service.begin(another_keeper.principal, model_id)


@pytest.mark.parametrize(
    "sampling", [{"temperature": -1.0}, {"temperature": float("nan")}, {"top_k": -1}, {"top_p": 0}]
)
def test_a_sampling_that_cannot_be_is_refused(keeper: Keeper, model_id: uuid.UUID, sampling: dict[str, Any]) -> None:
    with pytest.raises(BadInput) as refused:
        sessions_service.begin(keeper.principal, model_id, **sampling)
    assert [one.path for one in refused.value.fields] == list(sampling)
    assert sessions_service.sessions(keeper.principal).items == []


@pytest.mark.parametrize("cursor", ["!", "WzEsMl0", "WyIyMDI2LTAxLTAxIiwgIngiXQ"])
def test_a_cursor_that_lies_is_refused(keeper: Keeper, model_id: uuid.UUID, cursor: str) -> None:
    for ask in (
        lambda: sessions_service.sessions(keeper.principal, cursor),
        lambda: attention_service.patterns(keeper.principal, model_id, cursor=cursor),
        lambda: attention_service.inputs(keeper.principal, model_id, cursor),
    ):
        with pytest.raises(BadInput):
            ask()


def test_measurements_are_counted_and_read_in_stretches_of_time(keeper: Keeper, inference_id: uuid.UUID) -> None:
    begun = clock.now()
    measured = [
        Measured(float(n), 2.0, 50.0, 1000 + n, 10, n % 2, 1 - n % 2, begun + timedelta(seconds=n)) for n in range(100)
    ]
    metrics_service.record(keeper.principal, inference_id, measured)
    metrics_service.record(keeper.principal, inference_id, [])
    assert sessions_service.session(keeper.principal, inference_id).request_count == 100
    buckets = metrics_service.read(keeper.principal, inference_id, points=10)
    assert len(buckets) == 10
    assert sum(one.requests for one in buckets) == 100
    assert sum(one.tokens for one in buckets) == 1000
    assert (sum(one.cache_hits for one in buckets), sum(one.cache_misses for one in buckets)) == (50, 50)
    assert [one.at for one in buckets] == sorted(one.at for one in buckets)
    assert buckets[-1].latency_max == 99.0
    assert buckets[0].latency_mean == pytest.approx(sum(range(buckets[0].requests)) / buckets[0].requests)
    one = metrics_service.read(keeper.principal, inference_id, points=1)
    assert [(each.requests, each.latency_mean, each.memory_max) for each in one] == [(100, 49.5, 1099)]


@pytest.mark.parametrize(
    "wrong",
    [Measured(-1), Measured(float("inf")), Measured(1, tokens=-1), Measured(1, cache_hits=1.5)],  # type: ignore[arg-type]
)
def test_a_measurement_that_cannot_be_is_refused_with_all_of_its_batch(
    keeper: Keeper, inference_id: uuid.UUID, wrong: Measured
) -> None:
    with pytest.raises(BadMeasurement):
        metrics_service.record(keeper.principal, inference_id, [Measured(1.0), wrong])
    assert metrics_service.read(keeper.principal, inference_id) == []
    with pytest.raises(SessionMissing):
        metrics_service.record(keeper.principal, uuid.uuid4(), [Measured(1.0)])


# Activations of layers


def through(model: Transformer, keeper: Keeper, tokens: Sequence[int], cut: int = 1) -> Any:
    """The logits, with what block `cut` makes of the tokens taken from the cache."""

    def compute(_: Sequence[int]) -> list[np.ndarray[Any, Any]]:
        x = model.embedded(tokens)
        for block in range(cut + 1):
            x, _ignored = model.block(block, x)
        return [x]

    row = [np.array(tokens)]
    x = layers_service.reuse(keeper.principal, place_of(model, cut), [row], compute)[0]
    for block in range(cut + 1, BLOCKS):
        x, _pair = model.block(block, x)
    return model.logits(x)


def test_what_a_layer_made_is_used_again_to_the_bit(
    keeper: Keeper, model: Transformer, counted: dict[tuple[str, str], float]
) -> None:
    plain, _ = model.forward(TOKENS)
    first = through(model, keeper, TOKENS)
    read = model.read
    second = through(model, keeper, TOKENS)
    assert model.read - read == len(TOKENS) * (BLOCKS - 2), "the first two blocks were computed again"
    assert first.tobytes() == second.tobytes() == plain.tobytes()
    assert counted[("cache.hits", "layers")] == counted[("cache.misses", "layers")] == 1
    held = next(one for one in caches_service.caches(keeper.principal) if one.kind == "activations")
    assert (held.entries, held.hits, held.saved_bytes) == (1, 1, len(TOKENS) * 32 * 4)


def test_other_weights_layers_types_and_inputs_share_nothing(keeper: Keeper, model: Transformer) -> None:
    other = Transformer.of(seed=10)
    assert weights_digest(model.checksums()) != weights_digest(other.checksums())
    row = [np.array(TOKENS)]
    made = {input_hash(row): np.ones((2, 2), np.float32)}
    layers_service.keep(keeper.principal, place_of(model, 0), made)
    hashes = [input_hash(row)]
    assert layers_service.held(keeper.principal, place_of(model, 0), hashes)
    for place in (place_of(other, 0), place_of(model, 1), place_of(model, 0, "float64")):
        assert not layers_service.held(keeper.principal, place, hashes)
    inputs = [[np.array([1, 2])], [np.array([[1, 2]])], [np.array([1, 2], np.int32)], [np.array([1]), np.array([2])]]
    assert len({input_hash(one) for one in inputs}) == len(inputs)


def test_an_input_that_comes_twice_is_computed_once(keeper: Keeper, model: Transformer) -> None:
    asked: list[Sequence[int]] = []

    def compute(places: Sequence[int]) -> list[np.ndarray[Any, Any]]:
        asked.append(places)
        return [np.full((3,), place, np.float32) for place in places]

    inputs = [[np.array([n])] for n in (7, 8, 7, 9)]
    found = layers_service.reuse(keeper.principal, place_of(model, 0), inputs, compute)
    assert asked == [[0, 1, 3]]
    assert [one[0] for one in found] == [0, 1, 0, 3]


@pytest.mark.parametrize("dtype", ["float32", "float16", "bfloat16", "int8", "complex64"])
@pytest.mark.parametrize("shape", [(1,), (2, 3, 5), (40, 300)])
def test_activations_of_any_type_and_size_come_back_to_the_bit(
    keeper: Keeper, model: Transformer, dtype: str, shape: tuple[int, ...]
) -> None:
    assert np.dtype(ml_dtypes.bfloat16).name == "bfloat16"
    array = np.random.default_rng(1).standard_normal(shape).astype(np.dtype(dtype))
    place, digest = place_of(model, 0, dtype), input_hash([array])
    layers_service.keep(keeper.principal, place, {digest: array})
    found = layers_service.held(keeper.principal, place, [digest])[digest]
    assert (found.dtype, found.shape, found.tobytes()) == (array.dtype, array.shape, array.tobytes())


def test_an_activation_of_another_type_is_refused(keeper: Keeper, model: Transformer) -> None:
    digest = {bytes(32): np.ones(3, np.float64)}
    with pytest.raises(BadActivation, match="float64"):
        layers_service.keep(keeper.principal, place_of(model, 0), digest)
    for place in (Place("x", "a", "float32"), Place("0" * 64, "", "float32"), Place("0" * 64, "a", "float31")):
        with pytest.raises(BadActivation):
            layers_service.held(keeper.principal, place, [bytes(32)])


def lose_chunks(connection: Connection, keeper: Keeper) -> None:
    """Damages all that the store holds of somebody in the rows."""
    connection.execute(
        "update tensor_chunks set data = set_byte(data, 0, get_byte(data, 0) # 255) where owner_id = %s "
        "and data is not null",
        [keeper.owner_id],
    )


def test_a_lost_activation_is_made_again(
    keeper: Keeper, model: Transformer, owner_conn: Connection, counted: dict[tuple[str, str], float]
) -> None:
    tokens = [n % 61 for n in range(90)]
    first = through(model, keeper, tokens)
    assert counts(owner_conn, keeper, "tensor_metadata") == 1, "it is large enough for the store"
    lose_chunks(owner_conn, keeper)
    assert through(model, keeper, tokens).tobytes() == first.tobytes()
    assert counted[("inference.cache_lost", "layers")] == 1


def test_what_was_used_the_longest_ago_goes_first(
    keeper: Keeper, model: Transformer, later: Callable[[timedelta], None], setting: Callable[[str, str], None]
) -> None:
    setting("ANIMA_ACTIVATION_CACHE_BYTES", "1200")
    place, arrays = place_of(model, 0), [np.full(100, n, np.float32) for n in range(4)]
    hashes = [input_hash([one]) for one in arrays]
    for digest, array in zip(hashes[:3], arrays, strict=False):
        layers_service.keep(keeper.principal, place, {digest: array})
        later(timedelta(minutes=1))
    assert set(layers_service.held(keeper.principal, place, hashes[:1])) == {hashes[0]}
    later(timedelta(minutes=1))
    layers_service.keep(keeper.principal, place, {hashes[3]: arrays[3]})
    assert set(layers_service.held(keeper.principal, place, hashes)) == {hashes[0], hashes[2], hashes[3]}


# Keys and values


def test_generation_goes_on_from_kept_keys_and_values(
    keeper: Keeper, model: Transformer, inference_id: uuid.UUID, counted: dict[tuple[str, str], float]
) -> None:
    weights = weights_digest(model.checksums())
    whole, _ = model.generate(TOKENS, 24)
    half, held = model.generate(TOKENS, 8)
    assert kv_service.store(keeper.principal, inference_id, weights, half, held) == len(half) - 1
    back = kv_service.restore(keeper.principal, inference_id, weights, half)
    assert back.positions == len(half) - 1
    for layer, pair in held.items():
        assert [one.tobytes() for one in back.layers[layer]] == [one.tobytes() for one in pair]
    read = model.read
    rest, _ = model.generate(half, 16, back.layers)
    assert rest == whole
    assert model.read - read == 16 * BLOCKS, "what was kept was read again"
    assert counted[("cache.hits", "kv")] == 1
    kept = next(one for one in caches_service.caches(keeper.principal) if one.kind == "kv")
    assert (kept.entries, kept.saved_tokens) == (BLOCKS, len(half) - 1)


def part(held: Mapping[int, Any], start: int, end: int) -> dict[int, Any]:
    return {layer: tuple(one[:, start:end] for one in pair) for layer, pair in held.items()}


def test_ranges_join_and_another_way_on_replaces_what_followed(
    keeper: Keeper, model: Transformer, inference_id: uuid.UUID
) -> None:
    weights = weights_digest(model.checksums())
    row, held = model.generate(TOKENS, 12)
    for start, end in ((0, 4), (4, 10), (10, 21)):
        reached = kv_service.store(keeper.principal, inference_id, weights, row, part(held, start, end), start)
        assert reached == end
    back = kv_service.restore(keeper.principal, inference_id, weights, row)
    assert back.positions == 21
    assert back.layers[1][0].tobytes() == held[1][0].tobytes()
    assert kv_service.restore(keeper.principal, inference_id, weights, row[:8]).positions == 4
    assert kv_service.restore(keeper.principal, inference_id, weights, row[:10]).positions == 9

    other = [*row[:10], 2, 2, 2]
    _, made = model.forward(other)
    assert kv_service.store(keeper.principal, inference_id, weights, other, part(made, 10, 13), 10) == 13
    assert kv_service.restore(keeper.principal, inference_id, weights, other).positions == 12
    assert kv_service.restore(keeper.principal, inference_id, weights, row).positions == 10
    with pytest.raises(KvGap):
        kv_service.store(keeper.principal, inference_id, weights, other, part(made, 11, 13), 11)
    with pytest.raises(KvGap):
        kv_service.store(keeper.principal, inference_id, "others", other, part(made, 10, 13), 10)
    assert kv_service.restore(keeper.principal, inference_id, weights, other).positions == 12


def test_keys_and_values_are_given_for_their_tokens_and_weights_only(
    keeper: Keeper, model: Transformer, inference_id: uuid.UUID, another_keeper: Keeper
) -> None:
    weights = weights_digest(model.checksums())
    _, held = model.forward(TOKENS)
    kv_service.store(keeper.principal, inference_id, weights, TOKENS, held)
    changed = [TOKENS[0] + 1, *TOKENS[1:]]
    assert kv_service.restore(keeper.principal, inference_id, weights, changed).positions == 0
    assert kv_service.restore(keeper.principal, inference_id, "f" * 64, TOKENS).positions == 0
    assert kv_service.restore(keeper.principal, inference_id, weights, []).positions == 0
    with pytest.raises(SessionMissing):
        kv_service.restore(another_keeper.principal, inference_id, weights, TOKENS)


def wrong_kv(held: dict[int, Any]) -> list[tuple[dict[int, Any], int]]:
    keys, values = held[0]
    return [
        ({}, 0),
        ({1: held[1]}, 0),
        ({0: (keys, values[:, :-1])}, 0),
        ({0: (keys, values.astype(np.float64))}, 0),
        ({0: (keys, values), 1: (keys[:, :-1], values[:, :-1])}, 0),
        (held, 1),
        (held, -1),
    ]


def test_keys_and_values_that_do_not_fit_are_refused(
    keeper: Keeper, model: Transformer, inference_id: uuid.UUID, owner_conn: Connection
) -> None:
    _, held = model.forward(TOKENS)
    for layers, start in wrong_kv(held):
        with pytest.raises(BadKv):
            kv_service.store(keeper.principal, inference_id, "f" * 64, TOKENS, layers, start)
    sessions_service.end(keeper.principal, inference_id)
    with pytest.raises(SessionEnded):
        kv_service.store(keeper.principal, inference_id, "f" * 64, TOKENS, held)
    assert counts(owner_conn, keeper, "kv_cache") == counts(owner_conn, keeper, "tensor_metadata") == 0


def test_lost_keys_and_values_are_read_anew(
    keeper: Keeper, model: Transformer, inference_id: uuid.UUID, owner_conn: Connection
) -> None:
    weights = weights_digest(model.checksums())
    row, held = model.generate(TOKENS, 4)
    kv_service.store(keeper.principal, inference_id, weights, row, held)
    lose_chunks(owner_conn, keeper)
    lost = kv_service.restore(keeper.principal, inference_id, weights, row)
    assert (lost.positions, lost.layers) == (0, {})
    assert counts(owner_conn, keeper, "kv_cache") == 0
    assert model.generate(row, 4, lost.layers)[0] == model.generate(TOKENS, 8)[0]


def test_sessions_that_were_not_used_go_first_and_whole(
    keeper: Keeper,
    model: Transformer,
    model_id: uuid.UUID,
    later: Callable[[timedelta], None],
    setting: Callable[[str, str], None],
) -> None:
    weights = weights_digest(model.checksums())
    _, held = model.forward(TOKENS)
    size = sum(one.nbytes for pair in held.values() for one in pair)
    made = [sessions_service.begin(keeper.principal, model_id).inference_id for _ in range(3)]
    for one in made[:2]:
        kv_service.store(keeper.principal, one, weights, TOKENS, held)
        later(timedelta(minutes=1))
    assert kv_service.restore(keeper.principal, made[0], weights, TOKENS).positions
    later(timedelta(minutes=1))
    setting("ANIMA_KV_CACHE_BYTES", str(2 * size))
    reached = kv_service.store(keeper.principal, made[2], weights, TOKENS, held)
    assert reached == len(TOKENS)
    kept = [kv_service.restore(keeper.principal, one, weights, TOKENS).positions for one in made]
    assert kept == [len(TOKENS) - 1, 0, len(TOKENS) - 1]
    setting("ANIMA_KV_CACHE_BYTES", str(size - 1))
    assert kv_service.store(keeper.principal, made[1], weights, TOKENS, held) == 0


def test_what_has_expired_goes_with_the_upkeep_and_gives_its_tensors_back(
    keeper: Keeper, model: Transformer, inference_id: uuid.UUID, owner_conn: Connection
) -> None:
    weights = weights_digest(model.checksums())
    _, held = model.forward(TOKENS)
    kv_service.store(keeper.principal, inference_id, weights, TOKENS, held)
    through(model, keeper, [n % 61 for n in range(90)])
    assert upkeep_service.keep_bounds_of(keeper.owner_id) == 0
    for table in ("kv_cache", "activation_cache"):
        owner_conn.execute(
            f"update {table} set expires_at = now() - interval '1 s' where owner_id = %s", [keeper.owner_id]
        )
    assert kv_service.restore(keeper.principal, inference_id, weights, TOKENS).positions == 0
    assert upkeep_service.keep_bounds() >= BLOCKS + 1
    assert counts(owner_conn, keeper, "kv_cache") == counts(owner_conn, keeper, "activation_cache") == 0
    waits = "select count(*) from outbox where owner_id = %s and topic = 'tensors.collect'"
    row = owner_conn.execute(waits, [keeper.owner_id]).fetchone()
    assert row is not None
    assert row[0] >= 1


# Attention


def recorded(model: Transformer, tokens: Sequence[int]) -> Recorded:
    model.forward(tokens)
    return Recorded([f"t{token}" for token in tokens], dict(model.patterns))


def test_attention_is_recorded_and_read_head_by_head(
    keeper: Keeper, model: Transformer, model_id: uuid.UUID, inference_id: uuid.UUID
) -> None:
    batch = [recorded(model, TOKENS), recorded(model, TOKENS[:4])]
    entered = attention_service.record(keeper.principal, model_id, batch, inference_id=inference_id)
    assert len(entered) == 2 * BLOCKS * HEADS
    inputs = attention_service.inputs(keeper.principal, model_id).items
    assert {(tuple(one.tokens), one.layers, one.heads) for one in inputs} == {
        (tuple(one.tokens), BLOCKS, BLOCKS * HEADS) for one in batch
    }
    of_first = next(one.input_hash for one in inputs if len(one.tokens) == len(TOKENS))
    page = attention_service.patterns(keeper.principal, model_id, input_hash=of_first, limit=5)
    rest = attention_service.patterns(keeper.principal, model_id, input_hash=of_first, cursor=page.next_cursor)
    places = [(one.layer, one.head) for one in (*page.items, *rest.items)]
    assert places == [(layer, head) for layer in range(BLOCKS) for head in range(HEADS)]
    of_head = attention_service.patterns(keeper.principal, model_id, input_hash=of_first, layer=1, head=2).items
    assert [one.inference_id for one in of_head] == [inference_id]
    weights = attention_service.weights(keeper.principal, of_head[0].pattern_id)
    assert weights.tobytes() == batch[0].layers[1][2].tobytes()
    assert np.allclose(weights.sum(-1), 1)


def test_an_input_recorded_again_is_replaced_and_forgotten_when_asked(
    keeper: Keeper, model: Transformer, model_id: uuid.UUID, owner_conn: Connection
) -> None:
    attention_service.record(keeper.principal, model_id, [recorded(model, TOKENS)])
    other = recorded(Transformer.of(seed=10), TOKENS)
    again = attention_service.record(keeper.principal, model_id, [other])
    assert counts(owner_conn, keeper, "attention_patterns") == BLOCKS * HEADS
    assert attention_service.weights(keeper.principal, again[0].pattern_id).tobytes() == other.layers[0][0].tobytes()
    assert attention_service.forget(keeper.principal, model_id, again[0].input_hash) == BLOCKS * HEADS
    assert attention_service.inputs(keeper.principal, model_id).items == []
    with pytest.raises(PatternMissing):
        attention_service.weights(keeper.principal, again[0].pattern_id)


def wrong_patterns() -> list[Recorded]:
    good = np.full((1, 2, 2), 0.5, np.float32)
    return [
        Recorded([], {0: good}),
        Recorded(["a", "b"], {}),
        Recorded(["a", "b", "c"], {0: good}),
        Recorded(["a", "b"], {-1: good}),
        Recorded(["a", "b"], {0: good * 3}),
        Recorded(["a", "b"], {0: np.array([[[2, -1], [0, 1]]], np.float32)}),
        Recorded(["a", "b"], {0: np.full((1, 2, 2), np.nan, np.float32)}),
        Recorded(["a", "\0"], {0: good}),
        Recorded(["a", "\ud800"], {0: good}),
    ]


def test_patterns_that_are_none_are_refused(
    keeper: Keeper, model: Transformer, model_id: uuid.UUID, another_keeper: Keeper, owner_conn: Connection
) -> None:
    good = recorded(model, TOKENS)
    for wrong in wrong_patterns():
        with pytest.raises(BadPattern):
            attention_service.record(keeper.principal, model_id, [good, wrong])
    with pytest.raises(ModelMissing):
        attention_service.record(another_keeper.principal, model_id, [good])
    with pytest.raises(SessionMissing):
        attention_service.record(keeper.principal, model_id, [good], inference_id=uuid.uuid4())
    for keeper_, table in ((keeper, "attention_patterns"), (another_keeper, "tensor_metadata")):
        assert counts(owner_conn, keeper_, table) == 0


def test_nothing_is_there_before_it_is_made(keeper: Keeper) -> None:
    kinds = [(one.kind, one.entries, one.saved_tokens) for one in caches_service.caches(keeper.principal)]
    assert kinds == [("embeddings", 0, None), ("activations", 0, None), ("kv", 0, 0), ("slots", 0, 0)]

"""One replica: its step, its memory and its largest batch, by hand."""

from __future__ import annotations

import numpy as np
import pytest

from app.estimator.architecture import Architecture
from app.estimator.constants import ConstantValues
from app.estimator.fleet import fleet_of
from app.estimator.served_model import served_model
from app.estimator.serving_throughput import (
    Texts,
    answer_seconds,
    batch_at,
    largest_batch,
    most_sequences,
    prompt_seconds,
    replicas_of,
    step_seconds,
    token_seconds,
)
from app.estimator.units import GB, GIB
from tests.estimator.conftest import MakeOffer

TEXTS = Texts(1000.0, 300.0)


@pytest.fixture
def bare(constants: ConstantValues) -> ConstantValues:
    """Perfect software, so that only the hardware is left."""
    return {
        **constants,
        "serving_bandwidth_efficiency": 1.0,
        "serving_decode_efficiency": 1.0,
        "serving_prefill_efficiency": 1.0,
        "serving_step_ms": 0.0,
        "serving_sequence_us": 0.0,
        "serving_link_efficiency": 1.0,
        "serving_reduction_us": 0.0,
    }


def test_a_small_batch_is_bound_by_reading(
    llama_8b: Architecture, make_offer: MakeOffer, bare: ConstantValues
) -> None:
    model, replicas = served_model(llama_8b), replicas_of(fleet_of([make_offer()]), bare)
    found = step_seconds(model, replicas, np.array([[1.0, 8.0]]), 1150.0, bare)
    # 3,000 GB/s: 15.0 GB of weights, and 131,072 bytes for each token that is looked back on.
    weights = (8_030_261_248 - 128_256 * 4096) * 2 / (3000 * GB)
    look = 1150 * 131_072 / (3000 * GB)
    assert found[0].tolist() == pytest.approx([weights + look, weights + 8 * look])


def test_a_large_batch_is_bound_by_products(
    llama_8b: Architecture, make_offer: MakeOffer, bare: ConstantValues
) -> None:
    model, replicas = served_model(llama_8b), replicas_of(fleet_of([make_offer()]), bare)
    flop = 4096.0 * (model.token_flop + model.head_flop)
    found = step_seconds(model, replicas, np.array([[4096.0]]), 0.0, bare)
    assert found.item() == pytest.approx(flop / replicas.flop_per_s.item())
    assert replicas.flop_per_s.item() < 989e12


def test_two_gpus_share_the_work_and_send_sums(
    llama_8b: Architecture, make_offer: MakeOffer, bare: ConstantValues
) -> None:
    bare = {**bare, "serving_reduction_us": 10.0, "serving_step_ms": 1.0}
    model = served_model(llama_8b)
    replicas = replicas_of(fleet_of([make_offer(gpus=2)]), bare)
    assert replicas.gpus[:, 0].tolist() == [1, 2]
    alone, both = step_seconds(model, replicas, np.ones((1, 1)), 0.0, bare)[:, 0]
    # 64 sums of 10 us, and 2 (n - 1) / n of 2 x 32 x 4096 x 2 bytes at 450 GB/s.
    sums = 64 * 10e-6 + 2 * 32 * 4096 * 2 / (450 * GB)
    assert both - 1e-3 - sums == pytest.approx((alone - 1e-3) / 2)


def test_groups_divide_an_instance(make_offer: MakeOffer, constants: ConstantValues) -> None:
    def sizes(gpus: int) -> list[float]:
        replicas = replicas_of(fleet_of([make_offer(gpus=gpus)]), constants)
        return replicas.gpus[:, 0].tolist()

    assert sizes(8) == [1, 2, 4, 8]
    assert sizes(6) == [1, 2]
    assert sizes(3) == [1]


def test_memory_is_for_weights_adapters_and_cache(
    llama_8b: Architecture, make_offer: MakeOffer, constants: ConstantValues
) -> None:
    open_ended = {**constants, "serving_most_sequences": 8192.0}
    model, replicas = served_model(llama_8b), replicas_of(fleet_of([make_offer()]), constants)
    # 0.9 x 80 GiB less 2 GiB and 16.06 GB, over 1,300 tokens of 131,072 bytes.
    left = 0.9 * 80 * GIB - 2 * GIB - 8_030_261_248 * 2
    each = 1300 * 131_072
    assert most_sequences(model, replicas, TEXTS, 0.0, open_ended).item() == left // each == 346
    held = most_sequences(model, replicas, TEXTS, 10 * each, open_ended)
    assert held.item() == 336
    assert most_sequences(model, replicas, TEXTS, 0.0, constants).item() == 256
    assert most_sequences(model, replicas, TEXTS, 80.0 * GIB, constants).item() < 1


def test_tokens_of_an_answer_wait_for_the_prompts_of_others(
    llama_8b: Architecture, make_offer: MakeOffer, constants: ConstantValues
) -> None:
    model, replicas = served_model(llama_8b), replicas_of(fleet_of([make_offer()]), constants)
    batch = np.array([[1.0, 32.0]])
    prompt = prompt_seconds(model, replicas, TEXTS.prompt, constants).item()
    step = step_seconds(model, replicas, batch, TEXTS.mean_context, constants)[0]
    token = token_seconds(model, replicas, batch, TEXTS, constants)[0]
    assert token.tolist() == pytest.approx([step[0], step[1] + 31 * prompt / 300])
    answer = answer_seconds(model, replicas, batch, TEXTS, constants)[0]
    assert answer.tolist() == pytest.approx([prompt + 300 * token[0], prompt + 300 * token[1]])


@pytest.mark.parametrize("limit", [8.0, 12.5, 20.0, 50.0, 1e6])
def test_the_largest_batch_is_the_last_that_is_quick_enough(
    llama_8b: Architecture, make_offer: MakeOffer, constants: ConstantValues, limit: float
) -> None:
    model, replicas = served_model(llama_8b), replicas_of(fleet_of([make_offer()]), constants)
    most = np.array([[200.0]])
    batch = largest_batch(model, replicas, most, TEXTS, limit, constants)

    def ms(at: float) -> float:
        return 1e3 * token_seconds(model, replicas, np.array([[at]]), TEXTS, constants).item()

    assert 1 <= batch.item() <= 200
    assert ms(batch.item()) <= limit
    assert batch.item() == 200 or ms(batch.item() + 1) > limit


def test_nothing_is_quick_enough(
    llama_8b: Architecture, make_offer: MakeOffer, constants: ConstantValues
) -> None:
    model, replicas = served_model(llama_8b), replicas_of(fleet_of([make_offer()]), constants)
    assert largest_batch(model, replicas, np.array([[9.0]]), TEXTS, 1.0, constants).item() == 0
    assert largest_batch(model, replicas, np.array([[0.0]]), TEXTS, 1e9, constants).item() == 0


def test_the_batch_under_a_load_obeys_littles_law(
    llama_8b: Architecture, make_offer: MakeOffer, constants: ConstantValues
) -> None:
    model, replicas = served_model(llama_8b), replicas_of(fleet_of([make_offer()]), constants)
    most = np.array([[256.0]])
    batch = batch_at(model, replicas, np.array([[8.0]]), most, TEXTS, constants)
    seconds = answer_seconds(model, replicas, batch, TEXTS, constants)
    assert 1 < batch.item() < 256
    assert batch.item() == pytest.approx(8.0 * seconds.item(), rel=1e-6)
    quiet = batch_at(model, replicas, np.array([[1e-6]]), most, TEXTS, constants)
    assert quiet.item() == 1
    flooded = batch_at(model, replicas, np.array([[1e6]]), most, TEXTS, constants)
    assert flooded.item() == 256

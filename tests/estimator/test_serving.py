"""Serving a load: the base, dedicated models and adapters, in money."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.estimator.architecture import Architecture
from app.estimator.constants import ConstantValues
from app.estimator.fleet import Fleet, fleet_of
from app.estimator.serving import (
    Serving,
    ServingLoad,
    break_even_variants,
    serving_by_variants,
    serving_of,
)
from app.estimator.serving_fleet import replicas_needed
from app.estimator.units import HOURS_PER_MONTH, SECONDS_PER_HOUR
from tests.estimator.conftest import MakeOffer

ADAPTER = 20_000_000
MONTH_S = HOURS_PER_MONTH * SECONDS_PER_HOUR
LOADS = st.floats(1e2, 1e10)
VARIANTS = st.integers(1, 300)


@pytest.fixture(scope="session")
def one_gpu(make_offer: MakeOffer) -> Fleet:
    """Instances of one GPU at 2 USD an hour."""
    return fleet_of([make_offer()])


@pytest.fixture(scope="session")
def fleet(make_offer: MakeOffer) -> Fleet:
    """Small and large GPUs, alone and in eights, and a spot offer that is never taken."""
    return fleet_of(
        [
            make_offer("small", usd=0.5, gib=24.0, tflop_per_s=125.0),
            make_offer("h100", usd=2.0),
            make_offer("h100x8", gpus=8, usd=15.0),
            make_offer("spot", usd=0.1, purchase_option="spot", tier="spot"),
        ]
    )


def served(
    architecture: Architecture, fleet: Fleet, constants: ConstantValues, load: ServingLoad
) -> Serving:
    found = serving_of(architecture, ADAPTER, load, fleet, constants)
    assert found.reason == ""
    return found


def load_of(replicas: float, per_replica: float, **changes: object) -> ServingLoad:
    """A load whose peak keeps so many replicas busy."""
    answers = replicas * per_replica * MONTH_S / 3.0
    return dataclasses.replace(ServingLoad(answers, max_ms_per_token=1e6), **changes)  # type: ignore[arg-type]


def test_adapters_on_one_base_beat_dedicated_models_from_five_variants(
    llama_8b: Architecture, one_gpu: Fleet, constants: ConstantValues
) -> None:
    """Worked by hand.

    One GPU an instance at 2 USD an hour. The load of the busiest hour takes 2.5 replicas of one
    model. Adapters lose 25%, so they take 2.5 / 0.75 = 3.33, rounded up to 4 replicas, whatever
    the number of variants. Dedicated models take v x ceil(2.5 / v): 3, 4, then 3 (taken as 4,
    since a variant more never needs less), 4, 5, 6, ... So four dedicated models still cost as
    much as four replicas with adapters, and from five on adapters are cheaper.
    """
    probe = served(llama_8b, one_gpu, constants, load_of(0.1, 1.0))
    per_replica = probe.ways["base"].answers_per_s
    load = load_of(2.5, per_replica, variants=5)
    found = served(llama_8b, one_gpu, constants, load)
    assert found.ways["base"].replicas == 3
    assert found.ways["merged"].replicas == 5
    assert found.ways["unmerged"].replicas == 4
    month = 2.0 * HOURS_PER_MONTH
    assert found.ways["merged"].usd_per_month == pytest.approx(5 * month)
    assert found.ways["unmerged"].usd_per_month == pytest.approx(4 * month)
    assert break_even_variants(found) == 5
    dedicated, adapters = serving_by_variants(found, np.arange(1, 9))
    assert (dedicated / month).tolist() == pytest.approx([3, 4, 4, 4, 5, 6, 7, 8])
    assert (adapters / month).tolist() == pytest.approx([4] * 8)


def test_the_figures_of_a_way_agree(
    llama_8b: Architecture, one_gpu: Fleet, constants: ConstantValues
) -> None:
    per_replica = served(llama_8b, one_gpu, constants, load_of(0.1, 1.0)).ways["base"].answers_per_s
    load = load_of(2.5, per_replica)
    way = served(llama_8b, one_gpu, constants, load).ways["base"]
    assert way.usd_per_answer == pytest.approx(way.usd_per_month / load.answers_per_month)
    assert way.usd_per_million_tokens == pytest.approx(way.usd_per_answer / 1300 * 1e6)
    # Three replicas for 2.5 at the peak, a third of that in the mean.
    assert way.utilisation_fraction == pytest.approx(2.5 / 3 / 3)
    assert way.gpus == way.instances * way.offer.gpus_per_instance == 3
    assert way.seconds_per_answer > 300 * way.ms_per_token / 1e3


def test_whole_instances_are_paid(
    llama_8b: Architecture, make_offer: MakeOffer, constants: ConstantValues
) -> None:
    eights = fleet_of([make_offer(gpus=8, usd=16.0)])
    load = ServingLoad(1e3, variants=9)
    found = served(llama_8b, eights, constants, load)
    assert found.ways["base"].gpus == 8
    assert found.ways["merged"].instances == 2
    assert found.ways["merged"].usd_per_month == pytest.approx(2 * 16.0 * HOURS_PER_MONTH)


def test_a_model_that_needs_two_gpus_gets_them(
    llama_8b: Architecture, make_offer: MakeOffer, constants: ConstantValues
) -> None:
    # 16.06 GB of weights: not in 0.9 x 16 GiB, but in two of them.
    small = fleet_of([make_offer(gpus=2, gib=16.0)])
    assert served(llama_8b, small, constants, ServingLoad(1e3)).ways["base"].gpus_per_replica == 2


def test_one_merged_variant_costs_what_the_base_costs(
    llama_8b: Architecture, fleet: Fleet, constants: ConstantValues
) -> None:
    ways = served(llama_8b, fleet, constants, ServingLoad(3e6)).ways
    assert dataclasses.replace(ways["merged"], key="base") == ways["base"]


def test_only_what_is_rented_on_demand_is_taken(
    llama_8b: Architecture, make_offer: MakeOffer, fleet: Fleet, constants: ConstantValues
) -> None:
    found = served(llama_8b, fleet, constants, ServingLoad(1e3))
    assert found.ways["base"].offer.key == "small"
    spot = fleet_of([make_offer("spot", purchase_option="spot", tier="spot")])
    refused = serving_of(llama_8b, ADAPTER, ServingLoad(1e3), spot, constants)
    assert not refused.ways
    assert refused.reason == "No allowed GPU is rented on demand; allow another provider or GPU."


def test_of_the_same_hardware_the_cheapest_is_taken(
    llama_8b: Architecture, make_offer: MakeOffer, constants: ConstantValues
) -> None:
    offers = [make_offer("b", usd=2.0), make_offer("a", usd=1.5), make_offer("c", usd=3.0)]
    way = served(llama_8b, fleet_of(offers), constants, ServingLoad(1e3)).ways["base"]
    assert (way.offer.key, way.usd_per_month) == ("a", pytest.approx(1.5 * HOURS_PER_MONTH))


def test_what_cannot_be_served_says_why(
    llama_8b: Architecture, make_offer: MakeOffer, one_gpu: Fleet, constants: ConstantValues
) -> None:
    def reason(fleet: Fleet, load: ServingLoad) -> str:
        found = serving_of(llama_8b, ADAPTER, load, fleet, constants)
        assert (dict(found.ways), break_even_variants(found)) == ({}, None)
        assert np.isnan(serving_by_variants(found, np.array([1, 2]))[0]).all()
        return found.reason

    assert reason(one_gpu, ServingLoad(0.0)).startswith("No answers a month")
    tiny = fleet_of([make_offer(gib=8.0)])
    assert "1,300 tokens fit on no allowed instance" in reason(tiny, ServingLoad(1.0))
    slow = reason(one_gpu, ServingLoad(1.0, max_ms_per_token=1.0))
    assert "within 1 ms; the quickest needs 8." in slow


def test_adapters_too_large_for_the_rest_of_memory_are_no_way(
    llama_8b: Architecture, make_offer: MakeOffer, constants: ConstantValues
) -> None:
    tight = fleet_of([make_offer(gib=21.0)])
    load = ServingLoad(1e3, variants=32)
    ways = serving_of(llama_8b, 100_000_000, load, tight, constants).ways
    assert set(ways) == {"base", "merged"}


def test_replicas_stay_within_reach_of_the_exact_count() -> None:
    exact = replicas_needed(np.array([[500.0]]), np.arange(1, 65), 1)[0]
    assert exact[0] == 500
    beyond = replicas_needed(np.array([[500.0]]), np.array([1, 100, 600, 5000]), 2)[0]
    assert beyond.tolist()[0] == 500
    assert beyond.tolist()[2:] == [1200, 10000]
    assert 500 <= beyond[1] <= 600


@settings(max_examples=25, deadline=None)
@given(small=LOADS, factor=st.floats(1, 100), variants=VARIANTS)
def test_more_load_is_never_cheaper_and_never_takes_fewer_gpus_of_a_kind(
    llama_8b: Architecture,
    fleet: Fleet,
    one_gpu: Fleet,
    constants: ConstantValues,
    small: float,
    factor: float,
    variants: int,
) -> None:
    for kind in (fleet, one_gpu):
        less = served(llama_8b, kind, constants, ServingLoad(small, variants=variants)).ways
        more = served(
            llama_8b, kind, constants, ServingLoad(small * factor, variants=variants)
        ).ways
        for key in less:
            assert more[key].usd_per_month >= less[key].usd_per_month * (1 - 1e-12)
            assert kind is fleet or more[key].gpus >= less[key].gpus


@settings(max_examples=25, deadline=None)
@given(answers=LOADS, variants=VARIANTS, more=st.integers(1, 300), least=st.integers(1, 3))
def test_more_variants_are_never_cheaper(
    llama_8b: Architecture,
    fleet: Fleet,
    constants: ConstantValues,
    answers: float,
    variants: int,
    more: int,
    least: int,
) -> None:
    load = ServingLoad(answers, least_replicas=least)
    found = served(llama_8b, fleet, constants, load)
    for usd in serving_by_variants(found, np.array([variants, variants + more])):
        assert usd[1] >= usd[0] * (1 - 1e-12)


@settings(max_examples=25, deadline=None)
@given(answers=LOADS, low=st.floats(0, 0.8), high=st.floats(0, 0.8), variants=VARIANTS)
def test_a_larger_loss_is_never_cheaper(
    llama_8b: Architecture,
    fleet: Fleet,
    constants: ConstantValues,
    answers: float,
    low: float,
    high: float,
    variants: int,
) -> None:
    low, high = sorted((low, high))
    load = ServingLoad(answers, variants=variants, max_ms_per_token=200.0)
    costs = [
        served(llama_8b, fleet, {**constants, "adapter_throughput_loss": loss}, load)
        .ways["unmerged"]
        .usd_per_month
        for loss in (low, high)
    ]
    base = served(llama_8b, fleet, constants, load).ways["base"].usd_per_month
    assert base * (1 - 1e-12) <= costs[0] <= costs[1] * (1 + 1e-12)


def test_a_lower_throughput_costs_more(
    llama_8b: Architecture, one_gpu: Fleet, constants: ConstantValues
) -> None:
    per_replica = served(llama_8b, one_gpu, constants, load_of(0.1, 1.0)).ways["base"].answers_per_s
    ways = served(llama_8b, one_gpu, constants, load_of(2.5, per_replica, variants=2)).ways
    month = 2.0 * HOURS_PER_MONTH
    base = ways["base"].usd_at([4.0, 1.0, 0.5]) / month
    assert base.tolist() == pytest.approx([1, 3, 5])
    merged = ways["merged"].usd_at([4.0, 1.0, 0.5]) / month
    assert merged.tolist() == pytest.approx([2, 4, 6])
    # The 80% range of the throughput is a factor of 1.6 to either side, wider for adapters.
    quantiles = np.array([-1.281552, 0.0, 1.281552])
    assert ways["base"].factor(quantiles).tolist() == pytest.approx([1 / 1.6, 1.0, 1.6], rel=1e-5)
    assert ways["unmerged"].factor(quantiles)[2] > 1.6


def test_the_break_even_above_the_scanned_numbers(
    llama_8b: Architecture, one_gpu: Fleet, constants: ConstantValues
) -> None:
    per_replica = served(llama_8b, one_gpu, constants, load_of(0.1, 1.0)).ways["base"].answers_per_s
    found = served(llama_8b, one_gpu, constants, load_of(1500.0, per_replica))
    number = break_even_variants(found)
    assert number is not None
    # 1500 / 0.75 = 2,000 replicas with adapters: dedicated models take more by 2,001 variants.
    assert 256 < number <= 2001
    dedicated, adapters = serving_by_variants(found, np.array([number - 1, number]))
    assert dedicated[0] <= adapters[0]
    assert dedicated[1] > adapters[1]
    never = served(llama_8b, one_gpu, constants, load_of(1e6, per_replica))
    assert break_even_variants(never) is None


def test_without_a_loss_and_with_a_model_a_variant_adapters_win_at_once(
    llama_8b: Architecture, one_gpu: Fleet, constants: ConstantValues
) -> None:
    free = {**constants, "adapter_throughput_loss": 0.0}
    assert break_even_variants(served(llama_8b, one_gpu, free, ServingLoad(1e3))) == 2

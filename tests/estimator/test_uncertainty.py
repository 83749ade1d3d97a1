"""Monte Carlo: the mean of the draws is the figure that is listed, and quantiles are in order."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from app.estimator.benefits import benefit_flows, use_drivers
from app.estimator.case import Programme, Value
from app.estimator.constants import ConstantValues
from app.estimator.cost import programme_costs
from app.estimator.finance import npv_usd
from app.estimator.flows import Costs
from app.estimator.gpu_bill import Run
from app.estimator.ledger import ledger_of
from app.estimator.uncertainty import (
    Z80,
    Factors,
    Ranges,
    distribution,
    draw_factors,
    gpu_factor,
    log_sd,
    lognormal,
    money_draws,
    quantiles,
)
from app.estimator.value import InUse, Stream, streams_of

seeds = st.integers(0, 2**32 - 1)
WIDTHS = {"full": 0.2, "lora": 0.25, "qlora": 0.4}
"""Half the 80% interval of a step time, in the logarithm."""


def drawn(
    draws: int,
    seed: int,
    constants: ConstantValues,
    price: float = 0.0,
    value: float = 0.0,
    adoption: float = 0.0,
    time: Mapping[str, float] = WIDTHS,
) -> Factors:
    """Factors beside gains that are drawn too."""
    gain = np.random.default_rng(seed + 1).standard_normal(draws)
    ranges = Ranges(price, value, adoption, time)
    return draw_factors(np.random.default_rng(seed), ranges, gain, constants)


@given(seed=seeds, price=st.floats(0, 1), value=st.floats(0, 1), adoption=st.floats(0, 1))
@hypothesis_settings(max_examples=30)
def test_factors_have_a_mean_of_one(
    constants: ConstantValues, seed: int, price: float, value: float, adoption: float
) -> None:
    factors = drawn(1000, seed, constants, price, value, adoption)
    for factor in (factors.price, factors.value, factors.adoption, *factors.time.values()):
        assert math.fsum(factor) / len(factor) == pytest.approx(1, abs=1e-12)
        assert (factor > 0).all()
    # The half width is the upper one: nine draws in ten are below 1 + half width, and one in ten
    # below its inverse, both around the median.
    middle = np.median(factors.price)
    assert np.quantile(factors.price, 0.9) / middle == pytest.approx(1 + price, rel=0.15)


def test_no_uncertainty_is_exactly_one(constants: ConstantValues) -> None:
    factors = drawn(1000, 1, constants)
    assert set(factors.price) == set(factors.value) == set(factors.adoption) == {1.0}
    assert set(factors.time["full"]) != {1.0}
    certain = dict.fromkeys(WIDTHS, 0.0)
    factors = drawn(1000, 1, constants, time=certain)
    assert set(factors.time["full"]) == {1.0}


def test_the_half_width_is_that_of_the_80_percent_range() -> None:
    # Two standard normal quantiles that every table has.
    assert 0.5 * (1 + math.erf(Z80 / math.sqrt(2))) == pytest.approx(0.9)
    assert math.exp(Z80 * log_sd(0.3)) == pytest.approx(1.3)


def streams(
    costs: Costs,
    gain: NDArray[np.float64],
    value_factor: NDArray[np.float64],
    point_usd: float,
    growth_per_point: float = 0.0,
) -> tuple[Stream, ...]:
    """Worth of a model whose accuracy point is worth so much a month."""
    value = value_of(costs, point_usd, growth_per_point)
    return streams_of(value, in_use(costs, gain), value_factor)


def value_of(costs: Costs, point_usd: float, growth_per_point: float = 0.0) -> Value:
    return Value(
        base_accuracy_points=40.0,
        test_set_size=500,
        answers_per_month=100.0,
        value_per_correct_answer_usd=point_usd,
        horizon_months=len(costs.live_by_month) - 1,
        discount_rate_fraction=0.1,
        value_uncertainty_fraction=0.3,
        price_uncertainty_fraction=0.1,
        growth_per_point_fraction=growth_per_point,
    )


def in_use(costs: Costs, gain: NDArray[np.float64]) -> InUse:
    return InUse(gain, 0.0 * gain, 0.0, costs.live_by_month, costs.release_month)


def test_time_is_shared_between_methods_as_stated(constants: ConstantValues) -> None:
    factors = drawn(50_000, 1, constants)
    logs = np.log(factors.time["full"]), np.log(factors.time["lora"])
    assert np.corrcoef(*logs)[0, 1] == pytest.approx(constants["time_correlation"], abs=0.01)
    for key, half_width in WIDTHS.items():
        # Half an 80% interval of a normal logarithm.
        sd = np.log(factors.time[key]).std()
        assert sd * 1.2816 == pytest.approx(half_width, rel=0.02)


@given(
    draws=st.lists(st.floats(-1e9, 1e9), min_size=1, max_size=200),
    at=st.lists(st.floats(0, 1), min_size=1, max_size=4),
)
def test_quantiles_are_those_of_numpy(draws: list[float], at: list[float]) -> None:
    assert quantiles(np.array(draws), at).tolist() == np.quantile(draws, at).tolist()


@given(draws=st.lists(st.floats(-1e9, 1e9), min_size=1, max_size=200))
def test_quantiles_are_in_order(draws: list[float]) -> None:
    found = distribution(np.array(draws))
    assert found.p10 <= found.p50 <= found.p90
    assert min(draws) - 1e-3 <= found.mean <= max(draws) + 1e-3


@given(
    seed=seeds,
    rate=st.floats(0, 1),
    months=st.integers(1, 60),
    worth=st.floats(0, 1e6),
    weeks=st.floats(0, 100),
    gain=st.floats(-10, 30),
    growth=st.sampled_from([0.0, 0.02]),
)
@hypothesis_settings(max_examples=40)
def test_mean_npv_is_the_npv_of_the_expected_flow(
    seed: int, rate: float, months: int, worth: float, weeks: float, gain: float, growth: float
) -> None:
    costs = programme_costs(
        Run(20.0, 8, 2.5, "a"),
        Programme(8, 0.3, 0.1, 6, 4, 3500, 1000, 3, 500),
        weeks,
        months,
    )
    random = np.random.default_rng(seed)
    gains = gain + 5 * random.standard_normal(1000)
    gpu, value = (lognormal(random.standard_normal(1000), sd) for sd in (0.4, 0.3))
    asked = value_of(costs, worth, growth)
    use = in_use(costs, gains)
    ledger = ledger_of(costs, benefit_flows(asked, use, use_drivers(asked, use, value)), rate)
    money = money_draws(ledger.costs, streams_of(asked, use, value), gpu, rate)
    size = float(np.abs(ledger.net).sum())
    assert money.npv.mean() == pytest.approx(npv_usd(ledger.net, rate), abs=1e-9 * size)
    assert money.npv.mean() == pytest.approx(ledger.npv_usd, abs=1e-9 * size)
    assert money.total_cost.mean() == pytest.approx(costs.total_usd, rel=1e-9)
    assert ledger.net.sum() == ledger.benefit_usd - ledger.costs.total_usd
    assert (money.cumulative_p10 <= money.cumulative_p90 + 1e-9 * size).all()


def test_one_draw_by_hand() -> None:
    costs = programme_costs(Run(10.0, 1, 2.0, "a"), Programme(0, 0, 0, 0, 0, 0, 100, 0, 0), 0.0, 2)
    # 100 for data and 20 for the run at once; the release is live after 10 h = 0.0137 months.
    live = 1 - 10 / 730.5
    flow = np.array([-100 - 20 * 1.5, 7 * 3 * 2 * live, 7 * 3 * 2])
    worth = streams(costs, np.array([3.0]), np.array([2.0]), 7.0)
    money = money_draws(costs, worth, np.array([1.5]), 0.21)
    monthly = 1.21 ** (1 / 12)
    assert money.npv[0] == pytest.approx(flow[0] + flow[1] / monthly + flow[2] / monthly**2)
    assert money.cumulative_p10 == pytest.approx(np.cumsum(flow))
    assert money.total_cost[0] == 130


def test_a_model_worse_than_the_base_is_not_used() -> None:
    costs = programme_costs(Run(10.0, 1, 2.0, "a"), Programme(0, 0, 0, 0, 0, 0, 100, 0, 0), 0.0, 12)
    one = np.array([1.0])
    money = money_draws(costs, streams(costs, np.array([-4.0]), one, 1000.0), one, 0.1)
    assert money.npv[0] == -120


def test_a_reservation_fixes_what_gpu_time_costs(constants: ConstantValues) -> None:
    """Price and time change what is paid by the hour; both are fixed for a term."""
    factors = drawn(1000, 1, constants, 0.3, 0.3)
    by_hour = factors.price * factors.time["lora"]
    for option in ("on-demand", "spot", "capacity-block"):
        found = gpu_factor(factors, "lora", option)
        assert found.mean() == pytest.approx(1.0)
        assert found == pytest.approx(by_hour / by_hour.mean())
    for option in ("reserved-1y", "reserved-3y"):
        assert (gpu_factor(factors, "lora", option) == 1.0).all()

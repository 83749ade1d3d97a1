"""Own runs against published ones: how far a factor follows them."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.estimator.measured import SPEED_METRIC
from app.estimator.recalibration import LEAST_SPREAD, Pair, Spread, recalibrate, spread_of

SPREADS = {"time": Spread(0.2, 0.1), "memory": Spread(0.1, 0.05)}
ratios = st.lists(st.floats(0.3, 3.0), min_size=1, max_size=12)


def speeds(*measured: float) -> list[Pair]:
    return [Pair(m, 1000.0, SPEED_METRIC, "lora", run=str(i)) for i, m in enumerate(measured)]


def peaks(*measured: float) -> list[Pair]:
    return [Pair(m, 40.0, "smi_gib", "full", run=str(i)) for i, m in enumerate(measured)]


def test_one_run_by_hand() -> None:
    found = recalibrate(speeds(500.0), SPREADS)["time"]
    # 0.2^2 / (0.2^2 + 0.1^2 / 1) = 0.8 of ln 2 is kept; half the tokens a second is twice the time
    assert found.weight == pytest.approx(0.8)
    assert found.raw == pytest.approx(2.0)
    assert found.factor == pytest.approx(2**0.8)
    assert found.log_error == pytest.approx(0.2 * math.sqrt(0.2))
    assert found.before == pytest.approx(1.0)
    assert found.after is None
    assert (found.rows, found.runs) == (1, 1)


def test_memory_that_was_measured_higher_has_a_factor_above_one() -> None:
    found = recalibrate(peaks(44, 44), SPREADS)
    assert set(found) == {"memory"}
    assert 1 < found["memory"].factor < found["memory"].raw == pytest.approx(1.1)
    assert found["memory"].low < found["memory"].factor < found["memory"].high


def test_rows_of_one_run_count_as_one() -> None:
    one = Pair(500, 1000, SPEED_METRIC, "lora", run="a")
    assert recalibrate([one, one, one], SPREADS)["time"].factor == pytest.approx(
        recalibrate([one], SPREADS)["time"].factor
    )


def test_each_run_is_judged_by_the_others() -> None:
    found = recalibrate(speeds(500, 500, 500, 500), SPREADS)["time"]
    assert found.after is not None
    assert found.after < 0.2 < found.before
    luck = recalibrate(speeds(500, 2000), SPREADS)["time"]
    assert luck.after is not None
    assert luck.after > luck.before - 1e-9


def test_runs_that_agree_are_followed_further_than_runs_that_do_not() -> None:
    agreeing = recalibrate(speeds(700, 710, 690, 700), SPREADS)["time"]
    scattered = recalibrate(speeds(350, 1400, 500, 980), SPREADS)["time"]
    assert agreeing.weight > scattered.weight
    assert agreeing.log_error < scattered.log_error


@given(ratios)
def test_a_factor_lies_between_one_and_what_was_measured(measured: list[float]) -> None:
    found = recalibrate(speeds(*(1000 * r for r in measured)), SPREADS)["time"]
    low, high = sorted((1.0, found.raw))
    assert low - 1e-9 <= found.factor <= high + 1e-9
    assert 0 < found.weight < 1


@given(ratios)
def test_time_is_the_inverse_of_speed(measured: list[float]) -> None:
    same = {"time": SPREADS["time"], "memory": SPREADS["time"]}
    time = recalibrate(speeds(*(1000 * r for r in measured)), same)["time"]
    memory = recalibrate(peaks(*(40 * r for r in measured)), same)["memory"]
    assert time.factor * memory.factor == pytest.approx(1.0)


def test_more_runs_are_worth_more() -> None:
    weights = [recalibrate(speeds(*[700.0] * n), SPREADS)["time"].weight for n in (1, 2, 5, 20)]
    assert weights == sorted(weights)
    assert weights[-1] > 0.98


def test_without_a_published_spread_there_is_no_factor() -> None:
    assert recalibrate(speeds(500), {}) == {}
    assert recalibrate([], SPREADS) == {}


def test_spreads_of_sources_are_found_again() -> None:
    draw = np.random.default_rng(7)
    pairs = []
    for source in range(60):
        shift = draw.normal(0, 0.2)
        for run in range(15):
            measured = 40 * math.exp(shift + draw.normal(0, 0.08))
            pairs.append(Pair(measured, 40, "smi_gib", "full", f"{source}-{run}", str(source)))
    found = spread_of(pairs)
    assert set(found) == {"memory"}
    assert found["memory"].between == pytest.approx(0.2, rel=0.2)
    assert found["memory"].within == pytest.approx(0.08, rel=0.1)


def test_sources_that_agree_by_luck_keep_a_least_spread() -> None:
    pairs = [Pair(40, 40, "smi_gib", "full", f"{s}{r}", s) for s in "ab" for r in "12"]
    assert spread_of(pairs) == {"memory": Spread(LEAST_SPREAD, LEAST_SPREAD)}
    assert spread_of(pairs[:2]) == {}

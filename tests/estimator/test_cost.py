"""Cost lines: a programme worked by hand to the cent, and rows that add up for any programme."""

from __future__ import annotations

import dataclasses
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from app.estimator.case import Programme
from app.estimator.cost import programme_costs
from app.estimator.flows import GPU_LINES, IDLE_LINES, Costs
from app.estimator.gpu_bill import Run
from app.estimator.purchase import OPTIONS, programme_hours
from app.estimator.schedule import schedule_of

PROGRAMME = Programme(
    experiments=4,
    experiment_fraction=0.5,
    failed_fraction=0.1,
    engineer_weeks_full=6,
    engineer_weeks_adapter=4,
    engineer_week_usd=3500,
    data_preparation_usd=5000,
    releases_per_year=2,
    release_fixed_usd=1000,
)
RUN = Run(hours=10, gpus=8, usd_per_gpu_hour=2.5, price_source="a-list")


def test_a_programme_worked_by_hand() -> None:
    costs = programme_costs(RUN, PROGRAMME, 6, horizon_months=24)
    # One run: 10 h x 8 GPUs = 80 GPU-hours x 2.50 = 200.00 USD.
    amounts = {
        "engineering": 21_000.00,  # 6 weeks x 3,500
        "data_preparation": 5_000.00,
        "experiments": 400.00,  # 4 x 0.5 = 2 runs
        "release_run": 200.00,
        "failed_runs": 60.00,  # 0.1 x (2 + 1) = 0.3 runs
        "release_checks": 1_000.00,
        # First release after 6 weeks / 4.348 + 10 h x 3 x 1.1 / 730.5 h = 1.425 months; later
        # ones are due at 7.425, 13.425 and 19.425, and paid at the ends of months 8, 14 and 20.
        "retraining": 660.00,  # 3 x 1.1 runs
        "retraining_checks": 3_000.00,
    }
    assert {line.key: round(line.usd, 2) for line in costs.lines} == amounts
    assert round(costs.total_usd, 2) == 31_320.00
    assert round(costs.upfront_usd, 2) == 27_660.00
    assert costs.release_month == pytest.approx(1.42505, abs=1e-5)
    paid = dict.fromkeys(range(25), 0.0) | {0: 660.0, 8: 220.0, 14: 220.0, 20: 220.0}
    assert dict(enumerate(costs.gpu_by_month.round(9))) == paid
    fixed = dict.fromkeys(range(25), 0.0) | {0: 27_000.0, 8: 1000.0, 14: 1000.0, 20: 1000.0}
    assert dict(enumerate(costs.fixed_by_month)) == fixed
    assert costs.live_by_month[:4] == pytest.approx([0, 0, 1 - 0.42505, 1], abs=1e-5)


def test_a_reservation_by_hand() -> None:
    """The same programme, reserved for a year: 6.6 runs of 80 GPU-hours are 528 of the 2 terms of
    8,760 h x 8 GPUs, since the last run ends 18.05 months after the first began.
    """
    costs = programme_costs(
        dataclasses.replace(RUN, option="reserved-1y"), PROGRAMME, 6, horizon_months=24
    )
    amounts = {line.key: round(line.usd, 2) for line in costs.lines if line.unit == "GPU-hours"}
    assert amounts == {
        "experiments": 400.00,
        "release_run": 200.00,
        "failed_runs": 60.00,
        "retraining": 660.00,
        "idle_commitment": 349_080.00,  # (140,160 - 528) GPU-hours x 2.50
    }
    assert round(costs.gpu_usd, 2) == 350_400.00
    # 24 payments of 730 h x 8 x 2.50 = 14,600.00, due one month after the first run began at month
    # 1.38, and then every month. Two are still owed after month 24, and counted then.
    due = dict.fromkeys(range(25), 14_600.0) | {0: 0.0, 1: 0.0, 2: 0.0, 24: 3 * 14_600.0}
    assert dict(enumerate(costs.gpu_by_month.round(6))) == due
    assert sum(due.values()) == 350_400.0


def test_capacity_blocks_by_hand() -> None:
    """33 h in a block of 2 days, then 11 h in a day each time."""
    costs = programme_costs(
        dataclasses.replace(RUN, option="capacity-block"), PROGRAMME, 6, horizon_months=24
    )
    idle = {line.key: round(line.usd, 2) for line in costs.lines if line.key in IDLE_LINES}
    assert idle == {
        "idle_commitment": 300.00,  # 15 h x 8 x 2.50
        "idle_retraining": 780.00,  # 3 x 13 h x 8 x 2.50
    }
    paid = dict.fromkeys(range(25), 0.0) | {0: 960.0, 8: 480.0, 14: 480.0, 20: 480.0}
    assert dict(enumerate(costs.gpu_by_month.round(9))) == paid


amount = st.floats(0, 1e7, allow_nan=False)
programmes = st.builds(
    Programme,
    experiments=st.integers(0, 100),
    experiment_fraction=st.floats(0, 10),
    failed_fraction=st.floats(0, 10),
    engineer_weeks_full=st.floats(0, 200),
    engineer_weeks_adapter=st.floats(0, 200),
    engineer_week_usd=amount,
    data_preparation_usd=amount,
    releases_per_year=st.floats(0, 60),
    release_fixed_usd=amount,
)
runs = st.builds(
    Run,
    hours=st.floats(0.01, 5000),
    gpus=st.integers(1, 4096),
    usd_per_gpu_hour=st.floats(0.01, 30),
    price_source=st.just("a-list"),
    option=st.sampled_from(OPTIONS),
)


@given(run=runs, programme=programmes, weeks=st.floats(0, 200), months=st.integers(1, 120))
@hypothesis_settings(max_examples=40)
def test_rows_add_up(run: Run, programme: Programme, weeks: float, months: int) -> None:
    costs = programme_costs(run, programme, weeks, months)
    for line in costs.lines:
        assert line.quantity * line.unit_price_usd == pytest.approx(
            line.usd, rel=1e-8, abs=1e-13 * costs.total_usd
        )
        assert line.usd > 0 or line.key == "release_run"
    assert sum(line.usd for line in costs.lines) == costs.total_usd
    by_month = sum(map(Fraction, [*costs.fixed_by_month, *costs.gpu_by_month]))
    assert float(by_month) == pytest.approx(costs.total_usd, rel=1e-12)
    before = float(costs.fixed_by_month[0] + costs.gpu_by_month[0])
    if not run.option.startswith("reserved"):
        assert before == pytest.approx(costs.upfront_usd, rel=1e-9)
    # What runs use and what stays idle is what is paid for.
    hours = {line.key: line.quantity for line in costs.lines if line.unit == "GPU-hours"}
    found = schedule_of(programme, weeks, months).campaigns(run.hours)
    paid = programme_hours(run.option, np.array([run.hours]), found)[0] * run.gpus
    assert set(hours) <= GPU_LINES | IDLE_LINES
    # But for lines that are below the last bit of the total.
    least = 1e-14 * costs.total_usd
    assert sum(hours.values()) == pytest.approx(paid, rel=1e-8, abs=least / run.usd_per_gpu_hour)
    assert costs.gpu_usd == pytest.approx(paid * run.usd_per_gpu_hour, rel=1e-8, abs=least)


def _total(costs: Costs) -> float:
    return float(costs.fixed_by_month.sum() + costs.gpu_by_month.sum())


@given(run=runs, programme=programmes, factor=st.floats(1, 10))
def test_a_higher_price_never_costs_less(run: Run, programme: Programme, factor: float) -> None:
    dearer = dataclasses.replace(run, usd_per_gpu_hour=run.usd_per_gpu_hour * factor)
    cheap, dear = (programme_costs(r, programme, 4, 36) for r in (run, dearer))
    assert _total(dear) >= _total(cheap) * (1 - 1e-12)


def test_a_release_beyond_the_horizon_is_paid_and_never_used() -> None:
    late = programme_costs(RUN, PROGRAMME, 60, horizon_months=12)
    assert late.release_month > 12
    assert late.live_by_month.sum() == 0
    assert {line.when for line in late.lines} == {"once"}
    assert late.upfront_usd == late.total_usd > 60 * 3500

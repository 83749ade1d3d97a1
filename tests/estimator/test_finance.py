"""Finance against numpy-financial, pyxirr and plain loops."""

from __future__ import annotations

import math

import numpy as np
import numpy_financial
import pytest
import pyxirr
from hypothesis import given
from hypothesis import strategies as st

from app.estimator.finance import (
    discount_factors,
    live_fraction,
    monthly_rate,
    npv_usd,
    payback_months,
    release_months,
)

amounts = st.floats(-1e9, 1e9, allow_nan=False).map(lambda amount: round(amount, 2))
cash_flows = st.lists(amounts, min_size=1, max_size=121)
rates = st.floats(0, 1)


@given(flows=cash_flows, rate=rates)
def test_npv_equals_numpy_financial_and_pyxirr(flows: list[float], rate: float) -> None:
    monthly = (1 + rate) ** (1 / 12) - 1
    size = sum(abs(flow) for flow in flows)
    found = npv_usd(flows, rate)
    assert found == pytest.approx(numpy_financial.npv(monthly, flows), abs=1e-9 * size + 1e-9)
    assert found == pytest.approx(pyxirr.npv(monthly, flows), abs=1e-9 * size + 1e-9)


def test_month_zero_is_not_discounted_and_a_year_is_the_effective_rate() -> None:
    assert npv_usd([-250.0], 0.3) == -250.0
    assert npv_usd([0.0] * 12 + [130.0], 0.3) == pytest.approx(100.0)
    factors = discount_factors(0.3, 24)
    assert factors[0] == 1
    assert factors[[12, 24]] == pytest.approx([1 / 1.3, 1 / 1.69])
    assert (np.diff(factors) < 0).all()


@given(rate=rates)
def test_the_monthly_rate_compounds_to_the_annual_one(rate: float) -> None:
    assert (1 + monthly_rate(rate)) ** 12 == pytest.approx(1 + rate)


def test_a_rate_of_zero_adds_up() -> None:
    assert npv_usd([-100.0, 30.0, 40.0], 0.0) == -30.0


def _payback_by_loop(flows: list[float]) -> float | None:
    """The first month from which the running total never falls below zero again, interpolated."""
    running = [math.fsum(flows[: month + 1]) for month in range(len(flows))]
    for month in range(len(running)):
        if all(total >= 0 for total in running[month:]):
            if month == 0:
                return 0.0
            return month - 1 + -running[month - 1] / flows[month]
    return None


# Whole dollars, so that both ways of adding are exact.
@given(flows=st.lists(st.integers(-500, 500).map(float), min_size=1, max_size=60))
def test_payback_equals_a_plain_loop(flows: list[float]) -> None:
    expected = _payback_by_loop(flows)
    found = payback_months(flows)
    assert found == (None if expected is None else pytest.approx(expected))


def test_payback_is_when_it_stays_recovered() -> None:
    # Recovered after month 1, spent again in month 2, recovered for good half way through month 4.
    assert payback_months([-10.0, 10.0, -20.0, 10.0, 20.0]) == 3.5
    assert payback_months([0.0, 5.0]) == 0.0
    assert payback_months([-10.0, 20.0, -30.0]) is None


@given(months=st.integers(1, 120), release=st.floats(0, 200))
def test_live_months_are_what_is_left_of_the_horizon(months: int, release: float) -> None:
    live = live_fraction(months, release)
    assert len(live) == months + 1
    assert live[0] == 0
    assert live.sum() == pytest.approx(max(0.0, months - release), abs=1e-9)
    assert ((live >= 0) & (live <= 1)).all()
    assert (np.diff(live[1:]) >= 0).all()


@given(
    months=st.integers(1, 120),
    first=st.floats(0, 130),
    per_year=st.floats(0, 366).filter(lambda n: n == 0 or n > 1e-3),
)
def test_later_releases_are_evenly_spaced_within_the_horizon(
    months: int, first: float, per_year: float
) -> None:
    ends = release_months(months, first, per_year)
    assert (np.diff(ends) >= 0).all()
    if len(ends):
        every = 12 / per_year
        assert ends[0] >= first
        assert ends[-1] < months  # one at the very end would serve nobody
        # Paid at the end of the month in which they are due, never a month late.
        due = first + every * np.arange(1, len(ends) + 1)
        assert (ends - due > -1e-6).all()
        assert (ends - due < 1 + 1e-6).all()
    expected = 0 if per_year == 0 else max(0.0, (months - first) * per_year / 12)
    assert expected - 1 - per_year / 12 - 1e-6 <= len(ends) <= expected + 1e-6


def test_no_later_releases() -> None:
    assert release_months(36, 1.5, 0).tolist() == []
    assert release_months(36, 40.0, 12).tolist() == []

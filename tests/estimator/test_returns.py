"""Rates of return and payback against numpy-financial, pyxirr and a plain loop."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta

import numpy as np
import numpy_financial
import pytest
import pyxirr
from numpy.typing import NDArray

from app.estimator.errors import InvalidSpec
from app.estimator.finance import discounted, npv_usd, payback_months
from app.estimator.returns import irr, irr_per_period, xirr
from tests.soak import cases

Floats = NDArray[np.float64]

FEW, MANY = 250, 10_000
ZERO = 1e-9
"""Net present value at a root, over the sum of its magnitudes."""


def flows(n: int, seed: int) -> Iterator[Floats]:
    """Random cash flows: investments, sign changes, zeros, whole numbers, sizes of all kinds."""
    random = np.random.default_rng(seed)
    for kind in range(n):
        found = random.normal(size=int(random.integers(2, 37))) * 10 ** random.uniform(0, 7)
        if kind % 4 == 0:
            found = np.abs(found)
            found[0] = -found[1:].sum() * random.uniform(0.1, 2.0)
        elif kind % 4 == 1:
            found[random.random(len(found)) < 0.5] = 0.0
        elif kind % 4 == 2:
            found = np.round(found / 10 ** random.uniform(0, 6))
        yield found


def at_rate(amounts: Floats, years: Floats, rate: float) -> float:
    """Net present value over the sum of magnitudes."""
    factor = (1 + rate) ** -years
    return float(abs(factor @ amounts) / (factor @ np.abs(amounts)))


def same(one: float, other: float) -> bool:
    """To 1e-9 of the growth a period, or as near as the oracle came."""
    return abs(one - other) <= 1e-9 * (1 + abs(other))


@pytest.mark.soak
def test_all_rates_are_found_and_each_is_one() -> None:
    counted = dict.fromkeys(("none", "one", "several"), 0)
    for amounts in flows(cases(FEW, MANY), 1):
        found = irr_per_period(amounts)
        periods = np.arange(len(amounts), dtype=np.float64)
        for rate in found:
            assert at_rate(amounts, periods, rate) < ZERO
        counted["none" if not found else "one" if len(found) == 1 else "several"] += 1
        for oracle in (numpy_financial.irr, pyxirr.irr):
            try:
                theirs = oracle(amounts)
            except pyxirr.InvalidPaymentsError:
                continue
            if theirs is None or not np.isfinite(theirs) or theirs <= -1:
                continue
            near = min(found, key=lambda rate: abs(rate - theirs), default=None)
            assert near is not None, (amounts, theirs)
            # An oracle that stops early is no nearer to the root than its own remainder says.
            assert same(near, theirs) or at_rate(amounts, periods, theirs) > 1e-14
            assert abs(near - theirs) <= 1e-5 * (1 + abs(theirs))
    assert min(counted.values()) > 5


@pytest.mark.soak
def test_dated_flows_agree_with_pyxirr() -> None:
    random = np.random.default_rng(2)
    first = date(2026, 1, 1)
    compared = 0
    for amounts in flows(cases(FEW, MANY), 3):
        days = np.sort(random.integers(0, 2_000, len(amounts)))
        days[0] = 0
        found = xirr(amounts, days.tolist())
        years = days / 365.0
        for rate in found.yearly:
            assert at_rate(amounts, years, rate) < ZERO
        try:
            theirs = pyxirr.xirr([first + timedelta(days=int(d)) for d in days], amounts)
        except pyxirr.InvalidPaymentsError:
            continue
        # Theirs may lie where the root of the first day is lost in rounding.
        if theirs is None or theirs <= -0.999 or at_rate(amounts, years, theirs) > 1e-12:
            continue
        compared += 1
        assert any(abs(rate - theirs) <= 1e-6 * (1 + abs(theirs)) for rate in found.yearly)
    assert compared > 100


def test_rates_by_hand() -> None:
    # 10% and 20%: (1 - 1.1 v)(1 - 1.2 v) = 1 - 2.3 v + 1.32 v^2.
    assert irr_per_period([100.0, -230.0, 132.0]) == pytest.approx((0.1, 0.2))
    # (1 - 1.1 v)^2 touches zero without crossing it.
    assert irr_per_period([100.0, -220.0, 121.0]) == pytest.approx((0.1,), abs=1e-6)
    assert irr([-100.0, *[0.0] * 11, 110.0]).single == pytest.approx(0.1)
    assert irr([-100.0, *[0.0] * 11, 50.0]).single == pytest.approx(-0.5)
    # The day of the first flow does not matter, nor their order.
    assert xirr([110.0, -100.0], [400, 35]).single == pytest.approx(0.1)
    assert xirr([-60.0, 110.0, -40.0], [10, 375, 10]).single == pytest.approx(0.1)


@pytest.mark.parametrize(
    ("amounts", "why"),
    [
        ([], "nothing flows"),
        ([0.0, 0.0], "nothing flows"),
        ([5.0, 0.0, 1.0], "nothing is spent"),
        ([-5.0, 0.0, -1.0], "nothing comes back"),
        # 1 - v + v^2 has no real root.
        ([1.0, -1.0, 1.0], "no rate makes it even"),
    ],
)
def test_where_there_is_no_rate_it_says_why(amounts: list[float], why: str) -> None:
    found = irr(amounts)
    assert (found.yearly, found.why_none, found.single) == ((), why, None)


def test_several_rates_are_all_named_and_none_is_the_one() -> None:
    found = irr([-100.0, 230.0, -132.0])
    assert len(found.yearly) == 2
    assert found.single is None
    assert found.why_none == ""
    assert found.yearly == pytest.approx((1.1**12 - 1, 1.2**12 - 1))


def test_a_flow_without_its_day_is_refused() -> None:
    with pytest.raises(InvalidSpec, match="every dated flow needs its day"):
        xirr([1.0, -1.0], [0])


@pytest.mark.soak
def test_the_size_and_a_late_start_change_no_rate() -> None:
    for amounts in flows(cases(60, 1_000), 5):
        found = irr_per_period(amounts)
        assert irr_per_period(1e4 * amounts) == pytest.approx(found, rel=1e-9, abs=1e-12)
        assert irr_per_period(-amounts) == pytest.approx(found, rel=1e-9, abs=1e-12)
        late = np.concatenate([[0.0, 0.0], amounts])
        assert irr_per_period(late) == pytest.approx(found, rel=1e-9, abs=1e-12)


def payback_by_loop(amounts: Floats) -> float | None:
    """The moment from which the total stays at 0 or above, a month at a time."""
    total, since = 0.0, 0.0
    recovered = True
    for month, amount in enumerate(amounts):
        before, total = total, total + amount
        if total < 0:
            recovered = False
        elif not recovered:
            recovered, since = True, month - 1 + -before / amount
    return since if recovered else None


@pytest.mark.soak
def test_payback_is_that_of_a_plain_loop() -> None:
    rate = 0.08
    for amounts in flows(cases(FEW, MANY), 7):
        for values in (amounts, discounted(amounts, rate)):
            expected = payback_by_loop(values)
            found = payback_months(values)
            assert (found is None) == (expected is None)
            if expected is not None:
                assert found == pytest.approx(expected, rel=1e-9, abs=1e-9)


@pytest.mark.soak
def test_present_value_is_that_of_numpy_financial() -> None:
    """Period 0 stands apart there too; Excel's NPV discounts it once more."""
    for amounts in flows(cases(FEW, MANY), 9):
        size = float(np.abs(amounts).sum())
        for yearly in (0.0, 0.05, 0.4):
            monthly = (1 + yearly) ** (1 / 12) - 1
            theirs = numpy_financial.npv(monthly, amounts)
            assert npv_usd(amounts, yearly) == pytest.approx(theirs, rel=1e-9, abs=1e-9 * size)
            assert float(discounted(amounts, yearly).sum()) == pytest.approx(
                theirs, rel=1e-9, abs=1e-9 * size
            )

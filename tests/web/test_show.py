"""What is shown is rounded once, and still adds up."""

from __future__ import annotations

import math
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.estimator import wording
from app.web import show_amounts, show_dates, show_numbers, show_units

amounts = st.lists(st.floats(-1e9, 1e9, allow_nan=False), max_size=12)


@given(amounts)
def test_rounded_rows_add_up_to_the_rounded_total(values: list[float]) -> None:
    rows, total = show_numbers.rounded_to_sum(values)
    assert sum(Decimal(f"{row:.2f}") for row in rows) == Decimal(f"{total:.2f}")
    assert total == pytest.approx(math.fsum(values), abs=0.006)
    for row, value in zip(rows, values, strict=True):
        assert abs(row - value) <= 0.0101


@pytest.mark.parametrize(
    "write",
    [
        show_numbers.number, show_numbers.significant, show_numbers.count_short,
        show_numbers.percent, show_numbers.share, show_numbers.points, show_amounts.usd,
        show_amounts.usd_short, show_units.hours, show_units.seconds, show_units.months,
    ],
)  # fmt: skip
@pytest.mark.parametrize("missing", [None, math.nan, math.inf])
def test_a_missing_number_is_a_dash_and_never_zero(write: object, missing: float | None) -> None:
    assert callable(write)
    assert write(missing) == show_numbers.NONE


@given(st.floats(-1e15, 1e15, allow_nan=False))
def test_amounts_never_show_a_negative_zero(value: float) -> None:
    for text in (
        show_amounts.usd(value),
        show_amounts.usd_short(value),
        show_numbers.points(value),
    ):
        assert text not in {"−US$0", "−US$0.00", "−0.0", "+0.0"}


def test_a_unit_is_never_exceeded_by_rounding() -> None:
    assert show_amounts.usd_short(999_950) == "US$1.00\u00a0M"
    assert show_amounts.usd_short(999.6) == "US$1.00\u00a0k"
    assert show_amounts.usd_short(9_996) == "US$10.0\u00a0k"
    assert show_amounts.usd_short(999.9e9) == "US$1.00\u00a0tn"
    assert show_amounts.usd(9.999) == "US$10"
    assert show_units.hours(0.9999) == "1.0 h"
    assert show_units.hours(0.01666) == "1 min"
    assert show_units.hours(9.99) == "10 h"
    assert show_units.hours(8784) == "1.0 years"
    assert show_units.seconds(0.9999) == "1 s"
    assert show_numbers.count_short(999_999_999) == "1 billion"
    assert show_units.power_of_ten(9.999e17, "FLOP") == "1 EFLOP"


@given(st.floats(0, 1))
def test_a_page_and_the_verdict_say_the_same_of_a_chance(fraction: float) -> None:
    assert show_numbers.percent(fraction) == wording.percent(fraction)


@given(st.floats(1e-3, 1e5))
def test_longer_times_never_read_as_more_of_a_smaller_unit(value: float) -> None:
    limits = {"s": 60, "min": 60, "h": 96, "days": 365}
    text, unit = show_units.hours(value).split()
    assert float(text.replace(",", "")) <= limits.get(unit, math.inf)
    if unit in {"s", "min"}:
        assert float(text) < 60


@pytest.mark.parametrize(
    ("days", "level"), [(0, "fresh"), (90, "fresh"), (91, "old"), (180, "old"), (181, "stale")]
)
def test_the_age_of_a_price_is_said_from_the_days_on_which_it_matters(
    days: int, level: str
) -> None:
    assert show_dates.price_age("2026-11-23", days)[0] == level

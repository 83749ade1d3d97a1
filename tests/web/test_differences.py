"""Both sides of a difference and their change: as they are written, they subtract."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.estimator.currency import US_DOLLAR, Currency
from app.web.differences import (
    CARBON,
    HOURS,
    MONTHS,
    POINTS,
    PROBABILITY,
    SAME,
    Kind,
    difference,
    money,
)

DOLLARS = money(US_DOLLAR)
YEN = money(Currency("JPY", 0, 154.0))


@pytest.mark.parametrize(
    ("kind", "left", "right", "written"),
    [
        (DOLLARS, 61_440.4, 61_520.6, ("US$61,440", "US$61,521", "+US$81")),
        (DOLLARS, 3.5, 4.25, ("US$3.50", "US$4.25", "+US$0.75")),
        (DOLLARS, 1_000.0, -500.0, ("US$1,000", "−US$500", "−US$1,500")),
        (DOLLARS, 7.0, 7.0, ("US$7", "US$7", SAME)),
        (DOLLARS, 7.001, 7.002, ("US$7", "US$7", SAME)),
        (YEN, 10.0, 11.0, ("JPY\xa01,540", "JPY\xa01,694", "+JPY\xa0154")),
        (POINTS, 1.94, 1.96, ("+1.94 points", "+1.96 points", "+0.02 points")),
        (PROBABILITY, 0.144, 0.146, ("14.4%", "14.6%", "+0.2 percentage points")),
        (PROBABILITY, 0.14, 0.54, ("14%", "54%", "+40 percentage points")),
        (PROBABILITY, 0.003, 0.002, ("under 1%", "under 1%", SAME)),
        (PROBABILITY, 0.5, 0.999, ("50%", "over 99%", "higher")),
        (MONTHS, 7.3, 19.3, ("7.3 months", "19.3 months", "+12 months")),
        (MONTHS, 4.0, 5.0, ("4 months", "5 months", "+1 month")),
        (HOURS, 0.4, 50.0, ("0.4 h", "50.0 h", "+49.6 h")),
        (HOURS, 0.4, 0.45, ("24.0 min", "27.0 min", "+3.0 min")),
        (CARBON, 980.0, 1_240.0, ("0.98 t CO₂e", "1.24 t CO₂e", "+0.26 t CO₂e")),
        (CARBON, None, 1.0, ("—", "1\xa0kg CO₂e", "")),
    ],
)  # fmt: skip
def test_the_change_is_that_of_the_values(
    kind: Kind, left: float | None, right: float | None, written: tuple[str, str, str]
) -> None:
    found = difference("x", left, right, kind)
    assert (found.left, found.right, found.change) == written


def _cents(text: str) -> int:
    whole, _, decimals = re.sub(r"[^0-9.]", "", text).partition(".")
    return int(whole + (decimals or "00")) * (-1 if "−" in text else 1)


@given(st.floats(-1e12, 1e12), st.floats(-1e12, 1e12))
def test_amounts_subtract_as_they_are_written(left: float, right: float) -> None:
    found = difference("x", left, right, DOLLARS)
    change = 0 if found.change == SAME else _cents(found.change)
    assert _cents(found.right) - _cents(found.left) == change
    assert change / 100 == pytest.approx(right - left, abs=1.01)

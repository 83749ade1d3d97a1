"""Numbers in sentences stay readable at every size."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.estimator.currency import US_DOLLAR, Currency
from app.estimator.wording import amount, amounts_and_difference, percent, points, signed_points

_SCALES = {"": 1.0, " million": 1e6, " billion": 1e9, " trillion": 1e12}


@given(value=st.floats(-1e14, 1e14).filter(lambda value: value == 0 or abs(value) > 1e-9))
def test_dollars_can_be_read_back(value: float) -> None:
    said = amount(value, US_DOLLAR)
    match = re.fullmatch(r"(-?)(?:US)?\$([0-9,]+(?:\.[0-9]+)?)( [a-z]+)?", said)
    assert match, said
    read = float(match[2].replace(",", "")) * _SCALES[match[3] or ""]
    assert read == pytest.approx(abs(value), rel=0.006, abs=0.51)
    # No minus before nothing.
    assert (match[1] == "-") == (value < 0 and read > 0), said


@pytest.mark.parametrize("value", [999.4e6, 999.6e6, 999_999_999.0, 1e9, 1.5e12])
def test_large_amounts_have_no_exponent(value: float) -> None:
    assert "e+" not in amount(value, US_DOLLAR)


@given(usd=st.integers(-10_000, 10_000), per_usd=st.sampled_from([0.5, 2.0, 128.0]))
def test_an_amount_in_another_currency_is_converted(usd: int, per_usd: float) -> None:
    """As many dollars as it is worth units of the other currency, in that one's sign."""
    said = amount(float(usd), Currency("JPY", 0, per_usd))
    assert said.replace("JPY\u00a0", "US$") == amount(usd * per_usd, US_DOLLAR)


@given(left=st.floats(0, 1e9), right=st.floats(0, 1e9))
def test_a_difference_agrees_with_its_parts_and_with_itself(left: float, right: float) -> None:
    """Each to a unit of what it is written in, and the difference as a page rounds it to three."""
    said = amounts_and_difference(left, right, US_DOLLAR)

    def read(text: str) -> float:
        match = re.fullmatch(r"US\$([0-9,]+(?:\.[0-9]+)?)( [a-z]+)?", text)
        assert match, text
        return float(match[1].replace(",", "")) * _SCALES[match[2] or ""]

    first, second, apart = (read(text) for text in said)
    assert abs(first - second) == pytest.approx(apart, rel=1e-9, abs=1e-6)
    # Off by no more than the rounding of both parts: of the difference, a thousandth at most.
    tolerance = max(1.0, abs(left - right) / 1000, max(left, right) / 1e6)
    assert apart == pytest.approx(abs(left - right), abs=tolerance + 0.01)


@given(value=st.floats(-100, 100))
def test_points_have_one_decimal_and_no_negative_zero(value: float) -> None:
    assert re.fullmatch(r"-?\d+\.\d", points(value))
    assert re.fullmatch(r"[+-]\d+\.\d|0\.0", signed_points(value))
    assert "-0.0" not in (points(value), signed_points(value))
    assert float(signed_points(value)) == pytest.approx(value, abs=0.0501)


@given(fraction=st.floats(0, 1))
def test_certainty_is_never_claimed(fraction: float) -> None:
    assert percent(fraction) not in {"0%", "100%"}

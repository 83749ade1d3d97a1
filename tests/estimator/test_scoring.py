"""Errors and intervals, worked by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.estimator.scoring import Scored, interval_scores, score

factors = st.floats(0.2, 5.0)


def test_errors_are_relative_and_signed() -> None:
    assert Scored(50, 60, 1, 99).error == pytest.approx(0.2)
    assert Scored(50, 40, 1, 99).error == pytest.approx(-0.2)
    assert Scored(50).error is None


def test_a_skip_is_an_error_of_one() -> None:
    found = score([Scored(100, 110, 100, 120), Scored(100)])
    assert (found.n, found.skipped) == (2, 1)
    assert found.median_ape == pytest.approx(0.55)
    assert found.p90_ape == pytest.approx(0.91)
    assert found.coverage80 == 1.0
    assert found.median_width == pytest.approx(20 / 110)


def test_nothing_but_skips() -> None:
    found = score([Scored(1), Scored(2)])
    assert (found.n, found.skipped, found.median_ape, found.p90_ape) == (2, 2, 1.0, 1.0)
    assert found.coverage80 is found.winkler is found.winkler_constant is None


def test_an_interval_that_holds_costs_its_width_and_one_that_misses_ten_times_the_miss() -> None:
    inside = score([Scored(100, 100, 90, 110)])
    assert inside.winkler == pytest.approx(math.log(110 / 90))
    below = score([Scored(80, 100, 90, 110)])
    assert below.winkler == pytest.approx(math.log(110 / 90) + 10 * math.log(90 / 80))
    above = score([Scored(121, 100, 90, 110)])
    assert above.winkler == pytest.approx(math.log(110 / 90) + 10 * math.log(121 / 110))


def test_intervals_that_know_where_they_are_wrong_beat_one_width() -> None:
    sure = [Scored(100 * f, 100, 98, 102) for f in (0.985, 0.99, 1.0, 1.01, 1.015)]
    unsure = [Scored(100 * f, 100, 60, 150) for f in (0.62, 0.8, 1.0, 1.3, 1.45)]
    found = score(sure + unsure)
    assert found.winkler is not None
    assert found.winkler_constant is not None
    assert found.winkler < found.winkler_constant


@given(st.lists(factors, min_size=1, max_size=20), st.floats(0.01, 100))
def test_a_change_of_unit_changes_nothing(ratios: list[float], unit: float) -> None:
    one = score([Scored(r, 1, 0.5, 2) for r in ratios])
    other = score([Scored(r * unit, unit, 0.5 * unit, 2 * unit) for r in ratios])
    assert one.median_ape == pytest.approx(other.median_ape)
    assert one.winkler == pytest.approx(other.winkler)


@given(st.lists(factors, min_size=1, max_size=20))
def test_the_median_is_never_above_nine_in_ten(ratios: list[float]) -> None:
    found = score([Scored(r, 1, 0.5, 2) for r in ratios])
    assert 0 <= found.median_ape <= found.p90_ape


def test_scores_of_arrays() -> None:
    measured = np.array([1.0, 2.0, -1.0])
    scores = interval_scores(measured, np.zeros(3), np.ones(3))
    assert scores.tolist() == [1.0, pytest.approx(11.0), pytest.approx(11.0)]

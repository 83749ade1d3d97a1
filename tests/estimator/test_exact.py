"""Amounts on a grid add up exactly, in whatever order."""

from __future__ import annotations

import random
from fractions import Fraction

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from app.estimator.exact import grid_of, on_grid

amounts = st.lists(st.floats(-1e12, 1e12), min_size=1, max_size=200)


@given(values=amounts, seed=st.integers(0, 1000))
def test_sums_do_not_depend_on_their_order(values: list[float], seed: int) -> None:
    found = on_grid(values, grid_of(float(np.abs(values).sum())))
    shuffled = found.tolist()
    random.Random(seed).shuffle(shuffled)  # noqa: S311
    exact = float(sum(map(Fraction, found.tolist())))
    assert float(found.sum()) == sum(shuffled) == sum(found.tolist()) == exact
    half = len(shuffled) // 2
    assert sum(shuffled[:half]) + sum(shuffled[half:]) == exact


@given(values=amounts)
def test_nothing_moves_by_more_than_the_last_bits_of_the_whole(values: list[float]) -> None:
    size = float(np.abs(values).sum())
    found = on_grid(values, grid_of(size))
    assert float(np.abs(found - values).max()) <= max(size * 2.0**-50, 2.0**-1000)
    assert on_grid(found, grid_of(size)).tolist() == found.tolist()


@given(first=amounts, second=amounts)
def test_differences_of_totals_are_exact(first: list[float], second: list[float]) -> None:
    grid = grid_of(float(np.abs(first).sum() + np.abs(second).sum()))
    a, b = (float(on_grid(values, grid).sum()) for values in (first, second))
    assert a - b == float(Fraction(a) - Fraction(b))


def test_nothing_is_on_any_grid() -> None:
    assert on_grid([0.0, -0.0], grid_of(0.0)).tolist() == [0.0, 0.0]
    assert grid_of(float("inf")) == 1.0

"""Sums over products of batch and sequence."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from app.estimator import sizes


def test_each_kind_of_size_by_hand() -> None:
    total = sizes.total(
        (
            sizes.fixed(1),
            sizes.per_position(10),
            sizes.per_token(100),
            sizes.per_square(1000),
            sizes.per_score(10_000),
        )
    )
    assert total == (1, 10, 100, 1000, 10_000)
    values = sizes.products(2, 3)
    assert float(values @ np.array(total)) == 1 + 30 + 600 + 9000 + 180_000
    assert sizes.plus(total, sizes.times(total, -1)) == sizes.NOTHING
    assert sizes.total(()) == sizes.NOTHING


def test_arrays_broadcast() -> None:
    assert sizes.products(np.array([1, 2]), np.array([[4], [8], [16]])).shape == (3, 2, 5)


@given(
    arrays(np.float64, (12, 5), elements=st.integers(0, 4).map(float)),
    st.integers(1, 9),
    st.integers(1, 9),
)
def test_what_is_left_out_is_never_the_largest(rows: np.ndarray, batch: int, length: int) -> None:
    left = sizes.undominated(rows)
    values = sizes.products(batch, length)
    assert (left @ values).max() == (rows @ values).max()
    assert len(left) <= len(rows)
    for i, one in enumerate(left):
        others = np.delete(left, i, axis=0)
        assert not (one <= others).all(axis=1).any()

"""Sizes that are known before the batch and the sequence are: sums over a few products of them."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]

Size = tuple[float, float, float, float, float]
"""Coefficients of 1, S, T, S S and T S, where T = B S are the tokens of B sequences of S."""

NOTHING: Size = (0.0, 0.0, 0.0, 0.0, 0.0)


def fixed(count: float) -> Size:
    """`count` for the whole step."""
    return (count, 0.0, 0.0, 0.0, 0.0)


def per_position(count: float) -> Size:
    """`count` for each position of a sequence, whatever the batch."""
    return (0.0, count, 0.0, 0.0, 0.0)


def per_token(count: float) -> Size:
    """`count` for each token of the batch."""
    return (0.0, 0.0, count, 0.0, 0.0)


def per_square(count: float) -> Size:
    """`count` for each pair of positions, whatever the batch."""
    return (0.0, 0.0, 0.0, count, 0.0)


def per_score(count: float) -> Size:
    """`count` for each pair of a token and a position of its sequence."""
    return (0.0, 0.0, 0.0, 0.0, count)


def plus(a: Size, b: Size) -> Size:
    """The sum of two sizes."""
    return (a[0] + b[0], a[1] + b[1], a[2] + b[2], a[3] + b[3], a[4] + b[4])


def times(a: Size, factor: float) -> Size:
    """A size some times over."""
    return (a[0] * factor, a[1] * factor, a[2] * factor, a[3] * factor, a[4] * factor)


def total(sizes: Iterable[Size]) -> Size:
    """The sum of some sizes."""
    a = b = c = d = e = 0.0
    for size in sizes:
        a, b, c, d, e = a + size[0], b + size[1], c + size[2], d + size[3], e + size[4]
    return (a, b, c, d, e)


def products(sequences: ArrayLike, sequence_length: ArrayLike) -> Floats:
    """The values that the coefficients belong to, along a new last axis.

    Parameters
    ----------
    sequences, sequence_length : B and S; scalars or arrays that broadcast. [count]

    Examples
    --------
    >>> products(2, 3).tolist()
    [1.0, 3.0, 6.0, 9.0, 18.0]
    """
    batch, length = np.broadcast_arrays(
        np.asarray(sequences, dtype=np.float64), np.asarray(sequence_length, dtype=np.float64)
    )
    tokens = batch * length
    return np.stack([np.ones_like(tokens), length, tokens, length**2, tokens * length], axis=-1)


def undominated(rows: Floats) -> Floats:
    """The rows that can be the largest for some batch and sequence.

    Parameters
    ----------
    rows : sizes, shape (n, 5).

    Notes
    -----
    A row is left out where another one is as large in every coefficient. The row with the largest
    sum is not covered by any other, so rows are taken by their sum, with all that they cover.
    """
    found = []
    while len(rows):
        largest = rows[rows.sum(axis=1).argmax()]
        found.append(largest)
        rows = rows[(rows > largest).any(axis=1)]
    return np.array(found)

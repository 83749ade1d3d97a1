"""Quantiles of a mixture of normals on one line."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]

BISECTIONS = 50

_erf = np.vectorize(math.erf, otypes=[np.float64])


def mixture_probability(points: ArrayLike, weight: Floats, mean: Floats, sd: Floats) -> Floats:
    """Probability of at most `points`. (..., n)

    Parameters
    ----------
    points : (..., n); weight : (k,), sums to 1; mean, sd : (n, k), sd above 0.
    """
    place = (np.asarray(points, dtype=np.float64)[..., None] - mean) / sd
    return np.asarray((0.5 + _erf(place / math.sqrt(2)) / 2) @ weight)


def mixture_quantiles(
    probabilities: Sequence[float], weight: Floats, mean: Floats, sd: Floats
) -> Floats:
    """Quantiles of each of n mixtures, by halving an interval that holds them. (p, n)

    Parameters
    ----------
    probabilities : each above 0 and below 1. (p,)
    weight : (k,), sums to 1; mean, sd : (n, k); an sd of 0 is a point.

    Examples
    --------
    >>> one = mixture_quantiles([0.5, 0.9], np.ones(1), np.ones((1, 1)), np.ones((1, 1)))
    >>> one[:, 0].round(3).tolist()
    [1.0, 2.282]
    """
    spread = np.maximum(sd, 1e-9)
    asked = np.asarray(probabilities)[:, None]
    low = np.tile((mean - 8 * spread).min(axis=1), (len(asked), 1))
    high = np.tile((mean + 8 * spread).max(axis=1), (len(asked), 1))
    for _ in range(BISECTIONS):
        middle = (low + high) / 2
        below = mixture_probability(middle, weight, mean, spread) < asked
        low, high = np.where(below, middle, low), np.where(below, high, middle)
    return np.asarray((low + high) / 2)

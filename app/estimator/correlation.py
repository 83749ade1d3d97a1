"""Factors that go together: normal draws with given correlations, one of them drawn already."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from app.estimator.errors import InvalidSpec

Floats = NDArray[np.float64]

DRAWN = ("price", "time", "value", "adoption")
"""Factors that are drawn given the accuracy."""
FIGURES = (*DRAWN, "accuracy")
"""What varies in a simulation, in the order of `correlation_matrix`."""
PAIRS = tuple((a, b) for i, a in enumerate(FIGURES) for b in FIGURES[i + 1 :])
SLACK = 1e-9
"""Below 0 by which an eigenvalue may be rounding."""


def correlation_key(first: str, second: str) -> str:
    """Key of the constant that says how two figures go together."""
    return f"correlation_{first}_{second}"


def correlation_matrix(constants: Mapping[str, float]) -> Floats:
    """Correlations of the normal scores of `FIGURES`. (5, 5)

    Raises
    ------
    InvalidSpec : no draws can have them all.
    """
    matrix = np.eye(len(FIGURES))
    for first, second in PAIRS:
        i, j = FIGURES.index(first), FIGURES.index(second)
        matrix[i, j] = matrix[j, i] = constants[correlation_key(first, second)]
    if np.linalg.eigvalsh(matrix)[0] < -SLACK:
        raise InvalidSpec(
            "the correlations contradict each other: figures that go along with the same one "
            "cannot go against each other as far; bring them nearer to 0"
        )
    return matrix


@lru_cache(maxsize=4)
def _scores(count: int) -> Floats:
    """Normal quantiles at the middles of so many equal parts. (count,)"""
    quantile = NormalDist().inv_cdf
    half = [quantile((i + 0.5) / count) for i in range(count // 2)]
    middle = [0.0] if count % 2 else []
    scores = np.array([*half, *middle, *(-x for x in reversed(half))])
    scores.flags.writeable = False
    return scores


def normal_scores(values: Floats) -> Floats:
    """Standard normal values in the order of the given ones, at the middles of n equal parts. (n,)

    Examples
    --------
    >>> normal_scores(np.array([5.0, -3.0, 0.1])).round(3).tolist()
    [0.967, -0.967, 0.0]
    """
    found = np.empty(len(values))
    found[np.argsort(values)] = _scores(len(values))
    return found


def together(normal: Floats, accuracy: Floats, constants: Mapping[str, float]) -> Floats:
    """Independent normal draws of `DRAWN`, made to go together with each other and with accuracy.

    Parameters
    ----------
    normal : (4, draws)
    accuracy : any increasing measure of it. (draws,)

    Notes
    -----
    Given the normal scores z of accuracy, the others are normal with mean r z and covariance
    R - r r', R among themselves and r with accuracy. (4, draws)
    """
    matrix = correlation_matrix(constants)
    among, with_accuracy = matrix[:-1, :-1], matrix[:-1, -1]
    left = among - np.outer(with_accuracy, with_accuracy)
    if np.array_equal(left, np.eye(len(DRAWN))):
        return normal
    values, vectors = np.linalg.eigh(left)
    root = vectors * np.sqrt(np.maximum(values, 0.0))
    made = (root @ vectors.T) @ normal
    if with_accuracy.any():
        made += np.outer(with_accuracy, normal_scores(accuracy))
    return np.asarray(made)

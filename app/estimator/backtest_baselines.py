"""What the model is held against: simple predictors of an adapter's score and of its gap."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from app.estimator.evidence import HeadToHead
from app.estimator.evidence_rows import GROUPS

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

RIDGE_STRENGTH = 1.0
"""In studies: how much the coefficients of the ridge are held to 0."""


def study_weights(study: Sequence[str]) -> Floats:
    """Weights with which every study counts the same; they sum to 1. (n,)

    Examples
    --------
    >>> [float(w) for w in study_weights(["a", "b", "b"])]
    [0.5, 0.25, 0.25]
    """
    names = np.array(study)
    _, place, count = np.unique(names, return_inverse=True, return_counts=True)
    return np.asarray(1.0 / count[place] / len(count))


def weighted_mean(values: Floats, study: Sequence[str]) -> float:
    """Mean over studies of the mean of each."""
    return float(study_weights(study) @ values)


def weighted_quantile(values: Floats, study: Sequence[str], probability: float) -> float:
    """Quantile where every study counts the same: the smallest value that holds enough weight."""
    order = np.argsort(values, kind="stable")
    total = np.cumsum(study_weights(study)[order])
    place = min(int(np.searchsorted(total, probability - 1e-12)), len(values) - 1)
    return float(values[order][place])


def group_means(values: Floats, rows: Sequence[HeadToHead]) -> dict[str, float]:
    """Mean of each group over its studies, with the mean of all as one more study."""
    everywhere = weighted_mean(values, [row.study for row in rows])
    found = dict.fromkeys(GROUPS, everywhere)
    for group in GROUPS:
        mine = np.array([row.group == group for row in rows])
        if mine.any():
            study = [row.study for row in rows if row.group == group]
            n = len(set(study))
            found[group] = (n * weighted_mean(values[mine], study) + everywhere) / (n + 1)
    return found


def descriptors(rows: Sequence[HeadToHead]) -> Floats:
    """What a ridge regression sees of a row. (n, 12)

    Notes
    -----
    One column a group; logarithms of rank, of the size of the model, and of trained tokens (or
    examples) for each trained parameter; whether each is known; whether the base is quantized.
    """
    out = []
    for row in rows:
        rank = None if row.rank is None else np.log(row.rank / 16) / np.log(4)
        size = None if row.params_b is None else np.log(row.params_b / 7)
        seen = row.train_tokens or (row.train_examples and 300 * row.train_examples)
        load = np.log10(seen / row.trainable) if seen and row.trainable else None
        known = [value for pair in (rank, size, load) for value in _known(pair)]
        kinds = [float(row.group == group) for group in GROUPS]
        out.append([*kinds, *known, float(row.method == "qlora")])
    return np.array(out).reshape(len(out), len(GROUPS) + 7)


def _known(value: float | None) -> tuple[float, float]:
    return (0.0, 0.0) if value is None else (float(value), 1.0)


def ridge(train: Floats, values: Floats, study: Sequence[str], test: Floats) -> Floats:
    """Ridge regression with every study counting the same. (n of test,)

    Notes
    -----
    Minimizes sum w (y - m - (x - x_m)'b)^2 + k b'b / studies, m and x_m the weighted means.

    References
    ----------
    Hoerl and Kennard, "Ridge regression", Technometrics 12, 1970.
    """
    weight = study_weights(study)
    centre, level = weight @ train, float(weight @ values)
    x = train - centre
    strength = RIDGE_STRENGTH / len(set(study))
    inner = (x * weight[:, None]).T @ x + strength * np.eye(x.shape[1])
    slope = np.linalg.solve(inner, (x * weight[:, None]).T @ (values - level))
    return np.asarray(level + (test - centre) @ slope)

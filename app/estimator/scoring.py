"""How good predictions were: relative errors, coverage and width of their intervals."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

SKIP_ERROR: Final = 1.0
"""What a row without a prediction counts as: an error of 100%."""
INTERVAL_LEVEL: Final = 0.8


@dataclass(frozen=True, slots=True)
class Scored:
    """A measured value, and the prediction with its 80% interval where there is one.

    Parameters
    ----------
    measured : greater than 0.
    predicted, low, high : greater than 0, all in the unit of `measured`; None where skipped.
    """

    measured: float
    predicted: float | None = None
    low: float | None = None
    high: float | None = None

    @property
    def error(self) -> float | None:
        """Predicted over measured, less 1: positive where too much was predicted. [fraction]"""
        return None if self.predicted is None else self.predicted / self.measured - 1


@dataclass(frozen=True, slots=True)
class Score:
    """Figures of a group of rows.

    Parameters
    ----------
    n, skipped : rows, and those of them without a prediction. [count]
    median_ape, p90_ape : quantiles of the absolute relative error; a skip counts as 1. [fraction]
    coverage80 : share of the predicted rows whose interval holds the measured value. [fraction]
    winkler : mean interval score on the natural logarithm; lower is better.
    winkler_constant : the same for intervals of one width in the logarithm around the same
        predictions, with the width that this group's own residuals would have asked for.
    median_width : median of the interval's width over the prediction. [fraction]
    """

    n: int
    skipped: int
    median_ape: float
    p90_ape: float
    coverage80: float | None
    winkler: float | None
    winkler_constant: float | None
    median_width: float | None


def interval_scores(
    measured: np.ndarray, low: np.ndarray, high: np.ndarray, level: float = INTERVAL_LEVEL
) -> np.ndarray:
    """Winkler's score of each interval: its width, and a penalty where it misses.

    Parameters
    ----------
    measured, low, high : on the scale that is judged, here logarithms. (n,)

    References
    ----------
    [1] Winkler, "A decision-theoretic approach to interval estimation", JASA 67 (1972).
    [2] Gneiting and Raftery, "Strictly proper scoring rules", JASA 102 (2007), section 6.2,
        equation 43.

    Examples
    --------
    >>> interval_scores(np.array([1.0, 3.0]), np.zeros(2), np.full(2, 2.0)).round(6).tolist()
    [2.0, 12.0]
    """
    miss = np.maximum(low - measured, 0.0) + np.maximum(measured - high, 0.0)
    scores: np.ndarray = high - low + 2.0 / (1.0 - level) * miss
    return scores


def score(rows: Sequence[Scored]) -> Score:
    """Figures of one or more rows.

    Examples
    --------
    >>> found = score([Scored(100, 110, 90, 130), Scored(100, 80, 70, 90), Scored(100)])
    >>> found.n, found.skipped, round(found.median_ape, 3), found.coverage80
    (3, 1, 0.2, 0.5)
    """
    absolute = [SKIP_ERROR if row.error is None else abs(row.error) for row in rows]
    kept = np.array(
        [
            (row.measured, row.predicted, row.low, row.high)
            for row in rows
            if row.predicted is not None and row.low is not None and row.high is not None
        ],
        dtype=float,
    ).reshape(-1, 4)
    if not len(kept):
        return Score(
            n=len(rows),
            skipped=len(rows),
            median_ape=float(np.median(absolute)),
            p90_ape=float(np.quantile(absolute, 0.9)),
            coverage80=None,
            winkler=None,
            winkler_constant=None,
            median_width=None,
        )
    measured, predicted, low, high = np.log(kept).T
    tails = (1.0 - INTERVAL_LEVEL) / 2
    residual_low, residual_high = np.quantile(measured - predicted, (tails, 1.0 - tails))
    constant = interval_scores(measured, predicted + residual_low, predicted + residual_high)
    return Score(
        n=len(rows),
        skipped=len(rows) - len(kept),
        median_ape=float(np.median(absolute)),
        p90_ape=float(np.quantile(absolute, 0.9)),
        coverage80=float(np.mean((low <= measured) & (measured <= high))),
        winkler=float(np.mean(interval_scores(measured, low, high))),
        winkler_constant=float(np.mean(constant)),
        median_width=float(np.median((kept[:, 3] - kept[:, 2]) / kept[:, 1])),
    )

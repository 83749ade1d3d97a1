"""Errors, intervals and the probability of running out of memory, from predictions left out."""

from __future__ import annotations

from typing import Any

import numpy as np

from app.estimator.calibration import METHODS, RESERVED, probability_above
from app.estimator.scoring import Scored, score
from benchmarks.calibration.problem import Floats, Mask, Rows, Strings

LEVEL = 0.8
DIFFICULTIES = (0.0, 0.5, 1.0, 2.0, 4.0, 8.0)
"""Weights of the hard share that are tried; the one with the best interval score stands."""
FEWEST_ROWS = 12
"""Fewer rows of a method than this take the residuals of all methods together."""
SWEEP = np.geomspace(0.6, 1.6, 11)
"""Card sizes that each known peak is held against, over the peak."""
BINS = np.linspace(0.0, 1.0, 11)


def half_width(residual: Floats) -> float:
    """Half the interval that holds the level's share of residuals, as split conformal does it.

    References
    ----------
    Vovk et al., "Algorithmic Learning in a Random World", 2005; Lei et al., JASA 113, 2018.
    """
    n = len(residual)
    rank = min(1.0, np.ceil((n + 1) * LEVEL) / n)
    return float(np.quantile(np.abs(residual), rank))


def spreads(
    residual: Floats, hard: Floats, method: Strings, mask: Mask, weight: float
) -> dict[str, tuple[int, float]]:
    """Rows and half width by method, of the rows in a mask."""
    scaled = residual / (1.0 + weight * hard)
    pooled = half_width(scaled[mask])
    found = {}
    for one in METHODS:
        own = mask & (method == one)
        n = int(own.sum())
        found[one] = (n, half_width(scaled[own]) if n >= FEWEST_ROWS else pooled)
    return found


def best_difficulty(residual: Floats, hard: Floats, method: Strings) -> float:
    """The weight of the hard share whose intervals score best on one target."""

    def mean_score(weight: float) -> float:
        total = 0.0
        for name in np.unique(method):
            own = method == name
            scaled = residual[own] / (1.0 + weight * hard[own])
            half = half_width(scaled) * (1.0 + weight * hard[own])
            miss = np.maximum(np.abs(residual[own]) - half, 0.0)
            total += float(np.sum(2.0 * half + 2.0 / (1.0 - LEVEL) * miss))
        return total

    return min(DIFFICULTIES, key=mean_score)


def error_entry(
    rows: Rows, predicted: Floats, half: Floats, mask: Mask, **about: str
) -> dict[str, Any]:
    """Figures of one split; see `app.estimator.scoring.score`."""
    found = score(
        [
            Scored(float(m), float(p), float(p * np.exp(-h)), float(p * np.exp(h)))
            for m, p, h in zip(rows.measured[mask], predicted[mask], half[mask], strict=True)
        ]
    )
    figures = ("median_ape", "p90_ape", "coverage80", "winkler", "winkler_constant", "median_width")
    return about | {"n": found.n} | {key: round(float(getattr(found, key)), 5) for key in figures}


def out_of_memory(rows: Rows, predicted: Floats, half: Floats) -> dict[str, Any]:
    """Brier score of P(out of memory) over swept card sizes, and its calibration curve.

    References
    ----------
    Brier, "Verification of forecasts expressed in terms of probability", 1950.
    """
    kept = (rows.target == RESERVED) & (rows.grade == "A")
    peak, value, width = rows.measured[kept], predicted[kept], half[kept]
    card = peak[:, None] * SWEEP[None, :]
    truth = (peak[:, None] > card).astype(float).ravel()
    said = probability_above(
        np.repeat(value, len(SWEEP)), card.ravel(), np.repeat(width, len(SWEEP))
    )
    base = truth.mean()
    place = np.clip(np.digitize(said, BINS) - 1, 0, len(BINS) - 2)
    curve = [
        {
            "predicted": round(float(said[place == i].mean()), 4),
            "observed": round(float(truth[place == i].mean()), 4),
            "n": int((place == i).sum()),
        }
        for i in range(len(BINS) - 1)
        if (place == i).any()
    ]
    return {
        "n": len(truth),
        "brier": round(float(np.mean((said - truth) ** 2)), 5),
        "base_rate_brier": round(float(base * (1 - base)), 5),
        "curve": curve,
    }

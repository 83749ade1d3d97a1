"""Handmade beliefs with realistic spreads for the tests of pilots and curves."""

from __future__ import annotations

import numpy as np

from app.estimator.belief import Belief, mixture


def belief_of(
    *,
    base: float = 48.0,
    base_sd: float = 1.8,
    full: float = 15.0,
    full_sd: float = 8.0,
    loss: float = 3.0,
    loss_sd: float = 4.0,
    qlora_sd: float = 1.1,
    tails: bool = False,
    sure: bool = False,
) -> Belief:
    """A belief in which LoRA gains what full gains less a loss, and QLoRA scatters around LoRA.

    Parameters
    ----------
    tails : add a component of the same mean that is three times as wide.
    sure : nothing is uncertain.
    """
    mean = np.array([base, full, full - loss, full - loss, 0.0, 0.0])
    covariance = np.zeros((6, 6))
    covariance[0, 0] = base_sd**2
    covariance[1:4, 1:4] = full_sd**2
    covariance[2:4, 2:4] += loss_sd**2
    covariance[3, 3] += qlora_sd**2
    covariance[4:, 4:] = [[1.0, 0.6], [0.6, 1.0]]
    if sure:
        covariance[:] = 0.0
    wide = covariance.copy()
    wide[1:4, 1:4] *= 9
    return mixture(
        [(0.7, mean, covariance), (0.3, mean, wide)] if tails else [(1, mean, covariance)]
    )

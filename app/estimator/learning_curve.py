"""The learning curve: the score of a method by the number of examples that it was trained on."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from app.estimator.belief import BASE, CURVE_ADAPTER, CURVE_FULL, GAIN, Belief
from app.estimator.constants import ConstantValues
from app.estimator.errors import InvalidSpec

Floats = NDArray[np.float64]

SIZES = 20
"""Sizes at which a curve is drawn, beside those that were asked for."""
FURTHEST = 6.0
"""Standard deviations of the bend beyond which it is not moved: keeps every number finite."""


def curve_place(method: str) -> int:
    """Place of the steepness of a tuned method's curve among the quantities of a belief.

    Raises
    ------
    InvalidSpec : not full, lora or qlora.
    """
    if method not in GAIN:
        raise InvalidSpec(f"no learning curve of {method!r}; only full, lora and qlora have one")
    return CURVE_FULL if method == "full" else CURVE_ADAPTER


def share_of_gain(
    method: str,
    examples: Floats | float,
    target_examples: float,
    steepness: Floats | float,
    constants: ConstantValues,
) -> Floats:
    """Share of the gain at the planned data size that a smaller or larger one brings. [fraction]

    Parameters
    ----------
    method : full, lora or qlora.
    examples : trained on, 0 or more. [count]
    target_examples : planned, above 0. [count]
    steepness : of the curve at the planned size, in standard deviations of what curves differ by;
        the higher, the more of the gain comes late. Broadcast against `examples`.

    Returns
    -------
    0 without data, 1 at the planned size, increasing with data.

    Notes
    -----
    s(D) = (1 - (1 + D / B)^-beta) / (1 - (1 + P / B)^-beta), P the planned size: errors fall as a
    power of the data, shifted so that no data is no gain. The bend is B = f P exp(sd x steepness).
    Assumption: it is a share of the planned size, since a task that needs more data bends later.
    Validity: where more data is more of the same, seen equally often; a score that falls by
    overfitting is not described.

    References
    ----------
    beta: Zhang et al. 2024, arXiv:2402.17193, equation 1 and table 4; the shift is ours, as in the
    law of Hernandez et al. 2021, arXiv:2102.01293, where pretraining stands for some data.
    f, of full and of adapters, and sd: fitted to Biderman et al. 2024, arXiv:2405.09673; see the
    constants.

    Examples
    --------
    >>> from app.estimator.constants import constant_values
    >>> sizes = np.array([0.0, 500.0, 10_000.0])
    >>> share_of_gain("full", sizes, 10_000, 0.0, constant_values()).round(3)
    array([0.   , 0.245, 1.   ])
    """
    curve_place(method)
    if target_examples <= 0:
        raise InvalidSpec("a learning curve needs a planned data size above 0")
    which = "full" if method == "full" else "adapter"
    beta = constants[f"curve_beta_{which}"]
    moved = np.clip(steepness, -FURTHEST, FURTHEST) * constants["curve_bend_log_sd"]
    bend = constants[f"curve_bend_{which}"] * np.exp(moved)
    share = np.asarray(examples, dtype=np.float64) / target_examples
    return np.asarray(-np.expm1(-beta * np.log1p(share / bend))) / -np.expm1(
        -beta * np.log1p(1.0 / bend)
    )


def curve_sizes(target_examples: int, pilot_sizes: Sequence[int] = ()) -> tuple[int, ...]:
    """Sizes at which to draw a curve, increasing: evenly spaced logarithms and the sizes named.

    Parameters
    ----------
    target_examples : planned. [count]
    pilot_sizes : of runs that were measured; 0, that of the base model, is left out. [count]

    Returns
    -------
    From the smallest pilot, or a hundredth of the planned size if that is less, to four times the
    planned size, or the largest pilot.

    Examples
    --------
    >>> sizes = curve_sizes(10_000, [500])
    >>> sizes[0], sizes[-1], 500 in sizes, 10_000 in sizes
    (100, 40000, True, True)
    """
    named = sorted({size for size in pilot_sizes if size > 0} | {target_examples})
    low = max(1.0, min(named[0], target_examples / 100))
    high = max(named[-1], 4 * target_examples)
    spaced = np.geomspace(low, high, SIZES).round().astype(np.int64)
    return tuple(sorted({int(size) for size in spaced} | set(named)))


def curve_of(
    belief: Belief,
    method: str,
    examples: Sequence[int] | Floats,
    target_examples: int,
    uniform: Floats,
    normal: Floats,
    constants: ConstantValues,
) -> tuple[Floats, Floats, Floats]:
    """Mean, P10 and P90 of the score of a method at each data size. [points, 0 to 100]

    Parameters
    ----------
    method : base, full, lora or qlora.
    examples : sizes. (n,) [count]
    uniform, normal : of the draws, as `Belief.draw` takes them. (draws,), (draws, 6)

    Returns
    -------
    Three arrays of length n. The same draws give the same curve.
    """
    sizes = np.asarray(examples, dtype=np.float64)
    draws = belief.draw(uniform, normal)
    base = draws[:, BASE, None]
    if method == "base":
        scores = np.repeat(base, len(sizes), axis=1)
    else:
        steepness = draws[:, curve_place(method), None]
        share = share_of_gain(method, sizes, target_examples, steepness, constants)
        scores = base + share * draws[:, GAIN[method], None]
    scores = np.clip(scores, 0.0, 100.0)
    low, high = np.quantile(scores, (0.1, 0.9), axis=0)
    return scores.mean(axis=0), low, high

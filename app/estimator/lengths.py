"""Lengths of the samples of a data set: a histogram, or a distribution fitted to a few figures."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from app.estimator.errors import InvalidSpec

Integers = NDArray[np.int64]
Floats = NDArray[np.float64]

POINTS = 1024
"""Lengths that stand for a fitted distribution."""

Z_95 = 1.6448536269514722
"""95% quantile of the normal distribution."""

BISECTIONS = 80


@dataclass(frozen=True, slots=True)
class Lengths:
    """A histogram of sample lengths, ascending and without repetition.

    Parameters
    ----------
    length : distinct lengths. (k,) [tokens] >= 1
    count : samples of each length. (k,) [count] >= 1
    assumed : whether the shape is our assumption, fitted to summary figures.
    """

    length: Integers
    count: Integers
    assumed: bool = False

    @classmethod
    def of(cls, length: ArrayLike, count: ArrayLike, *, assumed: bool = False) -> Lengths:
        """The histogram of pairs in any order; equal lengths are added up.

        Raises
        ------
        InvalidSpec : nothing given, a length below 1, a negative count, or arrays of two sizes.

        Examples
        --------
        >>> Lengths.of([20, 10, 20], [1, 5, 2]).count
        array([5, 3])
        """
        lengths = np.atleast_1d(np.asarray(length, dtype=np.int64))
        counts = np.atleast_1d(np.asarray(count, dtype=np.int64))
        if lengths.ndim != 1 or lengths.shape != counts.shape:
            raise InvalidSpec("every length has one count")
        if (lengths < 1).any() or (counts < 0).any():
            raise InvalidSpec("lengths are 1 or more, counts 0 or more")
        distinct, place = np.unique(lengths, return_inverse=True)
        totals = np.zeros(len(distinct), dtype=np.int64)
        np.add.at(totals, place, counts)
        if not totals.any():
            raise InvalidSpec("there is no sample; give at least one length")
        return cls(distinct[totals > 0], totals[totals > 0], assumed)

    @property
    def samples(self) -> int:
        """Samples. [count]"""
        return int(self.count.sum())

    @property
    def tokens(self) -> int:
        """Tokens of all samples. [tokens]"""
        return int((self.length * self.count).sum())

    @property
    def mean(self) -> float:
        """Mean length. [tokens]"""
        return self.tokens / self.samples

    @property
    def longest(self) -> int:
        """Longest sample. [tokens]"""
        return int(self.length[-1])

    def quantile(self, fraction: float) -> int:
        """Length that this share of the samples does not exceed. [tokens]

        Examples
        --------
        >>> Lengths.of([1, 2, 9], [50, 45, 5]).quantile(0.95)
        2
        """
        below = np.cumsum(self.count)
        # A hair less, so that 0.95 of 100 samples are 95 in floating point too.
        place = np.searchsorted(below, fraction * self.samples * (1 - 1e-12))
        return int(self.length[min(int(place), len(self.length) - 1)])


def lengths_from_summary(
    *,
    samples: int,
    mean: float,
    p95: float,
    maximum: int,
    median: float | None = None,
) -> Lengths:
    """A histogram with the given figures; its shape is our assumption.

    Parameters
    ----------
    samples : [count] >= 1
    mean, p95, maximum, median : of the lengths. [tokens]

    Raises
    ------
    InvalidSpec : figures that contradict each other, or that no log-normal distribution has.

    Notes
    -----
    Assumption: log-normal, truncated at the maximum, with this mean and 95% quantile; lengths of
    text are close to it. With a median as well: a quantile function through 1, median, 95% quantile
    and maximum, in which each stretch rises as the same power of its share, the power that gives
    the mean. Both are represented by `POINTS` lengths of equal weight and one sample of the maximum
    length; the figures come back within 1%.

    Examples
    --------
    >>> fitted = lengths_from_summary(samples=50_000, mean=900, p95=2400, maximum=8000)
    >>> round(fitted.mean / 900, 2), round(fitted.quantile(0.95) / 2400, 2), fitted.longest
    (1.0, 1.0, 8000)
    """
    if samples < 1:
        raise InvalidSpec("there is at least one sample")
    figures = (mean, p95, float(maximum), 1.0 if median is None else median)
    if not all(math.isfinite(figure) and figure >= 1 for figure in figures):
        raise InvalidSpec("lengths are 1 token or more")
    if max(mean, p95) > maximum:
        raise InvalidSpec(f"mean and 95% quantile must not exceed the longest sample of {maximum}")
    if median is not None and median > p95:
        raise InvalidSpec("the median must not exceed the 95% quantile")
    if p95 == maximum == mean or samples == 1:
        return Lengths.of([round(mean)], [samples], assumed=True)
    share = (np.arange(POINTS) + 0.5) / POINTS
    if median is None:
        quantile = _log_normal(mean, p95, float(maximum))
    else:
        quantile = _curve(mean, median, p95, float(maximum))
    length = np.clip(np.rint(quantile(share)), 1, maximum).astype(np.int64)
    # Equal weights that add up to the samples exactly; the longest sample is there once.
    edges = np.rint(np.linspace(0, samples - 1, POINTS + 1)).astype(np.int64)
    return Lengths.of(np.append(length, maximum), np.append(np.diff(edges), 1), assumed=True)


def _curve(mean: float, median: float, p95: float, maximum: float) -> Callable[[Floats], Floats]:
    """Quantile function through four points, with the power that gives the mean."""
    knots, values = (0.0, 0.5, 0.95, 1.0), (1.0, median, p95, maximum)
    widths, low, rise = np.diff(knots), np.array(values[:-1]), np.diff(values)
    floor, span = float((widths * low).sum()), float((widths * rise).sum())
    if not floor < mean < floor + span:
        raise InvalidSpec(
            f"with this median, 95% quantile and maximum the mean lies between {floor:,.0f} and "
            f"{floor + span:,.0f} tokens (got {mean:,.0f})"
        )
    power = span / (mean - floor) - 1.0

    def quantile(share: Floats) -> Floats:
        piece = np.clip(np.searchsorted(knots, share, side="right") - 1, 0, 2)
        within = (share - np.array(knots)[piece]) / widths[piece]
        return np.asarray(low[piece] + rise[piece] * within**power, dtype=np.float64)

    return quantile


def _normal_below(z: float) -> float:
    return 0.5 * math.erfc(-z / math.sqrt(2.0))


def _normal_quantile(share: Floats) -> Floats:
    """Inverse of the standard normal distribution, by bisection."""
    low, high = np.full_like(share, -40.0), np.full_like(share, 40.0)
    below = np.vectorize(_normal_below)
    for _ in range(BISECTIONS):
        middle = (low + high) / 2
        under = below(middle) < share
        low, high = np.where(under, middle, low), np.where(under, high, middle)
    return (low + high) / 2


def _truncated_mean(mu: float, sigma: float, maximum: float) -> float:
    """Mean of a log-normal distribution cut off at `maximum`."""
    z = (math.log(maximum) - mu) / sigma
    mass = _normal_below(z)
    if mass <= 0.0:
        return maximum
    part = _normal_below(z - sigma)
    return math.exp(mu + sigma**2 / 2) * part / mass if part > 0 else maximum


def _location(mean: float, sigma: float, maximum: float) -> float:
    """mu at which the truncated mean is `mean`; the mean rises with mu."""
    low, high = math.log(mean) - 8 * sigma**2 - 8, math.log(maximum) + 8 * sigma**2 + 8
    for _ in range(BISECTIONS):
        middle = (low + high) / 2
        if _truncated_mean(middle, sigma, maximum) < mean:
            low = middle
        else:
            high = middle
    return (low + high) / 2


def _log_normal(mean: float, p95: float, maximum: float) -> Callable[[Floats], Floats]:
    """Quantile function of the truncated log-normal with this mean and 95% quantile."""
    if p95 <= mean:
        raise InvalidSpec("the 95% quantile must exceed the mean; or give the median as well")

    def at(sigma: float, share: Floats) -> Floats:
        mu = _location(mean, sigma, maximum)
        mass = _normal_below((math.log(maximum) - mu) / sigma)
        return np.asarray(np.exp(mu + sigma * _normal_quantile(share * mass)), dtype=np.float64)

    def reached(sigma: float) -> float:
        return float(at(sigma, np.array([0.95]))[0])

    low, high = 1e-3, 1e-3
    best = mean
    for sigma in np.linspace(0.05, Z_95, 33):
        best = max(best, reached(float(sigma)))
        if best >= p95:
            high = float(sigma)
            break
        low = float(sigma)
    else:
        raise InvalidSpec(
            f"no log-normal distribution of mean {mean:,.0f} and maximum {maximum:,.0f} has a 95% "
            f"quantile above {best:,.0f} tokens (got {p95:,.0f}); give the median as well, or "
            "paste the lengths"
        )
    for _ in range(40):
        middle = (low + high) / 2
        if reached(middle) < p95:
            low = middle
        else:
            high = middle
    sigma = (low + high) / 2
    return lambda share: at(sigma, share)

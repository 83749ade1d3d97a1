"""Rates of return: every rate at which a cash flow is worth nothing, none and several included."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from app.estimator.errors import InvalidSpec
from app.estimator.units import MONTHS_PER_YEAR

Floats = NDArray[np.float64]

DAYS_PER_YEAR = 365.0
"""As Excel's XIRR counts them: actual days over 365."""
BISECTIONS = 60
"""Of an interval that holds one root: to the precision of a double."""
LOWEST, HIGHEST = np.log(1e-6), 700.0
"""Logarithms of 1 + rate beyond which a rate says nothing: nearer to -1 it is not known to the
digits that it needs, and above it overflows."""
TOUCHES = 1e-13
"""Net present value over the sum of its magnitudes below which a turning point counts as a root."""


@dataclass(frozen=True, slots=True)
class Rates:
    """All effective yearly rates at which the net present value is 0, in ascending order.

    Parameters
    ----------
    yearly : each above -1; a rate nearer to -1 than a millionth is left out. [fraction]
    why_none : where there is no rate, in words; else empty.
    """

    yearly: tuple[float, ...]
    why_none: str = ""

    @property
    def single(self) -> float | None:
        """The rate, where there is just one. [fraction]"""
        return self.yearly[0] if len(self.yearly) == 1 else None


def irr(flows: ArrayLike) -> Rates:
    """Internal rates of return of monthly flows, as effective yearly rates.

    Parameters
    ----------
    flows : at months 0, 1, 2, ... [USD]

    Examples
    --------
    >>> [round(rate, 6) for rate in irr([-100.0, *[0.0] * 11, 110.0]).yearly]
    [0.1]
    >>> irr([-100.0, 0.0]).why_none
    'nothing comes back'
    """
    values = np.asarray(flows, dtype=np.float64)
    return _rates(values, np.arange(len(values)) / MONTHS_PER_YEAR)


def irr_per_period(flows: ArrayLike) -> tuple[float, ...]:
    """Internal rates of return of one period, as Excel's IRR states them, all of them.

    Examples
    --------
    >>> [round(rate, 6) for rate in irr_per_period([-100.0, 230.0, -132.0])]
    [0.1, 0.2]
    """
    values = np.asarray(flows, dtype=np.float64)
    return _rates(values, np.arange(len(values), dtype=np.float64)).yearly


def xirr(flows: ArrayLike, days: Sequence[int]) -> Rates:
    """Rates of return of dated flows, actual days over 365.

    Parameters
    ----------
    flows : (n,) [USD]; days : since the first one, in any order. (n,) [days]

    Raises
    ------
    InvalidSpec : not as many days as flows.

    Examples
    --------
    >>> [round(rate, 6) for rate in xirr([-100.0, 121.0], [0, 730]).yearly]
    [0.1]
    """
    values = np.asarray(flows, dtype=np.float64)
    if len(values) != len(days):
        raise InvalidSpec("every dated flow needs its day, and every day its flow")
    return _rates(values, np.asarray(days, dtype=np.float64) / DAYS_PER_YEAR)


def _rates(flows: Floats, years: Floats) -> Rates:
    """Rates of flows at times in years; the times need not be in order."""
    times, place = np.unique(years, return_inverse=True)
    amounts = np.bincount(place, flows, minlength=len(times))
    times, amounts = times[amounts != 0], amounts[amounts != 0]
    if len(amounts) == 0:
        return Rates((), "nothing flows")
    if (amounts > 0).all():
        return Rates((), "nothing is spent")
    if (amounts < 0).all():
        return Rates((), "nothing comes back")
    every = _roots(amounts, times - times[0])
    logs = every[(every > LOWEST) & (every < HIGHEST)]
    lost = "nearly all is lost" if len(every) else "no rate makes it even"
    return Rates(
        tuple(sorted(float(np.expm1(s)) for s in logs)),
        "" if len(logs) else lost,
    )


def _roots(amounts: Floats, times: Floats) -> Floats:
    """All s with sum of amounts exp(-times s) = 0, in ascending order.

    Parameters
    ----------
    amounts : none of them 0, not all of one sign; times : ascending from 0. (n,)

    Notes
    -----
    Multiplied by exp(t s), t between two times at which the sign changes, the sum has the same
    roots, and its derivative has one change of sign less: amounts (t - times). Between two
    neighbouring roots of that derivative it is monotone, so each stretch holds one root at most,
    and halving finds it. Down to a sum of one sign, which has none. This is Descartes' rule for
    real exponents, used as a method: no root is missed, and no starting value is needed.

    References
    ----------
    Laguerre, "Sur la théorie des équations numériques", J. Math. Pures Appl. 9, 1883 (the rule for
    real exponents); Norstrom, J. Financ. Quant. Anal. 7, 1972 (when one rate is the only one).
    """
    signs = np.sign(amounts)
    changes = np.flatnonzero(signs[1:] != signs[:-1])
    if len(changes) == 0:
        return np.array([])
    middle = int(changes[len(changes) // 2])
    turn = (times[middle] + times[middle + 1]) / 2
    turning = _roots(amounts * (turn - times), times)
    reach = _reach(amounts, times)
    edges = np.concatenate([[-reach], turning, [reach]])
    at_edges = _relative(amounts, times, edges)
    # The signs far out are known; computed there, they may have underflowed.
    at_edges[0], at_edges[-1] = signs[-1], signs[0]
    touching = np.abs(at_edges) < TOUCHES
    crossing = (at_edges[:-1] * at_edges[1:] < 0) & ~touching[:-1] & ~touching[1:]
    low, high = edges[:-1][crossing], edges[1:][crossing]
    rising = at_edges[1:][crossing] > 0
    for _ in range(BISECTIONS):
        centre = (low + high) / 2
        before = (_relative(amounts, times, centre) < 0) == rising
        low, high = np.where(before, centre, low), np.where(before, high, centre)
    return np.sort(np.concatenate([edges[touching], (low + high) / 2]))


def _relative(amounts: Floats, times: Floats, s: Floats) -> Floats:
    """The sum at each s over the sum of its magnitudes, -1 to 1. (k,)"""
    exponent = -np.outer(s, times)
    weight = np.exp(exponent - exponent.max(axis=1, keepdims=True))
    return np.asarray(weight @ amounts / (weight @ np.abs(amounts)))


def _reach(amounts: Floats, times: Floats) -> float:
    """A distance from 0 beyond which the first or the last amount outweighs all others.

    Notes
    -----
    All others together are at most their sum at the nearest time (Cauchy's bound).
    """
    size = np.abs(amounts)
    early = np.log(max(size[1:].sum() / size[0], 1.0)) / (times[1] - times[0])
    late = np.log(max(size[:-1].sum() / size[-1], 1.0)) / (times[-1] - times[-2])
    return float(max(early, late)) + 1.0

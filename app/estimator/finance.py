"""Cash flow, net present value, payback and return, on monthly flows.

Month 0 is what is paid at the start and is not discounted; later flows fall at month ends. The
monthly rate i of an effective annual rate r is (1 + r)^(1/12) - 1. This is what Excel
users write as ``=C0+NPV(i, C1:Cn)``.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from app.estimator.units import MONTHS_PER_YEAR

Floats = NDArray[np.float64]


def monthly_rate(annual_rate: float) -> float:
    """Monthly rate that compounds to an effective annual rate. [fraction]

    Examples
    --------
    >>> round(monthly_rate(0.10), 6)
    0.007974
    """
    return float((1.0 + annual_rate) ** (1.0 / MONTHS_PER_YEAR) - 1.0)


def discount_factors(annual_rate: float, months: int) -> Floats:
    """Present value of one dollar at the end of months 0 to `months`. (months + 1,)"""
    return np.asarray((1.0 + monthly_rate(annual_rate)) ** -np.arange(months + 1.0))


def discounted(flows: ArrayLike, annual_rate: float) -> Floats:
    """Present value of each of the flows at months 0, 1, 2, ... (months + 1,) [USD]

    Examples
    --------
    >>> discounted([5.0, *[0.0] * 11, 110.0], 0.10)[[0, 12]].round(9).tolist()
    [5.0, 100.0]
    """
    values = np.asarray(flows, dtype=np.float64)
    return np.asarray(values * discount_factors(annual_rate, len(values) - 1))


def npv_usd(flows: ArrayLike, annual_rate: float) -> float:
    """Net present value of flows at months 0, 1, 2, ... [USD]

    Examples
    --------
    >>> abs(npv_usd([-100.0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 110.0], 0.10)) < 1e-9
    True
    """
    values = np.asarray(flows, dtype=np.float64)
    return float(values @ discount_factors(annual_rate, len(values) - 1))


def payback_months(flows: ArrayLike) -> float | None:
    """First moment from which the undiscounted cumulative flow stays at 0 or above. [months]

    Parameters
    ----------
    flows : flows at months 0, 1, 2, ... [USD]

    Returns
    -------
    Months, interpolated within the month that recovers the rest; 0 where nothing is spent first;
    None where the flow does not stay recovered within the horizon.

    Examples
    --------
    >>> payback_months([-100.0, 40.0, 40.0, 40.0])
    2.5
    >>> payback_months([-100.0, 10.0]) is None
    True
    """
    values = np.asarray(flows, dtype=np.float64)
    cumulative = np.cumsum(values)
    below = np.flatnonzero(cumulative < 0)
    if len(below) == 0:
        return 0.0
    last = int(below[-1])
    if last == len(values) - 1:
        return None
    return last + float(-cumulative[last] / values[last + 1])


def live_fraction(months: int, release_month: float) -> Floats:
    """Share of each month in which the release is in use. (months + 1,), month 0 is 0

    Examples
    --------
    >>> live_fraction(3, 1.25).tolist()
    [0.0, 0.0, 0.75, 1.0]
    """
    end = np.arange(months + 1.0)
    live = np.clip(end - release_month, 0.0, 1.0)
    live[0] = 0.0
    return live


def waiting_fraction(months: int, release_month: float) -> Floats:
    """Share of each month that passes before the first release. (months + 1,), month 0 is 0

    Examples
    --------
    >>> waiting_fraction(3, 1.25).tolist()
    [0.0, 1.0, 0.25, 0.0]
    """
    waiting = 1.0 - live_fraction(months, release_month)
    waiting[0] = 0.0
    return waiting


def later_releases(months: int, first: ArrayLike, per_year: ArrayLike) -> NDArray[np.int64]:
    """Later releases that are paid before the last month end; one at the very end would serve
    nobody. [count]

    Parameters
    ----------
    first : month of the first release; per_year : later releases a year. Scalars or (n,).

    Examples
    --------
    >>> later_releases(24, np.array([1.5, 5.5]), 2).tolist()
    [3, 2]
    """
    left = months - 1 + 1e-9 - np.asarray(first, dtype=np.float64)
    count = np.floor(left * np.asarray(per_year, dtype=np.float64) / MONTHS_PER_YEAR)
    return np.asarray(np.maximum(count, 0.0), dtype=np.int64)


def release_months(months: int, first: float, per_year: float) -> NDArray[np.int64]:
    """Month ends at which later releases are paid, as many as `later_releases` counts.

    Parameters
    ----------
    first : month of the first release; per_year : later releases a year.

    Examples
    --------
    >>> release_months(24, 1.5, 2).tolist()
    [8, 14, 20]
    """
    count = int(later_releases(months, first, per_year))
    if count == 0:
        return np.array([], dtype=np.int64)
    ends = np.ceil(first + MONTHS_PER_YEAR / per_year * np.arange(1, count + 1) - 1e-9)
    return np.asarray(np.minimum(ends, months - 1), dtype=np.int64)

"""The calendar of a scenario: its months, and the quarters and years of a company's books."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date, timedelta

import numpy as np
from numpy.typing import ArrayLike

from app.estimator.report_money import Period

MONTHS = 12


def months_later(start: date, months: int) -> date:
    """First of a month so many months after the first of another.

    Examples
    --------
    >>> months_later(date(2026, 11, 1), 3).isoformat()
    '2027-02-01'
    """
    number = start.year * MONTHS + start.month - 1 + months
    return date(number // MONTHS, number % MONTHS + 1, 1)


def flow_dates(start: date, months: int) -> tuple[date, ...]:
    """Days on which flows fall: month 0 at the start, every other on its last day. (months + 1,)"""
    ends = (months_later(start, m) - timedelta(days=1) for m in range(1, months + 1))
    return (start, *ends)


def month_periods(start: date, months: int) -> tuple[Period, ...]:
    """Months 1 to `months`, labelled as the calendar has them."""
    return tuple(
        Period(f"{first:%Y-%m}", m, m, first.isoformat(), months_later(start, m).isoformat())
        for m in range(1, months + 1)
        for first in (months_later(start, m - 1),)
    )


def fiscal_year(day: date, first_month: int) -> int:
    """Number of the fiscal year that a day is in: the calendar year in which it ends.

    Examples
    --------
    >>> fiscal_year(date(2026, 11, 1), 7), fiscal_year(date(2026, 11, 1), 1)
    (2027, 2026)
    """
    return day.year + (1 if 1 < first_month <= day.month else 0)


def fiscal_quarter(day: date, first_month: int) -> int:
    """Quarter of the fiscal year, 1 to 4."""
    return (day.month - first_month) % MONTHS // 3 + 1


def fiscal_periods(
    start: date, months: int, first_month: int
) -> tuple[tuple[Period, ...], tuple[Period, ...]]:
    """Quarters and years of the fiscal calendar; month 0 belongs to the period of month 1.

    Parameters
    ----------
    first_month : of the fiscal year, 1 to 12.
    """

    def year(day: date) -> str:
        return f"FY{fiscal_year(day, first_month)}"

    def quarter(day: date) -> str:
        return f"{year(day)} Q{fiscal_quarter(day, first_month)}"

    return _grouped(start, months, quarter), _grouped(start, months, year)


def _grouped(start: date, months: int, label: Callable[[date], str]) -> tuple[Period, ...]:
    groups: dict[str, list[int]] = {}
    for m in range(1, months + 1):
        groups.setdefault(label(months_later(start, m - 1)), []).append(m)
    return tuple(
        Period(
            name,
            within[0],
            within[-1],
            months_later(start, within[0] - 1).isoformat(),
            months_later(start, within[-1]).isoformat(),
        )
        for name, within in groups.items()
    )


def period_sums(by_month: ArrayLike, periods: Sequence[Period]) -> tuple[float, ...]:
    """Sums of months over periods, month 0 in the first. (months + 1,) to (periods,)

    Examples
    --------
    >>> period_sums([1.0, 2.0, 4.0, 8.0], [Period("a", 1, 1, "", ""), Period("b", 2, 3, "", "")])
    (3.0, 12.0)
    """
    values = np.asarray(by_month, dtype=np.float64)
    return tuple(
        float(values[0 if p.first_month == 1 else p.first_month : p.last_month + 1].sum())
        for p in periods
    )

"""Money by month that tests make up: a calendar, lines, and their report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from itertools import pairwise

from app.estimator.report_money import MoneyLine, MoneyReport, Period, Timeline, UseDrivers

DRIVERS = UseDrivers((), (), 0.0, 0.0, 0.0, (), (), (), (), 0.0, 1.0)


def month_after(start: date, months: int) -> date:
    """First day of a later month."""
    at = start.year * 12 + start.month - 1 + months
    return date(at // 12, at % 12 + 1, 1)


def timeline(months: int, start: date = date(2027, 1, 1)) -> Timeline:
    """A calendar without tax, inflation or discount."""
    firsts = [month_after(start, m) for m in range(months + 1)]
    periods = tuple(
        Period(f"{a:%Y-%m}", m, m, a.isoformat(), b.isoformat())
        for m, (a, b) in enumerate(pairwise(firsts), start=1)
    )
    ones = (1.0,) * (months + 1)
    return Timeline(
        start=start.isoformat(),
        flow_dates=tuple(day.isoformat() for day in firsts),
        months=periods,
        quarters=(),
        years=(),
        fiscal_year_start=1,
        discount_rate_fraction=0.0,
        monthly_rate_fraction=0.0,
        discount_factors=ones,
        money_terms="nominal",
        inflation_fraction=0.0,
        price_index=ones,
        contract_index=ones,
        tax_fraction=0.0,
        capitalised_fraction=0.0,
        write_off_months=36,
    )


def line(key: str, category: str, usd_by_month: Sequence[float], side: str = "cost") -> MoneyLine:
    """A line of one dollar a piece."""
    return MoneyLine(
        key=key,
        label=key,
        side=side,
        category=category,
        nature="opex" if side == "cost" else "",
        unit="USD",
        unit_price_usd=1.0,
        quantity=sum(usd_by_month),
        usd=sum(usd_by_month),
        quantity_by_month=tuple(usd_by_month),
        usd_by_month=tuple(usd_by_month),
        source="input",
    )


def money(costs: Mapping[str, Sequence[float]]) -> MoneyReport:
    """The money of a method that costs so much by category and month, month 0 first."""
    months = len(next(iter(costs.values())))
    total = tuple(sum(of[m] for of in costs.values()) for m in range(months))
    nothing = (0.0,) * months
    return MoneyReport(
        lines=tuple(line(f"the {c}", c, of) for c, of in costs.items()),
        cost_by_month=total,
        capex_by_month=nothing,
        opex_by_month=total,
        benefit_by_month=nothing,
        depreciation_by_month=nothing,
        tax_by_month=nothing,
        net_by_month=tuple(-usd for usd in total),
        present_by_month=nothing,
        quarters=(),
        years=(),
        npv_usd=-sum(total),
        xirr_fractions=(),
        xirr_note="",
        drivers=DRIVERS,
        serving=None,
    )


def real(calendar: Timeline, inflation: float) -> Timeline:
    """The same calendar in money of month 0."""
    return replace(calendar, money_terms="real", inflation_fraction=inflation)

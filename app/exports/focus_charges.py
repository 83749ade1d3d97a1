"""What a method would be charged, as FOCUS understands a charge: from the cost lines of a report.

FOCUS describes what was billed; these are forecasts, and every one of them says so.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, timedelta

from app.estimator.report import MethodReport, Report
from app.estimator.report_money import MoneyLine, MoneyReport, Period
from app.estimator.report_plans import PlanReport
from app.exports.feed_source import (
    Calendar,
    PriceSources,
    index_of,
    lines_by_month,
    months_of,
    timeline_of,
)

PROVIDER, COMPANY, FOREGONE = "provider", "company", "foregone"
"""Who is paid: somebody on a price list, the company's own people and suppliers that the scenario
does not name, or nobody (money that a delay keeps from coming in)."""

USAGE, PURCHASE, ADJUSTMENT = "Usage", "Purchase", "Adjustment"

OWN_COMPANY = "Own organization"
"""Stands for the company itself, which a scenario does not name."""

_CATEGORIES = {PROVIDER: USAGE, COMPANY: PURCHASE, FOREGONE: ADJUSTMENT}

RESERVED = frozenset({"reserved-1y", "reserved-3y"})
SPOT = "spot"


@dataclass(frozen=True, slots=True)
class Forecast:
    """What all charges of one file share.

    Parameters
    ----------
    scenario_id : tells scenarios apart; no secret.
    plan : of the method; None where nothing fits.
    providers : see `provider_names`; sources : of the prices.
    """

    report: Report
    method: MethodReport
    scenario_id: str
    version: str
    plan: PlanReport | None
    providers: dict[str, str]
    sources: PriceSources


@dataclass(frozen=True, slots=True)
class Charge:
    """One charge of one line in one month.

    Parameters
    ----------
    period : the month of the bill; month 0 is on that of month 1.
    start, end : of the charge, the end not included. ISO dates
    usd : what is paid; billed_usd and effective_usd are the two views of it that FOCUS has. They
        differ for a reservation alone: its payment is billed and has no effect of its own, and the
        use that it covers has the effect and is not billed again.
    unit_price_usd, list_unit_price_usd : of the month, what is paid and before discounts.
    """

    forecast: Forecast
    line: MoneyLine
    month: int
    period: Period
    fiscal_year: str
    fiscal_quarter: str
    start: str
    end: str
    category: str
    scope: str
    option: str
    quantity: float
    usd: float
    billed_usd: float
    effective_usd: float
    unit_price_usd: float
    list_unit_price_usd: float

    @property
    def committed(self) -> bool:
        """Whether it is of a reservation."""
        return self.option in RESERVED

    @property
    def priced(self) -> bool:
        """Whether it has a price per unit."""
        return self.category != ADJUSTMENT

    @property
    def list_usd(self) -> float:
        """What it would be before discounts."""
        if self.list_unit_price_usd == self.unit_price_usd:
            return self.usd
        return self.list_unit_price_usd * self.quantity

    @property
    def provider(self) -> str:
        """Name of who is paid."""
        names, line = self.forecast.providers, self.line
        if not line.provider:
            return OWN_COMPANY
        return names.get(line.sku) or names.get(line.provider) or line.provider


def charges(forecast: Forecast, money: MoneyReport, scope: str) -> Iterator[Charge]:
    """Charges of the cost lines, in the order of lines and months; without those of nothing.

    Parameters
    ----------
    scope : provider, or all.
    """
    timeline = timeline_of(forecast.report)
    calendar = Calendar.of(timeline)
    for line in lines_by_month(money):
        paid = _scope(line)
        if line.side != "cost" or (scope == PROVIDER and paid != PROVIDER):
            continue
        plan = forecast.plan if _trained_on(line, forecast.plan) else None
        option = plan.purchase_option if plan else ""
        of_list = _of_list(plan)
        for month in months_of(line):
            period = calendar.month(month)
            start, end = _days(period, month)
            usd = line.usd_by_month[month]
            price = line.unit_price_usd * index_of(timeline, line)[month]
            charge = Charge(
                forecast=forecast,
                line=line,
                month=month,
                period=period,
                fiscal_year=calendar.year(month),
                fiscal_quarter=calendar.quarter(month),
                start=start,
                end=end,
                category=_CATEGORIES[paid],
                scope=paid,
                option=option,
                quantity=line.quantity_by_month[month],
                usd=usd,
                billed_usd=usd,
                effective_usd=usd,
                unit_price_usd=price,
                list_unit_price_usd=price * of_list,
            )
            if charge.committed:
                yield replace(charge, category=PURCHASE, effective_usd=0.0)
                yield replace(charge, billed_usd=0.0)
            else:
                yield charge


def provider_names(report: Report) -> dict[str, str]:
    """What providers are called, by their key, and by the key of an offer."""
    names: dict[str, str] = {}
    for method in report.methods:
        for plan in (method.plan, method.cheapest, method.fastest, method.best_value):
            if plan is not None:
                names[plan.provider] = names[plan.offer_key] = plan.provider_name
    if report.serving is not None:
        for way in report.serving.ways:
            names[way.offer_key] = way.provider_name
    return names


def _scope(line: MoneyLine) -> str:
    if line.provider:
        return PROVIDER
    return FOREGONE if line.category == "delay" else COMPANY


def _trained_on(line: MoneyLine, plan: PlanReport | None) -> bool:
    """Whether a line is GPU time of the plan."""
    return plan is not None and bool(line.sku) and line.sku == plan.offer_key


def _of_list(plan: PlanReport | None) -> float:
    """List price over what is paid; 1 where there is no discount that is known."""
    if plan is None or plan.list_usd_per_instance_hour is None or not plan.usd_per_instance_hour:
        return 1.0
    return plan.list_usd_per_instance_hour / plan.usd_per_instance_hour


def _days(period: Period, month: int) -> tuple[str, str]:
    """First day of a charge and the day after its last: month 0 is the first day alone."""
    if month > 0:
        return period.start, period.end
    return period.start, (date.fromisoformat(period.start) + timedelta(days=1)).isoformat()

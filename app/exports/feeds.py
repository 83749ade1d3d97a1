"""The money of a report as flat tables: rows first, then CSV text, the same numbers in both."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import astuple, dataclass, fields
from math import fsum
from types import MappingProxyType

from app.estimator.report import MethodReport, Report
from app.estimator.report_money import MoneyLine, Timeline
from app.exports.csv_text import csv_text
from app.exports.feed_rows import (
    CashFlowRow,
    LineRow,
    PeriodRow,
    Row,
    SummaryRow,
    ToldOfLine,
    TotalRow,
)
from app.exports.feed_source import (
    Calendar,
    index_of,
    lines_by_month,
    months_of,
    source_titles,
    timeline_of,
    with_money,
)


@dataclass(frozen=True, slots=True)
class Feed:
    """One table that can be read at an address of its own.

    Parameters
    ----------
    name : last part of the address, without its ending.
    row : its rows; their fields are the columns.
    rows : made of a report; raises `NoMoney`.
    """

    name: str
    title: str
    row: type[Row]
    rows: Callable[[Report], Sequence[Row]]

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the columns, in their order."""
        return tuple(field.name for field in fields(self.row))

    def csv(self, report: Report) -> str:
        """The table as CSV text.

        Raises
        ------
        NoMoney : see there.
        """
        # A whole number that was entered is a float as well, so that a column has one type.
        decimal = [str(field.type).startswith("float") for field in fields(self.row)]
        rows = (zip(astuple(row), decimal, strict=True) for row in self.rows(report))
        return csv_text(
            self.columns,
            [
                [float(v) if is_float and v is not None else v for v, is_float in row]
                for row in rows
            ],
        )


def cash_flow_rows(report: Report) -> list[CashFlowRow]:
    """Every month of every method, month 0 too.

    Raises
    ------
    NoMoney : see there.
    """
    timeline = timeline_of(report)
    calendar = Calendar.of(timeline)
    rows = []
    for method, money in with_money(report):
        flow = method.cash_flow
        for month, date in enumerate(timeline.flow_dates):
            period = calendar.month(month)
            rows.append(
                CashFlowRow(
                    method=method.method,
                    month=month,
                    date=date,
                    period_start=period.start,
                    period_end=period.end,
                    fiscal_year=calendar.year(month),
                    fiscal_quarter=calendar.quarter(month),
                    capex_usd=money.capex_by_month[month],
                    opex_usd=money.opex_by_month[month],
                    cost_usd=money.cost_by_month[month],
                    benefit_usd=money.benefit_by_month[month],
                    depreciation_usd=money.depreciation_by_month[month],
                    tax_usd=money.tax_by_month[month],
                    net_usd=money.net_by_month[month],
                    cumulative_usd=fsum(money.net_by_month[: month + 1]),
                    discount_factor=timeline.discount_factors[month],
                    present_value_usd=money.present_by_month[month],
                    cumulative_p10_usd=flow.cumulative_p10_usd[month] if flow else None,
                    cumulative_p90_usd=flow.cumulative_p90_usd[month] if flow else None,
                    currency=report.currency.code,
                    currency_per_usd=report.currency.per_usd,
                )
            )
    return rows


def line_rows(report: Report) -> list[LineRow]:
    """Every line of every method in the months in which there is any of it.

    Raises
    ------
    NoMoney : see there.
    """
    timeline = timeline_of(report)
    calendar = Calendar.of(timeline)
    titles = source_titles(report)
    return [
        LineRow(
            **_told_of(method, line, titles),
            month=month,
            date=timeline.flow_dates[month],
            fiscal_year=calendar.year(month),
            fiscal_quarter=calendar.quarter(month),
            quantity=line.quantity_by_month[month],
            price_index=index_of(timeline, line)[month],
            amount_usd=line.usd_by_month[month],
        )
        for method, money in with_money(report)
        for line in lines_by_month(money)
        for month in months_of(line)
    ]


def total_rows(report: Report) -> list[TotalRow]:
    """Every line of every method over the horizon, also those that come to nothing.

    Raises
    ------
    NoMoney : see there.
    """
    timeline_of(report)
    titles = source_titles(report)
    rows = []
    for method, money in with_money(report):
        for line in money.lines:
            months = months_of(line)
            rows.append(
                TotalRow(
                    **_told_of(method, line, titles),
                    quantity=line.quantity,
                    amount_usd=line.usd,
                    first_month=months[0] if months else None,
                    last_month=months[-1] if months else None,
                    inputs=" ".join(line.inputs),
                )
            )
    return rows


def _told_of(method: MethodReport, line: MoneyLine, titles: Mapping[str, str]) -> ToldOfLine:
    return ToldOfLine(
        method=method.method,
        line=line.key,
        label=line.label,
        side=line.side,
        category=line.category,
        nature=line.nature,
        unit=line.unit,
        unit_price_usd=line.unit_price_usd,
        source=line.source,
        source_title=titles.get(line.source, line.source),
        provider=line.provider,
        region=line.region,
        sku=line.sku,
    )


def period_rows(report: Report) -> list[PeriodRow]:
    """Fiscal quarters, then fiscal years, of every method.

    Raises
    ------
    NoMoney : see there.
    """
    timeline = timeline_of(report)
    return [
        PeriodRow(
            method=method.method,
            kind=kind,
            period=period.label,
            period_start=period.start,
            period_end=period.end,
            first_month=period.first_month,
            last_month=period.last_month,
            capex_usd=sums.capex_usd,
            opex_usd=sums.opex_usd,
            cost_usd=sums.capex_usd + sums.opex_usd,
            benefit_usd=sums.benefit_usd,
            tax_usd=sums.tax_usd,
            net_usd=sums.net_usd,
        )
        for method, money in with_money(report)
        for kind, periods, all_sums in (
            ("quarter", timeline.quarters, money.quarters),
            ("year", timeline.years, money.years),
        )
        for period, sums in zip(periods, all_sums, strict=True)
    ]


def summary_rows(report: Report) -> list[SummaryRow]:
    """One row a method, in the order of the report.

    Raises
    ------
    NoMoney : see there.
    """
    timeline = timeline_of(report)
    return [_summary(report, method, timeline) for method in report.methods]


def _summary(report: Report, method: MethodReport, timeline: Timeline) -> SummaryRow:
    money, npv = method.money, method.npv_usd
    return SummaryRow(
        method=method.method,
        label=method.label,
        feasible=method.feasible,
        choice=report.verdict.choice,
        cost_usd=None if money is None else fsum(money.cost_by_month),
        benefit_usd=None if money is None else fsum(money.benefit_by_month),
        tax_usd=None if money is None else fsum(money.tax_by_month),
        net_usd=None if money is None else fsum(money.net_by_month),
        npv_usd=None if money is None else money.npv_usd,
        npv_mean_usd=None if npv is None else npv.mean,
        npv_p10_usd=None if npv is None else npv.p10,
        npv_p50_usd=None if npv is None else npv.p50,
        npv_p90_usd=None if npv is None else npv.p90,
        irr_fraction=_only(method.irr_fractions),
        irr_count=None if money is None else len(method.irr_fractions),
        xirr_fraction=None if money is None else _only(money.xirr_fractions),
        xirr_count=None if money is None else len(money.xirr_fractions),
        payback_months=method.payback_months,
        discounted_payback_months=method.discounted_payback_months,
        roi_fraction=method.roi_fraction,
        probability_pays=method.probability_pays,
        probability_best=method.probability_best,
        time_to_release_months=method.time_to_release_months,
        start=timeline.start,
        months=len(timeline.months),
        discount_rate_fraction=timeline.discount_rate_fraction,
        money_terms=timeline.money_terms,
        inflation_fraction=timeline.inflation_fraction,
        tax_fraction=timeline.tax_fraction,
        as_of=report.as_of,
        prices_as_of=report.prices_as_of,
        estimator_version=report.estimator_version,
        currency=report.currency.code,
        currency_per_usd=report.currency.per_usd,
    )


def _only(rates: tuple[float, ...]) -> float | None:
    return rates[0] if len(rates) == 1 else None


FEEDS: Mapping[str, Feed] = MappingProxyType(
    {
        feed.name: feed
        for feed in (
            Feed("cash-flow", "Cash flow by month", CashFlowRow, cash_flow_rows),
            Feed("lines", "Cost and benefit lines by month", LineRow, line_rows),
            Feed("totals", "Cost and benefit lines over the horizon", TotalRow, total_rows),
            Feed("periods", "Fiscal quarters and years", PeriodRow, period_rows),
            Feed("summary", "One row a method", SummaryRow, summary_rows),
        )
    }
)
"""By their name."""

"""The money of a report as flat tables: rows first, then CSV text, the same numbers in both."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import astuple, dataclass, fields
from math import fsum
from types import MappingProxyType

from app.estimator.report import MethodReport, Report
from app.estimator.report_money import MoneyLine, MoneyReport, Period, Timeline
from app.exports.csv_text import csv_text
from app.exports.feed_rows import CashFlowRow, LineRow, PeriodRow, Row, SummaryRow, TotalRow

SOURCE_TITLES = {
    "input": "Entered in the scenario",
    "assumption": "Assumption of Tunecase",
}


class NoMoney(ValueError):  # noqa: N818
    """The report was saved by a version that kept no money by month."""

    def __init__(self) -> None:
        super().__init__(
            "This result was saved by an earlier version of Tunecase, which did not keep its money "
            "month by month. Open the link, choose “Make my own copy” and save it anew: the new "
            "link has this file."
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


def timeline_of(report: Report) -> Timeline:
    """The calendar of a report.

    Raises
    ------
    NoMoney : it has none.
    """
    if report.timeline is None:
        raise NoMoney
    return report.timeline


def with_money(report: Report) -> Iterator[tuple[MethodReport, MoneyReport]]:
    """Methods that have any, in their order."""
    for method in report.methods:
        if method.money is not None:
            yield method, method.money


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
                    cumulative_p10_usd=flow and flow.cumulative_p10_usd[month],
                    cumulative_p90_usd=flow and flow.cumulative_p90_usd[month],
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
            method=method.method,
            line=line.key,
            label=line.label,
            side=line.side,
            category=line.category,
            nature=line.nature,
            month=month,
            date=timeline.flow_dates[month],
            fiscal_year=calendar.year(month),
            fiscal_quarter=calendar.quarter(month),
            quantity=line.quantity_by_month[month],
            unit=line.unit,
            unit_price_usd=line.unit_price_usd,
            price_index=timeline.price_index[month],
            amount_usd=line.usd_by_month[month],
            source=line.source,
            source_title=titles.get(line.source, line.source),
            provider=line.provider,
            region=line.region,
            sku=line.sku,
        )
        for method, money in with_money(report)
        for line in money.lines
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
                    method=method.method,
                    line=line.key,
                    label=line.label,
                    side=line.side,
                    category=line.category,
                    nature=line.nature,
                    quantity=line.quantity,
                    unit=line.unit,
                    unit_price_usd=line.unit_price_usd,
                    amount_usd=line.usd,
                    first_month=months[0] if months else None,
                    last_month=months[-1] if months else None,
                    inputs=" ".join(line.inputs),
                    source=line.source,
                    source_title=titles.get(line.source, line.source),
                    provider=line.provider,
                    region=line.region,
                    sku=line.sku,
                )
            )
    return rows


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
        cost_usd=money and fsum(money.cost_by_month),
        benefit_usd=money and fsum(money.benefit_by_month),
        tax_usd=money and fsum(money.tax_by_month),
        net_usd=money and fsum(money.net_by_month),
        npv_usd=money and money.npv_usd,
        npv_mean_usd=npv and npv.mean,
        npv_p10_usd=npv and npv.p10,
        npv_p50_usd=npv and npv.p50,
        npv_p90_usd=npv and npv.p90,
        irr_fraction=_only(method.irr_fractions),
        irr_count=None if money is None else len(method.irr_fractions),
        xirr_fraction=_only(money.xirr_fractions) if money else None,
        xirr_count=money and len(money.xirr_fractions),
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


@dataclass(frozen=True, slots=True)
class Calendar:
    """The periods that each month belongs to; month 0 to those of month 1."""

    months: tuple[Period, ...]
    quarters: tuple[str, ...]
    years: tuple[str, ...]

    @classmethod
    def of(cls, timeline: Timeline) -> Calendar:
        """Of the months of a timeline."""
        return cls(
            timeline.months,
            _labels(timeline.quarters, len(timeline.months)),
            _labels(timeline.years, len(timeline.months)),
        )

    def month(self, month: int) -> Period:
        """The month itself."""
        return self.months[max(month, 1) - 1]

    def quarter(self, month: int) -> str:
        """Label of its fiscal quarter."""
        return self.quarters[max(month, 1) - 1]

    def year(self, month: int) -> str:
        """Label of its fiscal year."""
        return self.years[max(month, 1) - 1]


def _labels(periods: Sequence[Period], months: int) -> tuple[str, ...]:
    """Label of the period that each month from 1 on is in. (months,)"""
    found = {
        month: period.label
        for period in periods
        for month in range(period.first_month, period.last_month + 1)
    }
    return tuple(found[month] for month in range(1, months + 1))


def months_of(line: MoneyLine) -> list[int]:
    """Months in which there is any of a line."""
    both = zip(line.quantity_by_month, line.usd_by_month, strict=True)
    return [month for month, (quantity, usd) in enumerate(both) if quantity or usd]


def source_titles(report: Report) -> dict[str, str]:
    """What a source is called, by its key."""
    return SOURCE_TITLES | {source.key: source.title for source in report.sources}


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

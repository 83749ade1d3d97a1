"""Rows of the feeds that finance tools read. The order of the fields is the order of the columns.

Columns are only ever added at the end: a workbook that reads one by its place goes on working.
Amounts are in US dollars, expected; `docs/feeds.md` describes every column.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypedDict


@dataclass(frozen=True, slots=True)
class CashFlowRow:
    """One month of one method.

    Parameters
    ----------
    month : 0 is what is paid at the start; it belongs to the periods of month 1.
    date : on which the flow counts: the start, then the last day of each month. ISO
    period_start, period_end : of the month; the end is the day after the last. ISO
    cost_usd : capex and opex.
    depreciation_usd : no flow of money; it lowers the tax.
    net_usd : benefit less cost and tax.
    cumulative_usd : of the net until this month.
    present_value_usd : net x discount factor; the sum is the net present value.
    cumulative_p10_usd, cumulative_p90_usd : of the draws; None in reports without a range.
    currency : that the page shows amounts in; `currency_per_usd` of it are one dollar.
    """

    method: str
    month: int
    date: str
    period_start: str
    period_end: str
    fiscal_year: str
    fiscal_quarter: str
    capex_usd: float
    opex_usd: float
    cost_usd: float
    benefit_usd: float
    depreciation_usd: float
    tax_usd: float
    net_usd: float
    cumulative_usd: float
    discount_factor: float
    present_value_usd: float
    cumulative_p10_usd: float | None
    cumulative_p90_usd: float | None
    currency: str
    currency_per_usd: float


class ToldOfLine(TypedDict):
    """What a row says of its line, whatever months it is for."""

    method: str
    line: str
    label: str
    side: str
    category: str
    nature: str
    unit: str
    unit_price_usd: float
    source: str
    source_title: str
    provider: str
    region: str
    sku: str


@dataclass(frozen=True, slots=True)
class LineRow:
    """One cost or benefit of one method in one month in which there is any of it.

    Parameters
    ----------
    line : key of the line, stable.
    amount_usd : quantity x unit price x price index, rounded to a binary fraction so that sums are
        exact. Of a benefit below 0: lost by the model in use.
    source : of the price: key of a source, `input` or `assumption`.
    provider : key of who is paid; empty where it is nobody on a price list.
    """

    method: str
    line: str
    label: str
    side: str
    category: str
    nature: str
    month: int
    date: str
    fiscal_year: str
    fiscal_quarter: str
    quantity: float
    unit: str
    unit_price_usd: float
    price_index: float
    amount_usd: float
    source: str
    source_title: str
    provider: str
    region: str
    sku: str


@dataclass(frozen=True, slots=True)
class TotalRow:
    """One cost or benefit of one method over the horizon.

    Parameters
    ----------
    amount_usd : the sum of its months, exactly.
    first_month, last_month : in which there is any of it; None where there is none.
    inputs : fields of the scenario that its price or quantity is, separated by a space.
    """

    method: str
    line: str
    label: str
    side: str
    category: str
    nature: str
    quantity: float
    unit: str
    unit_price_usd: float
    amount_usd: float
    first_month: int | None
    last_month: int | None
    inputs: str
    source: str
    source_title: str
    provider: str
    region: str
    sku: str


@dataclass(frozen=True, slots=True)
class PeriodRow:
    """One fiscal quarter or year of one method.

    Parameters
    ----------
    kind : quarter or year.
    first_month, last_month : both included; month 0 is in the first period.
    cost_usd : capex and opex.
    net_usd : benefit less cost and tax.
    """

    method: str
    kind: str
    period: str
    period_start: str
    period_end: str
    first_month: int
    last_month: int
    capex_usd: float
    opex_usd: float
    cost_usd: float
    benefit_usd: float
    tax_usd: float
    net_usd: float


@dataclass(frozen=True, slots=True)
class SummaryRow:
    """One method of the report. What does not fit on any hardware has no figures.

    Parameters
    ----------
    choice : of the whole report: full, lora, qlora, pilot or neither; the same in every row.
    npv_usd : of the expected cash flow; `npv_mean_usd` and the quantiles are of the draws.
    irr_fraction, xirr_fraction : a year; None where there is none, or more than one.
    irr_count, xirr_count : how many there are.
    probability_pays, probability_best : shares of the draws.
    """

    method: str
    label: str
    feasible: bool
    choice: str
    cost_usd: float | None
    benefit_usd: float | None
    tax_usd: float | None
    net_usd: float | None
    npv_usd: float | None
    npv_mean_usd: float | None
    npv_p10_usd: float | None
    npv_p50_usd: float | None
    npv_p90_usd: float | None
    irr_fraction: float | None
    irr_count: int | None
    xirr_fraction: float | None
    xirr_count: int | None
    payback_months: float | None
    discounted_payback_months: float | None
    roi_fraction: float | None
    probability_pays: float | None
    probability_best: float | None
    time_to_release_months: float | None
    start: str
    months: int
    discount_rate_fraction: float
    money_terms: str
    inflation_fraction: float
    tax_fraction: float
    as_of: str
    prices_as_of: str
    estimator_version: str
    currency: str
    currency_per_usd: float


Row = CashFlowRow | LineRow | TotalRow | PeriodRow | SummaryRow

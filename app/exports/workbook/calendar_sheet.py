"""The sheet of months: dates, fiscal periods, price index and discount factors."""

from __future__ import annotations

from dataclasses import dataclass

from app.estimator.report_money import Period, Timeline
from app.exports.workbook.columns import FIRST_MONTH, LABEL, MONTH_WIDTH, WIDTHS
from app.exports.workbook.inputs_sheet import Inputs
from app.exports.workbook.live import Live, Span, call, choose
from app.exports.workbook.paper import Sheet, day_number

HEADER_ROW = 1


@dataclass(frozen=True, slots=True)
class Calendar:
    """Rows of the sheet, month 0 first.

    Parameters
    ----------
    prices, contracts : index of prices, and of those that are fixed at the start.
    months : their numbers; dates : when their money flows, as days; load_growth : of the answers in
        the middle of each month from month 1, for the load that serving is sized for.
    """

    months: Span
    dates: Span
    quarters: Span
    years: Span
    factors: Span
    prices: Span
    contracts: Span
    load_growth: Span


def fiscal_year(first_day: str, begins: Live, year: int) -> Live:
    """Label of the fiscal year that a day is in: the calendar year that it ends in."""
    text = f'"FY"&YEAR(EDATE({first_day},MOD(13-{begins.text},12)))'
    return Live(text, f"FY{year}")


def fiscal_quarter(first_day: str, begins: Live, label: str) -> Live:
    """Label of the fiscal quarter that a day is in."""
    year = f'"FY"&YEAR(EDATE({first_day},MOD(13-{begins.text},12)))'
    return Live(f'{year}&" Q"&(INT(MOD(MONTH({first_day})-{begins.text},12)/3)+1)', label)


def label_of(periods: tuple[Period, ...], month: int) -> str:
    """The period that a month belongs to; month 0 belongs to that of month 1."""
    asked = max(month, 1)
    return next(p.label for p in periods if p.first_month <= asked <= p.last_month)


def write_calendar(sheet: Sheet, timeline: Timeline, inputs: Inputs) -> Calendar:
    """Fill the sheet. Everything follows from the first day, the fiscal year and the rates."""
    count = len(timeline.flow_dates)
    start, begins = inputs["start"], inputs["fiscal_year_start"]
    sheet.text(0, 0, "Calendar", "title")
    sheet.text(HEADER_ROW, LABEL, "Month of the scenario", "head")
    months = sheet.numbers(HEADER_ROW, FIRST_MONTH, range(count), "head_right")

    def row(at: int, label: str, terms: list[Live], style: str) -> Span:
        sheet.text(at, LABEL, label)
        return sheet.formulas(at, FIRST_MONTH, terms, style)

    dates = row(
        2,
        "Day on which its money flows (month 0: the start; others: the last day)",
        [
            start if m == 0 else call("EOMONTH", day_number(day), start, months[m] - 1)
            for m, day in enumerate(timeline.flow_dates)
        ],
        "date",
    )
    firsts = [f"EDATE({start.text},MAX({months[m].text},1)-1)" for m in range(count)]
    years = row(
        3,
        "Fiscal year",
        [
            fiscal_year(firsts[m], begins, int(label_of(timeline.years, m).removeprefix("FY")))
            for m in range(count)
        ],
        "words",
    )
    quarters = row(
        4,
        "Fiscal quarter",
        [fiscal_quarter(firsts[m], begins, label_of(timeline.quarters, m)) for m in range(count)],
        "words",
    )
    rate = inputs["monthly_rate"]
    factors = row(
        5,
        "Discount factor, (1 + monthly rate)^-month",
        [1 / (1 + rate) ** months[m] for m in range(count)],
        "factor",
    )
    terms, inflation = inputs["money_terms"], inputs["inflation"]
    nominal = timeline.money_terms == "nominal"
    prices = row(
        6,
        "Price index in the terms of the money",
        [
            choose(f'{terms.text}="nominal"', nominal, (1 + inflation) ** (months[m] / 12), 1)
            for m in range(count)
        ],
        "factor",
    )
    contracts = row(
        8,
        "Price index of what is fixed at the start, such as reservations",
        [
            choose(f'{terms.text}="nominal"', nominal, 1, 1 / (1 + inflation) ** (months[m] / 12))
            for m in range(count)
        ],
        "factor",
    )
    growth = inputs["answers_growth"]
    sheet.text(7, LABEL, "Answers in the middle of the month over those of today, growth alone")
    load = sheet.formulas(
        7,
        FIRST_MONTH + 1,
        [(1 + growth) ** ((months[m] - 0.5) / 12) for m in range(1, count)],
        "factor",
    )
    sheet.widths(*WIDTHS)
    sheet.worksheet.set_column(LABEL, LABEL, 66)
    sheet.worksheet.set_column(LABEL + 1, FIRST_MONTH - 1, 2)
    sheet.worksheet.set_column(FIRST_MONTH, FIRST_MONTH + count - 1, MONTH_WIDTH)
    sheet.lay_out(freeze=(HEADER_ROW + 1, LABEL + 1), repeat=2, columns=1)
    return Calendar(months, dates, quarters, years, factors, prices, contracts, load)

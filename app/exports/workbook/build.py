"""The workbook of a report, sheet by sheet, in the order in which one rests on another."""

from __future__ import annotations

from datetime import date

from app.estimator.methods import LABELS
from app.estimator.no_money import NOTHING_FITS, NoMoney
from app.estimator.report import MethodReport, Report
from app.estimator.report_money import MoneyReport, Timeline
from app.exports.feed_source import timeline_of, with_money
from app.exports.workbook.assumptions_sheet import write_assumptions
from app.exports.workbook.calendar_sheet import write_calendar
from app.exports.workbook.cash_flow_sheet import write_cash_flow
from app.exports.workbook.charts import category_chart, cumulative_chart, tornado_chart
from app.exports.workbook.comparison_sheet import Side, write_comparison
from app.exports.workbook.inputs_sheet import write_inputs
from app.exports.workbook.lines_sheet import Desk, write_lines
from app.exports.workbook.paper import Book
from app.exports.workbook.periods_sheet import write_periods
from app.exports.workbook.rates_sheet import RateSearch, Sought
from app.exports.workbook.read_me_sheet import write_read_me
from app.exports.workbook.sensitivity_sheet import write_sensitivity
from app.exports.workbook.serving_sheet import write_serving
from app.exports.workbook.summary_sheet import write_summary

FRONT, MODEL, BACK = "#1D4ED8", "#047857", "#6B7280"
CHART_ROWS = 20


def workbook_bytes(report: Report, link: str = "") -> bytes:
    """The report as an XLSX workbook with live formulas.

    Parameters
    ----------
    link : where the result stands, or is computed anew; may be empty.

    Raises
    ------
    NoMoney : the report was saved by a version that kept none by month.

    Notes
    -----
    The same report and link give the same bytes.
    """
    timeline, methods = timeline_of(report), tuple(with_money(report))
    if not methods:
        raise NoMoney(NOTHING_FITS)
    currency = report.currency
    book = Book(
        created=date.fromisoformat(report.as_of), currency=currency.code, digits=currency.digits
    )
    book.properties(
        title=report.title or "Full fine-tuning or LoRA?",
        subject="The business case for adapting a language model",
        author="Tunecase",
        comments=f"Tunecase {report.estimator_version}, tables {report.catalog_hash[:12]}, "
        f"{report.as_of}",
    )
    _write(book, report, methods, timeline, link)
    return book.to_bytes()


def _write(
    book: Book,
    report: Report,
    methods: tuple[tuple[MethodReport, MoneyReport], ...],
    timeline: Timeline,
    link: str,
) -> None:
    """All sheets: made in the order in which they stand, filled in that in which they depend."""
    summary = book.sheet("Summary", FRONT)
    inputs_sheet = book.sheet("Inputs", FRONT)
    assumptions = book.sheet("Assumptions", BACK)
    line_sheets = [book.sheet(f"Lines {LABELS[m.method]}", MODEL) for m, _ in methods]
    served = tuple((m, money.serving) for m, money in methods if money.serving is not None)
    serving = book.sheet("Serving", MODEL) if served else None
    calendar_sheet = book.sheet("Calendar", MODEL)
    cash_flow = book.sheet("Cash flow", MODEL)
    periods = book.sheet("Years and quarters", MODEL)
    comparison = book.sheet("Comparison", MODEL)
    rates = book.sheet("Rates of return", MODEL)
    sensitivity = book.sheet("Sensitivity", MODEL)
    read_me = book.sheet("Read me", BACK)

    inputs = write_inputs(inputs_sheet, report, timeline)
    calendar = write_calendar(calendar_sheet, timeline, inputs)
    rents = write_serving(serving, served, inputs, calendar) if serving else {}
    lines = {
        m.label: write_lines(Desk(sheet, m, money, timeline, inputs, calendar, rents.get(m.method)))
        for sheet, (m, money) in zip(line_sheets, methods, strict=True)
    }
    search = RateSearch(rates, calendar)
    flows = write_cash_flow(
        cash_flow,
        [
            (lines[m.label], Sought(m.label, m.irr_fractions, money.xirr_fractions))
            for m, money in methods
        ],
        inputs,
        calendar,
        search,
    )
    off = write_periods(periods, flows, lines, calendar, (timeline.years, timeline.quarters))
    sides = [Side(m.method, m.label, lines[m.label], flows[m.label]) for m, _ in methods]
    compared = write_comparison(comparison, report, sides, inputs, calendar, search)
    tornados = write_sensitivity(sensitivity, sides, inputs, rents)
    at = write_summary(summary, report, sides, compared, inputs, off, link)
    cumulative_chart(summary, at, sides, calendar)
    category_chart(summary, at + CHART_ROWS, comparison, compared, sides)
    for tornado in tornados:
        tornado_chart(sensitivity, tornado)
    write_assumptions(assumptions, report)
    write_read_me(read_me, report, timeline, link)
    summary.worksheet.activate()

"""The sheet that says how to read the workbook: conventions, colours, and what is held."""

from __future__ import annotations

from app.estimator.report import Report
from app.estimator.report_money import Timeline
from app.exports.workbook.paper import Sheet

COLOURS = (
    ("in_price", 12.5, "Yellow, blue digits: an input or a price. Change it."),
    ("price", 12.5, "Black: a formula."),
    (
        "held_factor",
        12.5,
        "Green: held from Tunecase's estimate, words of the verdict too. It follows from the plan "
        "or from simulation, and a change here does not move it; the Summary says so below the "
        "verdict once an input is changed.",
    ),
    (
        "simulated_usd",
        12.5,
        "Purple, slanted: simulated by Tunecase; not recalculated here.",
    ),
)


def conventions(timeline: Timeline) -> tuple[tuple[str, str], ...]:
    """What a careful reader asks first: topics and sentences."""
    terms = (
        "Nominal: every price and worth rises with the inflation in Inputs, but for prices of "
        "reservations, which are fixed; the discount rate is nominal."
        if timeline.money_terms == "nominal"
        else "Real: money of month 0, without inflation; the discount rate is real too. What is "
        "written off, and payments of reservations, lose what inflation takes."
    )
    return (
        (
            "Periods",
            "Month 0 is what is paid at the start; it counts in full. Month m is paid at its end. "
            "NPV = month 0 + NPV(monthly rate, months 1 to the end), as Excel's NPV discounts its "
            "first value by one period.",
        ),
        ("Monthly rate", "(1 + yearly rate)^(1/12) - 1. The yearly rate is effective."),
        (
            "Rates of return",
            "IRR is of monthly flows, stated a year: (1 + monthly)^12 - 1. XIRR is of dated flows, "
            "actual days over 365; month 0 falls on the first day of month 1, every other on its "
            "last day. Both are searched from a change of sign on the sheet Rates of return, and a "
            "rate is shown only where it makes the net present value 0, to a millionth of what "
            "flows. Where there is none, the cell says so; of several the lowest is shown, and all "
            "that there were at export stand beside it.",
        ),
        ("Terms of the money", terms),
        (
            "Capital and running cost",
            "Capital cost is the work until the first release; all else is running cost.",
        ),
        (
            "Tax",
            "Tax rate x (benefit - running cost - capital cost that is not capitalised - "
            "depreciation). A loss is set off against other profit of the company in its month.",
        ),
        (
            "Depreciation",
            "In equal parts from the first whole month in use; what would be written off beyond "
            "the horizon lowers no tax.",
        ),
        (
            "Expected figures",
            "Quantities are expected values. What turns out worth more counts as more: gains are "
            "weighed with the factors on worth and answers, whose means are 1.",
        ),
        (
            "Fiscal periods",
            "A fiscal year has the number of the calendar year that it ends in. Month 0 belongs "
            "to the period of month 1.",
        ),
        (
            "What is held",
            "Changing a figure here keeps the plan (machines, GPU-hours, release months), the "
            "hardware that serves and how fast it answers, and the expected accuracy. A change "
            "that would make another plan or other hardware better needs a new estimate; so do "
            "the inputs that are listed as not used by formulas.",
        ),
        (
            "What recalculates",
            "Rates, tax, prices, worths and volume. The rent of GPUs for serving follows the "
            "volume in whole instances.",
        ),
        (
            "Rounding",
            "Nothing is rounded but for show. Checks compare sums to a hundredth of a cent.",
        ),
        ("Money", "All sheets are in US dollars; the Summary also in the currency of the report."),
    )


def write_read_me(sheet: Sheet, report: Report, timeline: Timeline, link: str) -> None:
    """Fill the sheet."""
    sheet.text(0, 0, "How to read this workbook", "title")
    at = 2
    sheet.text(at, 0, "Colours", "section")
    for style, value, words in COLOURS:
        at += 1
        sheet.number(at, 0, value, style)
        sheet.text(at, 1, words, "wrap")
    at += 2
    sheet.text(at, 0, "Conventions", "section")
    for topic, words in conventions(timeline):
        at += 1
        sheet.text(at, 0, topic, "strong")
        sheet.text(at, 1, words, "wrap")
    at += 2
    sheet.text(at, 0, "Made by", "section")
    book = f"; price book {report.price_book}" if report.price_book else ""
    facts = (
        ("Estimator", f"Tunecase {report.estimator_version}, report schema {report.schema}"),
        ("Hash of the tables", report.catalog_hash),
        ("Day of the estimate", report.as_of),
        ("Prices", f"as of {report.prices_as_of}{book}"),
        ("Simulation", f"{report.draws:,} draws, seed {report.seed}"),
    )
    for topic, words in facts:
        at += 1
        sheet.text(at, 0, topic, "strong")
        sheet.text(at, 1, words, "wrap")
    if link:
        at += 1
        sheet.text(at, 0, "Compute anew", "strong")
        sheet.link(at, 1, link)
    for note in report.notes:
        at += 1
        sheet.text(at, 0, "Note", "strong")
        sheet.text(at, 1, note, "wrap")
    sheet.widths(26, 110)
    sheet.lay_out(freeze=(1, 0), repeat=1)

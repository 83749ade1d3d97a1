"""The sheet of fiscal years and quarters, rolled up from the months, with its checks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil, fsum

from app.estimator.report_money import Period
from app.exports.workbook.calendar_sheet import Calendar
from app.exports.workbook.cash_flow_sheet import Flows
from app.exports.workbook.lines_sheet import Lines
from app.exports.workbook.live import Live, Span, added, call, most, size, total
from app.exports.workbook.paper import Sheet
from app.exports.workbook.rows import BENEFIT, COST

TO_THE = 4
"""Decimals of a dollar to which sums must agree."""
BILLION = 1e9
LABEL, TOTAL, FIRST = 0, 1, 2


@dataclass(frozen=True, slots=True)
class Columns:
    """Labels of periods side by side, and the row of the calendar that they sum over."""

    col: int
    labels: Span
    months: Span


def next_label(before: Live, months: Span, value: str) -> Live:
    """The label of the period after one; empty behind the last."""
    place = f"MATCH({before.text},{months.text},0)+COUNTIF({months.text},{before.text})"
    return Live(f'IFERROR(INDEX({months.text},{place}),"")', value)


def write_periods(
    sheet: Sheet,
    flows: Mapping[str, Flows],
    lines: Mapping[str, Lines],
    calendar: Calendar,
    periods: tuple[Sequence[Period], Sequence[Period]],
) -> Live:
    """Fill the sheet; and how far all sums are off together. [USD]

    Parameters
    ----------
    flows, lines : by label of the method.
    periods : years and quarters.
    """
    months = len(calendar.months) - 1
    sheet.text(0, 0, "Fiscal years and quarters", "title")
    sheet.text(1, LABEL, "USD; month 0 is in the period of month 1", "head")
    sheet.text(1, TOTAL, "All months", "head_right")
    years, quarters = periods
    # A changed start may touch one period more.
    wide = ceil((months + 11) / 12), ceil((months + 2) / 3)
    columns = []
    col = FIRST
    for of, row, count in (
        (years, calendar.years, wide[0]),
        (quarters, calendar.quarters, wide[1]),
    ):
        columns.append(_head(sheet, col, [p.label for p in of], row, count))
        col += count + 1
    check_col = col
    sheet.text(1, check_col, "Years less months", "head_right")
    sheet.text(1, check_col + 1, "Quarters less months", "head_right")
    checks: list[Live] = []
    at = 3
    for label, found in flows.items():
        sheet.text(at, LABEL, label, "section")
        at += 1
        for name, row in (
            ("Benefit", found.benefit),
            ("Capital cost", found.capex),
            ("Running cost", found.opex),
            ("Depreciation", found.depreciation),
            ("Tax", found.tax),
            ("Net cash flow", found.returns.net),
        ):
            sheet.text(at, LABEL, name)
            months_sum = sheet.formula(at, TOTAL, total(row), "usd")
            for place, under in enumerate(columns):
                cells = _roll_up(sheet, at, under, row)
                check = _off(total(cells), months_sum)
                checks.append(sheet.formula(at, check_col + place, check, "check"))
            at += 1
        for name, side, row_sum in (
            ("Lines of cost less months", COST, total(found.capex) + total(found.opex)),
            ("Lines of benefit less months", BENEFIT, total(found.benefit)),
        ):
            sheet.text(at, LABEL, name)
            column = lines[label].by_category[side][1]
            value = fsum(line.total.number for line in lines[label].side(side))
            check = _off(Live(f"SUM({column})", value), row_sum)
            checks.append(sheet.formula(at, TOTAL, check, "check"))
            at += 1
        at += 1
    sheet.text(at, LABEL, "All checks together", "text_total")
    off = sheet.formula(at, TOTAL, added([size(check) for check in checks]), "check")
    sheet.widths(34, 17)
    sheet.worksheet.set_column(FIRST, check_col + 1, 15)
    sheet.lay_out(freeze=(2, 2), repeat=2, columns=1)
    return off


def _head(sheet: Sheet, col: int, labels: Sequence[str], months: Span, count: int) -> Columns:
    """Labels side by side, each found behind the one before."""
    values = [*labels, *[""] * (count - len(labels))]
    span = sheet.span(1, col, values)
    terms = [Live(months[1].text, values[0])]
    terms += [next_label(span[k - 1], months, values[k]) for k in range(1, count)]
    sheet.formulas(1, col, terms, "head_right")
    return Columns(col, span, months)


def _roll_up(sheet: Sheet, at: int, of: Columns, row: Span) -> Span:
    """Sums over the months of each period."""
    terms = []
    for label in of.labels:
        inside = [
            cell.number
            for cell, month in zip(row, of.months, strict=True)
            if month.value == label.value
        ]
        terms.append(Live(f"SUMIF({of.months.text},{label.text},{row.text})", fsum(inside)))
    return sheet.formulas(at, of.col, terms, "usd")


def _off(left: Live, right: Live) -> Live:
    """How far two sums are apart; 0 where they agree to a fraction of a cent.

    Notes
    -----
    Of billions, in the last digits that a spreadsheet keeps of them: it adds in another order.
    """
    difference = (left - right) / most(1, size(right) / BILLION)
    value = round(difference.number, TO_THE) + 0.0
    return call("ROUND", value, difference, TO_THE)

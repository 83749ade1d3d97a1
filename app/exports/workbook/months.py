"""The head of a sheet by month: the same months in the same columns everywhere."""

from __future__ import annotations

from app.exports.workbook.calendar_sheet import Calendar
from app.exports.workbook.columns import FIRST_MONTH, LABEL, MONTH_WIDTH, WIDTHS
from app.exports.workbook.paper import Sheet


def head_months(sheet: Sheet, calendar: Calendar, label: str, *, narrow: int = 0) -> None:
    """Numbers of the months, and below them the days on which their money flows.

    Parameters
    ----------
    narrow : columns behind the labels that the sheet has no use for.
    """
    row, last = 1, 3
    sheet.text(row, LABEL, label, "head")
    sheet.texts(row, LABEL + 1, [""] * (FIRST_MONTH - 1), "head")
    sheet.formulas(row, FIRST_MONTH, list(calendar.months), "head_right")
    sheet.text(row + 1, LABEL, "Day")
    sheet.formulas(row + 1, FIRST_MONTH, list(calendar.dates), "head_date")
    sheet.widths(WIDTHS[0], *[2.0] * narrow, *WIDTHS[1 + narrow :])
    sheet.worksheet.set_column(FIRST_MONTH, FIRST_MONTH + len(calendar.months) - 1, MONTH_WIDTH)
    sheet.lay_out(freeze=(last, LABEL + 1), repeat=last, columns=1)

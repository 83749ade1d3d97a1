"""A workbook that is written cell by cell, each with its formula, its value and its look."""

from __future__ import annotations

import io
from collections.abc import Iterable, Sequence
from datetime import date, datetime
from math import ceil
from typing import Any
from unicodedata import category

import xlsxwriter
from xlsxwriter.format import Format
from xlsxwriter.utility import xl_rowcol_to_cell
from xlsxwriter.worksheet import Worksheet

from app.exports.csv_text import guarded
from app.exports.workbook.live import Live, Span, Term, live
from app.exports.workbook.styles import STYLES, in_currency

EPOCH = date(1899, 12, 30)
"""Day 0 of the dates of a spreadsheet."""
SIZE = 10
"""Of letters. [points]"""
TITLE_POINTS, LINE_POINTS = 24.0, 13.5
FULLNESS = 1.05
"""Characters of running text that fit into the width of one digit, with some to spare."""
LONGEST_LINK = 2_000
"""Characters that a spreadsheet takes as a link."""
LONGEST_TEXT = 32_000
"""Characters that a cell can hold, less a few."""


def day_number(day: str) -> int:
    """An ISO date as a spreadsheet counts it. [days]

    Examples
    --------
    >>> day_number("2027-01-01")
    46388
    """
    return (date.fromisoformat(day) - EPOCH).days


def safe_text(text: str) -> str:
    """Text that nothing takes for a formula, even once it was saved as CSV.

    Notes
    -----
    See `guarded`. Spaces of other kinds, such as the one before an amount that keeps it in its
    line, become plain ones. Characters that XML cannot hold are left out.

    Examples
    --------
    >>> safe_text("=HYPERLINK(A1)"), safe_text(" @x"), safe_text("a = b")
    ("'=HYPERLINK(A1)", "' @x", 'a = b')
    >>> safe_text("JPY\u00a03.33")
    'JPY 3.33'
    """
    plain = "".join(" " if category(c) == "Zs" else c for c in text)
    kept = "".join(c for c in plain if c in "\t\n\r" or c.isprintable())
    return guarded(kept)[:LONGEST_TEXT]


class Sheet:
    """One sheet.

    Parameters
    ----------
    name : at most 31 characters, none of []:*?/\\ and no quote.
    """

    def __init__(self, book: Book, worksheet: Worksheet, name: str) -> None:
        self.book, self.worksheet, self.name = book, worksheet, name
        self.own = f"'{name}'!"
        self._wrapped: list[tuple[int, int, float]] = []

    def text(self, row: int, col: int, text: str, style: str = "text") -> None:
        """A text, never taken for a formula."""
        safe = safe_text(text)
        self.worksheet.write_string(row, col, safe, self.book.styles[style])
        if "text_wrap" in STYLES[style]:
            length = len(safe) * STYLES[style].get("font_size", SIZE) / SIZE
            self._wrapped.append((row, col, length))

    def texts(self, row: int, col: int, texts: Iterable[str], style: str = "text") -> None:
        """Texts side by side."""
        for place, text in enumerate(texts):
            self.text(row, col + place, text, style)

    def link(self, row: int, col: int, address: str) -> None:
        """A link to a page; plain text where it is no web address, or too long for a link."""
        if address.startswith(("http://", "https://")) and len(address) <= LONGEST_LINK:
            self.worksheet.write_url(row, col, address, self.book.styles["link"], address)
        else:
            self.text(row, col, address, "small")

    def number(self, row: int, col: int, value: float, style: str) -> Live:
        """A number that is no formula: an input, a date, or a figure held from the estimate."""
        self.worksheet.write_number(row, col, value, self.book.styles[style])
        return self.cell(row, col, value)

    def formula(self, row: int, col: int, term: Live, style: str) -> Live:
        """A formula with its value."""
        text = "=" + term.text.replace(self.own, "")
        value = term.value
        self.worksheet.write_formula(row, col, text, self.book.styles[style], value)
        return self.cell(row, col, value)

    def cell(self, row: int, col: int, value: float | str, *, fixed: bool = True) -> Live:
        """A reference to a cell, with what it holds."""
        place = xl_rowcol_to_cell(row, col, row_abs=fixed, col_abs=fixed)
        return Live(self.own + place, value)

    def span(self, row: int, col: int, values: Sequence[float | str]) -> Span:
        """A reference to cells of one row, side by side."""
        cells = tuple(
            self.cell(row, col + place, value, fixed=False) for place, value in enumerate(values)
        )
        ends = [
            xl_rowcol_to_cell(row, c, row_abs=False, col_abs=True)
            for c in (col, col + len(cells) - 1)
        ]
        return Span(f"{self.own}{ends[0]}:{ends[1]}", cells)

    def numbers(self, row: int, col: int, values: Sequence[float], style: str) -> Span:
        """Numbers that are no formulas, side by side."""
        for place, value in enumerate(values):
            self.number(row, col + place, value, style)
        return self.span(row, col, values)

    def formulas(self, row: int, col: int, terms: Sequence[Term], style: str) -> Span:
        """Formulas side by side."""
        every = [live(term) for term in terms]
        for place, term in enumerate(every):
            self.formula(row, col + place, term, style)
        return self.span(row, col, [term.value for term in every])

    def column(self, row: int, col: int, values: Sequence[float]) -> Span:
        """A reference to cells of one column, one below the other."""
        cells = tuple(self.cell(row + place, col, value) for place, value in enumerate(values))
        return Span(self.column_range(row, row + len(cells) - 1, col), cells)

    def column_range(self, first: int, last: int, col: int) -> str:
        """The text of a range of one column."""
        ends = (xl_rowcol_to_cell(row, col, True, True) for row in (first, last))
        return self.own + ":".join(ends)

    def widths(self, *widths: float) -> None:
        """Widths of the first columns, and rows as high as their wrapped texts need. [characters]

        Notes
        -----
        Not every program fits the height of rows when it opens a file.
        """
        for col, width in enumerate(widths):
            self.worksheet.set_column(col, col, width)
        lines: dict[int, int] = {}
        for row, col, length in self._wrapped:
            if col < len(widths):
                lines[row] = max(lines.get(row, 1), ceil(length / (FULLNESS * widths[col])))
        for row, count in lines.items():
            if count > 1:
                self.worksheet.set_row(row, count * LINE_POINTS)

    def lay_out(self, *, freeze: tuple[int, int], repeat: int, columns: int = 0) -> None:
        """What stays in view, and how it prints: landscape, one page wide.

        Parameters
        ----------
        freeze : rows and columns that stay; repeat : rows on every page.
        columns : that are repeated on every page of a sheet by month. Dozens of months on one page
            could not be read, so such a sheet takes several.
        """
        sheet = self.worksheet
        sheet.freeze_panes(*freeze)
        sheet.set_row(0, TITLE_POINTS)
        sheet.set_landscape()
        sheet.set_paper(9)
        sheet.set_margins(left=0.4, right=0.4, top=0.6, bottom=0.6)
        sheet.repeat_rows(0, repeat - 1)
        sheet.set_footer("&L&8&F  ·  &A&R&8&P of &N")
        if columns:
            sheet.repeat_columns(0, columns - 1)
            sheet.set_print_scale(60)
        else:
            sheet.fit_to_pages(1, 0)
        sheet.hide_gridlines(2)


class Book:
    """A workbook in memory.

    Parameters
    ----------
    created : fixed, so that the same report gives the same bytes.
    currency, digits : of the shown currency.
    """

    def __init__(self, *, created: date, currency: str, digits: int) -> None:
        self._out = io.BytesIO()
        options = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
        self.workbook = xlsxwriter.Workbook(self._out, options)
        self.created = datetime(created.year, created.month, created.day)  # noqa: DTZ001 - a day
        shown = {"num_format": in_currency(currency, digits)}
        self.styles: dict[str, Format] = {
            name: self.workbook.add_format(
                {"font_name": "Calibri", "font_size": SIZE, "valign": "top", **style}
                | (shown if "shown" in name else {})
            )
            for name, style in STYLES.items()
        }
        self.names: dict[str, Live] = {}

    def sheet(self, name: str, colour: str = "") -> Sheet:
        """One more sheet, at the end."""
        worksheet = self.workbook.add_worksheet(name)
        if colour:
            worksheet.set_tab_color(colour)
        return Sheet(self, worksheet, name)

    def name(self, name: str, cell: Live) -> Live:
        """Name a cell; formulas then speak of it by its name."""
        self.workbook.define_name(name, f"={cell.text}")
        self.names[name] = Live(name, cell.value)
        return self.names[name]

    def properties(self, **properties: str) -> None:
        """Title, subject, comments and the like, shown by file managers."""
        kept: dict[str, Any] = {key: safe_text(text) for key, text in properties.items()}
        self.workbook.set_properties({**kept, "created": self.created})

    def to_bytes(self) -> bytes:
        """The file. Nothing can be written afterwards."""
        self.workbook.close()
        return self._out.getvalue()

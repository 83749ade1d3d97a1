"""What a recalculated workbook says, found by its labels as a reader would."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from openpyxl.workbook import Workbook

LABEL, TOTAL, FIRST_MONTH = 0, 6, 8
NPV = "Net present value: month 0 + NPV(monthly rate, months 1 to the end)"

Row = tuple[Any, ...]


@dataclass(frozen=True)
class Reader:
    """One workbook, read with values."""

    book: Workbook

    def rows(self, sheet: str, after: str = "") -> Iterator[Row]:
        """Values of the rows of a sheet, those below a label."""
        found = not after
        for row in self.book[sheet].iter_rows(values_only=True):
            if found:
                yield row
            found = found or row[LABEL] == after

    def row(self, sheet: str, label: str, after: str = "") -> Row:
        """The first row with a label."""
        for row in self.rows(sheet, after):
            if row[LABEL] == label:
                return row
        raise AssertionError(f"{sheet} has no row {label!r} below {after!r}")

    def total(self, sheet: str, label: str, after: str = "") -> Any:
        """The figure of the whole horizon in a row."""
        return self.row(sheet, label, after)[TOTAL]

    def months(self, sheet: str, label: str, after: str = "") -> list[float]:
        """The figures of a row by month."""
        return [value for value in self.row(sheet, label, after)[FIRST_MONTH:] if value is not None]

    def periods(self, labels: set[str], method: str, name: str) -> dict[str, float]:
        """A row of the sheet of fiscal periods, by label of the period."""
        head = self.row("Years and quarters", "USD; month 0 is in the period of month 1")
        row = self.row("Years and quarters", name, method)
        return {
            str(label): value
            for label, value in zip(head, row, strict=True)
            if label in labels and value is not None
        }

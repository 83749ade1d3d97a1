"""Streaming of one catalogue file: its size, text, header, and cells that are formulas."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Self, TextIO

from app.catalog.importers.problems import check_separator
from app.catalog.tables import CatalogError

MAX_FILE_BYTES = 40_000_000
"""The longest catalogue known, that of AWS with 100,000 rows, is half of it."""

SPREADSHEET_FORMULA = ("=", "@")
"""How no cell of a catalogue begins, and every formula in one does. A minus begins numbers."""

Line = tuple[int, list[str]]


class CatalogueFile:
    """One file, opened for reading row by row; a context manager.

    Parameters
    ----------
    path : a CSV file in UTF-8; a byte-order mark and CRLF are accepted.
    required : columns that its header must hold, in any order and among others.

    Attributes
    ----------
    columns : place of every column, by its name.
    name : what to call the file in messages: with its folder where all have the same name.

    Raises
    ------
    CatalogError : too large, not text, not CSV, or another header.
    """

    def __init__(self, path: Path, required: Sequence[str]) -> None:
        self.name = file_name(path)
        self._path = path
        self._required = required
        self.columns: dict[str, int] = {}

    def __enter__(self) -> Self:
        self._stream = self._open()
        try:
            self._reader = csv.reader(self._stream, strict=True)
            self._read_header()
        except BaseException:
            self._stream.close()
            raise
        return self

    def __exit__(self, *exception: object) -> None:
        self._stream.close()

    def lines(self) -> Iterator[Line]:
        """Yield line number and cells of every row that is not blank; cells are not stripped."""
        width = len(self.columns)
        # Azure's last column holds "V1,V2" without quotes.
        spare = 1 if list(self.columns)[-1] == "Generation" else 0
        for line, cells in self._records():
            if not width <= len(cells) <= width + spare:
                raise CatalogError(
                    [
                        f"{self.name} line {line}: has {len(cells)} cells where the header has "
                        f"{width}; put text that holds a comma in double quotes"
                    ]
                )
            if _holds_formula(cells):
                raise CatalogError([_formula(self.name, line, self.columns, cells)])
            yield line, cells

    def place(self, column: str) -> int:
        """Where an optional column is; -1 where it is not."""
        return self.columns.get(column, -1)

    def _open(self) -> TextIO:
        """Open the file after a look at its size and at its first bytes."""
        try:
            size = self._path.stat().st_size
            if size > MAX_FILE_BYTES:
                raise CatalogError(
                    [
                        f"{self.name}: has {size / 1e6:.0f} MB; at most "
                        f"{MAX_FILE_BYTES / 1e6:.0f} MB are read, so split it"
                    ]
                )
            return self._path.open(encoding="utf-8-sig", newline="")
        except OSError as error:
            raise CatalogError(
                [f"{self.name}: cannot be read ({error.strerror or error})"]
            ) from error

    def _read_header(self) -> None:
        """Find the columns, and say which are missing or there twice."""
        _, header = next(self._records(), (1, []))
        names = [cell.strip() for cell in header]
        check_separator(self.name, names)
        if "PricePerVCPU" in names:
            raise CatalogError(
                [
                    f"{self.name}: gives prices per vCPU and per GB of a private cluster, as "
                    "SkyPilot's slurm/pricing.csv does; only instances with a price are read"
                ]
            )
        missing = [column for column in self._required if column not in names]
        if missing:
            held = ", ".join(repr(name[:40])[1:-1] for name in names[:20]) or "nothing"
            raise CatalogError(
                [
                    f"{self.name} line 1: the header lacks {', '.join(missing)} and holds {held}; "
                    "check the file and the format"
                ]
            )
        twice = sorted({name for name in names if name and names.count(name) > 1})
        if twice:
            raise CatalogError(
                [
                    f"{self.name} line 1, {column}: this column is in the header twice"
                    for column in twice
                ]
            )
        # A nameless column keeps its place.
        self.columns = {name or f"({place + 1})": place for place, name in enumerate(names)}

    def _records(self) -> Iterator[Line]:
        """Yield line number and cells of every record that holds something."""
        start = self._reader.line_num + 1
        while True:
            try:
                cells = next(self._reader)
            except StopIteration:
                return
            except UnicodeDecodeError as error:
                raise CatalogError(
                    [f"{self.name}: is not UTF-8; save it as CSV UTF-8 (comma delimited)"]
                ) from error
            except csv.Error as error:
                raise CatalogError(
                    [
                        f"{self.name} line {start}: is not valid CSV ({error}); "
                        "check the double quotes"
                    ]
                ) from error
            if any(cells) and "".join(cells).strip():
                yield start, cells
            start = self._reader.line_num + 1


def file_name(path: Path) -> str:
    """What to call a catalogue file: with its folder where every cloud's file has one name.

    Examples
    --------
    >>> file_name(Path("catalogs/v8/aws/vms.csv")), file_name(Path("exports/aws.csv"))
    ('aws/vms.csv', 'aws.csv')
    """
    return f"{path.parent.name}/{path.name}" if path.stem == "vms" else path.name


def _holds_formula(cells: list[str]) -> bool:
    """Whether a cell begins as formulas do; one search for all of them."""
    text = "\n".join(("", *cells))
    return any(f"\n{sign}" in text for sign in SPREADSHEET_FORMULA)


def _formula(name: str, line: int, columns: Iterable[str], cells: list[str]) -> str:
    """Say which cell would be computed by a spreadsheet."""
    for column, cell in zip(columns, cells, strict=False):
        if any(f"\n{sign}" in f"\n{cell}" for sign in SPREADSHEET_FORMULA):
            return (
                f"{name} line {line}, {column}: {cell[:40]!r} would be read as a formula by a "
                "spreadsheet; give its value"
            )
    return f"{name} line {line}: holds a formula; give its value"

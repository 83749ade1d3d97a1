"""Strict reading of one CSV table: every problem is found, and named by file, line and column."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import ClassVar, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

FORMULA_SIGNS = ("=", "+", "-", "@")


class CatalogError(Exception):
    """One or more tables cannot be used.

    Parameters
    ----------
    problems : one sentence a fault, as ``offers.csv line 17, tier: what was wrong``.
    """

    def __init__(self, problems: Sequence[str]) -> None:
        self.problems = tuple(problems)
        count = len(self.problems)
        title = "1 problem" if count == 1 else f"{count} problems"
        super().__init__("\n".join((f"{title} in the tables:", *self.problems)))


class Row(BaseModel):
    """One row of a table. Its fields are the columns; `key_column` holds a unique value."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    key_column: ClassVar[str]
    duplicate_hint: ClassVar[str] = "give each row its own name"

    @property
    def key(self) -> str:
        """The value that names this row."""
        return str(getattr(self, self.key_column))

    def faults(self) -> Iterator[tuple[str, str]]:
        """Column and message of every fault that needs more than one cell to be seen."""
        yield from ()


RowT = TypeVar("RowT", bound=Row)


def problem(path: Path, line: int, column: str, message: str) -> str:
    """Name a fault by file, line and column.

    Examples
    --------
    >>> problem(Path("pricing/offers.csv"), 17, "tier", "is blank; write list")
    'offers.csv line 17, tier: is blank; write list'
    """
    return f"{path.name} line {line}, {column}: {message}"


def read_table(path: Path, row_model: type[RowT]) -> list[tuple[int, RowT]]:
    """Read a table whose header is exactly the fields of `row_model`, in any order.

    Parameters
    ----------
    path : a CSV file in UTF-8; a byte-order mark, CRLF and wholly blank lines are accepted.
    row_model : the columns and what may stand in them.

    Returns
    -------
    The rows, each with the number of the line on which it begins.

    Raises
    ------
    CatalogError : with all problems of the file.
    """
    lines = _read_lines(path)
    header_line, header = next(lines, (1, []))
    problems = _header_problems(path, header_line, header, row_model)
    if problems:
        raise CatalogError(problems)
    rows: list[tuple[int, RowT]] = []
    first_line: dict[str, int] = {}
    for line, cells in lines:
        if len(cells) != len(header):
            problems.append(
                f"{path.name} line {line}: has {len(cells)} cells where the header has "
                f"{len(header)}; put text that holds a comma in double quotes"
            )
            continue
        row, faults = _parse_row(row_model, dict(zip(header, cells, strict=True)))
        problems += [problem(path, line, column, message) for column, message in faults]
        if row is None:
            continue
        if row.key in first_line:
            problems.append(
                problem(
                    path,
                    line,
                    row.key_column,
                    f"{row.key!r} is already on line {first_line[row.key]}; {row.duplicate_hint}",
                )
            )
        first_line.setdefault(row.key, line)
        rows.append((line, row))
    if not rows and not problems:
        problems.append(f"{path.name}: holds no rows; at least one is needed")
    if problems:
        raise CatalogError(problems)
    return rows


def _read_lines(path: Path) -> Iterator[tuple[int, list[str]]]:
    """Yield line number and stripped cells of every line of a file that is not blank."""
    try:
        content = path.read_bytes()
    except FileNotFoundError as error:
        raise CatalogError([f"{path.name}: is missing; put it at {path}"]) from error
    yield from csv_lines(content, path.name)


def csv_lines(content: bytes, name: str, delimiter: str = ",") -> Iterator[tuple[int, list[str]]]:
    """Yield line number and stripped cells of every line that is not blank.

    Parameters
    ----------
    content : CSV in UTF-8, with or without a byte-order mark.
    name : what to call the file in messages.

    Raises
    ------
    CatalogError : not UTF-8, or not CSV.

    Examples
    --------
    >>> list(csv_lines(b"id,value\\n\\n a ,1\\n", "runs.csv"))
    [(1, ['id', 'value']), (3, ['a', '1'])]
    """
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise CatalogError(
            [f"{name}: is not UTF-8; save it as CSV UTF-8 (comma delimited)"]
        ) from error
    reader = csv.reader(io.StringIO(text, newline=""), strict=True, delimiter=delimiter)
    start = 1
    while True:
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise CatalogError(
                [f"{name} line {start}: is not valid CSV ({error}); check the double quotes"]
            ) from error
        stripped = [cell.strip() for cell in cells]
        if any(stripped):
            yield start, stripped
        start = reader.line_num + 1


def _header_problems(
    path: Path, line: int, header: Sequence[str], row_model: type[Row]
) -> list[str]:
    """Say which columns are missing, unknown or there twice."""
    known = list(row_model.model_fields)
    problems = [
        problem(path, line, column, "this column is missing from the header")
        for column in known
        if column not in header
    ]
    for column in dict.fromkeys(header):
        if column not in known:
            problems.append(
                problem(
                    path,
                    line,
                    column or "(blank)",
                    f"this column is not known; the columns are {', '.join(known)}",
                )
            )
        elif header.count(column) > 1:
            problems.append(problem(path, line, column, "this column is in the header twice"))
    return problems


def _parse_row(
    row_model: type[RowT], cells: dict[str, str]
) -> tuple[RowT | None, list[tuple[str, str]]]:
    """Check the cells of one row; a blank cell is None."""
    faults = [
        (column, f"{cell!r} would be read as a formula by a spreadsheet; begin with a letter")
        for column, cell in cells.items()
        if cell.startswith(FORMULA_SIGNS) and not _is_number(cell)
    ]
    formulas = {column for column, _ in faults}
    try:
        row = row_model.model_validate({column: cell or None for column, cell in cells.items()})
    except ValidationError as error:
        faults += [fault for fault in _validation_faults(error, cells) if fault[0] not in formulas]
        return None, faults
    faults += row.faults()
    return row, faults


def _is_number(cell: str) -> bool:
    """Whether a cell is a signed number, which the row model judges better."""
    try:
        float(cell)
    except ValueError:
        return False
    return True


def _validation_faults(error: ValidationError, cells: dict[str, str]) -> Iterable[tuple[str, str]]:
    """Turn pydantic's errors into column and message."""
    for fault in error.errors():
        column = str(fault["loc"][0])
        cell = cells.get(column, "")
        if not cell:
            yield column, "is blank; this column needs a value"
        elif fault["type"] == "value_error":
            yield column, str(fault["ctx"]["error"])
        elif fault["type"] == "literal_error":
            yield column, f"{cell!r} is not one of {fault['ctx']['expected']}"
        else:
            yield column, f"{cell!r}: {fault['msg']}"

"""Actual spend as somebody uploads or pastes it: a plain table, or a FOCUS cost file."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from itertools import islice

from app.catalog.tables import CatalogError, csv_lines
from app.estimator.variance import UNASSIGNED
from app.services.actual_cells import (
    USD,
    amount_written,
    billed,
    category_of,
    currency_of,
    month_of,
    note_of,
    rewritten,
)
from app.services.problems import MOST_PROBLEMS, ActualsProblems, Problem

POINTER = "/file"
LARGEST_BYTES = 4 * 1024 * 1024
MOST_ROWS = 5_000
MOST_FOCUS_ROWS = 50_000
LONGEST_COLUMN = 40
"""Characters that are kept of the name of a column that is left out."""

PLAIN, FOCUS = "plain", "focus"
FOCUS_PERIOD = "ChargePeriodStart"
FOCUS_COSTS = ("BilledCost", "EffectiveCost")
"""What is invoiced comes first: the plan is cash. The effective cost spreads what is prepaid."""
FOCUS_CURRENCY = "BillingCurrency"
FOCUS_PROJECTION = "x_IsProjection"
"""A column of our own FOCUS files, which are forecasts."""
_FOCUS_READ = (FOCUS_PERIOD, *FOCUS_COSTS, FOCUS_CURRENCY, FOCUS_PROJECTION)
_AS_WRITTEN = {name.lower(): name for name in _FOCUS_READ}

COLUMNS = ("month", "amount_usd", "amount", "currency", "category", "note")
IGNORED = ("planned_usd", "planned")
"""Columns of our template that are for whoever fills it in."""
_SEPARATOR_LINE = re.compile(
    rb'\A((?:\xef\xbb\xbf)?)"?sep=([,;\t|])"?[ \t]*(?=\r|\n)', re.IGNORECASE
)
"""A first line by which Excel is told what separates cells."""


@dataclass(frozen=True, slots=True)
class ActualRow:
    """One amount that was spent.

    Parameters
    ----------
    month : "2027-01".
    category : one of `COST_CATEGORIES` or `UNASSIGNED`.
    amount : in the currency; below 0 for a credit.
    currency : code of ISO 4217.
    """

    month: str
    category: str
    amount: Decimal
    currency: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class ActualFile:
    """What was read.

    Parameters
    ----------
    rows : at least one; of a FOCUS file one for each month and currency.
    kind : plain or focus.
    amount_column : that amounts were read from; empty where they came through the API.
    read_rows : rows with an amount, before any was summed. [count]
    blank_rows : rows without an amount, which were left out. [count]
    rewritten_months : whether a spreadsheet had turned 2027-01 into Jan-27.
    left_out_columns : of a plain table, that are not known here and were not read, as written.
    """

    rows: tuple[ActualRow, ...]
    kind: str
    amount_column: str
    read_rows: int
    blank_rows: int = 0
    rewritten_months: bool = False
    left_out_columns: tuple[str, ...] = ()

    @property
    def summed_rows(self) -> int:
        """Rows of a plain table that share month and category with an earlier one. [count]"""
        if self.kind == FOCUS:
            return 0
        return len(self.rows) - len({(row.month, row.category) for row in self.rows})


def read_actuals(content: bytes, name: str, currency: str) -> ActualFile:
    """The spend in a CSV file; all of it or none.

    Parameters
    ----------
    content : CSV in UTF-8 with a header, separated by commas, semicolons or tabs; a first line such
        as `sep=;` says by what.
    name : what to call the file in messages.
    currency : that the scenario is shown in; amounts are in it or in US dollars.

    Raises
    ------
    ActualsProblems : with every problem, by line and column.
    """
    if len(content) > LARGEST_BYTES:
        raise _refused(
            f"{name}: has {len(content) / 1024**2:.1f} MiB; at most {LARGEST_BYTES // 1024**2} MiB "
            "are read, so leave out what belongs to other work, or sum it by month"
        )
    content, delimiter = _separated(content)
    try:
        # No further than needed to see that there are too many.
        lines = list(islice(csv_lines(content, name, delimiter), MOST_FOCUS_ROWS + 2))
    except CatalogError as error:
        raise _refused(*error.problems) from error
    if not lines:
        raise _refused(f"{name}: is empty; the first line names the columns, as the template does")
    (at, cells), body = lines[0], lines[1:]
    header = [_plain_name(cell) for cell in cells]
    focus = FOCUS_PERIOD.lower() in header
    most = MOST_FOCUS_ROWS if focus else MOST_ROWS
    faults = _focus_header(header) if focus else _plain_header(header)
    if not faults and not body:
        raise _refused(f"{name}: there is a header but no row; add an amount a line")
    if len(body) > most:
        faults.append(("", f"there are more than {most:,} rows; no more are read, so sum them"))
    if faults:
        raise _refused(*(_located(name, at, column, said) for column, said in faults))
    table = _Table(name, header, body, point=delimiter == ",", currency=currency)
    found = table.focus() if focus else replace(table.plain(), left_out_columns=_left_out(cells))
    if table.problems:
        raise ActualsProblems(table.problems[:MOST_PROBLEMS])
    if not found.rows:
        raise _refused(f"{name}: no row has an amount; fill in at least one")
    return found


class _Table:
    """The rows of one file, and what is wrong with them."""

    def __init__(
        self,
        name: str,
        header: Sequence[str],
        body: Sequence[tuple[int, list[str]]],
        *,
        point: bool,
        currency: str,
    ) -> None:
        self._name = name
        self._header = header
        self._body = body
        self._point = point
        self._currency = currency
        self.problems: list[Problem] = []

    def plain(self) -> ActualFile:
        """Month, amount, and what may stand beside them."""
        column = "amount_usd" if "amount_usd" in self._header else "amount"
        checks: dict[str, Callable[[str], object]] = {
            "month": month_of,
            column: self._amount,
            "currency": self._code,
            "category": category_of,
            "note": note_of,
        }
        needed = {"month", "currency"} if column == "amount" else {"month"}
        rows: list[ActualRow] = []
        blank = 0
        changed = False
        for line, cells in self._cells():
            if not cells[column]:
                blank += 1
                continue
            values = self._checked(line, cells, checks, needed)
            if values is None:
                continue
            changed |= rewritten(cells["month"])
            amount = values[column]
            assert isinstance(amount, Decimal)  # noqa: S101 - what `_amount` gives
            rows.append(
                ActualRow(
                    str(values["month"]),
                    str(values.get("category", UNASSIGNED)),
                    amount,
                    str(values["currency"]) if column == "amount" else USD,
                    str(values.get("note", "")),
                )
            )
        return ActualFile(tuple(rows), PLAIN, column, len(rows), blank, changed)

    def focus(self) -> ActualFile:
        """Every charge, summed by the month in which its period begins."""
        period, code = FOCUS_PERIOD.lower(), FOCUS_CURRENCY.lower()
        chosen = next(cost for cost in FOCUS_COSTS if cost.lower() in self._header)
        column = chosen.lower()
        needed = {period, column, code}
        checks: dict[str, Callable[[str], object]] = {
            FOCUS_PROJECTION.lower(): billed,
            period: month_of,
            column: self._amount,
            code: self._code,
        }
        sums: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
        count = 0
        for line, cells in self._cells():
            values = self._checked(line, cells, checks, needed)
            if values is not None:
                amount = values[column]
                assert isinstance(amount, Decimal)  # noqa: S101 - what `_amount` gives
                sums[str(values[period]), str(values[code])] += amount
                count += 1
        rows = [ActualRow(m, UNASSIGNED, usd, c) for (m, c), usd in sorted(sums.items())]
        return ActualFile(tuple(rows), FOCUS, chosen, count)

    def _cells(self) -> Iterable[tuple[int, dict[str, str]]]:
        """Yield line number and cells by column of the rows that have as many as the header."""
        width = len(self._header)
        for line, cells in self._body:
            if len(cells) != width:
                self._say(
                    line,
                    "",
                    f"has {len(cells)} cells where the header has {width}; put text that holds the "
                    "separator in double quotes",
                )
                continue
            yield line, dict(zip(self._header, cells, strict=True))

    def _checked(
        self,
        line: int,
        cells: Mapping[str, str],
        checks: Mapping[str, Callable[[str], object]],
        needed: set[str],
    ) -> dict[str, object] | None:
        """Values of the cells by column; None where one cannot be used, which is said."""
        values: dict[str, object] = {}
        fine = True
        for column, check in checks.items():
            cell = cells.get(column, "")
            if not cell:
                if column in needed:
                    self._say(line, column, "is blank; this column needs a value")
                    fine = False
                continue
            try:
                values[column] = check(cell)
            except ValueError as error:
                self._say(line, column, str(error))
                fine = False
        return values if fine else None

    def _amount(self, cell: str) -> Decimal:
        return amount_written(cell, point=self._point)

    def _code(self, cell: str) -> str:
        return currency_of(cell, self._currency)

    def _say(self, line: int, column: str, message: str) -> None:
        # What is not shown need not be kept: a file may be wrong in every line.
        if len(self.problems) < MOST_PROBLEMS:
            column = _AS_WRITTEN.get(column, column)
            self.problems.append(Problem(POINTER, _located(self._name, line, column, message)))


def _plain_header(header: Sequence[str]) -> list[tuple[str, str]]:
    """Column and message of every problem of the header of a plain table."""
    missing = f"this column is missing from the header; the columns are {', '.join(COLUMNS)}"
    faults = [] if "month" in header else [("month", missing)]
    amounts = [column for column in ("amount_usd", "amount") if column in header]
    if not amounts:
        faults.append(("amount_usd", missing))
    elif len(amounts) == 2:
        faults.append(("amount", "amount_usd is in the header too; keep one of both"))
    elif amounts == ["amount"] and "currency" not in header:
        faults.append(
            ("currency", "this column is missing from the header; amount needs it, amount_usd not")
        )
    elif amounts == ["amount_usd"] and "currency" in header:
        faults.append(
            ("currency", "amount_usd is in US dollars; name it amount, or leave this out")
        )
    return faults + _twice(header, COLUMNS)


def _focus_header(header: Sequence[str]) -> list[tuple[str, str]]:
    """The same of a FOCUS file, whose other columns are not read."""
    faults = []
    if not any(cost.lower() in header for cost in FOCUS_COSTS):
        faults.append((FOCUS_COSTS[0], f"neither it nor {FOCUS_COSTS[1]} is in the header"))
    if FOCUS_CURRENCY.lower() not in header:
        faults.append((FOCUS_CURRENCY, "this column is missing from the header"))
    return faults + _twice(header, [name.lower() for name in _FOCUS_READ])


def _twice(header: Sequence[str], known: Iterable[str]) -> list[tuple[str, str]]:
    counts = Counter(header)
    return [(c, "this column is in the header twice") for c in known if counts[c] > 1]


def _plain_name(column: str) -> str:
    """A column by the name that it has here."""
    return re.sub(r"[\s-]+", "_", column.lower())


def _left_out(columns: Sequence[str]) -> tuple[str, ...]:
    """Columns of a plain table that are not known here, as far as they can be shown; those without
    a name apart.
    """
    unknown = [c for c in columns if _plain_name(c) not in (*COLUMNS, *IGNORED, "")]
    shown_ = ("".join(letter for letter in c if letter.isprintable()) for c in unknown)
    return tuple(dict.fromkeys(c[:LONGEST_COLUMN] for c in shown_))


def _separated(content: bytes) -> tuple[bytes, str]:
    """What is to be read, and its separator: as a first line says it, else by the header, where it
    is a tab or a semicolon if there is one, else a comma.
    """
    if said := _SEPARATOR_LINE.match(content):
        # Its line stays as a blank one, so that lines count as an editor counts them.
        return said[1] + content[said.end() :], said[2].decode()
    head = content[:4096].decode("utf-8-sig", "replace")
    first = next((line for line in head.splitlines() if line.strip()), "")
    return content, next((mark for mark in ("\t", ";") if mark in first), ",")


def _located(name: str, line: int, column: str, message: str) -> str:
    """A fault by file, line and column.

    Examples
    --------
    >>> _located("spend.csv", 3, "month", "is blank")
    'spend.csv line 3, month: is blank.'
    """
    return f"{name} line {line}{f', {column}' if column else ''}: {message}."


def _refused(*messages: str) -> ActualsProblems:
    return ActualsProblems(
        [Problem(POINTER, f"{message.rstrip('.')}.") for message in messages[:MOST_PROBLEMS]]
    )

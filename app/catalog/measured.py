"""Strict reading of measured runs: one metric a row, columns by name, every problem named.

The columns that are read, and what may stand in them, are listed in `docs/facts.md`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any, Final

from app.catalog.measured_columns import (
    CONFIGURATION,
    METRICS,
    NO_DISTINCTION,
    REQUIRED,
    ROW_COLUMNS,
    Reader,
    WrongCell,
    number,
    one_of,
    shown,
    yes_no,
)
from app.catalog.tables import CatalogError, csv_lines
from app.estimator.measured import SCORED_METRICS, MeasuredRun, Measurement

OWN_RUNS: Final = Path(__file__).parent / "measured" / "runs.csv"
LARGEST_BYTES: Final = 4 * 1024 * 1024
MOST_ROWS: Final = 5_000
LONGEST_CELL: Final = 2_000
LARGEST_VALUE: Final = 1e9


def read_measured(content: str | bytes, name: str) -> tuple[MeasuredRun, ...]:
    """Read measured runs from CSV text.

    Parameters
    ----------
    content : CSV in UTF-8, with or without a byte-order mark. Columns may come in any order;
        unknown ones are passed over.
    name : what to call the file in messages.

    Returns
    -------
    One run for each value of `run` (of `id`, where there is none), in order of appearance.

    Raises
    ------
    CatalogError : with all problems, each by line and column.

    Examples
    --------
    >>> runs = read_measured("id,model,method,gpu,n_gpus,seq_len,metric,value\\n"
    ...                      "a,org/m,full,H100,8,4096,smi_gib,61.5\\n", "mine.csv")
    >>> runs[0].gpus, runs[0].measurements[0].quality
    (8, 'A')
    """
    raw = content.encode("utf-8", "surrogatepass") if isinstance(content, str) else content
    if len(raw) > LARGEST_BYTES:
        raise CatalogError(
            [f"{name}: is larger than {LARGEST_BYTES // 1024**2} MiB; split it into several files"]
        )
    lines = csv_lines(raw, name)
    header_line, header = next(lines, (1, []))
    problems = _header_problems(name, header_line, header)
    if problems:
        raise CatalogError(problems)
    table = _Table(name)
    for count, (line, cells) in enumerate(lines, start=1):
        if count > MOST_ROWS:
            table.problems.append(
                f"{name} line {line}: more than {MOST_ROWS:,} rows; split the file into several"
            )
            break
        if len(cells) != len(header):
            table.problems.append(
                f"{name} line {line}: has {len(cells)} cells where the header has {len(header)}; "
                "put text that holds a comma in double quotes"
            )
            continue
        table.add(line, dict(zip(header, cells, strict=True)))
    return table.runs()


@cache
def own_runs() -> tuple[MeasuredRun, ...]:
    """The published runs that the product ships with.

    Raises
    ------
    CatalogError : the table is missing or cannot be used.
    """
    try:
        content = OWN_RUNS.read_bytes()
    except FileNotFoundError as error:
        raise CatalogError([f"{OWN_RUNS.name}: is missing; put it at {OWN_RUNS}"]) from error
    return read_measured(content, OWN_RUNS.name)


def _header_problems(name: str, line: int, header: list[str]) -> list[str]:
    """Say which columns are missing or there twice; unknown ones are fine."""
    problems = [
        f"{name} line {line}, {column}: this column is missing from the header"
        for column in REQUIRED
        if column not in header
    ]
    if "model" not in header and "model_shape" not in header:
        problems.append(
            f"{name} line {line}, model: this column is missing from the header; give model "
            "(a Hugging Face id) or model_shape"
        )
    problems += [
        f"{name} line {line}, {column}: this column is in the header twice"
        for column in (*ROW_COLUMNS, *CONFIGURATION)
        if header.count(column) > 1
    ]
    return problems


class _Table:
    """The rows of one file, gathered by run."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.problems: list[str] = []
        self._ids: dict[str, int] = {}
        self._settings: dict[str, tuple[int, dict[str, Any]]] = {}
        self._measured: dict[str, list[Measurement]] = {}

    def add(self, line: int, cells: Mapping[str, str]) -> None:
        """Take one row, or say what is wrong with it."""
        before = len(self.problems)
        self._check_lengths(line, cells)
        settings = {
            column: self._read(line, column, cells.get(column, ""), reader)
            for column, (_, reader) in CONFIGURATION.items()
        }
        if not cells.get("model") and not cells.get("model_shape"):
            self._wrong(line, "model", "is blank; give a Hugging Face id, or model_shape")
        measured = self._measurement(line, cells)
        run = cells.get("run") or cells["id"]
        if len(self.problems) > before or measured is None:
            return
        first_line, first = self._settings.setdefault(run, (line, settings))
        for column, value in settings.items():
            if value != first[column] and column not in NO_DISTINCTION:
                self._wrong(
                    line,
                    column,
                    f"is {shown(cells.get(column, ''))}, but run {shown(run)} has another value "
                    f"on line {first_line}; rows of one run share every setting",
                )
        self._measured.setdefault(run, []).append(measured)

    def runs(self) -> tuple[MeasuredRun, ...]:
        """All runs.

        Raises
        ------
        CatalogError : a row was wrong, or there was none.
        """
        if not self._measured and not self.problems:
            self.problems.append(f"{self.name}: holds no rows; at least one is needed")
        if self.problems:
            raise CatalogError(self.problems)
        return tuple(
            MeasuredRun(
                run=run,
                source=run.split("-", 1)[0],
                measurements=tuple(self._measured[run]),
                **{CONFIGURATION[column][0]: value for column, value in settings.items()},
            )
            for run, (_, settings) in self._settings.items()
        )

    def _measurement(self, line: int, cells: Mapping[str, str]) -> Measurement | None:
        key = cells["id"]
        if not key:
            self._wrong(line, "id", "is blank; give each row a name of its own")
        elif key in self._ids:
            self._wrong(
                line,
                "id",
                f"{shown(key)} is already on line {self._ids[key]}; give each row its own name",
            )
        self._ids.setdefault(key, line)
        metric = cells["metric"]
        if metric not in METRICS:
            said = f"{shown(metric)} is not one of" if metric else "is blank; write one of"
            self._wrong(line, "metric", f"{said} {', '.join(METRICS)}")
        quality = self._read(line, "quality", cells.get("quality", ""), one_of("A", "B", "C"))
        ambiguous = self._read(line, "unit_ambiguous", cells.get("unit_ambiguous", ""), yes_no)
        value = self._read(line, "value", cells["value"], number)
        if value is None:
            return None
        if metric in SCORED_METRICS and not 0 < value <= LARGEST_VALUE:
            wanted = "more than 0" if value <= 0 else f"at most {LARGEST_VALUE:g}"
            self._wrong(line, "value", f"is {cells['value']}; {wanted} is expected")
        return Measurement(key, metric, value, quality or "A", bool(ambiguous))

    def _check_lengths(self, line: int, cells: Mapping[str, str]) -> None:
        for column in _columns():
            if len(cells.get(column, "")) > LONGEST_CELL:
                self._wrong(line, column, f"is longer than {LONGEST_CELL:,} characters; shorten it")

    def _read(self, line: int, column: str, cell: str, reader: Reader) -> Any:
        try:
            return reader(cell)
        except WrongCell as error:
            self._wrong(line, column, str(error))
            return None

    def _wrong(self, line: int, column: str, message: str) -> None:
        self.problems.append(f"{self.name} line {line}, {column}: {message}")


def _columns() -> Iterable[str]:
    return (*ROW_COLUMNS, *CONFIGURATION)

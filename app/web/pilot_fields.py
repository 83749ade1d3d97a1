"""The pilot in the builder's form: a small table of scores, one row a size of training set."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from app.inputs import (
    MOST_PILOT_ROWS,
    PILOT_CELL,
    PILOT_COLUMNS,
    PILOT_SCORES,
    PilotRow,
    ScenarioInput,
)
from app.web import show_words

_BLANK_ROWS = 3
_NEEDED = tuple(name for name in PILOT_COLUMNS if name not in PILOT_SCORES)


@dataclass(frozen=True, slots=True)
class PilotCell:
    """One number; its label names the column, and the row for those who do not see it."""

    name: str
    id: str
    column: str
    value: str
    inputmode: str
    error: str


@dataclass(frozen=True, slots=True)
class PilotRowView:
    """One row; `note` says what it still needs, `error` what is wrong with the row as a whole."""

    number: int
    id: str
    cells: tuple[PilotCell, ...]
    note: str
    error: str

    @property
    def problems(self) -> tuple[tuple[str, str], ...]:
        """What is wrong in it: ids and texts."""
        found = [(f"{cell.id}-error", cell.error) for cell in self.cells if cell.error]
        return (*([(f"{self.id}-error", self.error)] if self.error else []), *found)


@dataclass(frozen=True, slots=True)
class PilotTable:
    """The table as it is shown.

    Parameters
    ----------
    columns : name and help of each.
    error : what is wrong with the pilot as a whole.
    """

    label: str
    columns: tuple[tuple[str, str], ...]
    rows: tuple[PilotRowView, ...]
    error: str


Typed = dict[int, dict[str, str]]


def typed_rows(pairs: Iterable[tuple[str, str]]) -> Typed:
    """What was typed in the table, by row and column; blank cells and foreign names left out.

    Examples
    --------
    >>> typed_rows([("pilot.0.examples", "500"), ("pilot.1.examples", " "), ("epochs", "2")])
    {0: {'examples': '500'}}
    """
    found: Typed = {}
    for name, value in pairs:
        cell = PILOT_CELL.fullmatch(name)
        if cell and value.strip():
            found.setdefault(int(cell["row"]), {})[cell["column"]] = value
    in_order = dict(sorted(found.items()))
    # An address may name any row: without their places all of them have room.
    return (
        in_order if max(found, default=0) < MOST_PILOT_ROWS else dict(enumerate(in_order.values()))
    )


def missing(cells: Mapping[str, str]) -> tuple[str, ...]:
    """What a row needs before it can be used, as nouns; nothing for a blank or a whole row.

    Examples
    --------
    >>> missing({"examples": "500", "lora_points": "61"}), missing({})
    (('the number of test questions',), ())
    """
    if not cells:
        return ()
    found = [f"the number of {_title(name).lower()}" for name in _NEEDED if name not in cells]
    if not any(name in cells for name in PILOT_SCORES):
        found.append("a score")
    return tuple(found)


def without_unfinished(pairs: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    """The pairs without rows that are still being typed: they are noted, and no mistake yet."""
    kept = [(name, value) for name, value in pairs if not PILOT_CELL.fullmatch(name)]
    for row, cells in typed_rows(pairs).items():
        if not missing(cells):
            kept += [(f"pilot.{row}.{column}", value) for column, value in cells.items()]
    return kept


def cell_id(row: int, column: str = "") -> str:
    """The id of a row or of a cell.

    Examples
    --------
    >>> cell_id(0), cell_id(2, "lora_points")
    ('f-pilot-0', 'f-pilot-2-lora_points')
    """
    return f"f-pilot-{row}-{column}" if column else f"f-pilot-{row}"


def id_of(parts: Sequence[str], rows: Sequence[int]) -> str:
    """The id of what a problem's pointer names, from its parts after ``pilot``.

    Parameters
    ----------
    rows : places of the rows that are not blank; a scenario counts only these.

    Examples
    --------
    >>> id_of(["0", "lora_points"], [2]), id_of(["0"], []), id_of([], []), id_of(["x"], [])
    ('f-pilot-2-lora_points', 'f-pilot-0', 'f-pilot', 'f-pilot')
    """
    if not parts or not parts[0].isdecimal():
        return "f-pilot"
    row = int(parts[0])
    place = rows[row] if row < len(rows) else row
    return cell_id(place, parts[1] if len(parts) > 1 and parts[1] in PILOT_COLUMNS else "")


def _title(name: str) -> str:
    return PilotRow.model_fields[name].title or name


def table(pairs: Iterable[tuple[str, str]], errors: Mapping[str, str]) -> PilotTable:
    """The table as it was typed, with a few rows to spare.

    Parameters
    ----------
    errors : what is wrong, by the id that it belongs to.
    """
    typed = typed_rows(pairs)
    last = max(typed, default=-1)
    count = max(_BLANK_ROWS, last + 1, min(MOST_PILOT_ROWS, last + 2))
    field = ScenarioInput.model_fields["pilot"]
    return PilotTable(
        label=field.title or "Pilot",
        columns=tuple(
            (_title(name), PilotRow.model_fields[name].description or "") for name in PILOT_COLUMNS
        ),
        rows=tuple(_row(row, typed.get(row, {}), errors) for row in range(count)),
        error=errors.get("f-pilot", ""),
    )


def _row(row: int, cells: Mapping[str, str], errors: Mapping[str, str]) -> PilotRowView:
    made = tuple(
        PilotCell(
            name=f"pilot.{row}.{name}",
            id=cell_id(row, name),
            column=_title(name),
            value=_written(cells.get(name, "")),
            inputmode="numeric" if name in _NEEDED else "decimal",
            error=errors.get(cell_id(row, name), ""),
        )
        for name in PILOT_COLUMNS
    )
    error = errors.get(cell_id(row), "")
    needs = missing(cells)
    wrong = error or any(cell.error for cell in made)
    note = (
        f"Not used yet: row {row + 1} needs {show_words.join_words(needs)}."
        if needs and not wrong
        else ""
    )
    return PilotRowView(row + 1, cell_id(row), made, note, error)


def _written(value: str) -> str:
    """A canonical address writes 61.0; nobody types that."""
    return value.removesuffix(".0") if re.fullmatch(r"\d+\.0", value) else value

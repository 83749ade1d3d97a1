"""Change one cell of a table, and hear what is said."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.catalog.catalog import _load
from app.catalog.tables import CatalogError


def change(path: Path, line: int, column: str, value: str) -> None:
    """Write one cell of a table, by line number and column."""
    lines = path.read_text(encoding="utf-8").split("\n")
    cells = lines[line - 1].split(",")
    cells[lines[0].split(",").index(column)] = value
    lines[line - 1] = ",".join(cells)
    path.write_text("\n".join(lines), encoding="utf-8")


def append(path: Path, like: int, **cells: str) -> int:
    """Copy a line to the end of a table with other cells; its line number."""
    lines = path.read_text(encoding="utf-8").rstrip("\n").split("\n")
    row = dict(zip(lines[0].split(","), lines[like - 1].split(","), strict=True)) | cells
    path.write_text("\n".join((*lines, ",".join(row.values()), "")), encoding="utf-8")
    return len(lines) + 1


def line_of(path: Path, *starts: str) -> int:
    """Line number of the first row that begins with a text and holds the others."""
    lines = path.read_text(encoding="utf-8").split("\n")
    return 1 + next(
        number
        for number, line in enumerate(lines)
        if line.startswith(starts[0]) and all(text in line for text in starts)
    )


def told(folders: tuple[Path, Path, Path]) -> tuple[str, ...]:
    """The problems of the tables in these folders."""
    with pytest.raises(CatalogError) as caught:
        _load(*folders)
    return caught.value.problems

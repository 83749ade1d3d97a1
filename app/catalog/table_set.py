"""Several tables that refer to each other, read together."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

from app.catalog.tables import CatalogError, Row, problem, read_table

RowT = TypeVar("RowT", bound=Row)


class TableSet:
    """The tables as they are read, with the problems of all of them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.paths: dict[str, Path] = {}
        self.problems: list[str] = []
        self._rows: dict[str, Sequence[tuple[int, Row]]] = {}

    def read(
        self, name: str, row_model: type[RowT], folder: Path | None = None
    ) -> list[tuple[int, RowT]]:
        """Rows of one table with their lines; none where it has problems."""
        self.paths[name] = (folder or self.folder) / name
        rows: list[tuple[int, RowT]] = []
        try:
            rows = read_table(self.paths[name], row_model)
        except CatalogError as error:
            self.problems += error.problems
        self._rows[name] = rows
        return rows

    def refer(self, name: str, column: str, table: str, known: Mapping[str, object]) -> None:
        """Say which rows of a table refer to a key that another one does not hold; blank is none.

        A table that could not be read holds nothing, and nothing is said of references to it.
        """
        if not known:
            return
        for line, row in self._rows[name]:
            value = getattr(row, column)
            if value and value not in known:
                told = f"{value!r} is not in {table}; add it there"
                self.problems.append(problem(self.paths[name], line, column, told))


def content_hash(paths: Iterable[Path]) -> str:
    """SHA-256 over names and contents in a fixed order, line ends and byte-order mark aside."""
    digest = hashlib.sha256()
    for path in paths:
        content = path.read_bytes().removeprefix(b"\xef\xbb\xbf").replace(b"\r\n", b"\n")
        digest.update(f"{path.name} {len(content)}\n".encode())
        digest.update(content)
    return digest.hexdigest()

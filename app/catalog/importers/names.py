"""From the names that catalogues give accelerators to the keys of our table."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from fnmatch import fnmatchcase
from functools import lru_cache
from pathlib import Path
from typing import ClassVar

from app.catalog.cells import Day, Gib, Gpus, Note, Slug
from app.catalog.tables import Row, read_table

FILE_NAME = "accelerator_names.csv"
MEMORY_TOLERANCE = Decimal("0.1")
"""Catalogues state what the driver reports, the datasheet, or a round figure between."""

SLICE = re.compile(r"(^|[^a-z])mig([^a-z]|$)|(^|[^a-z0-9])[1-7]g\.?\d+gb", re.IGNORECASE)


class NameRow(Row):
    """pricing/accelerator_names.csv: one name, and the accelerator that it means where the
    conditions beside it hold."""

    key_column: ClassVar[str] = "alias"

    alias: Slug
    name: Note
    provider: Note
    instance: Note
    gpu_memory_gib: Gib | None
    gpus: Gpus | None
    accelerator: Note
    source: Slug
    retrieved: Day
    note: Note

    def faults(self) -> Iterator[tuple[str, str]]:
        """A row without a name is for instances whose catalogue names no accelerator."""
        if not self.name and not (self.provider and self.instance and self.gpus):
            yield "name", "is blank; then provider, instance and gpus are needed"
        if self.name and self.gpus is not None:
            yield "gpus", "is only for instances whose catalogue names no accelerator"

    @property
    def conditions(self) -> int:
        """How many conditions it has: the row with most that holds is the one that counts."""
        return sum((bool(self.provider), bool(self.instance), self.gpu_memory_gib is not None))

    def holds(self, provider: str, instance: str, memory_gib: Decimal | None) -> bool:
        """Whether every condition holds for an instance; a condition on memory needs memory."""
        if self.provider and self.provider != provider:
            return False
        if self.instance and not fnmatchcase(instance.lower(), self.instance.lower()):
            return False
        if self.gpu_memory_gib is None:
            return True
        return memory_gib is not None and _near(memory_gib, self.gpu_memory_gib)


@dataclass(frozen=True)
class AcceleratorNames:
    """The table of names, ready to be asked.

    Parameters
    ----------
    by_name : rows by the name as it is compared, without case, blanks, dashes and underscores.
    """

    by_name: Mapping[str, tuple[NameRow, ...]]

    @staticmethod
    def load(path: Path) -> AcceleratorNames:
        """Read the table.

        Raises
        ------
        CatalogError : with all its problems.
        """
        by_name: dict[str, tuple[NameRow, ...]] = {}
        for _, row in read_table(path, NameRow):
            name = compared(row.name)
            by_name[name] = (*by_name.get(name, ()), row)
        return AcceleratorNames(by_name)

    def keys(
        self, name: str, provider: str, instance: str, memory_gib: Decimal | None
    ) -> frozenset[str]:
        """Accelerators that a name means: one, none, or several if rows contradict each other.

        Parameters
        ----------
        name : as the catalogue writes it.
        provider : key of ours.
        instance : its name, which often says SXM, PCIe or NVL where the accelerator's does not.
        memory_gib : of one GPU, None where it is not known. [GiB]
        """
        holding = [row for row in self._rows(name) if row.holds(provider, instance, memory_gib)]
        most = max((row.conditions for row in holding), default=0)
        return frozenset(row.accelerator for row in holding if row.conditions == most) - {""}

    def possible(
        self, name: str, provider: str, instance: str, memory_gib: Decimal | None
    ) -> frozenset[str]:
        """Accelerators that a name without a meaning of its own may have: what nothing that is
        known speaks against.
        """
        rows = self._rows(name)
        if any(row.holds(provider, instance, memory_gib) for row in rows):
            return frozenset()
        return frozenset(row.accelerator for row in rows if _may_hold(row, provider, memory_gib))

    def unnamed(self, provider: str, instance: str) -> NameRow | None:
        """The row of an instance whose catalogue names no accelerator although it has some."""
        for row in self.by_name.get("", ()):
            if row.holds(provider, instance, None):
                return row
        return None

    def _rows(self, name: str) -> tuple[NameRow, ...]:
        """Rows of a name; none without one."""
        key = compared(name)
        return self.by_name.get(key, ()) if key else ()


def compared(name: str) -> str:
    """A name as it is compared.

    Examples
    --------
    >>> compared("RTX-6000-Ada") == compared("RTX6000Ada") == compared("rtx_6000 ada")
    True
    """
    return re.sub(r"[\s_-]+", "", name).lower()


def is_slice(name: str) -> bool:
    """Whether a name is that of a part of a GPU.

    Examples
    --------
    >>> is_slice("H100-MIG"), is_slice("A100-1g.10gb"), is_slice("A100-80GB")
    (True, True, False)
    """
    return SLICE.search(name) is not None


@lru_cache(maxsize=4)
def load_names(path: Path | None = None) -> AcceleratorNames:
    """The built-in table of names, or that of a file; read once."""
    return AcceleratorNames.load(path or _built_in())


def _built_in() -> Path:
    """Where the table is: in the package of a wheel, in the top-level folder of a checkout."""
    app = Path(__file__).parents[2]
    packaged = app / "resources" / "pricing" / FILE_NAME
    return packaged if packaged.exists() else app.parent / "pricing" / FILE_NAME


def _may_hold(row: NameRow, provider: str, memory_gib: Decimal | None) -> bool:
    """Whether nothing that is known speaks against a row."""
    if row.provider and row.provider != provider:
        return False
    if row.gpu_memory_gib is None or memory_gib is None:
        return bool(row.accelerator)
    return _near(memory_gib, row.gpu_memory_gib)


def _near(memory_gib: Decimal, stated_gib: Decimal) -> bool:
    """Whether two figures mean the same memory."""
    return abs(memory_gib - stated_gib) <= MEMORY_TOLERANCE * stated_gib

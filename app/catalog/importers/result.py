"""What comes out of a catalogue: rows for a price book, and an account of every row read."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from app.catalog.price_books import BookRow, Place


@dataclass(frozen=True, slots=True)
class Skipped:
    """Rows, or prices of rows, that were left out for one reason.

    Parameters
    ----------
    reason : in words.
    count : how many. [count]
    examples : the first few, as ``aws/vms.csv line 5: p3dn.24xlarge, V100-32GB``; of accelerators
        that are not in the table, every name with its count.
    """

    reason: str
    count: int
    examples: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Imported:
    """What was read from catalogues.

    Parameters
    ----------
    rows : sorted by provider, instance, region and purchase option; one for each.
    taken : rows by provider and purchase option.
    skipped : what was left out, most frequent first.
    read : rows of all files, without headers and blank lines. [count]
    merged : prices of further zones of a region, or of further offers for one place, of which a
        row gives the only or the lowest. [count]
    providers : whose catalogues were read, also where none of their rows could be taken.
    doubted : places whose prices the catalogues list, but none that can be
        believed: out of range, contradicted, or of another kind. An older price may still hold.
    """

    rows: tuple[BookRow, ...]
    taken: Counter[tuple[str, str]]
    skipped: tuple[Skipped, ...]
    read: int
    merged: int
    providers: tuple[str, ...]
    doubted: frozenset[Place] = frozenset()

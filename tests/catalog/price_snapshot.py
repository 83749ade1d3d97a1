"""Every price in force, as a table that makes a change of prices a readable difference.

``python tests/catalog/price_snapshot.py`` writes it anew.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from pathlib import Path

from app.catalog.catalog import Catalog, load_catalog

ROOT = Path(__file__).parents[2]
SNAPSHOT = ROOT / "tests/reference/price_list.csv"
HEADER = ("key", "usd_per_instance_hour", "valid_from")


def resolved(catalog: Catalog) -> list[tuple[str, ...]]:
    """Key, price and day of every offer that has a price, by key."""
    return [
        (offer.key, f"{offer.usd_per_instance_hour:.10g}", offer.valid_from.isoformat())
        for offer in catalog.listed
    ]


def as_csv(rows: Iterable[tuple[str, ...]]) -> str:
    """The table as text."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows((HEADER, *rows))
    return text.getvalue()


def changes(before: list[tuple[str, ...]], after: list[tuple[str, ...]]) -> list[str]:
    """What a reviewer reads: one line for each price that came, went or changed."""
    old, new = ({row[0]: row[1:] for row in rows} for rows in (before, after))
    told = []
    for key in sorted(old.keys() | new.keys()):
        if key not in old:
            told.append(f"+ {key}: {new[key][0]} USD/h of {new[key][1]}")
        elif key not in new:
            told.append(f"- {key}: {old[key][0]} USD/h of {old[key][1]}")
        elif old[key] != new[key]:
            told.append(f"~ {key}: {' of '.join(old[key])} -> {' of '.join(new[key])}")
    return told


if __name__ == "__main__":
    SNAPSHOT.write_text(as_csv(resolved(load_catalog(ROOT / "pricing"))), encoding="utf-8")

"""A copy of pricing/ whose prices a test may change, by appending as an analyst would."""

from __future__ import annotations

import csv
import shutil
from datetime import date
from pathlib import Path

from app.catalog.catalog import Catalog, load_catalog

ROOT = Path(__file__).resolve().parent.parent


class PricingFolder:
    """A copy below a test's own folder."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "pricing"
        shutil.copytree(ROOT / "pricing", self.path)

    def append(self, offer: str, usd: str, day: date) -> None:
        """Append a price of an offer that the table holds; blank takes it out of the table."""
        table = self.path / "offers.csv"
        with table.open(encoding="utf-8-sig", newline="") as file:
            rows = list(csv.DictReader(file))
        row = next(row for row in reversed(rows) if row["offer"] == offer)
        row |= {
            "usd_per_instance_hour": usd,
            "valid_from": day.isoformat(),
            "retrieved": day.isoformat(),
            "evidence": row["evidence"] if usd else "retired",
        }
        with table.open("a", encoding="utf-8", newline="") as file:
            csv.DictWriter(file, list(row), lineterminator="\n").writerow(row)

    def load(self, as_of: date | None = None) -> Catalog:
        """The catalogue as it is now."""
        return load_catalog(self.path, as_of=as_of)

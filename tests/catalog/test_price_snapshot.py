"""The prices in force are those that were reviewed."""

from __future__ import annotations

import csv

from app.catalog.catalog import Catalog
from tests.catalog.price_snapshot import HEADER, SNAPSHOT, as_csv, changes, resolved


def test_prices_in_force_are_those_that_were_reviewed(catalog: Catalog) -> None:
    with SNAPSHOT.open(encoding="utf-8", newline="") as file:
        header, *rows = (tuple(row) for row in csv.reader(file))
    assert header == HEADER
    told = "\n".join(changes(rows, resolved(catalog)))
    assert not told, (
        f"prices changed:\n{told}\n"
        "If that is meant: python tests/catalog/price_snapshot.py, and review the difference."
    )
    assert as_csv(resolved(catalog)) == SNAPSHOT.read_text(encoding="utf-8")


def test_a_difference_can_be_read() -> None:
    before = [("a", "1", "2026-01-01"), ("b", "2", "2026-01-01"), ("c", "3", "2026-01-01")]
    after = [("b", "2.5", "2026-02-01"), ("c", "3", "2026-01-01"), ("d", "4", "2026-02-01")]
    assert changes(before, after) == [
        "- a: 1 USD/h of 2026-01-01",
        "~ b: 2 of 2026-01-01 -> 2.5 of 2026-02-01",
        "+ d: 4 USD/h of 2026-02-01",
    ]
    assert changes(after, after) == []

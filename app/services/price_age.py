"""Every dated row of the catalogue's prices with its age."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Protocol

from app.catalog.catalog import Catalog
from app.estimator.hardware import Source


class _Dated(Protocol):
    """What every row in force says."""

    @property
    def valid_from(self) -> date: ...
    @property
    def source(self) -> Source: ...


@dataclass(frozen=True, slots=True)
class DatedPrice:
    """One row in force.

    Parameters
    ----------
    table : name of the table in pricing/ without its ending.
    age_days : from the day on which it was in force until today. [days]
    """

    table: str
    key: str
    valid_from: date
    age_days: int
    source_key: str

    @property
    def fails(self) -> bool:
        """Whether its age fails a check: a quote for a server is old until somebody asks for a new
        one, and price lists are read again.
        """
        return self.table != "servers"


def dated_prices(catalog: Catalog, today: date) -> Iterator[DatedPrice]:
    """Offers in force, managed fine-tuning, servers, storage, electricity, rates, by table.

    Notes
    -----
    Carbon, wages and surveys are statistics of a year: they do not age like prices.
    """
    tables: Mapping[str, Sequence[tuple[str, _Dated]]] = {
        "offers": [(offer.key, offer) for offer in catalog.listed],
        "managed": [(price.key, price) for price in catalog.managed],
        "servers": [(server.key, server) for server in catalog.servers],
        "storage": list(catalog.storage.items()),
        "grid": [(key, grid) for key, grid in catalog.grids.items() if grid.usd_per_kwh],
        "exchange_rates": list(catalog.exchange_rates.items()),
    }
    for table, rows in tables.items():
        for key, row in rows:
            yield DatedPrice(
                table, key, row.valid_from, (today - row.valid_from).days, row.source.key
            )


def older_than(catalog: Catalog, today: date, max_age_days: int) -> tuple[DatedPrice, ...]:
    """The rows that are older than so many days, oldest first."""
    old = [row for row in dated_prices(catalog, today) if row.age_days > max_age_days]
    return tuple(sorted(old, key=lambda row: (row.valid_from, row.table, row.key)))

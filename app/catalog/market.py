"""Market facts beside offers: from rows in force on a day to the estimator's types."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date

from app.catalog.market_rows import (
    ExchangeRateRow,
    GridRow,
    LabourRow,
    ManagedRow,
    OwnershipRow,
    ServerRow,
    StorageRow,
)
from app.catalog.pricing_rows import ProviderRow
from app.estimator.hardware import Grid, Source
from app.estimator.market import ExchangeRate, ManagedPrice, Server, StoragePrice
from app.estimator.units import BITS_PER_BYTE, GB

Sources = Mapping[str, Source]


@dataclass(frozen=True, slots=True)
class Labour:
    """What people earn, without the overhead of the employer.

    Parameters
    ----------
    usd_per_year : median wage. [USD/year]
    """

    key: str
    label: str
    country: str
    usd_per_year: float
    evidence: str
    source: Source
    valid_from: date
    retrieved: date
    note: str


@dataclass(frozen=True, slots=True)
class OwnershipRange:
    """The range of one figure of owning servers.

    Parameters
    ----------
    unit : usd_per_kw_month, usd_per_kwh, fraction, years or pue; of `low` and `high`.
    """

    key: str
    label: str
    unit: str
    low: float
    high: float
    evidence: str
    source: Source
    valid_from: date
    retrieved: date
    note: str


def managed_prices(
    rows: Iterable[ManagedRow], providers: Mapping[str, ProviderRow], sources: Sources
) -> tuple[ManagedPrice, ...]:
    """Prices of supervised fine-tuning by the token, sorted by key.

    Notes
    -----
    Preference tuning, training by the hour and mere hosting are other products: they stay in the
    table for reading.
    """
    prices = [
        ManagedPrice(
            key=row.managed,
            provider=row.provider,
            provider_name=providers[row.provider].name,
            label=row.label,
            method=row.method,
            model=row.model,
            low_billions=_number(row.low_billions),
            high_billions=_number(row.high_billions),
            usd_per_million_tokens=float(row.usd_per_million_tokens),
            minimum_usd=float(row.minimum_usd),
            hosting_usd_per_hour=_number(row.hosting_usd_per_hour),
            open_to_new=row.open_to_new,
            evidence=row.evidence,
            source=sources[row.source],
            valid_from=row.valid_from,
            retrieved=row.retrieved,
            note=row.note,
        )
        for row in rows
        if row.objective == "sft" and row.usd_per_million_tokens is not None
    ]
    return tuple(sorted(prices, key=lambda price: price.key))


def servers_for_sale(rows: Iterable[ServerRow], sources: Sources) -> tuple[Server, ...]:
    """Servers, sorted by key."""
    servers = [
        Server(
            key=row.server,
            name=row.name,
            accelerator=row.accelerator,
            gpus=row.gpus,
            low_usd=float(row.low_usd),
            high_usd=float(row.high_usd),
            power_w=float(row.power_w),
            inter_node_bytes_per_s=None
            if row.inter_node_gbit_per_s is None
            else float(row.inter_node_gbit_per_s) * GB / BITS_PER_BYTE / row.gpus,
            evidence=row.evidence,
            source=sources[row.source],
            valid_from=row.valid_from,
            retrieved=row.retrieved,
            note=row.note,
        )
        for row in rows
    ]
    return tuple(sorted(servers, key=lambda server: server.key))


def storage_prices(rows: Iterable[StorageRow], sources: Sources) -> dict[str, StoragePrice]:
    """Storage and egress by provider."""
    return {
        row.provider: StoragePrice(
            provider=row.provider,
            product=row.product,
            usd_per_gb_month=_number(row.usd_per_gb_month),
            egress_usd_per_gb=_number(row.egress_usd_per_gb),
            evidence=row.evidence,
            source=sources[row.source],
            valid_from=row.valid_from,
            retrieved=row.retrieved,
            note=row.note,
        )
        for row in rows
    }


def grids(rows: Iterable[GridRow], sources: Sources) -> dict[str, Grid]:
    """Electricity by grid."""
    return {
        row.grid: Grid(
            key=row.grid,
            label=row.label,
            data_year=row.data_year,
            g_co2e_per_kwh=float(row.g_co2e_per_kwh),
            usd_per_kwh=_number(row.usd_per_kwh),
            usd_per_kwh_source=sources[row.usd_per_kwh_source] if row.usd_per_kwh_source else None,
            evidence=row.evidence,
            source=sources[row.source],
            valid_from=row.valid_from,
            retrieved=row.retrieved,
        )
        for row in rows
    }


def exchange_rates(rows: Iterable[ExchangeRateRow], sources: Sources) -> dict[str, ExchangeRate]:
    """Exchange rates by code of ISO 4217."""
    return {
        row.code: ExchangeRate(
            code=row.code,
            name=row.name,
            digits=row.digits,
            per_usd=float(row.per_usd),
            source=sources[row.source],
            valid_from=row.valid_from,
            retrieved=row.retrieved,
        )
        for row in rows
    }


def labour(rows: Iterable[LabourRow], sources: Sources) -> dict[str, Labour]:
    """Wages by kind of work."""
    return {
        row.labour: Labour(
            key=row.labour,
            label=row.label,
            country=row.country,
            usd_per_year=float(row.usd_per_year),
            evidence=row.evidence,
            source=sources[row.source],
            valid_from=row.valid_from,
            retrieved=row.retrieved,
            note=row.note,
        )
        for row in rows
    }


def ownership(rows: Iterable[OwnershipRow], sources: Sources) -> dict[str, OwnershipRange]:
    """Ranges of the figures of owning servers."""
    ranges = {}
    for row in rows:
        unit, low, high = row.range
        ranges[row.ownership] = OwnershipRange(
            key=row.ownership,
            label=row.label,
            unit=unit,
            low=float(low),
            high=float(high),
            evidence=row.evidence,
            source=sources[row.source],
            valid_from=row.valid_from,
            retrieved=row.retrieved,
            note=row.note,
        )
    return ranges


def _number(value: object) -> float | None:
    return None if value is None else float(str(value))

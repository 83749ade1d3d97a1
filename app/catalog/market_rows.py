"""The columns of the tables in pricing/ on what is bought beside rented GPUs."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import ClassVar, Literal

from app.catalog.cells import (
    CurrencyCode,
    Fraction,
    Gbit,
    Gpus,
    GramsPerKwh,
    LifeYears,
    MinorDigits,
    Note,
    OptionalSlug,
    PerUsd,
    Pue,
    ServerWatts,
    SizeBillions,
    Slug,
    Usd,
    UsdOfJob,
    UsdOfServer,
    UsdPerGb,
    UsdPerKwh,
    UsdPerKwMonth,
    UsdPerMillionTokens,
    UsdPerYear,
    Year,
    YesNo,
)
from app.catalog.pricing_rows import DatedRow

Evidence = Literal[
    "price-api",
    "price-page",
    "dataset",
    "quoted",
    "datasheet",
    "statistics",
    "survey",
    "derived",
    "recalled",
]


class ManagedRow(DatedRow):
    """pricing/managed.csv: fine-tuning as a service."""

    key_column: ClassVar[str] = "managed"

    managed: Slug
    provider: Slug
    label: str
    method: Literal["full", "lora", "undisclosed"]
    objective: Literal["sft", "dpo", "rl", "hosting"]
    model: Note
    low_billions: SizeBillions | None
    high_billions: SizeBillions | None
    usd_per_million_tokens: UsdPerMillionTokens | None
    usd_per_training_hour: Usd | None
    minimum_usd: UsdOfJob
    hosting_usd_per_hour: UsdOfJob | None
    tuned_input_usd_per_million_tokens: UsdPerMillionTokens | None
    tuned_output_usd_per_million_tokens: UsdPerMillionTokens | None
    open_to_new: YesNo
    evidence: Evidence | Literal["retired"]
    source: Slug
    note: Note

    def faults(self) -> Iterator[tuple[str, str]]:
        """One price, for one model or for one class of sizes."""
        yield from super().faults()
        yield from self._price_faults()
        low, high = self.low_billions, self.high_billions
        if bool(self.model) == (low is not None):
            yield "model", "give either one model or low_billions; high_billions may be open"
        elif low is None and high is not None:
            yield "low_billions", "is blank where high_billions is not; 0 is the lowest"
        elif low is not None and high is not None and low >= high:
            yield "high_billions", f"is {high}, not above low_billions ({low})"
        ends = (f"{self.provider}.", f".{self.method}")
        if not (self.managed.startswith(ends[0]) and self.managed.endswith(ends[1])):
            yield (
                "managed",
                f"{self.managed!r} must begin with {ends[0]!r} and end with {ends[1]!r}",
            )

    def _price_faults(self) -> Iterator[tuple[str, str]]:
        prices = {
            "usd_per_million_tokens": self.usd_per_million_tokens,
            "usd_per_training_hour": self.usd_per_training_hour,
        }
        given = [column for column, price in prices.items() if price is not None]
        if self.evidence == "retired" or self.objective == "hosting":
            yield from ((column, f"must be blank in a {self.evidence} row") for column in given)
            if self.evidence != "retired" and self.hosting_usd_per_hour is None:
                yield "hosting_usd_per_hour", "is blank; a row for hosting needs a value"
        elif len(given) != 1:
            yield (
                "usd_per_million_tokens",
                "give a price by the token or by the hour, and only one of them",
            )


class StorageRow(DatedRow):
    """pricing/storage.csv: object storage and traffic out of one provider."""

    key_column: ClassVar[str] = "provider"

    provider: Slug
    product: str
    usd_per_gb_month: UsdPerGb | None
    egress_usd_per_gb: UsdPerGb | None
    evidence: Evidence
    source: Slug
    note: Note

    def faults(self) -> Iterator[tuple[str, str]]:
        """At least one price."""
        yield from super().faults()
        if self.usd_per_gb_month is None and self.egress_usd_per_gb is None:
            yield "usd_per_gb_month", "is blank as egress_usd_per_gb is; one of them needs a value"


class GridRow(DatedRow):
    """pricing/grid.csv: electricity of one country or cloud region."""

    key_column: ClassVar[str] = "grid"

    grid: Slug
    label: str
    data_year: Year
    g_co2e_per_kwh: GramsPerKwh
    usd_per_kwh: UsdPerKwh | None
    usd_per_kwh_source: OptionalSlug
    evidence: Evidence
    source: Slug
    note: Note

    def faults(self) -> Iterator[tuple[str, str]]:
        """A price has a source of its own."""
        yield from super().faults()
        if (self.usd_per_kwh is None) != (not self.usd_per_kwh_source):
            yield "usd_per_kwh_source", "is given exactly where usd_per_kwh is"


class RegionRow(DatedRow):
    """pricing/regions.csv: which electricity a region of a provider has."""

    key_column: ClassVar[str] = "region"

    provider: Slug
    region: str
    grid: Slug
    evidence: Evidence
    source: Slug
    note: Note

    @property
    def fact(self) -> str:
        """Provider and region."""
        return f"{self.provider} {self.region}"


class ServerRow(DatedRow):
    """pricing/servers.csv: a server that can be bought."""

    key_column: ClassVar[str] = "server"

    server: Slug
    name: str
    accelerator: Slug
    gpus: Gpus
    low_usd: UsdOfServer
    high_usd: UsdOfServer
    power_w: ServerWatts
    power_source: Slug
    inter_node_gbit_per_s: Gbit | None
    evidence: Evidence
    source: Slug
    note: Note

    def faults(self) -> Iterator[tuple[str, str]]:
        """The range in order."""
        yield from super().faults()
        if self.low_usd > self.high_usd:
            yield "high_usd", f"is {self.high_usd}, below low_usd ({self.low_usd})"


class LabourRow(DatedRow):
    """pricing/labour.csv: what people earn, without the overhead of the employer."""

    key_column: ClassVar[str] = "labour"

    labour: Slug
    label: str
    country: str
    usd_per_year: UsdPerYear
    evidence: Evidence
    source: Slug
    note: Note


class OwnershipRow(DatedRow):
    """pricing/ownership.csv: a range of one figure of owning servers, in one unit."""

    key_column: ClassVar[str] = "ownership"
    units: ClassVar[tuple[str, ...]] = (
        "usd_per_kw_month",
        "usd_per_kwh",
        "fraction",
        "years",
        "pue",
    )

    ownership: Slug
    label: str
    low_usd_per_kw_month: UsdPerKwMonth | None
    high_usd_per_kw_month: UsdPerKwMonth | None
    low_usd_per_kwh: UsdPerKwh | None
    high_usd_per_kwh: UsdPerKwh | None
    low_fraction: Fraction | None
    high_fraction: Fraction | None
    low_years: LifeYears | None
    high_years: LifeYears | None
    low_pue: Pue | None
    high_pue: Pue | None
    evidence: Evidence
    source: Slug
    note: Note

    def faults(self) -> Iterator[tuple[str, str]]:
        """One range, in one unit."""
        yield from super().faults()
        ranges = self._ranges()
        if len(ranges) != 1:
            given = ", ".join(unit for unit, _, _ in ranges) or "none"
            yield "label", f"has ranges in these units: {given}; a row has one"
        for unit, low, high in ranges:
            if low is None or high is None:
                yield f"high_{unit}", f"and low_{unit} are given together or not at all"
            elif low > high:
                yield f"high_{unit}", f"is {high}, below low_{unit} ({low})"

    @property
    def range(self) -> tuple[str, Decimal, Decimal]:
        """Unit and ends of the one range of a row without faults."""
        [(unit, low, high)] = self._ranges()
        if low is None or high is None:
            raise ValueError(f"{self.ownership}: half a range")
        return unit, low, high

    def _ranges(self) -> list[tuple[str, Decimal | None, Decimal | None]]:
        ranges = [
            (unit, getattr(self, f"low_{unit}"), getattr(self, f"high_{unit}"))
            for unit in self.units
        ]
        return [item for item in ranges if item[1:] != (None, None)]


class ExchangeRateRow(DatedRow):
    """pricing/exchange_rates.csv: what one US dollar bought on a day."""

    key_column: ClassVar[str] = "code"

    code: CurrencyCode
    name: str
    digits: MinorDigits
    per_usd: PerUsd
    evidence: Evidence
    source: Slug
    note: Note

    def faults(self) -> Iterator[tuple[str, str]]:
        """The dollar is the dollar."""
        yield from super().faults()
        if self.code == "USD" and self.per_usd != 1:
            yield "per_usd", f"is {self.per_usd}; one US dollar is 1"

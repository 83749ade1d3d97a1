"""The columns of the tables in pricing/, with ranges that catch a wrong unit."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from typing import ClassVar, Literal

from app.catalog.cells import (
    Count,
    Day,
    Gbit,
    Gib,
    Gpus,
    HostGib,
    LinkRate,
    MemoryRate,
    Note,
    Slug,
    TeraFlops,
    Usd,
    VectorTeraFlops,
    Watts,
    Year,
    YesNo,
)
from app.catalog.tables import Row

Link = Literal["nvlink", "nvlink-pair", "infinity-fabric", "roce", "ici", "neuronlink", "pcie"]
Tier = Literal["list", "spot", "capacity-block", "marketplace"]
PurchaseOption = Literal["on-demand", "spot", "reserved-1y", "reserved-3y", "capacity-block"]

LOWEST_USD_PER_GPU_HOUR = Decimal("0.05")
HIGHEST_USD_PER_GPU_HOUR = Decimal(60)
SMALLEST_USABLE_SHARE = Decimal("0.9")

_FIRM_TIER = {"spot": "spot", "capacity-block": "capacity-block"}


def tier_of(purchase_option: str, *, firm: bool) -> str:
    """What a price is worth by who sells it and how.

    Examples
    --------
    >>> tier_of("reserved-3y", firm=True), tier_of("spot", firm=True), tier_of("spot", firm=False)
    ('list', 'spot', 'marketplace')
    """
    return _FIRM_TIER.get(purchase_option, "list") if firm else "marketplace"


def dates_in_order(valid_from: date, retrieved: date) -> Iterator[tuple[str, str]]:
    """A fact cannot have been read before it held."""
    if valid_from > retrieved:
        yield "valid_from", f"{valid_from} is after retrieved ({retrieved}); one of them is wrong"


class DatedRow(Row):
    """A row of a table to which history is appended.

    A fact may stand there many times; in force on a day is the newest of its rows that is not
    after it.
    """

    duplicate_hint: ClassVar[str] = (
        "a newer figure has its own valid_from, a corrected one its own retrieved"
    )

    valid_from: Day
    retrieved: Day

    @property
    def fact(self) -> str:
        """What the row is about; the same in all rows of its history."""
        return super().key

    @property
    def key(self) -> str:
        """The fact and its two days."""
        return f"{self.fact} of {self.valid_from}, retrieved {self.retrieved}"

    def faults(self) -> Iterator[tuple[str, str]]:
        """Dates in order."""
        yield from dates_in_order(self.valid_from, self.retrieved)


class SourceRow(Row):
    """pricing/sources.csv: where facts were read."""

    key_column: ClassVar[str] = "source"

    source: Slug
    title: str
    publisher: str
    kind: Literal["price_api", "price_page", "datasheet", "dataset", "paper", "code", "note"]
    locator: str
    published: Day | None
    retrieved: Day
    licence: str
    note: Note

    def faults(self) -> Iterator[tuple[str, str]]:
        """Published no later than retrieved."""
        if self.published is not None and self.published > self.retrieved:
            yield "published", f"{self.published} is after retrieved ({self.retrieved})"


class AcceleratorRow(Row):
    """pricing/accelerators.csv: one GPU model, dense rates, bandwidths of one direction."""

    key_column: ClassVar[str] = "accelerator"

    accelerator: Slug
    name: str
    vendor: str
    architecture: str
    year: Year
    memory_gib: Gib
    memory_bandwidth_gb_per_s: MemoryRate
    fp32_tflop_per_s: VectorTeraFlops | None
    tf32_dense_tflop_per_s: TeraFlops | None
    bf16_dense_tflop_per_s: TeraFlops | None
    fp16_dense_tflop_per_s: TeraFlops | None
    fp8_dense_tflop_per_s: TeraFlops | None
    link: Link
    link_gb_per_s_per_direction: LinkRate
    pcie_gb_per_s_per_direction: LinkRate | None
    tdp_w: Watts | None
    evidence: Literal["datasheet", "dataset", "recalled"]
    valid_from: Day
    retrieved: Day
    source: Slug
    note: Note

    def faults(self) -> Iterator[tuple[str, str]]:
        """Dates in order; a PCIe card has no faster link than PCIe; a rate to train at."""
        yield from dates_in_order(self.valid_from, self.retrieved)
        if (
            self.link == "pcie"
            and self.link_gb_per_s_per_direction != self.pcie_gb_per_s_per_direction
        ):
            yield (
                "link_gb_per_s_per_direction",
                "differs from the PCIe figure although link is pcie; repeat that figure",
            )
        if self.bf16_dense_tflop_per_s is None and self.fp16_dense_tflop_per_s is None:
            yield "fp16_dense_tflop_per_s", "is blank as bf16 is; one of them needs a value"


class ProviderRow(Row):
    """pricing/providers.csv: who sells, and whether a company can sign the price."""

    key_column: ClassVar[str] = "provider"

    provider: Slug
    name: str
    firm: YesNo
    note: Note


class OfferRow(DatedRow):
    """pricing/offers.csv: one price of one instance in one region."""

    key_column: ClassVar[str] = "offer"

    offer: Slug
    provider: Slug
    instance: str
    accelerator: Slug
    gpus_per_instance: Gpus
    gpu_memory_gib: Gib
    vcpus: Count | None
    host_memory_gib: HostGib | None
    intra_node_link: Literal[
        "nvlink", "nvlink-pair", "infinity-fabric", "ici", "neuronlink", "pcie", "none"
    ]
    inter_node_gbit_per_s: Gbit | None
    region: str
    purchase_option: PurchaseOption
    usd_per_instance_hour: Usd | None
    tier: Tier
    trainable: YesNo
    minimum_instances: Count
    evidence: Literal["price-api", "price-page", "dataset", "sample", "quoted", "retired"]
    source: Slug
    note: Note

    def faults(self) -> Iterator[tuple[str, str]]:
        """Dates, price per GPU, link and name agree with the other cells."""
        yield from super().faults()
        yield from self._price_faults()
        if (self.gpus_per_instance == 1) != (self.intra_node_link == "none"):
            yield (
                "intra_node_link",
                f"is {self.intra_node_link} with {self.gpus_per_instance} GPUs; "
                "none is for one GPU and only for one GPU",
            )
        if self.minimum_instances != 1:
            yield (
                "minimum_instances",
                f"is {self.minimum_instances}; write the smallest unit that is sold as one "
                "instance, with its GPUs and its price, and 1 here",
            )
        name = offer_key(self.provider, self.instance, self.region, self.purchase_option)
        if self.offer != name:
            yield "offer", f"{self.offer!r} must be {name!r} by the other cells"

    def _price_faults(self) -> Iterator[tuple[str, str]]:
        """A price of the whole instance, or none from the day on which it was retired."""
        if (self.usd_per_instance_hour is None) != (self.evidence == "retired"):
            yield (
                "usd_per_instance_hour",
                "is blank; this column needs a value"
                if self.usd_per_instance_hour is None
                else "must be blank where evidence is retired",
            )
        if self.usd_per_instance_hour is None:
            return
        per_gpu = self.usd_per_instance_hour / self.gpus_per_instance
        if not LOWEST_USD_PER_GPU_HOUR <= per_gpu <= HIGHEST_USD_PER_GPU_HOUR:
            yield (
                "usd_per_instance_hour",
                f"is {per_gpu:.4g} USD per GPU and hour; {LOWEST_USD_PER_GPU_HOUR} to "
                f"{HIGHEST_USD_PER_GPU_HOUR} is expected: give the price of the whole instance",
            )


def offer_key(provider: str, instance: str, region: str, purchase_option: str) -> str:
    """Name of an offer: its parts in lower case, with dashes, joined by dots.

    Examples
    --------
    >>> offer_key("aws", "p5.48xlarge", "us-east-1", "reserved-3y")
    'aws.p5-48xlarge.us-east-1.reserved-3y'
    >>> offer_key("vast", "1x-H100_SXM", "Florida US", "on-demand")
    'vast.1x-h100-sxm.florida-us.on-demand'
    """
    return ".".join((provider, _slug(instance), _slug(region), purchase_option))


def _slug(text: str) -> str:
    words = "".join(c if c.isascii() and c.isalnum() else " " for c in text.lower()).split()
    return "-".join(words) or "all"
